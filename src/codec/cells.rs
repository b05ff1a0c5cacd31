//! The values of a batch, field by field and row by row, for the encoders.

use std::ops::Range;

use crate::batch::{BatchView, ColumnData, RaggedValues, Schema};
use crate::error::{Error, ErrorKind, Result};
use crate::tensor::{DType, bf16, f16};

const WRITE: &str = "write records";

/// The values of one output of a model, row-major: what [`Predictions::outputs`](crate::Predictions::outputs) gives.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Output<'a> {
    /// Elements of a fixed size.
    Bytes(&'a [u8]),
    /// Strings.
    Strings(&'a [Vec<u8>]),
}

/// One value.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Cell<'a> {
    F32(f32),
    F64(f64),
    Int(i128),
    Bool(bool),
    Bytes(&'a [u8]),
}

/// The values of one field.
#[derive(Debug)]
pub(super) struct Cells<'a> {
    pub(super) dtype: DType,
    /// Whether a row has other than one value.
    pub(super) list: bool,
    /// Of a ragged field, where the values of each row begin and end.
    bounds: Option<Vec<usize>>,
    start: usize,
    elements: usize,
    /// From the values of one row to those of the next.
    stride: usize,
    values: Values<'a>,
    /// The rows that have none.
    missing: &'a [usize],
}

#[derive(Clone, Copy, Debug)]
enum Values<'a> {
    Bytes(&'a [u8]),
    Places { bytes: &'a [u8], places: &'a [(u32, u32)] },
    Strings(&'a [Vec<u8>]),
}

impl<'a> Cells<'a> {
    /// Whether a row has values: of a label or the weight.
    pub(super) fn has(&self, row: usize) -> bool {
        self.missing.is_empty() || self.missing.binary_search(&row).is_err()
    }

    /// Where the values of a row are.
    pub(super) fn row(&self, row: usize) -> Range<usize> {
        match &self.bounds {
            Some(bounds) => bounds[row]..bounds[row + 1],
            None => row * self.stride + self.start..row * self.stride + self.start + self.elements,
        }
    }

    pub(super) fn cell(&self, at: usize) -> Cell<'a> {
        let bytes = match self.values {
            Values::Bytes(bytes) => bytes,
            Values::Places { bytes, places } => {
                let (start, length) = places[at];
                return Cell::Bytes(&bytes[start as usize..start as usize + length as usize]);
            }
            Values::Strings(strings) => return Cell::Bytes(&strings[at]),
        };
        macro_rules! read {
            ($rust:ty) => {{
                const SIZE: usize = size_of::<$rust>();
                let mut value = [0; SIZE];
                value.copy_from_slice(&bytes[at * SIZE..(at + 1) * SIZE]);
                <$rust>::from_le_bytes(value)
            }};
        }
        match self.dtype {
            DType::F32 => Cell::F32(read!(f32)),
            DType::F64 => Cell::F64(read!(f64)),
            DType::F16 => Cell::F32(read!(f16).to_f32()),
            DType::BF16 => Cell::F32(read!(bf16).to_f32()),
            DType::I8 => Cell::Int(read!(i8).into()),
            DType::I16 => Cell::Int(read!(i16).into()),
            DType::I32 => Cell::Int(read!(i32).into()),
            DType::I64 => Cell::Int(read!(i64).into()),
            DType::U8 => Cell::Int(read!(u8).into()),
            DType::U16 => Cell::Int(read!(u16).into()),
            DType::U32 => Cell::Int(read!(u32).into()),
            DType::U64 => Cell::Int(read!(u64).into()),
            DType::Bool => Cell::Bool(bytes[at] != 0),
            // Complex ones are refused by `cells`.
            DType::String | DType::C64 | DType::C128 => Cell::Bytes(&[]),
        }
    }
}

/// The names of what [`cells`] gives: the fields of features, labels and weight, then the outputs.
pub(super) fn names(schema: &Schema, outputs: bool) -> Vec<String> {
    let fields = schema.columns().iter().flat_map(|column| &column.fields).cloned();
    let predicted = schema.outputs().iter().filter(|_| outputs).map(|output| format!("predicted_{}", output.name));
    fields.chain(predicted).collect()
}

/// The fields of a batch that was checked, and of the outputs; `None` where no row has a label or the weight.
pub(super) fn cells<'a>(schema: &Schema, batch: &BatchView<'a>, outputs: &[Output<'a>]) -> Result<Vec<Option<Cells<'a>>>> {
    for (spec, data) in schema.columns().iter().zip(batch.columns()) {
        if let ColumnData::Missing { rows, bytes } = data
            && rows.len() < batch.rows()
            && spec.row_bytes().is_none_or(|size| bytes.len() != size * batch.rows())
        {
            let (row, name) = (rows.first().copied().unwrap_or(0), &spec.name);
            let context = format!("row {row} has no {name}, others have; write those with it and those without it apart");
            return Err(Error::input(WRITE, context));
        }
    }
    let predicted = schema.outputs().iter().filter(|_| !outputs.is_empty()).map(|output| (&output.name, output.dtype));
    let all = schema.columns().iter().map(|column| (&column.name, column.dtype)).chain(predicted);
    if let Some((name, dtype)) = all.into_iter().find(|(_, dtype)| dtype.is_complex()) {
        return Err(Error::new(ErrorKind::Unsupported, WRITE, format!("{name} is {dtype}, which no record has; write its parts yourself")));
    }
    batch.check_present(schema)?;
    let mut all = Vec::new();
    for (spec, data) in schema.columns().iter().zip(batch.columns()) {
        let stride = spec.shape.elements();
        let elements = stride / spec.fields.len();
        let mut missing: &[usize] = &[];
        let (values, bounds) = match *data {
            ColumnData::Missing { rows, bytes } if rows.len() < batch.rows() => {
                missing = rows;
                (Values::Bytes(bytes), None)
            }
            ColumnData::Bytes(bytes) => (Values::Bytes(bytes), None),
            ColumnData::Strings { bytes, places } => (Values::Places { bytes, places }, None),
            ColumnData::Ragged { lengths, values } => {
                let values = match values {
                    RaggedValues::Bytes(bytes) => Values::Bytes(bytes),
                    RaggedValues::Strings { bytes, places } => Values::Places { bytes, places },
                };
                let ends = lengths.iter().scan(0, |end, length| {
                    *end += *length as usize;
                    Some(*end)
                });
                (values, Some(std::iter::once(0).chain(ends).collect()))
            }
            _ => {
                all.extend(spec.fields.iter().map(|_| None));
                continue;
            }
        };
        for field in 0..spec.fields.len() {
            let (bounds, start, list) = (bounds.clone(), field * elements, spec.ragged || elements > 1);
            all.push(Some(Cells { dtype: spec.dtype, list, bounds, start, elements, stride, values, missing }));
        }
    }
    let wrong = |context: String| Err(Error::input(WRITE, context));
    if !outputs.is_empty() && outputs.len() != schema.outputs().len() {
        return wrong(format!("the model has {} outputs, not {}", schema.outputs().len(), outputs.len()));
    }
    for (spec, output) in schema.outputs().iter().zip(outputs) {
        let elements = spec.shape.elements();
        let (values, found) = match (*output, spec.dtype.size()) {
            (Output::Bytes(bytes), Some(size)) => (Values::Bytes(bytes), bytes.len() / size),
            (Output::Strings(strings), None) => (Values::Strings(strings), strings.len()),
            _ => return wrong(format!("{} holds {}, not what was given", spec.name, spec.dtype)),
        };
        if found != batch.rows() * elements {
            return wrong(format!("{} has {found} values, but {} rows take {}", spec.name, batch.rows(), batch.rows() * elements));
        }
        all.push(Some(Cells {
            dtype: spec.dtype,
            list: elements > 1,
            bounds: None,
            start: 0,
            elements,
            stride: elements,
            values,
            missing: &[],
        }));
    }
    Ok(all)
}

/// What was encoded goes to the writer at once, or an error says why not.
pub(super) fn emit(writer: &mut impl std::io::Write, bytes: &[u8]) -> Result<()> {
    writer.write_all(bytes).map_err(|error| Error::new(crate::ErrorKind::Io, WRITE, "the writer refused").with_source(error))
}

/// A string that has to be text.
pub(super) fn utf8<'a>(name: &str, bytes: &'a [u8]) -> Result<&'a str> {
    let refused = |error| Error::input(WRITE, format!("a string of {name} is not UTF-8; write it as tf.train.Example")).with_source(error);
    std::str::from_utf8(bytes).map_err(refused)
}
