//! A graph, imported and checked.

use std::ffi::CString;
use std::fmt;
use std::ptr::NonNull;

use tensorflow_sys_runtime::{TF_Graph, TF_Output};

use super::api::{Api, api};
use super::status::Status;
use crate::error::{Error, ErrorKind, Result};
use crate::tensor::DType;

const FIND: &str = "find tensor in graph";

/// An imported graph. It does not change after [`Graph::import`].
pub(crate) struct Graph {
    api: &'static Api,
    raw: NonNull<TF_Graph>,
}

// SAFETY: TensorFlow guards a graph with a mutex of its own.
unsafe impl Send for Graph {}
// SAFETY: as above.
unsafe impl Sync for Graph {}

/// One output of one op of a graph: what a run feeds or fetches.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Endpoint(pub(super) TF_Output);

// SAFETY: the operation it points to lives and stays the same as long as its graph; the `Plan` that uses endpoints is run
// only by the session that keeps that graph.
unsafe impl Send for Endpoint {}
// SAFETY: as above.
unsafe impl Sync for Endpoint {}

impl Graph {
    /// A graph that a session fills.
    pub(super) fn empty() -> Result<Self> {
        let api = api()?;
        // SAFETY: the call takes nothing.
        let raw = NonNull::new(unsafe { (api.TF_NewGraph)() });
        let raw = raw.ok_or_else(|| Error::new(ErrorKind::Internal, "import graph", "no graph was made"))?;
        Ok(Self { api, raw })
    }

    /// Imports a binary `GraphDef`.
    pub(crate) fn import(graph_def: &[u8]) -> Result<Self> {
        let graph = Self::empty()?;
        let api = graph.api;
        let status = Status::new(api)?;
        // SAFETY: every object is made, used and freed here; the buffer copies `graph_def`.
        unsafe {
            let options = (api.TF_NewImportGraphDefOptions)();
            let buffer = (api.TF_NewBufferFromString)(graph_def.as_ptr().cast(), graph_def.len());
            (api.TF_GraphImportGraphDef)(graph.raw(), buffer, options, status.raw());
            (api.TF_DeleteBuffer)(buffer);
            (api.TF_DeleteImportGraphDefOptions)(options);
            status.check("import graph")?;
            Ok(graph)
        }
    }

    /// Finds `node:index`, and checks that it has this dtype and a shape that does not contradict `dims` (-1: any size).
    pub(crate) fn endpoint(&self, name: &str, dtype: DType, dims: &[i64]) -> Result<Endpoint> {
        let output = self.find(name)?;
        let (found, shape) = self.tensor(name)?;
        let refuse = |context: String| Err(Error::new(ErrorKind::InvalidBundle, FIND, context));
        if found != dtype {
            return refuse(format!("{name} is {found} in the graph, but {dtype} in the manifest"));
        }
        match shape {
            Some(found) if !agree(&found, dims) => {
                refuse(format!("{name} has shape {found:?} in the graph, but {dims:?} in the manifest (-1: any size)"))
            }
            _ => Ok(Endpoint(output)),
        }
    }

    /// The dtype of `node:index`, and its static shape as far as it is known (-1: any size).
    pub(crate) fn tensor(&self, name: &str) -> Result<(DType, Option<Vec<i64>>)> {
        let output = self.find(name)?;
        // SAFETY: `output` exists.
        let code = unsafe { (self.api.TF_OperationOutputType)(output) };
        let unknown = || Error::new(ErrorKind::InvalidBundle, FIND, format!("{name} has a dtype that is not supported: number {code}"));
        Ok((DType::from_code(code).ok_or_else(unknown)?, self.dims(output)?))
    }

    /// The output of an op that `node:index` is.
    pub(super) fn find(&self, name: &str) -> Result<TF_Output> {
        let refuse = |context: String| Err(Error::new(ErrorKind::InvalidBundle, FIND, context));
        let (node, index) = match name.rsplit_once(':') {
            Some((node, index)) => (node, index.parse::<i32>().ok().filter(|&index| index >= 0)),
            None => (name, Some(0)),
        };
        let (Some(index), Ok(node)) = (index, CString::new(node)) else {
            return refuse(format!("not a tensor name: {name}"));
        };
        // SAFETY: the graph is live, the name ends with a zero.
        let oper = unsafe { (self.api.TF_GraphOperationByName)(self.raw(), node.as_ptr()) };
        // SAFETY: `oper` is an operation of this graph; the index is checked before it is used.
        if oper.is_null() || index >= unsafe { (self.api.TF_OperationNumOutputs)(oper) } {
            return refuse(format!("the graph has no tensor {name}"));
        }
        Ok(TF_Output { oper, index })
    }

    /// The static shape, as far as it is known.
    fn dims(&self, output: TF_Output) -> Result<Option<Vec<i64>>> {
        let status = Status::new(self.api)?;
        // SAFETY: `output` is of this graph, and `dims` has room for its rank.
        unsafe {
            let rank = (self.api.TF_GraphGetTensorNumDims)(self.raw(), output, status.raw());
            status.check(FIND)?;
            let Ok(rank) = usize::try_from(rank) else { return Ok(None) };
            let mut dims = vec![-1; rank];
            (self.api.TF_GraphGetTensorShape)(self.raw(), output, dims.as_mut_ptr(), rank as i32, status.raw());
            status.check(FIND)?;
            Ok(Some(dims))
        }
    }

    pub(super) fn api(&self) -> &'static Api {
        self.api
    }

    pub(super) fn raw(&self) -> *mut TF_Graph {
        self.raw.as_ptr()
    }
}

fn agree(found: &[i64], wanted: &[i64]) -> bool {
    found.len() == wanted.len() && found.iter().zip(wanted).all(|(&found, &wanted)| found < 0 || wanted < 0 || found == wanted)
}

impl Drop for Graph {
    fn drop(&mut self) {
        // SAFETY: live and owned; a session that uses it keeps it alive.
        unsafe { (self.api.TF_DeleteGraph)(self.raw()) }
    }
}

impl fmt::Debug for Graph {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Graph")
    }
}
