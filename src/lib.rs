//! Online learning of TensorFlow models inside the process that holds the stream.

#[allow(dead_code, unused_imports, reason = "until the C ABI is in")]
mod bind;
pub mod error;
pub mod tensor;

pub use error::{Error, ErrorKind, Result};
