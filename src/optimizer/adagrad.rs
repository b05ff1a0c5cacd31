//! Adagrad: `a += g*g; w -= lr*g / sqrt(a + epsilon)` (Duchi et al., "Adaptive subgradient methods for online
//! learning and stochastic optimization", 2011), with epsilon inside the root as Keras has it.

use serde::Deserialize;

use super::config::{Check, not_negative};
use super::lanes::Lanes;
use super::rule::{Elementwise, Slot};

/// Hyperparameters of `adagrad`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Adagrad {
    initial_accumulator_value: f64,
    epsilon: f64,
}

impl Adagrad {
    pub(super) fn check(&self) -> Check {
        not_negative("initial_accumulator_value", self.initial_accumulator_value)?;
        not_negative("epsilon", self.epsilon)
    }

    pub(super) fn slots(&self) -> Vec<Slot> {
        vec![Slot { name: "accumulator", initial: self.initial_accumulator_value as f32 }]
    }

    pub(super) fn step(&self, learning_rate: f32) -> Accumulate {
        Accumulate { learning_rate, epsilon: self.epsilon as f32 }
    }
}

/// One step of Adagrad.
#[derive(Clone, Copy, Debug)]
pub(super) struct Accumulate {
    learning_rate: f32,
    epsilon: f32,
}

impl Elementwise<1> for Accumulate {
    #[inline(always)]
    fn element<N: Lanes>(&self, gradient: N, parameter: N, [accumulator]: [N; 1]) -> (N, [N; 1]) {
        let accumulator = accumulator + gradient * gradient;
        (parameter - gradient * self.learning_rate / (accumulator + self.epsilon).sqrt(), [accumulator])
    }
}
