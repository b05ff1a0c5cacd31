//! Asking for memory before it is needed.
//!
//! The rows of a batch lie all over memory, and to find one takes three loads in a row that each miss the caches. Asked for in rounds, all ids of a
//! shard at a time, the misses of many ids are under way at once.

use std::arch::x86_64::{_MM_HINT_T0, _mm_prefetch};

/// Has the cache lines of a slice fetched, if there is anything there.
#[inline(always)]
pub(super) fn prefetch<T>(slice: &[T]) {
    let (start, bytes) = (slice.as_ptr().cast::<i8>(), size_of_val(slice));
    for line in (0..bytes).step_by(64) {
        // SAFETY: a prefetch reads nothing that the program can see, and every x86-64 CPU has it.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(start.wrapping_add(line)) };
    }
    if bytes > 0 {
        // The slice may begin in the middle of a line.
        // SAFETY: as above.
        unsafe { _mm_prefetch::<_MM_HINT_T0>(start.wrapping_add(bytes - 1)) };
    }
}
