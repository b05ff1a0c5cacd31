//! `streamgrad inspect`.

use std::fs;
use std::path::{Path, PathBuf};

use clap::Args;
use safetensors::SafeTensors;
use serde_json::{Value, json};
use streamgrad::batch::{ColumnSpec, Role};
use streamgrad::bundle::Bundle;
use streamgrad::snapshot::SnapshotFolder;
use streamgrad::{Predictor, Schema, Snapshot};

use crate::answer::{Answer, Failure, Outcome};
use crate::difference;
use crate::run::Run;
use crate::snapshot::{self, kept};
use crate::text;

/// What a path holds is found out: a bundle, a SavedModel, a folder of numbered ones, a JSON that describes a graph, a store, a
/// snapshot, or a safetensors file such as that of an exported table. Of two, the differences are shown; of a store and of numbered
/// ones, those of the newest.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// What to look into
    path: PathBuf,
    /// What to compare it with
    other: Option<PathBuf>,
}

/// What lies at a path.
pub(crate) enum Thing {
    Bundle(Box<Bundle>),
    SavedModel(Box<Predictor>),
    /// A folder of numbered bundles or SavedModels: the numbers, the newest last, and that one.
    Numbered(Vec<u64>, Box<Thing>),
    Store(SnapshotFolder),
    Snapshot(Box<Snapshot>),
    /// The bytes of a safetensors file.
    Tensors(Vec<u8>),
}

impl Thing {
    pub(crate) fn open(path: &Path) -> Outcome<Self> {
        let has = |file: &str| path.join(file).is_file();
        let ends = |ending: &str| path.extension().is_some_and(|found| found.eq_ignore_ascii_case(ending));
        match path {
            path if !path.exists() => Err(Failure::new(format!("{}: there is no such file or folder", path.display()))),
            path if ends("json") && Run::is_at(path) => {
                Err(Failure::new(format!("{0}: that is the report of a run: streamgrad report {0}", path.display())))
            }
            path if has("bundle.json") || (path.is_file() && ends("json")) => Ok(Self::Bundle(Box::new(Bundle::open(path)?))),
            path if has("saved_model.pb") => Ok(Self::SavedModel(Box::new(Predictor::builder(path).open()?))),
            path if has("store.json") => Ok(Self::Store(SnapshotFolder::open(path)?)),
            path if has("snapshot.json") => Ok(Self::Snapshot(Box::new(Snapshot::open(path)?))),
            path if path.is_file() && ends("safetensors") => {
                fs::read(path).map(Self::Tensors).map_err(|error| Failure::io(path.display(), &error))
            }
            path => match numbers(path).as_slice() {
                [] => Err(Failure::new(format!(
                    "{}: it is no bundle (bundle.json), SavedModel (saved_model.pb), a folder of numbered ones, store (store.json), snapshot (snapshot.json) or *.safetensors",
                    path.display()
                ))),
                numbers @ [.., newest] => Ok(Self::Numbered(numbers.to_vec(), Box::new(Self::open(&path.join(newest.to_string()))?))),
            },
        }
    }

    fn kind(&self) -> &'static str {
        match self {
            Self::Bundle(_) => "bundle",
            Self::SavedModel(_) => "SavedModel",
            Self::Numbered(..) => "folder of numbered models",
            Self::Store(_) => "store",
            Self::Snapshot(_) => "snapshot",
            Self::Tensors(_) => "safetensors",
        }
    }

    /// Of a store, its newest version; of numbered models, the newest.
    fn newest(self) -> Outcome<Self> {
        match self {
            Self::Store(folder) => match folder.newest()? {
                Some(newest) => Ok(Self::Snapshot(Box::new(newest))),
                None => Err(Failure::new(format!("{}: nothing was saved there yet", folder.path().display()))),
            },
            Self::Numbered(_, newest) => Ok(*newest),
            other => Ok(other),
        }
    }

    fn show(&self, path: &Path) -> Outcome {
        match self {
            Self::Bundle(bundle) => Ok(show_bundle(bundle)),
            Self::SavedModel(predictor) => Ok(show_saved_model(predictor, path)),
            Self::Numbered(numbers, newest) => show_numbered(numbers, newest, path),
            Self::Store(folder) => show_store(folder),
            Self::Snapshot(found) => Ok(snapshot::shown(found)),
            Self::Tensors(file) => show_tensors(file, path),
        }
    }
}

pub(crate) fn run(arguments: &Arguments) -> Outcome {
    let thing = Thing::open(&arguments.path)?;
    let Some(path) = &arguments.other else { return thing.show(&arguments.path) };
    match (thing.newest()?, Thing::open(path)?.newest()?) {
        (Thing::Bundle(one), Thing::Bundle(other)) => difference::bundles(&one, &other),
        (Thing::Snapshot(one), Thing::Snapshot(other)) => difference::snapshots(&one, &other),
        (Thing::Tensors(one), Thing::Tensors(other)) => difference::tensors(&parsed(&one, &arguments.path)?, &parsed(&other, path)?),
        (one, other) => {
            let kinds = format!("a {} and a {} cannot be compared", one.kind(), other.kind());
            Err(Failure::usage(format!("{kinds}; give two bundles, two stores or snapshots, or two *.safetensors")))
        }
    }
}

/// The numbers of the bundles and SavedModels in a folder, in order.
fn numbers(folder: &Path) -> Vec<u64> {
    let entries = fs::read_dir(folder).into_iter().flatten().flatten();
    let names = entries.filter_map(|entry| entry.file_name().into_string().ok());
    // Only the one way to write a number, as a predictor that follows the folder takes them.
    let numbers = names.filter_map(|name| name.parse::<u64>().ok().filter(|number| number.to_string() == name));
    let has_model =
        |number: &u64| ["bundle.json", "saved_model.pb"].iter().any(|file| folder.join(number.to_string()).join(file).is_file());
    let mut numbers: Vec<u64> = numbers.filter(has_model).collect();
    numbers.sort_unstable();
    numbers
}

fn parsed<'a>(file: &'a [u8], path: &Path) -> Outcome<SafeTensors<'a>> {
    SafeTensors::deserialize(file).map_err(|error| Failure::new(format!("{}: it is no safetensors file: {error}", path.display())))
}

/// What a record holds, and what a prediction is.
fn interface(schema: &Schema) -> String {
    let row = |column: &ColumnSpec| {
        let role = match column.role {
            Role::Feature => "feature",
            Role::Label => "label",
            Role::Weight => "weight",
        };
        let shape = if column.ragged { "ragged".to_owned() } else { column.shape.to_string() };
        vec![role.to_owned(), column.name.clone(), column.dtype.to_string(), shape, column.fields.join(" ")]
    };
    let mut rows: Vec<Vec<String>> = schema.columns().iter().map(row).collect();
    let output = |output: &streamgrad::bundle::Output| {
        vec!["output".into(), output.name.clone(), output.dtype.to_string(), output.shape.to_string()]
    };
    rows.extend(schema.outputs().iter().map(output));
    text::table(&rows, false)
}

/// The rule of an optimizer and its numbers, on one line.
fn optimizer(config: &Value) -> String {
    let Some(fields) = config.as_object() else { return config.to_string() };
    if fields.contains_key("groups") {
        return format!("{config}");
    }
    let rule = fields.get("rule").and_then(Value::as_str).unwrap_or("-");
    let plain = fields.iter().filter(|(name, value)| {
        *name != "rule" && !value.is_null() && **value != json!(false) && **value != json!(0.0) && **value != json!([])
    });
    let numbers: Vec<String> = plain.map(|(name, value)| format!("{name} {value}")).collect();
    format!("{rule}: {}", numbers.join(", "))
}

fn show_bundle(bundle: &Bundle) -> Answer {
    let manifest = bundle.manifest();
    let schema = Schema::of(manifest);
    let elements: usize = manifest.parameters.iter().map(|parameter| parameter.shape.elements()).sum();
    let size = |name: &String| fs::metadata(bundle.path().join(name)).map(|found| found.len()).ok();
    let mut files: Vec<(&String, Option<u64>)> = manifest.files.keys().map(|name| (name, size(name))).collect();
    files.sort();
    let mut versions: Vec<String> = manifest.versions.iter().map(|(program, version)| format!("{program} {version}")).collect();
    versions.sort();
    let mut said = text::facts(&[
        ("bundle", manifest.name.clone()),
        ("identity", bundle.identity().to_owned()),
        ("task", format!("{:?}", manifest.task)),
        ("loss", manifest.loss.name.clone()),
        ("optimizer", optimizer(&manifest.optimizer)),
        ("metrics", manifest.metrics.iter().filter_map(|metric| metric["name"].as_str()).collect::<Vec<_>>().join(", ")),
        (
            "parameters",
            format!("{} in {} tensors, {}", text::count(elements as u64), manifest.parameters.len(), text::bytes(4 * elements as u64)),
        ),
        ("written by", versions.join(", ")),
        (
            "files",
            files.iter().map(|(name, size)| format!("{name} {}", size.map_or("-".into(), text::bytes))).collect::<Vec<_>>().join(", "),
        ),
    ]);
    said += &format!("\n{}", interface(&schema));
    let mut tensors: Vec<Vec<String>> = Vec::new();
    let row = |kind: &str, name: &str, dtype: String, shape: String| vec![kind.to_owned(), name.to_owned(), dtype, shape];
    tensors.extend(manifest.parameters.iter().map(|p| row("parameter", &p.name, p.dtype.to_string(), p.shape.to_string())));
    tensors.extend(manifest.state.iter().map(|s| row("state", &s.name, s.dtype.to_string(), s.shape.to_string())));
    tensors.extend(manifest.frozen.iter().map(|w| row("frozen", &w.name, w.dtype.to_string(), w.shape.to_string())));
    tensors.extend(manifest.tables.iter().map(|table| {
        let features: Vec<&str> = table.features.iter().map(|feature| feature.name.as_str()).collect();
        row("table", &table.name, "float32".into(), format!("[ids, {}] by {}", table.dim, features.join(" ")))
    }));
    said += &format!("\n{}", text::table(&tensors, false));
    let listed = |rows: &[Vec<String>]| {
        rows.iter().map(|row| json!({"kind": row[0], "name": row[1], "dtype": row[2], "shape": row[3]})).collect::<Vec<_>>()
    };
    let column = |column: &ColumnSpec| json!({"name": column.name, "dtype": column.dtype.name(), "shape": column.shape.dims(), "ragged": column.ragged, "fields": column.fields});
    let document = json!({
        "kind": "bundle", "name": manifest.name, "identity": bundle.identity(), "task": format!("{:?}", manifest.task), "loss": manifest.loss.name,
        "optimizer": manifest.optimizer, "metrics": manifest.metrics, "parameters": elements, "versions": manifest.versions,
        "files": files.iter().map(|(name, size)| ((*name).clone(), json!(size))).collect::<serde_json::Map<_, _>>(),
        "features": schema.features().iter().map(column).collect::<Vec<_>>(), "labels": schema.labels().iter().map(column).collect::<Vec<_>>(),
        "outputs": manifest.outputs.iter().map(|output| json!({"name": output.name, "dtype": output.dtype.name(), "shape": output.shape.dims()})).collect::<Vec<_>>(),
        "tensors": listed(&tensors),
    });
    Answer::new(said, document)
}

fn show_saved_model(predictor: &Predictor, path: &Path) -> Answer {
    let schema = predictor.schema();
    let told = interface(schema);
    let listed: Vec<Value> = schema.features().iter().map(|feature| json!({"name": feature.name, "dtype": feature.dtype.name()})).collect();
    let outputs: Vec<Value> = schema.outputs().iter().map(|output| json!({"name": output.name, "dtype": output.dtype.name()})).collect();
    let said = format!("SavedModel  {}\nit predicts; to learn, export the model with streamgrad.export\n\n{told}", path.display());
    Answer::new(said, json!({"kind": "saved_model", "path": path, "features": listed, "outputs": outputs}))
}

fn show_numbered(numbers: &[u64], newest: &Thing, path: &Path) -> Outcome {
    let shown = newest.show(&path.join(numbers.last().map(u64::to_string).unwrap_or_default()))?;
    let listed = numbers.iter().map(u64::to_string).collect::<Vec<_>>().join(", ");
    let said = format!("folder of numbered models  {}\nit has {listed}; the newest:\n\n{}", path.display(), shown.text());
    Ok(Answer::new(said, json!({"kind": "numbered", "path": path, "numbers": numbers, "newest": shown.json()})))
}

fn show_store(folder: &SnapshotFolder) -> Outcome {
    let versions = kept(folder)?;
    let Some(newest) = folder.newest()? else {
        let said = format!("store  {}\nnothing was saved there yet", folder.path().display());
        return Ok(Answer::new(said, json!({"kind": "store", "path": folder.path(), "versions": []})));
    };
    let list = snapshot::list(&versions, Some(newest.version()));
    let shown = snapshot::shown(&newest);
    let said = format!("store  {}\n\n{list}\nthe newest:\n{}", folder.path().display(), shown.text());
    Ok(Answer::new(said, json!({"kind": "store", "path": folder.path(), "versions": versions, "newest": shown.json()})))
}

fn show_tensors(file: &[u8], path: &Path) -> Outcome {
    let tensors = parsed(file, path)?;
    let mut names = tensors.names();
    names.sort();
    let mut rows = Vec::new();
    let mut listed = Vec::new();
    for name in names {
        let Ok(tensor) = tensors.tensor(name) else { continue };
        let spread = difference::Spread::of(&difference::numbers(&tensor));
        rows.push([vec![name.to_owned(), format!("{:?}", tensor.dtype()), format!("{:?}", tensor.shape())], spread.cells()].concat());
        listed.push(json!({"name": name, "dtype": format!("{:?}", tensor.dtype()), "shape": tensor.shape(), "values": spread.json()}));
    }
    let said = format!("safetensors  {}, {}\n\n{}", path.display(), text::bytes(file.len() as u64), text::table(&rows, false));
    Ok(Answer::new(said, json!({"kind": "safetensors", "path": path, "tensors": listed})))
}
