//! A folder of snapshots, and the pointer to the line of learning that counts.
//!
//! ```text
//! model/
//!   store.json                     that this is such a folder, and its format
//!   latest                         the version saved last, and the SHA-256 of its manifest
//!   lock                           locked by the one writer, and who that is
//!   snapshots/<lineage>-<number>/  one snapshot each
//! ```
//!
//! A snapshot is written under another name, synced, renamed, and the folder synced; only then the pointer moves, in the same
//! way. So a power cut at any moment leaves the last snapshot, or a newer complete one.

use std::fmt;
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use serde::{Deserialize, Serialize};

use super::filesystem::FileSystem;
use super::manifest::Head;
use super::pointer::Pointer;
use super::read::{MANIFEST, Siblings, Snapshot, time};
use super::storage::{LockMode, Storage};
use super::tensors::{Entry, File};
use super::write::{self, Base, Deltas, Written};
use super::{VersionId, invalid};
use crate::error::{Error, ErrorKind, Result};

const OPERATION: &str = "open store";
const FORMAT: u64 = 1;
const KIND: &str = "streamgrad store";

const MARKER: &str = "store.json";
const POINTER: &str = "latest";
pub(crate) const LOCK: &str = "lock";
const SNAPSHOTS: &str = "snapshots";
/// What begins so is not finished, or not wanted any more.
const UNFINISHED: &str = ".new-";
const REMOVED: &str = ".removed-";

/// How often a reader looks again when the snapshot that it reads is replaced and removed under it.
const ATTEMPTS: usize = 10;

/// The folder of a store, to be read: beside its writer, in any process, in any number.
#[derive(Clone)]
pub struct SnapshotFolder {
    storage: Arc<dyn Storage>,
    root: PathBuf,
    snapshots: PathBuf,
}

/// A snapshot that a folder keeps.
#[derive(Clone, Debug, PartialEq, Eq)]
#[non_exhaustive]
pub struct KeptVersion {
    /// The version.
    pub version: VersionId,
    /// When it was taken.
    pub time: SystemTime,
    /// Bytes of its tensors' files, without those of what it builds on.
    pub bytes: u64,
    /// What it builds on, if it is a delta.
    pub base: Option<VersionId>,
}

impl KeptVersion {
    pub(crate) fn new(version: VersionId, time: SystemTime, bytes: u64, base: Option<VersionId>) -> Self {
        Self { version, time, bytes, base }
    }
}

#[derive(Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
struct Marker {
    format: u64,
    kind: String,
}

impl SnapshotFolder {
    /// Opens the folder of a store.
    ///
    /// # Errors
    /// `InvalidSnapshot` if it is no such folder, or one of a newer format.
    pub fn open(path: impl AsRef<Path>) -> Result<Self> {
        Self::open_in(Arc::new(FileSystem), path.as_ref())
    }

    /// As [`SnapshotFolder::open`], where a store keeps its files elsewhere than in this machine's file system.
    pub fn open_in(storage: Arc<dyn Storage>, path: impl AsRef<Path>) -> Result<Self> {
        let folder = Self::at(storage, path.as_ref());
        folder.check()?;
        Ok(folder)
    }

    pub(crate) fn at(storage: Arc<dyn Storage>, root: &Path) -> Self {
        Self { storage, root: root.to_owned(), snapshots: root.join(SNAPSHOTS) }
    }

    /// The folder itself.
    pub fn path(&self) -> &Path {
        &self.root
    }

    /// The version that a trainer would go on from; `None` as long as nothing was saved. Reads the pointer and the folder's
    /// list, no snapshot: cheap enough to be asked once a second.
    pub fn newest_version(&self) -> Result<Option<VersionId>> {
        Ok(self.newest_pointer()?.map(|(version, _)| version))
    }

    /// Reads the snapshot that a trainer would go on from; `None` as long as nothing was saved.
    ///
    /// # Errors
    /// `InvalidSnapshot`, naming the file, if it is damaged; older versions can still be read.
    pub fn newest(&self) -> Result<Option<Snapshot>> {
        let mut attempt = 1;
        loop {
            let Some((version, manifest)) = self.newest_pointer()? else { return Ok(None) };
            match self.siblings().read(version, manifest.as_deref()) {
                Ok(snapshot) => return Ok(Some(snapshot)),
                // The writer may have removed it meanwhile; then there is a newer one.
                Err(_) if attempt < ATTEMPTS && self.newest_version()? != Some(version) => attempt += 1,
                Err(error) => return Err(error),
            }
        }
    }

    /// Reads the snapshot of a version.
    ///
    /// # Errors
    /// `InvalidInput` if it is not kept (any more); `InvalidSnapshot`, naming the file, if it is damaged.
    pub fn read(&self, version: VersionId) -> Result<Snapshot> {
        self.read_by(self.siblings(), version)
    }

    /// As [`SnapshotFolder::read`], but only what predicts: parameters and state.
    pub(crate) fn read_model(&self, version: VersionId) -> Result<Snapshot> {
        self.read_by(Siblings { only: Some(File::Model), ..self.siblings() }, version)
    }

    fn read_by(&self, siblings: Siblings<'_>, version: VersionId) -> Result<Snapshot> {
        let read = siblings.read(version, None);
        match read {
            Err(_) if !self.names()?.contains(&version) => {
                let context = format!("{} keeps no version {version}; it has {}", self.root.display(), self.kept()?);
                Err(Error::input("open snapshot", context))
            }
            read => read,
        }
    }

    /// What the folder keeps, the oldest first. A damaged snapshot is left out, and logged.
    pub fn versions(&self) -> Result<Vec<KeptVersion>> {
        let mut versions = Vec::new();
        for version in self.names()? {
            match self.siblings().about(version) {
                Ok((head, base, bytes)) => versions.push(KeptVersion::new(version, time(head.time), bytes, base)),
                Err(error) => tracing::warn!(%version, %error, "a snapshot cannot be read"),
            }
        }
        versions.sort_by_key(|kept| (kept.time, kept.version));
        Ok(versions)
    }

    fn siblings(&self) -> Siblings<'_> {
        Siblings { storage: &*self.storage, folder: &self.snapshots, only: None }
    }

    /// The versions in the folder, for a message.
    fn kept(&self) -> Result<String> {
        let names: Vec<String> = self.versions()?.iter().map(|kept| kept.version.to_string()).collect();
        Ok(if names.is_empty() { "none".into() } else { names.join(", ") })
    }

    /// The version to go on from, and the SHA-256 of its manifest if the pointer says it.
    fn newest_pointer(&self) -> Result<Option<(VersionId, Option<String>)>> {
        let pointer = self.pointer()?;
        let names = self.names()?;
        let lineage = match &pointer {
            Some(pointer) => pointer.version.lineage,
            None => match names.first() {
                None => return Ok(None),
                Some(first) if names.iter().all(|name| name.lineage == first.lineage) => first.lineage,
                Some(_) => {
                    let context = format!(
                        "{}: the pointer {POINTER} is missing, and the snapshots are of several lineages; restore one of {}",
                        self.root.display(),
                        self.kept()?
                    );
                    return Err(invalid(OPERATION, context));
                }
            },
        };
        // One that is newer in the same line was complete before its name was there; only the pointer had no time to move.
        let newest = names.into_iter().filter(|name| name.lineage == lineage).max();
        match (pointer, newest) {
            (Some(pointer), Some(newest)) if newest == pointer.version => Ok(Some((newest, Some(pointer.manifest)))),
            (Some(pointer), newest) if newest.is_none_or(|newest| newest < pointer.version) => {
                let context = format!(
                    "{}: it names version {}, which is not there; copy the folder again, or restore one of {}",
                    self.root.join(POINTER).display(),
                    pointer.version,
                    self.kept()?
                );
                Err(invalid(OPERATION, context))
            }
            (_, newest) => Ok(newest.map(|newest| (newest, None))),
        }
    }

    fn pointer(&self) -> Result<Option<Pointer>> {
        let path = self.root.join(POINTER);
        let bytes = match self.storage.read(&path, 4096) {
            Ok(bytes) => bytes,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(invalid(OPERATION, format!("{}: it cannot be read", path.display())).with_source(error)),
        };
        let parsed = Pointer::parse(&bytes);
        parsed
            .map(Some)
            .ok_or_else(|| invalid(OPERATION, format!("{}: it was altered or cut; restore a version by its name", path.display())))
    }

    /// The versions that have a complete snapshot, in any order.
    pub(crate) fn names(&self) -> Result<Vec<VersionId>> {
        let listed = self.storage.list(&self.snapshots);
        let names = match listed {
            Ok(names) => names,
            Err(error) if error.kind() == io::ErrorKind::NotFound => Vec::new(),
            Err(error) => return Err(self.failed(error)),
        };
        Ok(names.iter().filter_map(|name| name.parse().ok()).collect())
    }

    fn failed(&self, error: io::Error) -> Error {
        Error::new(ErrorKind::Io, "use store", self.root.display().to_string()).with_source(error)
    }

    /// Whether this is the folder of a store, and of a format that is known here.
    fn check(&self) -> Result<()> {
        let path = self.root.join(MARKER);
        let wrong = |context: String| invalid(OPERATION, format!("{}: {context}", path.display()));
        let bytes = self
            .storage
            .read(&path, 4096)
            .map_err(|error| wrong(format!("it cannot be read; is {} the folder of a store?", self.root.display())).with_source(error))?;
        let value: serde_json::Value = serde_json::from_slice(&bytes).map_err(|error| wrong("it is not JSON".into()).with_source(error))?;
        if let Some(format) = value.get("format").and_then(serde_json::Value::as_u64)
            && format != FORMAT
        {
            return Err(wrong(format!("this library reads format {FORMAT}, the store has format {format}; use matching versions")));
        }
        match serde_json::from_value::<Marker>(value) {
            Ok(Marker { format: FORMAT, kind }) if kind == KIND => Ok(()),
            _ => Err(wrong("it does not describe a store".into())),
        }
    }
}

/// What only the writer does, who holds the lock.
impl SnapshotFolder {
    /// Makes the folder itself, unless it is there.
    pub(crate) fn create_root(&self) -> Result<()> {
        match self.storage.create_dir(&self.root) {
            Ok(()) => {
                let parent = self.root.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
                self.storage.sync_dir(parent).map_err(|error| self.failed(error))
            }
            Err(error) if error.kind() == io::ErrorKind::AlreadyExists => self.refuse_foreign(),
            Err(error) => {
                let context = format!("{} cannot be created; does the folder above it exist?", self.root.display());
                Err(Error::new(ErrorKind::Io, OPERATION, context).with_source(error))
            }
        }
    }

    /// Refuses a folder with files of something else: not to mix, and not to take a wrong path for an empty store.
    fn refuse_foreign(&self) -> Result<()> {
        let names = self.storage.list(&self.root).map_err(|error| self.failed(error))?;
        if names.iter().any(|name| name == MARKER) {
            return self.check();
        }
        // A store whose first moments were its last has these.
        let ours = [LOCK, SNAPSHOTS, &unfinished(MARKER)].map(str::to_owned);
        match names.iter().find(|name| !ours.contains(name)) {
            None => Ok(()),
            Some(name) => {
                let context = format!(
                    "{} is not the folder of a store: it has no {MARKER}, but {name}; name an empty or a new folder",
                    self.root.display()
                );
                Err(invalid(OPERATION, context))
            }
        }
    }

    /// Makes it the folder of a store, if it is not yet one, and removes what an earlier writer left unfinished.
    pub(crate) fn prepare(&self) -> Result<()> {
        let fresh = || -> io::Result<()> {
            let there = self.storage.list(&self.root)?;
            if !there.iter().any(|name| name == SNAPSHOTS) {
                self.storage.create_dir(&self.snapshots)?;
            }
            if !there.iter().any(|name| name == MARKER) {
                let marker = serde_json::to_vec(&Marker { format: FORMAT, kind: KIND.into() })?;
                self.replace(MARKER, &marker)?;
            }
            self.clean()
        };
        fresh().map_err(|error| self.failed(error))
    }

    /// Writes a snapshot and, if it is the `newest`, lets the pointer name it. Gives back what a delta can build on.
    pub(crate) fn publish(&self, head: Head, entries: &[Entry], deltas: Deltas<'_>, newest: bool) -> Result<Option<Base>> {
        let version = head.version;
        self.clean().map_err(|error| self.failed(error))?;
        let (manifest, base) = match self.names()?.contains(&version) {
            // An earlier attempt failed when only the pointer was left to do.
            true => (self.siblings().read(version, None)?.manifest_sum().to_owned(), None),
            false => {
                let written = self.write(head, entries, deltas).inspect_err(|_| {
                    // As good as it goes, for instance to give a full disk its room back; the next attempt cleans up anyway.
                    let _ = self.clean();
                })?;
                (written.manifest, written.base)
            }
        };
        let point = || {
            self.storage.sync_dir(&self.snapshots)?;
            if newest { self.replace(POINTER, Pointer { version, manifest }.to_string().as_bytes()) } else { Ok(()) }
        };
        point().map_err(|error| self.failed(error))?;
        Ok(base)
    }

    /// Writes a snapshot under another name, and then gives it its own.
    fn write(&self, head: Head, entries: &[Entry], deltas: Deltas<'_>) -> Result<Written> {
        let name = head.version.to_string();
        let unfinished = self.snapshots.join(unfinished(&name));
        let written = write::write(&*self.storage, &unfinished, head, entries, deltas)?;
        self.storage.rename(&unfinished, &self.snapshots.join(name)).map_err(|error| self.failed(error))?;
        Ok(written)
    }

    /// Removes a snapshot, unless it is being read.
    pub(crate) fn remove(&self, version: VersionId) -> Result<bool> {
        let path = self.siblings().path(version);
        let remove = || {
            let Some(_lock) = self.storage.lock(&path.join(MANIFEST), LockMode::Exclusive)? else { return Ok(false) };
            let removed = self.snapshots.join(format!("{REMOVED}{version}"));
            self.storage.rename(&path, &removed)?;
            self.remove_folder(&removed).map(|()| true)
        };
        remove().map_err(|error| self.failed(error))
    }

    /// Removes what is unfinished, and what could not be removed to its end.
    fn clean(&self) -> io::Result<()> {
        for name in self.storage.list(&self.snapshots)? {
            if name.starts_with(UNFINISHED) || name.starts_with(REMOVED) {
                self.remove_folder(&self.snapshots.join(name))?;
            }
        }
        Ok(())
    }

    fn remove_folder(&self, folder: &Path) -> io::Result<()> {
        for file in self.storage.list(folder)? {
            self.storage.remove_file(&folder.join(file))?;
        }
        self.storage.remove_dir(folder)
    }

    /// Replaces a small file of the root in one instant, for good.
    fn replace(&self, name: &str, content: &[u8]) -> io::Result<()> {
        let unfinished = self.root.join(unfinished(name));
        let mut file = self.storage.create(&unfinished)?;
        file.write_all(content)?;
        file.sync()?;
        drop(file);
        self.storage.rename(&unfinished, &self.root.join(name))?;
        self.storage.sync_dir(&self.root)
    }
}

fn unfinished(name: &str) -> String {
    format!("{UNFINISHED}{name}")
}

impl fmt::Debug for SnapshotFolder {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("SnapshotFolder").field(&self.root).finish()
    }
}
