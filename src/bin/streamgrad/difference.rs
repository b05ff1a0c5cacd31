//! How two things of a kind differ.

use std::collections::BTreeMap;

use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, TensorView};
use serde_json::{Value, json};
use streamgrad::Snapshot;
use streamgrad::bundle::Bundle;

use crate::answer::{Answer, Failure, Outcome};
use crate::text;

/// The numbers of a tensor, as far as they are floats.
pub(crate) fn numbers(tensor: &TensorView<'_>) -> Vec<f64> {
    match tensor.dtype() {
        Dtype::F32 => floats(tensor.data()),
        Dtype::F64 => tensor.data().as_chunks().0.iter().copied().map(f64::from_le_bytes).collect(),
        _ => Vec::new(),
    }
}

fn floats(bytes: &[u8]) -> Vec<f64> {
    bytes.as_chunks().0.iter().copied().map(|value| f32::from_le_bytes(value).into()).collect()
}

/// Least, mean, greatest and norm of numbers.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Spread(Option<[f64; 4]>);

impl Spread {
    pub(crate) fn of(values: &[f64]) -> Self {
        if values.is_empty() {
            return Self(None);
        }
        let (least, greatest) =
            values.iter().fold((f64::INFINITY, f64::NEG_INFINITY), |(least, greatest), value| (least.min(*value), greatest.max(*value)));
        let mean = values.iter().sum::<f64>() / values.len() as f64;
        let norm = values.iter().map(|value| value * value).sum::<f64>().sqrt();
        Self(Some([least, mean, greatest, norm]))
    }

    /// Of a tensor of a snapshot.
    pub(crate) fn of_tensor(tensor: &streamgrad::snapshot::SnapshotTensor<'_>) -> Self {
        match tensor.dtype.name() {
            "float32" => Self::of(&floats(tensor.data)),
            _ => Self(None),
        }
    }

    pub(crate) fn cells(self) -> Vec<String> {
        let Some([least, mean, greatest, norm]) = self.0 else { return Vec::new() };
        vec![format!("{least:.4} to {greatest:.4}"), format!("mean {mean:.4}"), format!("norm {norm:.4}")]
    }

    pub(crate) fn json(self) -> Value {
        self.0
            .map_or(Value::Null, |[least, mean, greatest, norm]| json!({"least": least, "mean": mean, "greatest": greatest, "norm": norm}))
    }
}

/// One tensor on one side: what it is, and its bytes.
type Side<'a> = BTreeMap<String, (String, &'a [u8], bool)>;

/// Tensors by name, side by side.
fn compare(one: &Side<'_>, other: &Side<'_>) -> (Vec<Vec<String>>, Vec<Value>) {
    let mut names: Vec<&String> = one.keys().chain(other.keys()).collect();
    names.sort();
    names.dedup();
    let (mut rows, mut listed) = (Vec::new(), Vec::new());
    let mut note = |name: &str, what: String, value: Value| {
        rows.push(vec![name.to_owned(), what]);
        listed.push(json!({"name": name, "difference": value}));
    };
    for name in names {
        match (one.get(name), other.get(name)) {
            (Some((kind, ..)), None) => note(name, format!("only in the first: {kind}"), json!("only in the first")),
            (None, Some((kind, ..))) => note(name, format!("only in the second: {kind}"), json!("only in the second")),
            (Some((kind, ..)), Some((other, ..))) if kind != other => note(name, format!("{kind}, {other}"), json!([kind, other])),
            (Some((_, one, _)), Some((_, other, _))) if one == other => {}
            (Some((_, one, true)), Some((_, other, _))) => {
                let (one, other) = (floats(one), floats(other));
                let differences: Vec<f64> = one.iter().zip(&other).map(|(one, other)| other - one).collect();
                let most = differences.iter().fold(0.0_f64, |most, value| most.max(value.abs()));
                let norm = |values: &[f64]| values.iter().map(|value| value * value).sum::<f64>().sqrt();
                let relative = norm(&differences) / norm(&one).max(f64::MIN_POSITIVE);
                let moved = differences.iter().filter(|value| **value != 0.0).count();
                let what = format!("{moved} of {} values, at most {most:.4}, {:.2} % of the norm", one.len(), 100.0 * relative);
                note(name, what, json!({"values": moved, "of": one.len(), "most": most, "relative": relative}));
            }
            _ => note(name, "other bytes".into(), json!("other bytes")),
        }
    }
    (rows, listed)
}

fn answer(head: &[(&str, String)], kind: &str, (rows, listed): (Vec<Vec<String>>, Vec<Value>), facts: Value) -> Answer {
    let mut said = text::facts(head);
    if !head.is_empty() {
        said.push('\n');
    }
    said += &if rows.is_empty() { "no difference".to_owned() } else { text::table(&rows, false) };
    Answer::new(said, json!({"kind": kind, "facts": facts, "differences": listed}))
}

pub(crate) fn tensors(one: &SafeTensors<'_>, other: &SafeTensors<'_>) -> Outcome {
    fn side<'a>(tensors: &'a SafeTensors<'_>) -> Side<'a> {
        let tensor = |(name, tensor): (String, TensorView<'a>)| {
            let what = format!("{:?} {:?}", tensor.dtype(), tensor.shape());
            (name, (what, tensor.data(), tensor.dtype() == Dtype::F32))
        };
        tensors.tensors().into_iter().map(tensor).collect()
    }
    Ok(answer(&[], "safetensors", compare(&side(one), &side(other)), Value::Null))
}

pub(crate) fn snapshots(one: &Snapshot, other: &Snapshot) -> Outcome {
    fn side(snapshot: &Snapshot) -> Side<'_> {
        let tensors = snapshot.tensors();
        tensors
            .map(|tensor| {
                (tensor.name.to_owned(), (format!("{} {:?}", tensor.dtype, tensor.shape), tensor.data, tensor.dtype.name() == "float32"))
            })
            .collect()
    }
    if one.bundle_identity() != other.bundle_identity() && one.bundle_name() != other.bundle_name() {
        let names = format!("{} and {}", one.bundle_name(), other.bundle_name());
        return Err(Failure::new(format!("they are of different bundles, {names}; compare those")));
    }
    let line = |snapshot: &Snapshot| {
        format!(
            "version {} of {}, {} steps, {}",
            snapshot.version(),
            snapshot.bundle_name(),
            snapshot.steps(),
            text::moment(snapshot.time())
        )
    };
    let facts = |snapshot: &Snapshot| json!({"version": snapshot.version().to_string(), "steps": snapshot.steps(), "identity": snapshot.bundle_identity()});
    let head = [("first", line(one)), ("second", line(other))];
    Ok(answer(&head, "snapshot", compare(&side(one), &side(other)), json!([facts(one), facts(other)])))
}

pub(crate) fn bundles(one: &Bundle, other: &Bundle) -> Outcome {
    let read = |bundle: &Bundle| -> Outcome<Value> {
        let path = if bundle.path().is_dir() { bundle.path().join("bundle.json") } else { bundle.path().to_owned() };
        let text = std::fs::read(&path).map_err(|error| Failure::io(path.display(), &error))?;
        serde_json::from_slice(&text).map_err(|error| Failure::new(format!("{}: {error}", path.display())))
    };
    let mut found = (Vec::new(), Vec::new());
    json_differences("", &read(one)?, &read(other)?, &mut found);
    let head = [("first", one.identity().to_owned()), ("second", other.identity().to_owned())];
    Ok(answer(&head, "bundle", found, json!([one.identity(), other.identity()])))
}

/// Where two JSON values differ. Lists of what has names are compared by name.
fn json_differences(path: &str, one: &Value, other: &Value, found: &mut (Vec<Vec<String>>, Vec<Value>)) {
    let inside = |name: &str| if path.is_empty() { name.to_owned() } else { format!("{path}.{name}") };
    let members = |value: &Value| -> Option<BTreeMap<String, Value>> {
        match value {
            Value::Object(fields) => Some(fields.iter().map(|(name, value)| (name.clone(), value.clone())).collect()),
            Value::Array(items) => items.iter().map(|item| Some((item.get("name")?.as_str()?.to_owned(), item.clone()))).collect(),
            _ => None,
        }
    };
    match (members(one), members(other)) {
        _ if one == other => {}
        (Some(ones), Some(others)) => {
            let mut names: Vec<&String> = ones.keys().chain(others.keys()).collect();
            names.sort();
            names.dedup();
            for name in names {
                json_differences(&inside(name), ones.get(name).unwrap_or(&Value::Null), others.get(name).unwrap_or(&Value::Null), found);
            }
        }
        _ => {
            let short = |value: &Value| match value {
                Value::Null => "nothing".to_owned(),
                Value::Object(_) => "something".to_owned(),
                other => other.to_string(),
            };
            found.0.push(vec![path.to_owned(), format!("{}, {}", short(one), short(other))]);
            found.1.push(json!({"name": path, "difference": [one, other]}));
        }
    }
}
