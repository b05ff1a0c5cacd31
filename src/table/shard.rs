//! One of the parts that ids are spread over by their hash, each with its own lock, index, records and sketch.
//!
//! Nothing here is done to all records of a shard at once but for two: its index grows by itself (78 k records of a table of 20 M in less than a
//! millisecond), and an eviction that 16 draws found nobody for, in a budget of hardly more than a batch, looks at all.

use super::cut::{Era, Progress};
use super::index::{Index, mixed};
use super::plan::Plan;
use super::prefetch::prefetch;
use super::records::{HEADER, Record, Records};
use super::sketch::Sketch;
use super::spec::Evict;

/// How many rows an eviction chooses from.
const DRAWS: usize = 16;

/// A part of a table; what is asked of it is asked under its lock.
#[derive(Debug)]
pub(super) struct Shard {
    pub(super) index: Index,
    pub(super) records: Records,
    pub(super) progress: Progress,
    sketch: Option<Sketch>,
    /// Where the search for what has expired goes on.
    hand: u32,
    /// The draws of evictions so far.
    drawn: u64,
}

impl Shard {
    pub(super) fn new(plan: &Plan, shard: usize) -> Self {
        Self {
            index: Index::new(shard),
            records: Records::new(plan.words),
            progress: Progress::default(),
            sketch: plan.sketch(),
            hand: 0,
            drawn: 0,
        }
    }

    pub(super) fn rows(&self) -> usize {
        self.index.taken()
    }

    pub(super) fn bytes(&self) -> usize {
        self.index.bytes() + self.records.bytes() + self.progress.bytes() + self.sketch.as_ref().map_or(0, Sketch::bytes)
    }

    /// Asks for the records of these hashes, all at once.
    #[inline(always)]
    pub(super) fn prefetch(&self, hashes: impl Iterator<Item = u64> + Clone) {
        hashes.clone().for_each(|hash| self.index.prefetch(hash));
        hashes.filter_map(|hash| self.index.guess(hash)).for_each(|place| prefetch(self.records.get(place).0));
    }

    /// Asks for the records where they were, and for the index where there was none.
    #[inline(always)]
    pub(super) fn prefetch_again(&self, were: impl Iterator<Item = (u64, u32)>) {
        were.for_each(|(hash, place)| match place < self.records.length() {
            true => prefetch(self.records.get(place).0),
            false => self.index.prefetch(hash),
        });
    }

    #[inline(always)]
    pub(super) fn find(&self, hash: u64, id: u64) -> Option<u32> {
        self.index.find(hash, |place| self.records.get(place).id() == id)
    }

    /// The record at a place where it was, or wherever it is now.
    #[inline(always)]
    pub(super) fn find_again(&self, hash: u64, id: u64, place: u32) -> Option<u32> {
        if place < self.records.length() {
            let record = self.records.get(place);
            if record.id() == id && !record.is_free() {
                return Some(place);
            }
        }
        self.find(hash, id)
    }

    /// The record at a place is seen, unless its time was over: then its row is given up.
    #[inline(always)]
    pub(super) fn see(&mut self, plan: &Plan, era: Era, place: u32, now: u64, times: u32) -> Option<u32> {
        if plan.has_expired(self.records.get(place), now) {
            self.remove(plan, era, place);
            return None;
        }
        self.touch(era, place);
        self.records.get_mut(place).see(now, u64::from(times));
        Some(place)
    }

    /// Whether an id without a row would get one now.
    pub(super) fn admits(&self, plan: &Plan, hash: u64, times: u32, step: u64) -> bool {
        plan.admits(self.sketch.as_ref(), hash, times, step)
    }

    /// Counts an id without a row, if ids are counted.
    pub(super) fn count(&mut self, hash: u64, times: u32) {
        if let Some(sketch) = &mut self.sketch {
            sketch.count(hash, times);
        }
    }

    /// Gives an id that has none a row, which the caller fills. `keep` are places that nobody may take: fewer than a shard may have rows.
    #[allow(clippy::too_many_arguments, reason = "two are the table's, one the batch's, four the record's")]
    pub(super) fn add(&mut self, plan: &Plan, era: Era, keep: &[u32], hash: u64, id: u64, now: u64, times: u32) -> u32 {
        if self.rows() >= plan.most_rows
            && let Some(place) = self.draw(plan, keep, now).or_else(|| self.first_of_all(plan, keep))
        {
            self.remove(plan, era, place);
        }
        let place = self.records.take();
        self.records.get_mut(place).begin(id, now, u64::from(times), era.cut);
        let records = &self.records;
        self.index.insert(hash, place, |place| plan.hash(records.get(place).id()));
        place
    }

    /// Before a record is changed or given up: saves it for a cut that has not come to it yet.
    #[inline(always)]
    pub(super) fn touch(&mut self, era: Era, place: u32) {
        let record = self.records.get(place);
        if record.cut() < era.cut {
            if era.open {
                self.progress.save(era, place, record);
            }
            self.records.get_mut(place).set_cut(era.cut);
        }
    }

    /// Gives up a row.
    pub(super) fn remove(&mut self, plan: &Plan, era: Era, place: u32) {
        self.touch(era, place);
        let records = &self.records;
        self.index.remove(plan.hash(records.get(place).id()), place, |place| plan.hash(records.get(place).id()));
        self.records.give_back(place);
    }

    /// Gives up what has expired among the next records, going around; returns how many.
    pub(super) fn sweep(&mut self, plan: &Plan, era: Era, now: u64, records: usize) -> usize {
        let mut given_up = 0;
        for _ in 0..records.min(self.records.length() as usize) {
            self.hand = if self.hand + 1 < self.records.length() { self.hand + 1 } else { 0 };
            let record = self.records.get(self.hand);
            if !record.is_free() && plan.has_expired(record, now) {
                self.remove(plan, era, self.hand);
                given_up += 1;
            }
        }
        given_up
    }

    /// The first to go of some that are drawn. A record of the past is nobody's of this batch, which spares the look into `keep`.
    fn draw(&mut self, plan: &Plan, keep: &[u32], now: u64) -> Option<u32> {
        let length = u128::from(self.records.length());
        let places: [u32; DRAWS] = std::array::from_fn(|_| {
            self.drawn += 1;
            ((u128::from(mixed(self.drawn)) * length) >> 64) as u32
        });
        places.iter().for_each(|place| prefetch(&self.records.get(*place).0[..HEADER]));
        let mut first: Option<((u64, u64), u32)> = None;
        for place in places {
            let record = self.records.get(place);
            if record.is_free() || (record.seen() >= now && keep.contains(&place)) {
                continue;
            }
            let order = order(plan.evict, record);
            if first.is_none_or(|(least, _)| order < least) {
                first = Some((order, place));
            }
        }
        first.map(|(_, place)| place)
    }

    fn first_of_all(&self, plan: &Plan, keep: &[u32]) -> Option<u32> {
        let places = (0..self.records.length()).filter(|place| !self.records.get(*place).is_free() && !keep.contains(place));
        places.min_by_key(|place| order(plan.evict, self.records.get(*place)))
    }
}

/// Who goes first.
fn order(evict: Evict, record: Record<'_>) -> (u64, u64) {
    match evict {
        Evict::LeastRecent => (record.seen(), 0),
        Evict::LeastFrequent => (record.count(), record.seen()),
    }
}
