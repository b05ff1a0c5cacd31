//! Where in its shard an id's record is: open addressing with linear probing, four bytes a cell.
//!
//! A cell holds eight bits of the hash and the place, so that a probe leaves the cell's cache line only for the id that it looks for (and 1 in 256
//! others); the id itself is in the record, which whoever asks is about to read anyway. Removal moves the cells behind back instead of leaving
//! tombstones: under a budget, where each new id puts out an old one, a table of tombstones (`hashbrown` was tried on paper) grows to twice
//! its size before it cleans up, 23 bytes a row in place of ten.
//!
//! Shards are of nearly one size, so each has a limit of its own at which its index doubles: else all would within a few batches.

use super::SHARDS;
use super::prefetch::prefetch;

const EMPTY: u32 = 0;
const TAG_BITS: u32 = 8;
const PLACE_BITS: u32 = 32 - TAG_BITS;

/// The most records of a shard.
pub(super) const MOST_PLACES: usize = (1 << PLACE_BITS) - 1;

/// The finalizer of SplitMix64 (Steele, Lea and Flood, 2014): every bit of the result hangs on every bit of the id.
#[inline(always)]
pub(super) fn mixed(value: u64) -> u64 {
    let value = (value ^ (value >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let value = (value ^ (value >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    value ^ (value >> 31)
}

/// From hashes to places. Cells are chosen by the lowest bits of a hash, tags are bits 48 to 55; the highest eight are the shard's.
#[derive(Debug)]
pub(super) struct Index {
    /// A power of two of them, or none.
    cells: Box<[u32]>,
    taken: usize,
    /// Of 256 cells the most that are taken.
    limit: usize,
}

/// From the first shard, whose index doubles first, to what the last one does not reach.
const LIMITS: std::ops::Range<usize> = 176..208;

impl Index {
    /// The index of a shard.
    pub(super) fn new(shard: usize) -> Self {
        Self { cells: Box::default(), taken: 0, limit: LIMITS.start + LIMITS.len() * (shard % SHARDS) / SHARDS }
    }

    /// The bytes of an index of as many records, in whichever shard.
    pub(super) fn bytes_for(records: usize) -> usize {
        size_of::<u32>() * Self::cells_for(records, LIMITS.start)
    }

    fn cells_for(records: usize, limit: usize) -> usize {
        if records == 0 { 0 } else { (records * 256).div_ceil(limit).next_power_of_two().max(16) }
    }

    /// Asks for the cells that the search for this hash begins with.
    #[inline(always)]
    pub(super) fn prefetch(&self, hash: u64) {
        if let Some(mask) = self.cells.len().checked_sub(1) {
            let at = hash as usize & mask;
            prefetch(&self.cells[at..=at]);
        }
    }

    /// The place that is the right one in all but 1 in 256 cases, if the record is there.
    #[inline(always)]
    pub(super) fn guess(&self, hash: u64) -> Option<u32> {
        self.find(hash, |_| true)
    }

    pub(super) fn bytes(&self) -> usize {
        size_of_val(&*self.cells)
    }

    pub(super) fn taken(&self) -> usize {
        self.taken
    }

    #[inline(always)]
    fn cell_of(hash: u64, place: u32) -> u32 {
        (hash >> 48) as u32 & ((1 << TAG_BITS) - 1) | (place + 1) << TAG_BITS
    }

    /// The place of the record with this hash that `is_it` knows.
    #[inline(always)]
    pub(super) fn find(&self, hash: u64, is_it: impl Fn(u32) -> bool) -> Option<u32> {
        let mask = self.cells.len().checked_sub(1)?;
        let tag = (hash >> 48) as u8;
        let mut at = hash as usize & mask;
        loop {
            let cell = self.cells[at & mask];
            if cell == EMPTY {
                return None;
            }
            if cell as u8 == tag {
                let place = (cell >> TAG_BITS) - 1;
                if is_it(place) {
                    return Some(place);
                }
            }
            at += 1;
        }
    }

    /// Adds a record that is not there. `others` are those that are, by hash and place: read in their own order when the index grows, which is several times faster
    /// than one after the other by the cells.
    pub(super) fn insert<I: Iterator<Item = (u64, u32)>>(&mut self, hash: u64, place: u32, others: impl FnOnce() -> I) {
        let wanted = Self::cells_for(self.taken + 1, self.limit);
        if wanted > self.cells.len() {
            self.cells = vec![EMPTY; wanted].into_boxed_slice();
            others().for_each(|(hash, place)| self.put(hash, place));
        }
        self.put(hash, place);
        self.taken += 1;
    }

    fn put(&mut self, hash: u64, place: u32) {
        let mask = self.cells.len() - 1;
        let mut at = hash as usize & mask;
        while self.cells[at] != EMPTY {
            at = (at + 1) & mask;
        }
        self.cells[at] = Self::cell_of(hash, place);
    }

    /// Takes out the record at `place`, which has this hash and is there.
    pub(super) fn remove(&mut self, hash: u64, place: u32, hash_of: impl Fn(u32) -> u64) {
        let mask = self.cells.len() - 1;
        let cell = Self::cell_of(hash, place);
        let mut hole = hash as usize & mask;
        while self.cells[hole] != cell {
            if self.cells[hole] == EMPTY {
                debug_assert!(false, "no record at place {place}");
                return;
            }
            hole = (hole + 1) & mask;
        }
        // A cell moves into the hole unless its own first choice lies behind the hole.
        let mut at = hole;
        loop {
            at = (at + 1) & mask;
            let cell = self.cells[at];
            if cell == EMPTY {
                break;
            }
            let first = hash_of((cell >> TAG_BITS) - 1) as usize & mask;
            if at.wrapping_sub(first) & mask >= at.wrapping_sub(hole) & mask {
                self.cells[hole] = cell;
                hole = at;
            }
        }
        self.cells[hole] = EMPTY;
        self.taken -= 1;
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    /// Against a map, with hashes so few that all collide and chains run around the end.
    #[test]
    fn finds_what_is_there_and_nothing_else() {
        for (shard, spread) in [u64::MAX, 0xff, 0x3, 0].into_iter().enumerate() {
            let hash = |id: u64| mixed(id) & (spread | spread << 48);
            let (mut index, mut ids, mut model) = (Index::new(shard), Vec::new(), HashMap::new());
            for turn in 0..4_000u64 {
                let id = mixed(turn) % 300;
                let found = index.find(hash(id), |place| ids[place as usize] == id);
                assert_eq!(found, model.get(&id).copied(), "spread {spread:x}, turn {turn}");
                if let Some(place) = model.remove(&id) {
                    index.remove(hash(id), place, |place| hash(ids[place as usize]));
                } else {
                    let place = ids.len() as u32;
                    ids.push(id);
                    index.insert(hash(id), place, || model.iter().map(|(id, place)| (hash(*id), *place)));
                    model.insert(id, place);
                }
                assert_eq!(index.taken(), model.len());
            }
            for (id, place) in &model {
                assert_eq!(index.find(hash(*id), |place| ids[place as usize] == *id), Some(*place));
            }
        }
    }
}
