//! TensorFlow, found at run time and loaded once: the only folder that names its C API.
//!
//! The types of the C API come from `tensorflow-sys-runtime`, the bindings below the `tensorflow` crate. Its functions
//! do not: each of them takes a process-wide lock and panics where a symbol is missing, and it finds the library through
//! an environment variable. `api` resolves the functions that we use when the library is loaded, so that an old
//! library is an error with a name and a call costs what it costs in C.

mod api;
mod checkpoint;
mod config;
mod find;
mod gradients;
mod graph;
mod library;
mod session;
mod status;
mod tensor;
mod views;

pub(crate) use checkpoint::write_checkpoint;
pub(crate) use config::SessionConfig;
pub(crate) use graph::{Endpoint, Graph};
pub(crate) use library::{Places, load_from};
pub use library::{TensorFlow, load, loaded};
pub(crate) use session::{Plan, Session};
pub(crate) use tensor::{Dims, StringViews, Tensor, strings};
pub(crate) use views::{View, Views};
