//! Online learning of TensorFlow models inside the process that holds the stream.

pub mod batch;
#[allow(dead_code, unused_imports, reason = "until the C ABI is in")]
mod bind;
pub mod bundle;
#[allow(dead_code, reason = "until the trainer is in")]
pub mod capi;
pub mod error;
pub mod optimizer;
pub mod tensor;
pub mod tf;

pub use error::{Error, ErrorKind, Result};
