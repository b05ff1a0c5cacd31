//! What an `sg_batch` stands for: rows that were written into it, or a record batch that a host handed over.

#[cfg(feature = "arrow")]
use arrow_data::ffi::FFI_ArrowArray;
#[cfg(feature = "arrow")]
use arrow_schema::ffi::FFI_ArrowSchema;

use crate::batch::{Batch, BatchView};
use crate::bind::{Failure, Status};
#[cfg(feature = "arrow")]
use crate::codec::ArrowBatch;
use crate::codec::Refusal;

/// `struct ArrowArray` of Arrow's C data interface.
#[repr(C, align(8))]
#[derive(Debug)]
pub struct ArrowArray {
    opaque: [u8; 0],
}

/// `struct ArrowSchema` of Arrow's C data interface.
#[repr(C, align(8))]
#[derive(Debug)]
pub struct ArrowSchema {
    opaque: [u8; 0],
}

/// The rows behind a handle.
#[derive(Debug)]
pub(super) struct Rows {
    /// Empty, but for the event time, while there is a record batch.
    own: Batch,
    #[cfg(feature = "arrow")]
    host: Option<ArrowBatch>,
}

impl Rows {
    pub(super) fn new(own: Batch) -> Self {
        Self {
            own,
            #[cfg(feature = "arrow")]
            host: None,
        }
    }

    /// The rows as the calls take them that use a batch.
    pub(super) fn view(&self) -> BatchView<'_> {
        let view = BatchView::from(&self.own);
        #[cfg(feature = "arrow")]
        if let Some(host) = &self.host {
            return host.view().at(view.event_time());
        }
        view
    }

    /// The batch to write into, which a host's record batch is not.
    pub(super) fn own(&mut self) -> Result<&mut Batch, Failure> {
        #[cfg(feature = "arrow")]
        if self.host.is_some() {
            return Err(Failure::new(Status::INVALID_INPUT, "clear the batch first, its rows are an imported record batch: batch"));
        }
        Ok(&mut self.own)
    }

    /// The batch that has capacity and event time, whoever has the rows.
    pub(super) fn any(&mut self) -> &mut Batch {
        &mut self.own
    }

    pub(super) fn rows(&self) -> usize {
        #[cfg(feature = "arrow")]
        if let Some(host) = &self.host {
            return host.view().rows();
        }
        self.own.rows()
    }

    pub(super) fn clear(&mut self) {
        self.own.clear();
        #[cfg(feature = "arrow")]
        {
            self.host = None;
        }
    }

    /// Takes over a record batch, and says how many of its rows were refused and why the first ones were. With `strict` a
    /// refused row is an error.
    ///
    /// # Safety
    /// As for [`ArrowBatch::import`].
    #[cfg(feature = "arrow")]
    pub(super) unsafe fn import(
        &mut self,
        array: *mut ArrowArray,
        schema: *mut ArrowSchema,
        strict: bool,
    ) -> Result<(u64, &[Refusal]), Failure> {
        // SAFETY: the contract of this function; both names are of the same structures.
        let host = unsafe { ArrowBatch::import(self.own.schema(), array.cast::<FFI_ArrowArray>(), schema.cast::<FFI_ArrowSchema>()) }?;
        if strict && let Some(refusal) = host.refusals().kept().first() {
            return Err(Failure::new(Status::INVALID_INPUT, format!("mend the record batch, or count what is refused: {refusal}")));
        }
        self.own.clear();
        let refusals = self.host.insert(host).refusals();
        Ok((refusals.count(), refusals.kept()))
    }

    /// The same of a library that was built without Arrow.
    ///
    /// # Safety
    /// None is asked for; it looks at nothing.
    #[cfg(not(feature = "arrow"))]
    pub(super) unsafe fn import(
        &mut self,
        _array: *mut ArrowArray,
        _schema: *mut ArrowSchema,
        _strict: bool,
    ) -> Result<(u64, &[Refusal]), Failure> {
        Err(Failure::new(Status::UNSUPPORTED, "build streamgrad with `--features arrow` to import record batches"))
    }
}
