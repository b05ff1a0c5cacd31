//! A folder that appears complete or not at all.

use std::fs::{self, File, Permissions};
use std::io;
use std::os::unix::fs::PermissionsExt;
use std::path::Path;

use tempfile::Builder;

use super::OPERATION;
use crate::error::{Error, ErrorKind, Result};

/// # Errors
/// `InvalidInput` if there is anything of this name.
pub(super) fn refuse_taken(target: &Path) -> Result<()> {
    match target.symlink_metadata().is_ok() {
        true => {
            let context = format!(
                "it is there already, and whoever serves it may be reading it; remove it, or name another folder: {}",
                target.display()
            );
            Err(Error::input(OPERATION, context))
        }
        false => Ok(()),
    }
}

/// Fills a folder beside `target` under another name, waits until the disk has it, and renames it.
pub(super) fn appear(target: &Path, fill: impl FnOnce(&Path) -> Result<()>) -> Result<()> {
    let failed = |error: io::Error| Error::new(ErrorKind::Io, OPERATION, target.display().to_string()).with_source(error);
    let parent = target.parent().filter(|parent| !parent.as_os_str().is_empty()).unwrap_or(Path::new("."));
    fs::create_dir_all(parent).map_err(failed)?;
    let name = target.file_name().unwrap_or_default().to_string_lossy();
    // What the process lets others do with any folder that it makes. It goes if anything fails.
    let beside =
        Builder::new().prefix(&format!(".{name}.")).permissions(Permissions::from_mode(0o777)).tempdir_in(parent).map_err(failed)?;
    fill(beside.path())?;
    sync(beside.path()).map_err(failed)?;
    refuse_taken(target)?;
    fs::rename(beside.path(), target).map_err(failed)?;
    let _ = beside.keep();
    File::open(parent).and_then(|parent| parent.sync_all()).map_err(failed)
}

/// Waits until the disk has a folder and all that is in it.
fn sync(path: &Path) -> io::Result<()> {
    if path.is_dir() {
        for entry in fs::read_dir(path)? {
            sync(&entry?.path())?;
        }
    }
    File::open(path)?.sync_all()
}
