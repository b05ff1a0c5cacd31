//! What every binding shares: handles, the panic guard and the status codes of `docs/c-abi.md`.

mod event_time;
pub(crate) mod guard;
pub(crate) mod handle;
mod imported;
pub(crate) mod status;

pub(crate) use event_time::event_time;
pub(crate) use guard::guard;
pub(crate) use handle::{Kind, Table};
pub(crate) use imported::Imported;
pub(crate) use status::Failure;
pub use status::Status;
