//! The tensors of a snapshot, and how they lie in safetensors files.

use std::borrow::Cow;
use std::cmp::Reverse;
use std::io::{self, Write};

use safetensors::tensor::{Metadata, TensorInfo};
use serde::{Deserialize, Serialize};

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

/// A tensor to be written.
#[derive(Clone, Debug)]
pub(crate) struct Entry<'a> {
    pub(crate) file: File,
    pub(crate) name: Cow<'a, str>,
    pub(crate) dtype: DType,
    pub(crate) shape: Vec<usize>,
    /// Its elements, row-major, little-endian.
    pub(crate) data: Cow<'a, [u8]>,
}

/// Writes tensors as one safetensors file, straight from where they are.
pub(super) fn write(out: &mut impl Write, entries: &[&Entry<'_>]) -> Result<()> {
    const OPERATION: &str = "write snapshot";
    let mut sorted = entries.to_vec();
    // Large elements first: each tensor is then aligned to its elements, as the format's own writer has it.
    sorted.sort_by_key(|entry| (Reverse(entry.dtype.size()), &entry.name));
    let mut end = 0;
    let mut infos = Vec::with_capacity(sorted.len());
    for entry in &sorted {
        let Some(dtype) = entry.dtype.safetensors() else {
            return Err(Error::new(ErrorKind::Internal, OPERATION, format!("{} holds strings", entry.name)));
        };
        let start = end;
        end += entry.data.len();
        infos.push((entry.name.to_string(), TensorInfo { dtype, shape: entry.shape.clone(), data_offsets: (start, end) }));
    }
    let failed = |error| Error::new(ErrorKind::Internal, OPERATION, "tensors contradict their shapes").with_source(error);
    let metadata = Metadata::new(None, infos).map_err(failed)?;
    let mut header = serde_json::to_vec(&metadata).map_err(|error| failed(error.into()))?;
    header.resize(header.len().next_multiple_of(8), b' ');
    let write = |out: &mut dyn Write| -> io::Result<()> {
        out.write_all(&(header.len() as u64).to_le_bytes())?;
        out.write_all(&header)?;
        sorted.iter().try_for_each(|entry| out.write_all(&entry.data))
    };
    write(out).map_err(|error| Error::new(ErrorKind::Io, OPERATION, "its tensors cannot be written").with_source(error))
}
