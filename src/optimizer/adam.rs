//! Adam, and AMSGrad, which never lets the second moment shrink.
//!
//! `alpha = lr*sqrt(1 - b2^t)/(1 - b1^t); m += (g - m)*(1 - b1); v += (g*g - v)*(1 - b2); w -= m*alpha/(sqrt(v) + eps)`
//! (Kingma and Ba, "Adam: a method for stochastic optimization", 2014, in the form before its section 2.1); AMSGrad
//! divides by the root of `vhat = max(vhat, v)` (Reddi et al., "On the convergence of Adam and beyond", 2018).
//! AdamW is Adam with weight decay.

use serde::Deserialize;

use super::config::{Check, below_one, not_negative};
use super::lanes::Lanes;
use super::rule::{Elementwise, Formula, Rule, Slot};

/// Hyperparameters of `adam`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Adam {
    beta_1: f64,
    beta_2: f64,
    epsilon: f64,
    amsgrad: bool,
}

impl Rule for Adam {
    fn check(&self) -> Check {
        below_one("beta_1", self.beta_1)?;
        below_one("beta_2", self.beta_2)?;
        not_negative("epsilon", self.epsilon)
    }

    fn slots(&self) -> Vec<Slot> {
        let names: &[_] = if self.amsgrad { &["momentum", "velocity", "velocity_hat"] } else { &["momentum", "velocity"] };
        names.iter().copied().map(Slot::zero).collect()
    }

    fn step(&self, iterations: u64, learning_rate: f32) -> Formula {
        let t = iterations.saturating_add(1) as f32;
        let correction_1 = 1.0 - (self.beta_1 as f32).powf(t);
        let correction_2 = 1.0 - (self.beta_2 as f32).powf(t);
        let moments = Moments {
            alpha: learning_rate * correction_2.sqrt() / correction_1,
            // Keras subtracts in f64 before it casts.
            rate_1: (1.0 - self.beta_1) as f32,
            rate_2: (1.0 - self.beta_2) as f32,
            epsilon: self.epsilon as f32,
        };
        if self.amsgrad { MaxMoments(moments).into() } else { moments.into() }
    }
}

/// One step of Adam.
#[derive(Clone, Copy, Debug)]
pub(super) struct Moments {
    alpha: f32,
    rate_1: f32,
    rate_2: f32,
    epsilon: f32,
}

impl Moments {
    #[inline(always)]
    fn moments<N: Lanes>(&self, gradient: N, first: N, second: N) -> (N, N) {
        (first + (gradient - first) * self.rate_1, second + (gradient * gradient - second) * self.rate_2)
    }

    #[inline(always)]
    fn descend<N: Lanes>(&self, parameter: N, first: N, second: N) -> N {
        parameter - first * self.alpha / (second.sqrt() + self.epsilon)
    }
}

impl Elementwise<2> for Moments {
    #[inline(always)]
    fn element<N: Lanes>(&self, gradient: N, parameter: N, [first, second]: [N; 2]) -> (N, [N; 2]) {
        let (first, second) = self.moments(gradient, first, second);
        (self.descend(parameter, first, second), [first, second])
    }
}

/// One step of Adam with AMSGrad.
#[derive(Clone, Copy, Debug)]
pub(super) struct MaxMoments(Moments);

impl Elementwise<3> for MaxMoments {
    #[inline(always)]
    fn element<N: Lanes>(&self, gradient: N, parameter: N, [first, second, largest]: [N; 3]) -> (N, [N; 3]) {
        let (first, second) = self.0.moments(gradient, first, second);
        let largest = largest.larger(second);
        (self.0.descend(parameter, first, largest), [first, second, largest])
    }
}
