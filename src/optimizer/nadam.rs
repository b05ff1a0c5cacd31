//! Nadam: Adam with Nesterov's look-ahead (Dozat, "Incorporating Nesterov momentum into Adam", 2016).
//!
//! With `u(t) = beta_1 * (1 - 0.96^t/2)` and `p(t)` their product up to t: `m += (g-m)*(1-beta_1)`,
//! `v += (g*g-v)*(1-beta_2)` and `w -= lr * (m*u(t+1)/(1-p(t+1)) + g*(1-u(t))/(1-p(t))) / (sqrt(v/(1-beta_2^t)) + epsilon)`.

use parking_lot::Mutex;
use serde::Deserialize;

use super::config::{Check, below_one, not_negative};
use super::lanes::Lanes;
use super::rule::{Elementwise, Formula, Rule, Slot};

/// Below this, one less the product is one.
const NEGLIGIBLE: f32 = 1.0 / (1 << 26) as f32;

/// Hyperparameters of `nadam`.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Nadam {
    beta_1: f64,
    beta_2: f64,
    epsilon: f64,
    /// A step and its product, so that the next step needs one factor and not all of them.
    #[serde(skip)]
    last: Mutex<Option<(u64, f32)>>,
}

impl Nadam {
    fn momentum(&self, t: u64) -> f32 {
        self.beta_1 as f32 * (1.0 - 0.5 * 0.96f32.powf(t as f32))
    }

    /// The product of all momenta up to step `t`, rounded after every factor; any negligible number where it is negligible.
    fn product(&self, t: u64) -> f32 {
        let mut last = self.last.lock();
        let (mut done, mut product) = last.filter(|(done, _)| *done <= t).unwrap_or((0, 1.0));
        while done < t && product >= NEGLIGIBLE {
            done += 1;
            product = product * self.beta_1 as f32 * (1.0 - 0.5 * 0.96f32.powf(done as f32));
        }
        *last = Some((done, product));
        product
    }
}

impl Rule for Nadam {
    fn check(&self) -> Check {
        below_one("beta_1", self.beta_1)?;
        below_one("beta_2", self.beta_2)?;
        not_negative("epsilon", self.epsilon)
    }

    fn slots(&self) -> Vec<Slot> {
        ["momentum", "velocity"].map(Slot::zero).to_vec()
    }

    fn step(&self, iterations: u64, learning_rate: f32) -> Formula {
        let t = iterations.saturating_add(1);
        let (now, next) = (self.momentum(t), self.momentum(t.saturating_add(1)));
        let product = self.product(t);
        let (beta_1, beta_2) = (self.beta_1 as f32, self.beta_2 as f32);
        Ahead {
            learning_rate,
            // Unlike in Adam, Keras casts before it subtracts.
            rate_1: 1.0 - beta_1,
            rate_2: 1.0 - beta_2,
            next,
            next_correction: 1.0 - product * next,
            rest: 1.0 - now,
            correction: 1.0 - product,
            correction_2: 1.0 - beta_2.powf(t as f32),
            epsilon: self.epsilon as f32,
        }
        .into()
    }
}

/// One step of Nadam.
#[derive(Clone, Copy, Debug)]
pub(super) struct Ahead {
    learning_rate: f32,
    rate_1: f32,
    rate_2: f32,
    /// The momentum of the next step.
    next: f32,
    next_correction: f32,
    /// One less the momentum of this step.
    rest: f32,
    correction: f32,
    correction_2: f32,
    epsilon: f32,
}

impl Elementwise<2> for Ahead {
    #[inline(always)]
    fn element<N: Lanes>(&self, gradient: N, parameter: N, [first, second]: [N; 2]) -> (N, [N; 2]) {
        let first = first + (gradient - first) * self.rate_1;
        let second = second + (gradient * gradient - second) * self.rate_2;
        let ahead = first * self.next / self.next_correction + gradient * self.rest / self.correction;
        let scale = (second / self.correction_2).sqrt() + self.epsilon;
        (parameter - ahead * self.learning_rate / scale, [first, second])
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_step_does_not_depend_on_the_steps_asked_for_before() {
        let fresh = |beta_1| Nadam { beta_1, beta_2: 0.999, epsilon: 1e-7, last: Mutex::new(None) };
        for beta_1 in [0.0, 0.5, 0.9, 0.9999] {
            let used = fresh(beta_1);
            for t in [1, 2, 3, 300, 7, 7, 100, 1_000_000, 1, u64::MAX, 400] {
                assert_eq!(1.0 - used.product(t), 1.0 - fresh(beta_1).product(t), "{beta_1} {t}");
            }
        }
        assert_eq!(fresh(0.9).product(2), 0.9 * (1.0 - 0.5 * 0.96f32) * 0.9 * (1.0 - 0.5 * 0.96f32.powf(2.0)));
    }
}
