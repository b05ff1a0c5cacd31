//! A version that the host writes into a stream of its own.

use std::fmt;
use std::io::Write;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use super::capture::Captured;
use crate::error::{Error, ErrorKind, Result};
use crate::snapshot::{Archive, VersionId};

/// One version with everything that belongs to it: parameters, state, slots, counters, metrics, position. It is pinned, not
/// copied: as long as this is held, training writes into other memory, also when the trainer is gone. `Send + Sync`.
///
/// The format of the stream is on the page of the snapshots' format, `docs/snapshot-format.md`.
pub struct Checkpoint {
    captured: Captured,
    /// Made when its first byte is asked for.
    archive: OnceLock<Archive>,
    pins: Pins,
}

impl Checkpoint {
    pub(super) fn new(captured: Captured, pins: &Pins) -> Self {
        Self { captured, archive: OnceLock::new(), pins: pins.one_more() }
    }

    /// The version that is pinned.
    pub fn version(&self) -> VersionId {
        self.captured.version.id()
    }

    /// Writes the stream, from which [`Trainer::restore`](crate::Trainer::restore) goes on; returns its length. May be called
    /// again, and by several threads: all write the same bytes.
    ///
    /// # Errors
    /// `Io` if `out` fails.
    pub fn write_to(&self, mut out: impl Write) -> Result<u64> {
        let archive = self.archive()?;
        let mut offset = 0;
        while let piece @ [_, ..] = archive.at(offset) {
            out.write_all(piece)
                .map_err(|error| Error::new(ErrorKind::Io, "write checkpoint", self.version().to_string()).with_source(error))?;
            offset += piece.len() as u64;
        }
        Ok(offset)
    }

    /// What is to be written. The first call reads all tensors once, to compute their SHA-256.
    pub(crate) fn archive(&self) -> Result<&Archive> {
        if let Some(archive) = self.archive.get() {
            return Ok(archive);
        }
        let made = Archive::new(self.captured.head(), &self.captured.entries(None))?;
        Ok(self.archive.get_or_init(|| made))
    }

    pub(super) fn captured(&self) -> &Captured {
        &self.captured
    }

    /// Whether this store made it.
    pub(super) fn is_of(&self, pins: &Pins) -> bool {
        Arc::ptr_eq(&self.pins.count, &pins.count)
    }
}

impl fmt::Debug for Checkpoint {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Checkpoint").field(&self.version()).finish()
    }
}

/// Counts the checkpoints of a store that are held.
#[derive(Debug, Default)]
pub(super) struct Pins {
    count: Arc<AtomicUsize>,
    counted: bool,
}

impl Pins {
    fn one_more(&self) -> Self {
        self.count.fetch_add(1, Ordering::Relaxed);
        Self { count: self.count.clone(), counted: true }
    }

    pub(super) fn held(&self) -> usize {
        self.count.load(Ordering::Relaxed)
    }
}

impl Drop for Pins {
    fn drop(&mut self) {
        if self.counted {
            self.count.fetch_sub(1, Ordering::Relaxed);
        }
    }
}
