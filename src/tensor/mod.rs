//! What a value is, before any library sees it: its dtype, its shape, its bytes.

mod buffer;
mod dtype;
mod shape;

pub(crate) use buffer::{AlignedBuffer, bytes_as, bytes_of};
pub use dtype::{DType, Element};
pub use shape::Shape;
