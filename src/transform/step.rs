//! One thing that is done to values: what it takes, what it gives, and how.

use std::f64::consts::TAU;

use super::invalid;
use super::values::{Kind, MISSING, Values};
use super::vocabulary::Vocabulary;
use super::{hash, moments};
use crate::bundle::{Filling, Step as Described, Token};
use crate::error::Result;

/// The least standard deviation that values are divided by: `keras.backend.epsilon()`.
const EPSILON: f64 = 1e-7;

/// The largest whole number of which a JSON number has all digits: 2^53.
const MOST_EXACT: f64 = 9_007_199_254_740_992.0;

/// Values as a step sees them: their kind, and how many a row has.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shape {
    pub(super) kind: Kind,
    pub(super) width: usize,
}

/// Why a value is refused.
#[derive(Debug, PartialEq)]
pub(super) struct Refusal {
    /// The value's index.
    pub(super) at: usize,
    pub(super) reason: String,
}

/// The moments that running steps read, and what a batch adds to each of them.
#[derive(Debug)]
pub(super) struct Running<'v> {
    pub(super) known: Vec<&'v [f64]>,
    /// None for a batch that nothing is learned from.
    pub(super) learned: Option<Vec<Vec<f64>>>,
}

/// A checked step.
#[derive(Debug)]
pub(super) enum Step {
    DefaultNumber(f64),
    DefaultInteger(i64),
    DefaultText(Vec<u8>),
    Missing,
    Clip(f64, f64),
    Log,
    Log1p,
    /// What is taken away and then divided by, for each value of a row or for all.
    Scale(Vec<(f64, f64)>),
    /// By the running moments of this index.
    Running(usize),
    Cyclic(f64),
    Bucketize(Vec<f32>),
    Hash(i64, Option<Token>),
    Vocabulary(Vocabulary),
    OneHot(usize),
    /// And whether indices are counted.
    MultiHot(usize, bool),
}

impl Step {
    /// Checks a step against the values that reach it; `state` finds running moments of this width by name.
    pub(super) fn new(described: &Described, takes: Shape, state: impl FnOnce(&str, usize) -> Result<usize>) -> Result<Self> {
        let Shape { kind, width } = takes;
        let wants = |wanted: &[Kind], what: &str| match wanted.contains(&kind) {
            true => Ok(()),
            false => Err(invalid(format!(
                "{what} takes {}, not {}",
                wanted.iter().map(|kind| kind.name()).collect::<Vec<_>>().join(" or "),
                kind.name()
            ))),
        };
        let numbers = |what| wants(&[Kind::Float, Kind::Int], what);
        let positive = |count: i64, what: &str| match count > 0 {
            true => Ok(count),
            false => Err(invalid(format!("{what} needs at least one, not {count}"))),
        };
        Ok(match described {
            Described::Default { value: Filling::Number(value) } if kind == Kind::Int => {
                if value.fract() != 0.0 || value.abs() > MOST_EXACT {
                    return Err(invalid(format!("the default {value} is no whole number of at most 2^53, for integers")));
                }
                Self::DefaultInteger(*value as i64)
            }
            Described::Default { value: Filling::Number(value) } if value.is_finite() => {
                wants(&[Kind::Float], "a number for what is missing")?;
                Self::DefaultNumber(*value)
            }
            Described::Default { value: Filling::Text(text) } => {
                wants(&[Kind::String], "a text for what is missing")?;
                Self::DefaultText(text.clone().into_bytes())
            }
            Described::Default { value } => return Err(invalid(format!("the default {value:?} is not finite"))),
            Described::Missing {} => Self::Missing,
            Described::Clip { min, max } => {
                numbers("clip")?;
                let (min, max) = (min.unwrap_or(f64::NEG_INFINITY), max.unwrap_or(f64::INFINITY));
                if min.is_nan() || max.is_nan() || min > max {
                    return Err(invalid(format!("clip goes from {min} to {max}")));
                }
                Self::Clip(min, max)
            }
            Described::Log {} => numbers("log").map(|()| Self::Log)?,
            Described::Log1p {} => numbers("log1p").map(|()| Self::Log1p)?,
            Described::Standardize { mean, variance } => {
                numbers("standardize")?;
                let scale = |mean: f64, variance: f64| (variance >= 0.0).then(|| (mean, variance.sqrt().max(EPSILON)));
                Self::Scale(per_value("standardize", width, mean, variance, scale)?)
            }
            Described::MinMax { min, max } => {
                numbers("min_max")?;
                let scale = |min: f64, max: f64| (max > min).then_some((min, max - min));
                Self::Scale(per_value("min_max", width, min, max, scale)?)
            }
            Described::RunningStandardize { state: name } => {
                numbers("running_standardize")?;
                Self::Running(state(name, width)?)
            }
            Described::Cyclic { period } => {
                numbers("cyclic")?;
                if !period.is_finite() || *period <= 0.0 {
                    return Err(invalid(format!("the period of cyclic is {period}")));
                }
                Self::Cyclic(*period)
            }
            Described::Bucketize { boundaries } => {
                numbers("bucketize")?;
                if boundaries.iter().any(|boundary| !boundary.is_finite()) || !boundaries.is_sorted() {
                    return Err(invalid("the boundaries of bucketize do not ascend".to_owned()));
                }
                Self::Bucketize(boundaries.clone())
            }
            Described::Hash { buckets, mask } => {
                wants(&[Kind::Int, Kind::String], "hash")?;
                fits(mask.iter(), kind)?;
                Self::Hash(positive(*buckets, "hash")?, mask.clone())
            }
            Described::Vocabulary { tokens, oov, mask } => {
                wants(&[Kind::Int, Kind::String], "vocabulary")?;
                fits(tokens.iter().chain(mask), kind)?;
                Self::Vocabulary(Vocabulary::new(tokens, *oov, mask.as_ref())?)
            }
            Described::OneHot { depth } | Described::MultiHot { depth } | Described::Count { depth } => {
                wants(&[Kind::Int], "one_hot")?;
                positive(i64::try_from(*depth).unwrap_or(0), "one_hot")?;
                if width.checked_mul(*depth).is_none_or(|all| all > i32::MAX as usize) {
                    return Err(invalid(format!("one_hot of {depth} makes rows that are too long")));
                }
                match described {
                    Described::OneHot { .. } => Self::OneHot(*depth),
                    other => Self::MultiHot(*depth, matches!(other, Described::Count { .. })),
                }
            }
        })
    }

    /// What it makes of values such as these.
    pub(super) fn gives(&self, takes: Shape) -> Shape {
        let width = takes.width;
        match self {
            Self::DefaultNumber(_) | Self::DefaultInteger(_) | Self::DefaultText(_) => takes,
            Self::Missing | Self::Clip(..) | Self::Log | Self::Log1p | Self::Scale(_) | Self::Running(_) => {
                Shape { kind: Kind::Float, width }
            }
            Self::Cyclic(_) => Shape { kind: Kind::Float, width: 2 * width },
            Self::Bucketize(_) | Self::Hash(..) | Self::Vocabulary(_) => Shape { kind: Kind::Int, width },
            Self::OneHot(depth) => Shape { kind: Kind::Int, width: width * depth },
            Self::MultiHot(depth, _) => Shape { kind: Kind::Int, width: *depth },
        }
    }

    /// Whether each value of a row is transformed alone, into one.
    pub(super) fn is_elementwise(&self) -> bool {
        !matches!(self, Self::Cyclic(_) | Self::OneHot(_) | Self::MultiHot(..))
    }

    /// Whether it takes values that are missing.
    pub(super) fn takes_missing(described: &Described) -> bool {
        matches!(described, Described::Default { .. } | Described::Missing {})
    }

    /// Does it to the values of rows that have `width` of them.
    pub(super) fn apply<'a>(&'a self, values: Values<'a>, width: usize, running: &mut Running<'_>) -> Result<Values<'a>, Refusal> {
        let numbers = |values: Values<'a>, each: &dyn Fn(f64) -> f64| Values::Floats(values.into_floats().into_iter().map(each).collect());
        Ok(match self {
            Self::DefaultNumber(filling) => numbers(values, &|value| if value.is_nan() { *filling } else { value }),
            Self::DefaultInteger(filling) => {
                let fill = |value: i64| if value == MISSING { *filling } else { value };
                Values::Ints(values.into_ints().into_iter().map(fill).collect())
            }
            Self::DefaultText(filling) => {
                let fill = |text: &'a [u8]| if text.is_empty() { filling.as_slice() } else { text };
                Values::Strings(values.into_strings().into_iter().map(fill).collect())
            }
            Self::Missing => match values {
                Values::Strings(texts) => Values::Floats(texts.iter().map(|text| f64::from(u8::from(text.is_empty()))).collect()),
                Values::Ints(values) => Values::Floats(values.iter().map(|&value| f64::from(u8::from(value == MISSING))).collect()),
                values => numbers(values, &|value| f64::from(u8::from(value.is_nan()))),
            },
            Self::Clip(min, max) => numbers(values, &|value| value.clamp(*min, *max)),
            Self::Log => logarithms(values, 0.0, f64::ln)?,
            Self::Log1p => logarithms(values, -1.0, f64::ln_1p)?,
            Self::Scale(scale) => {
                let scaled = values.into_floats().into_iter().zip(scale.iter().cycle()).map(|(value, (from, by))| (value - from) / by);
                Values::Floats(scaled.collect())
            }
            Self::Running(state) => {
                let values = values.into_floats();
                let scale = moments::scale(running.known[*state]);
                if let Some(learned) = &mut running.learned {
                    learned[*state] = moments::of(&values, width);
                }
                let scaled = values.iter().zip(scale.iter().cycle());
                Values::Floats(
                    scaled.map(|(value, (mean, deviation))| if *deviation > 0.0 { (value - mean) / deviation } else { 0.0 }).collect(),
                )
            }
            Self::Cyclic(period) => {
                let angles = values.into_floats().into_iter().map(|value| TAU * (value / period));
                Values::Floats(angles.flat_map(|angle| [angle.sin(), angle.cos()]).collect())
            }
            Self::Bucketize(boundaries) => {
                let bucket = |value: f64| boundaries.partition_point(|boundary| f64::from(*boundary) <= value) as i64;
                Values::Ints(match values {
                    // TensorFlow compares an integer as a float32.
                    Values::Ints(values) => values.into_iter().map(|value| bucket(f64::from(value as f32))).collect(),
                    values => values.into_floats().into_iter().map(bucket).collect(),
                })
            }
            Self::Hash(buckets, mask) => Values::Ints(hash::of_values(values, *buckets, mask.as_ref())),
            Self::Vocabulary(vocabulary) => Values::Ints(vocabulary.look_up(values)?),
            Self::OneHot(depth) => Values::Ints(spread(&values.into_ints(), *depth, 1, |place| *place = 1)?),
            Self::MultiHot(depth, false) => Values::Ints(spread(&values.into_ints(), *depth, width, |place| *place = 1)?),
            Self::MultiHot(depth, true) => Values::Ints(spread(&values.into_ints(), *depth, width, |place| *place += 1)?),
        })
    }
}

/// Two lists of one number for each value of a row, or for all, made into pairs.
fn per_value(
    what: &str,
    width: usize,
    first: &[f64],
    second: &[f64],
    pair: impl Fn(f64, f64) -> Option<(f64, f64)>,
) -> Result<Vec<(f64, f64)>> {
    if first.len() != second.len() || (first.len() != 1 && first.len() != width) {
        let context = format!("{what} has {} and {} numbers for rows of {width} values", first.len(), second.len());
        return Err(invalid(context));
    }
    let pairs = first.iter().zip(second).map(|(&first, &second)| {
        let finite = pair(first, second).filter(|(from, by)| from.is_finite() && by.is_finite());
        finite.ok_or_else(|| invalid(format!("{what} has the numbers {first} and {second}")))
    });
    pairs.collect()
}

fn fits<'a>(mut tokens: impl Iterator<Item = &'a Token>, kind: Kind) -> Result<()> {
    match tokens.find(|token| matches!(token, Token::Int(_)) != (kind == Kind::Int)) {
        Some(token) => Err(invalid(format!("the token {token:?} is not one of {}", kind.name()))),
        None => Ok(()),
    }
}

fn logarithms(values: Values<'_>, above: f64, logarithm: fn(f64) -> f64) -> Result<Values<'_>, Refusal> {
    let values = values.into_floats();
    match values.iter().position(|value| *value <= above) {
        Some(at) => Err(Refusal { at, reason: format!("is {}, which has no logarithm; clip it before", values[at]) }),
        None => Ok(Values::Floats(values.into_iter().map(logarithm).collect())),
    }
}

/// `depth` places for each `group` of indices, changed by `mark` where an index points to.
fn spread(indices: &[i64], depth: usize, group: usize, mark: impl Fn(&mut i64)) -> Result<Vec<i64>, Refusal> {
    let mut places = vec![0; indices.len() / group * depth];
    for (at, &index) in indices.iter().enumerate() {
        match usize::try_from(index).ok().filter(|index| *index < depth) {
            Some(index) => mark(&mut places[at / group * depth + index]),
            None => return Err(Refusal { at, reason: format!("is {index}, which is not from 0 to {}", depth - 1) }),
        }
    }
    Ok(places)
}

#[cfg(test)]
#[allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn step(described: Value, kind: Kind, width: usize) -> Result<Step> {
        Step::new(&serde_json::from_value(described).unwrap(), Shape { kind, width }, |_, _| Ok(0))
    }

    /// Does a step to rows of this width, of which no moments are known.
    fn apply<'a>(described: Value, values: Values<'a>, width: usize) -> Result<Values<'a>, String> {
        // As long as the test: a text that fills a gap lies in its step.
        let step: &'static Step = Box::leak(Box::new(step(described, values.kind(), width).map_err(|error| error.to_string())?));
        let given = step.gives(Shape { kind: values.kind(), width });
        let rows = count(&values) / width;
        let mut running = Running { known: vec![&[0.0; 6]], learned: None };
        let made = step.apply(values, width, &mut running).map_err(|refusal| format!("{} {}", refusal.at, refusal.reason))?;
        assert_eq!(made.kind(), given.kind);
        assert_eq!(count(&made), rows * given.width);
        Ok(made)
    }

    fn count(values: &Values<'_>) -> usize {
        let Values::Strings(texts) = values else { return values.clone().into_floats().len() };
        texts.len()
    }

    fn floats(values: &[f64]) -> Values<'static> {
        Values::Floats(values.to_vec())
    }

    fn ints(values: &[i64]) -> Values<'static> {
        Values::Ints(values.to_vec())
    }

    fn texts(values: &[&'static str]) -> Values<'static> {
        Values::Strings(values.iter().map(|text| text.as_bytes()).collect())
    }

    #[test]
    fn gaps_are_filled_or_shown() {
        let gaps = || floats(&[1.0, f64::NAN]);
        assert_eq!(apply(json!({"kind": "default", "value": 7}), gaps(), 1).unwrap(), floats(&[1.0, 7.0]));
        assert_eq!(apply(json!({"kind": "missing"}), gaps(), 1).unwrap(), floats(&[0.0, 1.0]));
        assert_eq!(apply(json!({"kind": "default", "value": "x"}), texts(&["", "a"]), 1).unwrap(), texts(&["x", "a"]));
        assert_eq!(apply(json!({"kind": "missing"}), texts(&["", "a"]), 1).unwrap(), floats(&[1.0, 0.0]));
        let gaps = || ints(&[1, i64::MIN]);
        assert_eq!(apply(json!({"kind": "default", "value": 7}), gaps(), 1).unwrap(), ints(&[1, 7]));
        assert_eq!(apply(json!({"kind": "missing"}), gaps(), 1).unwrap(), floats(&[0.0, 1.0]));
    }

    #[test]
    fn numbers_are_scaled() {
        assert_eq!(apply(json!({"kind": "clip", "min": 0}), floats(&[-1.0, 9.0]), 1).unwrap(), floats(&[0.0, 9.0]));
        assert_eq!(apply(json!({"kind": "clip", "min": 0, "max": 2}), ints(&[-1, 9]), 1).unwrap(), floats(&[0.0, 2.0]));
        let scaled = apply(json!({"kind": "standardize", "mean": [1, 2], "variance": [4, 0]}), floats(&[3.0, 2.0, 5.0, 2.0]), 2);
        assert_eq!(scaled.unwrap(), floats(&[1.0, 0.0, 2.0, 0.0]));
        let scaled = apply(json!({"kind": "min_max", "min": [0], "max": [4]}), floats(&[1.0, 8.0]), 2);
        assert_eq!(scaled.unwrap(), floats(&[0.25, 2.0]));
        assert_eq!(apply(json!({"kind": "log"}), floats(&[1.0]), 1).unwrap(), floats(&[0.0]));
        assert_eq!(apply(json!({"kind": "log1p"}), floats(&[0.0]), 1).unwrap(), floats(&[0.0]));
        assert_eq!(apply(json!({"kind": "log"}), floats(&[1.0, 0.0]), 1).unwrap_err(), "1 is 0, which has no logarithm; clip it before");
        assert_eq!(apply(json!({"kind": "cyclic", "period": 24}), floats(&[0.0]), 1).unwrap(), floats(&[0.0, 1.0]));
    }

    #[test]
    fn running_moments_are_read_and_learned() {
        let step = step(json!({"kind": "running_standardize", "state": "s"}), Kind::Float, 2).unwrap();
        // Four rows of mean 1 and variance 4, and of mean 5 and none.
        let known = [4.0, 4.0, 1.0, 5.0, 16.0, 0.0];
        let mut running = Running { known: vec![&known], learned: Some(vec![Vec::new()]) };
        let made = step.apply(floats(&[3.0, 9.0, -1.0, 9.0]), 2, &mut running).unwrap();
        assert_eq!(made, floats(&[1.0, 0.0, -1.0, 0.0]));
        assert_eq!(running.learned, Some(vec![vec![2.0, 2.0, 1.0, 9.0, 8.0, 0.0]]));
    }

    #[test]
    fn a_value_on_a_boundary_goes_right() {
        let buckets = json!({"kind": "bucketize", "boundaries": [0.0, 0.1, 10.0]});
        let values = floats(&[-1.0, 0.0, -0.0, f64::from(0.1_f32), 0.1, 10.0, 11.0]);
        assert_eq!(apply(buckets.clone(), values, 1).unwrap(), ints(&[0, 1, 1, 2, 1, 3, 3]));
        assert_eq!(apply(buckets, ints(&[-1, 0, 10]), 1).unwrap(), ints(&[0, 1, 3]));
        // As a float32 this integer is 2^24.
        assert_eq!(apply(json!({"kind": "bucketize", "boundaries": [16_777_216.0]}), ints(&[16_777_217]), 1).unwrap(), ints(&[1]));
    }

    #[test]
    fn indices_spread() {
        assert_eq!(apply(json!({"kind": "one_hot", "depth": 3}), ints(&[2, 0]), 2).unwrap(), ints(&[0, 0, 1, 1, 0, 0]));
        assert_eq!(apply(json!({"kind": "multi_hot", "depth": 3}), ints(&[2, 2, 0, 1]), 2).unwrap(), ints(&[0, 0, 1, 1, 1, 0]));
        assert_eq!(apply(json!({"kind": "count", "depth": 3}), ints(&[2, 2, 0, 1]), 2).unwrap(), ints(&[0, 0, 2, 1, 1, 0]));
        assert_eq!(apply(json!({"kind": "one_hot", "depth": 3}), ints(&[0, 3]), 1).unwrap_err(), "1 is 3, which is not from 0 to 2");
        assert!(apply(json!({"kind": "one_hot", "depth": 0}), ints(&[0]), 1).unwrap_err().contains("needs at least one"));
    }

    #[test]
    fn a_mask_has_the_first_bucket_alone() {
        let Values::Ints(buckets) = apply(json!({"kind": "hash", "buckets": 2, "mask": "a"}), texts(&["a", "b", "c"]), 1).unwrap() else {
            panic!("hash makes integers");
        };
        assert_eq!(buckets, [0, 1, 1]);
        let as_text = apply(json!({"kind": "hash", "buckets": 1000}), texts(&["-17"]), 1).unwrap();
        assert_eq!(apply(json!({"kind": "hash", "buckets": 1000}), ints(&[-17]), 1).unwrap(), as_text);
        assert!(apply(json!({"kind": "hash", "buckets": 9, "mask": 3}), texts(&["a"]), 1).unwrap_err().contains("is not one of strings"));
    }
}
