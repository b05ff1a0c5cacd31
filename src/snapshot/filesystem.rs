//! The files of this machine.

use std::fs::{self, DirBuilder, File, OpenOptions, TryLockError};
use std::io::{self, Read, Write};
use std::os::fd::AsRawFd;
use std::os::unix::fs::{MetadataExt, OpenOptionsExt};
use std::path::{Path, PathBuf};

use super::storage::{Lock, LockMode, Storage, WriteFile};

/// Follow no link out of the folder, and do not wait for the writer of a pipe.
const CAREFULLY: i32 = libc::O_NOFOLLOW | libc::O_NONBLOCK;

/// After so many bytes the disk is asked to begin with them.
const WRITE_BACK: u64 = 4 << 20;

/// The file system, with `fsync` and `flock`.
#[derive(Clone, Copy, Debug, Default)]
pub struct FileSystem;

impl Storage for FileSystem {
    fn create(&self, path: &Path) -> io::Result<Box<dyn WriteFile>> {
        Ok(Box::new(Output { file: File::create(path)?, written: 0, begun: 0 }))
    }

    fn create_dir(&self, path: &Path) -> io::Result<()> {
        DirBuilder::new().create(path)
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        fs::remove_dir(path)
    }

    fn list(&self, path: &Path) -> io::Result<Vec<String>> {
        fs::read_dir(path)?.map(|entry| Ok(entry?.file_name().to_string_lossy().into_owned())).collect()
    }

    fn read(&self, path: &Path, most: u64) -> io::Result<Vec<u8>> {
        let file = OpenOptions::new().read(true).custom_flags(CAREFULLY).open(path)?;
        let metadata = file.metadata()?;
        if !metadata.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "it is no file"));
        }
        if metadata.len() > most {
            return Err(io::Error::new(io::ErrorKind::FileTooLarge, format!("it has {} bytes, more than {most}", metadata.len())));
        }
        let mut bytes = Vec::new();
        bytes.try_reserve_exact(metadata.len() as usize)?;
        file.take(metadata.len()).read_to_end(&mut bytes)?;
        Ok(bytes)
    }

    fn sync_dir(&self, path: &Path) -> io::Result<()> {
        File::open(path)?.sync_all()
    }

    fn lock(&self, path: &Path, mode: LockMode) -> io::Result<Option<Box<dyn Lock>>> {
        loop {
            let owner = mode == LockMode::Owner;
            let file = OpenOptions::new().read(true).write(owner).create(owner).custom_flags(CAREFULLY).open(path)?;
            let locked = if mode == LockMode::Shared { file.try_lock_shared() } else { file.try_lock() };
            match locked {
                Ok(()) => {}
                Err(TryLockError::WouldBlock) => return Ok(None),
                Err(TryLockError::Error(error)) => return Err(error),
            }
            let lock = FileLock { file, path: path.to_owned() };
            // Between opening and locking, its owner may have removed it: then nobody else will see this lock.
            if lock.is_in_place() {
                return Ok(Some(Box::new(lock)));
            }
        }
    }
}

#[derive(Debug)]
struct Output {
    file: File,
    written: u64,
    /// So much of it is on its way to the disk.
    begun: u64,
}

impl Output {
    /// Lets the disk begin with what was written, so that the sync at the end has little left to wait for.
    fn begin_writing_back(&mut self) {
        let (from, length) = (self.begun as i64, (self.written - self.begun) as i64);
        // SAFETY: the descriptor is open; the call only looks at its numbers. It is a hint, so that its failure is none.
        unsafe { libc::sync_file_range(self.file.as_raw_fd(), from, length, libc::SYNC_FILE_RANGE_WRITE) };
        self.begun = self.written;
    }
}

impl Write for Output {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.written += written as u64;
        if self.written - self.begun >= WRITE_BACK {
            self.begin_writing_back();
        }
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

impl WriteFile for Output {
    fn sync(&mut self) -> io::Result<()> {
        self.file.sync_all()
    }
}

/// `flock`, which the operating system frees when the file is closed, however that comes about.
#[derive(Debug)]
struct FileLock {
    file: File,
    path: PathBuf,
}

impl Lock for FileLock {
    fn is_in_place(&self) -> bool {
        let (Ok(held), Ok(there)) = (self.file.metadata(), fs::metadata(&self.path)) else { return false };
        held.dev() == there.dev() && held.ino() == there.ino()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_files_and_nothing_else() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("file");
        fs::write(&path, b"12345").unwrap();
        assert_eq!(FileSystem.read(&path, 5).unwrap(), b"12345");
        assert_eq!(FileSystem.read(&path, 4).unwrap_err().kind(), io::ErrorKind::FileTooLarge);
        assert!(FileSystem.read(folder.path(), 5).is_err());
        std::os::unix::fs::symlink(&path, folder.path().join("link")).unwrap();
        assert!(FileSystem.read(&folder.path().join("link"), 5).is_err());
        assert!(FileSystem.read(Path::new("/dev/zero"), 5).is_err());
    }

    #[test]
    fn locks_exclude_each_other() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("lock");
        let lock = |mode| FileSystem.lock(&path, mode).unwrap();
        let owner = lock(LockMode::Owner);
        assert!(owner.as_ref().unwrap().is_in_place());
        assert!(lock(LockMode::Owner).is_none() && lock(LockMode::Shared).is_none());
        drop(owner);
        let shared = [lock(LockMode::Shared), lock(LockMode::Shared)];
        assert!(shared.iter().all(Option::is_some) && lock(LockMode::Exclusive).is_none());
        fs::remove_file(&path).unwrap();
        assert!(!shared[0].as_ref().unwrap().is_in_place());
        assert_eq!(FileSystem.lock(&path, LockMode::Shared).unwrap_err().kind(), io::ErrorKind::NotFound);
    }
}
