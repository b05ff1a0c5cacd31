//! How a native method ends: a number, or a status code with its text in the caller's error buffer.

use jni::objects::JByteBuffer;
use jni::sys::jlong;

use super::buffer::{Caller, Direct};
use crate::bind::{Failure, guard};

/// Status and length of the text, then UTF-8.
const TEXT: usize = 2 * size_of::<i32>();

/// Runs the body inside the guard; a failure becomes its negated status code, its text in `error`.
pub(super) fn reply(caller: Caller<'_>, error: &JByteBuffer<'_>, body: impl FnOnce() -> Result<u64, Failure>) -> jlong {
    match guard(body) {
        Ok(value) => value.cast_signed() & jlong::MAX,
        Err(failure) => {
            // Raw methods have no guard but ours, so the telling has one too.
            let _ = guard(|| {
                tell(caller, error, &failure);
                Ok(())
            });
            -jlong::from(failure.status.code())
        }
    }
}

/// Writes a failure into the error buffer, its text cut at a character if it does not fit; without one, the code has to do.
pub(super) fn tell(caller: Caller<'_>, error: &JByteBuffer<'_>, failure: &Failure) {
    let Ok(room) = Direct::of(caller, error, "error").and_then(|room| room.at_least(TEXT)) else { return };
    let text = &failure.message[..failure.message.floor_char_boundary(room.bytes() - TEXT)];
    room.write(0, &failure.status.code().to_le_bytes());
    room.write(size_of::<i32>(), &(text.len() as i32).to_le_bytes());
    room.write(TEXT, text.as_bytes());
}
