//! What a JSON says of a graph that no exporter of ours wrote.

use std::collections::BTreeMap;
use std::path::PathBuf;

use serde::Deserialize;
use serde_json::{Value, json};

use super::{ancestor, refuse};
use crate::error::Result;

/// The short JSON beside a bare graph, field by field in `docs/graphs.md`; the ancestor's is translated to it. All tensors are named by
/// their nodes.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Description {
    #[serde(default)]
    pub(super) name: String,
    pub(super) graph: PathBuf,
    pub(super) features: Vec<Input>,
    pub(super) labels: Vec<Input>,
    pub(super) outputs: Vec<String>,
    pub(super) loss: String,
    pub(super) parameters: Vec<String>,
    /// By parameter, where the graph has them.
    #[serde(default)]
    pub(super) gradients: BTreeMap<String, String>,
    /// What initializes the variables.
    pub(super) initializer: Option<String>,
    /// A file with the parameters' values.
    pub(super) values: Option<PathBuf>,
    pub(super) optimizer: Value,
    pub(super) metrics: Option<Vec<Value>>,
    /// What else is said of the parameters' shapes; the ancestor alone does.
    #[serde(skip)]
    pub(super) shapes: BTreeMap<String, Vec<i64>>,
    /// Scalars that the ancestor shows.
    #[serde(skip)]
    pub(super) observed: Vec<String>,
}

/// A placeholder that a record's fields fill.
#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(super) struct Input {
    pub(super) tensor: String,
    /// That of the node where it is left out.
    pub(super) name: Option<String>,
    /// One of the input's name where it is left out.
    pub(super) fields: Option<Vec<String>>,
    /// For labels.
    pub(super) output: Option<String>,
    /// The shape of a row, where the graph does not say.
    pub(super) row: Option<Vec<i64>>,
}

impl Input {
    pub(super) fn of(tensor: &str) -> Self {
        Self { tensor: tensor.into(), name: None, fields: None, output: None, row: None }
    }

    pub(super) fn name(&self) -> &str {
        self.name.as_deref().unwrap_or(&self.tensor)
    }
}

impl Description {
    pub(super) fn parse(json: &[u8]) -> Result<Self> {
        let value: Value = serde_json::from_slice(json).map_err(|error| refuse("it is no JSON").with_source(error))?;
        let said = match (value.get("other"), value.get("graph")) {
            (Some(_), None) => ancestor::describe(value),
            (None, Some(_)) => {
                serde_json::from_value(value).map_err(|error| refuse("the JSON does not describe a graph").with_source(error))
            }
            _ => Err(refuse("the JSON names no graph; it has a field `graph`, or is of the ancestor's format with `other`")),
        }?;
        for (what, none) in [
            ("features", said.features.is_empty()),
            ("labels", said.labels.is_empty()),
            ("outputs", said.outputs.is_empty()),
            ("parameters", said.parameters.is_empty()),
        ] {
            if none {
                return Err(refuse(format!("the JSON names no {what}; a model has at least one of them")));
            }
        }
        Ok(said)
    }
}

/// Plain gradient descent, as a bundle has it.
pub(super) fn sgd(learning_rate: f64) -> Value {
    json!({"rule": "sgd", "learning_rate": learning_rate})
}

/// A bundle's optimizer is complete; what is left out of a plain one is at Keras' default.
pub(super) fn complete(mut optimizer: Value) -> Value {
    if let Some(object) = optimizer.as_object_mut() {
        let is_sgd = object.get("rule").is_some_and(|rule| rule == "sgd");
        let mut missing = |name: &str, value: Value| {
            object.entry(name).or_insert(value);
        };
        for name in ["weight_decay", "clipnorm", "global_clipnorm", "clipvalue"] {
            missing(name, Value::Null);
        }
        missing("weight_decay_excluded", json!([]));
        if is_sgd {
            missing("momentum", json!(0.0));
            missing("nesterov", json!(false));
        }
    }
    optimizer
}
