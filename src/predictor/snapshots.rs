//! The folder of a store as a source of versions, or one bundle alone.

use std::path::Path;
use std::sync::Arc;

use super::serving::Serving;
use super::source::{Source, VersionName, listed};
use crate::error::{Error, Result};
use crate::model::{Model, Opening};
use crate::params::{Layout, Version};
use crate::snapshot::{SnapshotFolder, VersionId};

/// Versions of one bundle: its own values, and the snapshots in a folder.
#[derive(Debug)]
pub(super) struct Snapshots {
    model: Arc<Model>,
    layout: Layout,
    /// The name of the bundle's own values.
    own: VersionId,
    folder: Option<SnapshotFolder>,
}

impl Snapshots {
    pub(super) fn open(opening: &Opening, bundle: &Path, folder: Option<SnapshotFolder>) -> Result<Self> {
        let model = Arc::new(opening.open_to_predict(bundle)?);
        // The window is one of metrics, which nobody keeps here.
        let layout = Layout::new(model.bundle(), None, 1)?;
        let own = VersionId::of_bundle(model.bundle().identity(), 0);
        Ok(Self { model, layout, own, folder })
    }

    fn names(&self) -> Result<Vec<VersionId>> {
        self.folder.as_ref().map_or_else(|| Ok(Vec::new()), SnapshotFolder::names)
    }
}

impl Source for Snapshots {
    fn newest(&self) -> Result<Option<VersionId>> {
        self.folder.as_ref().map_or(Ok(None), SnapshotFolder::newest_version)
    }

    fn beginning(&self) -> Result<VersionId> {
        Ok(self.own)
    }

    /// Older ones of the same line, but none that would be a step back.
    fn next_best(&self, newest: VersionId, current: Option<VersionId>) -> Result<Vec<VersionId>> {
        let mut names = self.names()?;
        let after = current.filter(|current| current.lineage == newest.lineage);
        names.retain(|name| name.lineage == newest.lineage && *name < newest && after.is_none_or(|after| *name > after));
        names.sort_unstable_by(|one, other| other.cmp(one));
        Ok(names)
    }

    fn resolve(&self, name: VersionName) -> Result<VersionId> {
        let number = match name {
            VersionName::Id(id) => return Ok(id),
            VersionName::Number(number) => number,
        };
        let lineage = self.newest()?.unwrap_or(self.own).lineage;
        let version = VersionId { lineage, number };
        match self.has(version) {
            true => Ok(version),
            false => {
                let context = format!("there is no version {version}; there are {} and {}", listed(self.names()?), self.own);
                Err(Error::input("switch version", context))
            }
        }
    }

    fn has(&self, version: VersionId) -> bool {
        version == self.own || self.names().is_ok_and(|names| names.contains(&version))
    }

    fn load(&self, version: VersionId) -> Result<Serving> {
        let model = self.model.clone();
        if version == self.own {
            let version = Version::initial(&self.layout, model.bundle(), version)?;
            return Ok(Serving { model, version, made: None });
        }
        let Some(folder) = &self.folder else {
            return Err(Error::input("switch version", format!("no folder is followed; there is only {}", self.own)));
        };
        let snapshot = folder.read_model(version)?;
        Ok(Serving { model, version: Version::saved(&self.layout, &snapshot)?, made: Some(snapshot.time()) })
    }
}
