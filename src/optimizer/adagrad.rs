//! Adagrad: `a += g*g; w -= lr*g / sqrt(a + epsilon)` (Duchi et al., "Adaptive subgradient methods for online
//! learning and stochastic optimization", 2011), with epsilon inside the root as Keras has it.

use serde::Deserialize;

use super::config::{Check, not_negative};
use super::lanes::Lanes;
use super::rule::{Elementwise, Formula, Rule, Slot};

/// Hyperparameters of `adagrad`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Adagrad {
    initial_accumulator_value: f64,
    epsilon: f64,
}

impl Rule for Adagrad {
    fn check(&self) -> Check {
        not_negative("initial_accumulator_value", self.initial_accumulator_value)?;
        not_negative("epsilon", self.epsilon)
    }

    fn slots(&self) -> Vec<Slot> {
        vec![Slot { name: "accumulator", initial: self.initial_accumulator_value as f32 }]
    }

    fn step(&self, _: u64, learning_rate: f32) -> Formula {
        Accumulate { learning_rate, epsilon: self.epsilon as f32 }.into()
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
