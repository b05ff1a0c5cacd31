//! `sg_dtype`: the types of elements, by TensorFlow's numbers.

use crate::bind::{Failure, Status};
use crate::tensor::DType;

/// The type of a tensor's elements: one of `SG_FLOAT32` and so on.
pub type sg_dtype = i32;

/// `float`.
pub const SG_FLOAT32: sg_dtype = 1;
/// `double`.
pub const SG_FLOAT64: sg_dtype = 2;
/// `int32_t`.
pub const SG_INT32: sg_dtype = 3;
/// `uint8_t`.
pub const SG_UINT8: sg_dtype = 4;
/// `int16_t`.
pub const SG_INT16: sg_dtype = 5;
/// `int8_t`.
pub const SG_INT8: sg_dtype = 6;
/// `sg_bytes`.
pub const SG_STRING: sg_dtype = 7;
/// `float _Complex`: the real part, then the imaginary one, each a `float`.
pub const SG_COMPLEX64: sg_dtype = 8;
/// `int64_t`.
pub const SG_INT64: sg_dtype = 9;
/// `bool`, one byte, 0 or 1.
pub const SG_BOOL: sg_dtype = 10;
/// The upper half of a `float`, two bytes.
pub const SG_BFLOAT16: sg_dtype = 14;
/// `uint16_t`.
pub const SG_UINT16: sg_dtype = 17;
/// `double _Complex`: the real part, then the imaginary one, each a `double`.
pub const SG_COMPLEX128: sg_dtype = 18;
/// `_Float16`, two bytes as IEEE 754 has them.
pub const SG_FLOAT16: sg_dtype = 19;
/// `uint32_t`.
pub const SG_UINT32: sg_dtype = 22;
/// `uint64_t`.
pub const SG_UINT64: sg_dtype = 23;

pub(super) fn to_c(dtype: DType) -> sg_dtype {
    match dtype {
        DType::F32 => SG_FLOAT32,
        DType::F64 => SG_FLOAT64,
        DType::F16 => SG_FLOAT16,
        DType::BF16 => SG_BFLOAT16,
        DType::C64 => SG_COMPLEX64,
        DType::C128 => SG_COMPLEX128,
        DType::I8 => SG_INT8,
        DType::I16 => SG_INT16,
        DType::I32 => SG_INT32,
        DType::I64 => SG_INT64,
        DType::U8 => SG_UINT8,
        DType::U16 => SG_UINT16,
        DType::U32 => SG_UINT32,
        DType::U64 => SG_UINT64,
        DType::Bool => SG_BOOL,
        DType::String => SG_STRING,
    }
}

pub(super) fn from_c(dtype: sg_dtype) -> Result<DType, Failure> {
    Ok(match dtype {
        SG_FLOAT32 => DType::F32,
        SG_FLOAT64 => DType::F64,
        SG_FLOAT16 => DType::F16,
        SG_BFLOAT16 => DType::BF16,
        SG_COMPLEX64 => DType::C64,
        SG_COMPLEX128 => DType::C128,
        SG_INT8 => DType::I8,
        SG_INT16 => DType::I16,
        SG_INT32 => DType::I32,
        SG_INT64 => DType::I64,
        SG_UINT8 => DType::U8,
        SG_UINT16 => DType::U16,
        SG_UINT32 => DType::U32,
        SG_UINT64 => DType::U64,
        SG_BOOL => DType::Bool,
        SG_STRING => DType::String,
        _ => return Err(Failure::new(Status::INVALID_INPUT, format!("pass one of SG_FLOAT32 and so on, there is no dtype {dtype}"))),
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_numbers_are_tensorflow_s() {
        for code in -1..64 {
            match from_c(code) {
                Ok(dtype) => assert_eq!((to_c(dtype), dtype.code()), (code, code as u32)),
                Err(failure) => assert_eq!(failure.status, Status::INVALID_INPUT),
            }
        }
    }
}
