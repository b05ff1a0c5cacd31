//! SavedModels that Keras and TensorFlow wrote predict here as they do in Python.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::Duration;

use common::{peer, tensorflow};
use serde_json::Value;
use streamgrad::tensor::{Complex32, Complex64, bf16, f16};
use streamgrad::{Batch, ErrorKind, Predictions, Predictor, Trainer};

fn saved(name: &str) -> PathBuf {
    peer().join("saved").join(name)
}

fn open(name: &str, signature: Option<&str>) -> Predictor {
    let builder = Predictor::builder(saved(name)).tensorflow(tensorflow());
    match signature {
        Some(signature) => builder.signature(signature),
        None => builder,
    }
    .open()
    .unwrap()
}

/// What Python predicted by the signatures of a model.
fn recorded(name: &str) -> Vec<Value> {
    let all: Value = serde_json::from_str(&fs::read_to_string(peer().join("saved.json")).unwrap()).unwrap();
    all[name].as_array().unwrap().clone()
}

fn numbers<T>(values: &Value, number: impl Fn(&Value) -> T) -> Vec<T> {
    values.as_array().unwrap().iter().map(number).collect()
}

/// The recorded inputs as a batch.
fn batch(predictor: &Predictor, record: &Value) -> Batch {
    let schema = predictor.schema().clone();
    let mut batch = schema.batch();
    for column in schema.columns() {
        let (name, values) = (&column.name, &record["inputs"][&column.name]);
        let float = |value: &Value| value.as_f64().unwrap();
        let pairs = || numbers(values, float).as_chunks().0.to_vec();
        let (int, whole) = (|value: &Value| value.as_i64().unwrap(), |value: &Value| value.as_u64().unwrap());
        match column.dtype.name() {
            "float32" => batch.set(name, &numbers(values, |value| float(value) as f32)),
            "float64" => batch.set(name, &numbers(values, float)),
            "float16" => batch.set(name, &numbers(values, |value| f16::from_f64(float(value)))),
            "bfloat16" => batch.set(name, &numbers(values, |value| bf16::from_f64(float(value)))),
            "complex64" => {
                let parts = pairs().into_iter().map(|[re, im]| Complex32::new(re as f32, im as f32));
                batch.set(name, &parts.collect::<Vec<_>>())
            }
            "complex128" => batch.set(name, &pairs().into_iter().map(|[re, im]| Complex64::new(re, im)).collect::<Vec<_>>()),
            "int8" => batch.set(name, &numbers(values, |value| int(value) as i8)),
            "int16" => batch.set(name, &numbers(values, |value| int(value) as i16)),
            "int32" => batch.set(name, &numbers(values, |value| int(value) as i32)),
            "int64" => batch.set(name, &numbers(values, int)),
            "uint8" => batch.set(name, &numbers(values, |value| whole(value) as u8)),
            "uint16" => batch.set(name, &numbers(values, |value| whole(value) as u16)),
            "uint32" => batch.set(name, &numbers(values, |value| whole(value) as u32)),
            "uint64" => batch.set(name, &numbers(values, whole)),
            "bool" => batch.set(name, &numbers(values, |value| value.as_bool().unwrap())),
            "string" => batch.set_strings(name, &numbers(values, |value| value.as_str().unwrap().as_bytes().to_vec())),
            other => panic!("{other}"),
        }
        .unwrap();
    }
    batch
}

/// An output as JSON has it, a complex number as two.
fn found(predictions: &Predictions, name: &str, dtype: &str) -> Vec<Value> {
    macro_rules! all {
        ($rust:ty) => {
            predictions.output::<$rust>(name).unwrap().iter().map(|value| serde_json::json!(*value)).collect()
        };
    }
    match dtype {
        "float32" => predictions.output::<f32>(name).unwrap().iter().map(|value| serde_json::json!(f64::from(*value))).collect(),
        "float64" => all!(f64),
        "float16" => predictions.output::<f16>(name).unwrap().iter().map(|value| value.to_f64().into()).collect(),
        "bfloat16" => predictions.output::<bf16>(name).unwrap().iter().map(|value| value.to_f64().into()).collect(),
        "complex64" => {
            predictions.output::<Complex32>(name).unwrap().iter().flat_map(|value| [value.re, value.im].map(Value::from)).collect()
        }
        "complex128" => {
            predictions.output::<Complex64>(name).unwrap().iter().flat_map(|value| [value.re, value.im].map(Value::from)).collect()
        }
        "int8" => all!(i8),
        "int16" => all!(i16),
        "int32" => all!(i32),
        "int64" => all!(i64),
        "uint8" => all!(u8),
        "uint16" => all!(u16),
        "uint32" => all!(u32),
        "uint64" => all!(u64),
        "bool" => all!(bool),
        _ => predictions.strings(name).unwrap().iter().map(|text| String::from_utf8(text.clone()).unwrap().into()).collect(),
    }
}

fn predicts_as_python(predictor: &Predictor, record: &Value) {
    let predictions = predictor.predict(&batch(predictor, record)).unwrap();
    let outputs = predictor.schema().outputs();
    assert_eq!(outputs.len(), record["outputs"].as_object().unwrap().len());
    for output in outputs {
        let (found, wanted) =
            (found(&predictions, &output.name, output.dtype.name()), numbers(&record["outputs"][&output.name], Value::clone));
        assert_eq!(found.len(), wanted.len(), "{}", output.name);
        for (found, wanted) in found.iter().zip(&wanted) {
            match (found.as_f64().filter(|_| !found.is_i64() && !found.is_u64()), wanted.as_f64()) {
                (Some(found), Some(wanted)) => assert!((found - wanted).abs() <= 1e-6 * (1.0 + wanted.abs()), "{found} {wanted}"),
                _ => assert_eq!(found, wanted, "{}", output.name),
            }
        }
    }
}

#[test]
fn keras_export_with_two_inputs_and_outputs() {
    predicts_as_python(&open("keras", None), &recorded("keras")[0]);
}

#[test]
fn lookup_tables_assets_and_strings_by_each_signature() {
    for record in recorded("words") {
        predicts_as_python(&open("words", record["signature"].as_str()), &record);
    }
    let error = Predictor::builder(saved("words")).tensorflow(tensorflow()).open().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::InvalidBundle);
    assert!(error.to_string().contains("has no signature serving_default; name one of double, find"), "{error}");
}

#[test]
fn every_dtype_goes_through() {
    let predictor = open("dtypes", None);
    let record = &recorded("dtypes")[0];
    predicts_as_python(&predictor, record);
    let taken: std::collections::BTreeSet<&str> = predictor.schema().columns().iter().map(|column| column.dtype.name()).collect();
    assert_eq!(taken.len(), 16, "{taken:?}");
    // Strings are bytes, whatever they encode.
    let mut batch = batch(&predictor, record);
    batch.set_strings("x_string", &[&b"\xff\x00"[..], b"", b"\xc3"]).unwrap();
    let predictions = predictor.predict(&batch).unwrap();
    assert_eq!(predictions.strings("y_string").unwrap(), [&b"\xc3"[..], b"", b"\xff\x00"]);
}

fn copy(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap() {
        let entry = entry.unwrap();
        match entry.file_type().unwrap().is_dir() {
            true => copy(&entry.path(), &to.join(entry.file_name())),
            false => drop(fs::copy(entry.path(), to.join(entry.file_name())).unwrap()),
        }
    }
}

#[test]
fn a_folder_of_numbered_saved_models_is_followed() {
    let folder = tempfile::tempdir().unwrap();
    let add = |number: u64| {
        copy(&saved("numbered").join(number.to_string()), &folder.path().join("next"));
        fs::rename(folder.path().join("next"), folder.path().join(number.to_string())).unwrap();
    };
    add(1);
    let predictor = Predictor::numbered(folder.path()).tensorflow(tensorflow()).every(Duration::ZERO).open().unwrap();
    for number in [1, 2, 10] {
        if number > 1 {
            add(number);
        }
        assert_eq!(predictor.look().unwrap().number, number);
        predicts_as_python(&predictor, &recorded(&format!("numbered/{number}"))[0]);
    }
    predictor.rollback().unwrap();
    predicts_as_python(&predictor, &recorded("numbered/2")[0]);
}

#[test]
fn what_is_refused_says_what_to_do() {
    let error = Trainer::builder(saved("keras")).tensorflow(tensorflow()).open().unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.to_string().contains("to learn, write a bundle with streamgrad.export"), "{error}");
    let refused = |name: &str, signature: &str| {
        let error = Predictor::builder(saved(name)).tensorflow(tensorflow()).signature(signature).open().unwrap_err();
        error.to_string()
    };
    assert!(refused("keras", "other").contains("has no signature other; name one of"), "{}", refused("keras", "other"));
    assert!(refused("quantised", "serving_default").contains("x of the signature is qint8, which is not taken; cast it"));
    assert!(refused("open", "serving_default").contains("x of the signature has shape [-1, -1]"));
    let bundle = Predictor::builder(peer().join("mlp-sgd.bundle")).tensorflow(tensorflow()).signature("x").open().unwrap_err();
    assert!(bundle.to_string().contains("is a bundle, which has no signatures"), "{bundle}");
    let followed = Predictor::builder(saved("keras")).tensorflow(tensorflow()).follow("/tmp").open().unwrap_err();
    assert_eq!(followed.kind(), ErrorKind::Unsupported);

    let folder = tempfile::tempdir().unwrap();
    let open = || Predictor::builder(folder.path()).tensorflow(tensorflow()).open().unwrap_err().to_string();
    copy(&saved("keras"), folder.path());
    fs::remove_dir_all(folder.path().join("variables")).unwrap();
    assert!(open().contains("the values of the SavedModel's variables are missing"), "{}", open());
    copy(&saved("keras").join("variables"), &folder.path().join("variables"));
    let data = folder.path().join("variables/variables.data-00000-of-00001");
    fs::write(&data, &fs::read(&data).unwrap()[..40]).unwrap();
    assert!(open().contains("load SavedModel"), "{}", open());
    fs::write(folder.path().join("saved_model.pb"), b"nothing").unwrap();
    assert!(open().contains("saved_model.pb"), "{}", open());
}
