//! The one TensorFlow of a process.
//!
//! A second copy from another path aborts the process (protobuf descriptors register twice), so a copy that is already
//! loaded is used, or is an error if the caller named another file. The library is never unloaded: it holds threads and
//! our deallocators.

use std::ffi::CStr;
use std::path::{Path, PathBuf};

use libloading::os::unix::{Library, RTLD_LOCAL, RTLD_NOW};
use parking_lot::Mutex;

use super::api::{self, Api};
use super::find;
use crate::error::{Error, ErrorKind, Result};

const LOAD: &str = "load TensorFlow";
const INSTALL: &str =
    "install it with `pip install tensorflow-cpu==2.21.0`, or set STREAMGRAD_TENSORFLOW to libtensorflow_cc.so.2 or its folder";

#[cfg(not(all(target_os = "linux", target_arch = "x86_64", target_env = "gnu")))]
compile_error!("streamgrad runs on Linux on x86-64 with glibc");

/// A loaded TensorFlow.
#[derive(Clone, Debug)]
pub struct TensorFlow {
    path: PathBuf,
    version: String,
}

impl TensorFlow {
    /// The file it was loaded from.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Its version, such as `2.21.0`.
    pub fn version(&self) -> &str {
        &self.version
    }
}

static LOADED: Mutex<Option<TensorFlow>> = Mutex::new(None);

/// The TensorFlow of this process, if we have loaded or joined one.
pub fn loaded() -> Option<TensorFlow> {
    LOADED.lock().clone()
}

/// Loads TensorFlow, once per process.
///
/// A copy that is already in the process is used, unless `path` (a library or its folder) names another one. Else the
/// places are, in this order: `path`; the variable `STREAMGRAD_TENSORFLOW`; the folder of our own library; the
/// `tensorflow` package of the Python on the path. What is named and cannot be loaded is an error, never a reason to look
/// further.
///
/// Thread-safe; later calls return the same copy at once.
pub fn load(path: Option<&Path>) -> Result<TensorFlow> {
    load_from(&Places { named: path.map(Path::to_owned), ..Places::default() })
}

/// Where to look for TensorFlow.
#[derive(Clone, Debug)]
pub(crate) struct Places {
    /// The only place, if it is given.
    pub(crate) named: Option<PathBuf>,
    /// The folder of our own library, where a host loads a copy of it from elsewhere.
    pub(crate) beside: Option<PathBuf>,
    /// Whether to ask Python, which is last.
    pub(crate) python: bool,
    /// What the host has looked at in vain, for the error.
    pub(crate) tried: Vec<String>,
}

impl Default for Places {
    fn default() -> Self {
        Self { named: None, beside: None, python: true, tried: Vec::new() }
    }
}

/// [`load`], with more to say about the places.
pub(crate) fn load_from(places: &Places) -> Result<TensorFlow> {
    let path = places.named.as_deref();
    let mut loaded = LOADED.lock();
    if let Some(tensorflow) = &*loaded {
        return match path.map(named).transpose()? {
            Some(wanted) if !find::same_file(&wanted, &tensorflow.path) => Err(conflict(&wanted, &tensorflow.path)),
            _ => Ok(tensorflow.clone()),
        };
    }
    let wanted = path.map(named).transpose()?;
    let path = match already_mapped(wanted.as_deref())? {
        Some(path) => path,
        None => match wanted {
            Some(path) => path,
            None => search(places)?,
        },
    };
    let tensorflow = open(path)?;
    *loaded = Some(tensorflow.clone());
    Ok(tensorflow)
}

/// The library that a caller named.
fn named(path: &Path) -> Result<PathBuf> {
    find::in_folder_or_file(path).ok_or_else(|| {
        let context = format!("no TensorFlow library at {}; {INSTALL}", path.display());
        Error::new(ErrorKind::TensorFlowNotFound, LOAD, context)
    })
}

/// The library to join, if a TensorFlow is in this process already.
fn already_mapped(wanted: Option<&Path>) -> Result<Option<PathBuf>> {
    let mapped = find::mapped();
    let Some(first) = mapped.first() else { return Ok(None) };
    let own_name = |path: &PathBuf| find::SONAMES[..2].iter().any(|name| path.file_name().is_some_and(|file| file == *name));
    let complete = match mapped.iter().find(|path| own_name(path)) {
        Some(path) => Some(path.clone()),
        // Only the framework library is loaded: the C API that belongs to it lies beside it.
        None => first.parent().and_then(find::in_folder_or_file),
    };
    match (complete, wanted) {
        (Some(path), Some(wanted)) if !find::same_file(&path, wanted) => Err(conflict(wanted, &path)),
        (Some(path), _) => Ok(Some(path)),
        (None, _) => {
            let context = format!("{} is in this process, but no library with the C API lies beside it; {INSTALL}", first.display());
            Err(Error::new(ErrorKind::TensorFlowConflict, LOAD, context))
        }
    }
}

fn search(places: &Places) -> Result<PathBuf> {
    let mut tried = Vec::new();
    match std::env::var_os(find::VARIABLE) {
        Some(path) if !path.is_empty() => return named(Path::new(&path)),
        _ => tried.push(format!("{} (not set)", find::VARIABLE)),
    }
    match find::beside_us(places.beside.as_deref()) {
        (Some(path), _) => return Ok(path),
        (None, place) => tried.push(place),
    }
    tried.extend(places.tried.iter().cloned());
    if places.python {
        match find::in_python() {
            (Some(path), _) => return Ok(path),
            (None, place) => tried.push(place),
        }
    }
    let context = format!("no library found; looked at: {}; {INSTALL}", tried.join(", "));
    Err(Error::new(ErrorKind::TensorFlowNotFound, LOAD, context))
}

fn open(path: PathBuf) -> Result<TensorFlow> {
    // SAFETY: loading runs TensorFlow's initialisers, which is what the caller wants of a library that he or we named.
    let library = unsafe { Library::open(Some(&path), RTLD_NOW | RTLD_LOCAL) }.map_err(|error| {
        Error::new(ErrorKind::TensorFlowNotFound, LOAD, format!("{} cannot be loaded", path.display())).with_source(error)
    })?;
    let resolved = Api::resolve(&library);
    std::mem::forget(library);
    let api = resolved.map_err(|missing| {
        let context = format!("{} is too old or no TensorFlow: it lacks {}; {INSTALL}", path.display(), missing.join(", "));
        Error::new(ErrorKind::TensorFlowNotFound, LOAD, context)
    })?;
    // SAFETY: the version is a static string.
    let version = unsafe { CStr::from_ptr((api.TF_Version)()) }.to_string_lossy().into_owned();
    if !version.starts_with("2.") {
        let context = format!("{} is TensorFlow {version}, but 2.x is needed; {INSTALL}", path.display());
        return Err(Error::new(ErrorKind::TensorFlowNotFound, LOAD, context));
    }
    api::publish(api);
    tracing::info!(path = %path.display(), version, "TensorFlow loaded");
    Ok(TensorFlow { path, version })
}

fn conflict(wanted: &Path, found: &Path) -> Error {
    let context = format!(
        "one process can hold one TensorFlow: {} is loaded already, so {} cannot be; name the loaded one or none",
        found.display(),
        wanted.display()
    );
    Error::new(ErrorKind::TensorFlowConflict, LOAD, context)
}
