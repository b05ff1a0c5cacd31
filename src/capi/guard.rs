//! `sg_guard`: which updates a trainer refuses.

use super::folder_store::SG_NEVER;
use super::sized::{Caller, SizedStruct};
use crate::bind::{Failure, Status};
use crate::guard::{Guard, Response};

/// As an answer to many refused updates in a row: the trainer goes back to the version saved last. It pauses if there is none, or if
/// nothing was learned since.
pub const SG_ROLL_BACK: i32 = 1;

/// Which updates a trainer refuses beside those that are not finite, and what it does when they do not end. Plain data of the caller, to
/// be initialised with `SG_GUARD_INIT`; zero is the default.
///
/// A batch is refused with `SG_OUTLIER` if the logarithm of its gradient's norm is above `median + max(deviations * 1.4826 * MAD,
/// ln(factor))` of the last batches that were learned.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct sg_guard {
    /// `sizeof(sg_guard)`.
    pub size: usize,
    /// `SG_NEVER` sets no bound on norms.
    pub bound: i32,
    /// What the trainer does after `after` refused updates in a row: it pauses by default; `SG_ROLL_BACK`; `SG_NEVER` for nothing.
    pub response: i32,
    /// See `response`; default 10.
    pub after: u64,
    /// The norms that are remembered: of the last so many batches that were learned; default 256.
    pub window: usize,
    /// So many batches are learned, whatever their norm, before there is a bound; default 64.
    pub warm_up: usize,
    /// How many robust standard deviations above the median a logarithm may be; default 5.
    pub deviations: f64,
    /// A norm up to so many times the median is never refused; default 30.
    pub factor: f64,
    /// The refused batches that are kept until the host drains them; default 16, `SG_NEVER` for none.
    pub quarantine: i64,
}

// SAFETY: `repr(C)`, two of its fields make eight bytes together, the others have eight each; begins with its size, made
// of numbers.
unsafe impl SizedStruct for sg_guard {
    const MACRO: &'static str = "SG_GUARD_INIT";
    const FIRST_SIZE: usize = size_of::<Self>();
}

/// The guard that the caller wishes.
///
/// # Safety
/// The pointer is as `docs/c-abi.md` says.
pub(super) unsafe fn read(guard: *const sg_guard) -> Result<Guard, Failure> {
    // SAFETY: the contract of this function.
    let wish = unsafe { Caller::read(guard, "guard")? }.value;
    let wrong = |what: &str| Failure::new(Status::INVALID_INPUT, format!("give 0 or a constant of the header: {what}"));
    let mut guard = Guard::default();
    if wish.window != 0 {
        guard = guard.window(wish.window);
    }
    if wish.warm_up != 0 {
        guard = guard.warm_up(wish.warm_up);
    }
    if wish.deviations != 0.0 {
        guard = guard.deviations(wish.deviations);
    }
    if wish.factor != 0.0 {
        guard = guard.factor(wish.factor);
    }
    guard = match wish.bound {
        0 => guard,
        SG_NEVER => guard.any_norm(),
        other => return Err(wrong(&format!("bound {other}"))),
    };
    let after = if wish.after == 0 { 10 } else { wish.after };
    guard = match wish.response {
        0 => guard.after(after, Response::Pause),
        SG_ROLL_BACK => guard.after(after, Response::RollBack),
        SG_NEVER => guard.without_response(),
        other => return Err(wrong(&format!("response {other}"))),
    };
    Ok(match wish.quarantine {
        0 => guard,
        -1 => guard.quarantine(0),
        batches => guard.quarantine(usize::try_from(batches).map_err(|_| wrong(&format!("quarantine {batches}")))?),
    })
}
