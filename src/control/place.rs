//! Where the socket of a store's folder is.

use std::fs::{self, DirBuilder, File, Permissions};
use std::io;
use std::os::fd::AsRawFd;
use std::os::unix::fs::{DirBuilderExt, FileTypeExt, MetadataExt, PermissionsExt};
use std::os::unix::net::{UnixListener, UnixStream};
use std::path::{Path, PathBuf};

use serde::{Deserialize, Serialize};
use tempfile::TempDir;

const SOCKET: &str = "control.sock";
/// Where the socket is, if it is elsewhere.
const NOTE: &str = "control.path";
/// Where a socket waits for its mode. The folder has one writer, so one name is enough.
const NURSERY: &str = ".control";
/// The bytes of a socket's path that the operating system takes.
const LONGEST: usize = 107;
const ONLY_THE_USER: u32 = 0o600;
const PRIVATE: &str = "streamgrad-";

/// The content of the note. A copy of the folder is not the folder: the device and inode tell.
#[derive(Serialize, Deserialize)]
struct Note {
    socket: PathBuf,
    device: u64,
    inode: u64,
}

/// A socket's file, which goes with it.
#[derive(Debug)]
pub(super) struct Place {
    socket: PathBuf,
    note: Option<PathBuf>,
    inode: u64,
    /// Of a socket that is elsewhere.
    _private: Option<TempDir>,
}

impl Place {
    /// Removes what a process left that died, and listens. The caller is the one writer of the folder.
    pub(super) fn bind(folder: &Path) -> io::Result<(UnixListener, Self)> {
        let folder = folder.canonicalize()?;
        let socket = folder.join(SOCKET);
        remove_dead(&folder)?;
        if socket.as_os_str().len() <= LONGEST {
            match bind(&folder, &socket) {
                Ok(listener) => return Ok((listener, Self { inode: inode(&socket)?, socket, note: None, _private: None })),
                Err(error) => tracing::debug!(%error, folder = %folder.display(), "there can be no socket in the folder itself"),
            }
        }
        let runtime = std::env::var_os("XDG_RUNTIME_DIR").map(PathBuf::from).filter(|path| path.as_os_str().len() <= LONGEST / 2);
        let near = runtime.and_then(|runtime| private(&runtime).ok());
        let private = near.map_or_else(|| private(Path::new("/tmp")), Ok)?;
        let socket = private.path().join(SOCKET);
        let listener = bind(private.path(), &socket)?;
        let note = folder.join(NOTE);
        let at = fs::metadata(&folder)?;
        let content = Note { socket: socket.clone(), device: at.dev(), inode: at.ino() };
        let unfinished = folder.join(format!("{NURSERY}-note"));
        fs::write(&unfinished, serde_json::to_vec(&content)?)?;
        fs::rename(&unfinished, &note)?;
        Ok((listener, Self { inode: inode(&socket)?, socket, note: Some(note), _private: Some(private) }))
    }

    /// Removes the socket's file, unless another one has taken its place.
    pub(super) fn remove(&self) {
        if inode(&self.socket).is_ok_and(|there| there == self.inode) {
            let _ = fs::remove_file(&self.socket);
            let _ = self.note.as_ref().map(fs::remove_file);
        }
    }
}

/// A folder of a new name where only the user comes.
fn private(folder: &Path) -> io::Result<TempDir> {
    tempfile::Builder::new().prefix(PRIVATE).permissions(Permissions::from_mode(0o700)).tempdir_in(folder)
}

/// Makes the socket where only the user comes, and lets it appear when its mode is right.
fn bind(folder: &Path, socket: &Path) -> io::Result<UnixListener> {
    let nursery = folder.join(NURSERY);
    if nursery.exists() {
        fs::remove_dir_all(&nursery)?;
    }
    DirBuilder::new().mode(0o700).create(&nursery)?;
    let made = || {
        let fresh = nursery.join(SOCKET);
        let listener = by_short_path(&fresh, |path| UnixListener::bind(path))?;
        fs::set_permissions(&fresh, Permissions::from_mode(ONLY_THE_USER))?;
        fs::rename(&fresh, socket)?;
        Ok(listener)
    };
    let made = made();
    let _ = fs::remove_dir_all(&nursery);
    made
}

/// Removes socket and note of a process that did not come to it.
fn remove_dead(folder: &Path) -> io::Result<()> {
    if let Some(Note { socket, .. }) = read_note(folder) {
        let ours =
            socket.parent().filter(|parent| parent.file_name().is_some_and(|name| name.as_encoded_bytes().starts_with(PRIVATE.as_bytes())));
        if let (Some(parent), true) = (ours, is_socket(&socket)) {
            let _ = fs::remove_file(&socket).and_then(|()| fs::remove_dir(parent));
        }
    }
    for name in [SOCKET, NOTE] {
        match fs::remove_file(folder.join(name)) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => return Err(error),
            _ => {}
        }
    }
    Ok(())
}

/// The stream to whoever listens for this folder.
pub(super) fn connect(folder: &Path) -> io::Result<UnixStream> {
    let socket = folder.join(SOCKET);
    let socket = match read_note(folder) {
        Some(note) if !is_socket(&socket) && note.is_of(folder) => note.socket,
        _ => socket,
    };
    by_short_path(&socket, |path| UnixStream::connect(path))
}

fn read_note(folder: &Path) -> Option<Note> {
    let path = folder.join(NOTE);
    let file = fs::symlink_metadata(&path).ok().filter(|file| file.is_file() && file.len() <= 8192)?;
    let note: Note = serde_json::from_slice(&fs::read(path).ok()?).ok()?;
    // Whoever may write in the folder may write a note, and nobody else's socket is one of ours.
    let socket = fs::symlink_metadata(&note.socket).ok();
    socket.is_none_or(|socket| socket.uid() == file.uid()).then_some(note)
}

impl Note {
    fn is_of(&self, folder: &Path) -> bool {
        fs::metadata(folder).is_ok_and(|at| (at.dev(), at.ino()) == (self.device, self.inode))
    }
}

/// Calls with a path that leads to this file and is short enough for a socket.
fn by_short_path<T>(path: &Path, call: impl FnOnce(&Path) -> io::Result<T>) -> io::Result<T> {
    match (path.parent(), path.file_name()) {
        (Some(parent), Some(name)) if path.as_os_str().len() > LONGEST => {
            let parent = File::open(parent)?;
            call(&Path::new("/proc/self/fd").join(parent.as_raw_fd().to_string()).join(name))
        }
        _ => call(path),
    }
}

fn is_socket(path: &Path) -> bool {
    fs::symlink_metadata(path).is_ok_and(|file| file.file_type().is_socket())
}

fn inode(path: &Path) -> io::Result<u64> {
    Ok(fs::symlink_metadata(path)?.ino())
}
