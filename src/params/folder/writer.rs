//! The one who writes snapshots into a folder, and removes old ones.

use super::retention::Retention;
use crate::error::{Error, ErrorKind, Result};
use crate::params::capture::Captured;
use crate::snapshot::{Base, Deltas, Lock, SnapshotFolder};

/// Writes versions one after the other. Holds the folder's lock.
#[derive(Debug)]
pub(super) struct Writer {
    folder: SnapshotFolder,
    lock: Box<dyn Lock>,
    retention: Retention,
    deltas: u32,
    base: Option<Base>,
}

impl Writer {
    pub(super) fn new(folder: SnapshotFolder, lock: Box<dyn Lock>, retention: Retention, deltas: u32) -> Self {
        Self { folder, lock, retention, deltas, base: None }
    }

    /// Writes a version; it will outlast the process when this returns.
    pub(super) fn write(&mut self, captured: &Captured) -> Result<()> {
        if !self.lock.is_in_place() {
            let context =
                format!("{} was removed or replaced since it was opened; put it back, or open it again", self.folder.path().display());
            return Err(Error::new(ErrorKind::Io, "save version", context));
        }
        let base = self.base.take().filter(|base| base.version.lineage == captured.version.id().lineage);
        self.base = self.folder.publish(captured.head(), &captured.entries(), Deltas { most: self.deltas, base: base.as_ref() })?;
        tracing::debug!(version = %captured.version.id(), "saved");
        // The version is saved: that old ones cannot be removed is no failure of that.
        if let Err(error) = self.prune(captured) {
            tracing::warn!(%error, "old snapshots cannot be removed");
        }
        Ok(())
    }

    fn prune(&self, newest: &Captured) -> Result<()> {
        for version in self.retention.superfluous(&self.folder.versions()?, newest.version.id()) {
            if !self.folder.remove(version)? {
                tracing::debug!(%version, "is being read; it will be removed later");
            }
        }
        Ok(())
    }
}
