//! How a folder store is opened.

use std::num::NonZeroU64;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::FolderStore;
use super::holder;
use super::retention::{Held, Retention};
use super::writer::Writer;
use crate::error::{Error, Result};
use crate::snapshot::{FileSystem, SnapshotFolder, Storage, VersionId};

/// Options of a [`FolderStore`]; made by [`FolderStore::builder`].
#[derive(Clone, Debug)]
pub struct FolderStoreBuilder {
    path: PathBuf,
    storage: Arc<dyn Storage>,
    wait: Duration,
    retention: Retention,
    options: Options,
}

/// What the store asks after it was opened.
#[derive(Clone, Debug)]
pub(super) struct Options {
    pub(super) every_steps: Option<NonZeroU64>,
    pub(super) every: Option<Duration>,
    pub(super) on_close: bool,
    pub(super) warm_start: bool,
    pub(super) restore: Option<VersionId>,
    /// The most deltas on a complete snapshot.
    pub(super) deltas: u32,
    /// Whether the folder is one of this machine's file system.
    pub(super) local: bool,
}

impl FolderStoreBuilder {
    pub(super) fn new(path: &Path) -> Self {
        let every = Some(Duration::from_secs(60));
        Self {
            path: path.to_owned(),
            storage: Arc::new(FileSystem),
            wait: Duration::ZERO,
            retention: Retention { last: 5, hourly: 0, daily: 0 },
            options: Options { every_steps: None, every, on_close: true, warm_start: false, restore: None, deltas: 0, local: true },
        }
    }

    /// Saves each version whose number is a multiple of this; 0 for none. Default 0.
    #[must_use]
    pub fn every_steps(mut self, steps: u64) -> Self {
        self.options.every_steps = NonZeroU64::new(steps);
        self
    }

    /// Saves the newest version this long after the last attempt, if there is a new one; zero for never. Default one minute.
    #[must_use]
    pub fn every(mut self, interval: Duration) -> Self {
        self.options.every = Some(interval).filter(|interval| !interval.is_zero());
        self
    }

    /// Whether the newest version is saved when the store is dropped. Default true.
    #[must_use]
    pub fn on_close(mut self, save: bool) -> Self {
        self.options.on_close = save;
        self
    }

    /// Keeps the last so many versions, at least one. Default 5. The other rules keep more than these.
    #[must_use]
    pub fn keep_last(mut self, versions: usize) -> Self {
        self.retention.last = versions;
        self
    }

    /// Keeps the last version of each hour (UTC), for the last so many hours that have one. Default 0.
    #[must_use]
    pub fn keep_hourly(mut self, hours: usize) -> Self {
        self.retention.hourly = hours;
        self
    }

    /// Keeps the last version of each day (UTC), for the last so many days that have one. Default 0.
    #[must_use]
    pub fn keep_daily(mut self, days: usize) -> Self {
        self.retention.daily = days;
        self
    }

    /// Writes only the tensors that changed since the version saved before, where that saves half of the bytes, in chains of at
    /// most so many (up to 64) between complete snapshots. It costs a second SHA-256 of everything. Default 0: all are complete.
    #[must_use]
    pub fn deltas(mut self, most: u32) -> Self {
        self.options.deltas = most;
        self
    }

    /// Waits so long for another writer to let go of the folder. Default: not at all.
    #[must_use]
    pub fn wait_for_writer(mut self, most: Duration) -> Self {
        self.wait = most;
        self
    }

    /// Takes over what fits from a folder of another bundle: parameters and state of the same name, dtype and shape. If all of
    /// them fit and the optimizer keeps the same slots, these and its count of steps come along, else it begins anew. Metrics
    /// begin anew. It begins a new lineage; with the same bundle it changes nothing. Default false: such a folder is refused.
    #[must_use]
    pub fn warm_start(mut self, take: bool) -> Self {
        self.options.warm_start = take;
        self
    }

    /// Begins from this kept version instead of the newest, in a new lineage, which the folder names with the next snapshot.
    #[must_use]
    pub fn restore(mut self, version: VersionId) -> Self {
        self.options.restore = Some(version);
        self
    }

    /// Keeps the files elsewhere than in this machine's file system.
    #[must_use]
    pub fn storage(self, storage: Arc<dyn Storage>) -> Self {
        Self { storage, options: Options { local: false, ..self.options }, ..self }
    }

    /// Removes the versions that these options do not keep, without opening a model, and returns them. The newest one stays, as does
    /// what a delta builds on that stays, and what somebody reads.
    ///
    /// # Errors
    /// `Locked`, naming the holder, if a store has the folder open for writing: that one removes them itself.
    pub fn prune(self) -> Result<Vec<VersionId>> {
        self.check()?;
        let folder = SnapshotFolder::open_in(self.storage.clone(), &self.path)?;
        let lock = holder::lock(&*self.storage, &self.path, self.wait)?;
        let writer = Writer::new(folder.clone(), lock, self.retention, 0, Held::default());
        match folder.newest_version()? {
            Some(newest) => writer.prune(newest),
            None => Ok(Vec::new()),
        }
    }

    fn check(&self) -> Result<()> {
        match self.retention.last {
            0 => Err(Error::input("open store", "keep at least the last version")),
            _ => Ok(()),
        }
    }

    /// Locks the folder and makes it one of a store, if it is not yet. What it holds is read when a trainer opens with it.
    pub fn open(self) -> Result<FolderStore> {
        self.check()?;
        if self.options.warm_start && self.options.restore.is_some() {
            return Err(Error::input("open store", "ask for a warm start or for a version to restore, not for both"));
        }
        let folder = SnapshotFolder::at(self.storage.clone(), &self.path);
        folder.create_root()?;
        let lock = holder::lock(&*self.storage, &self.path, self.wait)?;
        folder.prepare()?;
        let held = Held::default();
        let writer = Writer::new(folder.clone(), lock, self.retention, self.options.deltas, held.clone());
        Ok(FolderStore::new(folder, writer, held, self.options))
    }
}
