//! What a step shows to the metrics: predictions and labels, in the memory where they lie.

use crate::tensor::{DType, Element, bf16, bytes_of, f16};

/// The rows of one output beside those of its label.
#[derive(Clone, Copy, Debug)]
pub struct OutputRows<'a> {
    /// The predictions made before the update, row-major; empty if no metric can read the output.
    pub prediction: &'a [f32],
    /// The labels, row-major; `None` if the output has no label, or one that metrics cannot read.
    pub label: Option<LabelRows<'a>>,
}

/// Labels of any dtype that is a real number or a bool; any alignment.
#[derive(Clone, Copy, Debug)]
pub struct LabelRows<'a> {
    dtype: DType,
    bytes: &'a [u8],
    length: usize,
}

impl<'a> LabelRows<'a> {
    /// The labels that these bytes are; `None` for strings and complex numbers, and if an element is cut off.
    pub fn new(dtype: DType, bytes: &'a [u8]) -> Option<Self> {
        let size = dtype.size().filter(|_| !dtype.is_complex())?;
        bytes.len().is_multiple_of(size).then_some(Self { dtype, bytes, length: bytes.len() / size })
    }

    /// The labels of a slice.
    pub fn of<T: Element>(labels: &'a [T]) -> Self {
        Self { dtype: T::DTYPE, bytes: bytes_of(labels), length: labels.len() }
    }

    pub(super) fn len(&self) -> usize {
        self.length
    }
}

/// A type of label, read from its bytes. x86-64 is little-endian.
pub(super) trait Label {
    type Bytes: Copy;

    fn split(bytes: &[u8]) -> &[Self::Bytes];

    fn number(bytes: Self::Bytes) -> f32;

    /// `usize::MAX`, which no output has, for what is no class.
    fn class(bytes: Self::Bytes) -> usize;
}

macro_rules! labels {
    ($($rust:ty as $read:ty, $value:ident => $number:expr, $class:expr;)+) => {$(
        impl Label for $rust {
            type Bytes = [u8; size_of::<$rust>()];

            #[inline(always)]
            fn split(bytes: &[u8]) -> &[Self::Bytes] {
                bytes.as_chunks().0
            }

            #[inline(always)]
            fn number(bytes: Self::Bytes) -> f32 {
                let $value = <$read>::from_le_bytes(bytes);
                $number
            }

            #[inline(always)]
            fn class(bytes: Self::Bytes) -> usize {
                let $value = <$read>::from_le_bytes(bytes);
                $class
            }
        }
    )+};
}

labels! {
    f32 as f32, label => label, float_class(f64::from(label));
    f64 as f64, label => label as f32, float_class(label);
    f16 as f16, label => label.to_f32(), float_class(label.to_f64());
    bf16 as bf16, label => label.to_f32(), float_class(label.to_f64());
    i8 as i8, label => f32::from(label), label.try_into().unwrap_or(usize::MAX);
    i16 as i16, label => f32::from(label), label.try_into().unwrap_or(usize::MAX);
    i32 as i32, label => label as f32, label.try_into().unwrap_or(usize::MAX);
    i64 as i64, label => label as f32, label.try_into().unwrap_or(usize::MAX);
    u8 as u8, label => f32::from(label), usize::from(label);
    u16 as u16, label => f32::from(label), usize::from(label);
    u32 as u32, label => label as f32, label as usize;
    u64 as u64, label => label as f32, label as usize;
    bool as u8, label => f32::from(u8::from(label != 0)), usize::from(label != 0);
}

#[inline(always)]
fn float_class(label: f64) -> usize {
    if label >= 0.0 && label.trunc() == label { label as usize } else { usize::MAX }
}

/// Something to do with labels of whatever type.
pub(super) trait WithLabels {
    type Output;

    fn call<L: Label>(self, labels: &[L::Bytes]) -> Self::Output;
}

impl LabelRows<'_> {
    /// Calls it with the labels as their own type.
    pub(super) fn with<W: WithLabels>(&self, what: W) -> Option<W::Output> {
        Some(match self.dtype {
            DType::F32 => what.call::<f32>(f32::split(self.bytes)),
            DType::F64 => what.call::<f64>(f64::split(self.bytes)),
            DType::F16 => what.call::<f16>(f16::split(self.bytes)),
            DType::BF16 => what.call::<bf16>(bf16::split(self.bytes)),
            DType::I8 => what.call::<i8>(i8::split(self.bytes)),
            DType::I16 => what.call::<i16>(i16::split(self.bytes)),
            DType::I32 => what.call::<i32>(i32::split(self.bytes)),
            DType::I64 => what.call::<i64>(i64::split(self.bytes)),
            DType::U8 => what.call::<u8>(u8::split(self.bytes)),
            DType::U16 => what.call::<u16>(u16::split(self.bytes)),
            DType::U32 => what.call::<u32>(u32::split(self.bytes)),
            DType::U64 => what.call::<u64>(u64::split(self.bytes)),
            DType::Bool => what.call::<bool>(bool::split(self.bytes)),
            DType::String | DType::C64 | DType::C128 => return None,
        })
    }
}
