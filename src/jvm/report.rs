//! Reports and predictions in the buffers of the caller: the layout of Java's `Call`.
//!
//! A report is loss (f32), rows (i32), gradient version, version, nanoseconds of pull, run and push (i64 each), then for each metric its
//! value since start and over the window (f64 each, NaN where undefined). Predictions are a block of columns, laid out for their rows.

use std::time::Duration;

use super::buffer::Direct;
use super::layout::offsets;
use super::schema;
use crate::batch::Schema;
use crate::bind::{Failure, Status};
use crate::metrics::MetricValues;
use crate::model::Predictions;
use crate::tensor::DType;
use crate::trainer::{Report, Trainer};

const METRICS: usize = 48;

/// A buffer with room for a report.
#[derive(Debug)]
pub(super) struct ReportRoom(Direct);

impl ReportRoom {
    pub(super) fn new(buffer: Direct, trainer: &Trainer) -> Result<Self, Failure> {
        Ok(Self(buffer.at_least(METRICS + schema::metrics(trainer).len() * 2 * size_of::<f64>())?))
    }

    pub(super) fn write(&self, report: &Report) {
        self.0.write(0, &report.loss().to_le_bytes());
        self.0.write(4, &(report.rows() as i32).to_le_bytes());
        let timings = report.timings();
        let nanos = |time: Duration| time.as_nanos() as u64;
        let numbers = [report.gradient_version(), report.version(), nanos(timings.pull), nanos(timings.run), nanos(timings.push)];
        for (index, number) in numbers.into_iter().enumerate() {
            self.0.write(8 + index * size_of::<u64>(), &number.to_le_bytes());
        }
        self.write_metrics(report.metrics());
    }

    pub(super) fn write_metrics(&self, metrics: &MetricValues) {
        for (index, value) in schema::metric_values(metrics).enumerate() {
            self.0.write(METRICS + index * size_of::<f64>(), &value.to_le_bytes());
        }
    }
}

/// A buffer with room for the predictions of some rows.
#[derive(Debug)]
pub(super) struct PredictionsRoom {
    buffer: Direct,
    offsets: Vec<usize>,
}

impl PredictionsRoom {
    pub(super) fn new(buffer: Direct, schema: &Schema, rows: usize) -> Result<Self, Failure> {
        if let Some(output) = schema.outputs().iter().find(|output| output.dtype == DType::String) {
            let context = format!("predict from Rust, Java reads no strings from a model: output {}", output.name);
            return Err(Failure::new(Status::UNSUPPORTED, context));
        }
        let offsets = offsets(schema.outputs().iter().map(|output| (output.dtype, &output.shape)), rows)?;
        let buffer = buffer.at_least(offsets[schema.outputs().len()])?;
        Ok(Self { buffer, offsets })
    }

    pub(super) fn write(&self, predictions: &Predictions) {
        for (index, &offset) in self.offsets.iter().enumerate() {
            self.buffer.write(offset, predictions.bytes(index).unwrap_or_default());
        }
    }
}
