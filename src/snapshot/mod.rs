//! One version of a model as files: safetensors beside a JSON manifest, each file with its SHA-256.
//!
//! A snapshot is a folder. Everything in it is read back with no length, name or number trusted; what is damaged is an
//! error that names the file. The format is a page of its own, `docs/snapshot-format.md`. Files are written and read by way
//! of a [`Storage`], so that tests can cut the power at every call.

mod archive;
mod filesystem;
mod folder;
mod id;
mod manifest;
mod metrics;
mod pointer;
mod read;
mod storage;
mod tensors;
mod write;

use crate::error::{Error, ErrorKind};

pub(crate) use archive::Archive;
pub use filesystem::FileSystem;
pub(crate) use folder::LOCK;
pub use folder::{KeptVersion, SnapshotFolder};
pub use id::{Lineage, VersionId};
pub(crate) use manifest::{BundleName, Head};
pub(crate) use metrics::{entries as metrics_entries, read as metrics_state};
pub use read::{Snapshot, SnapshotTensor};
pub use storage::{Lock, LockMode, Storage, WriteFile};
pub(crate) use tensors::{Entry, File, POSITION, slot_name, table_name};
pub(crate) use write::{Base, Deltas};

/// Most deltas that may stand between a snapshot and the complete one that it builds on.
pub(crate) const MOST_DELTAS: u32 = 64;

fn invalid(operation: &'static str, context: impl Into<String>) -> Error {
    Error::new(ErrorKind::InvalidSnapshot, operation, context)
}
