//! Values as a column that the graph is fed with.

use super::step::Refusal;
use super::values::{Kind, Values};
use crate::batch::{ColumnData, RaggedValues};
use crate::tensor::{AlignedBuffer, DType, Element};

/// A feature in memory of its own.
#[derive(Debug)]
pub(super) enum Made {
    /// So many bytes of it.
    Fixed(AlignedBuffer, usize),
    Strings {
        bytes: Vec<u8>,
        places: Vec<(u32, u32)>,
    },
}

/// Whether values of this kind fit a feature of this dtype, each for itself apart.
pub(super) fn fits(kind: Kind, dtype: DType) -> bool {
    match kind {
        Kind::Float => matches!(dtype, DType::F32 | DType::F64),
        Kind::Int => dtype.is_integer() || matches!(dtype, DType::F32 | DType::F64 | DType::Bool),
        Kind::String => dtype == DType::String,
    }
}

impl Made {
    /// Takes values that [`fits`] said yes to.
    pub(super) fn new(values: Values<'_>, dtype: DType) -> Result<Self, Refusal> {
        match values {
            Values::Floats(values) => match dtype {
                DType::F32 => fixed(&values, |value| Some(*value as f32).filter(|value| value.is_finite())),
                _ => fixed(&values, |value| Some(*value).filter(|value| value.is_finite())),
            },
            Values::Ints(values) => match dtype {
                DType::F32 => fixed(&values, |value| Some(*value as f32)),
                DType::F64 => fixed(&values, |value| Some(*value as f64)),
                DType::I8 => fixed(&values, |value| i8::try_from(*value).ok()),
                DType::I16 => fixed(&values, |value| i16::try_from(*value).ok()),
                DType::I32 => fixed(&values, |value| i32::try_from(*value).ok()),
                DType::U8 => fixed(&values, |value| u8::try_from(*value).ok()),
                DType::U16 => fixed(&values, |value| u16::try_from(*value).ok()),
                DType::U32 => fixed(&values, |value| u32::try_from(*value).ok()),
                DType::U64 => fixed(&values, |value| u64::try_from(*value).ok()),
                DType::Bool => fixed(&values, |value| (*value == 0 || *value == 1).then_some(*value == 1)),
                _ => fixed(&values, |value| Some(*value)),
            },
            Values::Strings(texts) => strings(&texts),
        }
    }

    pub(super) fn data<'a>(&'a self, lengths: Option<&'a [i64]>) -> ColumnData<'a> {
        match (self, lengths) {
            (Self::Fixed(buffer, bytes), None) => ColumnData::Bytes(&buffer.as_bytes()[..*bytes]),
            (Self::Strings { bytes, places }, None) => ColumnData::Strings { bytes, places },
            (Self::Fixed(buffer, bytes), Some(lengths)) => {
                ColumnData::Ragged { lengths, values: RaggedValues::Bytes(&buffer.as_bytes()[..*bytes]) }
            }
            (Self::Strings { bytes, places }, Some(lengths)) => {
                ColumnData::Ragged { lengths, values: RaggedValues::Strings { bytes, places } }
            }
        }
    }
}

fn fixed<T: std::fmt::Display, E: Element>(values: &[T], convert: impl Fn(&T) -> Option<E>) -> Result<Made, Refusal> {
    let bytes = values.len() * size_of::<E>();
    let mut buffer = AlignedBuffer::new(bytes);
    for (at, value) in values.iter().enumerate() {
        match convert(value) {
            Some(element) => buffer.write(at, &[element]),
            None => return Err(Refusal { at, reason: format!("becomes {value}, which is no {}", E::DTYPE) }),
        }
    }
    Ok(Made::Fixed(buffer, bytes))
}

fn strings(texts: &[&[u8]]) -> Result<Made, Refusal> {
    let (mut bytes, mut places) = (Vec::new(), Vec::with_capacity(texts.len()));
    for (at, text) in texts.iter().enumerate() {
        let (Ok(start), Ok(length)) = (u32::try_from(bytes.len()), u32::try_from(text.len())) else {
            return Err(Refusal { at, reason: "lies behind 4 GiB of other strings; make smaller batches".to_owned() });
        };
        places.push((start, length));
        bytes.extend_from_slice(text);
    }
    Ok(Made::Strings { bytes, places })
}
