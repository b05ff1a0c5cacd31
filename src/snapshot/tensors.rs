//! The tensors of a snapshot, and how they lie in safetensors files.

use std::cmp::Reverse;

use bytes::Bytes;
use safetensors::tensor::{Metadata, TensorInfo};
use serde::{Deserialize, Serialize};
use sha2::{Digest, Sha256};

use crate::bundle::hex;
use crate::error::{Error, ErrorKind, Result};
use crate::tensor::DType;

/// The tensor of the host's position in its stream.
pub(crate) const POSITION: &str = "position";

/// A file of tensors. The names are fixed: no manifest can lead a reader anywhere else.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
pub(crate) enum File {
    /// What predicts: parameters and state, under the bundle's names.
    #[serde(rename = "model.safetensors")]
    Model,
    /// What only a trainer needs: optimizer slots, metrics, position.
    #[serde(rename = "training.safetensors")]
    Training,
}

impl File {
    pub(crate) const ALL: [Self; 2] = [Self::Model, Self::Training];

    pub(crate) const fn name(self) -> &'static str {
        match self {
            Self::Model => "model.safetensors",
            Self::Training => "training.safetensors",
        }
    }
}

/// The name of a parameter's slot among the tensors of training.
pub(crate) fn slot_name(slot: &str, parameter: &str) -> String {
    format!("slot/{slot}/{parameter}")
}

/// The name of a table's tensor: `ids`, `rows`, `removed`; of training `seen`, `counts`, `sketch`, `slot/<slot>`.
pub(crate) fn table_name(table: &str, what: &str) -> String {
    format!("table/{table}/{what}")
}

/// A tensor to be written.
#[derive(Clone, Debug)]
pub(crate) struct Entry {
    pub(crate) file: File,
    pub(crate) name: String,
    pub(crate) dtype: DType,
    pub(crate) shape: Vec<usize>,
    /// Whether it adds to what the base has under this name: the rows of a table that changed.
    pub(crate) changes: bool,
    /// Its elements, row-major, little-endian, with what keeps them where they are.
    pub(crate) data: Bytes,
}

/// A safetensors file of these tensors, piece by piece: its header, and their bytes where they are.
#[derive(Debug)]
pub(super) struct Encoded {
    pieces: Vec<Bytes>,
}

impl Encoded {
    pub(super) fn new(entries: &[&Entry]) -> Result<Self> {
        let mut sorted = entries.to_vec();
        // Large elements first: each tensor is then aligned to its elements, as the format's own writer has it.
        sorted.sort_by_key(|entry| (Reverse(entry.dtype.size()), &entry.name));
        let mut end = 0;
        let mut infos = Vec::with_capacity(sorted.len());
        for entry in &sorted {
            let Some(dtype) = entry.dtype.safetensors() else {
                return Err(Error::new(ErrorKind::Internal, "write snapshot", format!("{} holds strings", entry.name)));
            };
            let start = end;
            end += entry.data.len();
            infos.push((entry.name.clone(), TensorInfo { dtype, shape: entry.shape.clone(), data_offsets: (start, end) }));
        }
        let failed = |error| Error::new(ErrorKind::Internal, "write snapshot", "tensors contradict their shapes").with_source(error);
        let metadata = Metadata::new(None, infos).map_err(failed)?;
        let json = serde_json::to_vec(&metadata).map_err(|error| failed(error.into()))?;
        let length = json.len().next_multiple_of(8);
        let mut header = Vec::with_capacity(8 + length);
        header.extend((length as u64).to_le_bytes());
        header.extend(json);
        header.resize(8 + length, b' ');
        let data = sorted.iter().map(|entry| entry.data.clone());
        Ok(Self { pieces: std::iter::once(Bytes::from(header)).chain(data).collect() })
    }

    pub(super) fn pieces(&self) -> &[Bytes] {
        &self.pieces
    }

    pub(super) fn bytes(&self) -> u64 {
        self.pieces.iter().map(|piece| piece.len() as u64).sum()
    }

    /// The SHA-256 of all of it.
    pub(super) fn sha256(&self) -> String {
        let mut sum = Sha256::new();
        self.pieces.iter().for_each(|piece| sum.update(piece));
        hex(&sum.finalize())
    }
}
