//! A record batch that a host hands over by Arrow's C data interface, as the rows of an `sg_batch`.

use std::ffi::c_char;

use super::batch::{BATCHES, sg_batch};
use super::error::{SG_MESSAGE_BYTES, boundary, message, sg_error};
use super::pointer::{self, Out};
use super::rows::{ArrowArray, ArrowSchema};
use super::sg_status;
use crate::codec::{Place, Refusal};

/// A row of a record batch that was refused. Plain data of the caller, to be written.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct sg_refusal {
    /// Which one; the first is 0.
    pub row: u64,
    /// One line of UTF-8, ended by a zero: the field and what is wrong with its value.
    pub reason: [c_char; SG_MESSAGE_BYTES],
}

/// Takes over a record batch by Arrow's C data interface (a struct array, whose children are columns named as the fields): its
/// rows replace those of the batch, and the event time is cleared.
///
/// Columns that have the model's dtypes and no nulls stay where the host has them; if one has not, or a row is refused, all are copied and
/// converted as docs/records.md says. A row that lacks a feature or has a value that does not fit is refused, the others go in: `refused` says
/// how many, `refusals`, which may be null if `capacity` is zero, takes the first of them (of a hundred). If `refused` is null, a refused row is an error.
///
/// `array` and `schema` are moved from: `release` of both is null afterwards, on success and on any error but `SG_UNSUPPORTED` (a library
/// built without Arrow), `SG_CLOSED`, `SG_NULL_POINTER` and `SG_MISALIGNED`. The host's own release callback is called by whoever lets go of the rows:
/// `sg_batch_clear`, `sg_batch_close`, the next import, or the call that was in flight meanwhile. A batch that holds a record batch takes no
/// other rows until it is cleared. Takes turns with other calls on the batch.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sg_batch_import_arrow(
    batch: sg_batch,
    array: *mut ArrowArray,
    schema: *mut ArrowSchema,
    refusals: *mut sg_refusal,
    capacity: usize,
    refused: *mut usize,
    error: *mut sg_error,
) -> sg_status {
    // SAFETY: "Pointers, sizes, alignment"; that the structures follow the interface is the caller's word.
    unsafe {
        boundary(error, || {
            pointer::checked(array, "array")?;
            pointer::checked(schema, "schema")?;
            let (room, refused) = (pointer::room(refusals, capacity, 0, "refusals")?, Out::optional(refused, "refused")?);
            let batch = BATCHES.get(batch.id)?;
            let mut batch = batch.lock();
            let (count, kept) = batch.import(array, schema, refused.is_none())?;
            if let Some(room) = room {
                room.fill(&kept.iter().take(capacity).map(to_c).collect::<Vec<_>>())?;
            }
            if let Some(refused) = refused {
                refused.write(usize::try_from(count).unwrap_or(usize::MAX));
            }
            Ok(())
        })
    }
}

fn to_c(refusal: &Refusal) -> sg_refusal {
    let row = match refusal.place {
        Place::Row(row) | Place::Line(row) | Place::Offset(row) => row,
    };
    sg_refusal { row, reason: message(&refusal.reason) }
}
