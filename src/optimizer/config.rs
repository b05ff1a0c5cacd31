//! The object `optimizer` of a bundle's manifest, read strictly.
//!
//! Every number is a Keras hyperparameter in `f64`, cast to `f32` where Keras casts it. What is common to all rules is
//! taken out first; what is left must be exactly the hyperparameters of the rule.

use std::sync::Arc;

use serde::Deserialize;
use serde::de::DeserializeOwned;
use serde_json::{Map, Value};

use super::adadelta::Adadelta;
use super::adagrad::Adagrad;
use super::adam::Adam;
use super::adamax::Adamax;
use super::average::Averaging;
use super::clip::Clip;
use super::ftrl::Ftrl;
use super::group::Group;
use super::lion::Lion;
use super::nadam::Nadam;
use super::rmsprop::RmsProp;
use super::rule::Rule;
use super::schedule::LearningRate;
use super::sgd::Sgd;

/// `Err` says which hyperparameter is wrong and what it must be.
pub(super) type Check = Result<(), String>;

/// A checked description of one group.
#[derive(Debug)]
pub(super) struct Config {
    pub(super) group: Group,
    /// The parameters that its decay leaves alone.
    pub(super) excluded: Vec<String>,
    /// The parameters that it is for; none for the default, which is for all others.
    pub(super) parameters: Vec<String>,
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
    ema_momentum: Option<f64>,
    ema_overwrite_frequency: Option<u64>,
}

const COMMON: [&str; 9] = [
    "rule",
    "learning_rate",
    "weight_decay",
    "weight_decay_excluded",
    "clipnorm",
    "global_clipnorm",
    "clipvalue",
    "ema_momentum",
    "ema_overwrite_frequency",
];

impl Config {
    /// The default, then the other groups.
    pub(super) fn parse(value: &Value) -> Result<Vec<Self>, String> {
        let mut object = object("optimizer", value)?;
        let groups = match object.remove("groups") {
            None => Vec::new(),
            Some(Value::Array(groups)) => groups,
            Some(other) => return Err(format!("groups must be a list, not {other}")),
        };
        let mut configs = vec![Self::parse_group(object, Vec::new())?];
        for (index, value) in groups.iter().enumerate() {
            let place = |error| format!("groups[{index}]: {error}");
            let mut object = self::object("group", value).map_err(place)?;
            let parameters = object.remove("parameters").map(serde_json::from_value::<Vec<String>>);
            let Some(parameters) = parameters.and_then(Result::ok).filter(|parameters| !parameters.is_empty()) else {
                return Err(place("parameters must be a list of at least one name".into()));
            };
            configs.push(Self::parse_group(object, parameters).map_err(place)?);
        }
        Ok(configs)
    }

    fn parse_group(object: Map<String, Value>, parameters: Vec<String>) -> Result<Self, String> {
        let (common, own) = object.into_iter().partition::<Map<_, _>, _>(|(name, _)| COMMON.contains(&name.as_str()));
        let common: Common = read("optimizer", common)?;
        let rule = rule(&common.rule, own)?;
        if let Some(rate) = common.weight_decay {
            not_negative("weight_decay", rate)?;
        }
        let average = match (common.ema_momentum, common.ema_overwrite_frequency) {
            (None, None) => None,
            (None, Some(_)) => return Err("ema_overwrite_frequency needs an ema_momentum".into()),
            (Some(momentum), overwrite_frequency) => Some(Averaging { momentum, overwrite_frequency }),
        };
        average.map_or(Ok(()), |average| average.check())?;
        let learning_rate = LearningRate::parse(&common.learning_rate)?;
        if let LearningRate::Constant(rate) = learning_rate {
            usable(&*rule, rate)?;
        }
        let group = Group {
            rule,
            learning_rate,
            clip: Clip::parse(common.clipnorm, common.global_clipnorm, common.clipvalue)?,
            weight_decay: common.weight_decay.map(|rate| rate as f32),
            average,
        };
        Ok(Self { group, excluded: common.weight_decay_excluded, parameters })
    }
}

fn rule(name: &str, own: Map<String, Value>) -> Result<Arc<dyn Rule>, String> {
    fn checked<R: Rule + DeserializeOwned + 'static>(name: &str, own: Map<String, Value>) -> Result<Arc<dyn Rule>, String> {
        let rule: R = read(name, own)?;
        rule.check()?;
        Ok(Arc::new(rule))
    }
    match name {
        "sgd" => checked::<Sgd>(name, own),
        "adagrad" => checked::<Adagrad>(name, own),
        "rmsprop" => checked::<RmsProp>(name, own),
        "adam" => checked::<Adam>(name, own),
        "ftrl" => checked::<Ftrl>(name, own),
        "adadelta" => checked::<Adadelta>(name, own),
        "nadam" => checked::<Nadam>(name, own),
        "adamax" => checked::<Adamax>(name, own),
        "lion" => checked::<Lion>(name, own),
        other => Err(format!("rule must be sgd, adagrad, rmsprop, adam, ftrl, adadelta, nadam, adamax or lion, not {other}")),
    }
}

fn object(what: &str, value: &Value) -> Result<Map<String, Value>, String> {
    match value {
        Value::Object(object) => Ok(object.clone()),
        other => Err(format!("{what} must be an object, not {other}")),
    }
}

fn read<T: DeserializeOwned>(what: &str, object: Map<String, Value>) -> Result<T, String> {
    serde_json::from_value(Value::Object(object)).map_err(|error| format!("{what}: {error}"))
}

/// Whether the rule can learn at this constant rate.
pub(super) fn usable(rule: &dyn Rule, rate: f32) -> Check {
    if rate == 0.0 && rule.divides_by_rate() { Err("learning_rate must be above 0 for ftrl, which divides by it".into()) } else { Ok(()) }
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

/// A number from 0 to below 1 that `f32` does not round up to 1: a bias correction divides by one less its powers.
pub(super) fn below_one(name: &str, value: f64) -> Check {
    in_unit_interval(name, value)?;
    if value as f32 >= 1.0 { Err(format!("{name} must be below 1, not {value}")) } else { Ok(()) }
}
