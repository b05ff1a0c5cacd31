//! `streamgrad evaluate`.

use std::path::PathBuf;
use std::time::{Duration, Instant};

use clap::Args;
use serde_json::json;
use streamgrad::BatchView;

use crate::answer::{Answer, Failure, Outcome};
use crate::confusion::Confusion;
use crate::data::DataArguments;
use crate::open::ModelArguments;
use crate::rows::Rows;
use crate::run::{metrics, whole};
use crate::signals::Stop;
use crate::{progress, text};

/// Loss, metrics, confusion and latency on records that have labels. Nothing is learned.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(flatten)]
    model: ModelArguments,
    #[command(flatten)]
    data: DataArguments,
    /// Rows of a batch; 1 measures the latency of single records
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    batch: Option<u32>,
    /// Write the same as JSON to this file
    #[arg(long, value_name = "OUT.json")]
    report: Option<PathBuf>,
}

pub(crate) fn run(arguments: Arguments, silent: bool) -> Outcome {
    let Arguments { model, data, batch, report } = arguments;
    data.check()?;
    let (trainer, version) = model.trainer(1)?;
    let schema = trainer.schema().clone();
    let stop = Stop::watch()?;
    let mut rows = Rows::new(&data, data.reading.fields(&schema)?.labelled(), 1, &stop)?;
    let wanted = schema.rows().unwrap_or_else(|| batch.map_or(256, |rows| rows as usize));
    let mut confusion = Confusion::of(trainer.bundle(), &schema);
    let mut evaluator = trainer.evaluator()?;
    let (mut batch, mut numbers, mut times) = (schema.batch_with_capacity(wanted), Vec::new(), Vec::new());
    loop {
        rows.fill(&mut batch, &mut numbers)?;
        for refusal in rows.refused().news().into_iter().filter(|_| !silent) {
            progress::print(&format!("refused {refusal}"));
        }
        if batch.rows() == 0 || schema.rows().is_some_and(|rows| batch.rows() < rows) {
            break;
        }
        let started = Instant::now();
        let (_, predictions) = evaluator.add(&batch)?;
        times.push(started.elapsed());
        if let Some(confusion) = &mut confusion {
            confusion.add(&schema, &BatchView::from(&batch), &predictions);
        }
    }
    let refused = rows.refused().count();
    if times.is_empty() {
        return Err(match refused {
            0 => Failure::new("there is no record to evaluate"),
            _ => rows.refused().all(),
        });
    }
    let evaluation = evaluator.finish()?;
    let latency = Latency::of(times);
    let version = version.map_or_else(|| trainer.pin().map(|version| version.id()), Ok)?.to_string();
    let found = metrics(evaluation.metrics());
    let document = json!({
        "bundle": trainer.bundle().manifest().name, "identity": trainer.bundle().identity(), "version": version,
        "data": data.data, "rows": evaluation.rows(), "refused": refused, "refusals": rows.refused().first(), "left_over": batch.rows(),
        "metrics": found.iter().map(|(name, (total, _))| (name.clone(), json!(total))).collect::<serde_json::Map<_, _>>(),
        "confusion": confusion.as_ref().map(Confusion::json),
        "latency": latency.json(wanted),
    });
    if let Some(path) = &report {
        whole(path, &format!("{document:#}\n"))?;
    }
    let mut said = format!("{} rows by version {version} of {}\n", text::count(evaluation.rows()), trainer.bundle().manifest().name);
    if refused > 0 {
        said += &format!("refused {}\n", text::counted(refused, "record"));
    }
    if batch.rows() > 0 {
        said += &format!("left over {} rows that make no whole batch\n", batch.rows());
    }
    let values: Vec<Vec<String>> = evaluation.metrics().iter().map(|(name, total, _)| vec![name.to_owned(), text::value(total)]).collect();
    said += &format!("\n{}", text::table(&values, true));
    if let Some(confusion) = &confusion {
        said += &format!("\n{}", confusion.text());
    }
    said += &format!("\n{}", latency.text(wanted, evaluation.rows()));
    Ok(Answer::new(said, document).exit(stop.exit().unwrap_or(0)))
}

/// How long batches took.
struct Latency {
    /// In order.
    times: Vec<Duration>,
}

impl Latency {
    fn of(mut times: Vec<Duration>) -> Self {
        times.sort_unstable();
        Self { times }
    }

    /// The time that this share of the batches did not exceed.
    fn percentile(&self, percent: usize) -> Duration {
        let rank = (self.times.len() * percent).div_ceil(100).clamp(1, self.times.len());
        self.times[rank - 1]
    }

    fn total(&self) -> Duration {
        self.times.iter().sum()
    }

    fn json(&self, batch: usize) -> serde_json::Value {
        let micros = |percent| self.percentile(percent).as_secs_f64() * 1e6;
        json!({
            "batch": batch, "batches": self.times.len(), "seconds": self.total().as_secs_f64(),
            "microseconds": {"p50": micros(50), "p90": micros(90), "p99": micros(99), "max": micros(100)},
        })
    }

    fn text(&self, batch: usize, rows: u64) -> String {
        let at = |percent| text::duration(self.percentile(percent));
        format!(
            "batches of {batch}: p50 {}, p90 {}, p99 {}, max {}; {} rows/s",
            at(50),
            at(90),
            at(99),
            at(100),
            text::count((rows as f64 / self.total().as_secs_f64()) as u64)
        )
    }
}
