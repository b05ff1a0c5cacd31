//! Batches that were not learned, until the host takes them.

use std::collections::VecDeque;
use std::time::SystemTime;

use crate::batch::Batch;
use crate::error::ErrorKind;
use crate::snapshot::VersionId;

/// A batch that a trainer refused to learn.
#[derive(Debug)]
#[non_exhaustive]
pub struct Quarantined {
    /// Its rows, in memory of their own.
    pub batch: Batch,
    /// `NonFinite` or `Outlier`.
    pub kind: ErrorKind,
    /// The error of the step, in one line.
    pub reason: String,
    /// The version that was not changed.
    pub version: VersionId,
    /// What the host said with [`Trainer::step_to`](crate::Trainer::step_to).
    pub position: Option<Vec<u8>>,
    /// When.
    pub time: SystemTime,
}

/// The last of them.
#[derive(Debug, Default)]
pub(super) struct Quarantine {
    entries: VecDeque<Quarantined>,
    pub(super) dropped: u64,
}

impl Quarantine {
    /// Keeps it, and no more than so many.
    pub(super) fn push(&mut self, entry: Quarantined, most: usize) {
        self.entries.push_back(entry);
        while self.entries.len() > most {
            self.entries.pop_front();
            self.dropped += 1;
        }
    }

    pub(super) fn len(&self) -> usize {
        self.entries.len()
    }

    pub(super) fn first(&self) -> Option<&Quarantined> {
        self.entries.front()
    }

    pub(super) fn take(&mut self, most: usize) -> Vec<Quarantined> {
        let count = most.min(self.entries.len());
        self.entries.drain(..count).collect()
    }
}
