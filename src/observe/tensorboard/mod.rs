//! TensorBoard's event files, written beside training.
//!
//! Every so many steps a sample is put into a bounded queue: numbers, and now and then the parameters (by a pointer) and a copy of the
//! gradients. A thread turns samples into events. If it cannot keep up, or the folder cannot be written, samples are dropped and
//! counted, and learning goes on.

mod event;
mod files;
mod histogram;
mod sample;
mod worker;

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::mpsc::{SyncSender, sync_channel};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use parking_lot::Mutex;

use crate::bundle::Bundle;
use crate::error::{Error, ErrorKind, Result};

use sample::Turns;
pub(crate) use sample::{Held, Sample};
use worker::Worker;

const OPEN: &str = "write TensorBoard events";

/// The samples that may wait.
const QUEUE: usize = 64;

/// Where and how often a trainer writes for TensorBoard; see [`TrainerBuilder::tensorboard`](crate::trainer::TrainerBuilder::tensorboard).
/// `docs/observing.md` lists the curves.
#[derive(Clone, Debug)]
pub struct TensorBoard {
    folder: PathBuf,
    every: u64,
    histograms_every: u64,
    flush_every: Duration,
    file_bytes: u64,
    files: usize,
}

impl TensorBoard {
    /// Writes to this folder, which is made when there is something to write. Each trainer needs one of its own; one that goes on from a
    /// snapshot may go on in the same folder.
    pub fn new(folder: impl Into<PathBuf>) -> Self {
        Self {
            folder: folder.into(),
            every: 200,
            histograms_every: 2000,
            flush_every: Duration::from_secs(5),
            file_bytes: 64 << 20,
            files: 16,
        }
    }

    /// The steps of the trainer from one sample to the next; the first step is one. Default 200.
    #[must_use]
    pub fn every(self, steps: u64) -> Self {
        Self { every: steps, ..self }
    }

    /// The first sample in each span of so many steps has histograms of all parameters and gradients. 0: none has. Default 2000.
    #[must_use]
    pub fn histograms_every(self, steps: u64) -> Self {
        Self { histograms_every: steps, ..self }
    }

    /// How long an event may wait before it reaches the file. Default 5 seconds.
    #[must_use]
    pub fn flush_every(self, time: Duration) -> Self {
        Self { flush_every: time, ..self }
    }

    /// When a file has grown to so many bytes, the next one begins. Default 64 MiB.
    #[must_use]
    pub fn file_bytes(self, bytes: u64) -> Self {
        Self { file_bytes: bytes, ..self }
    }

    /// How many files are kept: the first one, which has the graph, and the newest. Default 16.
    #[must_use]
    pub fn files(self, files: usize) -> Self {
        Self { files, ..self }
    }

    fn check(&self) -> Result<()> {
        let wrong = match self {
            Self { folder, .. } if folder.as_os_str().is_empty() => "name a folder, this one is empty",
            Self { every: 0, .. } => "take a sample every step or less often, not every 0 steps",
            Self { flush_every: Duration::ZERO, .. } => "let events wait for some time, not for 0 seconds",
            Self { file_bytes: 0, .. } => "let files grow to some size, not to 0 bytes",
            Self { files: ..2, .. } => "keep at least two files, the first and the one that grows",
            _ => return Ok(()),
        };
        Err(Error::input(OPEN, wrong))
    }
}

/// What became of the samples so far.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct TensorBoardStatus {
    /// The samples that were written.
    pub samples: u64,
    /// The samples that were dropped, because too many waited or the folder could not be written.
    pub dropped: u64,
    /// The file that is being written.
    pub file: Option<PathBuf>,
    /// Why the last attempt to write failed; `None` after one that did not. Each sample is a new attempt, but for those that come within
    /// [`TensorBoard::flush_every`] of a failure.
    pub error: Option<String>,
}

/// Hands samples to a thread of its own, which ends, with all of them written, when this is dropped.
#[derive(Debug)]
pub(crate) struct Recorder {
    every: u64,
    histograms_every: u64,
    turns: Turns,
    status: Arc<Mutex<TensorBoardStatus>>,
    samples: Option<SyncSender<Sample>>,
    thread: Option<JoinHandle<()>>,
}

/// What is wanted of a step.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Wanted {
    pub(crate) histograms: bool,
}

impl Recorder {
    pub(crate) fn start(options: &TensorBoard, bundle: Arc<Bundle>) -> Result<Self> {
        options.check()?;
        let status = Arc::<Mutex<TensorBoardStatus>>::default();
        let (samples, waiting) = sync_channel(QUEUE);
        let worker = Worker::new(options, bundle, status.clone());
        let spawned = thread::Builder::new().name("streamgrad-board".into()).spawn(move || worker.run(&waiting));
        let thread = spawned.map_err(|error| Error::new(ErrorKind::Io, OPEN, "no thread can be started").with_source(error))?;
        let TensorBoard { every, histograms_every, .. } = *options;
        let turns = Turns::default();
        Ok(Self { every, histograms_every, turns, status, samples: Some(samples), thread: Some(thread) })
    }

    /// What is wanted of the step that follows so many.
    pub(crate) fn wants(&self, steps: u64) -> Option<Wanted> {
        // The histograms of the first sample in each span of so many steps.
        let histograms = self.histograms_every > 0 && steps % self.histograms_every < self.every;
        steps.is_multiple_of(self.every).then_some(Wanted { histograms })
    }

    /// Whose turn it is to hold what is large; `None` while an earlier sample does.
    pub(crate) fn turn(&self) -> Option<sample::Turn> {
        self.turns.take()
    }

    /// Never waits.
    pub(crate) fn offer(&self, sample: Sample) {
        if self.samples.as_ref().is_some_and(|samples| samples.try_send(sample).is_err()) {
            self.status.lock().dropped += 1;
        }
    }

    pub(crate) fn status(&self) -> TensorBoardStatus {
        self.status.lock().clone()
    }
}

impl Drop for Recorder {
    fn drop(&mut self) {
        drop(self.samples.take());
        if let Some(thread) = self.thread.take() {
            // It catches its panics; an error is in the log.
            let _ = thread.join();
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::SystemTime;

    use super::*;
    use crate::metrics::Metrics;
    use crate::observe::Counters;
    use crate::snapshot::Lineage;

    fn sample(version: u64) -> Sample {
        Sample {
            time: SystemTime::now(),
            version,
            lineage: Lineage::from_number(1),
            age: 0,
            loss: 0.5,
            metrics: Metrics::new(&[], &[], 0).unwrap().read(),
            learning_rate: None,
            gradient_norm: 1.0,
            totals: Counters::default().totals(),
            held: None,
        }
    }

    fn recorder(every: u64, histograms_every: u64, samples: SyncSender<Sample>) -> Recorder {
        Recorder { every, histograms_every, turns: Turns::default(), status: Arc::default(), samples: Some(samples), thread: None }
    }

    #[test]
    fn what_does_not_fit_is_dropped_and_counted() {
        let (samples, waiting) = sync_channel(2);
        let recorder = recorder(1, 0, samples);
        (1..=5).for_each(|version| recorder.offer(sample(version)));
        assert_eq!(recorder.status().dropped, 3);
        assert_eq!(waiting.try_iter().map(|sample| sample.version).collect::<Vec<_>>(), [1, 2]);
        recorder.offer(sample(6));
        assert_eq!((recorder.status().dropped, waiting.recv().unwrap().version), (3, 6));
        // A thread that is gone takes nothing, either.
        drop(waiting);
        recorder.offer(sample(7));
        assert_eq!(recorder.status().dropped, 4);
    }

    #[test]
    fn the_first_step_is_sampled_and_the_first_sample_of_a_span_has_histograms() {
        let wanted = |every, histograms_every| {
            let recorder = recorder(every, histograms_every, sync_channel(1).0);
            let samples = (0..=2500).filter_map(|steps| Some((steps, recorder.wants(steps)?.histograms)));
            samples.filter(|sample| sample.0 < 500 || sample.1).collect::<Vec<_>>()
        };
        assert_eq!(wanted(100, 1000), [(0, true), (100, false), (200, false), (300, false), (400, false), (1000, true), (2000, true)]);
        assert_eq!(wanted(300, 1000), [(0, true), (300, false), (1200, true), (2100, true)]);
        assert_eq!(wanted(200, 0), [(0, false), (200, false), (400, false)]);
        assert_eq!(wanted(2000, 10), [(0, true), (2000, true)]);
    }

    #[test]
    fn one_sample_at_a_time_holds_what_is_large() {
        let recorder = recorder(1, 1, sync_channel(1).0);
        let turn = recorder.turn();
        assert!(turn.is_some() && recorder.turn().is_none());
        drop(turn);
        assert!(recorder.turn().is_some());
    }
}
