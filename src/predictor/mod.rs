//! Predicting by versions that come and go, without a call that fails for it.
//!
//! A new version is loaded and warmed beside the one that predicts, and takes its place by one pointer. A call keeps the
//! version that it began with. What cannot be loaded is refused and reported, and the version before stays.

mod alone;
mod builder;
mod bundles;
mod follower;
mod live;
mod made_up;
mod refusals;
mod serving;
mod snapshots;
mod source;
mod status;

use std::path::Path;
use std::sync::Arc;
use std::thread::JoinHandle;

pub use builder::PredictorBuilder;
use follower::Follower;
use live::Live;
pub use source::VersionName;
pub use status::{PredictorStatus, Problem};

use crate::batch::{BatchView, Schema};
use crate::bundle::Manifest;
use crate::error::{Error, ErrorKind, Result};
use crate::model::Predictions;
use crate::snapshot::VersionId;
use crate::trainer::Trainer;

/// A model that predicts by the newest version of its parameters, wherever these come from. `Send + Sync`: any number of
/// threads may predict at the same time, and none ever waits for a new version.
///
/// | from | by | its versions |
/// |---|---|---|
/// | a trainer in this process | [`Predictor::of`] | the newest at each call |
/// | the folder of a store | [`PredictorBuilder::follow`] | the newest that was saved, of whatever lineage the store is in |
/// | a folder of numbered bundles | [`Predictor::numbered`] | the one with the highest number that opens |
/// | a host that names them | [`Predictor::switch_to`] | that one |
///
/// A bundle's own values are a version, too: its number is 0, or that of its folder; its lineage is the first 16 digits of the
/// bundle's identity.
///
/// A version that cannot be read, that is of another bundle, or that does not predict where its predecessor does, is
/// refused: [`Predictor::status`] and the log tell it, and the version before goes on. It is tried again after a wait that
/// doubles from a second to five minutes, or as soon as its files have changed and come to rest. While a new version is
/// loaded there are two in memory; the old one is freed when the last call that uses it ends.
///
/// ```no_run
/// # fn main() -> streamgrad::Result<()> {
/// use streamgrad::Predictor;
///
/// // Some other process learns: Trainer::builder("flights.bundle").store(FolderStore::open("model")?)
/// let predictor = Predictor::builder("flights.bundle").follow("model").open()?;
/// let mut batch = predictor.schema().batch();
/// batch.row().set("hour", 17)?.set("distance", 1400.0)?.set("seats", 180)?.set("wind", 9.2)?.push()?;
/// let predictions = predictor.predict(&batch)?;
/// println!("{} says {:?}", predictions.version_id(), predictions.array::<f32>()?);
///
/// predictor.rollback()?; // to the version before, and stay there
/// if let Some(problem) = predictor.status()?.problem {
///     eprintln!("{}", problem.error);
/// }
/// predictor.unpin();
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
pub struct Predictor {
    schema: Arc<Schema>,
    by: By,
}

#[derive(Debug)]
enum By {
    Store(Live),
    Source { follower: Arc<Follower>, thread: Option<JoinHandle<()>> },
}

impl Predictor {
    /// Predicts by what this trainer, and all others on its store, learn. It shares the trainer's graph, and keeps the store
    /// open as long as it lives.
    pub fn of(trainer: &Trainer) -> Self {
        let (model, store) = trainer.shared();
        Self { schema: model.schema().clone(), by: By::Store(Live::new(model, store)) }
    }

    /// Predicts by versions of this bundle: its own values, and those in the folder that [`PredictorBuilder::follow`] names.
    pub fn builder(bundle: impl AsRef<Path>) -> PredictorBuilder {
        PredictorBuilder::bundle(bundle.as_ref())
    }

    /// Predicts by the bundles in the subfolders `1`, `2`, ... of this folder. All take and give the same columns; anything else
    /// about them may differ. One that is still being copied is reported as long as it does not open; to avoid that,
    /// copy it to another name and rename it, or copy its `bundle.json` last.
    pub fn numbered(folder: impl AsRef<Path>) -> PredictorBuilder {
        PredictorBuilder::numbered(folder.as_ref())
    }

    fn following(follower: Arc<Follower>, thread: Option<JoinHandle<()>>) -> Self {
        Self { schema: follower.schema(), by: By::Source { follower, thread } }
    }

    /// The columns that the model takes; makes batches. They fit every version.
    pub fn schema(&self) -> &Arc<Schema> {
        &self.schema
    }

    /// What the model that predicts now takes and gives.
    pub(crate) fn manifest(&self) -> Manifest {
        match &self.by {
            By::Store(live) => live.manifest(),
            By::Source { follower, .. } => follower.manifest(),
        }
    }

    /// Predicts by one version, which [`Predictions::version_id`] names. Labels and weights are ignored.
    ///
    /// # Errors
    /// `InvalidInput` if a column is missing or wrong; never for a version that could not be taken.
    pub fn predict<'a>(&self, batch: impl Into<BatchView<'a>>) -> Result<Predictions> {
        match &self.by {
            By::Store(live) => live.predict(&batch.into()),
            By::Source { follower, .. } => follower.predict(&batch.into()),
        }
    }

    /// The version that predicts.
    pub fn version(&self) -> Result<VersionId> {
        match &self.by {
            By::Store(live) => Ok(live.version()?.id()),
            By::Source { follower, .. } => Ok(follower.version()),
        }
    }

    /// Bytes of native memory that the version which predicts takes: parameters, state and frozen weights. While the next one is
    /// loaded there are two; a trainer's own is not there twice. TensorFlow's comes on top.
    pub fn memory(&self) -> Result<usize> {
        match &self.by {
            By::Store(live) => live.memory(),
            By::Source { follower, .. } => Ok(follower.memory()),
        }
    }

    /// What predicts, since when, and what could not take its place.
    pub fn status(&self) -> Result<PredictorStatus> {
        match &self.by {
            By::Store(live) => live.status(),
            By::Source { follower, .. } => Ok(follower.status()),
        }
    }

    /// Looks for a newer version now and in this thread, instead of when it is time, and returns the version that predicts
    /// then. While one is pinned, it stays.
    ///
    /// # Errors
    /// Why the newest version was refused, or the folder cannot be read; the version before goes on predicting.
    pub fn look(&self) -> Result<VersionId> {
        if let By::Source { follower, .. } = &self.by {
            follower.look()?;
        }
        self.version()
    }

    /// Loads this version in the caller's thread, and predicts by it from then on; returns its full name. Following goes on with
    /// the next version that appears; with [`PredictorBuilder::every`] zero, nothing else changes it.
    ///
    /// # Errors
    /// `InvalidInput`, naming what there is, if there is no such version; others if it cannot be used. The version before goes
    /// on predicting. `Unsupported` if it is not the newest of a trainer in this process.
    pub fn switch_to(&self, version: impl Into<VersionName>) -> Result<VersionId> {
        self.switch(version.into(), false)
    }

    /// As [`Predictor::switch_to`], and stays there until [`Predictor::unpin`], or until the host names another.
    pub fn pin(&self, version: impl Into<VersionName>) -> Result<VersionId> {
        self.switch(version.into(), true)
    }

    fn switch(&self, version: VersionName, pin: bool) -> Result<VersionId> {
        match &self.by {
            By::Store(live) => live.switch(version, pin),
            By::Source { follower, .. } => follower.switch(version, pin),
        }
    }

    /// Stays at the version that predicts now until [`Predictor::unpin`]; returns its name.
    pub fn pin_current(&self) -> Result<VersionId> {
        match &self.by {
            By::Store(live) => live.pin_current(),
            By::Source { follower, .. } => Ok(follower.pin_current()),
        }
    }

    /// Follows again, and at once.
    pub fn unpin(&self) {
        match &self.by {
            By::Store(live) => live.unpin(),
            By::Source { follower, .. } => follower.unpin(),
        }
    }

    /// Goes back to the version that predicted before this one, and pins it; again, to the one before that. It is read
    /// anew: a predictor holds no version that does not predict.
    ///
    /// # Errors
    /// `InvalidInput` if there was none, or if it is not kept any more; this one goes on predicting. `Unsupported` for a trainer
    /// in this process: [`Trainer::rollback`] is what goes back there.
    pub fn rollback(&self) -> Result<VersionId> {
        match &self.by {
            By::Store(_) => Err(Error::new(
                ErrorKind::Unsupported,
                "roll back",
                "a store in memory has one version to predict by; roll the trainer back",
            )),
            By::Source { follower, .. } => follower.rollback(),
        }
    }
}

impl Drop for Predictor {
    fn drop(&mut self) {
        if let By::Source { follower, thread } = &mut self.by {
            follower.close();
            // It catches its panics.
            let _ = thread.take().map(JoinHandle::join);
        }
    }
}
