//! What holds learning back: updates that would do harm, and whoever asks for a pause.
//!
//! All trainers of a store share one [`Steering`]: a [`Guard`]'s memory of what was learned, the batches that it refused, and whether
//! learning goes on at all. None of it is saved: a process that opens the store learns at once, and its guard warms up anew.

mod config;
mod gate;
mod history;
mod quarantine;
mod watch;

pub use config::{Guard, Response};
pub(crate) use gate::Gate;
pub use gate::Mode;
pub use quarantine::Quarantined;
pub use watch::GuardStatus;
pub(crate) use watch::{Measure, Watch};

/// What the trainers of one store share.
#[derive(Debug, Default)]
pub struct Steering {
    pub(crate) gate: Gate,
    pub(crate) watch: Watch,
}
