//! The gradient of pulled rows into rows and slots.
//!
//! An update is in two halves, so that a number that is not finite changes nothing. First all rows and slots of the batch are copied beside each
//! other and the optimizer's formula runs once over all of them, which is also its fastest; it tests that all is finite. Then they go back to their
//! records. Between the halves no lock is held, so another thread may have updated one of these rows: a record that is not as it was copied
//! is computed anew from what it is now, under its lock. If just that is not finite, that row stays as the other thread left it, and [`Applied`] counts it.

use crate::error::{Error, ErrorKind, Result};
use crate::optimizer::{MAX_SLOTS, RowsStep, Update};

use super::pull::{NO_ROW, Pulled};
use super::{SHARDS, Table};

/// What an update did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Applied {
    /// The rows that moved.
    pub rows: usize,
    /// The rows that could not, because what another thread made of them meanwhile would not have stayed finite.
    pub refused: usize,
}

/// Rows and slots of a batch beside each other, before and after, and their gradient: in the order of their shards, so that each is walked through once.
#[derive(Debug, Default)]
pub(super) struct Scratch {
    gradient: Vec<f32>,
    old: Rows,
    new: Rows,
}

/// `[rows, dim]` of the row and of each slot.
#[derive(Debug, Default)]
struct Rows {
    row: Vec<f32>,
    slots: [Vec<f32>; MAX_SLOTS],
}

impl Rows {
    fn resize(&mut self, elements: usize, slots: usize) {
        self.row.resize(elements, 0.0);
        self.slots[..slots].iter_mut().for_each(|slot| slot.resize(elements, 0.0));
    }

    /// Takes in the values of a record as the row at `at`.
    #[inline(always)]
    fn take(&mut self, at: usize, dim: usize, values: &[f32]) {
        let mut parts = values.chunks_exact(dim);
        for to in std::iter::once(&mut self.row).chain(&mut self.slots) {
            let Some(from) = parts.next() else { return };
            to[at * dim..][..dim].copy_from_slice(from);
        }
    }

    /// Writes the row at `at` into a record.
    #[inline(always)]
    fn give(&self, at: usize, dim: usize, values: &mut [f32]) {
        let parts = values.chunks_exact_mut(dim);
        parts.zip(std::iter::once(&self.row).chain(&self.slots)).for_each(|(to, from)| to.copy_from_slice(&from[at * dim..][..dim]));
    }

    /// Whether the row at `at` has the bits of a record.
    #[inline(always)]
    fn is(&self, at: usize, dim: usize, values: &[f32]) -> bool {
        let same = |a: &[f32], b: &[f32]| a.iter().zip(b).fold(0, |different, (a, b)| different | (a.to_bits() ^ b.to_bits())) == 0;
        values.chunks_exact(dim).zip(std::iter::once(&self.row).chain(&self.slots)).all(|(is, was)| same(is, &was[at * dim..][..dim]))
    }
}

fn update<'a>(old: &'a Rows, new: &'a mut Rows, gradient: &'a [f32], at: usize, slots: usize) -> Update<'a> {
    let length = gradient.len();
    let mut news = new.slots.iter_mut();
    Update {
        parameter: &old.row[at..at + length],
        gradient,
        slots: std::array::from_fn(|slot| if slot < slots { &old.slots[slot][at..at + length] } else { &[] }),
        new_parameter: &mut new.row[at..at + length],
        new_slots: std::array::from_fn(|slot| match news.next() {
            Some(new) if slot < slots => &mut new[at..at + length],
            _ => &mut [],
        }),
    }
}

impl Table {
    /// Updates the rows that were pulled by their gradient, `[unique, dim]`, as one step of the optimizer: all of them or, on an error, none.
    ///
    /// An id without a row, or whose row was given up meanwhile, moves nothing; its gradient still counts in a norm that the
    /// optimizer clips by. Several threads may update at once, the same rows too: each gradient is applied whole to what the row is then.
    ///
    /// # Errors
    /// `NonFinite` if a gradient, a new value or a new slot is not finite; `InvalidInput` if the gradient has another length than the rows,
    /// or the optimizer keeps other slots than this table.
    pub fn apply(&self, pulled: &mut Pulled, gradient: &[f32], step: &RowsStep<'_>) -> Result<Applied> {
        let plan = &self.plan;
        let (dim, slots, count) = (plan.dim(), plan.slots.len(), pulled.ids().len());
        if gradient.len() != count * dim || pulled.rows().len() != count * dim {
            let context = format!("give the gradient of {count} rows of {dim}, not {} numbers: table {}", gradient.len(), plan.spec.name);
            return Err(Error::input("update rows", context));
        }
        if step.slots() != &plan.slots[..] {
            let context = format!("give the optimizer that the table was made for: table {}", plan.spec.name);
            return Err(Error::input("update rows", context));
        }
        let mut scratch = std::mem::take(&mut pulled.scratch);
        let applied = self.apply_with(&mut scratch, pulled, gradient, step, slots);
        pulled.scratch = scratch;
        applied
    }

    fn apply_with(
        &self,
        Scratch { gradient: sorted, old, new }: &mut Scratch,
        pulled: &mut Pulled,
        gradient: &[f32],
        step: &RowsStep<'_>,
        slots: usize,
    ) -> Result<Applied> {
        let plan = &self.plan;
        let dim = plan.dim();
        old.resize(gradient.len(), slots);
        new.resize(gradient.len(), slots);
        sorted.clear();
        for at in 0..pulled.ids().len() {
            sorted.extend_from_slice(&gradient[pulled.position(at) * dim..][..dim]);
        }
        let mut absent = vec![0.0; (1 + slots) * dim];
        absent[..dim].copy_from_slice(&plan.default_row);
        plan.begin_slots(&mut absent[dim..]);

        let gate = self.gate.read();
        let era = *gate;
        for (shard, locked) in self.shards.iter().enumerate() {
            let range = pulled.of_shard(shard);
            if range.is_empty() {
                continue;
            }
            let shard = locked.read();
            shard.prefetch_places(range.clone().map(|at| pulled.places[pulled.position(at)]));
            for at in range {
                let position = pulled.position(at);
                if pulled.places[position] != NO_ROW {
                    let found = shard.find_again(pulled.hashes[position], pulled.unique.ids[position], pulled.places[position]);
                    pulled.places[position] = found.unwrap_or(NO_ROW);
                }
                match pulled.places[position] {
                    NO_ROW => old.take(at, dim, &absent),
                    place => old.take(at, dim, shard.records.get(place).values()),
                }
            }
        }
        step.update(pulled.ids().len(), update(old, new, sorted, 0, slots)).map_err(|error| match error.kind() {
            ErrorKind::NonFinite => Error::new(ErrorKind::NonFinite, error.operation(), format!("{}, no row was changed", error.context())),
            _ => error,
        })?;

        let mut applied = Applied::default();
        for (shard, locked) in self.shards.iter().enumerate() {
            let range = pulled.of_shard(shard);
            if range.is_empty() {
                continue;
            }
            let mut shard = locked.write();
            shard.prefetch_places(range.clone().map(|at| pulled.places[pulled.position(at)]));
            for at in range {
                let position = pulled.position(at);
                if pulled.places[position] == NO_ROW {
                    continue;
                }
                let found = shard.find_again(pulled.hashes[position], pulled.unique.ids[position], pulled.places[position]);
                let Some(place) = found else { continue };
                if !old.is(at, dim, shard.records.get(place).values()) {
                    old.take(at, dim, shard.records.get(place).values());
                    let element = at * dim;
                    if step.update(1, update(old, new, &sorted[element..element + dim], element, slots)).is_err() {
                        applied.refused += 1;
                        continue;
                    }
                }
                shard.touch(era, place);
                new.give(at, dim, shard.records.get_mut(place).values_mut());
                applied.rows += 1;
            }
        }
        debug_assert_eq!(pulled.of_shard(SHARDS - 1).end, pulled.ids().len());
        Ok(applied)
    }
}
