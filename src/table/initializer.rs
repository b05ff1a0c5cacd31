//! The first values of a row: a function of the table's seed, the id and the column alone.
//!
//! Block `b` of an id is [`philox`] of the counter (id, low half; id, high half; `b`; attempt) under the key (seed, low half; seed, high half);
//! its four words belong to the columns `4b .. 4b + 4`. From a word `x` the unit number is `(x >> 8) * 2^-24`, exact in `f32`.
//!
//! - Uniform: `low + unit * (high - low)`, rounded to `f32` after each operation. The same bits in numpy, of any version, on any machine.
//! - Normal: Box and Muller (1958) on the pairs of words (0, 1) and (2, 3) in `f64`: with `r = sqrt(-2 ln((x0 + 1) 2^-32))` and
//!   `t = 2 pi x1 2^-32`, the columns are `r cos t` and `r sin t`; then `mean + deviation * z`, rounded to `f32` once at the end. Logarithm, sine and
//!   cosine are the C library's, so another library may round the last bit of an `f32` in another way, very rarely.
//! - Truncated normal: the first attempt 0, 1, ... whose `z` is within two deviations, each column by itself, as Keras cuts it off.

use std::f64::consts::TAU;

use serde::Deserialize;

use super::philox::philox;

/// How the first values of a row are made.
#[derive(Clone, Copy, Debug, PartialEq, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Initializer {
    /// Every value is this one.
    Constant {
        /// The value.
        value: f32,
    },
    /// Evenly from `low`, included, to `high`.
    Uniform {
        /// The least value.
        low: f32,
        /// What no value exceeds.
        high: f32,
    },
    /// The normal distribution.
    Normal {
        /// Its mean.
        mean: f32,
        /// Its standard deviation.
        deviation: f32,
    },
    /// The normal distribution without what is further than two deviations from the mean.
    TruncatedNormal {
        /// The mean.
        mean: f32,
        /// The standard deviation before it is cut off.
        deviation: f32,
    },
}

impl Initializer {
    /// What is wrong with it, if anything.
    pub(super) fn check(&self) -> Result<(), String> {
        let fits = match *self {
            Self::Constant { value } => value.is_finite(),
            Self::Uniform { low, high } => low <= high && (high - low).is_finite(),
            Self::Normal { mean, deviation } | Self::TruncatedNormal { mean, deviation } => {
                mean.is_finite() && deviation.is_finite() && deviation >= 0.0
            }
        };
        if fits { Ok(()) } else { Err(format!("give an initializer finite numbers in their order, not {self:?}")) }
    }

    /// Writes the first values of an id, as many as `row` has columns.
    pub(super) fn fill(&self, seed: u64, id: u64, row: &mut [f32]) {
        match *self {
            Self::Constant { value } => row.fill(value),
            Self::Uniform { low, high } => {
                let range = high - low;
                for (block, columns) in row.chunks_mut(4).enumerate() {
                    let words = words(seed, id, block, 0);
                    columns.iter_mut().zip(words).for_each(|(value, word)| *value = low + unit(word) * range);
                }
            }
            Self::Normal { mean, deviation } => {
                for (block, columns) in row.chunks_mut(4).enumerate() {
                    let normals = normals(words(seed, id, block, 0));
                    columns.iter_mut().zip(normals).for_each(|(value, z)| *value = scaled(z, mean, deviation));
                }
            }
            Self::TruncatedNormal { mean, deviation } => {
                for (block, columns) in row.chunks_mut(4).enumerate() {
                    let mut missing = [true; 4];
                    for attempt in 0.. {
                        for (lane, z) in normals(words(seed, id, block, attempt)).into_iter().enumerate().take(columns.len()) {
                            if missing[lane] && z.abs() <= 2.0 {
                                (columns[lane], missing[lane]) = (scaled(z, mean, deviation), false);
                            }
                        }
                        if !missing[..columns.len()].contains(&true) {
                            break;
                        }
                    }
                }
            }
        }
    }
}

fn words(seed: u64, id: u64, block: usize, attempt: u32) -> [u32; 4] {
    philox([id as u32, (id >> 32) as u32, block as u32, attempt], [seed as u32, (seed >> 32) as u32])
}

/// From 0, included, to 1.
fn unit(word: u32) -> f32 {
    (word >> 8) as f32 * (1.0 / (1 << 24) as f32)
}

fn normals([a, b, c, d]: [u32; 4]) -> [f64; 4] {
    const SCALE: f64 = 1.0 / (1u64 << 32) as f64;
    let pair = |x: u32, y: u32| {
        let radius = (-2.0 * ((f64::from(x) + 1.0) * SCALE).ln()).sqrt();
        let (sine, cosine) = (TAU * (f64::from(y) * SCALE)).sin_cos();
        [radius * cosine, radius * sine]
    };
    let ([first, second], [third, fourth]) = (pair(a, b), pair(c, d));
    [first, second, third, fourth]
}

fn scaled(z: f64, mean: f32, deviation: f32) -> f32 {
    (f64::from(mean) + f64::from(deviation) * z) as f32
}
