//! `sg_serving_status`: what a predictor predicts by, and what could not take its place.

use std::ffi::c_char;

use super::error::{SG_MESSAGE_BYTES, message};
use super::sized::SizedStruct;
use super::store::{milliseconds, sg_version_id};
use crate::bind::Status;
use crate::predictor::PredictorStatus;

/// What a predictor predicts by, and what could not take its place. Plain data of the caller, to be initialised with
/// `SG_SERVING_STATUS_INIT`.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct sg_serving_status {
    /// `sizeof(sg_serving_status)`.
    pub size: usize,
    /// Written: the version that predicts.
    pub version: sg_version_id,
    /// Written: 1 if it is known when that version was made, else 0: a bundle's own values and a trainer in this process do not say.
    pub has_made: i32,
    /// Written: 1 if it stays until `sg_predictor_unpin`, else 0.
    pub pinned: i32,
    /// Written: when it was made, in milliseconds since 1970, by the clock of the machine that did.
    pub made_milliseconds: u64,
    /// Written: how long ago that was, as the two machines' clocks have it.
    pub age_seconds: f64,
    /// Written: since when it predicts here, in milliseconds since 1970; 0 for the newest version of a trainer in this process.
    pub since_milliseconds: u64,
    /// Written: how often one version took the place of another here.
    pub swaps: u64,
    /// Written: `SG_OK`, or the status of why the newest version does not predict, or of why nobody can tell which one that is.
    pub problem: i32,
    /// Written: 1 if `refused` is the version that was refused, else 0.
    pub has_refused: i32,
    /// Written: the version that was refused.
    pub refused: sg_version_id,
    /// Written: when that problem was met last, in milliseconds since 1970.
    pub problem_milliseconds: u64,
    /// Written: the attempts that failed since there was no such problem.
    pub failures: u64,
    /// Written: the problem, one line as in `sg_error`; empty if there is none.
    pub message: [c_char; SG_MESSAGE_BYTES],
}

// SAFETY: `repr(C)`, two pairs of its fields make eight bytes each, the text is a multiple of eight, the others are made of fields
// of eight; begins with its size, made of numbers.
unsafe impl SizedStruct for sg_serving_status {
    const MACRO: &'static str = "SG_SERVING_STATUS_INIT";
    const FIRST_SIZE: usize = size_of::<Self>();
}

impl sg_serving_status {
    pub(super) fn fill(&mut self, status: &PredictorStatus) {
        let problem = status.problem.as_ref();
        let refused = problem.and_then(|problem| problem.version);
        *self = Self {
            size: self.size,
            version: status.version.into(),
            has_made: status.made.is_some().into(),
            pinned: status.pinned.into(),
            made_milliseconds: status.made.map(milliseconds).unwrap_or_default(),
            age_seconds: status.age().unwrap_or_default().as_secs_f64(),
            since_milliseconds: status.since.map(milliseconds).unwrap_or_default(),
            swaps: status.swaps,
            problem: problem.map_or(Status::OK, |problem| problem.kind.into()).code(),
            has_refused: refused.is_some().into(),
            refused: refused.map(Into::into).unwrap_or_default(),
            problem_milliseconds: problem.map(|problem| milliseconds(problem.time)).unwrap_or_default(),
            failures: status.failures,
            message: message(problem.map(|problem| problem.error.as_str()).unwrap_or_default()),
        };
    }
}
