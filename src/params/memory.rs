//! Parameters in the memory of this process.

use std::sync::{Arc, OnceLock};

use super::checkpoint::Checkpoint;
use super::layout::Layout;
use super::learned::{Learned, Start};
use super::store::{Receipt, Store, Update};
use super::version::{Values, Version};
use crate::error::{Error, Result};
use crate::guard::Steering;
use crate::metrics::MetricValues;
use crate::snapshot::{Snapshot, VersionId};

/// Parameters in memory, gone with the process.
///
/// Readers take the newest version by one pointer and never wait. Writers follow each other: each applies its gradients
/// whole, against the newest version, into a kept buffer that nobody reads, and publishes it when all of it is written and
/// finite. So there are two copies of the parameters and of the slots, and one more for each older version that is held.
#[derive(Debug, Default)]
pub struct MemoryStore {
    learned: OnceLock<Learned>,
    steering: Steering,
}

impl MemoryStore {
    /// An empty store; the first trainer that opens with it fills it.
    pub fn new() -> Self {
        Self::default()
    }

    fn learned(&self) -> Result<&Learned> {
        self.learned.get().ok_or_else(unopened)
    }
}

/// What a store says that holds nothing yet.
pub(super) fn unopened() -> Error {
    Error::input("use store", "no trainer has opened it yet")
}

/// Whether a store that holds `there` can be joined by a trainer of `layout`.
pub(super) fn joinable(there: &Layout, layout: &Layout) -> Result<()> {
    match there.identity == layout.identity {
        true => Ok(()),
        false => Err(Error::input("open store", "it holds the parameters of another bundle; give each bundle a store of its own")),
    }
}

impl Store for MemoryStore {
    fn start(&self, layout: Arc<Layout>, initial: Values) -> Result<()> {
        let learned = match self.learned.get() {
            Some(learned) => learned,
            None => {
                let learned = Learned::new(layout.clone(), Start::new(&layout, initial)?, 1)?;
                self.learned.get_or_init(|| learned)
            }
        };
        joinable(learned.layout(), &layout)
    }

    fn pull(&self) -> Result<Version> {
        Ok(self.learned()?.pull())
    }

    fn push(&self, update: Update<'_>) -> Result<Receipt> {
        self.learned()?.push(update)
    }

    fn metrics(&self) -> Result<MetricValues> {
        Ok(self.learned()?.metrics())
    }

    fn learning_rate(&self) -> Result<f32> {
        Ok(self.learned()?.learning_rate())
    }

    fn set_learning_rate(&self, rate: f32) -> Result<()> {
        self.learned()?.set_learning_rate(rate)
    }

    fn steering(&self) -> &Steering {
        &self.steering
    }

    fn position(&self) -> Result<Option<Vec<u8>>> {
        Ok(self.learned()?.position().map(|position| position.to_vec()))
    }

    fn memory(&self) -> usize {
        self.learned.get().map_or(0, Learned::memory)
    }

    fn checkpoint(&self) -> Result<Checkpoint> {
        self.learned()?.checkpoint()
    }

    fn checkpoints(&self) -> usize {
        self.learned.get().map_or(0, |learned| learned.pins().held())
    }

    fn restore(&self, snapshot: &Snapshot) -> Result<VersionId> {
        self.learned()?.depart(snapshot)
    }
}
