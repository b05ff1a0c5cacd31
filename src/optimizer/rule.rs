//! What a rule is: its hyperparameters, and its formula for one element.
//!
//! Every rule of Keras that works element by element fits: it keeps up to three slots per parameter and computes each
//! new element from the old element, its slots and its gradient alone. What depends on the step but not on the element
//! (the learning rate, Adam's bias corrections, the running product of Nadam's momenta) is a function of the number of
//! steps done, computed once per step by [`Rule::step`] and stored in the formula. A row of a table is updated by the
//! same formula, its slots lying beside it.

use std::fmt::Debug;

use super::config::Check;
use super::kernel::{self, Fault, Pass};
use super::lanes::Lanes;
use super::{Update, adadelta, adagrad, adam, adamax, ftrl, lion, nadam, rmsprop, sgd};

/// A tensor that the optimizer keeps beside a parameter.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Slot {
    /// Its name, as in Keras.
    pub name: &'static str,
    /// The value of all its elements before the first step.
    pub initial: f32,
}

impl Slot {
    pub(super) fn zero(name: &'static str) -> Self {
        Self { name, initial: 0.0 }
    }
}

/// The hyperparameters of one rule.
pub(super) trait Rule: Debug + Send + Sync {
    /// Whether they are in range.
    fn check(&self) -> Check;

    /// What it keeps beside every parameter: as many slots as its formula takes, in that order.
    fn slots(&self) -> Vec<Slot>;

    /// The formula of the step after `iterations` steps.
    fn step(&self, iterations: u64, learning_rate: f32) -> Formula;

    /// Whether a learning rate of zero means nothing to it.
    fn divides_by_rate(&self) -> bool {
        false
    }
}

/// How an element moves in one step, with everything known that all elements share.
pub(super) trait Elementwise<const SLOTS: usize>: Copy + Debug {
    /// The new element and its new slots, for as many elements side by side as `N` has lanes.
    fn element<N: Lanes>(&self, gradient: N, parameter: N, slots: [N; SLOTS]) -> (N, [N; SLOTS]);
}

macro_rules! formulas {
    ($($name:ident($formula:ty)),+ $(,)?) => {
        /// The formula of one step.
        #[derive(Clone, Copy, Debug)]
        pub(super) enum Formula {
            $($name($formula)),+
        }

        impl Formula {
            /// Updates one parameter.
            pub(super) fn run(&self, pass: &Pass, update: Update<'_>) -> Result<(), Fault> {
                match *self {
                    $(Self::$name(formula) => kernel::run(formula, pass, update)),+
                }
            }
        }

        $(impl From<$formula> for Formula {
            fn from(formula: $formula) -> Self {
                Self::$name(formula)
            }
        })+
    };
}

formulas! {
    Descent(sgd::Descent),
    Momentum(sgd::Momentum),
    Nesterov(sgd::Nesterov),
    Adagrad(adagrad::Accumulate),
    RmsProp(rmsprop::Scaled),
    RmsPropMomentum(rmsprop::ScaledMomentum),
    RmsPropCentered(rmsprop::Centered),
    RmsPropCenteredMomentum(rmsprop::CenteredMomentum),
    Adam(adam::Moments),
    AmsGrad(adam::MaxMoments),
    Ftrl(ftrl::Leader<true>),
    FtrlPower(ftrl::Leader<false>),
    Adadelta(adadelta::Ratio),
    Nadam(nadam::Ahead),
    Adamax(adamax::Largest),
    Lion(lion::Sign),
}
