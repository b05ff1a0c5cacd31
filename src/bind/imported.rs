//! A record batch that a host handed over by Arrow's C data interface, as both bindings keep it.

use std::ffi::c_void;
use std::sync::Arc;

use super::status::{Failure, Status};
use crate::batch::{BatchView, Schema};
#[cfg(feature = "arrow")]
use crate::codec::ArrowBatch;
use crate::codec::Refusal;

/// Its rows, until this is dropped. A library that was built without Arrow has none of these.
#[derive(Debug)]
pub(crate) struct Imported {
    #[cfg(feature = "arrow")]
    batch: ArrowBatch,
    #[cfg(not(feature = "arrow"))]
    never: std::convert::Infallible,
}

#[cfg(feature = "arrow")]
impl Imported {
    /// Takes over a record batch: `struct ArrowArray` and `struct ArrowSchema`, both moved from, whatever comes of it. With
    /// `strict` a refused row is an error.
    ///
    /// # Safety
    /// As for [`ArrowBatch::import`].
    pub(crate) unsafe fn take(schema: &Arc<Schema>, array: *mut c_void, arrow_schema: *mut c_void, strict: bool) -> Result<Self, Failure> {
        // SAFETY: the contract of this function; these are the names of the same structures.
        let batch = unsafe { ArrowBatch::import(schema, array.cast(), arrow_schema.cast()) }?;
        if strict && let Some(refusal) = batch.refusals().kept().first() {
            return Err(Failure::new(Status::INVALID_INPUT, format!("mend the record batch, or count what is refused: {refusal}")));
        }
        Ok(Self { batch })
    }

    pub(crate) fn view(&self) -> BatchView<'_> {
        self.batch.view()
    }

    /// How many rows were refused, and why the first ones were.
    pub(crate) fn refused(&self) -> (u64, &[Refusal]) {
        (self.batch.refusals().count(), self.batch.refusals().kept())
    }
}

#[cfg(not(feature = "arrow"))]
impl Imported {
    /// # Safety
    /// None is asked for; it looks at nothing, and moves nothing.
    pub(crate) unsafe fn take(
        _schema: &Arc<Schema>,
        _array: *mut c_void,
        _arrow_schema: *mut c_void,
        _strict: bool,
    ) -> Result<Self, Failure> {
        Err(Failure::new(Status::UNSUPPORTED, "build streamgrad with `--features arrow` to import record batches"))
    }

    pub(crate) fn view(&self) -> BatchView<'_> {
        match self.never {}
    }

    pub(crate) fn refused(&self) -> (u64, &[Refusal]) {
        match self.never {}
    }
}
