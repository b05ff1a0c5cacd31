//! What follows from a table's settings once and for all.

use crate::error::{Error, ErrorKind, Result};
use crate::optimizer::Slot;

use super::index::{Index, MOST_PLACES, mixed};
use super::records::{HEADER, Record, Records};
use super::sketch::Sketch;
use super::spec::{Admission, Evict, Moment, TableSpec};
use super::{Locked, SHARD_BITS, SHARDS};

/// Settings and what is computed from them; immutable.
#[derive(Debug)]
pub(super) struct Plan {
    pub(super) spec: TableSpec,
    pub(super) slots: Vec<Slot>,
    /// As long as a row.
    pub(super) default_row: Vec<f32>,
    /// The words of a record.
    pub(super) words: usize,
    /// The most rows of a shard.
    pub(super) most_rows: usize,
    pub(super) evict: Evict,
    lifetime: Option<u64>,
    salt: u64,
}

impl Plan {
    pub(super) fn new(spec: TableSpec, slots: &[Slot]) -> Result<Self> {
        let invalid = |context: String| Error::new(ErrorKind::InvalidInput, "make table", format!("{context}: table {}", spec.name));
        spec.check().map_err(invalid)?;
        let words = HEADER + spec.dim * (1 + slots.len());
        let most_rows = match spec.budget {
            None => MOST_PLACES,
            Some(budget) => {
                let sketch = sketch_bytes(&spec.admission).map_or(0, |bytes| bytes * SHARDS);
                let fixed = sketch + SHARDS * size_of::<Locked>();
                let most = most_rows_within(words, budget.bytes.saturating_sub(fixed) / SHARDS);
                if most == 0 {
                    let least = SHARDS * shard_bytes(words, 1) + fixed;
                    return Err(invalid(format!("give a budget of at least {least} bytes, not {}", budget.bytes)));
                }
                most.min(MOST_PLACES)
            }
        };
        let default_row = if spec.default_row.is_empty() { vec![0.0; spec.dim] } else { spec.default_row.clone() };
        let evict = spec.budget.map_or(Evict::LeastRecent, |budget| budget.evict);
        let (lifetime, salt) = (spec.lifetime(), mixed(spec.seed ^ 0x0074_6162_6c65));
        Ok(Self { spec, slots: slots.to_vec(), default_row, words, most_rows, evict, lifetime, salt })
    }

    pub(super) fn dim(&self) -> usize {
        self.spec.dim
    }

    #[inline(always)]
    pub(super) fn hash(&self, id: u64) -> u64 {
        mixed(id ^ self.salt)
    }

    #[inline(always)]
    pub(super) fn shard_of(hash: u64) -> usize {
        (hash >> (64 - SHARD_BITS)) as usize
    }

    pub(super) fn now(&self, moment: Moment) -> u64 {
        self.spec.now(moment)
    }

    /// Whether a record's time is over.
    #[inline(always)]
    pub(super) fn has_expired(&self, record: Record<'_>, now: u64) -> bool {
        self.lifetime.is_some_and(|lifetime| now.saturating_sub(record.seen()) > lifetime)
    }

    pub(super) fn expires(&self) -> bool {
        self.lifetime.is_some()
    }

    /// The sketch of one shard, if ids are counted.
    pub(super) fn sketch(&self) -> Option<Sketch> {
        let Admission::Sightings { sightings, .. } = self.spec.admission else { return None };
        sketch_bytes(&self.spec.admission).map(|bytes| Sketch::new(bytes, sightings))
    }

    /// Whether an id without a row gets one, seen `times` in this step.
    pub(super) fn admits(&self, sketch: Option<&Sketch>, hash: u64, times: u32, step: u64) -> bool {
        match (self.spec.admission, sketch) {
            (Admission::Sightings { sightings, .. }, Some(sketch)) => sketch.estimate(hash).saturating_add(times) >= u32::from(sightings),
            (Admission::Probability { probability }, _) => {
                // A number from 0 to 1 with 53 bits; below p, or in one of several draws below it.
                let unit = (mixed(hash ^ mixed(step)) >> 11) as f64 / (1u64 << 53) as f64;
                unit < 1.0 - (1.0 - probability).powf(f64::from(times))
            }
            _ => true,
        }
    }

    /// Writes the first row of an id.
    pub(super) fn begin_row(&self, id: u64, row: &mut [f32]) {
        self.spec.initializer.fill(self.spec.seed, id, row);
    }

    /// Writes the first slots of any row.
    pub(super) fn begin_slots(&self, slots: &mut [f32]) {
        slots.chunks_exact_mut(self.dim()).zip(&self.slots).for_each(|(values, slot)| values.fill(slot.initial));
    }
}

/// Of one shard.
fn sketch_bytes(admission: &Admission) -> Option<usize> {
    match admission {
        Admission::Sightings { sketch_bytes, .. } => Some(1 << (sketch_bytes / SHARDS).max(16).ilog2()),
        Admission::Always | Admission::Probability { .. } => None,
    }
}

/// What a shard of as many rows takes, the growth of its index included.
fn shard_bytes(words: usize, rows: usize) -> usize {
    Records::bytes_for(words, rows) + Index::bytes_for(rows)
}

fn most_rows_within(words: usize, bytes: usize) -> usize {
    let (mut fits, mut too_many) = (0, bytes / (words * size_of::<u32>()) + 1);
    while too_many - fits > 1 {
        let middle = fits + (too_many - fits) / 2;
        *if shard_bytes(words, middle) <= bytes { &mut fits } else { &mut too_many } = middle;
    }
    fits
}
