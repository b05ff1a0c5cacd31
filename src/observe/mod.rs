//! What a host sees of a trainer that runs: TensorBoard's event files, Prometheus' text, the library's log.
//!
//! A step only counts, and every so many steps hands a sample on; what takes time or can fail is done by a thread that gives way to
//! the stream. Nothing here can fail a step. `docs/observing.md` lists every name that is written.

mod counters;
mod exposition;
mod log;
pub(crate) mod tensorboard;

pub(crate) use counters::{BOUNDS, Counters};
pub(crate) use exposition::Exposition;
pub use log::{LogEvent, LogRing};
pub use tensorboard::{TensorBoard, TensorBoardStatus};
