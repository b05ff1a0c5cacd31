//! How a version becomes a folder.

use std::collections::{BTreeMap, HashMap};
use std::io::{self, BufWriter, Write};
use std::path::Path;

use sha2::{Digest, Sha256};

use super::manifest::{BaseRef, FileEntry, Head, Manifest, TensorEntry};
use super::read::{HASH, MANIFEST, stated_hash};
use super::storage::{Storage, WriteFile};
use super::tensors::{self, Entry, File};
use super::{MOST_DELTAS, VersionId};
use crate::bundle::hex;
use crate::error::{Error, ErrorKind, Result};

const OPERATION: &str = "write snapshot";

/// As much at a time as stays in the cache between hashing and writing.
const CHUNK: usize = 256 << 10;

/// A snapshot that a delta can build on.
#[derive(Clone, Debug)]
pub(crate) struct Base {
    pub(crate) version: VersionId,
    manifest: String,
    deltas: u32,
    /// SHA-256 of every tensor's bytes.
    tensors: HashMap<(File, String), [u8; 32]>,
}

/// What was written.
#[derive(Debug)]
pub(crate) struct Written {
    /// SHA-256 of the manifest, which names those of all other files.
    pub(crate) manifest: String,
    /// What the next snapshot can build on, if this was asked for.
    pub(crate) base: Option<Base>,
}

/// How much of a chain of deltas there may be; none at all if `most` is zero.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Deltas<'a> {
    pub(crate) most: u32,
    pub(crate) base: Option<&'a Base>,
}

/// Writes a snapshot into `folder`, which must not exist, and syncs all of it. What is left after an error is no snapshot.
pub(crate) fn write(storage: &dyn Storage, folder: &Path, head: Head, entries: &[Entry<'_>], deltas: Deltas<'_>) -> Result<Written> {
    let failed = |error: io::Error| Error::new(ErrorKind::Io, OPERATION, folder.display().to_string()).with_source(error);
    storage.create_dir(folder).map_err(failed)?;
    let version = head.version;
    let most = deltas.most.min(MOST_DELTAS);
    let sums: HashMap<(File, String), [u8; 32]> = match most {
        0 => HashMap::new(),
        _ => entries.iter().map(|entry| ((entry.file, entry.name.to_string()), Sha256::digest(&entry.data).into())).collect(),
    };
    let base = deltas.base.filter(|base| base.deltas < most && worth(base, entries, &sums));
    let unchanged = |entry: &Entry<'_>| base.is_some_and(|base| same(base, &sums, entry));

    let mut files = BTreeMap::new();
    for file in File::ALL {
        let stored: Vec<_> = entries.iter().filter(|entry| entry.file == file && !unchanged(entry)).collect();
        if stored.is_empty() {
            continue;
        }
        let mut out = BufWriter::with_capacity(CHUNK, Hashing::new(storage.create(&folder.join(file.name())).map_err(failed)?));
        tensors::write(&mut out, &stored)?;
        let hashing = out.into_inner().map_err(|error| failed(error.into_error()))?;
        files.insert(file, hashing.finish().map_err(failed)?);
    }

    let base_ref = base.map(|base| BaseRef { version: base.version, sha256: base.manifest.clone(), deltas: base.deltas + 1 });
    let chained = base_ref.as_ref().map_or(0, |base| base.deltas);
    let listed = entries.iter().map(|entry| TensorEntry::of(entry, unchanged(entry))).collect();
    let manifest = Manifest::new(head, base_ref, files, listed);
    let json = serde_json::to_vec_pretty(&manifest)
        .map_err(|error| Error::new(ErrorKind::Internal, OPERATION, "its manifest is no JSON").with_source(error))?;
    let sum = hex(&Sha256::digest(&json));
    for (name, content) in [(MANIFEST, json.as_slice()), (HASH, stated_hash(&sum).as_bytes())] {
        let mut file = storage.create(&folder.join(name)).map_err(failed)?;
        file.write_all(content).and_then(|()| file.sync()).map_err(failed)?;
    }
    storage.sync_dir(folder).map_err(failed)?;
    let base = (most > 0).then(|| Base { version, manifest: sum.clone(), deltas: chained, tensors: sums });
    Ok(Written { manifest: sum, base })
}

fn same(base: &Base, sums: &HashMap<(File, String), [u8; 32]>, entry: &Entry<'_>) -> bool {
    let key = (entry.file, entry.name.to_string());
    base.tensors.get(&key).is_some_and(|sum| sums.get(&key) == Some(sum))
}

/// Whether a delta would hold at most half of the bytes: beyond that, a complete snapshot is the better bargain.
fn worth(base: &Base, entries: &[Entry<'_>], sums: &HashMap<(File, String), [u8; 32]>) -> bool {
    let all: usize = entries.iter().map(|entry| entry.data.len()).sum();
    let changed: usize = entries.iter().filter(|entry| !same(base, sums, entry)).map(|entry| entry.data.len()).sum();
    changed <= all / 2
}

/// Hashes and counts what goes through it.
struct Hashing {
    file: Box<dyn WriteFile>,
    sum: Sha256,
    bytes: u64,
}

impl Hashing {
    fn new(file: Box<dyn WriteFile>) -> Self {
        Self { file, sum: Sha256::new(), bytes: 0 }
    }

    fn finish(mut self) -> io::Result<FileEntry> {
        self.file.sync()?;
        Ok(FileEntry { bytes: self.bytes, sha256: hex(&self.sum.finalize()) })
    }
}

impl Write for Hashing {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(&bytes[..bytes.len().min(CHUNK)])?;
        self.sum.update(&bytes[..written]);
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}
