//! Where a TensorFlow library may lie.

use std::env;
use std::ffi::{CStr, c_void};
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};

/// The variable that names the library or its folder.
pub(super) const VARIABLE: &str = "STREAMGRAD_TENSORFLOW";

/// Names of a library that has the C API, best first.
const NAMES: [&str; 3] = ["libtensorflow_cc.so.2", "libtensorflow.so.2", "libtensorflow.so"];

/// Sonames of a TensorFlow in this process. The last has no C API, but tells which copy the others must belong to.
pub(super) const SONAMES: [&str; 3] = ["libtensorflow_cc.so.2", "libtensorflow.so.2", "libtensorflow_framework.so.2"];

/// The TensorFlow libraries that are mapped into this process.
pub(super) fn mapped() -> Vec<PathBuf> {
    let maps = fs::read_to_string("/proc/self/maps").unwrap_or_default();
    let mut paths: Vec<PathBuf> = maps
        .lines()
        .filter_map(|line| line.find('/').map(|start| line[start..].trim_end_matches(" (deleted)")))
        .filter(|path| path.rsplit('/').next().is_some_and(|name| name.starts_with("libtensorflow") && !name.contains("jni")))
        .map(PathBuf::from)
        .collect();
    paths.dedup();
    paths
}

/// The library that a path means: itself, or the one in the folder.
pub(super) fn in_folder_or_file(path: &Path) -> Option<PathBuf> {
    if path.is_dir() {
        NAMES.iter().map(|name| path.join(name)).find(|path| path.is_file())
    } else {
        path.is_file().then(|| path.to_owned())
    }
}

/// The library next to ours, in `folder` if a host loaded a copy of ours from there: how a tarball or a package ships both.
pub(super) fn beside_us(folder: Option<&Path>) -> (Option<PathBuf>, String) {
    let own_folder = || own_path().and_then(|path| path.parent().map(Path::to_owned));
    let folder = folder.map(Path::to_owned).or_else(own_folder);
    match folder {
        Some(folder) => (in_folder_or_file(&folder), format!("next to streamgrad, in {}", folder.display())),
        None => (None, "next to streamgrad (its place is unknown)".into()),
    }
}

/// The file that holds this function.
fn own_path() -> Option<PathBuf> {
    let mut info = libc::Dl_info {
        dli_fname: std::ptr::null(),
        dli_fbase: std::ptr::null_mut(),
        dli_sname: std::ptr::null(),
        dli_saddr: std::ptr::null_mut(),
    };
    // SAFETY: the address is one of our own code; `dli_fname` lives as long as the file is mapped, and is copied.
    let path = unsafe {
        if libc::dladdr(own_path as *const c_void, &mut info) == 0 || info.dli_fname.is_null() {
            return None;
        }
        CStr::from_ptr(info.dli_fname).to_str().ok()?
    };
    fs::canonicalize(path).ok()
}

/// The wheel of the Python on the path, asked by running it.
pub(super) fn in_python() -> (Option<PathBuf>, String) {
    const ASK: &str =
        "import importlib.util as u; s = u.find_spec('tensorflow'); print(list(s.submodule_search_locations)[0] if s else '')";
    let python = match env::var_os("VIRTUAL_ENV") {
        Some(folder) => PathBuf::from(folder).join("bin/python3"),
        None => PathBuf::from("python3"),
    };
    let place = format!("the tensorflow package of {}", python.display());
    let output = Command::new(&python).args(["-c", ASK]).stdin(Stdio::null()).stderr(Stdio::null()).output();
    let folder = output.ok().filter(|output| output.status.success()).and_then(|output| String::from_utf8(output.stdout).ok());
    let found = folder.map(|folder| folder.trim().to_owned()).filter(|folder| !folder.is_empty());
    (found.and_then(|folder| in_folder_or_file(Path::new(&folder))), place)
}

/// Whether two paths are the same file.
pub(super) fn same_file(one: &Path, other: &Path) -> bool {
    match (fs::metadata(one), fs::metadata(other)) {
        (Ok(one), Ok(other)) => (one.dev(), one.ino()) == (other.dev(), other.ino()),
        _ => one == other,
    }
}
