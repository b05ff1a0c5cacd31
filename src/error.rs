//! One error type for everything that can go wrong.
//!
//! An [`Error`] says what was being done (`operation`), what stood in the way and what to do about it (`context`),
//! and keeps the error below it, if there is one (`source`). Its [`ErrorKind`] is for programs: a kind exists only
//! where a caller would act differently.

use std::error::Error as StdError;
use std::path::Path;

use serde::{Deserialize, Serialize};

/// The result of everything that can fail here.
pub type Result<T, E = Error> = std::result::Result<T, E>;

/// What a caller can do something about.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(rename_all = "kebab-case")]
#[non_exhaustive]
pub enum ErrorKind {
    /// An argument, a record or a batch is wrong: correct it and call again.
    InvalidInput,
    /// The object was closed, or never was one.
    Closed,
    /// The bundle is missing, damaged or contradicts itself: export it again.
    InvalidBundle,
    /// A snapshot or the folder of a store is missing, damaged or contradicts itself: open another version.
    InvalidSnapshot,
    /// The graph holds an op that the host did not allow.
    RefusedGraph,
    /// No TensorFlow library was found: install one, or name its place.
    TensorFlowNotFound,
    /// Another TensorFlow than the one asked for is already in this process.
    TensorFlowConflict,
    /// TensorFlow itself reported an error.
    TensorFlow,
    /// A loss, a gradient or a new parameter is not finite; nothing was changed.
    NonFinite,
    /// An earlier failure left the trainer without a trustworthy state; open a new one.
    Poisoned,
    /// The norm of a gradient is far from those before; nothing was changed.
    Outlier,
    /// The trainer is paused: it predicts, and learns when it is resumed.
    Paused,
    /// The trainer was stopped: it predicts, and learns no more.
    Stopped,
    /// The operating system refused to read or write.
    Io,
    /// Somebody else holds what only one may hold: wait, or end the other.
    Locked,
    /// This platform or this feature is not supported.
    Unsupported,
    /// A defect of this library.
    Internal,
}

/// What went wrong, while doing what, and what to do about it.
///
/// It prints on one line: `operation: context: source`.
#[derive(Debug, thiserror::Error)]
#[error("{operation}: {context}{}", below(.source))]
pub struct Error {
    kind: ErrorKind,
    operation: &'static str,
    context: String,
    source: Option<Box<dyn StdError + Send + Sync>>,
}

impl Error {
    /// An error of this kind, met while doing `operation`.
    pub fn new(kind: ErrorKind, operation: &'static str, context: impl Into<String>) -> Self {
        Self { kind, operation, context: context.into(), source: None }
    }

    /// Keeps the error that caused this one.
    #[must_use]
    pub fn with_source(mut self, source: impl Into<Box<dyn StdError + Send + Sync>>) -> Self {
        self.source = Some(source.into());
        self
    }

    /// What a caller can do about it.
    pub fn kind(&self) -> ErrorKind {
        self.kind
    }

    /// What was being done.
    pub fn operation(&self) -> &'static str {
        self.operation
    }

    /// What stood in the way.
    pub fn context(&self) -> &str {
        &self.context
    }

    /// Says first which file or folder it is about.
    pub(crate) fn of(mut self, path: &Path) -> Self {
        self.context = format!("{}: {}", path.display(), self.context);
        self
    }

    pub(crate) fn input(operation: &'static str, context: impl Into<String>) -> Self {
        Self::new(ErrorKind::InvalidInput, operation, context)
    }
}

fn below(source: &Option<Box<dyn StdError + Send + Sync>>) -> String {
    source.as_ref().map(|source| format!(": {source}")).unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn prints_on_one_line_with_its_source() {
        let io = std::io::Error::new(std::io::ErrorKind::NotFound, "no such file");
        let error = Error::new(ErrorKind::InvalidBundle, "open bundle", "bundle.json is missing").with_source(io);
        assert_eq!(error.to_string(), "open bundle: bundle.json is missing: no such file");
        assert_eq!(error.kind(), ErrorKind::InvalidBundle);
        assert!(error.source().is_some());
    }
}
