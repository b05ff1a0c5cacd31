//! What a call found, in the caller's buffer: the layout of Java's `Call`.
//!
//! Of a step the report: loss (f32), rows (i32), gradient version, version, nanoseconds of pull, run and push (i64 each), then for each
//! metric its value since start and over the window (f64 each, NaN where undefined); at the next multiple of 64 the predictions. Of a
//! prediction these alone: lineage and number of the version (i64 each), at the next multiple of 64 a block of columns, laid out for
//! their rows.

use std::time::Duration;

use super::buffer::{ALIGNMENT, Direct};
use super::layout::{offsets, row_bytes};
use super::schema;
use crate::batch::Schema;
use crate::bind::{Failure, Status};
use crate::metrics::MetricValues;
use crate::model::Predictions;
use crate::tensor::DType;
use crate::trainer::{Report, Trainer};

const METRICS: usize = 48;

/// A buffer with room for the results of some rows.
#[derive(Debug)]
pub(super) struct Results {
    buffer: Direct,
    /// Where the predictions begin.
    predictions: usize,
    /// Where each output begins.
    outputs: Vec<usize>,
}

impl Results {
    /// Makes sure of the room before anything is computed: a step whose report has no place must not learn.
    pub(super) fn of_step(buffer: Direct, trainer: &Trainer, rows: usize) -> Result<Self, Failure> {
        let report = METRICS + schema::metric_count(trainer) * 2 * size_of::<f64>();
        Self::new(buffer, report.next_multiple_of(ALIGNMENT), trainer.schema(), rows)
    }

    /// The same for predictions without a report.
    pub(super) fn of_predictions(buffer: Direct, schema: &Schema, rows: usize) -> Result<Self, Failure> {
        Self::new(buffer, 0, schema, rows)
    }

    fn new(buffer: Direct, predictions: usize, schema: &Schema, rows: usize) -> Result<Self, Failure> {
        let outputs = schema.outputs();
        if let Some(output) = outputs.iter().find(|output| output.dtype == DType::String) {
            let context = format!("predict from Rust, Java reads no strings from a model: output {}", output.name);
            return Err(Failure::new(Status::UNSUPPORTED, context));
        }
        let outputs = offsets(predictions + ALIGNMENT, outputs.iter().map(|output| row_bytes(output.dtype, &output.shape)), rows)?;
        let needed = outputs[outputs.len() - 1];
        Ok(Self { buffer: buffer.at_least(needed)?, predictions, outputs })
    }

    pub(super) fn write_report(&self, report: &Report) {
        self.buffer.write(0, &report.loss().to_le_bytes());
        self.buffer.write(4, &(report.rows() as i32).to_le_bytes());
        let timings = report.timings();
        let nanos = |time: Duration| time.as_nanos() as u64;
        let numbers = [report.gradient_version(), report.version(), nanos(timings.pull), nanos(timings.run), nanos(timings.push)];
        for (index, number) in numbers.into_iter().enumerate() {
            self.buffer.write(8 + index * size_of::<u64>(), &number.to_le_bytes());
        }
        self.write_metrics(report.metrics());
        self.write_predictions(report.predictions());
    }

    pub(super) fn write_metrics(&self, metrics: &MetricValues) {
        for (index, value) in schema::metric_values(metrics).enumerate() {
            self.buffer.write(METRICS + index * size_of::<f64>(), &value.to_le_bytes());
        }
    }

    pub(super) fn write_predictions(&self, predictions: &Predictions) {
        let version = predictions.version_id();
        self.buffer.write(self.predictions, &version.lineage.number().to_le_bytes());
        self.buffer.write(self.predictions + size_of::<u64>(), &version.number.to_le_bytes());
        for (index, &offset) in self.outputs.iter().enumerate() {
            self.buffer.write(offset, predictions.bytes(index).unwrap_or_default());
        }
    }
}
