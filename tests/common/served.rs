//! What the tests of SavedModels and of loading into Keras share: batches as other programs take them.

use std::fs;
use std::path::Path;
use std::process::Command;

use serde_json::{Map, Value, json};
use streamgrad::{Batch, BatchView, ColumnData, Predictor, RaggedValues};

/// The features of a batch in the columns of another schema.
pub fn features(predictor: &Predictor, of: &Batch) -> Batch {
    let mut batch = predictor.schema().batch();
    let schema = of.schema();
    for spec in predictor.schema().columns() {
        let place = schema.columns().iter().position(|column| column.name == spec.name).unwrap();
        assert_eq!((schema.columns()[place].dtype, schema.columns()[place].ragged), (spec.dtype, spec.ragged), "{}", spec.name);
        let column = inputs_of(&spec.name, spec.dtype.name(), &BatchView::from(of).columns()[place]);
        let floats = |name: &str| column[name].as_array().unwrap().iter().map(|value| value.as_f64().unwrap() as f32).collect::<Vec<_>>();
        let whole = |name: &str| column[name].as_array().unwrap().iter().map(|value| value.as_i64().unwrap()).collect::<Vec<_>>();
        let text = |name: &str| {
            column[name]
                .as_array()
                .unwrap()
                .iter()
                .map(|value| value.as_str().unwrap().chars().map(|byte| byte as u8).collect::<Vec<_>>())
                .collect::<Vec<_>>()
        };
        let name = spec.name.as_str();
        let lengths = spec.ragged.then(|| whole(&format!("{name}/lengths")).iter().map(|length| *length as usize).collect::<Vec<_>>());
        match (spec.dtype.name(), lengths) {
            ("float32", None) => batch.set(name, &floats(name)),
            ("int32", None) => batch.set(name, &whole(name).iter().map(|value| *value as i32).collect::<Vec<_>>()),
            ("int64", None) => batch.set(name, &whole(name)),
            ("string", None) => batch.set_strings(name, &text(name)),
            ("float32", Some(lengths)) => batch.set_ragged(name, &floats(name), &lengths),
            ("int64", Some(lengths)) => batch.set_ragged(name, &whole(name), &lengths),
            ("string", Some(lengths)) => batch.set_ragged_strings(name, &text(name), &lengths),
            (other, _) => panic!("{other}"),
        }
        .unwrap();
    }
    batch
}

/// A column as a signature takes it: flat values, of a ragged one also the lengths. Of strings each byte is a character.
fn inputs_of(name: &str, dtype: &str, column: &ColumnData<'_>) -> Map<String, Value> {
    let numbers = |bytes: &[u8]| -> Value {
        match dtype {
            "float32" => bytes.as_chunks().0.iter().map(|four| Value::from(f32::from_le_bytes(*four))).collect(),
            "int32" => bytes.as_chunks().0.iter().map(|four| Value::from(i32::from_le_bytes(*four))).collect(),
            "int64" => bytes.as_chunks().0.iter().map(|eight| Value::from(i64::from_le_bytes(*eight))).collect(),
            other => panic!("{other}"),
        }
    };
    let strings = |bytes: &[u8], places: &[(u32, u32)]| -> Value {
        let one = |&(start, length): &(u32, u32)| &bytes[start as usize..(start + length) as usize];
        places.iter().map(|place| Value::from(one(place).iter().map(|byte| char::from(*byte)).collect::<String>())).collect()
    };
    let mut found = Map::new();
    match *column {
        ColumnData::Bytes(bytes) => found.insert(name.into(), numbers(bytes)),
        ColumnData::Strings { bytes, places } => found.insert(name.into(), strings(bytes, places)),
        ColumnData::Ragged { lengths, values } => {
            found.insert(format!("{name}/lengths"), lengths.iter().map(|length| Value::from(*length)).collect());
            found.insert(
                name.into(),
                match values {
                    RaggedValues::Bytes(bytes) => numbers(bytes),
                    RaggedValues::Strings { bytes, places } => strings(bytes, places),
                },
            )
        }
        _ => panic!("{name} is empty"),
    };
    found
}

/// What a Python program of `tests/peer` compares with: inputs by name, flat, and the values of the first output; beside them what else it
/// must know.
pub fn asked(batch: &Batch, wanted: &[f32], others: Value) -> Value {
    let (view, mut inputs) = (BatchView::from(batch), Map::new());
    for (spec, column) in batch.schema().columns().iter().zip(view.columns()).take(batch.schema().features().len()) {
        inputs.extend(inputs_of(&spec.name, spec.dtype.name(), column));
    }
    let mut asked = json!({"inputs": inputs, "outputs": {batch.schema().outputs()[0].name.clone(): wanted}});
    asked.as_object_mut().unwrap().extend(others.as_object().unwrap().clone());
    asked
}

/// Runs a program of `tests/peer` once on all that is asked.
pub fn python(program: &str, asked: &[Value]) {
    let (root, file) = (Path::new(env!("CARGO_MANIFEST_DIR")), tempfile::NamedTempFile::new().unwrap());
    fs::write(file.path(), Value::from(asked).to_string()).unwrap();
    let mut command = Command::new(root.join(".venv/bin/python"));
    let output = command.arg(root.join("tests/peer").join(program)).arg(file.path()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
