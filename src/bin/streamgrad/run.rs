//! What `train --report` writes and `report` draws: how a run went.

use std::collections::BTreeMap;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use serde::{Deserialize, Serialize};
use streamgrad::metrics::MetricValues;
use streamgrad::snapshot::KeptVersion;

use crate::answer::{Failure, Outcome};

const FORMAT: u64 = 1;
const KIND: &str = "streamgrad run";
/// More points than this are thinned out to half of them.
const MOST_POINTS: usize = 1024;
/// More events than this are only counted.
const MOST_EVENTS: usize = 1000;

/// How a run went. Every number that is not defined is null.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Run {
    format: u64,
    kind: String,
    /// The bundle's name and identity.
    pub(crate) bundle: String,
    pub(crate) identity: String,
    pub(crate) data: Vec<String>,
    pub(crate) store: Option<String>,
    /// The folder of TensorBoard's event files, if they could be written.
    #[serde(default)]
    pub(crate) tensorboard: Option<String>,
    /// Milliseconds since 1970.
    pub(crate) started: u64,
    pub(crate) seconds: f64,
    /// Rows passed over by `--resume`.
    pub(crate) skipped: u64,
    pub(crate) rows: u64,
    pub(crate) steps: u64,
    pub(crate) refused: u64,
    pub(crate) refusals: Vec<String>,
    /// Rows of batches that were refused by the guard of the trainer.
    pub(crate) quarantined: u64,
    /// The end of the data, or the signal that came.
    pub(crate) ended: String,
    pub(crate) version: String,
    /// By name: over all rows, over the window.
    pub(crate) metrics: BTreeMap<String, (Option<f64>, Option<f64>)>,
    pub(crate) points: Vec<Point>,
    pub(crate) events: Vec<Event>,
    pub(crate) versions: Vec<Saved>,
}

/// The state after some step.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Point {
    pub(crate) rows: u64,
    pub(crate) seconds: f64,
    /// The mean loss of the rows since the point before.
    pub(crate) since_last: Option<f64>,
    pub(crate) rows_per_second: Option<f64>,
    pub(crate) learning_rate: f32,
    pub(crate) metrics: BTreeMap<String, (Option<f64>, Option<f64>)>,
    /// The sum of the loss over this run's rows.
    #[serde(skip)]
    loss: f64,
}

/// What happened beside learning.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Event {
    pub(crate) rows: u64,
    pub(crate) seconds: f64,
    pub(crate) kind: String,
    pub(crate) text: String,
}

/// A version that the store keeps at the end.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Saved {
    pub(crate) version: String,
    /// Where its lineage departed from.
    pub(crate) parent: Option<String>,
    /// What it builds on, if it is a delta.
    pub(crate) base: Option<String>,
    /// Milliseconds since 1970.
    pub(crate) time: u64,
    pub(crate) bytes: u64,
}

/// All metrics of a moment; null where one is not defined.
pub(crate) fn metrics(values: &MetricValues) -> BTreeMap<String, (Option<f64>, Option<f64>)> {
    let defined = |value: f64| Some(value).filter(|value| value.is_finite());
    values.iter().map(|(name, total, window)| (name.to_owned(), (defined(total), defined(window)))).collect()
}

/// Milliseconds since 1970.
pub(crate) fn milliseconds(time: SystemTime) -> u64 {
    u64::try_from(time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_millis()).unwrap_or(u64::MAX)
}

impl Saved {
    pub(crate) fn of(kept: &KeptVersion, parent: Option<String>) -> Self {
        Self {
            version: kept.version.to_string(),
            parent,
            base: kept.base.map(|base| base.to_string()),
            time: milliseconds(kept.time),
            bytes: kept.bytes,
        }
    }
}

impl Run {
    /// A run that begins now.
    pub(crate) fn begin(bundle: &str, identity: &str, data: Vec<String>, store: Option<String>) -> Self {
        Self {
            format: FORMAT,
            kind: KIND.into(),
            bundle: bundle.into(),
            identity: identity.into(),
            data,
            store,
            tensorboard: None,
            started: milliseconds(SystemTime::now()),
            seconds: 0.0,
            skipped: 0,
            rows: 0,
            steps: 0,
            refused: 0,
            refusals: Vec::new(),
            quarantined: 0,
            ended: String::new(),
            version: String::new(),
            metrics: BTreeMap::new(),
            points: Vec::new(),
            events: Vec::new(),
            versions: Vec::new(),
        }
    }

    /// Whether this file says that it is of a run.
    pub(crate) fn is_at(path: &Path) -> bool {
        let found = std::fs::read(path).ok().and_then(|text| serde_json::from_slice::<serde_json::Value>(&text).ok());
        found.is_some_and(|found| found["kind"] == KIND)
    }

    pub(crate) fn read(path: &Path) -> Outcome<Self> {
        let text = std::fs::read(path).map_err(|error| Failure::io(path.display(), &error))?;
        let wrong = |reason: String| Failure::new(format!("{}: {reason}; give a file that `train --report` wrote", path.display()));
        let run: Self = serde_json::from_slice(&text).map_err(|error| wrong(format!("it describes no run: {error}")))?;
        match (run.format, run.kind.as_str()) {
            (FORMAT, KIND) => Ok(run),
            (format, kind) => Err(wrong(format!("it is format {format} of {kind:?}"))),
        }
    }

    /// Writes it to a file that appears complete or not at all.
    pub(crate) fn write(&self, path: &Path) -> Outcome<()> {
        let text = serde_json::to_string(self).map_err(|error| Failure::new(format!("{}: {error}", path.display())))?;
        whole(path, &text)
    }
}

/// Writes a file that appears complete or not at all.
pub(crate) fn whole(path: &Path, text: &str) -> Outcome<()> {
    let failed = |error: std::io::Error| Failure::io(path.display(), &error);
    if path.exists() && !path.is_file() {
        return std::fs::write(path, text).map_err(failed);
    }
    let mut part = path.as_os_str().to_owned();
    part.push(".part");
    std::fs::write(&part, text).and_then(|()| std::fs::rename(&part, path)).map_err(failed)
}

/// Notes a run while it goes on.
#[derive(Debug)]
pub(crate) struct Recorder {
    pub(crate) run: Run,
    started: Instant,
    /// Steps from one point to the next.
    stride: u64,
    loss: f64,
}

impl Recorder {
    pub(crate) fn new(run: Run) -> Self {
        Self { run, started: Instant::now(), stride: 1, loss: 0.0 }
    }

    pub(crate) fn elapsed(&self) -> Duration {
        self.started.elapsed()
    }

    /// The mean loss of this run's rows.
    pub(crate) fn loss(&self) -> f64 {
        self.loss / self.run.rows as f64
    }

    /// The sum of the loss over this run's rows.
    pub(crate) fn loss_sum(&self) -> f64 {
        self.loss
    }

    /// Takes in a step.
    pub(crate) fn step(&mut self, rows: usize, loss: f32, learning_rate: f32, values: &MetricValues) {
        self.run.rows += rows as u64;
        self.run.steps += 1;
        self.loss += f64::from(loss) * rows as f64;
        if !self.run.steps.is_multiple_of(self.stride) {
            return;
        }
        let (rows, seconds, loss) = (self.run.rows, self.started.elapsed().as_secs_f64(), self.loss);
        let metrics = metrics(values);
        self.run.points.push(Point { rows, seconds, since_last: None, rows_per_second: None, learning_rate, metrics, loss });
        if self.run.points.len() > MOST_POINTS {
            self.stride *= 2;
            let mut number = 0;
            self.run.points.retain(|_| {
                number += 1;
                number % 2 == 0
            });
        }
    }

    pub(crate) fn event(&mut self, kind: &str, text: impl Into<String>) {
        if self.run.events.len() < MOST_EVENTS {
            let seconds = self.started.elapsed().as_secs_f64();
            self.run.events.push(Event { rows: self.run.rows, seconds, kind: kind.into(), text: text.into() });
        }
    }

    /// The run, once it has ended.
    pub(crate) fn finish(mut self) -> Run {
        self.run.seconds = self.started.elapsed().as_secs_f64();
        let mut before = (0, 0.0, 0.0);
        for point in &mut self.run.points {
            let (rows, seconds, loss) = (point.rows - before.0, point.seconds - before.1, point.loss - before.2);
            point.since_last = Some(loss / rows as f64).filter(|loss| loss.is_finite());
            point.rows_per_second = Some(rows as f64 / seconds).filter(|rate| rate.is_finite());
            before = (point.rows, point.seconds, point.loss);
        }
        self.run
    }
}
