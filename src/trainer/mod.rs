//! Learning: step by step, each a forward pass, a backward pass and an update.

mod builder;
mod checkpoint;
mod control;
mod evaluation;
mod evaluator;
mod gradients;
mod guarded;
mod observe;
mod observer;
mod parameters;
mod prometheus;
mod report;
mod signal;

use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

pub use builder::TrainerBuilder;
pub use evaluation::Evaluation;
pub use evaluator::Evaluator;
pub use gradients::Gradients;
use observer::Observer;
pub use parameters::Parameters;
pub use report::{Report, Timings};

use tracing::{field, trace_span};

use crate::batch::{BatchView, Schema};
use crate::bundle::Bundle;
use crate::control::Server;
use crate::error::{Error, Result};
use crate::export;
use crate::metrics::{MetricValues, Metrics};
use crate::model::{Model, Predictions};
use crate::observe::TensorBoardStatus;
use crate::params::{Store, StoreStatus, Update, Version};
use crate::snapshot::{KeptVersion, VersionId};
use crate::table::Table;

/// A model that learns. `Send + Sync`: any number of threads may step and predict at the same time; each gradient is applied
/// whole, in the order of arrival, against the newest version.
///
/// ```no_run
/// # fn main() -> streamgrad::Result<()> {
/// use streamgrad::Trainer;
///
/// let trainer = Trainer::open("flights.bundle")?;
/// let mut batch = trainer.schema().batch();
/// batch.row().set("hour", 17)?.set("distance", 1400.0)?.set("seats", 180)?.set("wind", 9.2)?.set("late", 1)?.push()?;
/// let report = trainer.step(&batch)?;
/// println!("{:.4}", report.loss());
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Trainer {
    /// Goes first: its socket is there only while the folder is ours.
    _control: Option<Arc<Server>>,
    model: Arc<Model>,
    store: Arc<dyn Store>,
    metrics: Metrics,
    observer: Observer,
}

impl Trainer {
    /// Opens a bundle with the parameters in memory and everything else as the bundle says.
    pub fn open(bundle: impl AsRef<Path>) -> Result<Self> {
        Self::builder(bundle).open()
    }

    /// Opens a bundle with options.
    pub fn builder(bundle: impl AsRef<Path>) -> TrainerBuilder {
        TrainerBuilder::new(bundle.as_ref())
    }

    /// The columns that the model takes; makes batches.
    pub fn schema(&self) -> &Arc<Schema> {
        self.model.schema()
    }

    /// What a predictor shares with it.
    pub(crate) fn shared(&self) -> (Arc<Model>, Arc<dyn Store>) {
        (self.model.clone(), self.store.clone())
    }

    /// The bundle it was opened from.
    pub fn bundle(&self) -> &Bundle {
        self.model.bundle()
    }

    /// Learns from a batch: one run of the graph, one update.
    ///
    /// The report's predictions are those of inference, by the parameters *before* the update, so its metrics are
    /// progressive (test-then-train) ones. An error changes nothing.
    ///
    /// # Errors
    /// `InvalidInput` if a column is missing or wrong; `NonFinite` if loss, gradient or new parameter is not finite; `Outlier` if the
    /// [`Guard`](crate::Guard) says so; `Paused` and `Stopped` if the trainer is.
    pub fn step<'a>(&self, batch: impl Into<BatchView<'a>>) -> Result<Report> {
        self.learn_guarded(&batch.into(), None).inspect_err(|error| self.observer.refused(error))
    }

    /// As [`Trainer::step`], and notes with it where the host is in its stream after this batch. The version and all that is
    /// saved of it hold these bytes, so that after a crash [`Trainer::position`] says which record comes next.
    pub fn step_to<'a>(&self, batch: impl Into<BatchView<'a>>, position: &[u8]) -> Result<Report> {
        self.learn_guarded(&batch.into(), Some(position)).inspect_err(|error| self.observer.refused(error))
    }

    fn learn(&self, batch: &BatchView<'_>, position: Option<&[u8]>) -> Result<Report> {
        let step = trace_span!("step", rows = batch.rows(), version = field::Empty).entered();
        let started = Instant::now();
        let pull = trace_span!("pull").entered();
        let version = self.store.pull()?;
        let features = self.model.features(&version, batch)?;
        let input = features.input(batch);
        let mut rows = self.model.pull(&version, &input)?;
        drop(pull);
        let pulled = Instant::now();
        let pass = self.model.train(&version, &rows, &input)?;
        let ran = Instant::now();
        let outputs = observe::outputs(self.schema(), batch, &pass.predictions);
        let observation = Some(crate::params::Observation { loss: pass.loss, rows: batch.rows(), outputs: &outputs });
        let receipt = self.push(Update {
            gradients: &pass.gradients,
            rows: &mut rows,
            row_gradients: &pass.row_gradients,
            state: &pass.state,
            observation,
            position,
        })?;
        step.record("version", receipt.version);
        let timings = Timings { pull: pulled - started, run: ran - pulled, push: ran.elapsed() };
        let report = Report::new(&receipt, pass.loss, pass.predictions, timings);
        self.observer.learned(&report, &pass.gradients, &pass.row_gradients, &*self.store);
        Ok(report)
    }

    /// Predicts with the newest version. Labels and weights are ignored.
    pub fn predict<'a>(&self, batch: impl Into<BatchView<'a>>) -> Result<Predictions> {
        self.predict_at(&self.store.pull()?, batch)
    }

    /// Predicts with a version that [`Trainer::pin`] of this bundle returned.
    pub fn predict_at<'a>(&self, version: &Version, batch: impl Into<BatchView<'a>>) -> Result<Predictions> {
        if version.bundle() != self.model.bundle().identity() {
            return Err(Error::input("predict", "the version is one of another bundle"));
        }
        self.model.predict(version, &batch.into())
    }

    /// The newest version. As long as it is held, it stays as it is, and its memory is not reused.
    pub fn pin(&self) -> Result<Version> {
        self.store.pull()
    }

    /// An embedding table of the model, as it learns: to read rows, to put in pre-trained ones, to see how large it is. After a
    /// rollback or a restore ask again: the trainer has another one then.
    ///
    /// # Errors
    /// `InvalidInput` if the model has no table of this name.
    pub fn table(&self, name: &str) -> Result<Arc<Table>> {
        let version = self.store.pull()?;
        let found = version.tables().iter().find(|table| table.spec().name == name);
        found.cloned().ok_or_else(|| {
            let known: Vec<&str> = self.bundle().manifest().tables.iter().map(|table| table.name.as_str()).collect();
            Error::input("find table", format!("the model has no table {name}; it has {}", known.join(", ")))
        })
    }

    /// The number of the newest version: the steps since the bundle's own values.
    pub fn version(&self) -> Result<u64> {
        Ok(self.store.pull()?.number())
    }

    /// Computes the gradients of a batch without learning from it.
    pub fn gradients<'a>(&self, batch: impl Into<BatchView<'a>>) -> Result<Gradients> {
        let batch = batch.into();
        let version = self.store.pull()?;
        let features = self.model.features(&version, &batch)?;
        let input = features.input(&batch);
        let rows = self.model.pull(&version, &input)?;
        let pass = self.model.gradients(&version, &rows, &input)?;
        Ok(Gradients::new(self.model.bundle().clone(), version.number(), batch.rows(), rows, pass))
    }

    /// Applies gradients that a trainer of the same bundle computed; returns the version that they made. They count as a step;
    /// the metrics, which need the labels, do not see it.
    pub fn apply(&self, gradients: &Gradients) -> Result<u64> {
        if gradients.bundle().identity() != self.model.bundle().identity() {
            return Err(Error::input("apply gradients", "they were computed by a model of another bundle"));
        }
        let receipt = self.guarded("apply gradients", || gradients.update(|update| self.push(update)), |_| None)?;
        self.observer.applied();
        Ok(receipt.version)
    }

    /// Loss and metrics of these batches in inference, by one version. Nothing is learned.
    pub fn evaluate<'a, B: Into<BatchView<'a>>>(&self, batches: impl IntoIterator<Item = B>) -> Result<Evaluation> {
        let mut evaluator = self.evaluator()?;
        for batch in batches {
            evaluator.add(batch)?;
        }
        evaluator.finish()
    }

    /// An evaluation of the newest version batch by batch, for data that comes from a stream or is looked at beside.
    pub fn evaluator(&self) -> Result<Evaluator<'_>> {
        Ok(Evaluator::new(self, self.store.pull()?))
    }

    /// The newest parameters and state, by name.
    pub fn parameters(&self) -> Result<Parameters> {
        Ok(Parameters::new(self.model.bundle().clone(), self.store.pull()?))
    }

    /// The progressive metrics so far.
    pub fn metrics(&self) -> Result<MetricValues> {
        self.store.metrics()
    }

    /// The learning rate of the next step: the default optimizer's, if groups of parameters have their own.
    pub fn learning_rate(&self) -> Result<f32> {
        self.store.learning_rate()
    }

    /// Where the host was in its stream, as it said with the last [`Trainer::step_to`].
    pub fn position(&self) -> Result<Option<Vec<u8>>> {
        self.store.position()
    }

    /// Saves the newest version, and returns when it, or a newer one, will outlast the process and the machine's power.
    ///
    /// # Errors
    /// `Unsupported` if the parameters live in memory only; `Io` and others say why it failed. Learning goes on.
    pub fn save(&self) -> Result<VersionId> {
        self.store.save()
    }

    /// Writes the newest version as a SavedModel into the folder `folder/<number>`, as TensorFlow Serving wants it, and returns the version.
    /// It appears complete or not at all; training goes on meanwhile. Of a version that was saved it is [`export::saved_model`].
    ///
    /// # Errors
    /// `InvalidInput` if `folder/<number>` exists; `InvalidBundle` if the bundle was exported before there was this, and must be exported again; `Io` if
    /// it cannot be written.
    pub fn to_saved_model(&self, folder: impl AsRef<Path>) -> Result<VersionId> {
        export::write(self.model.bundle(), self.store.checkpoint()?.into(), folder.as_ref())
    }

    /// Goes back to a version that is kept, with everything that belongs to it, and saves that as the first version of a new
    /// lineage, whose name it returns.
    ///
    /// # Errors
    /// `InvalidInput` if the version is not kept, `InvalidSnapshot` if it is damaged; nothing is changed then.
    pub fn rollback(&self, version: VersionId) -> Result<VersionId> {
        self.store.rollback(version)
    }

    /// Saves the newest version when the process gets SIGTERM or SIGINT, in a thread of its own and not in the signal's handler;
    /// then lets the signal end the process, as it does by default (a shell sees status 143 or 130). A second signal ends it at
    /// once. To be called once in a process, by a host that leaves these signals to it; never inside a JVM.
    ///
    /// # Errors
    /// `Unsupported` if the parameters live in memory only.
    pub fn save_on_signal(&self) -> Result<()> {
        signal::save(&self.store)
    }

    /// The versions that are kept, the oldest first.
    ///
    /// # Errors
    /// `Unsupported` if the parameters live in memory only.
    pub fn kept_versions(&self) -> Result<Vec<KeptVersion>> {
        self.store.kept_versions()
    }

    /// What became of the snapshots so far.
    pub fn store_status(&self) -> StoreStatus {
        self.store.status()
    }

    /// What became of the events for TensorBoard; `None` if [`TrainerBuilder::tensorboard`] was not asked for any.
    pub fn tensorboard_status(&self) -> Option<TensorBoardStatus> {
        self.observer.tensorboard_status()
    }

    /// Bytes of native memory held for parameters, state, slots and frozen weights, kept buffers included; TensorFlow's own
    /// comes on top.
    pub fn memory(&self) -> usize {
        self.store.memory() + self.model.memory()
    }
}
