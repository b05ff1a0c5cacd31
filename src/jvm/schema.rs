//! The schema as bytes that Java's `Schema` reads: big-endian, as a `DataInput` has it.
//!
//! A text is its length (32 bits) and UTF-8; a shape its rank and dimensions; a list its length and entries:
//! columns (role, column), outputs (column), metrics (name, kind), parameters (name, shape), where a column is name, dtype, shape, whether
//! it is ragged, whether values may be missing, list of fields, lowest and highest value allowed (64-bit floats). Last, whether learning needs the event time. What is
//! true or false is one byte.

use std::sync::Arc;

use serde_json::Value;

use crate::batch::{ColumnSpec, Role, Schema};
use crate::bind::{Failure, Status};
use crate::bundle::{EmbeddingTable, Parameter};
use crate::metrics::MetricValues;
use crate::predictor::Predictor;
use crate::tensor::{DType, Shape};
use crate::trainer::Trainer;

pub(super) fn of_trainer(trainer: &Trainer) -> Vec<u8> {
    let manifest = trainer.bundle().manifest();
    let needs_event_time = manifest.tables.iter().any(EmbeddingTable::expires_by_event_time);
    encode(trainer.schema(), &metrics(trainer), &manifest.parameters, needs_event_time)
}

/// A predictor keeps no metrics, shows no parameters and learns nothing.
pub(super) fn of_predictor(predictor: &Predictor) -> Vec<u8> {
    encode(predictor.schema(), &[], &[], false)
}

/// A bundle that is not opened is known by its columns and outputs.
pub(super) fn of_bundle(schema: &Schema) -> Vec<u8> {
    encode(schema, &[], &[], false)
}

fn encode(schema: &Schema, metrics: &[(&str, &str)], parameters: &[Parameter], needs_event_time: bool) -> Vec<u8> {
    let mut out = Writer(Vec::new());
    out.list(schema.columns(), |out, spec| {
        out.0.push(match spec.role {
            Role::Feature => 0,
            Role::Label => 1,
            Role::Weight => 2,
        });
        out.column(&spec.name, spec.dtype, &spec.shape, [spec.ragged, spec.optional], &spec.fields, allowed(spec));
    });
    out.list(schema.outputs(), |out, output| out.column(&output.name, output.dtype, &output.shape, [false; 2], &[], EVERYTHING));
    out.list(metrics, |out, (name, kind)| {
        out.text(name);
        out.text(kind);
    });
    out.list(parameters, |out, parameter| {
        out.text(&parameter.name);
        out.shape(&parameter.shape);
    });
    out.0.push(needs_event_time.into());
    out.0
}

/// Name and kind of every metric: the loss, then those of the bundle.
fn metrics(trainer: &Trainer) -> Vec<(&str, &str)> {
    let exported = trainer.bundle().manifest().metrics.iter();
    let exported = exported.map(|metric| (text(metric, "name"), text(metric, "kind")));
    std::iter::once(("loss", "loss")).chain(exported).collect()
}

/// How many these are.
pub(super) fn metric_count(trainer: &Trainer) -> usize {
    1 + trainer.bundle().manifest().metrics.len()
}

/// The values of the same metrics, each since start and over the window; NaN where undefined.
pub(super) fn metric_values(metrics: &MetricValues) -> impl Iterator<Item = f64> {
    metrics.iter().flat_map(|(_, total, window)| [total, window])
}

fn text<'a>(metric: &'a Value, key: &str) -> &'a str {
    metric.get(key).and_then(Value::as_str).unwrap_or_default()
}

const EVERYTHING: (f64, f64) = (f64::NEG_INFINITY, f64::INFINITY);

fn allowed(spec: &ColumnSpec) -> (f64, f64) {
    match spec.role {
        Role::Feature => EVERYTHING,
        Role::Label => spec.range.unwrap_or(EVERYTHING),
        Role::Weight => (0.0, f64::INFINITY),
    }
}

struct Writer(Vec<u8>);

impl Writer {
    /// Lengths come from a manifest, whose entries are far fewer than 2^32.
    fn length(&mut self, length: usize) {
        self.0.extend((length as u32).to_be_bytes());
    }

    fn text(&mut self, text: &str) {
        self.length(text.len());
        self.0.extend(text.as_bytes());
    }

    fn shape(&mut self, shape: &Shape) {
        self.length(shape.dims().len());
        for &dimension in shape.dims() {
            self.0.extend((dimension as i32).to_be_bytes());
        }
    }

    fn list<T>(&mut self, entries: &[T], mut each: impl FnMut(&mut Self, &T)) {
        self.length(entries.len());
        for entry in entries {
            each(self, entry);
        }
    }

    fn column(&mut self, name: &str, dtype: DType, shape: &Shape, flags: [bool; 2], fields: &[String], (lowest, highest): (f64, f64)) {
        self.text(name);
        self.text(dtype.name());
        self.shape(shape);
        self.0.extend(flags.map(u8::from));
        self.list(fields, |out, field| out.text(field));
        self.0.extend(lowest.to_be_bytes());
        self.0.extend(highest.to_be_bytes());
    }
}

/// The columns of a schema that Java has in these bytes, and nothing else of it.
pub(super) fn columns(encoded: &[u8]) -> Result<Arc<Schema>, Failure> {
    let foreign = || Failure::new(Status::INTERNAL, "use jar and library of one build, this schema cannot be read");
    Reader(encoded).columns().map(Schema::of_columns).ok_or_else(foreign)
}

/// Reads what [`Writer`] wrote; `None` where it did not write this.
struct Reader<'a>(&'a [u8]);

impl Reader<'_> {
    fn columns(&mut self) -> Option<Vec<ColumnSpec>> {
        self.list(|reader| {
            let role = match reader.byte()? {
                0 => Role::Feature,
                1 => Role::Label,
                2 => Role::Weight,
                _ => return None,
            };
            let name = reader.text()?;
            let dtype = serde_json::from_value(Value::String(reader.text()?)).ok()?;
            let dimensions = reader.list(|reader| reader.bytes().map(|dimension| i64::from(i32::from_be_bytes(dimension))))?;
            let (ragged, optional) = (reader.byte()? == 1, reader.byte()? == 1);
            let fields = reader.list(Self::text)?;
            let range = (f64::from_be_bytes(reader.bytes()?), f64::from_be_bytes(reader.bytes()?));
            let range = Some(range).filter(|range| role == Role::Label && *range != EVERYTHING);
            let shape = Shape::new(dimensions).ok()?;
            Some(ColumnSpec { name, role, dtype, shape, ragged, fields, optional, output: None, range })
        })
    }

    fn bytes<const N: usize>(&mut self) -> Option<[u8; N]> {
        let (bytes, rest) = self.0.split_first_chunk()?;
        self.0 = rest;
        Some(*bytes)
    }

    fn byte(&mut self) -> Option<u8> {
        self.bytes().map(|[byte]| byte)
    }

    fn length(&mut self) -> Option<usize> {
        self.bytes().map(|length| u32::from_be_bytes(length) as usize)
    }

    fn text(&mut self) -> Option<String> {
        let length = self.length()?;
        let (text, rest) = self.0.split_at_checked(length)?;
        self.0 = rest;
        String::from_utf8(text.to_vec()).ok()
    }

    fn list<T>(&mut self, mut each: impl FnMut(&mut Self) -> Option<T>) -> Option<Vec<T>> {
        (0..self.length()?).map(|_| each(self)).collect()
    }
}
