//! `sg_field` and `sg_bytes`: the values of a record's fields on their way into a row.

use std::ffi::{c_char, c_void};
use std::slice;

use super::dtype::{from_c, sg_dtype};
use super::pointer;
use crate::batch::Value;
use crate::bind::{Failure, Status};
use crate::tensor::{Complex32, Complex64, DType, bf16, f16};

/// One element of a string tensor: bytes of the caller, which may hold zeros and need none at their end.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct sg_bytes {
    /// The first byte; may be null if there is none.
    pub data: *const c_char,
    /// How many bytes.
    pub length: usize,
}

/// The value of one of a record's fields.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct sg_field {
    /// The field's name, ended by a zero.
    pub name: *const c_char,
    /// What `values` leads to: `SG_FLOAT32` for `float`, `SG_STRING` for `sg_bytes`, and so on.
    pub dtype: sg_dtype,
    /// The field's values; most fields have one, that of a ragged column any number.
    pub values: *const c_void,
    /// How many values.
    pub length: usize,
}

/// A field's value: in the caller's memory, or made where a row takes no slice of its type.
pub(super) enum Held<'a> {
    Borrowed(Value<'a>),
    Converted(Vec<i64>),
    Floats(Vec<f64>),
    Strings(Vec<&'a [u8]>),
}

impl Held<'_> {
    pub(super) fn value(&self) -> Value<'_> {
        match self {
            Self::Borrowed(value) => *value,
            Self::Converted(values) => values.as_slice().into(),
            Self::Floats(values) => values.as_slice().into(),
            Self::Strings(values) => Value::ByteStrings(values),
        }
    }
}

/// # Safety
/// `field.values` leads to `field.length` values of `field.dtype` (strings: each to its bytes), or is null or misaligned,
/// which is refused.
pub(super) unsafe fn value<'a>(field: &sg_field, name: &str) -> Result<Held<'a>, Failure> {
    let sg_field { values, length, .. } = *field;
    macro_rules! number {
        ($rust:ty) => {{
            // SAFETY: the contract of this function.
            let values = unsafe { pointer::array::<$rust>(values.cast(), length, name)? };
            (values.len() == 1).then(|| Held::Borrowed(values[0].into())).ok_or(values)
        }};
    }
    macro_rules! widened {
        ($rust:ty) => {
            widened!($rust, Converted)
        };
        ($rust:ty, $held:ident) => {
            number!($rust).unwrap_or_else(|values| Held::$held(values.iter().map(|&value| value.into()).collect()))
        };
    }
    Ok(match from_c(field.dtype)? {
        DType::F32 => number!(f32).unwrap_or_else(|values| Held::Borrowed(values.into())),
        DType::F64 => number!(f64).unwrap_or_else(|values| Held::Borrowed(values.into())),
        DType::F16 => widened!(f16, Floats),
        DType::BF16 => widened!(bf16, Floats),
        DType::C64 => number!(Complex32).unwrap_or_else(|values| Held::Borrowed(values.into())),
        DType::C128 => number!(Complex64).unwrap_or_else(|values| Held::Borrowed(values.into())),
        DType::I32 => number!(i32).unwrap_or_else(|values| Held::Borrowed(values.into())),
        DType::I64 => number!(i64).unwrap_or_else(|values| Held::Borrowed(values.into())),
        DType::I8 => widened!(i8),
        DType::I16 => widened!(i16),
        DType::U8 => widened!(u8),
        DType::U16 => widened!(u16),
        DType::U32 => widened!(u32),
        DType::U64 => number!(u64).unwrap_or_else(|values| Held::Borrowed(values.into())),
        DType::Bool => {
            // SAFETY: the contract of this function.
            match unsafe { bools(values.cast(), length, name)? } {
                [one] => Held::Borrowed((*one).into()),
                many => Held::Converted(many.iter().map(|&value| value.into()).collect()),
            }
        }
        DType::String => {
            // SAFETY: the contract of this function.
            match unsafe { strings(values.cast(), length, name)? }.as_slice() {
                [one] => Held::Borrowed(Value::Bytes(one)),
                many => Held::Strings(many.to_vec()),
            }
        }
    })
}

/// # Safety
/// As for [`pointer::array`], and each value's `data` leads to `length` bytes.
pub(super) unsafe fn strings<'a>(values: *const sg_bytes, length: usize, argument: &str) -> Result<Vec<&'a [u8]>, Failure> {
    // SAFETY: the contract of this function.
    let values = unsafe { pointer::array(values, length, argument)? };
    // SAFETY: as before.
    values.iter().map(|value| unsafe { pointer::array(value.data.cast(), value.length, argument) }).collect()
}

/// # Safety
/// As for [`pointer::array`]; the bytes need not be bools.
pub(super) unsafe fn bools<'a>(values: *const u8, length: usize, argument: &str) -> Result<&'a [bool], Failure> {
    // SAFETY: the contract of this function.
    let bytes = unsafe { pointer::array(values, length, argument)? };
    if let Some(byte) = bytes.iter().find(|&&byte| byte > 1) {
        return Err(Failure::new(Status::INVALID_INPUT, format!("a bool is 0 or 1, not {byte}: {argument}")));
    }
    // SAFETY: every byte is 0 or 1, which are the values of `bool`.
    Ok(unsafe { slice::from_raw_parts(bytes.as_ptr().cast(), bytes.len()) })
}
