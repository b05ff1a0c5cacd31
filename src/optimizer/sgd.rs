//! Stochastic gradient descent, with momentum and with Nesterov's look-ahead.
//!
//! `w -= lr*g`; with momentum `m = mu*m - lr*g` and `w += m`, or `w += mu*m - lr*g` (Nesterov; Sutskever et al.,
//! "On the importance of initialization and momentum in deep learning", 2013).

use serde::Deserialize;

use super::config::{Check, in_unit_interval};
use super::lanes::Lanes;
use super::rule::{Elementwise, Formula, Rule, Slot};

/// Hyperparameters of `sgd`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Sgd {
    momentum: f64,
    nesterov: bool,
}

impl Rule for Sgd {
    fn check(&self) -> Check {
        in_unit_interval("momentum", self.momentum)
    }

    fn slots(&self) -> Vec<Slot> {
        if self.momentum == 0.0 { Vec::new() } else { vec![Slot::zero("momentum")] }
    }

    fn step(&self, _: u64, learning_rate: f32) -> Formula {
        let momentum = self.momentum as f32;
        match (self.momentum == 0.0, self.nesterov) {
            (true, _) => Descent { learning_rate }.into(),
            (false, false) => Momentum { learning_rate, momentum }.into(),
            (false, true) => Nesterov { learning_rate, momentum }.into(),
        }
    }
}

/// Plain descent.
#[derive(Clone, Copy, Debug)]
pub(super) struct Descent {
    learning_rate: f32,
}

impl Elementwise<0> for Descent {
    #[inline(always)]
    fn element<N: Lanes>(&self, gradient: N, parameter: N, _: [N; 0]) -> (N, [N; 0]) {
        (parameter - gradient * self.learning_rate, [])
    }
}

/// Descent with momentum.
#[derive(Clone, Copy, Debug)]
pub(super) struct Momentum {
    learning_rate: f32,
    momentum: f32,
}

impl Elementwise<1> for Momentum {
    #[inline(always)]
    fn element<N: Lanes>(&self, gradient: N, parameter: N, [velocity]: [N; 1]) -> (N, [N; 1]) {
        let velocity = velocity * self.momentum - gradient * self.learning_rate;
        (parameter + velocity, [velocity])
    }
}

/// Descent with momentum that looks ahead.
#[derive(Clone, Copy, Debug)]
pub(super) struct Nesterov {
    learning_rate: f32,
    momentum: f32,
}

impl Elementwise<1> for Nesterov {
    #[inline(always)]
    fn element<N: Lanes>(&self, gradient: N, parameter: N, [velocity]: [N; 1]) -> (N, [N; 1]) {
        let descent = gradient * self.learning_rate;
        let velocity = velocity * self.momentum - descent;
        (parameter + (velocity * self.momentum - descent), [velocity])
    }
}
