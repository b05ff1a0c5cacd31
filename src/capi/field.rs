//! `sg_field` and `sg_bytes`: the values of a record's fields on their way into a row.

use std::ffi::{c_char, c_void};
use std::slice;

use super::dtype::{from_c, sg_dtype};
use super::pointer;
use crate::batch::Value;
use crate::bind::{Failure, Status};
use crate::tensor::DType;

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
    /// The field's values; most fields have one.
    pub values: *const c_void,
    /// How many values.
    pub length: usize,
}

/// A field's value: in the caller's memory, or widened where a row takes no slice of its type.
pub(super) enum Held<'a> {
    Borrowed(Value<'a>),
    Converted(Vec<i64>),
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
            number!($rust).unwrap_or_else(|values| Held::Converted(values.iter().map(|&value| value.into()).collect()))
        };
    }
    Ok(match from_c(field.dtype)? {
        DType::F32 => number!(f32).unwrap_or_else(|values| Held::Borrowed(values.into())),
        DType::F64 => number!(f64).unwrap_or_else(|values| Held::Borrowed(values.into())),
        DType::I32 => number!(i32).unwrap_or_else(|values| Held::Borrowed(values.into())),
        DType::I64 => number!(i64).unwrap_or_else(|values| Held::Borrowed(values.into())),
        DType::I8 => widened!(i8),
        DType::I16 => widened!(i16),
        DType::U8 => widened!(u8),
        DType::U16 => widened!(u16),
        DType::U32 => widened!(u32),
        DType::U64 => match number!(u64) {
            Ok(one) => one,
            Err(values) => {
                let narrowed: Result<_, _> = values.iter().map(|&value| i64::try_from(value)).collect();
                let unfit = |_| Failure::new(Status::INVALID_INPUT, format!("set the whole column for values beyond 2^63: {name}"));
                Held::Converted(narrowed.map_err(unfit)?)
            }
        },
        DType::Bool => {
            // SAFETY: the contract of this function.
            match unsafe { bools(values.cast(), length, name)? } {
                [one] => Held::Borrowed((*one).into()),
                many => Held::Converted(many.iter().map(|&value| value.into()).collect()),
            }
        }
        DType::String => {
            // SAFETY: the contract of this function.
            match unsafe { pointer::array::<sg_bytes>(values.cast(), length, name)? } {
                // SAFETY: the contract of this function.
                [one] => Held::Borrowed(Value::Bytes(unsafe { string(one, name)? })),
                _ => {
                    let message = format!("set the whole column for a field of {length} strings: {name}");
                    return Err(Failure::new(Status::INVALID_INPUT, message));
                }
            }
        }
    })
}

/// # Safety
/// As for [`pointer::array`].
pub(super) unsafe fn string<'a>(value: &sg_bytes, argument: &str) -> Result<&'a [u8], Failure> {
    // SAFETY: the contract of this function.
    unsafe { pointer::array(value.data.cast(), value.length, argument) }
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
