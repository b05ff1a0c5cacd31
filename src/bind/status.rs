//! The status codes of C and Java, and what an exported function fails with.

use crate::error::{Error, ErrorKind};

/// What a call came to. A code is never given another meaning and never reused; later versions may add codes.
/// cbindgen:rename-all=prefix:SG_
#[allow(non_camel_case_types, reason = "the names of the C header and of Java, so that one script can compare them")]
#[allow(clippy::upper_case_acronyms, reason = "as above")]
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
#[repr(i32)]
pub enum Status {
    /// The call did what it says.
    OK = 0,
    /// An argument, a record or a batch is wrong: correct it and call again.
    INVALID_INPUT = 100,
    /// A pointer that must point somewhere is null.
    NULL_POINTER = 101,
    /// The handle is closed, stale, zero or of another type.
    CLOSED = 102,
    /// The caller's memory is too small; the message names the size that is needed.
    BUFFER_TOO_SMALL = 103,
    /// A pointer is not aligned to its type.
    MISALIGNED = 104,
    /// The bundle is missing, damaged or contradicts itself: export it again.
    INVALID_BUNDLE = 200,
    /// The graph holds an op that the host did not allow.
    REFUSED_GRAPH = 201,
    /// A snapshot or the folder of a store is missing, damaged or contradicts itself: open another version.
    INVALID_SNAPSHOT = 202,
    /// No TensorFlow library was found: install one, or name its place.
    TENSORFLOW_NOT_FOUND = 300,
    /// Another TensorFlow than the one asked for is already in this process.
    TENSORFLOW_CONFLICT = 301,
    /// TensorFlow itself reported an error.
    TENSORFLOW = 302,
    /// A loss, a gradient or a new parameter is not finite; nothing was changed.
    NON_FINITE = 400,
    /// An earlier failure left the trainer without a trustworthy state: open a new one.
    POISONED = 401,
    /// The norm of a gradient is far from those before; nothing was changed.
    OUTLIER = 402,
    /// The trainer is paused: it predicts, and learns when it is resumed.
    PAUSED = 403,
    /// The trainer was stopped: it predicts, and learns no more.
    STOPPED = 404,
    /// The operating system refused to read or write.
    IO = 500,
    /// Somebody else holds what only one may hold: wait, or end the other.
    LOCKED = 501,
    /// This platform or this feature is not supported.
    UNSUPPORTED = 900,
    /// A defect of this library: a panic that was caught.
    INTERNAL = 901,
}

impl Status {
    /// The code that crosses the boundary.
    pub(crate) const fn code(self) -> i32 {
        self as i32
    }
}

impl From<ErrorKind> for Status {
    fn from(kind: ErrorKind) -> Self {
        match kind {
            ErrorKind::InvalidInput => Self::INVALID_INPUT,
            ErrorKind::Closed => Self::CLOSED,
            ErrorKind::InvalidBundle => Self::INVALID_BUNDLE,
            ErrorKind::InvalidSnapshot => Self::INVALID_SNAPSHOT,
            ErrorKind::RefusedGraph => Self::REFUSED_GRAPH,
            ErrorKind::TensorFlowNotFound => Self::TENSORFLOW_NOT_FOUND,
            ErrorKind::TensorFlowConflict => Self::TENSORFLOW_CONFLICT,
            ErrorKind::TensorFlow => Self::TENSORFLOW,
            ErrorKind::NonFinite => Self::NON_FINITE,
            ErrorKind::Poisoned => Self::POISONED,
            ErrorKind::Outlier => Self::OUTLIER,
            ErrorKind::Paused => Self::PAUSED,
            ErrorKind::Stopped => Self::STOPPED,
            ErrorKind::Io => Self::IO,
            ErrorKind::Locked => Self::LOCKED,
            ErrorKind::Unsupported => Self::UNSUPPORTED,
            ErrorKind::Internal => Self::INTERNAL,
        }
    }
}

/// Why an exported function did nothing: a code for the program and one line for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) struct Failure {
    pub(crate) status: Status,
    pub(crate) message: String,
}

impl Failure {
    pub(crate) fn new(status: Status, message: impl Into<String>) -> Self {
        Self { status, message: message.into() }
    }

    pub(crate) fn null(argument: &str) -> Self {
        Self::new(Status::NULL_POINTER, format!("pass a pointer that is not null: {argument}"))
    }

    pub(crate) fn misaligned(argument: &str, alignment: usize) -> Self {
        Self::new(Status::MISALIGNED, format!("align the pointer to {alignment} bytes: {argument}"))
    }

    pub(crate) fn too_small(argument: &str, unit: &str, given: usize, needed: usize) -> Self {
        Self::new(Status::BUFFER_TOO_SMALL, format!("pass room for {needed} {unit}, not {given}: {argument}"))
    }
}

impl From<Error> for Failure {
    fn from(error: Error) -> Self {
        Self::new(error.kind().into(), error.to_string())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_error_keeps_its_kind_and_its_line() {
        let failure = Failure::from(Error::new(ErrorKind::RefusedGraph, "open bundle", "op is refused: ReadFile"));
        assert_eq!(failure, Failure::new(Status::REFUSED_GRAPH, "open bundle: op is refused: ReadFile"));
        assert_eq!(failure.status.code(), 201);
    }
}
