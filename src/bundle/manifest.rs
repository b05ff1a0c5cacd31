//! `bundle.json`, typed and checked against itself.

use std::collections::{HashMap, HashSet};

use serde::Deserialize;
use serde_json::{Map, Value};

use super::invalid;
use super::transform::Transform;
use crate::error::Result;
use crate::tensor::{DType, Shape};

/// The format that this library reads and the exporter writes.
const FORMAT: u64 = 1;

/// What kind of question the model answers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
#[non_exhaustive]
pub enum Task {
    /// One probability or logit.
    BinaryClassification,
    /// One probability or logit per class.
    MulticlassClassification,
    /// A number.
    Regression,
    /// Anything else.
    Other,
}

/// `bundle.json`: what the model takes, gives and learns. Field by field in `docs/bundle-format.md`.
#[derive(Clone, Debug, Deserialize)]
pub struct Manifest {
    /// For people and logs: the model's name.
    pub name: String,
    /// What wrote the bundle: program to version.
    pub versions: HashMap<String, String>,
    /// SHA-256 of every other file.
    pub files: HashMap<String, String>,
    /// What kind of question the model answers.
    pub task: Task,
    /// The number of rows that every batch must have, where the graph holds one.
    #[serde(default)]
    pub rows: Option<usize>,
    /// The inputs of the graph.
    pub features: Vec<Column>,
    /// The columns of a record that features are made of by transforms.
    #[serde(default)]
    pub record: Vec<Column>,
    /// What it learns from.
    pub labels: Vec<Column>,
    /// The sample weight, if the model was exported with one.
    pub weight: Option<Column>,
    /// What a prediction is.
    pub outputs: Vec<Output>,
    /// The endpoints of the loss.
    pub loss: Loss,
    /// What gradients move.
    pub parameters: Vec<Parameter>,
    /// What the training pass itself replaces.
    pub state: Vec<State>,
    /// What is fed and never changes.
    pub frozen: Vec<Weight>,
    /// The embedding tables.
    #[serde(default)]
    pub tables: Vec<EmbeddingTable>,
    /// The update rule; read by [`crate::optimizer`].
    pub optimizer: Value,
    /// The metrics; read by [`crate::metrics`].
    pub metrics: Vec<Value>,
}

/// A named input: a feature, a column that features are made of, a label or the weight.
#[derive(Clone, Debug, Deserialize)]
pub struct Column {
    /// The input's name.
    pub name: String,
    /// The type of its elements.
    pub dtype: DType,
    /// The shape of one row; of one value if the rows are ragged.
    pub shape: Shape,
    /// Whether a row has any number of values, one after the other.
    #[serde(default)]
    pub ragged: bool,
    /// The record's fields that fill one row: one for the whole row, or one for each element. None if a transform makes it.
    #[serde(default)]
    pub fields: Vec<String>,
    /// How it is made of the record's columns, if no field fills it.
    #[serde(default)]
    pub transform: Option<Transform>,
    /// Whether values may be missing: NaN in floats, the lowest number of the dtype in integers, the empty string in strings.
    #[serde(default)]
    pub optional: bool,
    /// For labels: the output that it belongs to.
    #[serde(default)]
    pub output: Option<String>,
    /// For labels: the lowest and highest value that the loss allows.
    #[serde(default)]
    pub range: Option<(f64, f64)>,
    /// Empty for what only transforms read.
    #[serde(default)]
    pub(crate) tensor: String,
    /// If ragged: the values of each row.
    #[serde(default)]
    pub(crate) lengths: Option<String>,
}

/// A named output.
#[derive(Clone, Debug, Deserialize)]
pub struct Output {
    /// The output's name.
    pub name: String,
    /// The type of its elements.
    pub dtype: DType,
    /// The shape of one row.
    pub shape: Shape,
    pub(crate) predict: String,
    pub(crate) train: String,
}

/// The endpoints of the loss.
#[derive(Clone, Debug, Deserialize)]
pub struct Loss {
    /// As Keras names it.
    pub name: String,
    pub(crate) train: String,
    pub(crate) evaluate: String,
}

impl Loss {
    /// Of a model that only predicts.
    pub(super) fn none() -> Self {
        Self { name: String::new(), train: String::new(), evaluate: String::new() }
    }
}

/// A trained weight.
#[derive(Clone, Debug, Deserialize)]
pub struct Parameter {
    /// Its name, such as `dense/kernel`.
    pub name: String,
    /// Always `float32`.
    pub dtype: DType,
    /// Its whole shape.
    pub shape: Shape,
    pub(crate) tensor: String,
    pub(crate) gradient: String,
}

/// What a piece of state is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum StateKind {
    /// Moving averages and the like.
    Statistic,
    /// The seed of a dropout layer.
    Seed,
    /// Count, mean and summed squared deviations of the values that a transform has learned from. Not of the graph.
    Moments,
}

/// A value that the training pass replaces, or that a step adds to.
#[derive(Clone, Debug, Deserialize)]
pub struct State {
    /// Its name.
    pub name: String,
    /// What it is for.
    pub kind: StateKind,
    /// The type of its elements.
    pub dtype: DType,
    /// Its whole shape.
    pub shape: Shape,
    /// None for moments, as is what follows.
    #[serde(default)]
    pub(crate) tensor: Option<String>,
    #[serde(default)]
    pub(crate) next: Option<String>,
}

/// A frozen weight.
#[derive(Clone, Debug, Deserialize)]
pub struct Weight {
    /// Its name.
    pub name: String,
    /// The type of its elements.
    pub dtype: DType,
    /// Its whole shape.
    pub shape: Shape,
    pub(crate) tensor: String,
}

/// An embedding table: rows by feature id, outside the graph.
#[derive(Clone, Debug, Deserialize)]
pub struct EmbeddingTable {
    /// Its name, among those of the weights.
    pub name: String,
    /// The numbers of a row.
    pub dim: usize,
    /// The features whose values are its ids.
    pub features: Vec<TableFeature>,
    pub(crate) rows: String,
    pub(crate) gradient: String,
    /// Seed, first values, admission, expiry, budget; read by [`crate::table`].
    #[serde(flatten)]
    pub settings: Map<String, Value>,
}

impl EmbeddingTable {
    /// Whether learning needs the event time of each batch.
    pub(crate) fn expires_by_event_time(&self) -> bool {
        self.settings.get("expiry").and_then(|expiry| expiry.get("kind")).is_some_and(|kind| kind == "seconds")
    }
}

/// A feature that a table is looked up by.
#[derive(Clone, Debug, Deserialize)]
pub struct TableFeature {
    /// The feature's name.
    pub name: String,
    pub(crate) index: String,
}

impl Manifest {
    pub(super) fn parse(json: &[u8]) -> Result<Self> {
        let value: Value =
            serde_json::from_slice(json).map_err(|error| invalid("bundle.json is not JSON; export the bundle again").with_source(error))?;
        match value.get("format").and_then(Value::as_u64) {
            Some(FORMAT) => {}
            Some(other) => {
                return Err(invalid(format!("this library reads format {FORMAT}, the bundle has format {other}; use matching versions")));
            }
            None => return Err(invalid("bundle.json has no format number; export the bundle again")),
        }
        let manifest: Self = serde_json::from_value(value)
            .map_err(|error| invalid("bundle.json does not describe a bundle; export it again").with_source(error))?;
        manifest.check()?;
        Ok(manifest)
    }

    /// Features, labels, weight, as the graph takes them.
    pub(crate) fn columns(&self) -> impl Iterator<Item = &Column> {
        self.features.iter().chain(&self.labels).chain(&self.weight)
    }

    /// What hosts fill of the features: those that fields fill, and the columns that the others are made of.
    pub(crate) fn given(&self) -> impl Iterator<Item = &Column> {
        self.features.iter().filter(|feature| feature.transform.is_none()).chain(&self.record)
    }

    /// The columns of a batch: features, labels, weight, as hosts fill them.
    pub(crate) fn filled(&self) -> impl Iterator<Item = &Column> {
        self.given().chain(&self.labels).chain(&self.weight)
    }

    fn check(&self) -> Result<()> {
        let learns = !self.parameters.is_empty() || !self.tables.is_empty();
        if self.features.is_empty() || self.outputs.is_empty() || self.labels.is_empty() || !learns {
            return Err(invalid("a model has at least one feature, one label, one output and one parameter or table"));
        }
        if self.rows == Some(0) {
            return Err(invalid("the graph holds a batch of no rows"));
        }
        unique("column", self.columns().map(|column| &column.name))?;
        unique("column", self.filled().map(|column| &column.name))?;
        unique("field", self.filled().flat_map(|column| &column.fields))?;
        unique("output", self.outputs.iter().map(|output| &output.name))?;
        let weights = self.parameters.iter().map(|parameter| &parameter.name);
        let others = self.state.iter().map(|state| &state.name).chain(self.frozen.iter().map(|weight| &weight.name));
        unique("weight", weights.chain(others).chain(self.tables.iter().map(|table| &table.name)))?;
        self.tables.iter().try_for_each(|table| self.check_table(table))?;
        self.check_state()?;
        for column in self.columns() {
            if column.tensor.is_empty() || column.optional {
                return Err(invalid(format!("{} needs a tensor, and no value of it may be missing", column.name)));
            }
            if column.ragged != column.lengths.is_some() {
                return Err(invalid(format!("a ragged column has lengths, no other has: {}", column.name)));
            }
        }
        self.features.iter().try_for_each(|feature| self.check_transform(feature))?;
        for column in self.filled() {
            let elements = column.shape.elements();
            if column.fields.len() != 1 && column.fields.len() != elements {
                return Err(invalid(format!("{} has {elements} elements a row, but {} fields", column.name, column.fields.len())));
            }
            if column.ragged && !column.shape.dims().is_empty() {
                return Err(invalid(format!("a ragged column has single values: {}", column.name)));
            }
            if column.transform.is_some() {
                return Err(invalid(format!("only a feature is made by a transform, not {}", column.name)));
            }
            if column.optional && !column.dtype.has_gap() {
                let context = format!("{} is {}, which has no value that says that it is missing", column.name, column.dtype);
                return Err(invalid(context));
            }
            if column.range.is_some_and(|(lowest, highest)| lowest.is_nan() || highest.is_nan() || lowest > highest) {
                return Err(invalid(format!("the range of {} is not a range", column.name)));
            }
        }
        for label in &self.labels {
            if label.ragged {
                return Err(invalid(format!("the label {} is ragged; a loss takes rows of one shape", label.name)));
            }
            if label.dtype == DType::String {
                return Err(invalid(format!("the label {} is a string; a loss takes numbers", label.name)));
            }
            if let Some(output) = &label.output
                && !self.outputs.iter().any(|known| known.name == *output)
            {
                return Err(invalid(format!("the label {} belongs to {output}, which is no output", label.name)));
            }
        }
        if let Some(weight) = &self.weight
            && (weight.dtype != DType::F32 || !weight.shape.dims().is_empty() || weight.ragged)
        {
            return Err(invalid(format!("the weight {} must be one float32 a row", weight.name)));
        }
        if let Some(parameter) = self.parameters.iter().find(|parameter| parameter.dtype != DType::F32) {
            return Err(invalid(format!("the parameter {} is {}, but only float32 is learned", parameter.name, parameter.dtype)));
        }
        if let Some(name) = self
            .state
            .iter()
            .map(|state| (&state.name, state.dtype))
            .chain(self.frozen.iter().map(|weight| (&weight.name, weight.dtype)))
            .find(|(_, dtype)| dtype.safetensors().is_none())
        {
            return Err(invalid(format!("the weight {} is {}, which safetensors cannot hold", name.0, name.1)));
        }
        Ok(())
    }
}

impl Manifest {
    fn check_transform(&self, feature: &Column) -> Result<()> {
        let Some(transform) = &feature.transform else { return Ok(()) };
        if !feature.fields.is_empty() || (feature.ragged && !feature.shape.dims().is_empty()) {
            return Err(invalid(format!("{} is made by a transform, so it has no fields; ragged rows have single values", feature.name)));
        }
        match transform.columns().into_iter().find(|name| !self.record.iter().any(|column| column.name == *name)) {
            Some(unknown) => Err(invalid(format!("{} is made of {unknown}, which is no column of the record", feature.name))),
            None => Ok(()),
        }
    }

    /// What a step adds to is no part of the graph; all other state is.
    fn check_state(&self) -> Result<()> {
        let wrong = self.state.iter().find(|state| {
            let moments = state.kind == StateKind::Moments;
            state.tensor.is_none() != moments || state.next.is_none() != moments || (moments && state.dtype != DType::F64)
        });
        match wrong {
            Some(state) => Err(invalid(format!("moments are float64 without tensors, other state has tensor and next: {}", state.name))),
            None => Ok(()),
        }
    }

    fn check_table(&self, table: &EmbeddingTable) -> Result<()> {
        let name = &table.name;
        if table.dim == 0 || table.features.is_empty() {
            return Err(invalid(format!("the table {name} needs at least one number a row and one feature")));
        }
        unique("feature of a table", table.features.iter().map(|feature| &feature.name))?;
        for feature in &table.features {
            let Some(column) = self.features.iter().find(|column| column.name == feature.name) else {
                return Err(invalid(format!("the table {name} is looked up by {}, which is no feature", feature.name)));
            };
            if !(column.dtype.is_integer() || column.dtype == DType::String) {
                return Err(invalid(format!("{} is {}, but the ids of a table are integers or strings", column.name, column.dtype)));
            }
        }
        Ok(())
    }
}

fn unique<'a>(what: &str, names: impl Iterator<Item = &'a String>) -> Result<()> {
    let mut seen = HashSet::new();
    for name in names {
        if !seen.insert(name) {
            return Err(invalid(format!("the {what} {name} is there twice")));
        }
    }
    Ok(())
}
