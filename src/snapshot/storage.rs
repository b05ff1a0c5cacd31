//! What a store asks of the place that keeps its files.

use std::fmt::Debug;
use std::io::{self, Write};
use std::path::Path;

/// Files and folders, and the calls that make them last: few enough that a test can fail, or cut the power, at each.
///
/// [`FileSystem`](super::FileSystem) is the one that programs use.
pub trait Storage: Debug + Send + Sync {
    /// Creates a file, or empties the one that is there, to be written from its beginning.
    fn create(&self, path: &Path) -> io::Result<Box<dyn WriteFile>>;

    /// Creates a folder; an error of kind `AlreadyExists` if it is there.
    fn create_dir(&self, path: &Path) -> io::Result<()>;

    /// Gives a file or folder another name in one instant. A file at `to` is replaced.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Removes a file.
    fn remove_file(&self, path: &Path) -> io::Result<()>;

    /// Removes an empty folder.
    fn remove_dir(&self, path: &Path) -> io::Result<()>;

    /// The names in a folder, in any order.
    fn list(&self, path: &Path) -> io::Result<Vec<String>>;

    /// The whole content of a file, which must be one and no link. An error, and no allocation, if it is longer than `most`.
    fn read(&self, path: &Path, most: u64) -> io::Result<Vec<u8>>;

    /// Returns when the names in a folder will outlast a power cut.
    fn sync_dir(&self, path: &Path) -> io::Result<()>;

    /// Locks a file against others, in this process and in all others; `None` if one of them holds a lock that excludes this
    /// one. The lock ends with the value that is returned, and with the process.
    fn lock(&self, path: &Path, mode: LockMode) -> io::Result<Option<Box<dyn Lock>>>;
}

/// A file being written.
pub trait WriteFile: Write + Send {
    /// Returns when all that was written will outlast a power cut.
    fn sync(&mut self) -> io::Result<()>;
}

/// How a file is locked.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum LockMode {
    /// Beside others that share it.
    Shared,
    /// Alone.
    Exclusive,
    /// Alone; the file is created if there is none.
    Owner,
}

/// Holds a lock until it is dropped.
pub trait Lock: Debug + Send + Sync {
    /// Whether the path still leads to the file that was locked.
    fn is_in_place(&self) -> bool;
}
