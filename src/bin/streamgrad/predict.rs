//! `streamgrad predict`.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::Args;
use serde_json::json;
use streamgrad::snapshot::SnapshotFolder;
use streamgrad::{BatchView, Predictor};

use crate::answer::{Answer, Outcome};
use crate::data::{DataArguments, Reading};
use crate::open::{ModelArguments, named};
use crate::output::PredictionWriter;
use crate::rows::Rows;
use crate::signals::Stop;
use crate::{progress, prompt, text};

/// Predicts the records of files into CSV: `row,prediction`, or `row,p0,p1,...` where a row has several values. Without --data, records
/// are read line by line and answered at once: JSON objects, or the values of the fields in their order, with commas between.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    model: ModelArguments,
    /// Files of records, one after the other; `-` is standard input
    #[arg(long, value_name = "FILE", num_args = 1.., help_heading = "Records")]
    data: Vec<PathBuf>,
    #[command(flatten)]
    reading: Reading,
    /// Where the predictions go; else to standard output
    #[arg(long, value_name = "OUT.csv", requires = "data")]
    out: Option<PathBuf>,
    /// Write the records' labels beside the predictions
    #[arg(long, requires = "data")]
    labels: bool,
    /// Rows of a batch
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    batch: Option<u32>,
    /// The signature of a SavedModel to predict by
    #[arg(long, value_name = "NAME")]
    signature: Option<String>,
}

pub(crate) fn run(arguments: Arguments) -> Outcome {
    let predictor = arguments.open()?;
    if arguments.data.is_empty() {
        return prompt::run(&predictor, &arguments.reading);
    }
    let schema = predictor.schema().clone();
    let stop = Stop::watch()?;
    let data = DataArguments { data: arguments.data.clone(), reading: arguments.reading.clone() };
    let mut rows = Rows::new(&data, arguments.reading.fields(&schema)?, 1, &stop)?;
    let mut writer = PredictionWriter::create(arguments.out.as_deref(), &schema, arguments.labels)?;
    let wanted = schema.rows().unwrap_or_else(|| arguments.batch.map_or(256, |rows| rows as usize));
    let mut batch = schema.batch_with_capacity(wanted);
    let (mut numbers, started) = (Vec::new(), Instant::now());
    loop {
        rows.fill(&mut batch, &mut numbers)?;
        for refusal in rows.refused().news() {
            progress::print(&format!("refused {refusal}"));
        }
        if batch.rows() == 0 || schema.rows().is_some_and(|rows| batch.rows() < rows) {
            break;
        }
        let predictions = predictor.predict(&batch)?;
        writer.write(&schema, &predictions, &BatchView::from(&batch), &numbers)?;
    }
    writer.flush()?;
    let (given, refused) = (rows.given(), rows.refused().count());
    if given == 0 && refused > 0 {
        return Err(rows.refused().all());
    }
    let (version, seconds) = (predictor.version()?.to_string(), started.elapsed());
    let out = arguments.out.as_ref().map(|path| path.display().to_string());
    let document = json!({
        "rows": given, "refused": refused, "refusals": rows.refused().first(), "left_over": batch.rows(),
        "version": version, "seconds": seconds.as_secs_f64(), "out": out,
    });
    let exit = stop.exit().unwrap_or(0);
    match out {
        // Standard output has the predictions.
        None => Ok(Answer::silent(document).exit(exit)),
        Some(out) => {
            let mut said = format!("predicted {} rows by version {version} in {}: {out}", text::count(given), text::duration(seconds));
            if refused > 0 {
                said += &format!("\nrefused {}", text::counted(refused, "record"));
            }
            if batch.rows() > 0 {
                said += &format!("\nleft over {} rows that make no whole batch", batch.rows());
            }
            Ok(Answer::new(said, document).exit(exit))
        }
    }
}

impl Arguments {
    fn open(&self) -> Outcome<Predictor> {
        let mut builder = Predictor::builder(&self.model.bundle);
        for op in &self.model.allow_op {
            builder = builder.allow_op(op);
        }
        if let Some(signature) = &self.signature {
            builder = builder.signature(signature);
        }
        if let Some(store) = &self.model.store {
            // A file is predicted by one version, whatever is saved meanwhile.
            let every = if self.data.is_empty() { Duration::from_secs(1) } else { Duration::ZERO };
            builder = builder.follow(store).every(every);
        }
        let predictor = builder.open()?;
        if let (Some(store), Some(version)) = (&self.model.store, &self.model.version) {
            predictor.pin(named(&SnapshotFolder::open(store)?, version)?)?;
        }
        Ok(predictor)
    }
}
