//! Online learning of TensorFlow models inside the process that holds the stream.

pub mod batch;
mod bind;
pub mod bundle;
pub mod capi;
pub mod error;
mod jvm;
pub mod metrics;
mod model;
pub mod optimizer;
pub mod params;
pub mod tensor;
pub mod tf;
pub mod trainer;

pub use batch::{Batch, BatchView, ColumnData, Schema};
pub use bundle::Bundle;
pub use error::{Error, ErrorKind, Result};
pub use model::Predictions;
pub use params::{MemoryStore, Version};
pub use trainer::{Report, Trainer};
