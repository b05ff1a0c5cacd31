//! TensorFlow's own format: a folder with `saved_model.pb`, its variables and assets. It predicts, by one of its signatures.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;

use prost::{Message, Oneof};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::graph_def::{GraphDef, TensorShape};
use super::manifest::{Column, Loss, Manifest, Output, Task};
use super::{Bundle, FirstRows, Form, Values, graph, hex, invalid, read};
use crate::error::{Error, Result};
use crate::tensor::{DType, Shape, name_of};

/// The file that makes a folder a SavedModel.
pub(crate) const FILE: &str = "saved_model.pb";
/// What `tf.saved_model.save` and Keras' `export` call a model that serves.
pub(crate) const TAG: &str = "serve";
/// The signature that is meant if none is named.
const DEFAULT: &str = "serving_default";
/// What follows the name of a ragged input in that of its lengths.
const LENGTHS: &str = "/lengths";
/// Keras' and TensorFlow's names of what initialises the model and of tracking; nobody predicts by them.
const INTERNAL: &[&str] = &["__saved_model_init_op", "__saved_model_train_op"];

impl Bundle {
    /// Opens the SavedModel at this folder, to predict by a signature; `serving_default`, or the only one there is, unless one is named.
    pub(super) fn open_saved_model(path: &Path, signature: Option<&str>, allowed: &[&str]) -> Result<Self> {
        let content = read(path, FILE)?;
        let saved =
            SavedModel::decode(content.as_slice()).map_err(|error| invalid(format!("{FILE} is no SavedModel")).with_source(error))?;
        let serving = saved.meta_graphs.iter().find(|meta| meta.info.as_ref().is_some_and(|info| info.tags.iter().any(|tag| tag == TAG)));
        let serving = serving.ok_or_else(|| invalid(format!("the SavedModel has no graph with the tag {TAG}; save it to serve")))?;
        let (name, signature) = serving.signature(signature)?;
        let manifest = signature.manifest(name, path)?;
        let graph_def = serving.graph_def.as_ref().ok_or_else(|| invalid("the SavedModel has no graph"))?;
        let index = path.join("variables").join("variables.index");
        // TensorFlow would load it nevertheless, and fail at each prediction.
        if graph_def.node.iter().any(|node| node.op == "VarHandleOp") && !index.exists() {
            return Err(invalid(format!("the values of the SavedModel's variables are missing: {}", index.display())));
        }
        let reach = graph::verify_saved_model(graph_def, &manifest, allowed)?;
        Ok(Self {
            path: path.to_owned(),
            manifest,
            form: Form::SavedModel,
            values: Values::default(),
            rows: FirstRows::default(),
            identity: identity(path, &content)?,
            reach,
        })
    }
}

/// What tells one SavedModel from another: its graph, and the index of its variables, which holds a checksum of each.
pub(super) fn identity(path: &Path, content: &[u8]) -> Result<String> {
    let mut sum = Sha256::new();
    sum.update(content);
    let index = path.join("variables").join("variables.index");
    match fs::read(&index) {
        Ok(index) => sum.update(index),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(invalid(format!("{} cannot be read", index.display())).with_source(error)),
    }
    Ok(hex(&sum.finalize()))
}

impl MetaGraphDef {
    fn signature(&self, wanted: Option<&str>) -> Result<(&str, &SignatureDef)> {
        let known: Vec<_> = self.signatures.iter().filter(|(name, _)| !INTERNAL.contains(&name.as_str())).collect();
        let names = || known.iter().map(|(name, _)| name.as_str()).collect::<Vec<_>>().join(", ");
        let name = match (wanted, known.as_slice()) {
            (Some(wanted), _) => wanted,
            (None, [(only, _)]) => only,
            (None, _) => DEFAULT,
        };
        match known.iter().find(|(known, _)| *known == name) {
            Some((name, signature)) => Ok((name, signature)),
            None if known.is_empty() => Err(invalid("the SavedModel has no signature; save it with one")),
            None => Err(invalid(format!("the SavedModel has no signature {name}; name one of {}", names()))),
        }
    }
}

impl SignatureDef {
    /// The input that holds how many values each row of another one has: `NAME/lengths`, as exporting names it.
    fn lengths_of(&self, input: &str) -> Option<(String, &TensorInfo)> {
        let name = format!("{input}{LENGTHS}");
        let info = self.inputs.get(&name)?;
        (DType::from_code(info.dtype as u32) == Some(DType::I64)).then_some((name, info))
    }

    /// The input whose lengths these are.
    fn whose_lengths<'n>(&self, input: &'n str) -> Option<&'n str> {
        let of = input.strip_suffix(LENGTHS)?;
        (self.inputs.contains_key(of) && self.lengths_of(of).is_some()).then_some(of)
    }

    /// A manifest of features and outputs alone.
    fn manifest(&self, name: &str, path: &Path) -> Result<Manifest> {
        let features = self.inputs.iter().filter(|(name, _)| self.whose_lengths(name).is_none()).map(|(name, info)| {
            let (tensor, dtype, shape) = info.rows(name)?;
            let fields = vec![name.clone()];
            let lengths = self.lengths_of(name).map(|(of, info)| info.rows(&of)).transpose()?.map(|(tensor, ..)| tensor);
            let column = Column {
                name: name.clone(),
                dtype,
                shape,
                ragged: lengths.is_some(),
                fields,
                transform: None,
                optional: false,
                output: None,
                range: None,
                tensor,
                lengths,
            };
            Ok(column)
        });
        let outputs = self.outputs.iter().map(|(name, info)| {
            let (predict, dtype, shape) = info.rows(name)?;
            Ok(Output { name: name.clone(), dtype, shape, predict, train: String::new() })
        });
        let model = path.file_name().map(|name| name.to_string_lossy().into_owned()).unwrap_or_default();
        Ok(Manifest {
            name: format!("{model} by {name}"),
            versions: Default::default(),
            files: Default::default(),
            task: Task::Other,
            rows: None,
            features: features.collect::<Result<_>>()?,
            record: Vec::new(),
            labels: Vec::new(),
            weight: None,
            outputs: outputs.collect::<Result<_>>()?,
            loss: Loss::none(),
            parameters: Vec::new(),
            state: Vec::new(),
            frozen: Vec::new(),
            tables: Vec::new(),
            optimizer: Value::Null,
            metrics: Vec::new(),
        })
    }
}

impl TensorInfo {
    /// Tensor, dtype and the shape of one row.
    fn rows(&self, name: &str) -> Result<(String, DType, Shape)> {
        let Some(Encoding::Name(tensor)) = &self.encoding else {
            return Err(invalid(format!("{name} of the signature is sparse or composite; save one that takes and gives dense tensors")));
        };
        let dtype = u32::try_from(self.dtype).ok().and_then(DType::from_code);
        let dtype = dtype.ok_or_else(|| {
            invalid(format!("{name} of the signature is {}, which is not taken; cast it in the signature", name_of(self.dtype.into())))
        })?;
        let shape = self.tensor_shape.as_ref().filter(|shape| !shape.unknown_rank);
        let shape = shape.ok_or_else(|| invalid(format!("{name} of the signature has no shape; save it with an input signature")))?;
        match shape.dim.iter().map(|dim| dim.size).collect::<Vec<_>>().as_slice() {
            [-1, row @ ..] if row.iter().all(|size| *size > 0) => Ok((tensor.clone(), dtype, Shape::new(row)?)),
            dims => Err(invalid(format!(
                "{name} of the signature has shape {dims:?}; save it with any number of rows first (-1) and known sizes behind, so that rows can be batched"
            ))),
        }
    }
}

/// What a host hears that wants to learn by one.
pub(crate) fn predicts_only(operation: &'static str, path: &Path) -> Error {
    let context = format!(
        "{} is a SavedModel, which holds no gradients: it predicts; to learn, write a bundle with streamgrad.export of its Keras model",
        path.display()
    );
    Error::new(crate::error::ErrorKind::Unsupported, operation, context)
}

// Field numbers of tensorflow/core/protobuf/saved_model.proto and meta_graph.proto.

#[derive(PartialEq, Message)]
struct SavedModel {
    #[prost(message, repeated, tag = "2")]
    meta_graphs: Vec<MetaGraphDef>,
}

#[derive(PartialEq, Message)]
struct MetaGraphDef {
    #[prost(message, optional, tag = "1")]
    info: Option<MetaInfoDef>,
    #[prost(message, optional, tag = "2")]
    graph_def: Option<GraphDef>,
    #[prost(btree_map = "string, message", tag = "5")]
    signatures: BTreeMap<String, SignatureDef>,
}

#[derive(PartialEq, Message)]
struct MetaInfoDef {
    #[prost(string, repeated, tag = "4")]
    tags: Vec<String>,
}

#[derive(PartialEq, Message)]
struct SignatureDef {
    #[prost(btree_map = "string, message", tag = "1")]
    inputs: BTreeMap<String, TensorInfo>,
    #[prost(btree_map = "string, message", tag = "2")]
    outputs: BTreeMap<String, TensorInfo>,
}

#[derive(PartialEq, Message)]
struct TensorInfo {
    #[prost(oneof = "Encoding", tags = "1")]
    encoding: Option<Encoding>,
    #[prost(int32, tag = "2")]
    dtype: i32,
    #[prost(message, optional, tag = "3")]
    tensor_shape: Option<TensorShape>,
}

#[derive(PartialEq, Oneof)]
enum Encoding {
    #[prost(string, tag = "1")]
    Name(String),
}
