//! Online learning of TensorFlow models inside the process that holds the stream.
//!
//! A model is written in Keras and exported once, in Python, as a *bundle*. From then on a [`Trainer`] learns from every
//! batch and predicts, in this process: no Python, no second copy of the data.
//!
//! ```no_run
//! use streamgrad::Trainer;
//!
//! # fn main() -> streamgrad::Result<()> {
//! let trainer = Trainer::open("flights.bundle")?;
//! let mut batch = trainer.schema().batch(); // the bundle knows the record's fields
//! batch.row().set("hour", 17)?.set("distance", 1400)?.set("seats", 180)?.set("wind", 9.2)?.set("late", 1)?.push()?;
//!
//! let report = trainer.step(&batch)?; // one forward pass, one backward pass, one update
//! println!("{:.4} {:.3}", report.loss(), report.metrics().auc());
//! let predictions = trainer.predict(&batch)?;
//! println!("{:?}", predictions.array::<f32>()?);
//! # Ok(())
//! # }
//! ```
//!
//! # The way of the data
//!
//! A record becomes a row of a [`Batch`]. A [`Trainer`] pulls the newest [`Version`] of the parameters (a pointer), runs the
//! graph once for loss, predictions, gradients and new state, and pushes the gradients through the optimizer into the next
//! version. The [`Report`] has the predictions from *before* the update, so its metrics are honest: test, then train.
//! A [`Predictor`] predicts by what a trainer learns, beside it or, by way of the folder of a [`FolderStore`], anywhere else.
//!
//! # What holds
//!
//! - **Threads.** Everything here is `Send`; what is shared by design ([`Trainer`], [`Predictor`], [`FolderStore`], [`Version`], [`Predictions`], [`Report`])
//!   is `Sync` as well. Readers never wait for a writer.
//! - **Errors.** Every failure is an [`Error`] that says what to do; it changes no parameter. Nothing here panics on bad input.
//! - **TensorFlow** is found at run time and loaded once per process: see [`tf::load`].
//! - **Crashes.** A [`FolderStore`] goes on from the version saved last, whenever the process or the power ends, with the bits
//!   that it would have had without.
//! - **Bits.** One trainer thread, one CPU type and one build of TensorFlow repeat a run bit for bit, and the optimizers
//!   give Keras' own bits: see [`optimizer`].
//!
//! The crate is also a shared library with a C ABI ([`capi`], `include/streamgrad.h`) and Java bindings.

pub mod batch;
mod bind;
pub mod bundle;
pub mod capi;
pub mod codec;
pub mod control;
pub mod error;
pub mod export;
pub mod guard;
mod jvm;
pub mod metrics;
mod model;
pub mod observe;
pub mod optimizer;
pub mod params;
pub mod predictor;
pub mod snapshot;
pub mod table;
pub mod tensor;
pub mod tf;
pub mod trainer;
mod transform;

pub use batch::{Batch, BatchView, ColumnData, RaggedValues, Schema};
pub use bundle::Bundle;
pub use error::{Error, ErrorKind, Result};
pub use guard::Guard;
pub use model::Predictions;
pub use observe::TensorBoard;
pub use params::{Checkpoint, FolderStore, MemoryStore, Version};
pub use predictor::Predictor;
pub use snapshot::{Snapshot, VersionId};
pub use trainer::{Report, Trainer};
