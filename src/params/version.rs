//! One value of everything that learning changes.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::layout::Layout;
use super::resume;
use super::tables::Tables;
use crate::bundle::Bundle;
use crate::error::Result;
use crate::snapshot::{Snapshot, VersionId};
use crate::tf::Tensor;

/// An immutable, numbered value of the dense parameters and state. Cheap to clone, free to share between threads; as long as
/// one is held, its memory is.
#[derive(Clone, Debug)]
pub struct Version {
    pub(super) published: Arc<Published>,
}

#[derive(Debug)]
pub(super) struct Published {
    /// The identity of the bundle whose parameters these are.
    pub(super) bundle: Arc<str>,
    pub(super) id: VersionId,
    pub(super) dense: Dense,
    pub(super) tables: Tables,
}

/// What a version is made of.
#[derive(Debug)]
pub struct Values {
    pub(crate) dense: Dense,
    pub(crate) tables: Tables,
}

impl Published {
    /// A copy whose dense part has memory of its own.
    pub(super) fn copy(&self) -> Result<Self> {
        Ok(Self { bundle: self.bundle.clone(), id: self.id, dense: self.dense.copy()?, tables: self.tables.clone() })
    }
}

impl Version {
    /// The bundle's own values, under a name of the caller's choice. No store holds it.
    pub(crate) fn initial(layout: &Layout, bundle: &Bundle, id: VersionId) -> Result<Self> {
        Ok(Self::detached(layout, id, layout.to_predict(bundle)?))
    }

    /// The version that was saved, without what only learning needs. No store holds it.
    ///
    /// # Errors
    /// `InvalidInput` if it is of another bundle, naming each tensor that differs.
    pub(crate) fn saved(layout: &Layout, snapshot: &Snapshot) -> Result<Self> {
        Ok(Self::detached(layout, snapshot.version(), resume::to_predict(layout, snapshot)?))
    }

    /// A version of a model that keeps its values to itself. No store holds it.
    pub(crate) fn without_parameters(bundle: &Bundle, id: VersionId) -> Self {
        let (dense, tables) = (Dense::new(Vec::new(), Vec::new()), Tables::none());
        Self { published: Arc::new(Published { bundle: bundle.identity().into(), id, dense, tables }) }
    }

    fn detached(layout: &Layout, id: VersionId, Values { dense, tables }: Values) -> Self {
        Self { published: Arc::new(Published { bundle: layout.identity.clone(), id, dense, tables }) }
    }

    /// Steps since the bundle's own values, which are version 0.
    pub fn number(&self) -> u64 {
        self.published.id.number
    }

    /// Its name. Of versions that were saved no other has it: a store that goes back to an older one begins a new lineage.
    pub fn id(&self) -> VersionId {
        self.published.id
    }

    pub(crate) fn bundle(&self) -> &str {
        &self.published.bundle
    }

    pub(crate) fn dense(&self) -> &Dense {
        &self.published.dense
    }

    pub(crate) fn tables(&self) -> &Tables {
        &self.published.tables
    }

    /// Bytes of native memory that parameters, state and tables take.
    pub(crate) fn memory(&self) -> usize {
        self.published.dense.bytes() + self.published.tables.bytes()
    }
}

/// Parameters and state, in the order of the manifest.
#[derive(Debug)]
pub(crate) struct Dense {
    pub(crate) parameters: Vec<Tensor>,
    pub(crate) state: Vec<Tensor>,
    /// Training runs that have begun with this value: the second and later ones must not draw the first one's dropout.
    runs: AtomicU64,
}

impl Dense {
    pub(crate) fn new(parameters: Vec<Tensor>, state: Vec<Tensor>) -> Self {
        Self { parameters, state, runs: AtomicU64::new(0) }
    }

    /// A copy in memory of its own.
    pub(super) fn copy(&self) -> Result<Self> {
        let copy = |tensors: &[Tensor]| tensors.iter().map(Tensor::copy).collect::<Result<Vec<_>>>();
        Ok(Self::new(copy(&self.parameters)?, copy(&self.state)?))
    }

    /// How many training runs began with this value before.
    pub(crate) fn begin_run(&self) -> u64 {
        self.runs.fetch_add(1, Ordering::Relaxed)
    }

    pub(super) fn runs(&self) -> u64 {
        self.runs.load(Ordering::Relaxed)
    }

    pub(super) fn set_runs(&mut self, runs: u64) {
        *self.runs.get_mut() = runs;
    }

    pub(super) fn bytes(&self) -> usize {
        self.parameters.iter().chain(&self.state).map(|tensor| tensor.as_bytes().len()).sum()
    }
}

/// The optimizer's tensors: for each parameter, one for each of its slots.
#[derive(Debug)]
pub(crate) struct Slots {
    pub(crate) tensors: Vec<Vec<Tensor>>,
}

impl Slots {
    pub(super) fn bytes(&self) -> usize {
        self.tensors.iter().flatten().map(|tensor| tensor.as_bytes().len()).sum()
    }
}
