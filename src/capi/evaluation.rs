//! `sg_evaluation`: loss and metrics of one version over some batches, in the caller's memory.

use super::metrics::{Named, sg_metric, sg_metric_values};
use super::sized::SizedStruct;
use crate::bind::Failure;
use crate::trainer::{Evaluation, Trainer};

/// Loss and metrics of one version over all rows of some batches. Plain data of the caller, to be initialised with
/// `SG_EVALUATION_INIT`.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct sg_evaluation {
    /// `sizeof(sg_evaluation)`.
    pub size: usize,
    /// Metrics wanted by name; null if there are none. Their `window` is written as `value` is.
    pub named_metrics: *mut sg_metric,
    /// How many of them.
    pub named_metric_count: usize,
    /// Written: the version that was evaluated.
    pub version: u64,
    /// Written: the rows.
    pub rows: u64,
    /// Written: the metrics over all rows; `loss` has the regularizers in it.
    pub metrics: sg_metric_values,
}

// SAFETY: `repr(C)`, made of fields of eight bytes, begins with its size, made of numbers and pointers.
unsafe impl SizedStruct for sg_evaluation {
    const MACRO: &'static str = "SG_EVALUATION_INIT";
    const FIRST_SIZE: usize = size_of::<Self>();
}

impl sg_evaluation {
    /// Checks the caller's memory.
    ///
    /// # Safety
    /// The pointers are as `docs/c-abi.md` says.
    pub(super) unsafe fn check<'a>(&self, trainer: &'a Trainer) -> Result<Named<'a>, Failure> {
        // SAFETY: the contract of this function.
        unsafe { Named::check(trainer.bundle().manifest(), self.named_metrics, self.named_metric_count) }
    }

    pub(super) fn fill(&mut self, named: Named<'_>, evaluation: &Evaluation) {
        named.fill(evaluation.metrics());
        (self.version, self.rows) = (evaluation.version(), evaluation.rows());
        self.metrics = sg_metric_values::of(evaluation.metrics()).0;
    }
}
