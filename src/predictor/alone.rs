//! One SavedModel as a source of its one version.

use std::path::Path;
use std::sync::Arc;

use super::serving::Serving;
use super::source::{Source, VersionName, listed};
use crate::error::{Error, Result};
use crate::model::{Model, Opening};
use crate::params::Version;
use crate::snapshot::VersionId;

#[derive(Debug)]
pub(super) struct Alone {
    model: Arc<Model>,
    own: VersionId,
}

impl Alone {
    pub(super) fn open(opening: &Opening, path: &Path) -> Result<Self> {
        let model = Arc::new(opening.open_to_predict(path)?);
        let own = VersionId::of_bundle(model.bundle().identity(), 0);
        Ok(Self { model, own })
    }
}

impl Source for Alone {
    fn newest(&self) -> Result<Option<VersionId>> {
        Ok(None)
    }

    fn beginning(&self) -> Result<VersionId> {
        Ok(self.own)
    }

    fn next_best(&self, _newest: VersionId, _current: Option<VersionId>) -> Result<Vec<VersionId>> {
        Ok(Vec::new())
    }

    fn resolve(&self, name: VersionName) -> Result<VersionId> {
        match name == VersionName::Id(self.own) || name == VersionName::Number(0) {
            true => Ok(self.own),
            false => Err(Error::input("switch version", format!("there is no version {name}; there is {}", listed([self.own])))),
        }
    }

    fn has(&self, version: VersionId) -> bool {
        version == self.own
    }

    fn load(&self, version: VersionId) -> Result<Serving> {
        let version = Version::without_parameters(self.model.bundle(), version);
        Ok(Serving { model: self.model.clone(), version, made: None })
    }
}
