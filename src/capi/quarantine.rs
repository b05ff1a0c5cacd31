//! `sg_quarantined`: a batch that a trainer refused to learn.

use std::ffi::{c_char, c_void};

use parking_lot::Mutex;

use super::batch::{BATCHES, sg_batch};
use super::error::{SG_MESSAGE_BYTES, boundary, message, sg_error};
use super::pointer;
use super::rows::Rows;
use super::sg_status;
use super::sized::{Caller, SizedStruct};
use super::store::{milliseconds, sg_version_id};
use super::trainer::{TRAINERS, sg_trainer};
use crate::bind::Status;

/// A batch that a trainer refused to learn. Plain data of the caller, to be initialised with `SG_QUARANTINED_INIT`.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct sg_quarantined {
    /// `sizeof(sg_quarantined)`.
    pub size: usize,
    /// Written: a copy of its rows, to be closed by the caller; an id of zero if no batch waited, and nothing else is written then.
    pub batch: sg_batch,
    /// Written: how many rows.
    pub rows: usize,
    /// Written: the version that was not changed.
    pub version: sg_version_id,
    /// Where the position goes that `sg_trainer_step_to` gave; null if it is not wanted.
    pub position: *mut c_void,
    /// The bytes that there is room for.
    pub position_capacity: usize,
    /// Written: the bytes of the position; zero if there was none.
    pub position_bytes: usize,
    /// Written: when, in milliseconds since 1970.
    pub time_milliseconds: u64,
    /// Written: what the step returned: `SG_NON_FINITE` or `SG_OUTLIER`.
    pub reason: i32,
    /// Zero.
    pub reserved: i32,
    /// Written: why, one line as in `sg_error`.
    pub message: [c_char; SG_MESSAGE_BYTES],
}

// SAFETY: `repr(C)`, two of its fields make eight bytes together, the text is a multiple of eight, the others are made of fields
// of eight; begins with its size, made of numbers and pointers.
unsafe impl SizedStruct for sg_quarantined {
    const MACRO: &'static str = "SG_QUARANTINED_INIT";
    const FIRST_SIZE: usize = size_of::<Self>();
}

/// Hands out the oldest batch that was refused and waits. Thread-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sg_trainer_drain(trainer: sg_trainer, quarantined: *mut sg_quarantined, error: *mut sg_error) -> sg_status {
    // SAFETY: "Pointers, sizes, alignment".
    unsafe {
        boundary(error, || {
            let mut caller = Caller::<sg_quarantined>::read(quarantined, "quarantined")?;
            let (place, capacity) = (caller.value.position, caller.value.position_capacity);
            let taken = TRAINERS.get(trainer.id)?.drain_one(|entry| {
                let bytes = entry.position.as_deref().unwrap_or_default();
                pointer::room(place.cast::<u8>(), capacity, bytes.len(), "position")
            })?;
            match taken {
                None => caller.value.batch = sg_batch { id: 0 },
                Some((entry, room)) => {
                    let position = entry.position.unwrap_or_default();
                    if let Some(room) = room {
                        room.fill(&position)?;
                    }
                    caller.value = sg_quarantined {
                        rows: entry.batch.rows(),
                        version: entry.version.into(),
                        position_bytes: position.len(),
                        time_milliseconds: milliseconds(entry.time),
                        reason: Status::from(entry.kind).code(),
                        message: message(&entry.reason),
                        batch: sg_batch { id: BATCHES.insert(Mutex::new(Rows::new(entry.batch)))? },
                        ..caller.value
                    };
                }
            }
            caller.write();
            Ok(())
        })
    }
}
