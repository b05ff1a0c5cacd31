//! `streamgrad train`.

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use clap::Args;
use serde::{Deserialize, Serialize};
use streamgrad::{FolderStore, TensorBoard, Trainer};

use crate::answer::{Failure, Outcome};
use crate::data::DataArguments;
use crate::guarding::GuardArguments;
use crate::run::Run;
use crate::session::Session;
use crate::signals::Stop;
use crate::text;

/// Learns from every record once: it is predicted, counted in the metrics, then learned. Ctrl-C and SIGTERM finish the batch,
/// save, and print the summary.
#[derive(Debug, Args)]
#[command(override_usage = "streamgrad train <BUNDLE> --data <FILE>... [OPTIONS]")]
#[command(after_help = "\
The loss and the metrics are progressive: each record was predicted before it was learned. Where standard error is no terminal, a line is
printed whenever the rows have doubled.")]
pub(crate) struct Arguments {
    /// The folder of the bundle, or a JSON that describes a graph
    pub(crate) bundle: PathBuf,
    /// Keep what is learned in this folder, and go on from what it holds
    #[arg(long, value_name = "DIR")]
    pub(crate) store: Option<PathBuf>,
    /// Go on where the store was in this very data; without it the data is read from its beginning
    #[arg(long, requires = "store")]
    pub(crate) resume: bool,
    /// Save this often
    #[arg(long, value_name = "SECONDS", default_value_t = 60, requires = "store")]
    save_every: u64,
    /// Keep so many versions
    #[arg(long, value_name = "N", default_value_t = 5, requires = "store")]
    keep: usize,
    /// Rows of a batch
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) batch: Option<u32>,
    /// How often the data is read
    #[arg(long, value_name = "N", default_value_t = 1, value_parser = clap::value_parser!(u64).range(1..))]
    pub(crate) epochs: u64,
    /// Shuffle within blocks of so many rows
    #[arg(long, value_name = "N", value_parser = clap::value_parser!(u32).range(1..))]
    pub(crate) shuffle: Option<u32>,
    /// What decides the order of shuffled rows
    #[arg(long, value_name = "N", default_value_t = 0)]
    pub(crate) seed: u64,
    /// A constant learning rate in place of the bundle's
    #[arg(long, value_name = "X")]
    learning_rate: Option<f32>,
    /// Rows of the metrics' sliding window
    #[arg(long, value_name = "N", default_value_t = 10_000)]
    pub(crate) window: usize,
    /// When the rows happened, for tables whose rows expire by that: `now`, or seconds since 1970
    #[arg(long, value_name = "TIME", value_parser = event_time)]
    pub(crate) event_time: Option<EventTime>,
    /// Write each row's number, its prediction from before it was learned, and its label
    #[arg(long, value_name = "OUT.csv")]
    pub(crate) predictions: Option<PathBuf>,
    /// Write how the run went, for `streamgrad report`
    #[arg(long, value_name = "RUN.json")]
    pub(crate) report: Option<PathBuf>,
    /// Write TensorBoard's event files into this folder
    #[arg(long, value_name = "DIR")]
    pub(crate) tensorboard: Option<PathBuf>,
    /// Steps from one point of TensorBoard's curves to the next
    #[arg(long, value_name = "STEPS", default_value_t = 200, value_parser = clap::value_parser!(u64).range(1..), requires = "tensorboard")]
    tensorboard_every: u64,
    /// Allow an op of the graph that reaches files, the network or other libraries
    #[arg(long, value_name = "OP")]
    allow_op: Vec<String>,
    // Their headings hold for all that follows.
    #[command(flatten)]
    pub(crate) guarding: GuardArguments,
    #[command(flatten)]
    pub(crate) data: DataArguments,
}

#[derive(Clone, Copy, Debug)]
pub(crate) enum EventTime {
    Now,
    At(SystemTime),
}

fn event_time(text: &str) -> Result<EventTime, String> {
    match text {
        "now" => Ok(EventTime::Now),
        seconds => seconds
            .parse()
            .map(|seconds| EventTime::At(SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)))
            .map_err(|_| "give `now`, or seconds since 1970".into()),
    }
}

/// Where a run is in its data, as the store keeps it.
#[derive(Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Position {
    pub(crate) rows: u64,
    /// Of these, the ones whose update was refused: nothing was predicted for them.
    #[serde(default)]
    pub(crate) quarantined: u64,
    pub(crate) data: Vec<String>,
    pub(crate) shuffle: Option<u32>,
    pub(crate) seed: u64,
}

pub(crate) fn run(arguments: Arguments, silent: bool) -> Outcome {
    let stop = Stop::watch()?;
    arguments.data.check()?;
    arguments.guarding.check(arguments.store.is_some())?;
    let trainer = Arc::new(arguments.open()?);
    arguments.check(&trainer)?;
    let stop = stop.or_of(&trainer);
    let mut session = Session::begin(&arguments, &trainer, &stop, silent)?;
    let learned = session.learn();
    session.progress.finish();
    // What was learned is saved, whatever ended it.
    let saved = match &arguments.store {
        Some(_) => trainer.save().map(Some).map_err(Failure::from),
        None => Ok(None),
    };
    if let Some(writer) = &mut session.predictions {
        writer.flush()?;
    }
    learned?;
    session.answer(saved?)
}

impl Arguments {
    fn open(&self) -> Outcome<Trainer> {
        let mut builder = Trainer::builder(&self.bundle).metrics_window(self.window).guard(self.guarding.guard());
        for op in &self.allow_op {
            builder = builder.allow_op(op);
        }
        if let Some(rate) = self.learning_rate {
            builder = builder.learning_rate(rate);
        }
        if let Some(folder) = &self.tensorboard {
            builder = builder.tensorboard(TensorBoard::new(folder).every(self.tensorboard_every));
        }
        if let Some(store) = &self.store {
            let store = FolderStore::builder(store).keep_last(self.keep).every(Duration::from_secs(self.save_every)).open()?;
            builder = builder.store(store);
        }
        Ok(builder.open()?)
    }

    fn check(&self, trainer: &Trainer) -> Outcome<()> {
        let manifest = trainer.bundle().manifest();
        let expires = manifest.tables.iter().find(|table| table.settings.get("expiry").is_some_and(|expiry| expiry["kind"] == "seconds"));
        if let (Some(table), None) = (expires, self.event_time) {
            let context = "give --event-time now, or the seconds since 1970 when these rows happened";
            return Err(Failure::usage(format!("the rows of the table {} expire by event time: {context}", table.name)));
        }
        match (trainer.schema().rows(), self.batch) {
            (Some(rows), Some(batch)) if rows != batch as usize => {
                Err(Failure::usage(format!("the model's graph holds batches of {rows} rows: leave --batch out, or give {rows}")))
            }
            _ => Ok(()),
        }
    }

    pub(crate) fn names(&self) -> Vec<String> {
        self.data.data.iter().map(|path| path.display().to_string()).collect()
    }

    pub(crate) fn position(&self, rows: u64, quarantined: u64) -> Position {
        Position { rows, quarantined, data: self.names(), shuffle: self.shuffle, seed: self.seed }
    }
}

impl Arguments {
    /// The rows of this data that the store has passed, and those of them whose update was refused.
    pub(crate) fn resumed(&self, trainer: &Trainer) -> Outcome<(u64, u64)> {
        let Some(bytes) = trainer.position()?.filter(|_| self.resume) else { return Ok((0, 0)) };
        let position: Position = serde_json::from_slice(&bytes)
            .map_err(|_| Failure::new("the store's position in its stream was set by another program; leave --resume out"))?;
        let same = self.position(position.rows, position.quarantined);
        if position != same {
            let shuffled =
                |position: &Position| position.shuffle.map_or(String::new(), |rows| format!(" --shuffle {rows} --seed {}", position.seed));
            return Err(Failure::new(format!(
                "the store is in the middle of other data: --data {}{}; give the same, or leave --resume out",
                position.data.join(" "),
                shuffled(&position)
            )));
        }
        Ok((position.rows, position.quarantined.min(position.rows)))
    }

    pub(crate) fn summary(&self, run: &Run, left_over: usize) -> String {
        let time = Duration::from_secs_f64(run.seconds);
        let rate = run.rows as f64 / run.seconds;
        let mut text = format!(
            "learned {} in {}, {} ({} rows/s)\n",
            text::counted(run.rows, "row"),
            text::counted(run.steps, "step"),
            text::duration(time),
            text::count(rate as u64)
        );
        if run.refused > 0 {
            text += &format!("refused {}\n", text::counted(run.refused, "record"));
        }
        if run.quarantined > 0 {
            text += &format!("quarantined {}\n", text::counted(run.quarantined, "row"));
        }
        if left_over > 0 {
            text += &format!("left over {left_over} rows that make no whole batch\n");
        }
        let shown = |value: Option<f64>| text::value(value.unwrap_or(f64::NAN));
        let mut table = vec![vec![String::new(), "all rows".into(), format!("last {}", text::count(self.window as u64))]];
        let row = |(name, (total, window)): (&String, &(Option<f64>, Option<f64>))| vec![name.clone(), shown(*total), shown(*window)];
        table.extend(run.metrics.iter().filter(|(name, _)| *name == "loss").map(row));
        table.extend(run.metrics.iter().filter(|(name, _)| *name != "loss").map(row));
        text += &text::table(&table, true);
        text += &match &self.store {
            Some(store) => format!("version {} saved in {}", run.version, store.display()),
            None => "nothing is kept: no --store was given".into(),
        };
        if let Some(folder) = &run.tensorboard {
            text += &format!("\ntensorboard --logdir {folder}");
        }
        if run.ended != "end of the data" {
            text += &format!("\nstopped by {}; go on with --resume", run.ended);
        }
        text
    }
}
