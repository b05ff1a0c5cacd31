//! SIGINT and SIGTERM as a wish to stop, and the command to a trainer that does not learn just now.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag;
use streamgrad::Trainer;
use streamgrad::guard::Mode;

use crate::answer::{Failure, Outcome};

/// Which signal came, if one did, or that the trainer was stopped. A second signal ends the process at once.
#[derive(Clone, Debug, Default)]
pub(crate) struct Stop {
    signal: Arc<AtomicUsize>,
    trainer: Option<Arc<Trainer>>,
    stopped: Arc<AtomicBool>,
}

impl Stop {
    /// Takes over both signals.
    pub(crate) fn watch() -> Outcome<Self> {
        let (stop, came) = (Self::default(), Arc::new(AtomicBool::new(false)));
        for signal in [SIGINT, SIGTERM] {
            let number = usize::try_from(signal).unwrap_or_default();
            let watched = flag::register_conditional_default(signal, came.clone())
                .and_then(|_| flag::register(signal, came.clone()))
                .and_then(|_| flag::register_usize(signal, stop.signal.clone(), number));
            watched.map_err(|error| Failure::io("signals cannot be watched", &error))?;
        }
        Ok(stop)
    }

    /// The exit code of the signal that came.
    pub(crate) fn exit(&self) -> Option<u8> {
        match self.signal.load(Ordering::Relaxed) {
            0 => None,
            signal => u8::try_from(128 + signal).ok(),
        }
    }

    /// The same, and whether somebody stops this trainer.
    pub(crate) fn or_of(self, trainer: &Arc<Trainer>) -> Self {
        Self { trainer: Some(trainer.clone()), ..self }
    }

    /// Whether the trainer was found to be stopped.
    pub(crate) fn commanded(&self) -> bool {
        self.stopped.load(Ordering::Relaxed)
    }

    pub(crate) fn came(&self) -> bool {
        self.exit().is_some() || self.commanded()
    }

    /// The same; asks the trainer, too, which no step of its own does while the stream gives nothing.
    pub(crate) fn came_meanwhile(&self) -> bool {
        let status = self.trainer.as_ref().and_then(|trainer| trainer.status().ok());
        if status.is_some_and(|status| status.mode == Mode::Stopped) {
            self.stopped.store(true, Ordering::Relaxed);
        }
        self.came()
    }
}
