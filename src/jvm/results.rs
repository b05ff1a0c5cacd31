//! What a call found, in the caller's buffer: the layout of Java's `Call`.
//!
//! Of a step the report: loss (f32), rows (i32), gradient version, version, nanoseconds of pull, run and push (i64 each), then for each
//! metric its value since start and over the window (f64 each, NaN where undefined); at the next multiple of 64 the predictions. Of a
//! prediction these alone: lineage and number of the version, and the bytes of all strings (i64 each), at the next multiple of 64 a block
//! of columns, laid out for their rows, behind it the strings. A string has a slot in its column: offset and length in what is behind the
//! block. Is there no room for the strings, slots and strings are not written, and Java asks again with more.

use std::time::Duration;

use super::buffer::{ALIGNMENT, Direct};
use super::heap::SLOT;
use super::layout::{offsets, row_bytes};
use super::schema;
use crate::batch::Schema;
use crate::bind::{Failure, Status};
use crate::metrics::MetricValues;
use crate::model::Predictions;
use crate::tensor::DType;
use crate::trainer::{Report, Trainer};

const METRICS: usize = 48;
/// Of the predictions: behind lineage and number.
const STRING_BYTES: usize = 16;
/// What an array of Java's can hold beside the columns, which have as much for themselves.
const MOST_BYTES: usize = 1 << 30;

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
    ///
    /// How long strings will be is not known before it, and a step cannot be undone.
    pub(super) fn of_step(buffer: Direct, trainer: &Trainer, rows: usize) -> Result<Self, Failure> {
        if let Some(output) = trainer.schema().outputs().iter().find(|output| output.dtype == DType::String) {
            let context = format!("a step hands out no strings; learn in Rust, or export without this output: {}", output.name);
            return Err(Failure::new(Status::UNSUPPORTED, context));
        }
        Self::of_report(buffer, trainer, rows)
    }

    /// The same for metrics alone.
    pub(super) fn of_metrics(buffer: Direct, trainer: &Trainer) -> Result<Self, Failure> {
        Self::of_report(buffer, trainer, 0)
    }

    fn of_report(buffer: Direct, trainer: &Trainer, rows: usize) -> Result<Self, Failure> {
        let report = METRICS + schema::metric_count(trainer) * 2 * size_of::<f64>();
        Self::new(buffer, report.next_multiple_of(ALIGNMENT), trainer.schema(), rows)
    }

    /// The same for predictions without a report.
    pub(super) fn of_predictions(buffer: Direct, schema: &Schema, rows: usize) -> Result<Self, Failure> {
        Self::new(buffer, 0, schema, rows)
    }

    fn new(buffer: Direct, predictions: usize, schema: &Schema, rows: usize) -> Result<Self, Failure> {
        let outputs = schema.outputs();
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
        self.write_block(report.predictions());
    }

    pub(super) fn write_metrics(&self, metrics: &MetricValues) {
        for (index, value) in schema::metric_values(metrics).enumerate() {
            self.buffer.write(METRICS + index * size_of::<f64>(), &value.to_le_bytes());
        }
    }

    pub(super) fn write_predictions(&self, predictions: &Predictions) -> Result<(), Failure> {
        let strings = |index| predictions.strings_at(index).iter();
        let bytes: usize = (0..self.outputs.len()).flat_map(strings).map(Vec::len).sum();
        if bytes > MOST_BYTES {
            let context = format!("predict fewer rows at once, their strings are {bytes} bytes, and Java takes {MOST_BYTES}");
            return Err(Failure::new(Status::INVALID_INPUT, context));
        }
        self.write_block(predictions);
        self.buffer.write(self.predictions + STRING_BYTES, &(bytes as u64).to_le_bytes());
        let start = self.outputs[self.outputs.len() - 1];
        if start + bytes > self.buffer.bytes() {
            return Ok(());
        }
        let mut end = 0;
        for (index, &offset) in self.outputs.iter().enumerate() {
            for (at, string) in strings(index).enumerate() {
                let slot = [(end as u32).to_le_bytes(), (string.len() as u32).to_le_bytes()];
                self.buffer.write(offset + at * SLOT, slot.as_flattened());
                self.buffer.write(start + end, string);
                end += string.len();
            }
        }
        Ok(())
    }

    /// Version and numbers.
    fn write_block(&self, predictions: &Predictions) {
        let version = predictions.version_id();
        self.buffer.write(self.predictions, &version.lineage.number().to_le_bytes());
        self.buffer.write(self.predictions + size_of::<u64>(), &version.number.to_le_bytes());
        for (index, &offset) in self.outputs.iter().enumerate() {
            self.buffer.write(offset, predictions.bytes(index).unwrap_or_default());
        }
    }
}
