//! What a record must hold, as the bundle says.

use std::collections::HashMap;
use std::sync::Arc;

use super::Batch;
use crate::bundle::{Column, Manifest, Output};
use crate::error::{Error, Result};
use crate::tensor::{DType, Shape};

/// What a column is for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// An input of the model.
    Feature,
    /// What it learns from; predicting does without.
    Label,
    /// The weight of a row in the loss; predicting does without.
    Weight,
}

/// One column: a feature, a label or the weight.
#[derive(Clone, Debug, PartialEq)]
pub struct ColumnSpec {
    /// The column's name.
    pub name: String,
    /// What it is for.
    pub role: Role,
    /// The type of its elements.
    pub dtype: DType,
    /// The shape of one row; of one value if the rows are ragged.
    pub shape: Shape,
    /// Whether a row has any number of values, one after the other.
    pub ragged: bool,
    /// The record's fields that fill a row: one for the whole row, or one for each element in row-major order.
    pub fields: Vec<String>,
    /// Whether values may be missing: NaN in floats, the lowest number of the dtype in integers, the empty string in strings, a field
    /// that a row does not set.
    pub optional: bool,
    /// For labels: the output that it belongs to.
    pub output: Option<String>,
    /// For labels: the lowest and highest value allowed.
    pub range: Option<(f64, f64)>,
}

impl ColumnSpec {
    fn new(column: &Column, role: Role) -> Self {
        let Column { name, dtype, shape, ragged, fields, optional, output, range, .. } = column.clone();
        Self { name, role, dtype, shape, ragged, fields, optional, output, range }
    }

    /// What its values must be from and to: the range of a label, and no weight is negative.
    pub(crate) fn bounds(&self) -> Option<(f64, f64)> {
        match self.role {
            Role::Feature => None,
            Role::Label => self.range,
            Role::Weight => Some((0.0, f64::INFINITY)),
        }
    }

    /// What the record calls an element of it.
    pub(super) fn field_of(&self, element: usize) -> &str {
        let each = self.shape.elements() / self.fields.len().max(1);
        self.fields.get(element % self.shape.elements() / each.max(1)).unwrap_or(&self.name)
    }

    /// Bytes of one row; `None` for strings and ragged rows.
    pub fn row_bytes(&self) -> Option<usize> {
        if self.ragged {
            return None;
        }
        Some(self.dtype.size()? * self.shape.elements())
    }
}

/// The place that a record's field fills.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Field {
    pub(super) index: usize,
    pub(super) column: usize,
    pub(super) start: usize,
    pub(super) elements: usize,
}

impl Field {
    /// How many values it takes; of a ragged column, where a row may have any number, one.
    pub(crate) fn elements(self) -> usize {
        self.elements
    }

    pub(super) fn name(self, spec: &ColumnSpec) -> &str {
        spec.fields.get(self.start / self.elements).map_or(spec.name.as_str(), String::as_str)
    }
}

/// The columns of a model's batches, and what it predicts. Immutable, shared by reference count.
#[derive(Debug)]
pub struct Schema {
    columns: Vec<ColumnSpec>,
    features: usize,
    labels: usize,
    fields: HashMap<String, Field>,
    outputs: Vec<Output>,
    rows: Option<usize>,
}

impl Schema {
    /// The schema that a bundle's manifest describes: what hosts fill. Of features that transforms make it has what these read.
    pub fn of(manifest: &Manifest) -> Arc<Self> {
        Self::with(manifest, manifest.given().collect())
    }

    /// The columns that the graph takes, transforms done.
    pub(crate) fn of_graph(manifest: &Manifest) -> Arc<Self> {
        Self::with(manifest, manifest.features.iter().collect())
    }

    fn with(manifest: &Manifest, features: Vec<&Column>) -> Arc<Self> {
        let role = |role: Role| move |column: &Column| ColumnSpec::new(column, role);
        let count = features.len();
        let features = features.into_iter().map(role(Role::Feature));
        let labels = manifest.labels.iter().map(role(Role::Label));
        let columns = features.chain(labels).chain(manifest.weight.iter().map(role(Role::Weight))).collect();
        Self::new(columns, (count, manifest.labels.len()), manifest.outputs.clone(), manifest.rows)
    }

    /// These columns alone, features before labels before the weight, for rows that come without their bundle.
    pub(crate) fn of_columns(columns: Vec<ColumnSpec>) -> Arc<Self> {
        let count = |role: Role| columns.iter().filter(|spec| spec.role == role).count();
        let counts = (count(Role::Feature), count(Role::Label));
        Self::new(columns, counts, Vec::new(), None)
    }

    fn new(columns: Vec<ColumnSpec>, (features, labels): (usize, usize), outputs: Vec<Output>, rows: Option<usize>) -> Arc<Self> {
        let mut fields = HashMap::new();
        for (column, spec) in columns.iter().enumerate() {
            let elements = spec.shape.elements() / spec.fields.len().max(1);
            for (place, name) in spec.fields.iter().enumerate() {
                let index = fields.len();
                fields.insert(name.clone(), Field { index, column, start: place * elements, elements });
            }
        }
        Arc::new(Self { columns, features, labels, fields, outputs, rows })
    }

    /// All columns: features, labels, weight.
    pub fn columns(&self) -> &[ColumnSpec] {
        &self.columns
    }

    /// The inputs of the model.
    pub fn features(&self) -> &[ColumnSpec] {
        &self.columns[..self.features]
    }

    /// What it learns from.
    pub fn labels(&self) -> &[ColumnSpec] {
        &self.columns[self.features..self.features + self.labels]
    }

    /// The sample weight, if the model has one.
    pub fn weight(&self) -> Option<&ColumnSpec> {
        self.columns.get(self.features + self.labels)
    }

    /// What a prediction is.
    pub fn outputs(&self) -> &[Output] {
        &self.outputs
    }

    /// The number of rows that every batch must have, where the model's graph holds one; else any number will do.
    pub fn rows(&self) -> Option<usize> {
        self.rows
    }

    /// The place of a record's field: look it up once, then set it by [`RowBuilder::set_at`](super::RowBuilder::set_at).
    pub fn field(&self, name: &str) -> Result<Field> {
        self.fields.get(name).copied().ok_or_else(|| {
            let known: Vec<&str> = self.columns.iter().flat_map(|column| &column.fields).map(String::as_str).collect();
            Error::input("find field", format!("the model has no field {name}; it has {}", known.join(", ")))
        })
    }

    pub(super) fn fields(&self) -> usize {
        self.fields.len()
    }

    /// One piece for each column of what is kept for each field.
    pub(super) fn by_column<'a>(&'a self, mut per_field: &'a [bool]) -> impl Iterator<Item = &'a [bool]> {
        self.columns.iter().map(move |column| {
            let (piece, rest) = per_field.split_at(column.fields.len());
            per_field = rest;
            piece
        })
    }

    /// The index of a column.
    pub(crate) fn column(&self, name: &str) -> Result<usize> {
        self.columns.iter().position(|column| column.name == name).ok_or_else(|| {
            let known: Vec<&str> = self.columns.iter().map(|column| column.name.as_str()).collect();
            Error::input("find column", format!("the model has no column {name}; it has {}", known.join(", ")))
        })
    }

    /// An empty batch with room for 1,024 rows; memory is taken as it fills.
    pub fn batch(self: &Arc<Self>) -> Batch {
        self.batch_with_capacity(1024)
    }

    /// An empty batch with room for this many rows.
    pub fn batch_with_capacity(self: &Arc<Self>, rows: usize) -> Batch {
        Batch::new(self.clone(), rows)
    }
}
