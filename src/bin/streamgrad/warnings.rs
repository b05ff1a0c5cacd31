//! What the library's log warns of.

use std::sync::OnceLock;

use streamgrad::observe::LogRing;
use tracing::Level;

use crate::progress::print;

/// The warnings that may wait.
const MOST: usize = 256;

static LOG: OnceLock<LogRing> = OnceLock::new();

/// Keeps what is warned of from now on.
pub(crate) fn keep() {
    let log = LOG.get_or_init(|| LogRing::new(MOST));
    // An error says that somebody else keeps it.
    let _ = tracing::subscriber::set_global_default(log.clone());
}

/// What was warned of since the last call.
pub(crate) fn take() -> Vec<String> {
    let Some(log) = LOG.get().filter(|log| log.waiting() > 0) else { return Vec::new() };
    let (events, _) = log.drain(MOST);
    events.into_iter().filter(|event| event.level <= Level::WARN).map(|event| event.text.replacen(" error=", ": ", 1)).collect()
}

/// Prints what nobody took.
pub(crate) fn tell() {
    take().iter().for_each(|text| print(&format!("warning: {text}")));
}
