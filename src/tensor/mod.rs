//! What a value is, before any library sees it: its dtype, its shape, its bytes.

mod buffer;
mod dtype;
mod shape;

pub(crate) use buffer::{AlignedBuffer, bytes_as, bytes_of};
pub(crate) use dtype::name_of;
pub use dtype::{DType, Element};
pub use half::{bf16, f16};
pub use num_complex::{Complex32, Complex64};
pub use shape::Shape;
