//! A table as of one moment, read while it goes on learning.
//!
//! [`Table::cut`] raises the number of the cut. From then on whoever is first to change or give up a record of before (its own number tells)
//! saves it in its shard as it was. Meanwhile [`Cut::for_each`] walks through the places of a shard, some at a time under its lock, and hands on the records
//! of before that it finds untouched; what it has passed need not be saved any more. So a cut costs a step a copy of the rows that it is the first to touch,
//! and the memory of those until the walk has come by.
//!
//! Pulling and applying hold the table's gate shared from end to end, the cut takes it for an instant: a cut never falls into a step's update.

use std::sync::Arc;

use super::records::{HEADER, Record};
use super::{SHARDS, Table};
use crate::error::{Error, ErrorKind, Result};

/// The records of one hold of a shard's lock: about 10 us for rows of 16 numbers with one slot.
const CHUNK: u32 = 128;

/// How many cuts there were, and whether the last of them is still being read.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Era {
    pub(super) cut: u32,
    pub(super) open: bool,
}

/// How far the reader of a cut has come in a shard.
#[derive(Debug, Default)]
pub(super) struct Progress {
    cut: u32,
    /// Records at lower places have been read.
    read: u32,
    /// The others that have changed since, as they were.
    saved: Vec<u32>,
}

impl Progress {
    /// The progress of this cut, which may not have come here yet.
    fn of(&mut self, cut: u32) -> &mut Self {
        if self.cut != cut {
            *self = Self { cut, ..Self::default() };
        }
        self
    }

    pub(super) fn save(&mut self, era: Era, place: u32, record: Record<'_>) {
        let progress = self.of(era.cut);
        if place >= progress.read {
            progress.saved.extend_from_slice(record.0);
        }
    }

    pub(super) fn bytes(&self) -> usize {
        self.saved.capacity() * size_of::<u32>()
    }
}

/// A row as it was at a cut.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Row<'r> {
    /// Whose row.
    pub id: u64,
    /// When the id was last seen: a step, or a second if the table's rows expire by seconds.
    pub seen: u64,
    /// How often it was seen since it has its row, at most 2^24 - 1.
    pub count: u64,
    /// Its numbers.
    pub values: &'r [f32],
    /// Its optimizer slots, one after the other, in the order of the optimizer's.
    pub slots: &'r [f32],
    /// Whether it changed since the cut before this one, or is new.
    pub is_changed: bool,
}

/// A table as of one moment. One at a time; `Send`. While it lives, steps save what they change: read it, then drop it.
#[derive(Debug)]
pub struct Cut {
    table: Arc<Table>,
    era: Era,
}

impl Table {
    /// Holds on to the table as it is now. Waits for pulls and updates that are under way, no longer.
    ///
    /// # Errors
    /// `InvalidInput` if the last cut has not been dropped yet.
    pub fn cut(self: &Arc<Self>) -> Result<Cut> {
        let mut era = self.gate.write();
        if era.open {
            let context = format!("drop the last cut before the next: table {}", self.plan.spec.name);
            return Err(Error::new(ErrorKind::InvalidInput, "cut table", context));
        }
        // The number of free records is never reached: a cut a second for 136 years.
        *era = Era { cut: era.cut + 1, open: true };
        Ok(Cut { table: Arc::clone(self), era: *era })
    }
}

impl Cut {
    /// Hands on every row of the table as it was at the cut, once, in no particular order.
    ///
    /// # Errors
    /// The first error of `each`, which ends the walk.
    pub fn for_each<E>(mut self, mut each: impl FnMut(Row<'_>) -> Result<(), E>) -> Result<(), E> {
        let mut buffer = Vec::new();
        for shard in 0..SHARDS {
            loop {
                buffer.clear();
                let is_last = self.read(shard, &mut buffer);
                for words in buffer.chunks_exact(self.table.plan.words) {
                    each(self.row(Record(words)))?;
                }
                if is_last {
                    break;
                }
            }
        }
        Ok(())
    }

    /// Appends the next records of a shard as they were; whether these were the last.
    fn read(&mut self, shard: usize, buffer: &mut Vec<u32>) -> bool {
        let mut shard = self.table.shards[shard].write();
        let shard = &mut *shard;
        let length = shard.records.length();
        let progress = shard.progress.of(self.era.cut);
        let from = progress.read;
        let to = length.min(from.saturating_add(CHUNK));
        for place in from..to {
            let record = shard.records.get(place);
            if record.cut() < self.era.cut {
                buffer.extend_from_slice(record.0);
            }
        }
        progress.read = to;
        if to < length {
            return false;
        }
        // Whatever comes now is of after the cut.
        progress.read = u32::MAX;
        buffer.append(&mut std::mem::take(&mut progress.saved));
        true
    }

    fn row<'r>(&self, record: Record<'r>) -> Row<'r> {
        debug_assert_eq!(record.0.len(), HEADER + record.values().len());
        let (values, slots) = record.values().split_at(self.table.plan.dim());
        let is_changed = record.cut() + 1 >= self.era.cut;
        Row { id: record.id(), seen: record.seen(), count: record.count(), values, slots, is_changed }
    }
}

impl Drop for Cut {
    fn drop(&mut self) {
        self.table.gate.write().open = false;
        for shard in &self.table.shards {
            let mut shard = shard.write();
            // Of the next cut, if it has been made meanwhile.
            if shard.progress.cut == self.era.cut {
                shard.progress = Progress::default();
            }
        }
    }
}
