//! Follow the regularized leader, proximal (McMahan et al., "Ad click prediction: a view from the trenches", 2013;
//! shrinkage as in Keras).
//!
//! With `p` the learning-rate power, from -0.5 (as in the paper) to 0 (a constant rate), and `l2' = l2 + beta/(2*lr)`:
//! `h = g + 2*shrinkage*w; n' = n + g*g; z += h - (n'^-p - n^-p)/lr * w; w = (clip(z, -l1, l1) - z) / (n'^-p/lr + 2*l2')`.
//! The paper's alpha is `lr`, its lambda1 `l1`, its lambda2 `2*l2`; its n begins at 0. There, without l2 and beta, an
//! element whose gradient has always been 0 is 0/0, as in Keras, and the step is refused: let n begin above 0.
//!
//! The power of -0.5 is a square root, which is faster and nearer to the true value than TensorFlow's `pow` but not
//! the same to the last bit; any other power is the C library's `powf`, one element at a time.

use serde::Deserialize;

use super::config::{Check, not_negative};
use super::lanes::Lanes;
use super::rule::{Elementwise, Formula, Rule, Slot};

/// Hyperparameters of `ftrl`.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Ftrl {
    learning_rate_power: f64,
    initial_accumulator_value: f64,
    l1_regularization_strength: f64,
    l2_regularization_strength: f64,
    l2_shrinkage_regularization_strength: f64,
    beta: f64,
}

impl Rule for Ftrl {
    fn check(&self) -> Check {
        if !((self.learning_rate_power as f32).is_finite() && self.learning_rate_power <= 0.0) {
            return Err(format!("learning_rate_power must be a number of at most 0, not {}", self.learning_rate_power));
        }
        not_negative("initial_accumulator_value", self.initial_accumulator_value)?;
        not_negative("l1_regularization_strength", self.l1_regularization_strength)?;
        not_negative("l2_regularization_strength", self.l2_regularization_strength)?;
        not_negative("l2_shrinkage_regularization_strength", self.l2_shrinkage_regularization_strength)?;
        not_negative("beta", self.beta)
    }

    fn slots(&self) -> Vec<Slot> {
        vec![Slot { name: "accumulator", initial: self.initial_accumulator_value as f32 }, Slot::zero("linear")]
    }

    fn step(&self, _: u64, learning_rate: f32) -> Formula {
        let l2 = self.l2_regularization_strength as f32 + self.beta as f32 / (2.0 * learning_rate);
        let (l1, l2, shrinkage) =
            (self.l1_regularization_strength as f32, 2.0 * l2, (2.0 * self.l2_shrinkage_regularization_strength) as f32);
        let power = -self.learning_rate_power as f32;
        if power == 0.5 {
            Leader::<true> { learning_rate, power, l1, l2, shrinkage }.into()
        } else {
            Leader::<false> { learning_rate, power, l1, l2, shrinkage }.into()
        }
    }

    fn divides_by_rate(&self) -> bool {
        true
    }
}

/// One step of FTRL; `ROOT` if the power is one half.
#[derive(Clone, Copy, Debug)]
pub(super) struct Leader<const ROOT: bool> {
    learning_rate: f32,
    power: f32,
    l1: f32,
    /// Twice the strength, as it enters.
    l2: f32,
    /// Twice the strength, as it enters.
    shrinkage: f32,
}

impl<const ROOT: bool> Leader<ROOT> {
    #[inline(always)]
    fn raise<N: Lanes>(&self, accumulator: N) -> N {
        if ROOT { accumulator.sqrt() } else { accumulator.powf(self.power) }
    }
}

impl<const ROOT: bool> Elementwise<2> for Leader<ROOT> {
    #[inline(always)]
    fn element<N: Lanes>(&self, gradient: N, parameter: N, [accumulator, linear]: [N; 2]) -> (N, [N; 2]) {
        let shrunk = gradient + parameter * self.shrinkage;
        let new = accumulator + gradient * gradient;
        let raised = self.raise(new);
        let linear = linear + (shrunk - (raised - self.raise(accumulator)) / self.learning_rate * parameter);
        let quadratic = raised / self.learning_rate + self.l2;
        let clipped = linear.smaller(N::splat(self.l1)).larger(N::splat(-self.l1));
        ((clipped - linear) / quadratic, [new, linear])
    }
}
