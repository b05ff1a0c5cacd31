//! Values on their way from a record's column to a feature.

use crate::batch::{ColumnData, ColumnSpec, RaggedValues};
use crate::error::{Error, Result};
use crate::tensor::{DType, Element, bytes_as};

/// Of integers that may be missing, the one that is; of `int32` it is the lowest, too.
pub(super) const MISSING: i64 = i64::MIN;

/// What kind of values these are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Float,
    Int,
    String,
}

impl Kind {
    /// How the elements of a column are computed with; `None` for `uint64`, whose upper half is no `int64`, and for floats of 16 bits and
    /// complex numbers, which Python's side of a transform does not take.
    pub(super) fn of(dtype: DType) -> Option<Self> {
        match dtype {
            DType::F32 | DType::F64 => Some(Self::Float),
            DType::U64 | DType::F16 | DType::BF16 | DType::C64 | DType::C128 => None,
            DType::String => Some(Self::String),
            _ => Some(Self::Int),
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Float => "numbers",
            Self::Int => "integers",
            Self::String => "strings",
        }
    }
}

/// The values of all rows, row-major.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Values<'a> {
    Floats(Vec<f64>),
    Ints(Vec<i64>),
    Strings(Vec<&'a [u8]>),
}

impl<'a> Values<'a> {
    /// Those of a column, which has been checked.
    pub(super) fn read(spec: &ColumnSpec, data: &ColumnData<'a>) -> Result<Self> {
        match *data {
            ColumnData::Bytes(bytes) | ColumnData::Ragged { values: RaggedValues::Bytes(bytes), .. } => Self::numbers(spec, bytes),
            ColumnData::Strings { bytes, places } | ColumnData::Ragged { values: RaggedValues::Strings { bytes, places }, .. } => {
                Ok(Self::Strings(places.iter().map(|&(start, length)| &bytes[start as usize..][..length as usize]).collect()))
            }
            ColumnData::Absent | ColumnData::Missing { .. } => Err(refused(format!("the column {} is missing; set it", spec.name))),
        }
    }

    fn numbers(spec: &ColumnSpec, bytes: &[u8]) -> Result<Self> {
        fn convert<T: Element, U>(bytes: &[u8], value: impl Fn(T) -> U) -> Option<Vec<U>> {
            Some(bytes_as::<T>(bytes)?.iter().map(|element| value(*element)).collect())
        }
        let values = match spec.dtype {
            DType::F32 => convert(bytes, |value: f32| f64::from(value)).map(Self::Floats),
            DType::F64 => convert(bytes, |value: f64| value).map(Self::Floats),
            DType::I8 => convert(bytes, |value: i8| i64::from(value)).map(Self::Ints),
            DType::I16 => convert(bytes, |value: i16| i64::from(value)).map(Self::Ints),
            DType::I32 if spec.optional => {
                convert(bytes, |value: i32| if value == i32::MIN { MISSING } else { value.into() }).map(Self::Ints)
            }
            DType::I32 => convert(bytes, |value: i32| i64::from(value)).map(Self::Ints),
            DType::I64 => convert(bytes, |value: i64| value).map(Self::Ints),
            DType::U8 | DType::Bool => convert(bytes, |value: u8| i64::from(value)).map(Self::Ints),
            DType::U16 => convert(bytes, |value: u16| i64::from(value)).map(Self::Ints),
            DType::U32 => convert(bytes, |value: u32| i64::from(value)).map(Self::Ints),
            DType::U64 | DType::F16 | DType::BF16 | DType::C64 | DType::C128 | DType::String => None,
        };
        values.ok_or_else(|| refused(format!("the memory of {} is not aligned for {}", spec.name, spec.dtype)))
    }

    pub(super) fn kind(&self) -> Kind {
        match self {
            Self::Floats(_) => Kind::Float,
            Self::Ints(_) => Kind::Int,
            Self::Strings(_) => Kind::String,
        }
    }

    /// The first one that is missing.
    pub(super) fn first_missing(&self) -> Option<usize> {
        match self {
            Self::Floats(values) => values.iter().position(|value| value.is_nan()),
            Self::Ints(values) => values.iter().position(|value| *value == MISSING),
            Self::Strings(values) => values.iter().position(|value| value.is_empty()),
        }
    }

    /// Numbers of any kind as floats; an integer beyond 2^53 loses its last digits. Strings have none.
    pub(super) fn into_floats(self) -> Vec<f64> {
        match self {
            Self::Floats(values) => values,
            Self::Ints(values) => values.into_iter().map(|value| value as f64).collect(),
            Self::Strings(_) => Vec::new(),
        }
    }

    /// As [`Values::into_floats`], where these are no integers already.
    pub(super) fn into_ints(self) -> Vec<i64> {
        match self {
            Self::Ints(values) => values,
            Self::Floats(_) | Self::Strings(_) => Vec::new(),
        }
    }

    pub(super) fn into_strings(self) -> Vec<&'a [u8]> {
        match self {
            Self::Strings(values) => values,
            Self::Floats(_) | Self::Ints(_) => Vec::new(),
        }
    }
}

/// Side by side: the first row of each part, then the second. `parts` are values and how many a row has, all of one kind.
pub(super) fn beside<T: Copy>(parts: &[(Vec<T>, usize)]) -> Vec<T> {
    let rows = parts.first().map_or(0, |(values, width)| values.len() / width);
    let mut all = Vec::with_capacity(parts.iter().map(|(values, _)| values.len()).sum());
    for row in 0..rows {
        for (values, width) in parts {
            all.extend_from_slice(&values[row * width..][..*width]);
        }
    }
    all
}

pub(super) fn refused(context: String) -> Error {
    Error::input("transform batch", context)
}
