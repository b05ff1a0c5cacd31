//! Online learning of TensorFlow models inside the process that holds the stream.

pub mod error;
pub mod tensor;

pub use error::{Error, ErrorKind, Result};
