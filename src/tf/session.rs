//! Sessions and the runs they repeat.

use std::ffi::CString;
use std::fmt;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;
use std::ptr::{NonNull, null, null_mut};
use std::sync::OnceLock;

use smallvec::{SmallVec, smallvec};
use tensorflow_sys_runtime::{TF_Output, TF_Session, TF_Tensor};

use super::api::{Api, api};
use super::config::{Executor, SessionConfig};
use super::graph::{Endpoint, Graph};
use super::status::Status;
use super::tensor::Tensor;
use crate::error::{Error, ErrorKind, Result};

const RUN: &str = "run graph";

/// What one kind of run feeds and fetches, in a fixed order.
pub(crate) struct Plan {
    feeds: Vec<TF_Output>,
    fetches: Vec<TF_Output>,
}

// SAFETY: see `Endpoint`.
unsafe impl Send for Plan {}
// SAFETY: see `Endpoint`.
unsafe impl Sync for Plan {}

impl Plan {
    pub(crate) fn new(feeds: impl IntoIterator<Item = Endpoint>, fetches: impl IntoIterator<Item = Endpoint>) -> Self {
        Self { feeds: feeds.into_iter().map(|feed| feed.0).collect(), fetches: fetches.into_iter().map(|fetch| fetch.0).collect() }
    }
}

impl fmt::Debug for Plan {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Plan({} feeds, {} fetches)", self.feeds.len(), self.fetches.len())
    }
}

/// A session over one graph. Runs may overlap in any number of threads.
#[derive(Debug)]
pub(crate) struct Session {
    fast: Handle,
    /// Made when the graph turns out to hold what the single-threaded executor refuses.
    fallback: OnceLock<Handle>,
    config: SessionConfig,
    graph: Graph,
}

impl Session {
    pub(crate) fn new(graph: Graph, config: SessionConfig) -> Result<Self> {
        let fast = Handle::new(&graph, &config.encode(Executor::SingleThreaded))?;
        Ok(Self { fast, fallback: OnceLock::new(), config, graph })
    }

    /// Loads a SavedModel with the variables, lookup tables and assets of its folder. It may hold what the single-threaded executor refuses.
    pub(crate) fn of_saved_model(folder: &Path, tag: &str, config: SessionConfig) -> Result<Self> {
        let graph = Graph::empty()?;
        let fast = Handle::of_saved_model(&graph, folder, tag, &config.encode(Executor::Default))?;
        Ok(Self { fast, fallback: OnceLock::new(), config, graph })
    }

    pub(crate) fn graph(&self) -> &Graph {
        &self.graph
    }

    /// Runs a plan of this session's graph: `feeds` in the plan's order in, one tensor for each fetch out.
    pub(crate) fn run(&self, plan: &Plan, feeds: &[&Tensor]) -> Result<Vec<Tensor>> {
        if let Some(handle) = self.fallback.get() {
            return handle.run(plan, feeds);
        }
        match self.fast.run(plan, feeds) {
            Err(error) if refused_by_executor(&error) => {
                let handle = Handle::new(&self.graph, &self.config.encode(Executor::Default))?;
                self.fallback.get_or_init(|| handle).run(plan, feeds)
            }
            result => result,
        }
    }
}

/// The single-threaded executor refuses a graph when it first compiles it, before any op runs, and names itself.
fn refused_by_executor(error: &Error) -> bool {
    let message = error.context();
    ["Single-threaded executor", "single-threaded executor", "SingleThreadedExecutor"].iter().any(|name| message.contains(name))
}

/// A TensorFlow session.
struct Handle {
    api: &'static Api,
    raw: NonNull<TF_Session>,
}

// SAFETY: TF_SessionRun may be called from any number of threads at a time.
unsafe impl Send for Handle {}
// SAFETY: as above.
unsafe impl Sync for Handle {}

impl Handle {
    fn new(graph: &Graph, config: &[u8]) -> Result<Self> {
        let api = api()?;
        let status = Status::new(api)?;
        // SAFETY: the options live through both calls; the graph outlives the session, because `Session` keeps it and
        // drops its handles first.
        let raw = unsafe {
            let options = (api.TF_NewSessionOptions)();
            (api.TF_SetConfig)(options, config.as_ptr().cast(), config.len(), status.raw());
            let raw = match status.failure() {
                None => (api.TF_NewSession)(graph.raw(), options, status.raw()),
                Some(_) => null_mut(),
            };
            (api.TF_DeleteSessionOptions)(options);
            raw
        };
        status.check("open session")?;
        match NonNull::new(raw) {
            Some(raw) => Ok(Self { api, raw }),
            None => Err(Error::new(ErrorKind::TensorFlow, "open session", "no session was made")),
        }
    }

    /// Imports the model into an empty graph, and restores and initialises what it holds.
    fn of_saved_model(graph: &Graph, folder: &Path, tag: &str, config: &[u8]) -> Result<Self> {
        let api = api()?;
        let status = Status::new(api)?;
        let unnameable = || Error::input("load SavedModel", format!("a path has no zeros: {}", folder.display()));
        let path = CString::new(folder.as_os_str().as_bytes()).map_err(|_| unnameable())?;
        let tag = CString::new(tag).map_err(|_| unnameable())?;
        // SAFETY: options, path and tags live through the call; no buffers are given or asked for; the graph is empty, and outlives
        // the session as in `new`.
        let raw = unsafe {
            let options = (api.TF_NewSessionOptions)();
            (api.TF_SetConfig)(options, config.as_ptr().cast(), config.len(), status.raw());
            let tags = [tag.as_ptr()];
            let raw = match status.failure() {
                None => (api.TF_LoadSessionFromSavedModel)(
                    options,
                    null(),
                    path.as_ptr(),
                    tags.as_ptr(),
                    1,
                    graph.raw(),
                    null_mut(),
                    status.raw(),
                ),
                Some(_) => null_mut(),
            };
            (api.TF_DeleteSessionOptions)(options);
            raw
        };
        status.check("load SavedModel")?;
        match NonNull::new(raw) {
            Some(raw) => Ok(Self { api, raw }),
            None => Err(Error::new(ErrorKind::TensorFlow, "load SavedModel", "no session was made")),
        }
    }

    fn run(&self, plan: &Plan, feeds: &[&Tensor]) -> Result<Vec<Tensor>> {
        if feeds.len() != plan.feeds.len() {
            return Err(Error::new(ErrorKind::Internal, RUN, format!("{} of {} inputs", feeds.len(), plan.feeds.len())));
        }
        let status = Status::new(self.api)?;
        let inputs: SmallVec<[*mut TF_Tensor; 32]> = feeds.iter().map(|tensor| tensor.raw()).collect();
        let mut outputs: SmallVec<[*mut TF_Tensor; 32]> = smallvec![null_mut(); plan.fetches.len()];
        // SAFETY: both plans are as long as the arrays beside them, the endpoints are of this session's graph, the tensors
        // live through the call, and TensorFlow keeps no reference to them after it.
        unsafe {
            (self.api.TF_SessionRun)(
                self.raw.as_ptr(),
                null(),
                plan.feeds.as_ptr(),
                inputs.as_ptr(),
                inputs.len() as i32,
                plan.fetches.as_ptr(),
                outputs.as_mut_ptr(),
                outputs.len() as i32,
                null(),
                0,
                null_mut(),
                status.raw(),
            );
        }
        // Each output is taken over before anything can fail, so that none is lost.
        let mut fetched = Vec::with_capacity(outputs.len());
        let mut result = status.check(RUN);
        for raw in outputs.into_iter().filter(|raw| !raw.is_null()) {
            match Tensor::adopt(self.api, raw, false) {
                Ok(tensor) => fetched.push(tensor),
                Err(error) => result = result.and(Err(error)),
            }
        }
        result?;
        match fetched.len() == plan.fetches.len() {
            true => Ok(fetched),
            false => Err(Error::new(ErrorKind::Internal, RUN, "an output is missing")),
        }
    }
}

impl Drop for Handle {
    fn drop(&mut self) {
        if let Ok(status) = Status::new(self.api) {
            // SAFETY: live and owned; no run is in flight, for each borrows the handle.
            unsafe {
                (self.api.TF_CloseSession)(self.raw.as_ptr(), status.raw());
                (self.api.TF_DeleteSession)(self.raw.as_ptr(), status.raw());
            }
        }
    }
}

impl fmt::Debug for Handle {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Handle")
    }
}
