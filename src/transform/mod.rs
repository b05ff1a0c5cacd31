//! From a record's columns to the features of the graph, as the bundle says.
//!
//! Python declares what is done, this room does it, for learning and serving alike. A batch is transformed column by column; what
//! does not fit refuses it with row, field and reason. Running moments are read from the version that computes, and what a batch
//! adds to them goes with its step.

mod features;
mod hash;
mod moments;
mod node;
mod step;
mod values;
mod vocabulary;
mod write;

pub(crate) use features::{Features, Input, Transforms};
pub(crate) use moments::merge;

use crate::error::{Error, ErrorKind};

/// What a bundle says that cannot be done.
fn invalid(context: String) -> Error {
    Error::new(ErrorKind::InvalidBundle, "open bundle", context)
}
