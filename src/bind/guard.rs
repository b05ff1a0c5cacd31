//! Keeps a panic from crossing into the host.

use std::any::Any;
use std::panic::{AssertUnwindSafe, catch_unwind};

use super::status::{Failure, Status};
use crate::observe::LogRing;

/// Runs the body of an exported function; a panic becomes [`Status::INTERNAL`] with its message.
///
/// The first call also lets the host have the library's log.
///
/// It belongs inside the exported function's body, around all of it. A body may be run on state that a caught panic
/// left half changed: whatever outlives a call (versions, batches, handle tables) is published whole or not at all.
pub(crate) fn guard<T>(body: impl FnOnce() -> Result<T, Failure>) -> Result<T, Failure> {
    let body = || {
        LogRing::install();
        body()
    };
    catch_unwind(AssertUnwindSafe(body)).unwrap_or_else(|payload| Err(failure(payload)))
}

fn failure(payload: Box<dyn Any + Send>) -> Failure {
    let text =
        payload.downcast_ref::<&str>().copied().or_else(|| payload.downcast_ref::<String>().map(String::as_str)).unwrap_or("no message");
    let failure = Failure::new(Status::INTERNAL, format!("this is a defect of streamgrad, please report it: {text}"));
    // A payload may panic when it is dropped; the payload of that one is leaked, so that nothing is left to go wrong.
    if let Err(second) = catch_unwind(AssertUnwindSafe(|| drop(payload))) {
        std::mem::forget(second);
    }
    failure
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_result_passes_through() {
        assert_eq!(guard(|| Ok(7)), Ok(7));
        assert_eq!(guard(|| Err::<(), _>(Failure::null("batch"))), Err(Failure::null("batch")));
    }

    #[test]
    fn a_panic_is_internal_and_keeps_its_message() {
        let number = 3;
        for failure in [guard::<()>(|| panic!("row 3 is gone")), guard::<()>(|| panic!("row {number} is gone"))] {
            let failure = failure.unwrap_err();
            assert_eq!(failure.status, Status::INTERNAL);
            assert!(failure.message.ends_with(": row 3 is gone"), "{}", failure.message);
        }
    }

    #[test]
    fn a_payload_that_panics_when_dropped_is_caught() {
        struct Spiteful;
        impl Drop for Spiteful {
            fn drop(&mut self) {
                std::panic::panic_any(0_u8);
            }
        }
        let failure = guard::<()>(|| std::panic::panic_any(Spiteful)).unwrap_err();
        assert!(failure.message.ends_with(": no message"), "{}", failure.message);
    }
}
