//! Threads whose work can wait.

/// How far such a thread steps back behind others that want a processor; 19 would be as far as possible, and would let a busy
/// machine starve it.
const NICENESS: i32 = 5;

/// Lets this thread, and those that it starts, have what time of the processors the stream leaves.
pub(crate) fn yield_to_the_stream() {
    // SAFETY: the call only looks at its numbers; on Linux, 0 is the calling thread. Who cannot yield is no worse off.
    unsafe { libc::setpriority(libc::PRIO_PROCESS, 0, NICENESS) };
}
