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
            range(spec, bytes)
        }};
    }
    macro_rules! integers {
        ($integer:ty) => {
            bytes_as::<$integer>(bytes).ok_or_else(misaligned).and_then(|_| range(spec, bytes))
        };
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
        DType::I32 => integers!(i32),
        DType::I64 => integers!(i64),
        DType::U8 => integers!(u8),
        DType::Bool => match bytes.iter().position(|&byte| byte > 1) {
            Some(at) => Err(format!("{} holds the byte {} where a bool is 0 or 1", spec.name, bytes[at])),
            None => Ok(()),
        },
        DType::I8 => integers!(i8),
        DType::I16 => integers!(i16),
        DType::U16 => integers!(u16),
        DType::U32 => integers!(u32),
        DType::U64 => integers!(u64),
        DType::String => Err(format!("{} takes strings", spec.name)),
    }
}

fn range(spec: &ColumnSpec, bytes: &[u8]) -> Result<(), String> {
    match outside(spec, bytes) {
        None => Ok(()),
        Some((at, value, range)) => Err(format!("row {}: {}", at / spec.shape.elements(), out_of_range(&spec.name, range, value))),
    }
}

/// The first of these elements that is out of the column's range: its place, what it is, and the range.
pub(super) fn outside(spec: &ColumnSpec, bytes: &[u8]) -> Option<(usize, f64, (f64, f64))> {
    let (lowest, highest) = spec.bounds()?;
    macro_rules! first {
        ($number:ty, $float:expr) => {{
            let mut values = bytes_as::<$number>(bytes)?.iter().map(|&value| $float(value)).enumerate();
            values.find(|(_, value)| !(lowest..=highest).contains(value))
        }};
    }
    let found = match spec.dtype {
        DType::F32 => first!(f32, f64::from),
        DType::F64 => first!(f64, f64::from),
        DType::F16 => first!(f16, f64::from),
        DType::BF16 => first!(bf16, f64::from),
        DType::I8 => first!(i8, f64::from),
        DType::I16 => first!(i16, f64::from),
        DType::I32 => first!(i32, f64::from),
        DType::I64 => first!(i64, |value| value as f64),
        DType::U8 => first!(u8, f64::from),
        DType::U16 => first!(u16, f64::from),
        DType::U32 => first!(u32, f64::from),
        DType::U64 => first!(u64, |value| value as f64),
        DType::Bool | DType::C64 | DType::C128 | DType::String => None,
    };
    found.map(|(at, value)| (at, value, (lowest, highest)))
}

/// Why a value is refused that is out of its range.
pub(crate) fn out_of_range(name: &str, (lowest, highest): (f64, f64), value: f64) -> String {
    format!("{name} must be from {lowest} to {highest}, it is {value}")
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
