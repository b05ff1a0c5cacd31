//! How a version becomes a folder.

use std::collections::{BTreeMap, HashMap};
use std::io::{self, BufWriter, Write};
use std::path::Path;
use std::thread;

use sha2::{Digest, Sha256};

use super::manifest::{BaseRef, FileEntry, Head, Manifest, TensorEntry};
use super::read::{HASH, MANIFEST, stated_hash};
use super::storage::{Storage, WriteFile};
use super::tensors::{Encoded, Entry, File};
use super::{MOST_DELTAS, VersionId};
use crate::error::{Error, ErrorKind, Result};

const OPERATION: &str = "write snapshot";

/// Small pieces are gathered to so many bytes.
const BUFFER: usize = 64 << 10;
/// No more than this is written at a time.
const PIECE: usize = 4 << 20;
/// From so many bytes on, hashing takes longer than to start a thread.
const WORTH_A_THREAD: u64 = 1 << 20;

/// A snapshot that a delta can build on.
#[derive(Clone, Debug)]
pub(crate) struct Base {
    pub(crate) version: VersionId,
    manifest: String,
    deltas: u32,
    /// SHA-256 of every tensor's bytes.
    tensors: HashMap<(File, String), [u8; 32]>,
}

impl Base {
    /// Whether one more delta can follow, of so many.
    pub(crate) fn has_room(&self, most: u32) -> bool {
        self.deltas < most.min(MOST_DELTAS)
    }
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
pub(crate) fn write(storage: &dyn Storage, folder: &Path, head: Head, entries: &[Entry], deltas: Deltas<'_>) -> Result<Written> {
    let failed = |error: io::Error| Error::new(ErrorKind::Io, OPERATION, folder.display().to_string()).with_source(error);
    storage.create_dir(folder).map_err(failed)?;
    let version = head.version;
    let most = deltas.most.min(MOST_DELTAS);
    let sums: HashMap<(File, String), [u8; 32]> = match most {
        0 => HashMap::new(),
        // The changes of one delta are never those of the next.
        _ => entries
            .iter()
            .filter(|entry| !entry.changes)
            .map(|entry| ((entry.file, entry.name.clone()), Sha256::digest(&entry.data).into()))
            .collect(),
    };
    let changes = entries.iter().any(|entry| entry.changes);
    let base = deltas.base.filter(|base| base.has_room(most) && (changes || worth(base, entries, &sums)));
    if changes && base.is_none() {
        return Err(Error::new(ErrorKind::Internal, OPERATION, "there are changes, and nothing that they change"));
    }
    let unchanged = |entry: &Entry| !entry.changes && base.is_some_and(|base| same(base, &sums, entry));

    let mut files = BTreeMap::new();
    for file in File::ALL {
        let stored: Vec<_> = entries.iter().filter(|entry| entry.file == file && !unchanged(entry)).collect();
        if stored.is_empty() {
            continue;
        }
        let encoded = Encoded::new(&stored)?;
        let out = storage.create(&folder.join(file.name())).map_err(failed)?;
        let sha256 = write_and_hash(out, &encoded).map_err(failed)?;
        files.insert(file, FileEntry { bytes: encoded.bytes(), sha256 });
    }

    let base_ref = base.map(|base| BaseRef { version: base.version, sha256: base.manifest.clone(), deltas: base.deltas + 1 });
    let chained = base_ref.as_ref().map_or(0, |base| base.deltas);
    let listed = entries.iter().map(|entry| TensorEntry::of(entry, unchanged(entry))).collect();
    let manifest = Manifest::new(head, base_ref, files, listed);
    let (json, sum) = manifest.seal(OPERATION)?;
    for (name, content) in [(MANIFEST, json.as_slice()), (HASH, stated_hash(&sum).as_bytes())] {
        let mut file = storage.create(&folder.join(name)).map_err(failed)?;
        file.write_all(content).and_then(|()| file.sync()).map_err(failed)?;
    }
    storage.sync_dir(folder).map_err(failed)?;
    let base = (most > 0).then(|| Base { version, manifest: sum.clone(), deltas: chained, tensors: sums });
    Ok(Written { manifest: sum, base })
}

fn same(base: &Base, sums: &HashMap<(File, String), [u8; 32]>, entry: &Entry) -> bool {
    let key = (entry.file, entry.name.clone());
    base.tensors.get(&key).is_some_and(|sum| sums.get(&key) == Some(sum))
}

/// Whether a delta would hold at most half of the bytes: beyond that, a complete snapshot is the better bargain.
fn worth(base: &Base, entries: &[Entry], sums: &HashMap<(File, String), [u8; 32]>) -> bool {
    let all: usize = entries.iter().map(|entry| entry.data.len()).sum();
    let changed: usize = entries.iter().filter(|entry| !same(base, sums, entry)).map(|entry| entry.data.len()).sum();
    changed <= all / 2
}

/// Writes and syncs a file; gives back its SHA-256. What is large is hashed by a thread of its own, while the disk is busy.
fn write_and_hash(file: Box<dyn WriteFile>, encoded: &Encoded) -> io::Result<String> {
    let write = || {
        let mut out = BufWriter::with_capacity(BUFFER, file);
        // In pieces, so that the disk can begin before the last is there.
        encoded.pieces().iter().flat_map(|piece| piece.chunks(PIECE)).try_for_each(|piece| out.write_all(piece))?;
        out.into_inner().map_err(io::IntoInnerError::into_error)?.sync()
    };
    if encoded.bytes() < WORTH_A_THREAD {
        return write().map(|()| encoded.sha256());
    }
    thread::scope(|scope| {
        let hashing = thread::Builder::new().name("streamgrad-hash".into()).spawn_scoped(scope, || encoded.sha256())?;
        write()?;
        hashing.join().map_err(|_| io::Error::other("a defect of this library ended the hashing"))
    })
}
