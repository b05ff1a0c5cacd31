//! Adamax: Adam with the largest gradient in place of the second moment (Kingma and Ba, "Adam: a method for stochastic
//! optimization", 2015, section 7.1).
//!
//! `m += (g-m)*(1-beta_1); u = max(beta_2*u, |g|); w -= lr*m / ((1-beta_1^t) * (u+epsilon))`.

use serde::Deserialize;

use super::config::{Check, below_one, in_unit_interval, not_negative};
use super::lanes::Lanes;
use super::rule::{Elementwise, Formula, Rule, Slot};

/// Hyperparameters of `adamax`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Adamax {
    beta_1: f64,
    beta_2: f64,
    epsilon: f64,
}

impl Rule for Adamax {
    fn check(&self) -> Check {
        below_one("beta_1", self.beta_1)?;
        in_unit_interval("beta_2", self.beta_2)?;
        not_negative("epsilon", self.epsilon)
    }

    fn slots(&self) -> Vec<Slot> {
        ["momentum", "norm"].map(Slot::zero).to_vec()
    }

    fn step(&self, iterations: u64, learning_rate: f32) -> Formula {
        let t = iterations.saturating_add(1) as f32;
        Largest {
            learning_rate,
            // Keras subtracts in f64 before it casts.
            rate: (1.0 - self.beta_1) as f32,
            beta_2: self.beta_2 as f32,
            correction: 1.0 - (self.beta_1 as f32).powf(t),
            epsilon: self.epsilon as f32,
        }
        .into()
    }
}

/// One step of Adamax.
#[derive(Clone, Copy, Debug)]
pub(super) struct Largest {
    learning_rate: f32,
    rate: f32,
    beta_2: f32,
    correction: f32,
    epsilon: f32,
}

impl Elementwise<2> for Largest {
    #[inline(always)]
    fn element<N: Lanes>(&self, gradient: N, parameter: N, [first, norm]: [N; 2]) -> (N, [N; 2]) {
        let first = first + (gradient - first) * self.rate;
        let norm = (norm * self.beta_2).larger(gradient.abs());
        (parameter - first * self.learning_rate / ((norm + self.epsilon) * self.correction), [first, norm])
    }
}
