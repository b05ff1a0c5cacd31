//! The records of a shard: an id, its bookkeeping, its row and the row's optimizer slots side by side, in slabs of equal size.
//!
//! A record is a run of 32-bit words: the id (2), when it was last seen and how often (2: 40 and 24 bits), the cut before which it was last
//! written (1), then `dim` numbers of the row and of each slot. Twenty bytes of bookkeeping, no alignment beyond four: vectors load as fast
//! from anywhere, and padding to 16 or 64 would cost more memory than a cache line crossed costs time. A slab never moves, so a shard grows without
//! copying a row.

/// The records of a slab: few, so that the half slab that is empty on average is little memory beside the 4,000 records of a shard (1 M in all).
pub(super) const SLAB: usize = 32;

/// The words in front of the row.
pub(super) const HEADER: usize = 5;

const COUNT_BITS: u32 = 24;
const MOST_COUNTED: u64 = (1 << COUNT_BITS) - 1;
/// The latest moment that a record can tell: 34,000 years in seconds, 34 years of 1,000 steps a second.
pub(super) const LATEST: u64 = (1 << (64 - COUNT_BITS)) - 1;
/// In place of a cut: nobody's record.
const FREE: u32 = u32::MAX;
const NO_PLACE: u32 = u32::MAX;

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

    fn set_used(&mut self, seen: u64, count: u64) {
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
#[derive(Debug)]
pub(super) struct Records {
    slabs: Vec<Box<[u32]>>,
    words: usize,
    /// The places given out so far, free ones included.
    length: u32,
    /// The first free place; each names the next where its id was.
    free: u32,
}

impl Records {
    /// Records of this many words each, header included.
    pub(super) fn new(words: usize) -> Self {
        Self { slabs: Vec::new(), words, length: 0, free: NO_PLACE }
    }

    /// The bytes of as many records.
    pub(super) fn bytes_for(words: usize, records: usize) -> usize {
        records.div_ceil(SLAB) * (SLAB * words * size_of::<u32>() + size_of::<Box<[u32]>>())
    }

    pub(super) fn bytes(&self) -> usize {
        self.slabs.len() * SLAB * self.words * size_of::<u32>() + self.slabs.capacity() * size_of::<Box<[u32]>>()
    }

    /// One more than the highest place.
    pub(super) fn length(&self) -> u32 {
        self.length
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

    /// A place for a new record, which the caller begins.
    pub(super) fn take(&mut self) -> u32 {
        if self.free != NO_PLACE {
            let place = self.free;
            self.free = self.get(place).id() as u32;
            return place;
        }
        if self.length as usize == self.slabs.len() * SLAB {
            // One more at a time, so that the list of slabs has no half empty tail either.
            self.slabs.reserve_exact(1 + self.slabs.len() / 16);
            self.slabs.push(vec![0; SLAB * self.words].into_boxed_slice());
        }
        self.length += 1;
        self.length - 1
    }

    /// Takes a place back.
    pub(super) fn give_back(&mut self, place: u32) {
        let next = self.free;
        self.get_mut(place).begin(u64::from(next), 0, 0, FREE);
        self.free = place;
    }
}
