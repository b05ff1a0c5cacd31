//! What learning hands to a host that makes checkpoints of its own, and takes back.

use std::io::Read;

use super::Trainer;
use crate::error::Result;
use crate::params::Checkpoint;
use crate::snapshot::{Snapshot, VersionId};

impl Trainer {
    /// Pins the newest version with everything that belongs to it, for the host to write out while training goes on. It copies
    /// the metrics' sums and no tensor.
    ///
    /// # Errors
    /// `Poisoned` if an earlier failure left the parameters without a trustworthy state.
    pub fn checkpoint(&self) -> Result<Checkpoint> {
        self.store.checkpoint()
    }

    /// The checkpoints of this trainer's store that are held.
    pub fn checkpoints(&self) -> usize {
        self.store.checkpoints()
    }

    /// Goes on from what a checkpoint wrote, with the same bits of everything, in a new lineage; returns the version that this
    /// makes, whose number is the checkpoint's. It wins over what a folder holds, which gets it as the newest version. The stream is
    /// read to its end.
    ///
    /// # Errors
    /// `InvalidInput` if it is of another bundle, naming each tensor that differs; `InvalidSnapshot` if it is damaged, cut, or of a
    /// newer format; `Io` if it cannot be read. Nothing is changed then.
    pub fn restore(&self, from: impl Read) -> Result<VersionId> {
        self.restore_snapshot(&Snapshot::read(from)?)
    }

    /// As [`Trainer::restore`], from a snapshot that was read elsewhere: a folder's, say, that another process writes.
    ///
    /// # Errors
    /// `InvalidInput` if it is of another bundle, naming each tensor that differs; nothing is changed then.
    pub fn restore_snapshot(&self, snapshot: &Snapshot) -> Result<VersionId> {
        self.store.restore(snapshot)
    }

    /// Saves exactly the version of a checkpoint in the store's folder, and returns when it will outlast the process and the
    /// machine's power. A host that keeps no more than the version's name goes back to it with [`Trainer::rollback`].
    ///
    /// # Errors
    /// `Unsupported` if the parameters live in memory only; `InvalidInput` if another store made the checkpoint; `Io` and others say
    /// why it failed. Learning goes on.
    pub fn save_checkpoint(&self, checkpoint: &Checkpoint) -> Result<VersionId> {
        self.store.save_checkpoint(checkpoint)
    }

    /// Keeps a version's snapshot, whatever the folder's rules say, until it is released or the store is closed. It may be saved
    /// later than it is held.
    ///
    /// # Errors
    /// `Unsupported` if the parameters live in memory only.
    pub fn hold(&self, version: VersionId) -> Result<()> {
        self.store.hold(version)
    }

    /// Leaves a version's snapshot to the folder's rules again.
    ///
    /// # Errors
    /// `Unsupported` if the parameters live in memory only.
    pub fn release(&self, version: VersionId) -> Result<()> {
        self.store.release(version)
    }
}
