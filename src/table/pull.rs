//! The rows of a batch's ids, as one step sees them; nothing changes.

use crate::error::{Error, Result};
use crate::tensor::{AlignedBuffer, bytes_as};

use super::apply::Computed;
use super::plan::Plan;
use super::records::Record;
use super::spec::Moment;
use super::unique::Unique;
use super::{MAX_SLOTS, SHARDS, Table};

/// In place of a place: the id has no row, and gets none.
pub(super) const NO_ROW: u32 = u32::MAX;
/// In place of a place: the id gets a row when the step is committed.
pub(super) const NEW_ROW: u32 = u32::MAX - 1;

/// The rows of one batch; a caller keeps one and hands it to every [`Table::pull`], which reuses its memory.
#[derive(Debug, Default)]
pub struct Pulled {
    pub(super) unique: Unique,
    /// Where each distinct id's record was, or one of the two above.
    pub(super) places: Vec<u32>,
    pub(super) old: Old,
    pub(super) stage: Stage,
    pub(super) computed: Computed,
}

/// How far a batch has come.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Stage {
    /// There is nothing to learn from: read only, or committed.
    #[default]
    Over,
    /// Pulled from the table of this number.
    Pulled { table: u64, moment: Moment },
    /// Its new rows are computed.
    Prepared { table: u64, moment: Moment },
}

/// Rows and slots of the distinct ids beside each other: `[unique, dim]` each.
#[derive(Debug)]
pub(super) struct Old {
    row: AlignedBuffer,
    pub(super) slots: [Vec<f32>; MAX_SLOTS],
    elements: usize,
}

impl Default for Old {
    fn default() -> Self {
        Self { row: AlignedBuffer::new(0), slots: Default::default(), elements: 0 }
    }
}

impl Old {
    fn resize(&mut self, elements: usize, slots: usize) {
        self.elements = elements;
        self.row.reserve(size_of::<f32>() * elements);
        self.slots[..slots].iter_mut().for_each(|slot| slot.resize(elements, 0.0));
    }

    /// Takes in the values of a record, or the row alone, as the one at `at`.
    #[inline(always)]
    fn take(&mut self, at: usize, dim: usize, values: &[f32]) {
        let (row, slots) = values.split_at(dim);
        self.row.write(at * dim, row);
        for (to, from) in self.slots.iter_mut().zip(slots.chunks_exact(dim)) {
            to[at * dim..][..dim].copy_from_slice(from);
        }
    }

    pub(super) fn rows(&self) -> &[f32] {
        bytes_as(&self.row.as_bytes()[..size_of::<f32>() * self.elements]).unwrap_or_default()
    }

    /// Whether the row at `at` has the bits of a record.
    #[inline(always)]
    pub(super) fn is(&self, at: usize, dim: usize, record: Record<'_>) -> bool {
        let same = |a: &[f32], b: &[f32]| a.iter().zip(b).fold(0, |different, (a, b)| different | (a.to_bits() ^ b.to_bits())) == 0;
        let (row, slots) = record.values().split_at(dim);
        same(row, &self.rows()[at * dim..][..dim])
            && slots.chunks_exact(dim).zip(&self.slots).all(|(is, was)| same(is, &was[at * dim..][..dim]))
    }
}

impl Pulled {
    /// The distinct ids, in an order of the table's.
    pub fn ids(&self) -> &[u64] {
        &self.unique.ids
    }

    /// For every id of the batch its position among the distinct ones: what the graph gathers by.
    pub fn local(&self) -> &[i32] {
        &self.unique.local
    }

    /// The rows of the distinct ids, `[unique, dim]`, in memory aligned to 64 bytes; the default row where an id has none.
    pub fn rows(&self) -> &[f32] {
        self.old.rows()
    }

    /// Whether the id at this position among the distinct ones has a row of its own in this step.
    pub fn has_row(&self, position: usize) -> bool {
        self.places.get(position).is_some_and(|place| *place != NO_ROW)
    }

    /// Finds the distinct ids, which have no rows yet.
    fn begin(&mut self, plan: &Plan, ids: &[u64], slots: usize) -> Result<()> {
        self.stage = Stage::Over;
        if i32::try_from(ids.len()).is_err() {
            let context = format!("give fewer than 2^31 ids in one batch, not {}: table {}", ids.len(), plan.spec.name);
            return Err(Error::input("pull rows", context));
        }
        self.unique.find(plan, ids);
        self.places.clear();
        self.places.resize(self.unique.ids.len(), NO_ROW);
        self.old.resize(self.unique.ids.len() * plan.dim(), slots);
        Ok(())
    }
}

impl Table {
    /// Pulls the rows of these ids, repeated ones once, to learn from. Nothing changes: the ids are seen, and those that are admitted now get
    /// their rows, when the step is [committed](Table::commit). Until then an id that is to get one has its first values here, and any other
    /// without a row the default row; a row that has expired is none.
    ///
    /// # Errors
    /// `InvalidInput` if a part of the table would have to hold more of the batch's ids than the budget has room for.
    pub fn pull(&self, ids: &[u64], moment: Moment, pulled: &mut Pulled) -> Result<()> {
        let plan = &self.plan;
        pulled.begin(plan, ids, plan.slots.len())?;
        let Pulled { unique, places, old, stage, .. } = pulled;
        self.check_room(unique)?;
        let (dim, now) = (plan.dim(), plan.now(moment));
        let mut first = vec![0.0; dim * (1 + plan.slots.len())];
        plan.begin_slots(&mut first[dim..]);
        for (shard, locked) in self.shards.iter().enumerate() {
            let range = unique.of_shard(shard);
            if range.is_empty() {
                continue;
            }
            let shard = locked.read();
            shard.prefetch(unique.hashes[range.clone()].iter().copied());
            for at in range {
                let (id, hash) = (unique.ids[at], unique.hashes[at]);
                let found = shard.find(hash, id).map(|place| (place, shard.records.get(place)));
                if let Some((place, record)) = found.filter(|(_, record)| !plan.has_expired(*record, now)) {
                    places[at] = place;
                    old.take(at, dim, record.values());
                    continue;
                }
                if shard.admits(plan, hash, unique.counts[at], moment.step) {
                    places[at] = NEW_ROW;
                    plan.begin_row(id, &mut first[..dim]);
                } else {
                    first[..dim].copy_from_slice(&plan.default_row);
                }
                old.take(at, dim, &first);
            }
        }
        *stage = Stage::Pulled { table: self.number, moment };
        Ok(())
    }

    /// Reads the rows of these ids, repeated ones once, to predict: an id without a row has the default row, and is not seen.
    ///
    /// # Errors
    /// `InvalidInput` if there are 2^31 ids or more.
    pub fn read(&self, ids: &[u64], pulled: &mut Pulled) -> Result<()> {
        let plan = &self.plan;
        let dim = plan.dim();
        pulled.begin(plan, ids, 0)?;
        let Pulled { unique, places, old, .. } = pulled;
        for (shard, locked) in self.shards.iter().enumerate() {
            let range = unique.of_shard(shard);
            if range.is_empty() {
                continue;
            }
            let shard = locked.read();
            shard.prefetch(unique.hashes[range.clone()].iter().copied());
            for at in range {
                let row = match shard.find(unique.hashes[at], unique.ids[at]) {
                    Some(place) => {
                        places[at] = place;
                        &shard.records.get(place).values()[..dim]
                    }
                    None => &plan.default_row,
                };
                old.take(at, dim, row);
            }
        }
        Ok(())
    }

    /// Whether the ids of each shard fit into it together; then an eviction always finds a row that is not of this batch.
    fn check_room(&self, unique: &Unique) -> Result<()> {
        let most = (0..SHARDS).map(|shard| unique.of_shard(shard).len()).max().unwrap_or(0);
        if most <= self.plan.most_rows {
            return Ok(());
        }
        let context = format!(
            "raise the budget or give fewer ids at once: of {} different ids {most} fall into one of the table's {SHARDS} parts, which has room for {}: table {}",
            unique.ids.len(),
            self.plan.most_rows,
            self.plan.spec.name
        );
        Err(Error::input("pull rows", context))
    }
}
