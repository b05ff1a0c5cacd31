//! Lion: steps of one size, in the direction of an average's sign (Chen et al., "Symbolic discovery of optimization
//! algorithms", 2023).
//!
//! `w -= lr * sign(beta_1*m + (1-beta_1)*g); m = beta_2*m + (1-beta_2)*g`.

use serde::Deserialize;

use super::config::{Check, in_unit_interval};
use super::lanes::Lanes;
use super::rule::{Elementwise, Formula, Rule, Slot};

/// Hyperparameters of `lion`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Lion {
    beta_1: f64,
    beta_2: f64,
}

impl Rule for Lion {
    fn check(&self) -> Check {
        in_unit_interval("beta_1", self.beta_1)?;
        in_unit_interval("beta_2", self.beta_2)
    }

    fn slots(&self) -> Vec<Slot> {
        vec![Slot::zero("momentum")]
    }

    fn step(&self, _: u64, learning_rate: f32) -> Formula {
        let (beta_1, beta_2) = (self.beta_1 as f32, self.beta_2 as f32);
        // Unlike in Adam, Keras casts before it subtracts.
        Sign { learning_rate, beta_1, rate_1: 1.0 - beta_1, beta_2, rate_2: 1.0 - beta_2 }.into()
    }
}

/// One step of Lion.
#[derive(Clone, Copy, Debug)]
pub(super) struct Sign {
    learning_rate: f32,
    beta_1: f32,
    rate_1: f32,
    beta_2: f32,
    rate_2: f32,
}

impl Elementwise<1> for Sign {
    #[inline(always)]
    fn element<N: Lanes>(&self, gradient: N, parameter: N, [momentum]: [N; 1]) -> (N, [N; 1]) {
        let direction = (momentum * self.beta_1 + gradient * self.rate_1).sign();
        (parameter - direction * self.learning_rate, [momentum * self.beta_2 + gradient * self.rate_2])
    }
}
