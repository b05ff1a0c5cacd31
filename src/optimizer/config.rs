//! The object `optimizer` of a bundle's manifest, read strictly.
//!
//! Every number is a Keras hyperparameter in `f64`, cast to `f32` where Keras casts it. What is common to all rules is
//! taken out first; what is left must be exactly the hyperparameters of the rule.

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::clip::Clip;
use super::rule::Rule;
use super::schedule::LearningRate;

/// `Err` says which hyperparameter is wrong and what it must be.
pub(super) type Check = Result<(), String>;

/// A checked description of an optimizer.
#[derive(Debug)]
pub(super) struct Config {
    pub(super) rule: Rule,
    pub(super) learning_rate: LearningRate,
    pub(super) clip: Option<Clip>,
    pub(super) weight_decay: Option<f32>,
    pub(super) excluded: Vec<String>,
}

#[derive(Deserialize)]
struct Common {
    rule: String,
    learning_rate: Value,
    weight_decay: Option<f64>,
    #[serde(default)]
    weight_decay_excluded: Vec<String>,
    clipnorm: Option<f64>,
    global_clipnorm: Option<f64>,
    clipvalue: Option<f64>,
}

const COMMON: [&str; 7] = ["rule", "learning_rate", "weight_decay", "weight_decay_excluded", "clipnorm", "global_clipnorm", "clipvalue"];

impl Config {
    pub(super) fn parse(value: &Value) -> Result<Self, String> {
        let Value::Object(object) = value else {
            return Err(format!("optimizer must be an object, not {value}"));
        };
        let (common, own) = object.clone().into_iter().partition::<Map<_, _>, _>(|(name, _)| COMMON.contains(&name.as_str()));
        let common: Common = read("optimizer", common)?;
        let rule = match common.rule.as_str() {
            "sgd" => Rule::Sgd(read("sgd", own)?),
            "adagrad" => Rule::Adagrad(read("adagrad", own)?),
            "adam" => Rule::Adam(read("adam", own)?),
            other => return Err(format!("rule must be sgd, adagrad or adam, not {other}")),
        };
        match &rule {
            Rule::Sgd(rule) => rule.check(),
            Rule::Adagrad(rule) => rule.check(),
            Rule::Adam(rule) => rule.check(),
        }?;
        if let Some(rate) = common.weight_decay {
            not_negative("weight_decay", rate)?;
        }
        Ok(Self {
            rule,
            learning_rate: LearningRate::parse(&common.learning_rate)?,
            clip: Clip::parse(common.clipnorm, common.global_clipnorm, common.clipvalue)?,
            weight_decay: common.weight_decay.map(|rate| rate as f32),
            excluded: common.weight_decay_excluded,
        })
    }
}

fn read<T: DeserializeOwned>(what: &str, object: Map<String, Value>) -> Result<T, String> {
    serde_json::from_value(Value::Object(object)).map_err(|error| format!("{what}: {error}"))
}

/// A number that stays finite in `f32` and is not below zero.
pub(super) fn not_negative(name: &str, value: f64) -> Check {
    if (value as f32).is_finite() && value >= 0.0 {
        Ok(())
    } else {
        Err(format!("{name} must be a number of at least 0 that fits float32, not {value}"))
    }
}

/// A number that stays finite in `f32` and above zero.
pub(super) fn positive(name: &str, value: f64) -> Check {
    if (value as f32).is_finite() && value as f32 > 0.0 {
        Ok(())
    } else {
        Err(format!("{name} must be a number above 0 that fits float32, not {value}"))
    }
}

/// A number from 0 to 1, both included.
pub(super) fn in_unit_interval(name: &str, value: f64) -> Check {
    if (0.0..=1.0).contains(&value) { Ok(()) } else { Err(format!("{name} must be from 0 to 1, not {value}")) }
}
