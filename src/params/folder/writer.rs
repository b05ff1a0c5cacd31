//! The one who writes snapshots into a folder, and removes old ones.

use std::sync::Arc;

use super::retention::{Held, Retention};
use crate::error::{Error, ErrorKind, Result};
use crate::params::capture::Captured;
use crate::params::cuts::Cuts;
use crate::snapshot::{Base, Deltas, Lock, SnapshotFolder, VersionId};

/// Writes versions one after the other. Holds the folder's lock.
#[derive(Debug)]
pub(super) struct Writer {
    folder: SnapshotFolder,
    lock: Box<dyn Lock>,
    retention: Retention,
    deltas: u32,
    held: Held,
    /// The snapshot that a delta can build on, and the cuts of its tables.
    base: Option<(Base, Arc<Cuts>)>,
}

impl Writer {
    pub(super) fn new(folder: SnapshotFolder, lock: Box<dyn Lock>, retention: Retention, deltas: u32, held: Held) -> Self {
        Self { folder, lock, retention, deltas, held, base: None }
    }

    /// Writes a version, the `newest` one or one that comes late; it will outlast the process when this returns.
    pub(super) fn write(&mut self, captured: &Captured, newest: bool) -> Result<()> {
        let _save = tracing::debug_span!("save", version = %captured.version.id()).entered();
        if !self.lock.is_in_place() {
            let context =
                format!("{} was removed or replaced since it was opened; put it back, or open it again", self.folder.path().display());
            return Err(Error::new(ErrorKind::Io, "save version", context));
        }
        let lineage = captured.version.id().lineage;
        let base = self.base.take().filter(|(base, _)| base.version.lineage == lineage && base.has_room(self.deltas));
        let (base, since) = base.unzip();
        let entries = captured.entries(since.as_deref().map(Cuts::numbers));
        let deltas = Deltas { most: self.deltas, base: base.as_ref() };
        let next = self.folder.publish(captured.head(), &entries, deltas, newest)?;
        captured.version.tables().forget_removed_before(captured.cuts.numbers());
        self.base = next.map(|base| (base, captured.cuts.clone()));
        tracing::debug!(version = %captured.version.id(), "saved");
        // A late one makes no other superfluous. The version is saved: that old ones cannot be removed is no failure of that.
        if newest && let Err(error) = self.prune(captured.version.id()) {
            tracing::warn!(%error, "old snapshots cannot be removed");
        }
        Ok(())
    }

    /// Removes what the rules do not keep; returns what is gone.
    pub(super) fn prune(&self, newest: VersionId) -> Result<Vec<VersionId>> {
        let mut removed = Vec::new();
        for version in self.retention.superfluous(&self.folder.versions()?, self.held.and(newest)) {
            match self.folder.remove(version)? {
                true => removed.push(version),
                false => tracing::debug!(%version, "is being read; it will be removed later"),
            }
        }
        Ok(removed)
    }
}
