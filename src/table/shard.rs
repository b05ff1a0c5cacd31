//! One of the parts that ids are spread over by their hash, each with its own lock, index, records and sketch.
//!
//! Nothing here is done to all records of a shard at once but for two: its index grows by itself (78 k records of a table of 20 M in about a
//! millisecond), and an eviction that 16 draws found nobody for, in a budget of hardly more than a batch, looks at all.

use super::cut::{Era, Progress, Rest};
use super::index::{Index, mixed};
use super::plan::Plan;
use super::prefetch::prefetch;
use super::records::{HEADER, Record, Records};
use super::removed::Removed;
use super::sketch::Sketch;
use super::spec::Evict;

/// How many rows an eviction chooses from.
const DRAWS: usize = 16;

/// A part of a table; what is asked of it is asked under its lock.
#[derive(Debug)]
pub(super) struct Shard {
    pub(super) index: Index,
    pub(super) records: Records,
    /// Of each open cut that is known here.
    pub(super) progress: Vec<Progress>,
    /// All cuts up to this one are known here.
    cut: u32,
    pub(super) removed: Removed,
    sketch: Option<Sketch>,
    /// Where the search for what has expired goes on.
    hand: u32,
}

impl Shard {
    pub(super) fn new(plan: &Plan, shard: usize) -> Self {
        Self {
            index: Index::new(shard),
            records: Records::new(plan.words),
            progress: Vec::new(),
            cut: 0,
            removed: Removed::default(),
            sketch: plan.sketch(),
            hand: 0,
        }
    }

    pub(super) fn rows(&self) -> usize {
        self.index.taken()
    }

    pub(super) fn bytes(&self) -> usize {
        let cuts = self.progress.iter().map(Progress::bytes).sum::<usize>() + self.removed.bytes();
        self.index.bytes() + self.records.bytes() + self.sketch.as_ref().map_or(0, Sketch::bytes) + cuts
    }

    /// Before anything is written here: takes notice of the cuts since the last time, which are of what is here now.
    #[inline]
    pub(super) fn enter(&mut self, era: &Era) {
        if self.cut != era.cut {
            for cut in era.open.iter().filter(|cut| **cut > self.cut) {
                let sketch = self.sketch.as_ref().map(Sketch::to_bytes).unwrap_or_default();
                self.progress.push(Progress::new(*cut, Rest { hand: self.hand, sketch }));
            }
            self.cut = era.cut;
        }
    }

    /// Goes on with what another shard held beside its records.
    pub(super) fn restore(&mut self, hand: Option<u32>, sketch: Option<&[u8]>) {
        self.hand = hand.unwrap_or(self.hand);
        if let (Some(own), Some(sketch)) = (&mut self.sketch, sketch) {
            own.restore(sketch);
        }
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
    pub(super) fn see(&mut self, plan: &Plan, era: &Era, place: u32, now: u64, times: u32) -> Option<u32> {
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

    /// Gives an id that has none a row, seen once, which the caller fills: at the place that is wanted, if that is free. `keep` are places that nobody may take: fewer
    /// than a shard may have rows.
    #[allow(clippy::too_many_arguments, reason = "two are the table's, one the batch's, four the record's")]
    pub(super) fn add(&mut self, plan: &Plan, era: &Era, keep: &[u32], hash: u64, id: u64, now: u64, wanted: Option<u32>) -> u32 {
        if self.rows() >= plan.most_rows
            && let Some(place) = self.draw(plan, keep, hash, now).or_else(|| self.first_of_all(plan, keep))
        {
            self.remove(plan, era, place);
        }
        let place = wanted.filter(|place| self.records.take_at(*place)).unwrap_or_else(|| self.records.take());
        let records = &self.records;
        self.index.insert(hash, place, || records.taken().map(|(place, record)| (plan.hash(record.id()), place)));
        self.records.get_mut(place).begin(id, now, 1, era.cut);
        place
    }

    /// Before a record is changed or given up: saves it for the cuts that have not come to it yet.
    #[inline(always)]
    pub(super) fn touch(&mut self, era: &Era, place: u32) {
        let record = self.records.get(place);
        if record.cut() < era.cut {
            self.progress.iter_mut().for_each(|progress| progress.save(place, record));
            self.records.get_mut(place).set_cut(era.cut);
        }
    }

    /// Gives up a row.
    pub(super) fn remove(&mut self, plan: &Plan, era: &Era, place: u32) {
        self.touch(era, place);
        let (records, id) = (&self.records, self.records.get(place).id());
        self.index.remove(plan.hash(id), place, |place| plan.hash(records.get(place).id()));
        self.removed.add(era.cut, id, records.room());
        self.records.give_back(place);
    }

    /// Gives up what has expired among the next records, going around; returns how many.
    pub(super) fn sweep(&mut self, plan: &Plan, era: &Era, now: u64, records: usize) -> usize {
        let mut given_up = 0;
        for _ in 0..records.min(self.records.length() as usize) {
            self.hand = self.hand.wrapping_add(1);
            if self.hand >= self.records.length() {
                self.hand = 0;
            }
            let record = self.records.get(self.hand);
            if !record.is_free() && plan.has_expired(record, now) {
                self.remove(plan, era, self.hand);
                given_up += 1;
            }
        }
        given_up
    }

    /// The first to go of some that are drawn: by the new id and the moment, so that a run that is repeated repeats it. A record of the past is nobody's of this batch, which spares the look into `keep`.
    fn draw(&self, plan: &Plan, keep: &[u32], hash: u64, now: u64) -> Option<u32> {
        let length = u128::from(self.records.length());
        let first = mixed(hash ^ mixed(now));
        let places: [u32; DRAWS] = std::array::from_fn(|draw| ((u128::from(mixed(first.wrapping_add(draw as u64))) * length) >> 64) as u32);
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
