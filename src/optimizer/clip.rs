//! Bounds gradients before the rule sees them, in one of Keras' three ways.
//!
//! By value: every element into `[-c, c]`. By norm: `g*c / max(|g|, c)` for each parameter by itself. By global norm:
//! `g * (c * min(1/|G|, 1/c))` with the norm over all parameters of a group. The norms are sums in `f64` of 16 running
//! lanes, in the same order on every CPU.

use super::config::positive;

/// Gradients are clipped this way.
#[derive(Clone, Copy, Debug)]
pub(super) enum Clip {
    Value(f32),
    Norm(f32),
    GlobalNorm { bound: f32, inverse: f32 },
}

impl Clip {
    /// At most one of the three bounds may be given.
    pub(super) fn parse(norm: Option<f64>, global: Option<f64>, value: Option<f64>) -> Result<Option<Self>, String> {
        let bounds = [("clipnorm", norm), ("global_clipnorm", global), ("clipvalue", value)];
        for (name, bound) in bounds {
            if let Some(bound) = bound {
                positive(name, bound)?;
            }
        }
        match (norm, global, value) {
            (None, None, None) => Ok(None),
            (Some(bound), None, None) => Ok(Some(Self::Norm(bound as f32))),
            // Keras inverts in f64 before it casts.
            (None, Some(bound), None) => Ok(Some(Self::GlobalNorm { bound: bound as f32, inverse: (1.0 / bound) as f32 })),
            (None, None, Some(bound)) => Ok(Some(Self::Value(bound as f32))),
            _ => Err("give at most one of clipnorm, global_clipnorm and clipvalue".into()),
        }
    }

    /// Whether it needs the norm over all gradients.
    pub(super) fn is_global(&self) -> bool {
        matches!(self, Self::GlobalNorm { .. })
    }

    /// What all gradients of a step share, `squares` being the sum of their squares.
    pub(super) fn step(&self, squares: f64) -> StepClip {
        match *self {
            Self::Value(bound) => StepClip::Value(bound),
            Self::Norm(bound) => StepClip::Norm(bound),
            Self::GlobalNorm { bound, inverse } => StepClip::Scale(bound * inverse.min(1.0 / squares.sqrt() as f32)),
        }
    }
}

/// How the gradients of one step are clipped.
#[derive(Clone, Copy, Debug)]
pub(super) enum StepClip {
    None,
    Value(f32),
    Norm(f32),
    Scale(f32),
}

impl StepClip {
    /// What happens to each element of this gradient.
    pub(super) fn of(&self, gradient: &[f32]) -> ElementClip {
        match *self {
            Self::None => ElementClip::None,
            Self::Value(bound) => ElementClip::Value(bound),
            Self::Norm(bound) => ElementClip::Ratio { bound, divisor: bound.max(sum_of_squares(gradient).sqrt() as f32) },
            Self::Scale(scale) => ElementClip::Scale(scale),
        }
    }
}

/// How one element of a gradient is clipped.
#[derive(Clone, Copy, Debug)]
pub(super) enum ElementClip {
    None,
    Value(f32),
    Ratio { bound: f32, divisor: f32 },
    Scale(f32),
}

/// Not finite if an element is not. (The largest finite `f32` squared is far below the largest `f64`.)
pub(crate) fn sum_of_squares(values: &[f32]) -> f64 {
    if is_x86_feature_detected!("avx2") {
        // SAFETY: the CPU has AVX2.
        unsafe { sum_of_squares_avx2(values) }
    } else {
        lanes_of_squares(values)
    }
}

#[target_feature(enable = "avx2")]
fn sum_of_squares_avx2(values: &[f32]) -> f64 {
    lanes_of_squares(values)
}

#[inline(always)]
fn lanes_of_squares(values: &[f32]) -> f64 {
    const LANES: usize = 16;
    let mut lanes = [0.0f64; LANES];
    let (blocks, rest) = values.as_chunks::<LANES>();
    for block in blocks {
        for (lane, &value) in lanes.iter_mut().zip(block) {
            *lane += f64::from(value) * f64::from(value);
        }
    }
    for (lane, &value) in lanes.iter_mut().zip(rest) {
        *lane += f64::from(value) * f64::from(value);
    }
    lanes.iter().sum()
}
