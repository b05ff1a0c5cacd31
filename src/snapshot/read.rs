//! How a folder becomes a version again, with nothing in it trusted.

use std::collections::HashMap;
use std::fmt;
use std::io::{self, Read};
use std::ops::Range;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use bytes::Bytes;
use safetensors::SafeTensors;
use sha2::{Digest, Sha256};

use super::archive::Unpacking;
use super::filesystem::FileSystem;
use super::manifest::{BaseRef, Head, Manifest, TensorEntry};
use super::storage::{Lock, LockMode, Storage};
use super::tensors::{File, POSITION};
use super::{MOST_DELTAS, VersionId, invalid};
use crate::bundle::hex;
use crate::error::{Error, ErrorKind, Result};
use crate::tensor::DType;

/// The manifest's file.
pub(crate) const MANIFEST: &str = "snapshot.json";
/// The file with the manifest's own SHA-256.
pub(crate) const HASH: &str = "snapshot.json.sha256";

/// No manifest is longer.
const LONGEST_MANIFEST: u64 = 64 << 20;

const OPERATION: &str = "open snapshot";

/// The content of [`HASH`]: a line that `sha256sum --check` reads.
pub(crate) fn stated_hash(sum: &str) -> String {
    format!("{sum}  {MANIFEST}\n")
}

/// One version, read and verified. It is in memory: the files may go.
pub struct Snapshot {
    manifest: Manifest,
    /// SHA-256 of the manifest's file.
    manifest_sum: String,
    /// The files of this snapshot and of those it builds on.
    files: Vec<Bytes>,
    tensors: HashMap<(File, String), Place>,
    /// Of tensors that hold changes: what these change, the oldest first.
    before: HashMap<(File, String), Vec<Place>>,
}

/// A tensor of a snapshot. Of a table in a delta it is what changed.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub struct SnapshotTensor<'a> {
    /// The file that it belongs to.
    pub file: &'static str,
    /// Its name, as `docs/snapshot-format.md` has it.
    pub name: &'a str,
    /// The type of its elements.
    pub dtype: DType,
    /// Its whole shape.
    pub shape: &'a [usize],
    /// Its elements, row-major and little-endian.
    pub data: &'a [u8],
}

#[derive(Clone)]
struct Place {
    dtype: DType,
    shape: Vec<usize>,
    file: usize,
    range: Range<usize>,
}

impl Place {
    /// The shape of one row.
    fn row(&self) -> Option<&[usize]> {
        self.shape.get(1..)
    }
}

/// A folder whose subfolders are snapshots, each called by its version.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Siblings<'a> {
    pub(crate) storage: &'a dyn Storage,
    pub(crate) folder: &'a Path,
    /// The one file to be read of each, for who needs no other.
    pub(crate) only: Option<File>,
}

impl Siblings<'_> {
    pub(crate) fn path(&self, version: VersionId) -> PathBuf {
        self.folder.join(version.to_string())
    }

    /// Reads the snapshot of a version. `manifest` is the SHA-256 that its manifest must have, if that is known.
    pub(crate) fn read(&self, version: VersionId, manifest: Option<&str>) -> Result<Snapshot> {
        self.chain(&self.path(version), Some(version), manifest, MOST_DELTAS)
    }

    /// What a snapshot says of itself; its tensors are not read.
    pub(crate) fn about(&self, version: VersionId) -> Result<(Head, Option<VersionId>, u64)> {
        let (manifest, ..) = self.manifest(&self.path(version), Some(version), None)?;
        let bytes = manifest.files.values().map(|file| file.bytes).sum();
        Ok((manifest.head, manifest.base.map(|base| base.version), bytes))
    }

    fn chain(&self, path: &Path, version: Option<VersionId>, sum: Option<&str>, deltas: u32) -> Result<Snapshot> {
        let (manifest, manifest_sum, _lock) = self.manifest(path, version, sum)?;
        let base =
            match &manifest.base {
                None => None,
                Some(BaseRef { version, sha256, deltas: stated }) => {
                    let wrong = |context: String| invalid(OPERATION, format!("{}: {context}", path.join(MANIFEST).display()));
                    if *stated == 0 || *stated > deltas {
                        return Err(wrong(format!("its chain of deltas is longer than it says, or than {MOST_DELTAS}")));
                    }
                    let base = self.chain(&self.path(*version), Some(*version), Some(sha256), stated - 1);
                    Some(base.map_err(|error| {
                        wrong(format!("it is a delta, and what it builds on cannot be read: {version}")).with_source(error)
                    })?)
                }
            };
        let place = |name: &str| path.join(name).display().to_string();
        Snapshot::new(manifest, manifest_sum, base, self.only, place, |file, bytes| {
            Ok(self.storage.read(&path.join(file.name()), bytes)?.into())
        })
    }

    /// The manifest, its SHA-256, and what keeps the snapshot from being removed while it is read.
    fn manifest(&self, path: &Path, version: Option<VersionId>, sum: Option<&str>) -> Result<(Manifest, String, Box<dyn Lock>)> {
        let place = path.join(MANIFEST);
        let named = place.display().to_string();
        let gone = |error: io::Error| invalid(OPERATION, format!("{named}: it cannot be read")).with_source(error);
        let lock = self.storage.lock(&place, LockMode::Shared).map_err(gone)?;
        let lock = lock.ok_or_else(|| gone(io::Error::new(io::ErrorKind::NotFound, "the snapshot is being removed")))?;
        let json = self.storage.read(&place, LONGEST_MANIFEST).map_err(gone)?;
        let found = hex(&Sha256::digest(&json));
        if sum.is_some_and(|sum| sum != found) {
            return Err(invalid(OPERATION, format!("{named}: its SHA-256 is {found}, not the one by which it is referred to")));
        }
        let hash = path.join(HASH);
        let stated = self.storage.read(&hash, 4096);
        let stated = stated.map_err(|error| invalid(OPERATION, format!("{}: it cannot be read", hash.display())).with_source(error))?;
        let manifest = unsealed(&json, &found, &stated, |name| path.join(name).display().to_string())?;
        if version.is_some_and(|version| version != manifest.head.version) {
            return Err(invalid(
                OPERATION,
                format!("{named}: it is of version {}, which its folder is not called by", manifest.head.version),
            ));
        }
        Ok((manifest, found, lock))
    }
}

impl Snapshot {
    /// Reads and verifies the snapshot in this folder. What it builds on, if it is a delta, lies beside the folder.
    ///
    /// # Errors
    /// `InvalidSnapshot`, naming the file, if anything is missing, damaged, or contradicts the manifest.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        let path = path.as_ref();
        let beside = path.parent().unwrap_or(Path::new(""));
        Siblings { storage: &FileSystem, folder: beside, only: None }.chain(path, None, None, MOST_DELTAS)
    }

    /// Reads and verifies a snapshot that a checkpoint wrote into a stream, which ends with it. No more is allocated than the
    /// stream has.
    ///
    /// # Errors
    /// `Io` if the stream cannot be read; `InvalidSnapshot`, naming the file, if anything is missing, damaged, or contradicts the
    /// manifest.
    pub fn read(mut from: impl Read) -> Result<Self> {
        let mut archive = Vec::new();
        from.read_to_end(&mut archive)
            .map_err(|error| Error::new(ErrorKind::Io, OPERATION, "the stream of a checkpoint cannot be read").with_source(error))?;
        Self::unpack(archive)
    }

    /// As [`Snapshot::read`], of what a stream held.
    pub(crate) fn unpack(archive: Vec<u8>) -> Result<Self> {
        let mut archive = Unpacking::new(archive.into());
        let place = |name: &str| format!("checkpoint: {name}");
        let wrong = |name: &str, error: io::Error| invalid(OPERATION, format!("{}: it cannot be read", place(name))).with_source(error);
        let json = archive.file(MANIFEST).map_err(|error| wrong(MANIFEST, error))?;
        let stated = archive.file(HASH).map_err(|error| wrong(HASH, error))?;
        let sum = hex(&Sha256::digest(&json));
        let manifest = unsealed(&json, &sum, &stated, place)?;
        if manifest.base.is_some() {
            return Err(invalid(
                OPERATION,
                format!("{}: it is a delta, and a checkpoint holds nothing that it could build on", place(MANIFEST)),
            ));
        }
        let snapshot = Self::new(manifest, sum, None, None, place, |file, _| archive.file(file.name()))?;
        archive.end().map_err(|error| wrong("its end", error))?;
        Ok(snapshot)
    }

    /// `read` gives a file's content, which is not trusted, and `place` says where that is; of a length, no more than that is read.
    fn new(
        manifest: Manifest,
        manifest_sum: String,
        base: Option<Self>,
        only: Option<File>,
        place: impl Fn(&str) -> String,
        mut read: impl FnMut(File, u64) -> io::Result<Bytes>,
    ) -> Result<Self> {
        let (mut files, mut known, mut known_before) = base.map_or_else(Default::default, |base| (base.files, base.tensors, base.before));
        let mut before = HashMap::new();
        let mut tensors = HashMap::new();
        let wanted = |file: File| only.is_none_or(|only| only == file);
        for (file, entry) in manifest.files.iter().filter(|(file, _)| wanted(**file)) {
            let wrong = |context: String| invalid(OPERATION, format!("{}: {context}", place(file.name())));
            let content = read(*file, entry.bytes).map_err(|error| wrong("it cannot be read".into()).with_source(error))?;
            let found = hex(&Sha256::digest(&content));
            if content.len() as u64 != entry.bytes || found != entry.sha256 {
                let context = format!(
                    "it was altered or cut: {} bytes with SHA-256 {found}, the manifest says {} and {}",
                    content.len(),
                    entry.bytes,
                    entry.sha256
                );
                return Err(wrong(context));
            }
            let listed = manifest.tensors.iter().filter(|tensor| tensor.file == *file && !tensor.unchanged);
            places(&content, files.len(), listed, &mut tensors).map_err(wrong)?;
            files.push(content);
        }
        for tensor in manifest.tensors.iter().filter(|tensor| (tensor.unchanged || tensor.changes) && wanted(tensor.file)) {
            let key = (tensor.file, tensor.name.clone());
            let mut earlier = known_before.remove(&key).unwrap_or_default();
            match known.remove(&key) {
                Some(place) if tensor.changes && place.dtype == tensor.dtype && place.row() == tensor.shape.get(1..) => {
                    earlier.push(place);
                    before.insert(key, earlier);
                    continue;
                }
                Some(place) if earlier.is_empty() && tensor.unchanged && place.dtype == tensor.dtype && place.shape == tensor.shape => {
                    tensors.insert(key, place)
                }
                _ => {
                    let context = format!("{}: its base does not have the tensor {}", place(MANIFEST), tensor.name);
                    return Err(invalid(OPERATION, context));
                }
            };
        }
        Ok(Self { manifest, manifest_sum, files, tensors, before })
    }

    /// The version.
    pub fn version(&self) -> VersionId {
        self.manifest.head.version
    }

    /// The version that its lineage departed from; `None` if it began with a bundle's own values.
    pub fn parent(&self) -> Option<VersionId> {
        self.manifest.head.parent
    }

    /// The snapshot that it builds on, if it is a delta.
    pub fn base(&self) -> Option<VersionId> {
        self.manifest.base.as_ref().map(|base| base.version)
    }

    /// When the version was taken, by the clock of the machine that did.
    pub fn time(&self) -> SystemTime {
        time(self.manifest.head.time)
    }

    /// The steps that the optimizer counts.
    pub fn steps(&self) -> u64 {
        self.manifest.head.steps
    }

    /// The name of the bundle that it belongs to.
    pub fn bundle_name(&self) -> &str {
        &self.manifest.head.bundle.name
    }

    /// The identity of the bundle that it belongs to: [`Bundle::identity`](crate::bundle::Bundle::identity).
    pub fn bundle_identity(&self) -> &str {
        &self.manifest.head.bundle.identity
    }

    /// Parameters and state by name, in the bundle's order: dtype, shape, and elements, row-major and little-endian.
    pub fn values(&self) -> impl Iterator<Item = (&str, DType, &[usize], &[u8])> {
        let listed = self.manifest.tensors.iter().filter(|tensor| tensor.file == File::Model);
        listed.filter_map(|tensor| {
            self.tensor(File::Model, &tensor.name).map(|(dtype, shape, data)| (tensor.name.as_str(), dtype, shape, data))
        })
    }

    /// All tensors, in the manifest's order: parameters, state, the rows of tables, and what only a trainer needs.
    pub fn tensors(&self) -> impl Iterator<Item = SnapshotTensor<'_>> {
        self.manifest.tensors.iter().filter_map(|entry| {
            let (dtype, shape, data) = self.tensor(entry.file, &entry.name)?;
            Some(SnapshotTensor { file: entry.file.name(), name: &entry.name, dtype, shape, data })
        })
    }

    /// Where the host was in its stream, as it said with its last step.
    pub fn position(&self) -> Option<&[u8]> {
        self.tensor(File::Training, POSITION).map(|(.., bytes)| bytes)
    }

    pub(crate) fn manifest_sum(&self) -> &str {
        &self.manifest_sum
    }

    pub(crate) fn head(&self) -> &Head {
        &self.manifest.head
    }

    pub(crate) fn tensor(&self, file: File, name: &str) -> Option<(DType, &[usize], &[u8])> {
        self.at(self.tensors.get(&(file, name.to_owned()))?)
    }

    /// What the snapshots below a delta have of a tensor that holds changes, the oldest first, and the tensor itself.
    pub(crate) fn parts(&self, file: File, name: &str) -> Vec<(DType, &[usize], &[u8])> {
        let key = (file, name.to_owned());
        let before = self.before.get(&key).into_iter().flatten();
        before.chain(self.tensors.get(&key)).filter_map(|place| self.at(place)).collect()
    }

    fn at<'s>(&'s self, place: &'s Place) -> Option<(DType, &'s [usize], &'s [u8])> {
        Some((place.dtype, &place.shape, self.files.get(place.file)?.get(place.range.clone())?))
    }

    /// The names of all tensors of a file.
    pub(crate) fn names(&self, file: File) -> impl Iterator<Item = &str> {
        self.manifest.tensors.iter().filter(move |tensor| tensor.file == file).map(|tensor| tensor.name.as_str())
    }
}

impl fmt::Debug for Snapshot {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Snapshot").field("version", &self.version()).field("tensors", &self.tensors.len()).finish_non_exhaustive()
    }
}

/// The manifest, if its SHA-256 is the one that is stated beside it.
fn unsealed(json: &[u8], sum: &str, stated: &[u8], place: impl Fn(&str) -> String) -> Result<Manifest> {
    let (named, hash) = (place(MANIFEST), place(HASH));
    if stated != stated_hash(sum).as_bytes() {
        let context = format!("{named} or {hash}: one of them was altered or cut: the manifest's SHA-256 is {sum}");
        return Err(invalid(OPERATION, context));
    }
    Manifest::parse(json, OPERATION, &named)
}

/// Finds the tensors of a file, which must hold those that are listed and no others; `Err` says what is wrong with it.
fn places<'a>(
    content: &[u8],
    file: usize,
    listed: impl Iterator<Item = &'a TensorEntry>,
    tensors: &mut HashMap<(File, String), Place>,
) -> Result<(), String> {
    let found = SafeTensors::deserialize(content).map_err(|error| format!("it is no safetensors file: {error}"))?;
    let mut count = 0;
    for TensorEntry { file: kind, name, dtype, shape, .. } in listed {
        let tensor = found.tensor(name).map_err(|_| format!("it lacks {name}"))?;
        if Some(tensor.dtype()) != dtype.safetensors() || tensor.shape() != shape {
            let (found, found_shape) = (tensor.dtype(), tensor.shape());
            return Err(format!("{name} is {found:?} {found_shape:?}, the manifest says {dtype} {shape:?}"));
        }
        let start = tensor.data().as_ptr() as usize - content.as_ptr() as usize;
        let place = Place { dtype: *dtype, shape: shape.clone(), file, range: start..start + tensor.data().len() };
        tensors.insert((*kind, name.clone()), place);
        count += 1;
    }
    match found.len() == count {
        true => Ok(()),
        false => Err(format!("it has {} tensors, the manifest lists {count}", found.len())),
    }
}

/// The instant of so many milliseconds since 1970; never beyond what the platform can say.
pub(crate) fn time(milliseconds: u64) -> SystemTime {
    SystemTime::UNIX_EPOCH.checked_add(Duration::from_millis(milliseconds)).unwrap_or(SystemTime::UNIX_EPOCH)
}
