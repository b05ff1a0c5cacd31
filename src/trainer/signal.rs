//! A last snapshot when the process is told to end.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;

use signal_hook::consts::{SIGINT, SIGTERM};
use signal_hook::flag::register_conditional_default;
use signal_hook::iterator::Signals;
use signal_hook::low_level::emulate_default_handler;

use crate::error::{Error, ErrorKind, Result};
use crate::params::Store;

const SIGNALS: [i32; 2] = [SIGTERM, SIGINT];

/// Saves what the store holds when one of the signals comes, and then lets it end the process.
pub(super) fn save(store: &Arc<dyn Store>) -> Result<()> {
    // Not to find out at the end that nothing can be saved.
    store.kept_versions()?;
    let failed = |error: std::io::Error| Error::new(ErrorKind::Io, "save on signal", "signals cannot be watched").with_source(error);
    let came = Arc::new(AtomicBool::new(false));
    for signal in SIGNALS {
        register_conditional_default(signal, came.clone()).map_err(failed)?;
    }
    let mut signals = Signals::new(SIGNALS).map_err(failed)?;
    let store = Arc::downgrade(store);
    let body = move || {
        let Some(signal) = signals.forever().next() else { return };
        came.store(true, Ordering::SeqCst);
        if let Some(Err(error)) = store.upgrade().map(|store| store.save()) {
            tracing::error!(%error, "the last version cannot be saved");
        }
        let _ = emulate_default_handler(signal);
    };
    thread::Builder::new().name("streamgrad-signal".into()).spawn(body).map_err(failed)?;
    Ok(())
}
