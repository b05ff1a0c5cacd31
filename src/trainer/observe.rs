//! What the metrics see of a step.

use crate::batch::{BatchView, ColumnData, Schema};
use crate::metrics::{LabelRows, OutputRows};
use crate::model::Predictions;
use crate::tensor::{DType, bytes_as};

/// The rows of every output beside its label, where they lie; empty where metrics cannot read them.
pub(super) fn outputs<'a>(schema: &Schema, batch: &BatchView<'a>, predictions: &'a Predictions) -> Vec<OutputRows<'a>> {
    let label = |name: &str| {
        let index = schema.columns().iter().position(|column| column.output.as_deref() == Some(name))?;
        match batch.columns()[index] {
            ColumnData::Bytes(bytes) => LabelRows::new(schema.columns()[index].dtype, bytes),
            _ => None,
        }
    };
    let rows = |(index, output): (usize, &crate::bundle::Output)| match output.dtype {
        DType::F32 => OutputRows { prediction: predictions.bytes(index).and_then(bytes_as).unwrap_or(&[]), label: label(&output.name) },
        _ => OutputRows { prediction: &[], label: None },
    };
    schema.outputs().iter().enumerate().map(rows).collect()
}
