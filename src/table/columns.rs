//! A table as columns: what a snapshot holds of it, complete or since an earlier cut.
//!
//! Beside the rows, a table's future hangs on where in their shards they are (who is drawn when a row is to go), on where the search for expired
//! rows goes on, and on the sketch of admission. With these a table that is loaded goes on with the bits of the one that was cut.

use super::cut::{Cut, Row};
use super::{Locked, SHARDS, Table};

/// Rows of a table as columns, in one order, which a state of the table determines.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Columns {
    /// The earlier cut since which these rows were made, seen or changed; `None` if they are all.
    pub since: Option<u32>,
    /// Whose rows.
    pub ids: Vec<u64>,
    /// `[rows, dim]`.
    pub rows: Vec<f32>,
    /// Of each optimizer slot `[rows, dim]`.
    pub slots: Vec<Vec<f32>>,
    /// When each id was last seen: a step, or a second if the table's rows expire by seconds.
    pub seen: Vec<u64>,
    /// How often it was seen since it has its row, at most 2^24 - 1.
    pub counts: Vec<u32>,
    /// Where in its part of the table each row is.
    pub places: Vec<u32>,
    /// The ids that had a row after the earlier cut began and have none now.
    pub removed: Vec<u64>,
    /// Of each of the 256 parts, where its search for expired rows goes on.
    pub hands: Vec<u32>,
    /// The sketch of admission by sightings, all of it; else empty.
    pub sketch: Vec<u8>,
}

/// [`Columns`] wherever they lie. Only `ids` and `rows` must be there.
#[derive(Clone, Debug, Default)]
pub struct ColumnsView<'a> {
    /// Whose rows.
    pub ids: &'a [u64],
    /// `[rows, dim]`.
    pub rows: &'a [f32],
    /// Of each slot `[rows, dim]`; without them slots begin anew.
    pub slots: Vec<&'a [f32]>,
    /// Without it the ids were last seen at 0.
    pub seen: &'a [u64],
    /// Without it each id was seen once.
    pub counts: &'a [u32],
    /// Without it rows take the places that are free.
    pub places: &'a [u32],
    /// Whose rows are given up.
    pub removed: &'a [u64],
    /// Without it the search goes on where it is.
    pub hands: &'a [u32],
    /// Without it the sketch stays as it is.
    pub sketch: &'a [u8],
}

impl Columns {
    /// Their view.
    pub fn view(&self) -> ColumnsView<'_> {
        let Self { since: _, ids, rows, slots, seen, counts, places, removed, hands, sketch } = self;
        let slots = slots.iter().map(Vec::as_slice).collect();
        ColumnsView { ids, rows, slots, seen, counts, places, removed, hands, sketch }
    }

    fn reserve(&mut self, rows: usize, dim: usize) {
        self.ids.reserve_exact(rows);
        self.rows.reserve_exact(rows * dim);
        self.slots.iter_mut().for_each(|slot| slot.reserve_exact(rows * dim));
        self.seen.reserve_exact(rows);
        self.counts.reserve_exact(rows);
        self.places.reserve_exact(rows);
    }

    fn push(&mut self, place: u32, row: Row<'_>) {
        self.ids.push(row.id);
        self.rows.extend_from_slice(row.values);
        self.slots.iter_mut().zip(row.slots.chunks_exact(row.values.len())).for_each(|(slot, values)| slot.extend_from_slice(values));
        self.seen.push(row.seen);
        self.counts.push(row.count);
        self.places.push(place);
    }
}

impl Cut {
    /// Whether [`columns`](Self::columns) can tell what changed since an earlier cut. If so now, steps that run meanwhile may still end it.
    pub fn can_tell_since(&self, cut: u32) -> bool {
        (1..=self.number).contains(&cut) && self.table.shards.iter().all(|shard| shard.read().removed.is_complete_since(cut))
    }

    /// Reads the table as it was at this cut: all of it or, with `since`, what changed since that earlier cut. If it cannot tell the ids given up since then
    /// ([`Table::track_removed`]), it is all of it after all; [`Columns::since`] says which.
    pub fn columns(self, since: Option<u32>) -> Columns {
        let plan = &self.table.plan;
        let removed = since.filter(|since| (1..=self.number).contains(since)).and_then(|since| self.removed(since));
        let since = since.filter(|_| removed.is_some());
        let mut columns = Columns { since, slots: vec![Vec::new(); plan.slots.len()], ..Columns::default() };
        if since.is_none() {
            columns.reserve(self.table.rows(), plan.dim());
        }
        let mut removed = removed.into_iter().flatten();
        let (mut buffer, mut order) = (Vec::new(), Vec::new());
        for shard in 0..SHARDS {
            buffer.clear();
            let rest = loop {
                if let Some(rest) = self.read(shard, since.unwrap_or(0), &mut buffer) {
                    break rest;
                }
            };
            let placed = |at: &u32| &buffer[*at as usize * (1 + plan.words)..][..1 + plan.words];
            order.clear();
            order.extend(0..(buffer.len() / (1 + plan.words)) as u32);
            // What was saved comes last.
            order.sort_by_key(|at| placed(at)[0]);
            let first = columns.ids.len();
            order.iter().map(placed).for_each(|placed| columns.push(placed[0], self.row(&placed[1..])));
            // An id that came back is among the rows.
            let mut back = columns.ids[first..].to_vec();
            back.sort_unstable();
            let gone = removed.next().unwrap_or_default();
            columns.removed.extend(gone.into_iter().filter(|id| back.binary_search(id).is_err()));
            columns.hands.push(rest.hand);
            columns.sketch.extend(rest.sketch);
        }
        columns
    }

    /// The ids given up between an earlier cut and this one, by shard, sorted.
    fn removed(&self, since: u32) -> Option<Vec<Vec<u64>>> {
        let of_shard = |shard: &Locked| {
            let mut ids = shard.read().removed.between(since, self.number)?.to_vec();
            ids.sort_unstable();
            ids.dedup();
            Some(ids)
        };
        self.table.shards.iter().map(of_shard).collect()
    }
}

impl Table {
    /// Begins to keep the ids that are given up, for the deltas since any later cut, or ends it and forgets them.
    ///
    /// They take 12 bytes each, on top of a budget, until they are [forgotten](Self::forget_removed_before), and are at most as many as the rows that there is memory for: beyond that
    /// the oldest are forgotten, and a delta since then is not possible.
    pub fn track_removed(&self, on: bool) {
        let era = self.gate.write();
        self.shards.iter().for_each(|shard| shard.write().removed.track(on, era.cut));
    }

    /// Forgets the ids given up before a cut: there will be no more deltas since an earlier one.
    pub fn forget_removed_before(&self, cut: u32) {
        self.shards.iter().for_each(|shard| shard.write().removed.forget_before(cut));
    }
}
