//! How a feature is made of a record's columns, as the manifest says it.

use serde::de::Error as _;
use serde::{Deserialize, Deserializer};

/// Values side by side in a row, and what is done to them.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Transform {
    /// What it is made of: side by side in a row, unless crossed.
    pub of: Vec<Operand>,
    /// The number of buckets into which the operands, one value each, are hashed together.
    #[serde(default)]
    pub cross: Option<i64>,
    /// What is done to the values, one after the other.
    pub steps: Vec<Step>,
}

/// A part of a [`Transform`].
#[derive(Clone, Debug)]
pub enum Operand {
    /// A column of the record, by name.
    Column(String),
    /// What another transform makes.
    Transform(Transform),
}

impl<'de> Deserialize<'de> for Operand {
    // Not derived: an untagged enum would hide what is wrong inside.
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        match serde_json::Value::deserialize(deserializer)? {
            serde_json::Value::String(column) => Ok(Self::Column(column)),
            other => Transform::deserialize(other).map(Self::Transform).map_err(D::Error::custom),
        }
    }
}

/// One thing that is done to values.
#[derive(Clone, Debug, Deserialize)]
#[serde(tag = "kind", rename_all = "snake_case", deny_unknown_fields)]
pub enum Step {
    /// A value in the place of each that is missing.
    Default {
        /// A number, or a string for strings.
        value: Filling,
    },
    /// 1 where the value is missing, else 0.
    Missing {},
    /// What lies outside moves to the bound.
    Clip {
        /// The lowest value.
        #[serde(default)]
        min: Option<f64>,
        /// The highest value.
        #[serde(default)]
        max: Option<f64>,
    },
    /// The natural logarithm.
    Log {},
    /// The natural logarithm of 1 + x.
    #[serde(rename = "log1p")]
    Log1p {},
    /// (x - mean) / max(sqrt(variance), 1e-7), as Keras' `Normalization`.
    Standardize {
        /// One for each value of a row, or one for all.
        mean: Vec<f64>,
        /// As many.
        variance: Vec<f64>,
    },
    /// (x - mean) / sqrt(variance) by the moments of what was learned from so far; 0 where nothing varies yet.
    RunningStandardize {
        /// The name of the moments among the bundle's state.
        state: String,
    },
    /// (x - min) / (max - min).
    MinMax {
        /// One for each value of a row, or one for all.
        min: Vec<f64>,
        /// As many.
        max: Vec<f64>,
    },
    /// Sine and cosine of 2 pi x / period.
    Cyclic {
        /// Where the circle closes.
        period: f64,
    },
    /// How many boundaries are not above the value.
    Bucketize {
        /// In ascending order.
        boundaries: Vec<f32>,
    },
    /// FarmHash's `Fingerprint64` of a string, or of an integer's decimal digits, modulo the buckets.
    Hash {
        /// How many there are.
        buckets: i64,
        /// The value whose bucket is 0, which no other has then.
        #[serde(default)]
        mask: Option<Token>,
    },
    /// The place in a list.
    Vocabulary {
        /// The list.
        tokens: Vec<Token>,
        /// How many indices are there for what is not in the list.
        oov: i64,
        /// The value whose index is 0.
        #[serde(default)]
        mask: Option<Token>,
    },
    /// For each value so many, of which the one at its index is 1.
    OneHot {
        /// How many.
        depth: usize,
    },
    /// For all values of a row together so many, 1 where an index occurs.
    MultiHot {
        /// How many.
        depth: usize,
    },
    /// For all values of a row together so many: how often an index occurs.
    Count {
        /// How many.
        depth: usize,
    },
}

/// What takes the place of a missing value.
#[derive(Clone, Debug, PartialEq, Deserialize)]
#[serde(untagged)]
pub enum Filling {
    /// Of numbers.
    Number(f64),
    /// Of strings.
    Text(String),
}

/// What a vocabulary lists.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Deserialize)]
#[serde(untagged)]
pub enum Token {
    /// Of integers.
    Int(i64),
    /// Of strings.
    Text(String),
}

impl Transform {
    /// The columns that it reads, however deep.
    pub(crate) fn columns(&self) -> Vec<&str> {
        let mut columns = Vec::new();
        for operand in &self.of {
            match operand {
                Operand::Column(name) => columns.push(name.as_str()),
                Operand::Transform(inner) => columns.extend(inner.columns()),
            }
        }
        columns
    }
}
