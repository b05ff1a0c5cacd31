//! What a rule is: its hyperparameters, and its formula for one element.
//!
//! Every rule of Keras that works element by element fits: it keeps up to [`MAX_SLOTS`](super::MAX_SLOTS) slots per
//! parameter and computes each new element from the old element, its slots and its gradient alone. What depends on the
//! step but not on the element (the learning rate, Adam's bias corrections, the running product of Nadam's momenta)
//! is a function of the number of steps done, computed once per step by [`Rule::step`] and stored in the formula.
//! A row of a table is updated by the same formula, its slots lying beside it.

use std::fmt::Debug;

use super::adagrad::{self, Adagrad};
use super::adam::{self, Adam};
use super::lanes::Lanes;
use super::sgd::{self, Sgd};

/// A tensor that a rule keeps beside every parameter.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Slot {
    /// Its name, as in Keras.
    pub name: &'static str,
    /// The value of all its elements before the first step.
    pub initial: f32,
}

/// The hyperparameters of one rule.
#[derive(Clone, Debug)]
pub(super) enum Rule {
    Sgd(Sgd),
    Adagrad(Adagrad),
    Adam(Adam),
}

impl Rule {
    pub(super) fn slots(&self) -> Vec<Slot> {
        match self {
            Self::Sgd(rule) => rule.slots(),
            Self::Adagrad(rule) => rule.slots(),
            Self::Adam(rule) => rule.slots(),
        }
    }

    /// The formula of the step after `iterations` steps.
    pub(super) fn step(&self, iterations: u64, learning_rate: f32) -> Formula {
        match self {
            Self::Sgd(rule) => rule.step(learning_rate),
            Self::Adagrad(rule) => Formula::Adagrad(rule.step(learning_rate)),
            Self::Adam(rule) => rule.step(iterations, learning_rate),
        }
    }
}

/// How an element moves in one step, with everything known that all elements share.
pub(super) trait Elementwise<const SLOTS: usize>: Copy + Debug {
    /// The new element and its new slots, for as many elements side by side as `N` has lanes.
    fn element<N: Lanes>(&self, gradient: N, parameter: N, slots: [N; SLOTS]) -> (N, [N; SLOTS]);
}

/// The formula of one step.
#[derive(Clone, Copy, Debug)]
pub(super) enum Formula {
    Descent(sgd::Descent),
    Momentum(sgd::Momentum),
    Nesterov(sgd::Nesterov),
    Adagrad(adagrad::Accumulate),
    Adam(adam::Moments),
    AmsGrad(adam::MaxMoments),
}
