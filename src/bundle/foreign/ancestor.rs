//! The JSON of onlearning, a C++ project on TensorFlow 1.15: which variables, which gradients, which shapes.

use std::collections::BTreeMap;

use serde::Deserialize;
use serde_json::{Value, json};

use super::describe::{Description, Input, sgd};
use super::{refuse, without_port};
use crate::error::Result;

#[derive(Deserialize)]
struct Ancestor {
    other: Other,
    #[serde(default)]
    dense_shape: BTreeMap<String, Vec<i64>>,
}

#[derive(Deserialize)]
struct Other {
    dense: Vec<String>,
    #[serde(default)]
    gradient: Vec<String>,
    #[serde(default)]
    observe: Vec<String>,
    #[serde(default)]
    input_size: Option<Vec<i64>>,
    #[serde(default)]
    output_size: Option<Vec<i64>>,
    model_name: String,
    pb_path: String,
    learning_rate: f64,
}

/// Its graphs name these the same, whatever the model.
const FEATURE: &str = "input_x";
const LABEL: &str = "input_y";
const OUTPUT: &str = "logits";
const LOSS: &str = "loss";
const INITIALIZER: &str = "ws_init";

pub(super) fn describe(json: Value) -> Result<Description> {
    let Ancestor { other, dense_shape } =
        serde_json::from_value(json).map_err(|error| refuse("the JSON is not that of the ancestor's format").with_source(error))?;
    let names = |given: &[String]| given.iter().map(|name| without_port(name).to_owned()).collect::<Vec<_>>();
    let (parameters, gradients) = (names(&other.dense), names(&other.gradient));
    if !gradients.is_empty() && gradients.len() != parameters.len() {
        return Err(refuse(format!("dense names {} variables, gradient {} of theirs", parameters.len(), gradients.len())));
    }
    let gradients = parameters.iter().cloned().zip(gradients).collect();
    let input = |tensor: &str, size: &Option<Vec<i64>>| -> Result<Input> {
        let row = match size.as_deref() {
            None => None,
            Some([_, row @ ..]) => Some(row.to_vec()),
            Some([]) => return Err(refuse(format!("the size of {tensor} is empty; it begins with the batch"))),
        };
        Ok(Input { row, ..Input::of(tensor) })
    };
    Ok(Description {
        name: other.model_name,
        graph: other.pb_path.into(),
        features: vec![input(FEATURE, &other.input_size)?],
        labels: vec![Input { output: Some(OUTPUT.into()), ..input(LABEL, &other.output_size)? }],
        outputs: vec![OUTPUT.into()],
        loss: LOSS.into(),
        parameters,
        shapes: dense_shape.into_iter().map(|(name, shape)| (without_port(&name).to_owned(), shape)).collect(),
        gradients,
        initializer: Some(INITIALIZER.into()),
        values: None,
        optimizer: sgd(other.learning_rate),
        metrics: None,
        observed: names(&other.observe),
    })
}

/// The metrics that the trainer computes itself, for the scalars that a graph has to observe: `accuracy` and `auc`, by their names.
/// Others (`loss` is always reported) have no counterpart.
pub(super) fn metrics(observed: &[String], output: &[i64], label: &[i64]) -> Vec<Value> {
    if output != label || output.len() != 1 {
        return Vec::new();
    }
    let kind = |name: &str| match name.rsplit('/').next().unwrap_or(name) {
        "accuracy" | "acc" => Some("accuracy"),
        "auc" if output == [1] => Some("auc"),
        _ => None,
    };
    let known = observed.iter().filter_map(|name| Some((name, kind(name)?)));
    known.map(|(name, kind)| json!({"kind": kind, "name": name, "output": OUTPUT, "from_logits": true})).collect()
}
