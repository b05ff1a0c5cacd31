//! What a table is told: its name and size, who gets a row, and who loses it.

use serde::Deserialize;

use super::initializer::Initializer;

/// A table's settings; as JSON, the fields by their names.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct TableSpec {
    /// Its name, for errors and snapshots.
    pub name: String,
    /// The numbers of a row.
    pub dim: usize,
    /// What all first values and all decisions by chance follow from. Two tables of one seed give an id the same first values.
    pub seed: u64,
    /// How a row begins.
    pub initializer: Initializer,
    /// The row of every id that has none; it never learns. Zeros if empty.
    #[serde(default)]
    pub default_row: Vec<f32>,
    /// Who gets a row.
    #[serde(default)]
    pub admission: Admission,
    /// Whose row is given up by itself.
    #[serde(default)]
    pub expiry: Expiry,
    /// How much memory all rows may take. Without it a table grows with its ids.
    #[serde(default)]
    pub budget: Option<Budget>,
}

/// Which ids get a row of their own; all others share the default row.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Admission {
    /// Every id, when it is first seen.
    #[default]
    Always,
    /// An id that was seen so often, this time included; repeats within a batch count.
    ///
    /// Ids are counted in a sketch of bounded memory, when their step is committed. It may let an id in early that shares its counters with others, and
    /// forgets by halves: an id late whose sightings are further apart than `sketch_bytes / 16 * (sightings - 1)` others'.
    Sightings {
        /// How often, 2 to 255.
        sightings: u8,
        /// The memory of the sketch; rounded down to a power of two.
        sketch_bytes: usize,
    },
    /// Each sighting lets an id in with this probability.
    ///
    /// The draw is a hash of seed, id and the step's number, so it needs no memory and a run that is repeated repeats it.
    Probability {
        /// Above 0, at most 1.
        probability: f64,
    },
}

/// When a row is given up because its id does not come any more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Expiry {
    /// Never.
    #[default]
    Never,
    /// Once more than so many steps have passed since it was last seen.
    Steps {
        /// The steps.
        steps: u64,
    },
    /// Once more than so many seconds of event time have passed since it was last seen.
    Seconds {
        /// The seconds.
        seconds: u64,
    },
}

/// A bound on the memory of a table.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Budget {
    /// For rows, slots and all bookkeeping; what open cuts save and the ids kept for deltas come on top.
    pub bytes: usize,
    /// Whose row a new id takes when the memory is used up.
    pub evict: Evict,
}

/// Whose row is given up for a new id: the first by this order of 16 that are drawn, by a hash of the id and the moment, among the rows of the new id's shard.
///
/// An exact order would cost a list through all rows, eight bytes each and two cache misses a sighting; of 16 the one given up is among the first
/// sixth of all in 19 of 20 cases.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Evict {
    /// The one seen longest ago.
    LeastRecent,
    /// The one seen least often; of several the one seen longest ago. Counts are never forgotten, so pair it with an expiry.
    LeastFrequent,
}

/// When something is seen. Which of the two counts is the table's own affair.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Moment {
    /// The steps done so far.
    pub step: u64,
    /// The event time in seconds since 1970; read only by a table whose rows expire by it.
    pub seconds: u64,
}

impl TableSpec {
    /// A table whose every id gets a row and keeps it.
    pub fn new(name: impl Into<String>, dim: usize, seed: u64, initializer: Initializer) -> Self {
        Self {
            name: name.into(),
            dim,
            seed,
            initializer,
            default_row: Vec::new(),
            admission: Admission::default(),
            expiry: Expiry::default(),
            budget: None,
        }
    }

    /// What is wrong with it, if anything.
    pub(super) fn check(&self) -> Result<(), String> {
        if self.dim == 0 || self.dim > 1 << 16 {
            return Err(format!("give rows 1 to 65536 numbers, not {}", self.dim));
        }
        self.initializer.check()?;
        if !self.default_row.is_empty() && self.default_row.len() != self.dim {
            return Err(format!("give the default row {} numbers, not {}", self.dim, self.default_row.len()));
        }
        if self.default_row.iter().any(|value| !value.is_finite()) {
            return Err("give a default row of finite numbers".into());
        }
        match self.admission {
            Admission::Sightings { sightings, .. } if sightings < 2 => {
                Err(format!("admit after 2 to 255 sightings, or always, not after {sightings}"))
            }
            Admission::Sightings { sketch_bytes, .. } if sketch_bytes < super::SHARDS * 64 => {
                Err(format!("give the sketch of admission at least {} bytes, not {sketch_bytes}", super::SHARDS * 64))
            }
            Admission::Probability { probability } if !(probability > 0.0 && probability <= 1.0) => {
                Err(format!("admit with a probability above 0 and at most 1, not {probability}"))
            }
            _ => Ok(()),
        }?;
        match self.expiry {
            Expiry::Steps { steps: 0 } | Expiry::Seconds { seconds: 0 } => Err("let rows live for at least one step or second".into()),
            _ => Ok(()),
        }
    }

    /// The moment as the bookkeeping keeps it.
    pub(super) fn now(&self, moment: Moment) -> u64 {
        match self.expiry {
            Expiry::Seconds { .. } => moment.seconds,
            Expiry::Never | Expiry::Steps { .. } => moment.step,
        }
        .min(super::records::LATEST)
    }

    /// How long an id may stay away.
    pub(super) fn lifetime(&self) -> Option<u64> {
        match self.expiry {
            Expiry::Never => None,
            Expiry::Steps { steps } => Some(steps),
            Expiry::Seconds { seconds } => Some(seconds),
        }
    }
}
