//! Predictions by a store in this process.

use std::sync::Arc;

use arc_swap::ArcSwapOption;

use super::source::VersionName;
use super::status::PredictorStatus;
use crate::batch::BatchView;
use crate::bundle::Manifest;
use crate::error::{Error, ErrorKind, Result};
use crate::model::{Model, Predictions};
use crate::params::{Store, Version};
use crate::snapshot::VersionId;

/// The newest version of a store, or the one that was pinned.
#[derive(Debug)]
pub(super) struct Live {
    model: Arc<Model>,
    store: Arc<dyn Store>,
    pinned: ArcSwapOption<Version>,
}

impl Live {
    pub(super) fn new(model: Arc<Model>, store: Arc<dyn Store>) -> Self {
        Self { model, store, pinned: ArcSwapOption::empty() }
    }

    pub(super) fn manifest(&self) -> Manifest {
        self.model.bundle().manifest().clone()
    }

    pub(super) fn predict(&self, batch: &BatchView<'_>) -> Result<Predictions> {
        match &*self.pinned.load() {
            Some(version) => self.model.predict(version, batch),
            None => self.model.predict(&self.store.pull()?, batch),
        }
    }

    pub(super) fn version(&self) -> Result<Version> {
        match &*self.pinned.load() {
            Some(version) => Ok(Version::clone(version)),
            None => self.store.pull(),
        }
    }

    /// Takes the version that predicts now, if that is the one.
    pub(super) fn switch(&self, name: VersionName, pin: bool) -> Result<VersionId> {
        let version = self.version()?;
        let id = version.id();
        if name != VersionName::Id(id) && name != VersionName::Number(id.number) {
            let context = format!("a store in memory has one version to predict by, {id}, not {name}; follow the store's folder instead");
            return Err(Error::new(ErrorKind::Unsupported, "switch version", context));
        }
        self.pinned.store(pin.then(|| Arc::new(version)));
        Ok(id)
    }

    pub(super) fn pin_current(&self) -> Result<VersionId> {
        let version = self.version()?;
        let id = version.id();
        self.pinned.store(Some(Arc::new(version)));
        Ok(id)
    }

    pub(super) fn unpin(&self) {
        self.pinned.store(None);
    }

    pub(super) fn memory(&self) -> Result<usize> {
        Ok(self.model.memory() + self.version()?.memory())
    }

    pub(super) fn status(&self) -> Result<PredictorStatus> {
        let pinned = self.pinned.load().is_some();
        let version = self.version()?.id();
        Ok(PredictorStatus { version, made: None, since: None, pinned, swaps: 0, problem: None, failures: 0 })
    }
}
