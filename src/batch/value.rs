//! A field's value on its way into a column.

use crate::tensor::{AlignedBuffer, Complex32, Complex64, DType, Element, bf16, f16};

/// A value that a record's field holds. Numbers are converted to the column's dtype where nothing but float precision is lost.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum Value<'a> {
    /// A number with a fraction.
    Float(f64),
    /// A whole number.
    Int(i128),
    /// A truth value.
    Bool(bool),
    /// A complex number.
    Complex(Complex64),
    /// A string, as bytes.
    Bytes(&'a [u8]),
    /// The elements of a field that fills several.
    F32s(&'a [f32]),
    /// The elements of a field that fills several.
    F64s(&'a [f64]),
    /// The elements of a field that fills several.
    I32s(&'a [i32]),
    /// The elements of a field that fills several.
    I64s(&'a [i64]),
    /// The elements of a field that fills several.
    U64s(&'a [u64]),
    /// The elements of a field that fills several.
    C64s(&'a [Complex32]),
    /// The elements of a field that fills several.
    C128s(&'a [Complex64]),
    /// The elements of a field that fills several.
    Strings(&'a [&'a str]),
    /// The elements of a field that fills several.
    ByteStrings(&'a [&'a [u8]]),
}

macro_rules! from {
    ($($variant:ident: $($rust:ty),+;)+) => {
        $($(impl From<$rust> for Value<'_> {
            fn from(value: $rust) -> Self {
                Self::$variant(value.into())
            }
        })+)+
    };
}

from! {
    Float: f16, bf16, f32, f64;
    Complex: Complex64;
    Int: i8, i16, i32, i64, u8, u16, u32, u64;
    Bool: bool;
}

macro_rules! from_slice {
    ($($variant:ident: $rust:ty;)+) => {
        $(impl<'a> From<&'a [$rust]> for Value<'a> {
            fn from(values: &'a [$rust]) -> Self {
                Self::$variant(values)
            }
        }

        impl<'a, const N: usize> From<&'a [$rust; N]> for Value<'a> {
            fn from(values: &'a [$rust; N]) -> Self {
                Self::$variant(values)
            }
        })+
    };
}

from_slice! {
    Bytes: u8;
    F32s: f32;
    F64s: f64;
    I32s: i32;
    I64s: i64;
    U64s: u64;
    C64s: Complex32;
    C128s: Complex64;
    ByteStrings: &'a [u8];
    Strings: &'a str;
}

impl From<Complex32> for Value<'_> {
    fn from(value: Complex32) -> Self {
        Self::Complex(wide(value))
    }
}

impl<'a> From<&'a str> for Value<'a> {
    fn from(value: &'a str) -> Self {
        Self::Bytes(value.as_bytes())
    }
}

impl Value<'_> {
    /// How many elements it fills.
    pub(super) fn elements(&self) -> usize {
        match self {
            Self::F32s(values) => values.len(),
            Self::F64s(values) => values.len(),
            Self::I32s(values) => values.len(),
            Self::I64s(values) => values.len(),
            Self::U64s(values) => values.len(),
            Self::C64s(values) => values.len(),
            Self::C128s(values) => values.len(),
            Self::Strings(values) => values.len(),
            Self::ByteStrings(values) => values.len(),
            _ => 1,
        }
    }

    /// Its elements, if they are strings.
    pub(super) fn strings(&self) -> Option<impl Iterator<Item = &[u8]>> {
        let (one, texts, strings): (&[&[u8]], &[&str], &[&[u8]]) = match self {
            Self::Bytes(string) => (std::slice::from_ref(string), &[], &[]),
            Self::Strings(texts) => (&[], texts, &[]),
            Self::ByteStrings(strings) => (&[], &[], strings),
            _ => return None,
        };
        Some(one.iter().chain(strings).copied().chain(texts.iter().map(|text| text.as_bytes())))
    }

    /// Writes its elements at this element index; or says why they do not fit the dtype.
    #[inline]
    pub(super) fn write(&self, buffer: &mut AlignedBuffer, dtype: DType, index: usize) -> Result<(), String> {
        match (*self, dtype) {
            (Self::Float(value), DType::F32) => buffer.write(index, &[value as f32]),
            (Self::Float(value), DType::F64) => buffer.write(index, &[value]),
            (Self::Int(value), DType::I64) if let Ok(value) = i64::try_from(value) => buffer.write(index, &[value]),
            (Self::Int(value), DType::I32) if let Ok(value) = i32::try_from(value) => buffer.write(index, &[value]),
            _ => return self.convert(buffer, dtype, index),
        }
        Ok(())
    }

    fn convert(&self, buffer: &mut AlignedBuffer, dtype: DType, index: usize) -> Result<(), String> {
        match *self {
            Self::Float(value) => float(buffer, dtype, index, value),
            Self::Int(value) => int(buffer, dtype, index, value),
            Self::Bool(value) if dtype == DType::Bool => store(buffer, index, Some(value), value, dtype),
            Self::Bool(value) => int(buffer, dtype, index, value.into()),
            Self::Complex(value) => complex(buffer, dtype, index, value),
            Self::C64s(values) => each(values, |at, value| complex(buffer, dtype, index + at, wide(value))),
            Self::C128s(values) => each(values, |at, value| complex(buffer, dtype, index + at, value)),
            Self::Bytes(_) | Self::Strings(_) | Self::ByteStrings(_) => Err(format!("a string does not fit {dtype}")),
            Self::F32s(values) => each(values, |at, value| float(buffer, dtype, index + at, value.into())),
            Self::F64s(values) => each(values, |at, value| float(buffer, dtype, index + at, value)),
            Self::I32s(values) => each(values, |at, value| int(buffer, dtype, index + at, value.into())),
            Self::I64s(values) => each(values, |at, value| int(buffer, dtype, index + at, value.into())),
            Self::U64s(values) => each(values, |at, value| int(buffer, dtype, index + at, value.into())),
        }
    }
}

fn each<T: Copy>(values: &[T], mut write: impl FnMut(usize, T) -> Result<(), String>) -> Result<(), String> {
    values.iter().enumerate().try_for_each(|(at, &value)| write(at, value))
}

fn float(buffer: &mut AlignedBuffer, dtype: DType, index: usize, value: f64) -> Result<(), String> {
    match dtype {
        DType::F32 => store(buffer, index, Some(value as f32), value, dtype),
        DType::F64 => store(buffer, index, Some(value), value, dtype),
        DType::F16 => store(buffer, index, Some(f16::from_f64(value)).filter(|half| half.is_finite()), value, dtype),
        DType::BF16 => store(buffer, index, Some(bf16::from_f64(value)).filter(|half| half.is_finite()), value, dtype),
        DType::C64 | DType::C128 => Err(real(value, dtype)),
        // Beyond 2^63 no float has a fraction, and no dtype of ours but u64 has room.
        _ if value.fract() == 0.0 && value.abs() <= 1.8e19 => int(buffer, dtype, index, value as i128),
        _ => Err(format!("{value} does not fit {dtype}")),
    }
}

fn int(buffer: &mut AlignedBuffer, dtype: DType, index: usize, value: i128) -> Result<(), String> {
    match dtype {
        DType::F32 => store(buffer, index, Some(value as f32), value, dtype),
        DType::F64 => store(buffer, index, Some(value as f64), value, dtype),
        DType::F16 | DType::BF16 => float(buffer, dtype, index, value as f64),
        DType::C64 | DType::C128 => Err(real(value, dtype)),
        DType::I8 => store(buffer, index, i8::try_from(value).ok(), value, dtype),
        DType::I16 => store(buffer, index, i16::try_from(value).ok(), value, dtype),
        DType::I32 => store(buffer, index, i32::try_from(value).ok(), value, dtype),
        DType::I64 => store(buffer, index, i64::try_from(value).ok(), value, dtype),
        DType::U8 => store(buffer, index, u8::try_from(value).ok(), value, dtype),
        DType::U16 => store(buffer, index, u16::try_from(value).ok(), value, dtype),
        DType::U32 => store(buffer, index, u32::try_from(value).ok(), value, dtype),
        DType::U64 => store(buffer, index, u64::try_from(value).ok(), value, dtype),
        DType::Bool => store(buffer, index, (value == 0 || value == 1).then_some(value == 1), value, dtype),
        DType::String => Err(format!("the number {value} does not fit a string")),
    }
}

fn complex(buffer: &mut AlignedBuffer, dtype: DType, index: usize, value: Complex64) -> Result<(), String> {
    match dtype {
        DType::C64 => store(buffer, index, Some(Complex32::new(value.re as f32, value.im as f32)), value, dtype),
        DType::C128 => store(buffer, index, Some(value), value, dtype),
        _ => Err(format!("the complex number {value} does not fit {dtype}")),
    }
}

fn wide(value: Complex32) -> Complex64 {
    Complex64::new(value.re.into(), value.im.into())
}

fn real(value: impl std::fmt::Display, dtype: DType) -> String {
    format!("the number {value} is real, but {dtype} has two parts")
}

fn store<T: Element>(
    buffer: &mut AlignedBuffer,
    index: usize,
    converted: Option<T>,
    value: impl std::fmt::Display,
    dtype: DType,
) -> Result<(), String> {
    let converted = converted.ok_or_else(|| format!("{value} does not fit {dtype}"))?;
    buffer.write(index, &[converted]);
    Ok(())
}
