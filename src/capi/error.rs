//! `sg_error`: what went wrong, as plain data in the caller's memory.

use std::ffi::c_char;

use super::sg_status;
use crate::bind::{Failure, guard};

/// The bytes of the message of an `sg_error`, its zero included.
pub const SG_MESSAGE_BYTES: usize = 1024;

/// Why a call failed. Plain data of the caller: pass it uninitialised, read it after the call, free nothing.
///
/// Each thread needs its own, or its turn.
#[repr(C)]
#[derive(Debug)]
pub struct sg_error {
    /// What the call returned.
    pub status: sg_status,
    /// One line of UTF-8, ended by a zero: what stood in the way and what to do about it. Empty if the call succeeded.
    pub message: [c_char; SG_MESSAGE_BYTES],
}

/// Runs the body of an exported function behind the panic guard and fills `error`, if there is one.
///
/// # Safety
/// `error` is null, or leads to memory of an `sg_error` that nobody else uses during the call; it may be uninitialised.
pub(super) unsafe fn boundary(error: *mut sg_error, body: impl FnOnce() -> Result<(), Failure>) -> sg_status {
    if !error.is_aligned() {
        return sg_status::MISALIGNED;
    }
    let (status, message) = match guard(body) {
        Ok(()) => (sg_status::OK, String::new()),
        Err(Failure { status, message }) => (status, message),
    };
    if !error.is_null() {
        let text = cut(&message, SG_MESSAGE_BYTES - 1);
        // SAFETY: "Statuses and errors": `error` leads to an `sg_error`, and was checked for null and alignment. It is
        // written through raw pointers because it may be uninitialised. `text` and its zero fit into the message.
        unsafe {
            (&raw mut (*error).status).write(status);
            let target = (&raw mut (*error).message).cast::<u8>();
            target.copy_from_nonoverlapping(text.as_ptr(), text.len());
            target.add(text.len()).write(0);
        }
    }
    status
}

/// The text as the field of a struct, ended by a zero.
pub(super) fn message<const BYTES: usize>(text: &str) -> [c_char; BYTES] {
    let mut message = [0; BYTES];
    for (place, byte) in message.iter_mut().zip(cut(text, BYTES - 1).bytes()) {
        *place = byte.cast_signed();
    }
    message
}

/// The longest beginning of `text` that fits, without half a character and without a zero, which would end it in C.
fn cut(text: &str, bytes: usize) -> &str {
    let text = text.split('\0').next().unwrap_or_default();
    &text[..text.floor_char_boundary(bytes)]
}

#[cfg(test)]
mod tests {
    use std::ffi::CStr;
    use std::mem::MaybeUninit;
    use std::ptr;

    use super::*;

    fn message_of(body: impl FnOnce() -> Result<(), Failure>) -> (sg_status, String) {
        let mut error = MaybeUninit::<sg_error>::uninit();
        // SAFETY: the memory of an `sg_error` that only this test uses; `boundary` initialises what is read.
        unsafe {
            let status = boundary(error.as_mut_ptr(), body);
            assert_eq!((&raw const (*error.as_ptr()).status).read(), status);
            (status, CStr::from_ptr((&raw const (*error.as_ptr()).message).cast()).to_str().unwrap().to_owned())
        }
    }

    #[test]
    fn success_and_failure_fill_an_uninitialised_error() {
        assert_eq!(message_of(|| Ok(())), (sg_status::OK, String::new()));
        let failure = message_of(|| Err(Failure::null("batch")));
        assert_eq!(failure, (sg_status::NULL_POINTER, "pass a pointer that is not null: batch".into()));
        assert_eq!(message_of(|| panic!("gone")).0, sg_status::INTERNAL);
    }

    #[test]
    fn a_long_message_is_cut_at_a_whole_character() {
        let (_, message) = message_of(|| Err(Failure::new(sg_status::IO, "é".repeat(600))));
        assert_eq!(message, "é".repeat(511));
        assert_eq!(cut("before\0after", 100), "before");
    }

    #[test]
    fn a_misaligned_or_absent_error_is_not_written() {
        let mut memory = [7_u8; 1100];
        let odd = memory.as_mut_ptr().wrapping_add(1 + memory.as_ptr().align_offset(4)).cast();
        // SAFETY: the memory is larger than an `sg_error`, and null is allowed.
        unsafe {
            assert_eq!(boundary(odd, || Ok(())), sg_status::MISALIGNED);
            assert_eq!(boundary(ptr::null_mut(), || Err(Failure::null("x"))), sg_status::NULL_POINTER);
        }
        assert_eq!(memory, [7; 1100]);
    }
}
