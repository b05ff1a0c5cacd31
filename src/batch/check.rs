//! What must hold before a model sees a batch.

use super::schema::{ColumnSpec, Role, Schema};
use super::view::{BatchView, ColumnData, RaggedValues};
use crate::error::{Error, Result};
use crate::tensor::{DType, Element, bf16, bytes_as, f16};

const CHECK: &str = "check batch";

/// What a batch is used for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Features, labels and weight are needed.
    Learn,
    /// Only the features are.
    Predict,
}

impl BatchView<'_> {
    /// Checks the columns that this purpose needs: presence, length, finiteness, the range of labels.
    pub(crate) fn check(&self, schema: &Schema, purpose: Purpose) -> Result<()> {
        self.check_width(schema)?;
        if self.rows() == 0 {
            return Err(Error::input(CHECK, "the batch is empty; push a row or set its columns first"));
        }
        if let Some(rows) = schema.rows().filter(|&rows| rows != self.rows()) {
            let context = format!(
                "the model's graph holds a batch of {rows} rows, this one has {}; give {rows}, or write the graph for any number",
                self.rows()
            );
            return Err(Error::input(CHECK, context));
        }
        for (spec, data) in schema.columns().iter().zip(self.columns()) {
            if purpose == Purpose::Learn || spec.role == Role::Feature {
                column(spec, data, self.rows()).map_err(|reason| Error::input(CHECK, reason))?;
            }
        }
        Ok(())
    }

    /// Checks the columns that are there; a label or weight that rows lack is not.
    pub(crate) fn check_present(&self, schema: &Schema) -> Result<()> {
        self.check_width(schema)?;
        let there = |data: &ColumnData<'_>| !matches!(data, ColumnData::Absent | ColumnData::Missing { .. });
        let mut present = schema.columns().iter().zip(self.columns()).filter(|(_, data)| there(data));
        present.try_for_each(|(spec, data)| column(spec, data, self.rows())).map_err(|reason| Error::input(CHECK, reason))
    }

    fn check_width(&self, schema: &Schema) -> Result<()> {
        if self.columns().len() == schema.columns().len() {
            return Ok(());
        }
        let context =
            format!("it has {} columns, the model {}; is it a batch of another bundle?", self.columns().len(), schema.columns().len());
        Err(Error::input(CHECK, context))
    }
}

fn column(spec: &ColumnSpec, data: &ColumnData<'_>, rows: usize) -> Result<(), String> {
    let name = &spec.name;
    if let ColumnData::Ragged { lengths, values } = data {
        return ragged(spec, lengths, values, rows);
    }
    match (data, spec.row_bytes()) {
        (ColumnData::Absent, _) => Err(format!("the column {name} is missing; set it")),
        (ColumnData::Missing { rows, .. }, _) => {
            let row = rows.first().copied().unwrap_or(0);
            Err(format!("row {row} has no {name}; it can be predicted, not learned"))
        }
        (ColumnData::Bytes(bytes), Some(row_bytes)) => {
            if bytes.len() != rows * row_bytes {
                return Err(format!("{name} has {} rows, other columns {rows}", bytes.len() / row_bytes));
            }
            elements(spec, bytes)
        }
        (ColumnData::Strings { bytes, places }, None) if !spec.ragged => {
            if places.len() != rows * spec.shape.elements() {
                return Err(format!("{name} has {} strings, but {rows} rows take {}", places.len(), rows * spec.shape.elements()));
            }
            inside(name, bytes, places)
        }
        _ if spec.ragged => Err(format!("{name} is ragged; give the values of all rows, and how many each row has")),
        _ => Err(format!("{name} takes {}, but got another kind of column", spec.dtype)),
    }
}

/// Whether the strings are where they shall be.
fn inside(name: &str, bytes: &[u8], places: &[(u32, u32)]) -> Result<(), String> {
    match places.iter().find(|(start, length)| (*start as usize + *length as usize) > bytes.len()) {
        Some(place) => Err(format!("a string of {name} lies outside its bytes: {place:?}")),
        None => Ok(()),
    }
}

fn ragged(spec: &ColumnSpec, lengths: &[i64], values: &RaggedValues<'_>, rows: usize) -> Result<(), String> {
    let name = &spec.name;
    if !spec.ragged {
        return Err(format!("{name} takes {} values a row, but got ragged rows", spec.shape.elements()));
    }
    if lengths.len() != rows {
        return Err(format!("{name} has {} rows, other columns {rows}", lengths.len()));
    }
    let count = match (values, spec.dtype.size()) {
        (RaggedValues::Bytes(bytes), Some(size)) if bytes.len() % size == 0 => bytes.len() / size,
        (RaggedValues::Strings { places, .. }, None) => places.len(),
        _ => return Err(format!("{name} takes {}, but got another kind of column", spec.dtype)),
    };
    if let Some(row) = lengths.iter().position(|length| *length < 0) {
        return Err(format!("row {row} of {name} has {} values; lengths are not negative", lengths[row]));
    }
    let sum = lengths.iter().try_fold(0_i64, |sum, length| sum.checked_add(*length));
    if sum != i64::try_from(count).ok() {
        let sum = sum.map_or_else(|| "more than 2^63".to_owned(), |sum| sum.to_string());
        return Err(format!("the row lengths of {name} add up to {sum}, but it has {count} values"));
    }
    match values {
        RaggedValues::Bytes(bytes) => elements(spec, bytes),
        RaggedValues::Strings { bytes, places } => inside(name, bytes, places),
    }
}

/// Whether these elements are, and both parts of complex ones; or missing, where they may be. What is no float is.
#[inline]
pub(super) fn finite(spec: &ColumnSpec, bytes: &[u8]) -> bool {
    // A fold is vectorised; `all` is not. A sum of |x| * 0 would be shorter, but would not be either.
    macro_rules! all {
        ($float:ty) => {
            bytes_as::<$float>(bytes).is_some_and(|values| match spec.optional {
                true => values.iter().fold(true, |fine, value| fine & !value.is_infinite()),
                false => values.iter().fold(true, |fine, value| fine & value.is_finite()),
            })
        };
    }
    match spec.dtype {
        DType::F32 | DType::C64 => all!(f32),
        DType::F64 | DType::C128 => all!(f64),
        DType::F16 => all!(f16),
        DType::BF16 => all!(bf16),
        _ => true,
    }
}

fn elements(spec: &ColumnSpec, bytes: &[u8]) -> Result<(), String> {
    let misaligned = || format!("the memory of {} is not aligned for {}", spec.name, spec.dtype);
    macro_rules! floats {
        ($float:ty) => {{
            let values = bytes_as::<$float>(bytes).ok_or_else(misaligned)?;
            if !finite(spec, bytes) {
                return Err(not_finite(spec, values, 1));
            }
            range(spec, values, |value| f64::from(value))
        }};
    }
    macro_rules! complex {
        ($part:ty) => {{
            let parts = bytes_as::<$part>(bytes).ok_or_else(misaligned)?;
            if finite(spec, bytes) { Ok(()) } else { Err(not_finite(spec, parts, 2)) }
        }};
    }
    match spec.dtype {
        DType::F32 => floats!(f32),
        DType::F64 => floats!(f64),
        DType::F16 => floats!(f16),
        DType::BF16 => floats!(bf16),
        DType::C64 => complex!(f32),
        DType::C128 => complex!(f64),
        DType::I32 => range(spec, bytes_as::<i32>(bytes).ok_or_else(misaligned)?, f64::from),
        DType::I64 => range(spec, bytes_as::<i64>(bytes).ok_or_else(misaligned)?, |value| value as f64),
        DType::U8 => range(spec, bytes, f64::from),
        DType::Bool => match bytes.iter().position(|&byte| byte > 1) {
            Some(at) => Err(format!("{} holds the byte {} where a bool is 0 or 1", spec.name, bytes[at])),
            None => Ok(()),
        },
        DType::I8 => range(spec, bytes_as::<i8>(bytes).ok_or_else(misaligned)?, f64::from),
        DType::I16 => range(spec, bytes_as::<i16>(bytes).ok_or_else(misaligned)?, f64::from),
        DType::U16 => range(spec, bytes_as::<u16>(bytes).ok_or_else(misaligned)?, f64::from),
        DType::U32 => range(spec, bytes_as::<u32>(bytes).ok_or_else(misaligned)?, f64::from),
        DType::U64 => range(spec, bytes_as::<u64>(bytes).ok_or_else(misaligned)?, |value| value as f64),
        DType::String => Err(format!("{} takes strings", spec.name)),
    }
}

fn range<T: Element>(spec: &ColumnSpec, values: &[T], number: impl Fn(T) -> f64) -> Result<(), String> {
    let bounds = match spec.role {
        Role::Feature => None,
        Role::Label => spec.range,
        Role::Weight => Some((0.0, f64::INFINITY)),
    };
    let Some((lowest, highest)) = bounds else { return Ok(()) };
    match values.iter().position(|&value| !(lowest..=highest).contains(&number(value))) {
        None => Ok(()),
        Some(at) => {
            let (row, value) = (at / spec.shape.elements(), number(values[at]));
            Err(format!("row {row}: {} must be from {lowest} to {highest}, it is {value}", spec.name))
        }
    }
}

/// `parts` numbers make an element.
fn not_finite<T: Element + Into<f64>>(spec: &ColumnSpec, values: &[T], parts: usize) -> String {
    let fine = |value: f64| value.is_finite() || (spec.optional && value.is_nan());
    let part = values.iter().position(|&value| !fine(value.into())).unwrap_or(0);
    let at = part / parts;
    let elements = spec.shape.elements();
    let field = if spec.fields.len() == elements { &spec.fields[at % elements] } else { &spec.name };
    format!("row {}: {field} is {}; leave the record out, or fill the gap before", at / elements, values[part].into())
}
