//! Gradients that a graph lacks, as far as the C API knows those of its ops.

use std::ffi::CStr;
use std::ptr::null_mut;

use tensorflow_sys_runtime::TF_Output;

use super::graph::Graph;
use super::status::Status;
use crate::error::{Error, ErrorKind, Result};

const ADD: &str = "add gradients";

impl Graph {
    /// Adds the gradients of a scalar by these tensors, and returns theirs, in order.
    pub(crate) fn add_gradients(&mut self, loss: &str, of: &[String]) -> Result<Vec<String>> {
        let mut y = self.find(loss)?;
        let mut x = of.iter().map(|name| self.find(name)).collect::<Result<Vec<_>>>()?;
        let mut dx = vec![TF_Output { oper: null_mut(), index: 0 }; x.len()];
        let status = Status::new(self.api())?;
        // SAFETY: the tensors are of this graph, and there is room for one gradient for each of them.
        unsafe {
            (self.api().TF_AddGradients)(self.raw(), &mut y, 1, x.as_mut_ptr(), x.len() as i32, null_mut(), status.raw(), dx.as_mut_ptr());
        }
        if let Err(error) = status.check(ADD) {
            let context = format!(
                "TensorFlow's C API has no gradients for this graph: {}; export them from Python, with streamgrad.export_function or \
                 tf.gradients, and name them",
                error.context()
            );
            return Err(Error::new(ErrorKind::Unsupported, ADD, context));
        }
        let mut names = Vec::with_capacity(dx.len());
        for (gradient, name) in dx.into_iter().zip(of) {
            if gradient.oper.is_null() {
                return Err(Error::new(ErrorKind::Unsupported, ADD, format!("the loss does not depend on {name}; leave it out")));
            }
            // SAFETY: the operation is of this graph; its name ends with a zero and lives as long.
            let node = unsafe { CStr::from_ptr((self.api().TF_OperationName)(gradient.oper)) };
            names.push(format!("{}:{}", node.to_string_lossy(), gradient.index));
        }
        Ok(names)
    }

    /// The graph as a binary `GraphDef`.
    pub(crate) fn to_graph_def(&self) -> Result<Vec<u8>> {
        let status = Status::new(self.api())?;
        // SAFETY: the buffer is made, filled, copied and freed here.
        unsafe {
            let buffer = (self.api().TF_NewBuffer)();
            (self.api().TF_GraphToGraphDef)(self.raw(), buffer, status.raw());
            let content = match (status.failure(), buffer.as_ref()) {
                (None, Some(filled)) if !filled.data.is_null() => {
                    std::slice::from_raw_parts(filled.data.cast::<u8>(), filled.length).to_vec()
                }
                _ => Vec::new(),
            };
            (self.api().TF_DeleteBuffer)(buffer);
            status.check("write graph")?;
            Ok(content)
        }
    }
}
