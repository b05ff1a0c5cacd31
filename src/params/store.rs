//! What a trainer asks of the place where parameters live.

use std::fmt::Debug;
use std::path::Path;
use std::sync::Arc;
use std::time::SystemTime;

use super::checkpoint::Checkpoint;
use super::layout::Layout;
use super::tables::Rows;
use super::version::{Values, Version};
use crate::error::{Error, ErrorKind, Result};
use crate::guard::Steering;
use crate::metrics::{MetricValues, OutputRows};
use crate::snapshot::{KeptVersion, Snapshot, VersionId};
use crate::tf::Tensor;

/// The place where the parameters of one model live. Several trainers may share one, in any number of threads.
///
/// A store may be far away: a push need not be immediate, it may fail, and [`Store::pull`] may return an older version than
/// the newest one anywhere. The stores of this crate are its implementations.
pub trait Store: Debug + Send + Sync {
    /// Begins with the bundle's values or with what was kept, or joins what another trainer of the same bundle has begun.
    fn start(&self, layout: Arc<Layout>, initial: Values) -> Result<()>;

    /// The newest version known here.
    fn pull(&self) -> Result<Version>;

    /// Applies gradients to the newest version. An error changes nothing.
    fn push(&self, update: Update<'_>) -> Result<Receipt>;

    /// The progressive metrics so far.
    fn metrics(&self) -> Result<MetricValues>;

    /// The learning rate of the next step: the default optimizer's, if groups of parameters have their own.
    fn learning_rate(&self) -> Result<f32>;

    /// A constant learning rate from the next step on, for all groups of parameters alike. It is not saved.
    fn set_learning_rate(&self, rate: f32) -> Result<()>;

    /// What its trainers share beside the parameters: whether they learn, and what they refuse.
    fn steering(&self) -> &Steering;

    /// The folder of this machine where other processes find whoever learns here.
    fn local_folder(&self) -> Option<&Path> {
        None
    }

    /// Bytes of native memory held for parameters, state and slots, kept buffers included.
    fn memory(&self) -> usize;

    /// Where the host was in its stream, as it said with the last step that said so.
    fn position(&self) -> Result<Option<Vec<u8>>>;

    /// Saves the newest version, and returns when it, or a newer one, will outlast the process and the machine's power.
    fn save(&self) -> Result<VersionId> {
        Err(keeps_nothing("save version"))
    }

    /// Goes back to a version that is kept, in a lineage of its own; returns the version that this makes.
    fn rollback(&self, _version: VersionId) -> Result<VersionId> {
        Err(keeps_nothing("roll back"))
    }

    /// The versions that are kept, the oldest first.
    fn kept_versions(&self) -> Result<Vec<KeptVersion>> {
        Err(keeps_nothing("list versions"))
    }

    /// Pins the newest version with everything that belongs to it.
    fn checkpoint(&self) -> Result<Checkpoint> {
        Err(Error::new(ErrorKind::Unsupported, "make checkpoint", "this store pins nothing; use one in memory or in a folder"))
    }

    /// The checkpoints of this store that are held.
    fn checkpoints(&self) -> usize {
        0
    }

    /// Goes on from a snapshot of wherever it was read, in a lineage of its own; returns the version that this makes. An error
    /// changes nothing.
    fn restore(&self, _snapshot: &Snapshot) -> Result<VersionId> {
        Err(Error::new(ErrorKind::Unsupported, "restore checkpoint", "this store cannot go back; use one in memory or in a folder"))
    }

    /// Saves exactly the version of a checkpoint, and returns when it will outlast the process and the machine's power.
    fn save_checkpoint(&self, _checkpoint: &Checkpoint) -> Result<VersionId> {
        Err(keeps_nothing("save checkpoint"))
    }

    /// Keeps a version's snapshot, whatever the rules say, until it is released or the store is closed.
    fn hold(&self, _version: VersionId) -> Result<()> {
        Err(keeps_nothing("hold version"))
    }

    /// Leaves a version's snapshot to the rules again.
    fn release(&self, _version: VersionId) -> Result<()> {
        Err(keeps_nothing("release version"))
    }

    /// What became of the snapshots so far.
    fn status(&self) -> StoreStatus {
        StoreStatus::default()
    }
}

fn keeps_nothing(operation: &'static str) -> Error {
    Error::new(ErrorKind::Unsupported, operation, "this trainer keeps nothing beyond its process; open it with a folder to save into")
}

/// What became of a store's snapshots. A failure to save does not stop learning: it shows here, and in the log.
#[derive(Clone, Debug, Default)]
#[non_exhaustive]
pub struct StoreStatus {
    /// The version saved last.
    pub saved: Option<VersionId>,
    /// When that version was taken.
    pub saved_at: Option<SystemTime>,
    /// Why the last attempt to save failed; `None` after one that did not.
    pub error: Option<String>,
    /// The attempts that failed since one did not.
    pub failures: u64,
    /// The versions that were saved since the store was opened.
    pub all_saved: u64,
    /// The attempts that failed since the store was opened.
    pub all_failed: u64,
    /// Whether a version waits for its turn or is being written.
    pub waiting: bool,
}

/// What one training run found.
#[derive(Debug)]
pub struct Update<'a> {
    /// The gradient of each parameter; read only.
    pub(crate) gradients: &'a [Tensor],
    /// The rows of the tables that the run read, and the gradient of each table's.
    pub(crate) rows: &'a mut Rows,
    pub(crate) row_gradients: &'a [Tensor],
    /// The state after the run; read only.
    pub(crate) state: &'a [Tensor],
    /// What the metrics take in.
    pub(crate) observation: Option<Observation<'a>>,
    /// Where the host is in its stream after this step.
    pub(crate) position: Option<&'a [u8]>,
}

/// The predictions of a step, made before it, beside their labels.
#[derive(Debug)]
pub(crate) struct Observation<'a> {
    pub(crate) loss: f32,
    pub(crate) rows: usize,
    pub(crate) outputs: &'a [OutputRows<'a>],
}

/// What became of a push.
#[derive(Debug)]
pub struct Receipt {
    /// The version that it made.
    pub(crate) version: u64,
    /// The metrics after it.
    pub(crate) metrics: MetricValues,
}
