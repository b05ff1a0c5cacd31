//! What an `sg_batch` stands for: rows that were written into it, or a record batch that a host handed over.

use crate::batch::{Batch, BatchView};
use crate::bind::{Failure, Imported, Status};
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
    host: Option<Imported>,
}

impl Rows {
    pub(super) fn new(own: Batch) -> Self {
        Self { own, host: None }
    }

    /// The rows as the calls take them that use a batch.
    pub(super) fn view(&self) -> BatchView<'_> {
        let view = BatchView::from(&self.own);
        if let Some(host) = &self.host {
            return host.view().at(view.event_time());
        }
        view
    }

    /// The batch to write into, which a host's record batch is not.
    pub(super) fn own(&mut self) -> Result<&mut Batch, Failure> {
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
        if let Some(host) = &self.host {
            return host.view().rows();
        }
        self.own.rows()
    }

    pub(super) fn clear(&mut self) {
        self.own.clear();
        self.host = None;
    }

    /// Takes over a record batch, and says how many of its rows were refused and why the first ones were. With `strict` a
    /// refused row is an error.
    ///
    /// # Safety
    /// As for [`Imported::take`].
    pub(super) unsafe fn import(
        &mut self,
        array: *mut ArrowArray,
        schema: *mut ArrowSchema,
        strict: bool,
    ) -> Result<(u64, &[Refusal]), Failure> {
        // SAFETY: the contract of this function.
        let host = unsafe { Imported::take(self.own.schema(), array.cast(), schema.cast(), strict) }?;
        self.own.clear();
        Ok(self.host.insert(host).refused())
    }
}
