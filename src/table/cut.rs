//! A table as of one moment, read while it goes on learning.
//!
//! [`Table::cut`] raises the number of the cut. From then on whoever is first to change or give up a record of before (its own number tells)
//! saves it in its shard as it was, for every open cut that it is of before. Meanwhile [`Cut::for_each`] walks through the places of a shard, some at a time under its lock,
//! and hands on the records of before that it finds untouched; what it has passed need not be saved any more. So a cut costs a step a copy of the rows
//! that it is the first to touch, and the memory of those until the walk has come by.
//!
//! Commits hold the table's gate shared from end to end, the cut takes it for an instant: a cut never falls into a step's update.

use std::sync::Arc;

use parking_lot::RwLockWriteGuard;
use smallvec::SmallVec;

use super::records::Record;
use super::shard::Shard;
use super::{SHARDS, Table};

/// The records of one hold of a shard's lock: about 10 us for rows of 16 numbers with one slot.
const CHUNK: u32 = 128;

/// How many cuts there were, and which of them are still to be read.
#[derive(Debug, Default)]
pub(super) struct Era {
    pub(super) cut: u32,
    pub(super) open: SmallVec<[u32; 4]>,
}

/// How far the reader of a cut has come in a shard.
#[derive(Debug)]
pub(super) struct Progress {
    pub(super) cut: u32,
    /// Records at lower places have been read.
    read: u32,
    /// The others that have changed since, as they were, each after its place.
    saved: Vec<u32>,
    /// What else the shard held at the cut.
    pub(super) rest: Rest,
}

/// What a shard holds beside its records: where its search for expired rows goes on, and its sketch.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Rest {
    pub(super) hand: u32,
    pub(super) sketch: Vec<u8>,
}

impl Progress {
    pub(super) fn new(cut: u32, rest: Rest) -> Self {
        Self { cut, read: 0, saved: Vec::new(), rest }
    }

    pub(super) fn save(&mut self, place: u32, record: Record<'_>) {
        if record.cut() < self.cut && place >= self.read {
            self.saved.push(place);
            self.saved.extend_from_slice(record.0);
        }
    }

    pub(super) fn bytes(&self) -> usize {
        self.saved.capacity() * size_of::<u32>() + self.rest.sketch.capacity()
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
    pub count: u32,
    /// Its numbers.
    pub values: &'r [f32],
    /// Its optimizer slots, one after the other, in the order of the optimizer's.
    pub slots: &'r [f32],
    /// The number of the last cut before it was written last.
    written: u32,
}

impl Row<'_> {
    /// Whether it was made, seen or changed since an earlier cut.
    pub fn changed_since(&self, cut: u32) -> bool {
        self.written >= cut
    }
}

/// A table as of one moment; any number may be open at a time. `Send`. While it lives, steps save what they change: read it, then drop it.
#[derive(Debug)]
pub struct Cut {
    pub(super) table: Arc<Table>,
    pub(super) number: u32,
}

impl Table {
    /// Holds on to the table as it is now. Waits for commits that are under way, no longer.
    pub fn cut(self: &Arc<Self>) -> Cut {
        let mut era = self.gate.write();
        // The number of free records is never reached: a cut a second for 136 years.
        era.cut += 1;
        let number = era.cut;
        era.open.push(number);
        Cut { table: Arc::clone(self), number }
    }

    /// A shard to write in, which knows of all cuts.
    pub(super) fn enter(&self, era: &Era, shard: usize) -> RwLockWriteGuard<'_, Shard> {
        let mut shard = self.shards[shard].write();
        shard.enter(era);
        shard
    }
}

impl Cut {
    /// Which of the table's cuts this is: 1, 2, ... since the table was made.
    pub fn number(&self) -> u32 {
        self.number
    }

    /// Hands on every row of the table as it was at the cut, once, in no particular order.
    ///
    /// # Errors
    /// The first error of `each`, which ends the walk.
    pub fn for_each<E>(self, mut each: impl FnMut(Row<'_>) -> Result<(), E>) -> Result<(), E> {
        let mut buffer = Vec::new();
        for shard in 0..SHARDS {
            loop {
                buffer.clear();
                let rest = self.read(shard, 0, &mut buffer);
                for placed in buffer.chunks_exact(1 + self.table.plan.words) {
                    each(self.row(&placed[1..]))?;
                }
                if rest.is_some() {
                    break;
                }
            }
        }
        Ok(())
    }

    /// Appends the next records of a shard that were written after an earlier cut, as they were, each after its place; with the last ones comes what else the
    /// shard held.
    pub(super) fn read(&self, shard: usize, since: u32, buffer: &mut Vec<u32>) -> Option<Rest> {
        let gate = self.table.gate.read();
        let mut shard = self.table.enter(&gate, shard);
        let rest = self.read_next(&mut shard, since, buffer);
        // A step that waits comes before the next records.
        RwLockWriteGuard::unlock_fair(shard);
        rest
    }

    fn read_next(&self, shard: &mut Shard, since: u32, buffer: &mut Vec<u32>) -> Option<Rest> {
        let Some(progress) = shard.progress.iter_mut().find(|progress| progress.cut == self.number) else {
            debug_assert!(false, "an open cut is known to each shard that is entered");
            return Some(Rest::default());
        };
        let length = shard.records.length();
        let (from, to) = (progress.read, length.min(progress.read.saturating_add(CHUNK)));
        for place in from..to {
            let record = shard.records.get(place);
            if (since..self.number).contains(&record.cut()) {
                buffer.push(place);
                buffer.extend_from_slice(record.0);
            }
        }
        progress.read = to;
        if to < length {
            return None;
        }
        // Whatever comes now is of after the cut.
        progress.read = u32::MAX;
        let saved = std::mem::take(&mut progress.saved);
        let changed = saved.chunks_exact(1 + self.table.plan.words).filter(|placed| Record(&placed[1..]).cut() >= since);
        changed.for_each(|placed| buffer.extend_from_slice(placed));
        Some(std::mem::take(&mut progress.rest))
    }

    pub(super) fn row<'r>(&self, words: &'r [u32]) -> Row<'r> {
        let record = Record(words);
        let (values, slots) = record.values().split_at(self.table.plan.dim());
        Row { id: record.id(), seen: record.seen(), count: record.count() as u32, values, slots, written: record.cut() }
    }
}

impl Drop for Cut {
    fn drop(&mut self) {
        self.table.gate.write().open.retain(|cut| *cut != self.number);
        for shard in &self.table.shards {
            shard.write().progress.retain(|progress| progress.cut != self.number);
        }
    }
}
