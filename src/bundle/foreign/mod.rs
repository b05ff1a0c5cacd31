//! Graphs that no exporter of ours wrote, each described by a JSON: the ancestor's, and bare ones with a loss.
//!
//! Such a graph becomes a bundle in memory: its variables are placeholders that are fed, their first values come from the graph's own
//! initializer or from a file, gradients that it lacks are added by TensorFlow. `docs/graphs.md` describes both JSONs.

mod ancestor;
mod describe;
mod initial;
mod records;
mod rewrite;

use std::collections::{BTreeMap, HashSet};
use std::fs;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use prost::Message;
use safetensors::SafeTensors;
use safetensors::tensor::{Dtype, TensorView};
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::manifest::Manifest;
use super::{Bundle, FirstRows, Form, Values, graph, hex};
use crate::error::{Error, ErrorKind, Result};
use crate::tensor::{DType, Shape};
use crate::tf::{self, Graph, SessionConfig};

use describe::{Description, Input};
pub use records::{read_keyed, read_named};
use rewrite::RawGraph;

const OPEN: &str = "open graph";

/// A graph of someone else's and the JSON that describes it, on the way to a bundle.
///
/// [`Bundle::open`] and the trainers and predictors take the JSON's path as well. This type is for values that come from another file, and
/// for writing the bundle. It loads TensorFlow ([`tf::load`]) where the graph must be run, which is once.
#[derive(Debug)]
pub struct ForeignGraph {
    path: PathBuf,
    description: Description,
    graph: RawGraph,
    identity: String,
    values: BTreeMap<String, Vec<f32>>,
}

/// What makes up a bundle.
struct Parts {
    json: Vec<u8>,
    graph: Vec<u8>,
    initial: Vec<u8>,
}

/// A placeholder of features or labels: its row, and the number of rows if the graph holds one.
struct Placed<'a> {
    input: &'a Input,
    dtype: DType,
    row: Vec<i64>,
    rows: Option<i64>,
}

/// Whether a path means a JSON that describes a graph, not the folder of a bundle.
pub(crate) fn is_description(path: &Path) -> bool {
    path.extension().is_some_and(|extension| extension.eq_ignore_ascii_case("json")) && !path.is_dir()
}

impl Bundle {
    /// Opens the graph that this JSON describes as a bundle. TensorFlow must be loaded.
    pub(crate) fn of_graph(json: &Path, allowed: &[impl AsRef<str>], config: SessionConfig) -> Result<Self> {
        let allowed: Vec<&str> = allowed.iter().map(AsRef::as_ref).collect();
        let foreign = ForeignGraph::open(json)?;
        let Parts { json, graph, initial } = foreign.parts(&allowed, config)?;
        let manifest = Manifest::parse(&json)?;
        let values = Values::parse(initial, &manifest)?;
        let reach = graph::verify(&graph, &manifest, &allowed)?;
        let (path, identity) = (foreign.path, foreign.identity);
        Ok(Self { path, manifest, form: Form::Graph(graph), values, rows: FirstRows::default(), identity, reach })
    }
}

impl ForeignGraph {
    /// Reads the JSON and the graph that it names, which is beside it unless its path says otherwise.
    pub fn open(json: impl AsRef<Path>) -> Result<Self> {
        let path = json.as_ref().to_owned();
        let text = read(&path)?;
        let mut description = Description::parse(&text).map_err(|error| in_file(&path, error))?;
        let content = read(&beside(&path, &description.graph))?;
        let graph = RawGraph::parse(&content).map_err(|error| in_file(&path, error))?;
        if description.name.is_empty() {
            description.name = path.file_stem().map(|stem| stem.to_string_lossy().into_owned()).unwrap_or_default();
        }
        let mut sum = Sha256::new();
        sum.update(&text);
        sum.update(&content);
        let foreign = Self { identity: hex(&sum.finalize()), values: BTreeMap::new(), path, description, graph };
        match foreign.description.values.clone() {
            Some(file) => {
                let file = beside(&foreign.path, &file);
                foreign.values(file)
            }
            None => Ok(foreign),
        }
    }

    /// Begins with the values of this file: a safetensors file (`*.safetensors`), or the named records that the ancestor saved
    /// ([`read_named`]). Parameters that it lacks begin as the graph says.
    pub fn values(self, file: impl AsRef<Path>) -> Result<Self> {
        let file = file.as_ref();
        let found = match file.extension().is_some_and(|extension| extension == "safetensors") {
            true => tensors(file)?,
            false => read_named(file)?,
        };
        self.with(file, found)
    }

    /// Begins with the values that the ancestor's server saved ([`read_keyed`]). `names` are the parameters by key; without any, keys are
    /// the places of the parameters in the JSON's list, from 0.
    pub fn server_values(self, file: impl AsRef<Path>, names: &[(u64, &str)]) -> Result<Self> {
        let file = file.as_ref();
        let mut found = Vec::new();
        for (key, values) in read_keyed(file)? {
            let listed = || usize::try_from(key).ok().and_then(|place| self.description.parameters.get(place)).cloned();
            let name = match names {
                [] => listed(),
                names => names.iter().find(|(known, _)| *known == key).map(|(_, name)| (*name).to_owned()),
            };
            let name = name.ok_or_else(|| refuse(format!("{} has the key {key}; name the parameter that it is of", file.display())))?;
            found.push((name, values));
        }
        self.with(file, found)
    }

    /// Writes the bundle: a folder, which must not exist yet.
    ///
    /// Loads TensorFlow, which is found as [`tf::load`] says, unless it is loaded. Refuses ops that reach beyond the process.
    pub fn write(&self, folder: impl AsRef<Path>) -> Result<()> {
        let folder = folder.as_ref();
        let failed = |error: std::io::Error| {
            Error::new(ErrorKind::Io, "write bundle", format!("{} cannot be written", folder.display())).with_source(error)
        };
        if folder.exists() {
            return Err(Error::input("write bundle", format!("{} exists; give another path", folder.display())));
        }
        tf::load(None)?;
        let parts = self.parts(&[], SessionConfig::default())?;
        let parent = folder.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
        // As readable as any folder that its owner makes, which a temporary one is not.
        let written =
            tempfile::Builder::new().prefix(".bundle").permissions(fs::Permissions::from_mode(0o777)).tempdir_in(parent).map_err(failed)?;
        for (name, content) in [("graph.pb", &parts.graph), ("initial.safetensors", &parts.initial), ("bundle.json", &parts.json)] {
            fs::write(written.path().join(name), content).map_err(failed)?;
        }
        Bundle::open(written.path())?;
        fs::rename(written.path(), folder).map_err(failed)
    }

    fn with(mut self, file: &Path, found: Vec<(String, Vec<f32>)>) -> Result<Self> {
        for (name, values) in found {
            let refuse = |reason: &str| Err(refuse(format!("{} {reason}: {name}", file.display())));
            if !self.description.parameters.contains(&name) {
                return refuse("holds values of what is no parameter of the model");
            }
            if values.len() != self.parameter(&name)?.elements() {
                return refuse(&format!("holds {} values, the graph {}", values.len(), self.parameter(&name)?.elements()));
            }
            if values.iter().any(|value| !value.is_finite()) {
                return refuse("holds values that are not finite");
            }
            if self.values.insert(name.clone(), values).is_some() {
                return refuse("holds values that are known already");
            }
        }
        Ok(self)
    }

    /// The shape of a parameter.
    fn parameter(&self, name: &str) -> Result<Shape> {
        let node = self.graph.node(name).ok_or_else(|| refuse(format!("the graph has no variable {name}")))?;
        let fed = node.fed()?;
        let dims = fed.dims.and_then(|dims| dims.into_iter().collect::<Option<Vec<i64>>>());
        let dims = dims.ok_or_else(|| refuse(format!("the graph does not say the shape of the variable {name}; give it one")))?;
        if fed.dtype != DType::F32 {
            return Err(refuse(format!("the variable {name} is {}, but only float32 is learned", fed.dtype)));
        }
        match self.description.shapes.get(name) {
            Some(said) if *said != dims => Err(refuse(format!("the JSON says that {name} has shape {said:?}, the graph {dims:?}"))),
            _ => Shape::new(dims),
        }
    }

    fn placed<'a>(&self, input: &'a Input) -> Result<Placed<'a>> {
        let tensor = without_port(&input.tensor);
        let node = self.graph.node(tensor).ok_or_else(|| refuse(format!("the graph has no placeholder {tensor}")))?;
        let fed = node.fed()?;
        let (rows, inside) = match fed.dims {
            None => (None, None),
            Some(dims) => match dims.as_slice() {
                [] => return Err(refuse(format!("{tensor} is a single value; its first dimension is that of the rows"))),
                [rows, row @ ..] => (*rows, Some(row.to_vec())),
            },
        };
        let row = match (&input.row, inside) {
            (Some(said), Some(inside)) => {
                let agree =
                    said.len() == inside.len() && said.iter().zip(&inside).all(|(said, inside)| inside.is_none_or(|dim| dim == *said));
                if !agree {
                    return Err(refuse(format!("the JSON says that a row of {tensor} has shape {said:?}, the graph {inside:?}")));
                }
                Some(said.clone())
            }
            (Some(said), None) => Some(said.clone()),
            (None, inside) => inside.and_then(|dims| dims.into_iter().collect()),
        };
        let row = row.ok_or_else(|| refuse(format!("the shape of a row of {tensor} is open; a model's rows have one shape")))?;
        Ok(Placed { input, dtype: fed.dtype, row, rows })
    }

    fn parts(&self, allowed: &[&str], config: SessionConfig) -> Result<Parts> {
        let said = &self.description;
        let features = said.features.iter().map(|input| self.placed(input)).collect::<Result<Vec<_>>>()?;
        let labels = said.labels.iter().map(|input| self.placed(input)).collect::<Result<Vec<_>>>()?;
        let parameters = said.parameters.iter().map(|name| Ok((name.as_str(), self.parameter(name)?))).collect::<Result<Vec<_>>>()?;
        let fed: HashSet<&str> = features
            .iter()
            .chain(&labels)
            .map(|placed| without_port(&placed.input.tensor))
            .chain(parameters.iter().map(|(name, _)| *name))
            .collect();

        let (fed_graph, gradients) = self.differentiated(&fed, allowed)?;
        let content = fed_graph.encode_to_vec();
        let imported = Graph::import(&content)?;
        let mut rows: Vec<i64> = features.iter().chain(&labels).filter_map(|placed| placed.rows).collect();
        let mut outputs = Vec::new();
        for name in &said.outputs {
            let (dtype, dims) = imported.tensor(name)?;
            let (first, row) = match dims.as_deref() {
                Some([first, row @ ..]) if row.iter().all(|&dim| dim > 0) => (*first, row.to_vec()),
                dims => {
                    let context =
                        format!("the output {name} has shape {dims:?}; it needs one row for each of the batch, and sizes that are known");
                    return Err(refuse(context));
                }
            };
            rows.extend((first >= 0).then_some(first));
            outputs.push((without_port(name), dtype, row));
        }
        rows.dedup();
        let rows = match rows.as_slice() {
            [] => None,
            [rows] => Some(*rows),
            several => return Err(refuse(format!("the graph holds several numbers of rows: {several:?}"))),
        };
        let initial = self.initial(&parameters, allowed, config)?;
        let metrics = said.metrics.clone().unwrap_or_else(|| match (outputs.as_slice(), labels.as_slice()) {
            ([(_, _, output)], [label]) => ancestor::metrics(&said.observed, output, &label.row),
            _ => Vec::new(),
        });
        let json = json!({
            "format": 1,
            "name": said.name,
            "versions": {"streamgrad": env!("CARGO_PKG_VERSION")},
            "files": {"graph.pb": hex(&Sha256::digest(&content)), "initial.safetensors": hex(&Sha256::digest(&initial))},
            "task": "other",
            "rows": rows,
            "features": features.iter().map(Placed::json).collect::<Vec<_>>(),
            "labels": labels.iter().map(|label| label.label(outputs[0].0)).collect::<Vec<_>>(),
            "weight": null,
            "outputs": outputs.iter().map(|(name, dtype, row)| json!({"name": name, "dtype": dtype.name(), "shape": row, "predict": port(name), "train": port(name)})).collect::<Vec<_>>(),
            "loss": {"name": without_port(&said.loss), "train": port(&said.loss), "evaluate": port(&said.loss)},
            "parameters": parameters.iter().zip(&gradients).map(|((name, shape), gradient)| json!({"name": name, "dtype": "float32", "shape": shape.dims(), "tensor": port(name), "gradient": port(gradient)})).collect::<Vec<_>>(),
            "state": [],
            "frozen": [],
            "optimizer": describe::complete(said.optimizer.clone()),
            "metrics": metrics,
        });
        let json = serde_json::to_vec_pretty(&json).map_err(|error| refuse("the manifest cannot be written").with_source(error))?;
        Ok(Parts { json, graph: content, initial })
    }

    /// The graph with its variables as placeholders, and the node of each parameter's gradient, which is added where there are none.
    fn differentiated(&self, fed: &HashSet<&str>, allowed: &[&str]) -> Result<(RawGraph, Vec<String>)> {
        let said = &self.description;
        let known: Vec<String> = said.parameters.iter().filter_map(|name| said.gradients.get(name).cloned()).collect();
        if !known.is_empty() && known.len() != said.parameters.len() {
            let lacking = said.parameters.iter().find(|name| !said.gradients.contains_key(*name)).cloned().unwrap_or_default();
            return Err(refuse(format!("gradients are named for some parameters, but not for {lacking}; name all, or none")));
        }
        let ends: Vec<&str> = [&said.loss].into_iter().chain(&said.outputs).chain(&known).map(String::as_str).collect();
        let mut graph = self.graph.pruned(ends.iter().copied().chain(fed.iter().copied()), fed)?;
        for name in &said.parameters {
            graph.become_placeholder(name);
        }
        if let Some(other) = graph.node.iter().find(|node| node.is_variable()) {
            return Err(refuse(format!("the loss needs the variable {}, which is not among the parameters; name it there", other.name)));
        }
        graph::refuse_foreign(&graph.encode_to_vec(), &ends, fed, false, allowed)?;
        if !known.is_empty() {
            return Ok((graph, known));
        }
        let mut imported = Graph::import(&graph.encode_to_vec())?;
        let added = imported.add_gradients(&said.loss, &said.parameters)?;
        let mut graph = RawGraph::parse(&imported.to_graph_def()?)?;
        let names: Vec<String> = (0..added.len()).map(|index| format!("streamgrad/gradient/{index}")).collect();
        for (name, tensor) in names.iter().zip(&added) {
            graph.pass_on(name.clone(), tensor, None);
        }
        Ok((graph, names))
    }

    /// `initial.safetensors`: the values that were given, and the graph's own for all others.
    fn initial(&self, parameters: &[(&str, Shape)], allowed: &[&str], config: SessionConfig) -> Result<Vec<u8>> {
        let open: Vec<&(&str, Shape)> = parameters.iter().filter(|(name, _)| !self.values.contains_key(*name)).collect();
        let mut values = self.values.clone();
        if let Some((name, _)) = open.first() {
            let initializer = self.description.initializer.as_deref().map(without_port);
            let Some(initializer) = initializer.filter(|name| self.graph.node(name).is_some()) else {
                let wanted = initializer.map_or_else(String::new, |wanted| format!(", and no node {wanted}"));
                return Err(refuse(format!(
                    "the graph has no initializer of its variables{wanted}; give a file with the values of {name}"
                )));
            };
            values.extend(initial::values(&self.graph, initializer, &open, allowed, config)?);
        }
        let bytes: Vec<Vec<u8>> = parameters
            .iter()
            .map(|(name, _)| values.get(*name).into_iter().flatten().flat_map(|value| value.to_le_bytes()).collect())
            .collect();
        let views = parameters.iter().zip(&bytes).map(|((name, shape), bytes)| {
            let view = TensorView::new(Dtype::F32, shape.sizes(), bytes);
            Ok((*name, view.map_err(|error| refuse(format!("the values of {name} do not fit")).with_source(error))?))
        });
        let views = views.collect::<Result<Vec<_>>>()?;
        safetensors::serialize(views, None).map_err(|error| refuse("the values cannot be written").with_source(error))
    }
}

impl Placed<'_> {
    fn json(&self) -> Value {
        let name = self.input.name();
        let fields = self.input.fields.clone().unwrap_or_else(|| vec![name.to_owned()]);
        json!({"name": name, "dtype": self.dtype.name(), "shape": self.row, "fields": fields, "tensor": port(&self.input.tensor)})
    }

    fn label(&self, first_output: &str) -> Value {
        let mut json = self.json();
        json["output"] = json!(self.input.output.as_deref().unwrap_or(first_output));
        json["range"] = Value::Null;
        json
    }
}

/// The file that another one names: as it is, or, where there is none, of its name in the folder of the other.
fn beside(file: &Path, named: &Path) -> PathBuf {
    let folder = file.parent().unwrap_or(Path::new(""));
    let relative = folder.join(named);
    match (relative.exists(), named.file_name()) {
        // The path that the writer's machine had.
        (false, Some(name)) => folder.join(name),
        _ => relative,
    }
}

fn tensors(file: &Path) -> Result<Vec<(String, Vec<f32>)>> {
    let content = read(file)?;
    let unreadable = |error| refuse(format!("{} is no safetensors file", file.display())).with_source(error);
    let tensors = SafeTensors::deserialize(&content).map_err(unreadable)?;
    let values = tensors.iter().map(|(name, tensor)| match tensor.dtype() {
        Dtype::F32 => Ok((name.to_owned(), tensor.data().as_chunks().0.iter().copied().map(f32::from_le_bytes).collect())),
        other => Err(refuse(format!("{} holds {other:?}, but only float32 is learned: {name}", file.display()))),
    });
    values.collect()
}

fn read(path: &Path) -> Result<Vec<u8>> {
    fs::read(path)
        .map_err(|error| Error::new(ErrorKind::InvalidBundle, OPEN, format!("{} cannot be read", path.display())).with_source(error))
}

/// A tensor by its node alone is the node's first.
fn port(tensor: &str) -> String {
    match tensor.contains(':') {
        true => tensor.to_owned(),
        false => format!("{tensor}:0"),
    }
}

fn without_port(tensor: &str) -> &str {
    tensor.strip_suffix(":0").unwrap_or(tensor)
}

fn in_file(path: &Path, error: Error) -> Error {
    Error::new(error.kind(), OPEN, path.display().to_string()).with_source(error)
}

fn refuse(context: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidBundle, OPEN, context)
}
