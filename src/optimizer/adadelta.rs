//! Adadelta: steps of the size of the steps before (Zeiler, "ADADELTA: an adaptive learning rate method", 2012), with a
//! learning rate as Keras has it.
//!
//! `a = rho*a + (1-rho)*g*g; d = -sqrt(x + epsilon)*g / sqrt(a + epsilon); x = rho*x + (1-rho)*d*d; w += lr*d`.

use serde::Deserialize;

use super::config::{Check, in_unit_interval, not_negative};
use super::lanes::Lanes;
use super::rule::{Elementwise, Formula, Rule, Slot};

/// Hyperparameters of `adadelta`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Adadelta {
    rho: f64,
    epsilon: f64,
}

impl Rule for Adadelta {
    fn check(&self) -> Check {
        in_unit_interval("rho", self.rho)?;
        not_negative("epsilon", self.epsilon)
    }

    fn slots(&self) -> Vec<Slot> {
        ["accumulated_grad", "accumulated_delta_var"].map(Slot::zero).to_vec()
    }

    fn step(&self, _: u64, learning_rate: f32) -> Formula {
        Ratio {
            learning_rate,
            rho: self.rho as f32,
            // Keras subtracts in f64 before it casts.
            rate: (1.0 - self.rho) as f32,
            epsilon: self.epsilon as f32,
        }
        .into()
    }
}

/// One step of Adadelta.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ratio {
    learning_rate: f32,
    rho: f32,
    rate: f32,
    epsilon: f32,
}

impl Ratio {
    #[inline(always)]
    fn average<N: Lanes>(&self, average: N, value: N) -> N {
        average * self.rho + value * value * self.rate
    }

    #[inline(always)]
    fn root<N: Lanes>(&self, average: N) -> N {
        (average + self.epsilon).sqrt()
    }
}

impl Elementwise<2> for Ratio {
    #[inline(always)]
    fn element<N: Lanes>(&self, gradient: N, parameter: N, [gradients, deltas]: [N; 2]) -> (N, [N; 2]) {
        let gradients = self.average(gradients, gradient);
        let delta = self.root(deltas) * gradient / self.root(gradients) * -1.0;
        (parameter + delta * self.learning_rate, [gradients, self.average(deltas, delta)])
    }
}
