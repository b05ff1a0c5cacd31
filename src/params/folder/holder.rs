//! The one writer of a folder, and who that is.

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant, SystemTime};

use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind, Result};
use crate::snapshot::{FileSystem, LOCK, Lock, LockMode, Storage};

const OPERATION: &str = "open store";

/// How long to wait between two looks at a lock.
const PAUSE: Duration = Duration::from_millis(20);

/// The content of the lock's file: for people, no program decides by it.
#[derive(Serialize, Deserialize)]
struct Holder {
    pid: u32,
    host: String,
    /// Seconds since 1970.
    since: u64,
}

/// Becomes the writer. The operating system frees the lock of a process that died.
pub(super) fn lock(storage: &dyn Storage, root: &Path, wait: Duration) -> Result<Box<dyn Lock>> {
    let path = root.join(LOCK);
    let failed = |error| Error::new(ErrorKind::Io, OPERATION, format!("{} cannot be locked", path.display())).with_source(error);
    let started = Instant::now();
    let lock = loop {
        if let Some(lock) = storage.lock(&path, LockMode::Owner).map_err(failed)? {
            break lock;
        }
        if started.elapsed() >= wait {
            let context = format!("{} is open for writing in {}; end that, or wait for it", root.display(), describe(storage, &path));
            return Err(Error::new(ErrorKind::Locked, OPERATION, context));
        }
        std::thread::sleep(PAUSE.min(wait));
    };
    let holder = serde_json::to_vec(&Holder { pid: std::process::id(), host: hostname(), since: now() });
    let write = || storage.create(&path)?.write_all(&holder?);
    write().map_err(failed)?;
    Ok(lock)
}

/// Seconds since 1970.
fn now() -> u64 {
    SystemTime::now().duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs()
}

/// Who writes in a folder of this machine, or did so last; none if nobody ever did.
pub(crate) fn last_writer(root: &Path) -> Option<String> {
    let bytes = FileSystem.read(&root.join(LOCK), 4096).ok()?;
    let Holder { pid, host, .. } = serde_json::from_slice(&bytes).ok()?;
    Some(match (host == hostname(), runs(pid)) {
        (true, true) => format!("process {pid}, which opened it last, still runs"),
        (true, false) => format!("process {pid}, which opened it last, has ended"),
        (false, _) => format!("process {pid} on {host:?} opened it last"),
    })
}

/// Whether a process of this machine is there, and not only its exit status, which its parent has not asked for.
fn runs(pid: u32) -> bool {
    let state = |stat: String| stat.rsplit_once(") ").is_some_and(|(_, rest)| !rest.starts_with(['Z', 'X']));
    fs::read_to_string(format!("/proc/{pid}/stat")).is_ok_and(state)
}

fn hostname() -> String {
    fs::read_to_string("/proc/sys/kernel/hostname").unwrap_or_default().trim().to_owned()
}

fn describe(storage: &dyn Storage, path: &Path) -> String {
    let holder = storage.read(path, 4096).ok().and_then(|bytes| serde_json::from_slice::<Holder>(&bytes).ok());
    holder.map_or_else(
        || "a process that has not said who it is".to_owned(),
        |Holder { pid, host, since }| format!("process {pid} on {host:?} for {} s", now().saturating_sub(since)),
    )
}

#[cfg(test)]
mod tests {
    use std::process::Command;
    use std::thread;

    use super::*;

    #[test]
    fn a_process_whose_status_nobody_has_asked_for_has_ended() {
        assert!(runs(std::process::id()));
        let mut child = Command::new("true").spawn().unwrap();
        let ended = (0..1000).any(|_| {
            thread::sleep(Duration::from_millis(10));
            !runs(child.id())
        });
        assert!(ended && Path::new("/proc").join(child.id().to_string()).exists());
        child.wait().unwrap();
        assert!(!runs(child.id()));
    }
}
