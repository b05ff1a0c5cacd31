//! The learning rate as a number or as one of Keras' schedules, computed in `f32` as Keras does.

use std::f32::consts::PI;

use serde::Deserialize;
use serde_json::Value;

use super::config::{Check, not_negative, positive};

/// The learning rate of every step.
#[derive(Clone, Debug)]
pub(super) enum LearningRate {
    Constant(f32),
    Schedule(Schedule),
}

impl LearningRate {
    pub(super) fn parse(value: &Value) -> Result<Self, String> {
        if let Some(number) = value.as_f64() {
            not_negative("learning_rate", number)?;
            return Ok(Self::Constant(number as f32));
        }
        let schedule = Schedule::deserialize(value).map_err(|error| format!("learning_rate: {error}"))?;
        schedule.check().map_err(|error| format!("learning_rate: {error}"))?;
        Ok(Self::Schedule(schedule))
    }

    /// The rate of the step after `iterations` steps.
    pub(super) fn at(&self, iterations: u64) -> f32 {
        match self {
            Self::Constant(rate) => *rate,
            Self::Schedule(schedule) => schedule.at(iterations),
        }
    }
}

/// A schedule with the arguments of the Keras class of its name.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "schedule", rename_all = "snake_case", deny_unknown_fields)]
pub(super) enum Schedule {
    ExponentialDecay { initial_learning_rate: f64, decay_steps: f64, decay_rate: f64, staircase: bool },
    InverseTimeDecay { initial_learning_rate: f64, decay_steps: f64, decay_rate: f64, staircase: bool },
    PolynomialDecay { initial_learning_rate: f64, decay_steps: f64, end_learning_rate: f64, power: f64, cycle: bool },
    PiecewiseConstantDecay { boundaries: Vec<f64>, values: Vec<f64> },
    CosineDecay { initial_learning_rate: f64, decay_steps: f64, alpha: f64, warmup_target: Option<f64>, warmup_steps: f64 },
    CosineDecayRestarts { initial_learning_rate: f64, first_decay_steps: f64, t_mul: f64, m_mul: f64, alpha: f64 },
}

impl Schedule {
    fn check(&self) -> Check {
        match self {
            Self::ExponentialDecay { initial_learning_rate, decay_steps, decay_rate, .. }
            | Self::InverseTimeDecay { initial_learning_rate, decay_steps, decay_rate, .. } => {
                not_negative("initial_learning_rate", *initial_learning_rate)?;
                positive("decay_steps", *decay_steps)?;
                not_negative("decay_rate", *decay_rate)
            }
            Self::PolynomialDecay { initial_learning_rate, decay_steps, end_learning_rate, power, .. } => {
                not_negative("initial_learning_rate", *initial_learning_rate)?;
                positive("decay_steps", *decay_steps)?;
                not_negative("end_learning_rate", *end_learning_rate)?;
                not_negative("power", *power)
            }
            Self::PiecewiseConstantDecay { boundaries, values } => {
                if boundaries.is_empty() || values.len() != boundaries.len() + 1 {
                    return Err("values must be one more than boundaries, of which there is at least one".into());
                }
                if !boundaries.is_sorted_by(|a, b| a < b) {
                    return Err("boundaries must increase".into());
                }
                boundaries.iter().try_for_each(|boundary| not_negative("boundaries", *boundary))?;
                values.iter().try_for_each(|value| not_negative("values", *value))
            }
            Self::CosineDecay { initial_learning_rate, decay_steps, alpha, warmup_target, warmup_steps } => {
                not_negative("initial_learning_rate", *initial_learning_rate)?;
                positive("decay_steps", *decay_steps)?;
                not_negative("alpha", *alpha)?;
                not_negative("warmup_steps", *warmup_steps)?;
                warmup_target.map_or(Ok(()), |target| not_negative("warmup_target", target))
            }
            Self::CosineDecayRestarts { initial_learning_rate, first_decay_steps, t_mul, m_mul, alpha } => {
                not_negative("initial_learning_rate", *initial_learning_rate)?;
                positive("first_decay_steps", *first_decay_steps)?;
                not_negative("m_mul", *m_mul)?;
                not_negative("alpha", *alpha)?;
                if *t_mul as f32 >= 1.0 { not_negative("t_mul", *t_mul) } else { Err(format!("t_mul must be at least 1, not {t_mul}")) }
            }
        }
    }

    fn at(&self, iterations: u64) -> f32 {
        let step = iterations as f32;
        match *self {
            Self::ExponentialDecay { initial_learning_rate, decay_steps, decay_rate, staircase } => {
                let p = periods(step, decay_steps, staircase);
                initial_learning_rate as f32 * (decay_rate as f32).powf(p)
            }
            Self::InverseTimeDecay { initial_learning_rate, decay_steps, decay_rate, staircase } => {
                let p = periods(step, decay_steps, staircase);
                initial_learning_rate as f32 / (1.0 + decay_rate as f32 * p)
            }
            Self::PolynomialDecay { initial_learning_rate, decay_steps, end_learning_rate, power, cycle } => {
                let (initial, end) = (initial_learning_rate as f32, end_learning_rate as f32);
                let mut decay_steps = decay_steps as f32;
                let mut step = step;
                if cycle {
                    decay_steps *= if step == 0.0 { 1.0 } else { (step / decay_steps).ceil() };
                } else {
                    step = step.min(decay_steps);
                }
                (initial - end) * (1.0 - step / decay_steps).powf(power as f32) + end
            }
            Self::PiecewiseConstantDecay { ref boundaries, ref values } => {
                // Keras casts a boundary to the integer type of the step.
                let interval = boundaries.iter().filter(|boundary| iterations > **boundary as u64).count();
                values.get(interval).map_or(0.0, |value| *value as f32)
            }
            Self::CosineDecay { initial_learning_rate, decay_steps, alpha, warmup_target, warmup_steps } => {
                let (initial, decay_steps) = (initial_learning_rate as f32, decay_steps as f32);
                let Some(target) = warmup_target.map(|target| target as f32) else {
                    return cosine(initial, step.min(decay_steps) / decay_steps, alpha);
                };
                let warmup_steps = warmup_steps as f32;
                let step = step.min(decay_steps + warmup_steps);
                if step < warmup_steps {
                    (target - initial) * (step / warmup_steps) + initial
                } else {
                    cosine(target, (step - warmup_steps) / decay_steps, alpha)
                }
            }
            Self::CosineDecayRestarts { initial_learning_rate, first_decay_steps, t_mul, m_mul, alpha } => {
                let (t_mul, m_mul, alpha) = (t_mul as f32, m_mul as f32, alpha as f32);
                let mut completed = step / first_decay_steps as f32;
                let restart;
                if t_mul == 1.0 {
                    restart = completed.floor();
                    completed -= restart;
                } else {
                    restart = ((1.0 - completed * (1.0 - t_mul)).ln() / t_mul.ln()).floor();
                    let before = (1.0 - t_mul.powf(restart)) / (1.0 - t_mul);
                    completed = (completed - before) / t_mul.powf(restart);
                }
                let decayed = 0.5 * m_mul.powf(restart) * (1.0 + (PI * completed).cos());
                initial_learning_rate as f32 * ((1.0 - alpha) * decayed + alpha)
            }
        }
    }
}

fn periods(step: f32, decay_steps: f64, staircase: bool) -> f32 {
    let p = step / decay_steps as f32;
    if staircase { p.floor() } else { p }
}

fn cosine(from: f32, completed: f32, alpha: f64) -> f32 {
    let decayed = 0.5 * (1.0 + (PI * completed).cos());
    // Keras subtracts in f64 before it casts.
    from * ((1.0 - alpha) as f32 * decayed + alpha as f32)
}
