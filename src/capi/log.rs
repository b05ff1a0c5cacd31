//! `sg_log_event`: the library's log.

use std::ffi::c_char;

use tracing::Level;

use super::error::{SG_MESSAGE_BYTES, boundary, message, sg_error};
use super::pointer::{self, Out};
use super::sg_status;
use super::store::milliseconds;
use crate::observe::{LogEvent, LogRing};

/// The bytes of the target of an `sg_log_event`, its zero included.
pub const SG_TARGET_BYTES: usize = 60;

/// Something failed, and nothing will make up for it.
pub const SG_LOG_ERROR: i32 = 1;
/// Something failed, and work goes on.
pub const SG_LOG_WARNING: i32 = 2;
/// Something happened that is worth knowing.
pub const SG_LOG_INFO: i32 = 3;

/// An event of the library's log. Plain data of the caller.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct sg_log_event {
    /// When it happened, in milliseconds since 1970.
    pub time_milliseconds: u64,
    /// `SG_LOG_ERROR`, `SG_LOG_WARNING` or `SG_LOG_INFO`.
    pub level: i32,
    /// The part of the library that says so, ended by a zero.
    pub target: [c_char; SG_TARGET_BYTES],
    /// One line as in `sg_error`.
    pub message: [c_char; SG_MESSAGE_BYTES],
}

/// Takes the oldest events out of the library's log and copies them, up to `capacity`, and how many these are to `count`.
///
/// The log holds 1024 events; `lost`, which may be null, is how many older ones gave way to newer ones since the last call. With
/// `events` null and `capacity` zero it takes out none and writes how many wait. The log begins with the first call of this library
/// in the process. If a Rust program around it has a subscriber of `tracing` of its own, that one has the events. Thread-safe.
#[unsafe(no_mangle)]
pub unsafe extern "C" fn sg_log_drain(
    events: *mut sg_log_event,
    capacity: usize,
    count: *mut usize,
    lost: *mut u64,
    error: *mut sg_error,
) -> sg_status {
    // SAFETY: "Pointers, sizes, alignment".
    unsafe {
        boundary(error, || {
            let (out, lost_out) = (Out::new(count, "count")?, Out::optional(lost, "lost")?);
            let Some(room) = pointer::room(events, capacity, 0, "events")? else {
                out.write(LogRing::of_process().waiting());
                lost_out.into_iter().for_each(|out| out.write(0));
                return Ok(());
            };
            let (drained, lost) = LogRing::of_process().drain(capacity);
            room.fill(&drained.iter().map(sg_log_event::from).collect::<Vec<_>>())?;
            out.write(drained.len());
            lost_out.into_iter().for_each(|out| out.write(lost));
            Ok(())
        })
    }
}

impl From<&LogEvent> for sg_log_event {
    fn from(event: &LogEvent) -> Self {
        let level = match event.level {
            Level::ERROR => SG_LOG_ERROR,
            Level::WARN => SG_LOG_WARNING,
            _ => SG_LOG_INFO,
        };
        let time_milliseconds = milliseconds(event.time);
        Self { time_milliseconds, level, target: message(event.target), message: message(&event.text) }
    }
}
