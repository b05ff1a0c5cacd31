//! What Python exported: a folder with a manifest, a graph and the first values.
//!
//! [`Bundle::open`] reads and verifies all of it before TensorFlow sees a byte: the manifest against itself, the files
//! against their hashes, the graph against the manifest, the ops against what the host allows. The format is a page of its
//! own, `docs/bundle-format.md`.

mod feeds;
mod foreign;
mod graph;
mod graph_def;
mod manifest;
mod ops;
mod rows;
mod saved_model;
mod transform;
mod values;

use std::fs;
use std::path::{Path, PathBuf};

use sha2::{Digest, Sha256};

use crate::error::{Error, ErrorKind, Result};
use crate::tf::{self, SessionConfig};
pub(crate) use feeds::Source;
pub(crate) use foreign::is_description;
pub use foreign::{ForeignGraph, read_keyed, read_named};
pub(crate) use graph::{Reach, node_of};
pub use manifest::{Column, EmbeddingTable, Manifest, Output, Parameter, State, StateKind, TableFeature, Task, Weight};
pub(crate) use rows::FirstRows;
pub(crate) use saved_model::{TAG as SERVING_TAG, predicts_only};
pub use transform::{Filling, Operand, Step, Token, Transform};
pub(crate) use values::Values;

const OPEN: &str = "open bundle";
/// A SavedModel without values.
const SERVING: &str = "serving.pb";

/// What TensorFlow is given of a model.
#[derive(Debug)]
pub(crate) enum Form {
    /// A graph that is fed all of its values: it can learn.
    Graph(Vec<u8>),
    /// TensorFlow's own format, read from its folder, values included: it only predicts.
    SavedModel,
}

/// A verified bundle.
#[derive(Debug)]
pub struct Bundle {
    path: PathBuf,
    manifest: Manifest,
    form: Form,
    values: Values,
    rows: FirstRows,
    identity: String,
    reach: Reach,
}

impl Bundle {
    /// Opens and verifies the bundle at this folder, or the graph that a JSON file describes (see [`ForeignGraph`]).
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        Self::open_allowing(path, &[] as &[&str])
    }

    /// As [`Bundle::open`], for a graph that may hold these ops (such as `ReadFile`) although they reach beyond the process.
    pub fn open_allowing(path: impl AsRef<Path>, ops: &[impl AsRef<str>]) -> Result<Self> {
        let path = path.as_ref().to_owned();
        if is_saved_model(&path) {
            return Err(predicts_only(OPEN, &path));
        }
        if is_description(&path) {
            tf::load(None)?;
            return Self::of_graph(&path, ops, SessionConfig::default());
        }
        let of_this = |error: Error| error.of(&path);
        let json = read(&path, "bundle.json")?;
        let manifest = Manifest::parse(&json).map_err(of_this)?;
        let graph = verified(&path, &manifest, "graph.pb")?;
        let values = Values::parse(verified(&path, &manifest, "initial.safetensors")?, &manifest).map_err(of_this)?;
        let rows = match manifest.files.contains_key(rows::FILE) {
            true => FirstRows::parse(verified(&path, &manifest, rows::FILE)?, &manifest).map_err(of_this)?,
            false => FirstRows::default(),
        };
        let reach = graph::verify(&graph, &manifest, &ops.iter().map(AsRef::as_ref).collect::<Vec<_>>()).map_err(of_this)?;
        let identity = hex(&Sha256::digest(&json));
        Ok(Self { path, manifest, form: Form::Graph(graph), values, rows, identity, reach })
    }

    /// Opens the bundle at this folder, or the SavedModel, to predict by a signature of it.
    pub(crate) fn open_to_predict(path: &Path, signature: Option<&str>, allowed: &[impl AsRef<str>]) -> Result<Self> {
        match (is_saved_model(path), signature) {
            (true, _) => Self::open_saved_model(path, signature, &allowed.iter().map(AsRef::as_ref).collect::<Vec<_>>()),
            (false, None) => Self::open_allowing(path, allowed),
            (false, Some(name)) => {
                let context = format!("{} is a bundle, which has no signatures; leave {name} out", path.display());
                Err(Error::input(OPEN, context))
            }
        }
    }

    /// What a bundle or SavedModel says of itself, of which nothing else is verified.
    pub(crate) fn manifest_at(path: &Path, signature: Option<&str>, allowed: &[impl AsRef<str>]) -> Result<Manifest> {
        match (path.join("bundle.json").exists(), signature) {
            (true, None) => Manifest::parse(&read(path, "bundle.json")?),
            _ => Ok(Self::open_to_predict(path, signature, allowed)?.manifest),
        }
    }

    /// The folder it was opened from.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What the bundle says of itself.
    pub fn manifest(&self) -> &Manifest {
        &self.manifest
    }

    /// The SHA-256 of the manifest, which names the hashes of all other files: equal identities are equal bundles.
    pub fn identity(&self) -> &str {
        &self.identity
    }

    pub(crate) fn form(&self) -> &Form {
        &self.form
    }

    pub(crate) fn values(&self) -> &Values {
        &self.values
    }

    /// The rows that tables begin with.
    pub(crate) fn rows(&self) -> &FirstRows {
        &self.rows
    }

    /// What exporting left for a SavedModel: all of it but the values. Read and verified when it is asked for.
    pub(crate) fn serving(&self) -> Result<Vec<u8>> {
        match self.manifest.files.contains_key(SERVING) {
            true => verified(&self.path, &self.manifest, SERVING),
            false => Err(invalid(format!(
                "the bundle has no {SERVING}, of which a SavedModel is made; export it again, with streamgrad.export (a graph of another \
                 program cannot become one): {}",
                self.path.display()
            ))),
        }
    }

    pub(crate) fn reach(&self) -> &Reach {
        &self.reach
    }
}

/// The identity of the bundle or SavedModel in this folder, which is not verified; `None` as long as neither is there.
pub(crate) fn identity_at(folder: &Path) -> Result<Option<String>> {
    if is_saved_model(folder) {
        return saved_model::identity(folder, &read(folder, saved_model::FILE)?).map(Some);
    }
    match folder.join("bundle.json").exists() {
        true => Ok(Some(hex(&Sha256::digest(read(folder, "bundle.json")?)))),
        false => Ok(None),
    }
}

/// Whether this folder is a bundle or a SavedModel, as far as one file tells.
pub(crate) fn has_model(folder: &Path) -> bool {
    folder.join("bundle.json").exists() || is_saved_model(folder)
}

/// Whether this folder is a SavedModel, not a bundle.
pub(crate) fn is_saved_model(folder: &Path) -> bool {
    folder.join(saved_model::FILE).exists() && !folder.join("bundle.json").exists()
}

fn read(folder: &Path, file: &str) -> Result<Vec<u8>> {
    let path = folder.join(file);
    fs::read(&path).map_err(|error| {
        let context = format!("{} cannot be read; is {} a folder that streamgrad.export wrote?", path.display(), folder.display());
        Error::new(ErrorKind::InvalidBundle, OPEN, context).with_source(error)
    })
}

fn verified(folder: &Path, manifest: &Manifest, file: &str) -> Result<Vec<u8>> {
    let Some(wanted) = manifest.files.get(file) else {
        return Err(invalid(format!("the manifest names no hash of {file}; export the bundle again")).of(folder));
    };
    let bytes = read(folder, file)?;
    let found = hex(&Sha256::digest(&bytes));
    match found.eq_ignore_ascii_case(wanted) {
        true => Ok(bytes),
        false => Err(invalid(format!(
            "{file} was altered or truncated: its SHA-256 is {found}, the manifest says {wanted}; export the bundle again"
        ))
        .of(folder)),
    }
}

/// Lower-case hexadecimal digits, as SHA-256 sums are written.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes.iter().map(|byte| format!("{byte:02x}")).collect()
}

fn invalid(context: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidBundle, OPEN, context)
}
