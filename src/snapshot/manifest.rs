//! `snapshot.json`, typed and checked against itself.

use std::collections::{BTreeMap, HashSet};

use serde::{Deserialize, Serialize};
use serde_json::Value;
use sha2::{Digest, Sha256};

use super::id::VersionId;
use super::invalid;
use super::tensors::{Entry, File};
use crate::bundle::hex;
use crate::error::{Error, ErrorKind, Result};
use crate::tensor::DType;

/// The format that this library reads and writes.
const FORMAT: u64 = 1;

/// More steps than this are damage; up to it no counter overflows.
const MOST_STEPS: u64 = 1 << 62;

/// `snapshot.json`, field by field in `docs/snapshot-format.md`.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct Manifest {
    format: u64,
    #[serde(flatten)]
    pub(super) head: Head,
    pub(super) base: Option<BaseRef>,
    pub(super) files: BTreeMap<File, FileEntry>,
    pub(super) tensors: Vec<TensorEntry>,
}

/// What is known of a version beside its tensors.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct Head {
    pub(crate) version: VersionId,
    /// The version that this one's lineage departed from.
    pub(crate) parent: Option<VersionId>,
    /// Steps that the optimizer counts.
    pub(crate) steps: u64,
    /// Training runs that had begun with this version.
    pub(crate) runs: u64,
    /// Milliseconds since 1970.
    pub(crate) time: u64,
    /// The program that wrote it.
    pub(crate) writer: String,
    pub(crate) bundle: BundleName,
    /// The names of the metrics whose sums are kept.
    pub(crate) metrics: Vec<String>,
}

/// The bundle that a version belongs to.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(crate) struct BundleName {
    pub(crate) name: String,
    pub(crate) identity: String,
}

/// The snapshot that a delta builds on.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct BaseRef {
    pub(super) version: VersionId,
    /// SHA-256 of its manifest.
    pub(super) sha256: String,
    /// The deltas below this one's complete snapshot, this one included.
    pub(super) deltas: u32,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct FileEntry {
    pub(super) bytes: u64,
    pub(super) sha256: String,
}

/// A tensor of the version, wherever its bytes are.
#[derive(Clone, Debug, Serialize, Deserialize)]
pub(super) struct TensorEntry {
    pub(super) file: File,
    pub(super) name: String,
    pub(super) dtype: DType,
    pub(super) shape: Vec<usize>,
    /// Whether it is as in the base, and not in this snapshot's file.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) unchanged: bool,
    /// Whether it adds to what the base has under this name.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub(super) changes: bool,
}

impl TensorEntry {
    pub(super) fn of(entry: &Entry, unchanged: bool) -> Self {
        let Entry { file, dtype, changes, .. } = *entry;
        Self { file, name: entry.name.clone(), dtype, shape: entry.shape.clone(), unchanged, changes }
    }
}

impl Manifest {
    pub(super) fn new(head: Head, base: Option<BaseRef>, files: BTreeMap<File, FileEntry>, tensors: Vec<TensorEntry>) -> Self {
        Self { format: FORMAT, head, base, files, tensors }
    }

    /// Its bytes, and their SHA-256.
    pub(super) fn seal(&self, operation: &'static str) -> Result<(Vec<u8>, String)> {
        let json = serde_json::to_vec_pretty(self)
            .map_err(|error| Error::new(ErrorKind::Internal, operation, "its manifest is no JSON").with_source(error))?;
        let sum = hex(&Sha256::digest(&json));
        Ok((json, sum))
    }

    /// Reads it and checks what can be checked without the other files; `Err` says what is wrong.
    pub(super) fn parse(json: &[u8], operation: &'static str, place: &str) -> Result<Self> {
        let wrong = |context: String| invalid(operation, format!("{place}: {context}"));
        let value: Value = serde_json::from_slice(json).map_err(|error| wrong("it is not JSON".into()).with_source(error))?;
        match value.get("format").and_then(Value::as_u64) {
            Some(FORMAT) => {}
            Some(other) => {
                return Err(wrong(format!("this library reads format {FORMAT}, the snapshot has format {other}; use matching versions")));
            }
            None => return Err(wrong("it has no format number".into())),
        }
        let manifest: Self =
            serde_json::from_value(value).map_err(|error| wrong("it does not describe a snapshot".into()).with_source(error))?;
        if manifest.head.version.number > MOST_STEPS || manifest.head.steps > MOST_STEPS {
            return Err(wrong("no version counts so many steps".into()));
        }
        let mut names = HashSet::new();
        for tensor in &manifest.tensors {
            if !names.insert((tensor.file, &tensor.name)) {
                return Err(wrong(format!("the tensor {} is there twice", tensor.name)));
            }
            if tensor.unchanged && tensor.changes {
                return Err(wrong(format!("the tensor {} is said to have changed and not to have", tensor.name)));
            }
            if (tensor.unchanged || tensor.changes) && manifest.base.is_none() {
                return Err(wrong(format!("the tensor {} is said to be in a base, but there is none", tensor.name)));
            }
            if !tensor.unchanged && !manifest.files.contains_key(&tensor.file) {
                return Err(wrong(format!("the tensor {} is in a file that is not listed", tensor.name)));
            }
        }
        Ok(manifest)
    }
}
