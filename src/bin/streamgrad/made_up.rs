//! Rows that nobody sent, to see how fast a model is.

use std::sync::Arc;
use std::time::SystemTime;

use streamgrad::batch::{ColumnSpec, Role, Value};
use streamgrad::tensor::DType;
use streamgrad::{Batch, Result, Schema};

/// A batch that can be learned: other numbers in each row, labels from their range, weights of 1.
pub(crate) fn batch(schema: &Arc<Schema>, rows: usize) -> Result<Batch> {
    let mut batch = schema.batch_with_capacity(rows);
    batch.set_event_time(SystemTime::now());
    for at in 0..rows {
        let mut row = batch.row();
        for spec in schema.columns() {
            let elements = spec.shape.elements() / spec.fields.len().max(1);
            for (place, field) in spec.fields.iter().enumerate() {
                row = set(row, spec, field, at * 31 + place * 7, elements)?;
            }
        }
        row.push()?;
    }
    Ok(batch)
}

fn set<'a>(
    row: streamgrad::batch::RowBuilder<'a>,
    spec: &ColumnSpec,
    field: &str,
    seed: usize,
    elements: usize,
) -> Result<streamgrad::batch::RowBuilder<'a>> {
    let texts: Vec<String> = (0..elements).map(|at| format!("id-{}", (seed + at) % 997)).collect();
    let strings: Vec<&str> = texts.iter().map(String::as_str).collect();
    let numbers: Vec<f64> = (0..elements).map(|at| number(spec, seed + at)).collect();
    match (spec.dtype, numbers.as_slice()) {
        (DType::String, _) if elements == 1 && !spec.ragged => row.set(field, strings[0]),
        (DType::String, _) => row.set(field, Value::Strings(&strings)),
        (DType::Bool, [one]) => row.set(field, *one != 0.0),
        (_, [one]) if !spec.ragged => row.set(field, *one),
        (_, numbers) => row.set(field, numbers),
    }
}

fn number(spec: &ColumnSpec, seed: usize) -> f64 {
    let whole = !matches!(spec.dtype, DType::F32 | DType::F64);
    match (spec.role, spec.range) {
        (Role::Weight, _) => 1.0,
        (Role::Label, Some((lowest, highest))) if lowest.is_finite() && highest.is_finite() => {
            if seed.is_multiple_of(2) {
                lowest
            } else {
                highest
            }
        }
        (Role::Label, _) => 1.0,
        _ if spec.dtype == DType::Bool => f64::from(u8::from(seed.is_multiple_of(2))),
        _ if whole => (seed % 100) as f64,
        _ => (seed % 200) as f64 / 100.0 - 1.0,
    }
}
