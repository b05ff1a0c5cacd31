//! Schemas and batches for the tests of the codecs, without a model.

use std::sync::Arc;

use serde_json::{Value as Json, json};
use streamgrad::bundle::Manifest;
use streamgrad::codec::Decode;
use streamgrad::{Batch, BatchView, ColumnData, RaggedValues, Schema};

/// An input as `bundle.json` describes it, filled by one field of its name.
pub fn column(name: &str, dtype: &str, shape: &[usize]) -> Json {
    json!({"name": name, "dtype": dtype, "shape": shape, "fields": [name], "tensor": "x:0"})
}

/// One with any number of values in a row.
pub fn ragged(name: &str, dtype: &str) -> Json {
    json!({"name": name, "dtype": dtype, "shape": [], "ragged": true, "fields": [name], "tensor": "x:0", "lengths": "y:0"})
}

/// One whose values may be missing.
pub fn optional(name: &str, dtype: &str, shape: &[usize]) -> Json {
    let mut column = column(name, dtype, shape);
    column["optional"] = json!(true);
    column
}

/// A number, two numbers and a word that may be missing, and an hour that may not.
pub fn gaps() -> Arc<Schema> {
    let optional = vec![optional("price", "float32", &[]), optional("pair", "float64", &[2]), optional("word", "string", &[])];
    schema([optional, vec![column("hour", "int8", &[])]].concat(), vec![], None)
}

pub fn schema(features: Vec<Json>, labels: Vec<Json>, weight: Option<Json>) -> Arc<Schema> {
    let manifest: Manifest = serde_json::from_value(json!({
        "name": "records", "versions": {}, "files": {}, "task": "other",
        "features": features, "labels": labels, "weight": weight,
        "outputs": [{"name": "answer", "dtype": "float32", "shape": [], "predict": "x:0", "train": "x:0"}],
        "loss": {"name": "mse", "train": "x:0", "evaluate": "x:0"},
        "parameters": [], "state": [], "frozen": [], "optimizer": {}, "metrics": [],
    }))
    .unwrap();
    Schema::of(&manifest)
}

/// Two numbers and an airline, a label from 0 to 1.
pub fn flights() -> Arc<Schema> {
    let mut late = column("late", "float32", &[]);
    late["range"] = json!([0, 1]);
    let features = vec![column("hour", "int8", &[]), column("wind", "float32", &[]), column("airline", "string", &[])];
    schema(features, vec![late], None)
}

/// What a decoder makes of all that it reads, in batches of `rows`, as one batch; and what it refused.
pub fn all(decoder: &mut impl Decode, schema: &Arc<Schema>, rows: usize) -> streamgrad::Result<(Batch, Vec<String>)> {
    let mut batch = schema.batch_with_capacity(1 << 16);
    while decoder.fill(&mut batch, rows)? > 0 {}
    assert_eq!(decoder.read(), batch.rows() as u64);
    let refusals = decoder.refusals().kept().iter().map(ToString::to_string).collect();
    Ok((batch, refusals))
}

/// The values of a batch in a form that can be compared.
pub fn values(batch: &Batch) -> Vec<String> {
    let strings = |bytes: &[u8], places: &[(u32, u32)]| {
        let one = |&(start, length): &(u32, u32)| bytes[start as usize..(start + length) as usize].to_vec();
        format!("{:?}", places.iter().map(one).collect::<Vec<_>>())
    };
    let view = BatchView::from(batch);
    let columns = view.columns().iter().zip(batch.schema().columns()).map(|(column, spec)| match *column {
        ColumnData::Missing { rows, bytes } => {
            let size = spec.row_bytes().unwrap_or(0);
            let present = (0..batch.rows()).filter(|row| !rows.contains(row));
            format!("{:?}", present.map(|row| (row, &bytes[row * size..][..size])).collect::<Vec<_>>())
        }
        ColumnData::Bytes(bytes) => format!("{bytes:?}"),
        ColumnData::Strings { bytes, places } => strings(bytes, places),
        ColumnData::Ragged { lengths, values: RaggedValues::Bytes(bytes) } => format!("{lengths:?} {bytes:?}"),
        ColumnData::Ragged { lengths, values: RaggedValues::Strings { bytes, places } } => {
            format!("{lengths:?} {}", strings(bytes, places))
        }
        other => format!("{other:?}"),
    });
    columns.collect()
}

/// The numbers of a column.
pub fn f32s(batch: &Batch, column: usize) -> Vec<f32> {
    let ColumnData::Bytes(bytes) = BatchView::from(batch).columns()[column] else { panic!("no numbers") };
    bytes.chunks_exact(4).map(|four| f32::from_le_bytes(four.try_into().unwrap())).collect()
}
