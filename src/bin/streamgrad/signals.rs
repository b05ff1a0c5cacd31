//! SIGINT and SIGTERM as a wish to stop.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;

use crate::answer::{Failure, Outcome};

/// Which signal came, if one did. A second one ends the process at once.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stop(Arc<AtomicUsize>);

impl Stop {
    /// Takes over both signals.
    pub(crate) fn watch() -> Outcome<Self> {
        let (stop, came) = (Self::default(), Arc::new(AtomicBool::new(false)));
        for signal in [SIGINT, SIGTERM] {
            let number = usize::try_from(signal).unwrap_or_default();
            let watched = flag::register_conditional_default(signal, came.clone())
                .and_then(|_| flag::register(signal, came.clone()))
                .and_then(|_| flag::register_usize(signal, stop.0.clone(), number));
            watched.map_err(|error| Failure::io("signals cannot be watched", &error))?;
        }
        Ok(stop)
    }

    /// The exit code of the signal that came.
    pub(crate) fn exit(&self) -> Option<u8> {
        match self.0.load(Ordering::Relaxed) {
            0 => None,
            signal => u8::try_from(128 + signal).ok(),
        }
    }

    pub(crate) fn came(&self) -> bool {
        self.exit().is_some()
    }
}
