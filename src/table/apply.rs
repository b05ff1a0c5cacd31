//! The gradient of pulled rows into rows and slots, in two halves.
//!
//! [`Table::prepare`] runs the optimizer's formula once over all rows of the batch, as they were pulled, and changes nothing: so a number that is
//! not finite, or another failure of the step, costs nothing. [`Table::commit`] cannot fail. It does all bookkeeping, then writes what was computed. No lock
//! is held from the pull until then, so another thread may have updated one of these rows: a record that is not as it was pulled
//! is computed anew from what it is now, under its lock. If just that is not finite, that row stays as the other thread left it, and [`Applied`] counts it.

use std::ops::Range;

use crate::error::{Error, ErrorKind, Result};
use crate::optimizer::{RowsStep, Update};

use super::cut::Era;
use super::pull::{NO_ROW, Pulled, Stage};
use super::shard::Shard;
use super::{MAX_SLOTS, Moment, SHARDS, Table};

/// What an update did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Applied {
    /// The rows that moved.
    pub rows: usize,
    /// The rows that could not, because what another thread made of them meanwhile would not have stayed finite.
    pub refused: usize,
}

/// What a batch is to become.
#[derive(Debug, Default)]
pub(super) struct Computed {
    /// Kept for the rows that have to be computed anew.
    gradient: Vec<f32>,
    row: Vec<f32>,
    slots: [Vec<f32>; MAX_SLOTS],
    /// The places of one shard's ids, which an eviction leaves alone.
    kept: Vec<u32>,
    /// The positions of those that have no row when the step is committed.
    missing: Vec<u32>,
}

impl Computed {
    fn resize(&mut self, elements: usize, slots: usize) {
        self.row.resize(elements, 0.0);
        self.slots[..slots].iter_mut().for_each(|slot| slot.resize(elements, 0.0));
    }

    /// The update of the elements in `range` from these rows and slots.
    fn update<'a>(&'a mut self, range: Range<usize>, parameter: &'a [f32], slots: [&'a [f32]; MAX_SLOTS]) -> Update<'a> {
        let mut new_slots = self.slots.iter_mut().zip(&slots);
        Update {
            parameter,
            gradient: &self.gradient[range.clone()],
            new_parameter: &mut self.row[range.clone()],
            new_slots: std::array::from_fn(|_| match new_slots.next() {
                Some((new, old)) if !old.is_empty() => &mut new[range.clone()],
                _ => &mut [],
            }),
            slots,
        }
    }

    /// Writes the row at `at` into a record.
    #[inline(always)]
    fn give(&self, at: usize, dim: usize, values: &mut [f32]) {
        let parts = values.chunks_exact_mut(dim);
        parts.zip(std::iter::once(&self.row).chain(&self.slots)).for_each(|(to, from)| to.copy_from_slice(&from[at * dim..][..dim]));
    }
}

impl Table {
    /// Computes the new rows and slots of a pulled batch from its gradient, `[unique, dim]`, as one step of the optimizer. Nothing in the table changes;
    /// after an error the same batch can be prepared again.
    ///
    /// The gradient of an id that has no row, and gets none, moves nothing, but it counts in a norm that the optimizer clips by.
    ///
    /// # Errors
    /// `NonFinite` if a gradient, a new value or a new slot is not finite; `InvalidInput` if the batch was not pulled from this table, or is committed
    /// already, if the gradient has another length than the rows, or if the optimizer keeps other slots than this table.
    pub fn prepare(&self, pulled: &mut Pulled, gradient: &[f32], step: &RowsStep<'_>) -> Result<()> {
        let plan = &self.plan;
        let refused = |context: &str| Err(Error::input("update rows", format!("{context}: table {}", plan.spec.name)));
        let moment = match pulled.stage {
            Stage::Pulled { table, moment } | Stage::Prepared { table, moment } if table == self.number => moment,
            _ => return refused("pull the rows of a batch from this table before each update"),
        };
        let (dim, count) = (plan.dim(), pulled.unique.ids.len());
        if gradient.len() != count * dim {
            return refused(&format!("give the gradient of {count} rows of {dim}, not {} numbers", gradient.len()));
        }
        if step.slots() != &plan.slots[..] {
            return refused("give the optimizer that the table was made for");
        }
        pulled.stage = Stage::Pulled { table: self.number, moment };
        let Pulled { old, computed, .. } = pulled;
        computed.resize(gradient.len(), plan.slots.len());
        computed.gradient.clear();
        computed.gradient.extend_from_slice(gradient);
        let slots = std::array::from_fn(|slot| if slot < plan.slots.len() { &old.slots[slot][..] } else { &[] });
        step.update(count, computed.update(0..gradient.len(), old.rows(), slots)).map_err(|error| match error.kind() {
            ErrorKind::NonFinite => Error::new(ErrorKind::NonFinite, error.operation(), format!("{}, no row was changed", error.context())),
            _ => error,
        })?;
        pulled.stage = Stage::Prepared { table: self.number, moment };
        Ok(())
    }

    /// Makes a prepared batch a step of the table: its ids are seen, those that were to get a row get it, and all rows become what was computed. `step` is
    /// the one that it was prepared with.
    ///
    /// Under a budget a new row may take another's memory, never one of this batch. Several threads may commit at once, the same rows too: each gradient is applied
    /// whole to what the row is then. An id whose row was given up since the pull gets it back as this step has it; one that another step gave a row moves that.
    ///
    /// A batch that is not prepared, or not by this table, changes nothing.
    pub fn commit(&self, pulled: &mut Pulled, step: &RowsStep<'_>) -> Applied {
        let mut applied = Applied::default();
        let Stage::Prepared { table, moment } = pulled.stage else { return applied };
        if table != self.number {
            return applied;
        }
        pulled.stage = Stage::Over;
        let era = self.gate.read();
        for shard in 0..SHARDS {
            let range = pulled.unique.of_shard(shard);
            if !range.is_empty() {
                self.commit_shard(&mut self.enter(&era, shard), &era, range, moment, pulled, step, &mut applied);
            }
        }
        applied
    }

    /// Does both, [`prepare`](Table::prepare) and [`commit`](Table::commit).
    ///
    /// # Errors
    /// As of [`prepare`](Table::prepare); nothing has changed.
    pub fn apply(&self, pulled: &mut Pulled, gradient: &[f32], step: &RowsStep<'_>) -> Result<Applied> {
        self.prepare(pulled, gradient, step)?;
        Ok(self.commit(pulled, step))
    }

    #[allow(clippy::too_many_arguments, reason = "the inside of one loop")]
    fn commit_shard(
        &self,
        shard: &mut Shard,
        era: &Era,
        range: Range<usize>,
        moment: Moment,
        Pulled { unique, places, old, computed, .. }: &mut Pulled,
        step: &RowsStep<'_>,
        applied: &mut Applied,
    ) {
        let plan = &self.plan;
        let (dim, now, seen) = (plan.dim(), plan.now(moment), range.len());
        shard.prefetch_again(range.clone().map(|at| (unique.hashes[at], places[at])));
        let (mut kept, mut missing) = (std::mem::take(&mut computed.kept), std::mem::take(&mut computed.missing));
        kept.clear();
        missing.clear();
        for at in range {
            let (id, hash) = (unique.ids[at], unique.hashes[at]);
            let found = shard.find_again(hash, id, places[at]);
            let Some(place) = found.and_then(|place| shard.see(plan, era, place, now, unique.counts[at])) else {
                missing.push(at as u32);
                continue;
            };
            kept.push(place);
            let element = at * dim..(at + 1) * dim;
            if !old.is(at, dim, shard.records.get(place)) && !anew(shard, place, element, dim, computed, step) {
                applied.refused += 1;
                continue;
            }
            computed.give(at, dim, shard.records.get_mut(place).values_mut());
            applied.rows += 1;
        }
        for at in missing.iter().map(|at| *at as usize) {
            let (id, hash, times) = (unique.ids[at], unique.hashes[at], unique.counts[at]);
            shard.count(hash, times);
            if places[at] != NO_ROW {
                let place = shard.add(plan, era, &kept, hash, id, now, None);
                shard.records.get_mut(place).set_used(now, u64::from(times));
                computed.give(at, dim, shard.records.get_mut(place).values_mut());
                kept.push(place);
                applied.rows += 1;
            }
        }
        if plan.expires() {
            shard.sweep(plan, era, now, 2 * seen);
        }
        (computed.kept, computed.missing) = (kept, missing);
    }
}

/// Computes one row from what its record is now; whether all is finite.
#[cold]
fn anew(shard: &Shard, place: u32, range: Range<usize>, dim: usize, computed: &mut Computed, step: &RowsStep<'_>) -> bool {
    let (row, slots) = shard.records.get(place).values().split_at(dim);
    let mut slots = slots.chunks_exact(dim);
    let slots = std::array::from_fn(|_| slots.next().unwrap_or_default());
    step.update(1, computed.update(range, row, slots)).is_ok()
}
