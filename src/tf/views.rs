//! Tensor objects over memory of the caller, kept from run to run.

use std::collections::VecDeque;
use std::marker::PhantomData;
use std::ops::Deref;
use std::sync::Arc;

use parking_lot::Mutex;

use super::tensor::Tensor;
use crate::error::Result;
use crate::tensor::DType;

/// Objects kept for one column: some threads, each with a full batch and a short one.
const MOST_KEPT: usize = 8;

/// The tensor objects of one column, over memory of whoever feeds it.
///
/// TensorFlow's object for a piece of memory costs as much as a small op, and a host fills the same batch again and again.
/// So an object stays after its run and serves each later one that feeds the same bytes. It may outlive their memory: until
/// then only its address is looked at.
#[derive(Debug, Default)]
pub(crate) struct Views {
    kept: Mutex<VecDeque<Arc<Tensor>>>,
}

impl Views {
    /// A tensor in the memory of `data`. Dimensions behind the first are the column's own, the same at each call. Memory
    /// that is not aligned to 64 bytes is copied by TensorFlow.
    pub(crate) fn borrow<'a>(&self, dtype: DType, dims: &[i64], data: &'a [u8]) -> Result<View<'a>> {
        let view = |tensor| View { tensor, memory: PhantomData };
        if data.is_empty() {
            return View::over(dtype, dims, data);
        }
        let mut kept = self.kept.lock();
        if let Some(tensor) = kept.iter().find(|tensor| tensor.covers(data)) {
            return Ok(view(tensor.clone()));
        }
        // SAFETY: the view borrows `data`; what is kept is not read before it is found to cover borrowed bytes again.
        let tensor = Arc::new(unsafe { Tensor::over(dtype, dims, data)? });
        if tensor.covers(data) {
            kept.truncate(MOST_KEPT - 1);
            kept.push_front(tensor.clone());
        }
        Ok(view(tensor))
    }
}

/// A tensor in memory of somebody else.
#[derive(Debug)]
pub(crate) struct View<'a> {
    tensor: Arc<Tensor>,
    memory: PhantomData<&'a [u8]>,
}

impl<'a> View<'a> {
    /// A tensor in the memory of `data`, of which nothing is kept.
    pub(crate) fn over(dtype: DType, dims: &[i64], data: &'a [u8]) -> Result<Self> {
        // SAFETY: the view borrows `data`.
        Ok(Self { tensor: Arc::new(unsafe { Tensor::over(dtype, dims, data)? }), memory: PhantomData })
    }
}

impl Deref for View<'_> {
    type Target = Tensor;

    fn deref(&self) -> &Tensor {
        &self.tensor
    }
}
