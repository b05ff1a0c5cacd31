//! Rows from columns: a snapshot and its deltas, or pre-trained vectors.

use crate::error::{Error, Result};

use super::columns::ColumnsView;
use super::cut::Era;
use super::index::MOST_PLACES;
use super::plan::Plan;
use super::shard::Shard;
use super::{SHARDS, Table};

impl Table {
    /// Takes in columns: gives up the rows of `removed`, then sets those of `ids`, made if they are not there, whatever admission says. A complete snapshot in
    /// an empty table, then the deltas on top of it in their order, make a table that goes on with the bits of the one that was cut.
    ///
    /// Under a smaller budget than the snapshot's, rows are evicted as they come.
    ///
    /// # Errors
    /// `InvalidInput` if a length does not fit or a number is not finite; nothing has changed.
    pub fn load(&self, view: &ColumnsView<'_>) -> Result<()> {
        self.check(view)?;
        let plan = &self.plan;
        // Without a budget the places of rows that have long expired would cost memory that nobody promised, so they are not kept at any price.
        let most = match plan.spec.budget {
            Some(_) => plan.most_rows,
            None => MOST_PLACES.min((view.ids.len() + self.rows()) / SHARDS * 64 + 4096),
        };
        let place_of = |at: usize| view.places.get(at).copied().filter(|place| (*place as usize) < most);
        let era = self.gate.read();
        let remove = |shard: &mut Shard, hash, id, wanted: Option<u32>| match shard.find(hash, id) {
            Some(place) if wanted != Some(place) => shard.remove(plan, &era, place),
            _ => {}
        };
        self.by_shard(&era, view.removed, |shard, at, hash| remove(shard, hash, view.removed[at], None));
        if !view.places.is_empty() {
            // First all make way: an id that came back may be where another was.
            self.by_shard(&era, view.ids, |shard, at, hash| remove(shard, hash, view.ids[at], place_of(at)));
        }
        self.by_shard(&era, view.ids, |shard, at, hash| {
            let (id, seen) = (view.ids[at], view.seen.get(at).map_or(0, |seen| *seen));
            let place = match shard.find(hash, id) {
                Some(place) => place,
                None => shard.add(plan, &era, &[], hash, id, seen, place_of(at)),
            };
            shard.touch(&era, place);
            let dim = plan.dim();
            let mut record = shard.records.get_mut(place);
            record.set_used(seen, view.counts.get(at).map_or(1, |count| u64::from(*count)));
            let (row, slots) = record.values_mut().split_at_mut(dim);
            row.copy_from_slice(&view.rows[at * dim..][..dim]);
            plan.begin_slots(slots);
            slots.chunks_exact_mut(dim).zip(&view.slots).for_each(|(to, from)| to.copy_from_slice(&from[at * dim..][..dim]));
        });
        let mut sketches = view.sketch.chunks(view.sketch.len().div_ceil(SHARDS).max(1));
        for number in 0..SHARDS {
            let (hand, sketch) = (view.hands.get(number), sketches.next());
            if hand.is_some() || sketch.is_some() {
                self.enter(&era, number).restore(hand.copied(), sketch);
            }
        }
        Ok(())
    }

    /// Calls back for each of these ids, with its shard to write in; ids of one shard in a row are one hold of its lock.
    fn by_shard(&self, era: &Era, ids: &[u64], mut each: impl FnMut(&mut Shard, usize, u64)) {
        let hash = |at: usize| ids.get(at).map(|id| self.plan.hash(*id));
        let (mut at, mut next) = (0, hash(0));
        while let Some(first) = next {
            let number = Plan::shard_of(first);
            let mut shard = self.enter(era, number);
            while let Some(hash_here) = next.filter(|hash| Plan::shard_of(*hash) == number) {
                each(&mut shard, at, hash_here);
                at += 1;
                next = hash(at);
            }
        }
    }

    fn check(&self, view: &ColumnsView<'_>) -> Result<()> {
        let plan = &self.plan;
        let (rows, dim) = (view.ids.len(), plan.dim());
        let refused = |context: String| Err(Error::input("load rows", format!("{context}: table {}", plan.spec.name)));
        if view.rows.len() != rows * dim {
            return refused(format!("give {rows} rows of {dim} numbers, not {} numbers", view.rows.len()));
        }
        if !view.slots.is_empty() && (view.slots.len() != plan.slots.len() || view.slots.iter().any(|slot| slot.len() != rows * dim)) {
            let given: Vec<_> = view.slots.iter().map(|slot| slot.len()).collect();
            return refused(format!("give {} slots of {rows} rows of {dim} numbers, or none, not {given:?} numbers", plan.slots.len()));
        }
        for (what, given) in [("seen", view.seen.len()), ("counts", view.counts.len()), ("places", view.places.len())] {
            if given != 0 && given != rows {
                return refused(format!("give as many {what} as ids, {rows}, or none, not {given}"));
            }
        }
        if !view.hands.is_empty() && view.hands.len() != SHARDS {
            return refused(format!("give {SHARDS} hands, or none, not {}", view.hands.len()));
        }
        let sketch = SHARDS * plan.sketch().map_or(0, |sketch| sketch.to_bytes().len());
        if !view.sketch.is_empty() && view.sketch.len() != sketch {
            return refused(format!(
                "give the sketch of a table of the same admission, {sketch} bytes, or none to count anew, not {}",
                view.sketch.len()
            ));
        }
        let numbers = std::iter::once(&view.rows).chain(&view.slots);
        for column in numbers {
            if let Some(at) = column.iter().position(|number| !number.is_finite()) {
                return refused(format!("give rows and slots of finite numbers: id {}", view.ids[at / dim]));
            }
        }
        Ok(())
    }

    /// Gives up the row of an id; whether it had one.
    pub fn remove(&self, id: u64) -> bool {
        let (era, hash) = (self.gate.read(), self.plan.hash(id));
        let mut shard = self.enter(&era, Plan::shard_of(hash));
        let found = shard.find(hash, id);
        if let Some(place) = found {
            shard.remove(&self.plan, &era, place);
        }
        found.is_some()
    }
}
