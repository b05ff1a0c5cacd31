//! The records of a shard: an id, its bookkeeping, its row and the row's optimizer slots side by side, in slabs of equal size.
//!
//! A record is a run of 32-bit words: the id (2), when it was last seen and how often (2: 40 and 24 bits), the cut before which it was last
//! written (1), then `dim` numbers of the row and of each slot. Twenty bytes of bookkeeping, no alignment beyond four: vectors load as fast
//! from anywhere, and padding to 16 or 64 would cost more memory than a cache line crossed costs time. A slab never moves, so a shard grows without
//! copying a row.

/// The records of a slab: few, so that the half slab that is empty on average is little memory beside the 4,000 records of a shard (1 M in all).
pub(super) const SLAB: usize = u32::BITS as usize;

/// The words in front of the row.
pub(super) const HEADER: usize = 5;

const COUNT_BITS: u32 = 24;
const MOST_COUNTED: u64 = (1 << COUNT_BITS) - 1;
/// The latest moment that a record can tell: 34,000 years in seconds, 34 years of 1,000 steps a second.
pub(super) const LATEST: u64 = (1 << (64 - COUNT_BITS)) - 1;
/// In place of a cut: nobody's record.
const FREE: u32 = u32::MAX;

/// What a record is made of, by its words.
#[derive(Clone, Copy, Debug)]
pub(super) struct Record<'r>(pub(super) &'r [u32]);

impl<'r> Record<'r> {
    #[inline(always)]
    pub(super) fn id(self) -> u64 {
        u64::from(self.0[0]) | u64::from(self.0[1]) << 32
    }

    fn used(self) -> u64 {
        u64::from(self.0[2]) | u64::from(self.0[3]) << 32
    }

    /// The latest moment at which it was seen.
    pub(super) fn seen(self) -> u64 {
        self.used() >> COUNT_BITS
    }

    /// How often it was seen, as far as 24 bits count.
    pub(super) fn count(self) -> u64 {
        self.used() & MOST_COUNTED
    }

    /// The number of the last cut before it was written last.
    pub(super) fn cut(self) -> u32 {
        self.0[4]
    }

    pub(super) fn is_free(self) -> bool {
        self.cut() == FREE
    }

    /// The row and its slots.
    #[inline(always)]
    pub(super) fn values(self) -> &'r [f32] {
        let words = &self.0[HEADER..];
        // SAFETY: `u32` and `f32` have the same size and alignment, and any bits are a value of either.
        unsafe { std::slice::from_raw_parts(words.as_ptr().cast(), words.len()) }
    }
}

/// A record that may be written.
#[derive(Debug)]
pub(super) struct RecordMut<'r>(&'r mut [u32]);

impl RecordMut<'_> {
    fn record(&self) -> Record<'_> {
        Record(self.0)
    }

    pub(super) fn set_used(&mut self, seen: u64, count: u64) {
        let used = seen.min(LATEST) << COUNT_BITS | count.min(MOST_COUNTED);
        (self.0[2], self.0[3]) = (used as u32, (used >> 32) as u32);
    }

    /// Seen `times` more at a moment, which may be before another that it knows.
    pub(super) fn see(&mut self, now: u64, times: u64) {
        let (seen, count) = (self.record().seen(), self.record().count());
        self.set_used(seen.max(now), count + times);
    }

    /// Makes a new record of it, but for its values.
    pub(super) fn begin(&mut self, id: u64, now: u64, times: u64, cut: u32) {
        (self.0[0], self.0[1]) = (id as u32, (id >> 32) as u32);
        self.set_used(now, times);
        self.0[4] = cut;
    }

    pub(super) fn set_cut(&mut self, cut: u32) {
        self.0[4] = cut;
    }

    #[inline(always)]
    pub(super) fn values_mut(&mut self) -> &mut [f32] {
        let words = &mut self.0[HEADER..];
        // SAFETY: as in `Record::values`, and the words are borrowed mutably for as long.
        unsafe { std::slice::from_raw_parts_mut(words.as_mut_ptr().cast(), words.len()) }
    }
}

/// All records of a shard, by place.
///
/// A new record takes the lowest place that is free. So which places records take hangs on which are taken alone, not on how that came about: a shard
/// that is read back from a snapshot goes on as the one that was not.
#[derive(Debug)]
pub(super) struct Records {
    slabs: Vec<Box<[u32]>>,
    /// Of each slab a bit for each place that is free.
    free: Vec<u32>,
    /// No slab before this one has a free place.
    lowest: usize,
    words: usize,
    /// One more than the highest place that is taken.
    length: u32,
}

impl Records {
    /// Records of this many words each, header included.
    pub(super) fn new(words: usize) -> Self {
        Self { slabs: Vec::new(), free: Vec::new(), lowest: 0, words, length: 0 }
    }

    /// The bytes of as many records.
    pub(super) fn bytes_for(words: usize, records: usize) -> usize {
        let slabs = records.div_ceil(SLAB);
        slabs * SLAB * words * size_of::<u32>() + (slabs + more(slabs)) * LISTED
    }

    pub(super) fn bytes(&self) -> usize {
        let lists = self.slabs.capacity() * size_of::<Box<[u32]>>() + self.free.capacity() * size_of::<u32>();
        self.slabs.len() * SLAB * self.words * size_of::<u32>() + lists
    }

    /// One more than the highest place that is taken.
    pub(super) fn length(&self) -> u32 {
        self.length
    }

    /// The places that there is memory for.
    pub(super) fn room(&self) -> usize {
        self.slabs.len() * SLAB
    }

    #[inline(always)]
    pub(super) fn get(&self, place: u32) -> Record<'_> {
        let start = place as usize % SLAB * self.words;
        Record(&self.slabs[place as usize / SLAB][start..start + self.words])
    }

    #[inline(always)]
    pub(super) fn get_mut(&mut self, place: u32) -> RecordMut<'_> {
        let start = place as usize % SLAB * self.words;
        RecordMut(&mut self.slabs[place as usize / SLAB][start..start + self.words])
    }

    /// The records that are begun, by place.
    pub(super) fn taken(&self) -> impl Iterator<Item = (u32, Record<'_>)> {
        (0..self.length).map(|place| (place, self.get(place))).filter(|(_, record)| !record.is_free())
    }

    /// A place for a new record, which the caller begins.
    pub(super) fn take(&mut self) -> u32 {
        while self.free.get(self.lowest).is_some_and(|free| *free == 0) {
            self.lowest += 1;
        }
        let bit = self.free.get(self.lowest).map_or(0, |free| free.trailing_zeros());
        let place = (self.lowest * SLAB) as u32 + bit;
        self.take_at(place);
        place
    }

    /// Takes this place for a new record, which the caller begins; whether it was free.
    pub(super) fn take_at(&mut self, place: u32) -> bool {
        let (slab, bit) = (place as usize / SLAB, 1 << (place as usize % SLAB));
        while self.slabs.len() <= slab {
            self.grow();
        }
        let is_free = self.free[slab] & bit != 0;
        if is_free {
            self.free[slab] &= !bit;
            self.length = self.length.max(place + 1);
        }
        is_free
    }

    fn grow(&mut self) {
        if self.slabs.len() == self.slabs.capacity() {
            // Few more at a time, so that the lists of slabs have no half empty tail either.
            self.slabs.reserve_exact(more(self.slabs.len()));
            self.free.reserve_exact(more(self.slabs.len()));
        }
        let mut slab = vec![0; SLAB * self.words].into_boxed_slice();
        slab.chunks_exact_mut(self.words).for_each(|words| RecordMut(words).set_cut(FREE));
        self.slabs.push(slab);
        self.free.push(u32::MAX);
    }

    /// Takes a place back.
    pub(super) fn give_back(&mut self, place: u32) {
        let slab = place as usize / SLAB;
        self.get_mut(place).set_cut(FREE);
        self.free[slab] |= 1 << (place as usize % SLAB);
        self.lowest = self.lowest.min(slab);
        while self.length > 0 && self.get(self.length - 1).is_free() {
            self.length -= 1;
        }
    }
}

/// How many slabs more than these the lists have room for.
fn more(slabs: usize) -> usize {
    1 + slabs / 16
}

/// What the lists take for a slab.
const LISTED: usize = size_of::<Box<[u32]>>() + size_of::<u32>();

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::super::index::mixed;
    use super::*;

    #[test]
    fn a_record_takes_the_lowest_free_place() {
        let (mut records, mut taken) = (Records::new(HEADER), BTreeSet::new());
        for turn in 0..20_000u64 {
            let place = (mixed(turn) % 300) as u32;
            match mixed(turn) >> 62 {
                // Now it grows, now it shrinks.
                0 | 1 if turn / 2_000 % 2 == 0 => {
                    let lowest = (0..).find(|place| !taken.contains(place)).unwrap();
                    assert_eq!(records.take(), lowest);
                    records.get_mut(lowest).begin(turn, 0, 1, 0);
                    taken.insert(lowest);
                }
                2 => {
                    assert_eq!(records.take_at(place), taken.insert(place));
                    records.get_mut(place).begin(turn, 0, 1, 0);
                }
                _ => {
                    if taken.remove(&place) {
                        records.give_back(place);
                    }
                }
            }
            assert_eq!(records.length(), taken.last().map_or(0, |last| last + 1));
        }
        assert!((0..records.length()).all(|place| records.get(place).is_free() != taken.contains(&place)));
    }
}
