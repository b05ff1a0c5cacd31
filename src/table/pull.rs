//! The rows of a batch's ids.

use crate::error::{Error, Result};

use super::apply::Scratch;
use super::plan::Plan;
use super::shard::Shard;
use super::spec::Moment;
use super::unique::Unique;
use super::{SHARDS, Table};

/// In place of a place: the id has no row.
pub(super) const NO_ROW: u32 = u32::MAX;

/// The rows of one batch; a caller keeps one and hands it to every [`Table::pull`], which reuses its memory.
#[derive(Debug, Default)]
pub struct Pulled {
    pub(super) unique: Unique,
    /// Of the distinct ids.
    pub(super) hashes: Vec<u64>,
    /// Where each distinct id's record was, or [`NO_ROW`].
    pub(super) places: Vec<u32>,
    /// The distinct ids by their shards: positions in `unique`, and where each shard's begin.
    order: Vec<u32>,
    starts: Vec<u32>,
    rows: Vec<f32>,
    /// The places of one shard's ids, which an eviction leaves alone.
    kept: Vec<u32>,
    pub(super) scratch: Scratch,
}

impl Pulled {
    /// The distinct ids, in the order of their first appearance.
    pub fn ids(&self) -> &[u64] {
        &self.unique.ids
    }

    /// For every id of the batch its position among the distinct ones: what the graph gathers by.
    pub fn local(&self) -> &[i32] {
        &self.unique.local
    }

    /// The rows of the distinct ids, `[unique, dim]`; the default row where an id has none.
    pub fn rows(&self) -> &[f32] {
        &self.rows
    }

    /// Whether the id at this position among the distinct ones has a row of its own.
    pub fn has_row(&self, position: usize) -> bool {
        self.places.get(position).is_some_and(|place| *place != NO_ROW)
    }

    /// The positions of the distinct ids of a shard.
    pub(super) fn of_shard(&self, shard: usize) -> std::ops::Range<usize> {
        self.starts[shard] as usize..self.starts[shard + 1] as usize
    }

    pub(super) fn position(&self, at: usize) -> usize {
        self.order[at] as usize
    }

    /// Finds the distinct ids and sorts them by shard, in one pass each.
    fn prepare(&mut self, plan: &Plan, ids: &[u64]) -> Result<()> {
        if i32::try_from(ids.len()).is_err() {
            let context = format!("give fewer than 2^31 ids in one batch, not {}: table {}", ids.len(), plan.spec.name);
            return Err(Error::input("pull rows", context));
        }
        self.unique.find(ids);
        let unique = &self.unique.ids;
        self.hashes.clear();
        self.hashes.extend(unique.iter().map(|id| plan.hash(*id)));
        self.starts.clear();
        self.starts.resize(SHARDS + 2, 0);
        // Counted two further on, so that after the sums the entry after a shard's says where its next id goes, and in the end where it ends.
        self.hashes.iter().for_each(|hash| self.starts[Plan::shard_of(*hash) + 2] += 1);
        for shard in 2..SHARDS + 2 {
            self.starts[shard] += self.starts[shard - 1];
        }
        self.order.clear();
        self.order.resize(unique.len(), 0);
        for (position, hash) in self.hashes.iter().enumerate() {
            let next = &mut self.starts[Plan::shard_of(*hash) + 1];
            self.order[*next as usize] = position as u32;
            *next += 1;
        }
        self.places.clear();
        self.places.resize(unique.len(), NO_ROW);
        self.rows.clear();
        self.rows.resize(unique.len() * plan.dim(), 0.0);
        Ok(())
    }
}

/// Copies the rows of a shard's ids to where they are asked for.
fn gather(plan: &Plan, shard: &Shard, positions: &[u32], places: &[u32], rows: &mut [f32]) {
    let dim = plan.dim();
    for position in positions.iter().map(|position| *position as usize) {
        let row = &mut rows[position * dim..][..dim];
        match places[position] {
            NO_ROW => row.copy_from_slice(&plan.default_row),
            place => row.copy_from_slice(&shard.records.get(place).values()[..dim]),
        }
    }
}

impl Table {
    /// Pulls the rows of these ids, repeated ones once, to learn from: each is seen now, and new ones get a row if they are admitted.
    ///
    /// Under a budget a new row may take another's memory, never one of this batch.
    ///
    /// # Errors
    /// `InvalidInput` if a part of the table would have to hold more of the batch's ids than the budget has room for; nothing has changed.
    pub fn pull(&self, ids: &[u64], moment: Moment, pulled: &mut Pulled) -> Result<()> {
        let plan = &self.plan;
        pulled.prepare(plan, ids)?;
        self.check_room(pulled)?;
        let now = plan.now(moment);
        let Pulled { unique, hashes, places, order, starts, rows, kept, .. } = pulled;
        let gate = self.gate.read();
        let era = *gate;
        for (locked, bounds) in self.shards.iter().zip(starts.windows(2)) {
            let positions = &order[bounds[0] as usize..bounds[1] as usize];
            if positions.is_empty() {
                continue;
            }
            let mut shard = locked.write();
            shard.prefetch(positions.iter().map(|position| hashes[*position as usize]));
            kept.clear();
            for position in positions.iter().map(|position| *position as usize) {
                if let Some(place) = shard.see(plan, era, hashes[position], unique.ids[position], now, unique.counts[position]) {
                    places[position] = place;
                    kept.push(place);
                }
            }
            if kept.len() < positions.len() {
                for position in positions.iter().map(|position| *position as usize) {
                    if places[position] != NO_ROW {
                        continue;
                    }
                    let (hash, id, times) = (hashes[position], unique.ids[position], unique.counts[position]);
                    if shard.admits(plan, hash, times, moment.step) {
                        let place = shard.add(plan, era, kept, hash, id, now, times);
                        plan.begin(id, shard.records.get_mut(place).values_mut());
                        places[position] = place;
                        kept.push(place);
                    }
                }
            }
            gather(plan, &shard, positions, places, rows);
            if plan.expires() {
                shard.sweep(plan, era, now, 2 * positions.len());
            }
        }
        Ok(())
    }

    /// Reads the rows of these ids, repeated ones once, to predict: nothing is seen, nothing is made.
    ///
    /// # Errors
    /// `InvalidInput` if there are 2^31 ids or more.
    pub fn read(&self, ids: &[u64], pulled: &mut Pulled) -> Result<()> {
        let plan = &self.plan;
        pulled.prepare(plan, ids)?;
        let Pulled { unique, hashes, places, order, starts, rows, .. } = pulled;
        for (locked, bounds) in self.shards.iter().zip(starts.windows(2)) {
            let positions = &order[bounds[0] as usize..bounds[1] as usize];
            if positions.is_empty() {
                continue;
            }
            let shard = locked.read();
            shard.prefetch(positions.iter().map(|position| hashes[*position as usize]));
            for position in positions.iter().map(|position| *position as usize) {
                places[position] = shard.find(hashes[position], unique.ids[position]).unwrap_or(NO_ROW);
            }
            gather(plan, &shard, positions, places, rows);
        }
        Ok(())
    }

    /// Whether the ids of each shard fit into it together; then an eviction always finds a row that is not of this batch.
    fn check_room(&self, pulled: &Pulled) -> Result<()> {
        let most = (0..SHARDS).map(|shard| pulled.of_shard(shard).len()).max().unwrap_or(0);
        if most <= self.plan.most_rows {
            return Ok(());
        }
        let context = format!(
            "raise the budget or give fewer ids at once: of {} different ids {most} fall into one of the table's {SHARDS} parts, which has room for {}: table {}",
            pulled.ids().len(),
            self.plan.most_rows,
            self.plan.spec.name
        );
        Err(Error::input("pull rows", context))
    }
}
