//! Where parameters live: versions, and the stores that hold them.
//!
//! A [`Version`] is immutable and made of tensors that a session reads in place. A push writes the next one into memory
//! that nobody reads and publishes it by one pointer, so a reader never waits and never sees half a step.

mod background;
mod capture;
mod checkpoint;
mod cuts;
mod folder;
mod layout;
mod learned;
mod memory;
mod resume;
mod store;
mod tables;
mod version;
mod whole;

pub(crate) use background::yield_to_the_stream;
pub use checkpoint::Checkpoint;
pub(crate) use folder::last_writer;
pub use folder::{FolderStore, FolderStoreBuilder};
pub(crate) use layout::Layout;
pub use memory::MemoryStore;
pub(crate) use store::{Observation, Receipt, Update};
pub use store::{Store, StoreStatus};
pub(crate) use tables::Rows;
pub(crate) use version::Dense;
pub use version::Version;
pub(crate) use whole::WholeVersion;
