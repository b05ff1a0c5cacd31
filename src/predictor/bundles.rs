//! A folder of numbered bundles or SavedModels as a source of versions.

use std::fs;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::serving::Serving;
use super::source::{Source, VersionName, listed};
use crate::bundle::{Form, has_model, identity_at};
use crate::error::{Error, ErrorKind, Result};
use crate::model::Opening;
use crate::params::{Layout, Version};
use crate::snapshot::VersionId;

/// `name/1`, `name/2`: each folder a bundle or a SavedModel whose own values are the version.
#[derive(Debug)]
pub(super) struct Bundles {
    opening: Opening,
    root: PathBuf,
}

impl Bundles {
    pub(super) fn open(opening: Opening, root: &Path) -> Self {
        Self { opening, root: root.to_owned() }
    }

    fn path(&self, number: u64) -> PathBuf {
        self.root.join(number.to_string())
    }

    /// The numbers of the folders that have a model, the highest first.
    fn numbers(&self) -> Result<Vec<u64>> {
        let failed = |error: std::io::Error| {
            let context = format!("{} cannot be read; is it a folder of numbered bundles?", self.root.display());
            Error::new(ErrorKind::Io, "list bundles", context).with_source(error)
        };
        let mut numbers = Vec::new();
        for entry in fs::read_dir(&self.root).map_err(failed)? {
            let name = entry.map_err(failed)?.file_name();
            // Only the one way to write a number, so that no two folders are one version.
            let number = name.to_str().and_then(|name| name.parse::<u64>().ok().filter(|number| number.to_string() == name));
            numbers.extend(number.filter(|number| has_model(&self.path(*number))));
        }
        numbers.sort_unstable_by(|one, other| other.cmp(one));
        Ok(numbers)
    }

    fn id(&self, number: u64) -> Result<Option<VersionId>> {
        Ok(identity_at(&self.path(number))?.map(|identity| VersionId::of_bundle(&identity, number)))
    }

    fn missing(&self, name: VersionName) -> Error {
        let numbers = self.numbers().unwrap_or_default();
        Error::input("switch version", format!("{} has no bundle {name}; it has {}", self.root.display(), listed(numbers)))
    }
}

impl Source for Bundles {
    fn newest(&self) -> Result<Option<VersionId>> {
        self.numbers()?.first().map_or(Ok(None), |number| self.id(*number))
    }

    fn beginning(&self) -> Result<VersionId> {
        let context = format!("{} has no bundle; export one as {}", self.root.display(), self.path(1).display());
        Err(Error::new(ErrorKind::InvalidBundle, "list bundles", context))
    }

    fn next_best(&self, newest: VersionId, _current: Option<VersionId>) -> Result<Vec<VersionId>> {
        let numbers = self.numbers()?;
        let lower = numbers.into_iter().filter(|number| *number < newest.number);
        // One that has just gone is no reason to stop.
        Ok(lower.filter_map(|number| self.id(number).ok().flatten()).collect())
    }

    fn resolve(&self, name: VersionName) -> Result<VersionId> {
        let number = match name {
            VersionName::Id(id) => id.number,
            VersionName::Number(number) => number,
        };
        let found = self.id(number)?;
        found.filter(|id| name == VersionName::Number(number) || name == VersionName::Id(*id)).ok_or_else(|| self.missing(name))
    }

    fn has(&self, version: VersionId) -> bool {
        self.id(version.number).is_ok_and(|found| found == Some(version))
    }

    /// Names, lengths and times of its files.
    fn stamp(&self, version: VersionId) -> Option<u64> {
        let files = fs::read_dir(self.path(version.number)).ok()?;
        let mut files: Vec<_> = files
            .filter_map(|file| file.ok().and_then(|file| Some((file.file_name(), file.metadata().ok()?))))
            .map(|(name, metadata)| (name, metadata.len(), metadata.modified().ok()))
            .collect();
        files.sort_unstable();
        let mut hasher = DefaultHasher::new();
        files.hash(&mut hasher);
        Some(hasher.finish())
    }

    fn load(&self, version: VersionId) -> Result<Serving> {
        let path = self.path(version.number);
        let model = Arc::new(self.opening.open_to_predict(&path)?);
        if VersionId::of_bundle(model.bundle().identity(), version.number) != version {
            let context = format!("{} was replaced while it was being read; it will be read again", path.display());
            return Err(Error::new(ErrorKind::InvalidBundle, "open bundle", context));
        }
        let version = match model.bundle().form() {
            Form::SavedModel => Version::without_parameters(model.bundle(), version),
            Form::Graph(_) => Version::initial(&Layout::new(model.bundle(), None, 1)?, model.bundle(), version)?,
        };
        Ok(Serving { model, version, made: None })
    }
}
