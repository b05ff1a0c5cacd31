//! RMSprop: the gradient over the root of a moving average of its squares (Hinton, "Neural networks for machine
//! learning", lecture 6e, 2012), as a variance if centered (Graves, "Generating sequences with recurrent neural
//! networks", 2013).
//!
//! `v = rho*v + (1-rho)*g*g` and `i = lr*g / sqrt(v + epsilon)`; centered `a = rho*a + (1-rho)*g` and
//! `i = lr*g / sqrt(v - a*a + epsilon)`. Then `w -= i`, or with momentum `m = mu*m + i; w -= m`.

use serde::Deserialize;

use super::config::{Check, in_unit_interval, not_negative};
use super::lanes::Lanes;
use super::rule::{Elementwise, Formula, Rule, Slot};

/// Hyperparameters of `rmsprop`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct RmsProp {
    rho: f64,
    momentum: f64,
    epsilon: f64,
    centered: bool,
}

impl Rule for RmsProp {
    fn check(&self) -> Check {
        in_unit_interval("rho", self.rho)?;
        not_negative("momentum", self.momentum)?;
        not_negative("epsilon", self.epsilon)
    }

    fn slots(&self) -> Vec<Slot> {
        let momentum = (self.momentum > 0.0).then_some("momentum");
        let average = self.centered.then_some("average_gradient");
        ["velocity"].into_iter().chain(momentum).chain(average).map(Slot::zero).collect()
    }

    fn step(&self, _: u64, learning_rate: f32) -> Formula {
        let scaled = Scaled {
            learning_rate,
            rho: self.rho as f32,
            // Keras subtracts in f64 before it casts.
            rate: (1.0 - self.rho) as f32,
            epsilon: self.epsilon as f32,
        };
        let momentum = self.momentum as f32;
        match (self.centered, self.momentum > 0.0) {
            (false, false) => scaled.into(),
            (false, true) => ScaledMomentum { scaled, momentum }.into(),
            (true, false) => Centered(scaled).into(),
            (true, true) => CenteredMomentum { centered: Centered(scaled), momentum }.into(),
        }
    }
}

/// One step of RMSprop.
#[derive(Clone, Copy, Debug)]
pub(super) struct Scaled {
    learning_rate: f32,
    rho: f32,
    rate: f32,
    epsilon: f32,
}

impl Scaled {
    #[inline(always)]
    fn average<N: Lanes>(&self, average: N, value: N) -> N {
        average * self.rho + value * self.rate
    }

    /// The increment and the new velocity.
    #[inline(always)]
    fn increment<N: Lanes>(&self, gradient: N, velocity: N) -> (N, N) {
        let velocity = self.average(velocity, gradient * gradient);
        (gradient * self.learning_rate / (velocity + self.epsilon).sqrt(), velocity)
    }
}

impl Elementwise<1> for Scaled {
    #[inline(always)]
    fn element<N: Lanes>(&self, gradient: N, parameter: N, [velocity]: [N; 1]) -> (N, [N; 1]) {
        let (increment, velocity) = self.increment(gradient, velocity);
        (parameter - increment, [velocity])
    }
}

/// One step with momentum.
#[derive(Clone, Copy, Debug)]
pub(super) struct ScaledMomentum {
    scaled: Scaled,
    momentum: f32,
}

impl Elementwise<2> for ScaledMomentum {
    #[inline(always)]
    fn element<N: Lanes>(&self, gradient: N, parameter: N, [velocity, momentum]: [N; 2]) -> (N, [N; 2]) {
        let (increment, velocity) = self.scaled.increment(gradient, velocity);
        let momentum = momentum * self.momentum + increment;
        (parameter - momentum, [velocity, momentum])
    }
}

/// One step of centered RMSprop.
#[derive(Clone, Copy, Debug)]
pub(super) struct Centered(Scaled);

impl Centered {
    /// The increment, the new velocity and the new average of gradients.
    #[inline(always)]
    fn increment<N: Lanes>(&self, gradient: N, velocity: N, average: N) -> (N, N, N) {
        let Self(scaled) = self;
        let velocity = scaled.average(velocity, gradient * gradient);
        let average = scaled.average(average, gradient);
        let variance = velocity - average * average + scaled.epsilon;
        (gradient * scaled.learning_rate / variance.sqrt(), velocity, average)
    }
}

impl Elementwise<2> for Centered {
    #[inline(always)]
    fn element<N: Lanes>(&self, gradient: N, parameter: N, [velocity, average]: [N; 2]) -> (N, [N; 2]) {
        let (increment, velocity, average) = self.increment(gradient, velocity, average);
        (parameter - increment, [velocity, average])
    }
}

/// One step of centered RMSprop with momentum.
#[derive(Clone, Copy, Debug)]
pub(super) struct CenteredMomentum {
    centered: Centered,
    momentum: f32,
}

impl Elementwise<3> for CenteredMomentum {
    #[inline(always)]
    fn element<N: Lanes>(&self, gradient: N, parameter: N, [velocity, momentum, average]: [N; 3]) -> (N, [N; 3]) {
        let (increment, velocity, average) = self.centered.increment(gradient, velocity, average);
        let momentum = momentum * self.momentum + increment;
        (parameter - momentum, [velocity, momentum, average])
    }
}
