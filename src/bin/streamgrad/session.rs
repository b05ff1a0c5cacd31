//! A run of `streamgrad train`, from its first batch to its summary.

use std::time::{Duration, SystemTime};

use serde_json::json;
use streamgrad::snapshot::SnapshotFolder;
use streamgrad::{Batch, BatchView, Error, ErrorKind, Trainer, VersionId};

use crate::answer::{Answer, Failure, Outcome};
use crate::guarding::QuarantineWriter;
use crate::output::PredictionWriter;
use crate::progress::Progress;
use crate::rows::Rows;
use crate::run::{Recorder, Run, Saved, metrics};
use crate::signals::Stop;
use crate::text;
use crate::train::{Arguments, EventTime};
use crate::warnings;

/// How often a trainer that is paused is asked again.
const PAUSE: Duration = Duration::from_millis(50);

/// What became of a batch.
enum Step {
    Learned,
    /// Its update was not one to trust.
    Refused(Error),
    /// Somebody stopped the trainer before it.
    Stopped,
}

/// A run that goes on.
pub(crate) struct Session<'a> {
    arguments: &'a Arguments,
    trainer: &'a Trainer,
    stop: &'a Stop,
    rows: Rows,
    recorder: Recorder,
    pub(crate) progress: Progress,
    pub(crate) predictions: Option<PredictionWriter>,
    quarantine: Option<QuarantineWriter>,
    saved: Option<VersionId>,
    /// Rows whose update was refused, in the runs before this one.
    quarantined: u64,
    /// Rows that made no whole batch, where the graph wants whole ones.
    left_over: usize,
    /// Whether a command stopped it.
    commanded: bool,
}

impl<'a> Session<'a> {
    pub(crate) fn begin(arguments: &'a Arguments, trainer: &'a Trainer, stop: &'a Stop, silent: bool) -> Outcome<Self> {
        let schema = trainer.schema();
        let fields = arguments.data.reading.fields(schema)?.labelled();
        let mut rows = Rows::new(&arguments.data, fields, arguments.epochs, stop)?;
        if let Some(block) = arguments.shuffle {
            rows = rows.shuffled(schema, block as usize, arguments.seed);
        }
        let bytes = arguments.data.bytes().and_then(|bytes| bytes.checked_mul(arguments.epochs));
        let progress = Progress::new(silent, bytes);
        let (skipped, quarantined) = arguments.resumed(trainer)?;
        if skipped > 0 {
            progress.say(&format!("passing over {} rows that were learned before", text::count(skipped)));
            rows.skip(schema, skipped)?;
        }
        let predictions = match (&arguments.predictions, skipped) {
            (None, _) => None,
            (Some(path), 0) => Some(PredictionWriter::create(Some(path), schema, true)?),
            (Some(path), _) => Some(PredictionWriter::resume(path, schema, true, skipped - quarantined)?),
        };
        let quarantine = arguments.guarding.writer(trainer, quarantined)?;
        let bundle = trainer.bundle();
        let store = arguments.store.as_ref().map(|store| store.display().to_string());
        let mut run = Run::begin(&bundle.manifest().name, bundle.identity(), arguments.names(), store);
        run.skipped = skipped;
        let (recorder, saved) = (Recorder::new(run), trainer.store_status().saved);
        Ok(Self {
            arguments,
            trainer,
            stop,
            rows,
            recorder,
            progress,
            predictions,
            quarantine,
            saved,
            quarantined,
            left_over: 0,
            commanded: false,
        })
    }

    pub(crate) fn learn(&mut self) -> Outcome<()> {
        let schema = self.trainer.schema();
        let wanted = schema.rows().unwrap_or_else(|| self.arguments.batch.map_or(32, |rows| rows as usize));
        let mut batch = schema.batch_with_capacity(wanted);
        let mut numbers = Vec::with_capacity(wanted);
        let mut bad = 0;
        loop {
            let filled = self.rows.fill(&mut batch, &mut numbers);
            self.tell_refusals();
            // A batch that the signal cut off would shift all that come after it: --resume reads its rows again.
            if self.stop.came() && batch.rows() < wanted {
                return filled;
            }
            let short = schema.rows().is_some_and(|rows| batch.rows() < rows);
            if batch.rows() > 0 && short {
                self.left_over = batch.rows();
            } else if batch.rows() > 0 {
                match self.step(&mut batch, &numbers)? {
                    Step::Learned => bad = 0,
                    Step::Refused(error) => {
                        bad += 1;
                        if self.arguments.guarding.most() == Some(bad) {
                            return Err(Failure::new(format!(
                                "{bad} batches in a row were refused, and the last sound version was kept; {error}"
                            )));
                        }
                    }
                    Step::Stopped => return Ok(()),
                }
                self.tell_warnings();
            }
            filled?;
            if batch.rows() < wanted || self.stop.came() {
                return Ok(());
            }
        }
    }

    /// Learns from a batch, once the trainer is not paused.
    fn step(&mut self, batch: &mut Batch, numbers: &[u64]) -> Outcome<Step> {
        let Self { arguments, trainer, recorder, progress, .. } = self;
        match arguments.event_time {
            Some(EventTime::Now) => batch.set_event_time(SystemTime::now()),
            Some(EventTime::At(time)) => batch.set_event_time(time),
            None => {}
        }
        let rate = trainer.learning_rate()?;
        let position =
            serde_json::to_vec(&arguments.position(self.rows.given(), self.quarantined + recorder.run.quarantined)).unwrap_or_default();
        let mut waited = false;
        let stepped = loop {
            match trainer.step_to(&*batch, &position) {
                Err(error) if error.kind() == ErrorKind::Paused && !self.stop.came() => {
                    if !std::mem::replace(&mut waited, true) {
                        let reason = trainer.status()?.reason.unwrap_or_default();
                        progress.say(&format!("paused: {reason}"));
                        recorder.event("paused", reason);
                    }
                    std::thread::sleep(PAUSE);
                }
                stepped => break stepped,
            }
        };
        if waited {
            progress.say("resumed");
            recorder.event("resumed", "");
        }
        let report = match stepped {
            Ok(report) => report,
            // Its rows are read again by --resume.
            Err(error) if matches!(error.kind(), ErrorKind::Stopped | ErrorKind::Paused) => {
                self.commanded = error.kind() == ErrorKind::Stopped;
                return Ok(Step::Stopped);
            }
            Err(error) if matches!(error.kind(), ErrorKind::NonFinite | ErrorKind::Outlier) => {
                let (first, last) = (numbers.iter().min().unwrap_or(&0), numbers.iter().max().unwrap_or(&0));
                let text = format!("rows {first} to {last}: {error}");
                progress.say(&format!("quarantined {text}"));
                recorder.event("quarantined", text);
                recorder.run.quarantined += batch.rows() as u64;
                if let Some(writer) = &mut self.quarantine {
                    writer.write(trainer, batch, numbers, &error)?;
                }
                return Ok(Step::Refused(error));
            }
            Err(error) => return Err(error.into()),
        };
        if let Some(writer) = &mut self.predictions {
            writer.write(trainer.schema(), report.predictions(), &BatchView::from(&*batch), numbers)?;
        }
        recorder.step(batch.rows(), report.loss(), rate, report.metrics());
        progress.step(self.rows.bytes(), recorder, report.metrics());
        let status = trainer.store_status();
        if let Some(version) = status.saved.filter(|version| Some(*version) != self.saved) {
            if self.saved.replace(version).is_some_and(|before| before.lineage != version.lineage) {
                recorder.event("went back", format!("it learns on in version {version}"));
            }
            recorder.event("saved", version.to_string());
        }
        Ok(Step::Learned)
    }

    fn tell_refusals(&mut self) {
        for refusal in self.rows.refused().news() {
            self.progress.say(&format!("refused {refusal}"));
            self.recorder.event("refused", refusal);
        }
    }

    fn tell_warnings(&mut self) {
        for text in warnings::take() {
            self.progress.say(&format!("warning: {text}"));
            self.recorder.event("warned", text);
        }
    }

    /// The summary of the run.
    pub(crate) fn answer(mut self, saved: Option<VersionId>) -> Outcome {
        let run = &self.recorder.run;
        if run.skipped + run.rows + run.quarantined == 0 && self.rows.refused().count() > 0 {
            return Err(self.rows.refused().all());
        }
        let (refused, first) = (self.rows.refused().count(), self.rows.refused().first());
        if let Some(version) = saved {
            if Some(version) != self.saved {
                self.recorder.event("saved", version.to_string());
            }
            self.recorder.run.versions = self.kept()?;
        }
        self.tell_warnings();
        let values = self.trainer.metrics()?;
        let mut run = self.recorder.finish();
        (run.refused, run.refusals) = (refused, first);
        run.metrics = metrics(&values);
        let written = self.trainer.tensorboard_status().is_some_and(|status| status.error.is_none());
        run.tensorboard = self.arguments.tensorboard.as_ref().filter(|_| written).map(|folder| folder.display().to_string());
        run.version = saved.map_or_else(|| self.trainer.pin().map(|version| version.id()), Ok)?.to_string();
        run.ended = match self.stop.exit() {
            Some(exit) => format!("signal {}", exit - 128),
            None if self.commanded || self.stop.commanded() => "a command".into(),
            None => "end of the data".into(),
        };
        if let Some(path) = &self.arguments.report {
            run.write(path)?;
        }
        let text = self.arguments.summary(&run, self.left_over);
        let mut summary = serde_json::to_value(&run).map_err(|error| Failure::new(error.to_string()))?;
        // These are what --report is for.
        if let Some(fields) = summary.as_object_mut() {
            ["points", "format", "kind"].iter().for_each(|field| drop(fields.remove(*field)));
            fields.insert("left_over".into(), json!(self.left_over));
        }
        Ok(Answer::new(text, summary).exit(self.stop.exit().unwrap_or(0)))
    }

    /// What the store keeps, with the parents that only its manifests know.
    fn kept(&self) -> Outcome<Vec<Saved>> {
        let Some(store) = &self.arguments.store else { return Ok(Vec::new()) };
        crate::snapshot::kept(&SnapshotFolder::open(store)?)
    }
}
