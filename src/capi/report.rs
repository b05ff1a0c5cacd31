//! `sg_report`: what a step found and made, in the caller's memory.

use super::metrics::{Named, sg_metric, sg_metric_values};
use super::predictions::{Text, Wanted, sg_output};
use super::sized::SizedStruct;
use crate::batch::Schema;
use crate::bind::Failure;
use crate::trainer::{Report, Trainer};

/// What a step found and made. Plain data of the caller, to be initialised with `SG_REPORT` or `SG_REPORT_OUTPUTS`.
///
/// It belongs to the caller alone: nothing in it changes while training goes on.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct sg_report {
    /// `sizeof(sg_report)`.
    pub size: usize,
    /// Room for the predictions of a model with one output of `float`; null if they are not wanted here.
    pub predictions: *mut f32,
    /// How many predictions there is room for.
    pub capacity: usize,
    /// Room for outputs by name; null if there are none.
    pub outputs: *mut sg_output,
    /// How many of them.
    pub output_count: usize,
    /// Metrics wanted by name; null if there are none.
    pub named_metrics: *mut sg_metric,
    /// How many of them.
    pub named_metric_count: usize,
    /// Written: the loss of the batch in the training pass, before the update, regularizers included.
    pub loss: f64,
    /// Written: the rows learned.
    pub rows: usize,
    /// Written: the version that the gradient was computed from, which also made the predictions.
    pub gradient_version: u64,
    /// Written: the version that the step made.
    pub version: u64,
    /// Written: the nanoseconds that it took to get the newest version,
    pub pull_nanoseconds: u64,
    /// Written: to run the graph, checks of the batch included,
    pub run_nanoseconds: u64,
    /// Written: and to update.
    pub push_nanoseconds: u64,
    /// Written: the metrics since start, this batch included.
    pub metrics: sg_metric_values,
    /// Written: the metrics over the sliding window.
    pub window: sg_metric_values,
}

// SAFETY: `repr(C)`, made of fields of eight bytes, begins with its size, made of numbers and pointers.
unsafe impl SizedStruct for sg_report {
    const MACRO: &'static str = "SG_REPORT";
    const FIRST_SIZE: usize = size_of::<Self>();
}

impl sg_report {
    /// Checks the caller's memory for a step of so many rows.
    ///
    /// # Safety
    /// The pointers are as `docs/c-abi.md` says.
    pub(super) unsafe fn check<'a>(&self, trainer: &'a Trainer, rows: usize) -> Result<(Wanted, Named<'a>), Failure> {
        // SAFETY: the contract of this function.
        unsafe {
            let outputs = (self.outputs, self.output_count);
            let wanted = Wanted::new(trainer.schema(), rows, (self.predictions, self.capacity), outputs, Text::Nowhere)?;
            Ok((wanted, Named::check(trainer.bundle().manifest(), self.named_metrics, self.named_metric_count)?))
        }
    }

    pub(super) fn fill(&mut self, (wanted, named): (Wanted, Named<'_>), schema: &Schema, report: &Report) -> Result<(), Failure> {
        wanted.fill(schema, report.predictions())?;
        named.fill(report.metrics());
        let timings = report.timings();
        let nanoseconds = |duration: std::time::Duration| duration.as_nanos() as u64;
        self.loss = report.loss().into();
        self.rows = report.rows();
        (self.gradient_version, self.version) = (report.gradient_version(), report.version());
        (self.pull_nanoseconds, self.run_nanoseconds, self.push_nanoseconds) =
            (nanoseconds(timings.pull), nanoseconds(timings.run), nanoseconds(timings.push));
        (self.metrics, self.window) = sg_metric_values::of(report.metrics());
        Ok(())
    }
}
