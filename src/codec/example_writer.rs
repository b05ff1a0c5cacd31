//! Batches into `tf.train.Example` in TFRecord files.

// Field numbers of tensorflow/core/example/{example,feature}.proto.

use std::collections::BTreeMap;
use std::io::Write;
use std::sync::Arc;

use prost::{Message, Oneof};

use super::cells::{Cell, Cells, Output, cells, names};
use super::record_file::{Compression, RecordWriter};
use crate::batch::{BatchView, Schema};
use crate::error::{Error, Result};
use crate::tensor::DType;

#[derive(PartialEq, Message)]
struct Example {
    #[prost(message, optional, tag = "1")]
    features: Option<Features>,
}

#[derive(PartialEq, Message)]
struct Features {
    #[prost(btree_map = "string, message", tag = "1")]
    feature: BTreeMap<String, Feature>,
}

#[derive(PartialEq, Message)]
struct Feature {
    #[prost(oneof = "Kind", tags = "1, 2, 3")]
    kind: Option<Kind>,
}

#[derive(PartialEq, Oneof)]
enum Kind {
    #[prost(message, tag = "1")]
    Bytes(BytesList),
    #[prost(message, tag = "2")]
    Floats(FloatList),
    #[prost(message, tag = "3")]
    Ints(Int64List),
}

#[derive(PartialEq, Message)]
struct BytesList {
    #[prost(bytes = "vec", repeated, tag = "1")]
    value: Vec<Vec<u8>>,
}

#[derive(PartialEq, Message)]
struct FloatList {
    #[prost(float, repeated, tag = "1")]
    value: Vec<f32>,
}

#[derive(PartialEq, Message)]
struct Int64List {
    #[prost(int64, repeated, tag = "1")]
    value: Vec<i64>,
}

/// Writes batches as `tf.train.Example`, one record for each row, that TensorFlow and [`Examples`](super::Examples) read: strings as
/// `bytes_list`, floats as `float_list` (a float64 is rounded to float32), whole numbers and booleans as `int64_list`. Labels and
/// weight that a row lacks are left out.
#[derive(Debug)]
pub struct ExampleWriter<W: Write> {
    records: RecordWriter<W>,
    schema: Arc<Schema>,
}

impl<W: Write> ExampleWriter<W> {
    /// A writer of the batches of this schema. Give it one that is buffered.
    pub fn new(schema: &Arc<Schema>, writer: W, compression: Compression) -> Self {
        Self { records: RecordWriter::new(writer, compression), schema: schema.clone() }
    }

    /// Writes all rows.
    ///
    /// # Errors
    /// `InvalidInput`, with nothing written, if the batch is none of this schema or a number is beyond int64 or float32; `Io` if the writer fails.
    pub fn write<'a>(&mut self, batch: impl Into<BatchView<'a>>) -> Result<()> {
        self.write_predicted(batch, &[])
    }

    /// As [`ExampleWriter::write`], with `predicted_<output>` for each output of the model.
    ///
    /// # Errors
    /// As there, or if the outputs are not those of the model for these rows.
    pub fn write_predicted<'a>(&mut self, batch: impl Into<BatchView<'a>>, outputs: &[Output<'a>]) -> Result<()> {
        let batch = batch.into();
        let names = names(&self.schema, !outputs.is_empty());
        let cells = cells(&self.schema, &batch, outputs)?;
        let example = |row| {
            let present = names.iter().zip(&cells).filter_map(|(name, cells)| Some((name, cells.as_ref().filter(|cells| cells.has(row))?)));
            let feature = present.map(|(name, cells)| Ok((name.clone(), Feature { kind: Some(kind(name, cells, row)?) })));
            Ok(Example { features: Some(Features { feature: feature.collect::<Result<_>>()? }) }.encode_to_vec())
        };
        let records = (0..batch.rows()).map(example).collect::<Result<Vec<_>>>()?;
        records.iter().try_for_each(|record| self.records.write_record(record))
    }

    /// Ends the file and gives the writer back. Dropped without it, a compressed file may lack its end.
    ///
    /// # Errors
    /// `Io` if the writer fails.
    pub fn finish(self) -> Result<W> {
        self.records.finish()
    }
}

fn kind(name: &str, cells: &Cells<'_>, row: usize) -> Result<Kind> {
    let beyond =
        |number: &dyn std::fmt::Display, dtype| Error::input("write tf.train.Example", format!("{name} is {number}, beyond {dtype}"));
    let values = cells.row(row).map(|at| cells.cell(at));
    Ok(match cells.dtype {
        DType::String => {
            let strings = values.filter_map(|cell| if let Cell::Bytes(bytes) = cell { Some(bytes.to_vec()) } else { None });
            Kind::Bytes(BytesList { value: strings.collect() })
        }
        DType::F16 | DType::BF16 | DType::F32 | DType::F64 => {
            let float = |cell| match cell {
                Cell::F32(value) => Some(Ok(value)),
                Cell::F64(value) if value.is_finite() && !(value as f32).is_finite() => Some(Err(beyond(&value, DType::F32))),
                Cell::F64(value) => Some(Ok(value as f32)),
                _ => None,
            };
            Kind::Floats(FloatList { value: values.filter_map(float).collect::<Result<_>>()? })
        }
        _ => {
            let int = |cell| match cell {
                Cell::Int(value) => Some(i64::try_from(value).map_err(|_| beyond(&value, DType::I64))),
                Cell::Bool(value) => Some(Ok(value.into())),
                _ => None,
            };
            Kind::Ints(Int64List { value: values.filter_map(int).collect::<Result<_>>()? })
        }
    })
}
