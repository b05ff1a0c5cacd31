//! The moving average of a parameter's values, as Keras keeps it with `use_ema`.
//!
//! After the rule has moved a parameter, `average = momentum*average + (1 - momentum)*w`; the first average is the value
//! after the first step. If `overwrite_frequency` says so, every so many steps the parameter then takes its average's
//! value. (Keras does so once more when `fit` ends; a stream does not end.) The average is one more slot, behind those
//! of the rule, written in the same pass over the memory.

use super::config::{Check, in_unit_interval};
use super::lanes::Lanes;

/// Values are averaged this way.
#[derive(Clone, Copy, Debug)]
pub(super) struct Averaging {
    pub(super) momentum: f64,
    pub(super) overwrite_frequency: Option<u64>,
}

impl Averaging {
    /// The slot that holds it.
    pub(super) const SLOT: &str = "average";

    pub(super) fn check(&self) -> Check {
        in_unit_interval("ema_momentum", self.momentum)?;
        match self.overwrite_frequency {
            Some(0) => Err("ema_overwrite_frequency must be at least 1 or null, not 0".into()),
            _ => Ok(()),
        }
    }

    /// What the step after `iterations` steps does.
    pub(super) fn step(&self, iterations: u64) -> Average {
        let momentum = if iterations == 0 { 0.0 } else { self.momentum as f32 };
        let overwrites = self.overwrite_frequency.is_some_and(|frequency| iterations.saturating_add(1).is_multiple_of(frequency));
        Average { momentum, rest: 1.0 - momentum, overwrites }
    }
}

/// One step of a moving average.
#[derive(Clone, Copy, Debug)]
pub(super) struct Average {
    pub(super) momentum: f32,
    /// One less the momentum.
    pub(super) rest: f32,
    /// Whether the parameter takes its value.
    pub(super) overwrites: bool,
}

impl Average {
    #[inline(always)]
    pub(super) fn of<N: Lanes>(&self, average: N, parameter: N) -> N {
        average * self.momentum + parameter * self.rest
    }
}
