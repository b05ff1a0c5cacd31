//! What a predictor says of itself.

use std::time::{Duration, SystemTime};

use crate::error::{Error, ErrorKind};
use crate::snapshot::VersionId;

/// What predicts, and what could not take its place. Plain data, as of one moment.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct PredictorStatus {
    /// The version that predicts.
    pub version: VersionId,
    /// When that version was made, by the clock of the machine that did; `None` for a bundle's own values and for a store in
    /// this process, which do not say.
    pub made: Option<SystemTime>,
    /// Since when it predicts here; `None` for a store in this process whose newest version does.
    pub since: Option<SystemTime>,
    /// Whether it stays until [`Predictor::unpin`](super::Predictor::unpin).
    pub pinned: bool,
    /// How often one version took the place of another here.
    pub swaps: u64,
    /// Why the newest version does not predict, or why nobody can tell which one that is; `None` once it does again.
    pub problem: Option<Problem>,
    /// Attempts that failed since there was no such problem.
    pub failures: u64,
}

/// Why a version was not taken.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct Problem {
    /// The version; `None` if the folder itself could not be read.
    pub version: Option<VersionId>,
    /// The kind of the error.
    pub kind: ErrorKind,
    /// The error's text.
    pub error: String,
    /// When it was met last.
    pub time: SystemTime,
}

impl PredictorStatus {
    /// How long ago the version was made, as the two machines' clocks have it.
    pub fn age(&self) -> Option<Duration> {
        self.made.map(|made| SystemTime::now().duration_since(made).unwrap_or_default())
    }
}

impl Problem {
    pub(super) fn new(version: Option<VersionId>, error: &Error) -> Self {
        Self { version, kind: error.kind(), error: error.to_string(), time: SystemTime::now() }
    }
}
