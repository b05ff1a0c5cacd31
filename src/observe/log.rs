//! The last events of the library's log, kept for hosts that have no subscriber of `tracing`.

use std::collections::VecDeque;
use std::fmt::{Debug, Write};
use std::sync::{Arc, LazyLock, Once};
use std::time::SystemTime;

use parking_lot::Mutex;
use tracing::field::{Field, Visit};
use tracing::level_filters::LevelFilter;
use tracing::span::{Attributes, Id, Record};
use tracing::{Event, Level, Metadata, Subscriber};

/// The events that wait in a process whose host reads them through C or Java.
const MOST: usize = 1024;

/// An event of the log.
#[derive(Clone, Debug)]
#[non_exhaustive]
pub struct LogEvent {
    /// When it happened.
    pub time: SystemTime,
    /// How bad it is.
    pub level: Level,
    /// The module that says so.
    pub target: &'static str,
    /// One line: what happened, then `name=value` of each thing that it happened to.
    pub text: String,
}

/// A bounded ring of this library's events from `INFO` up: a newer one takes the place of the oldest, which is counted as lost.
/// A subscriber of `tracing` for programs that have no other; clones share their events. Free to share between threads.
///
/// ```
/// use streamgrad::observe::LogRing;
///
/// let log = LogRing::new(100);
/// tracing::subscriber::set_global_default(log.clone()).unwrap();
/// let (events, lost) = log.drain(10);
/// assert!(events.is_empty() && lost == 0);
/// ```
#[derive(Clone, Debug)]
pub struct LogRing(Arc<Ring>);

#[derive(Debug)]
struct Ring {
    most: usize,
    waiting: Mutex<Waiting>,
}

#[derive(Debug, Default)]
struct Waiting {
    events: VecDeque<LogEvent>,
    lost: u64,
}

impl LogRing {
    /// An empty ring of so many events, at least one.
    pub fn new(events: usize) -> Self {
        Self(Arc::new(Ring { most: events.max(1), waiting: Mutex::default() }))
    }

    /// Takes out the oldest events, up to so many, and says how many gave way to newer ones since the last call.
    pub fn drain(&self, most: usize) -> (Vec<LogEvent>, u64) {
        let mut waiting = self.0.waiting.lock();
        let count = most.min(waiting.events.len());
        (waiting.events.drain(..count).collect(), std::mem::take(&mut waiting.lost))
    }

    /// The events that wait.
    pub fn waiting(&self) -> usize {
        self.0.waiting.lock().events.len()
    }

    /// The ring of a process whose host reads it through C or Java.
    pub(crate) fn of_process() -> &'static Self {
        static RING: LazyLock<LogRing> = LazyLock::new(|| LogRing::new(MOST));
        &RING
    }

    /// Lets that ring have the process's events, unless the host has given them to a subscriber of its own.
    pub(crate) fn install() {
        static ONCE: Once = Once::new();
        ONCE.call_once(|| {
            // An error says that there is one.
            let _ = tracing::subscriber::set_global_default(Self::of_process().clone());
        });
    }
}

impl Subscriber for LogRing {
    fn enabled(&self, metadata: &Metadata<'_>) -> bool {
        let ours = env!("CARGO_CRATE_NAME");
        let target = metadata.target();
        metadata.is_event()
            && *metadata.level() <= Level::INFO
            && (target == ours || target.starts_with(concat!(env!("CARGO_CRATE_NAME"), "::")))
    }

    fn max_level_hint(&self) -> Option<LevelFilter> {
        Some(LevelFilter::INFO)
    }

    fn event(&self, event: &Event<'_>) {
        let (time, mut line) = (SystemTime::now(), Line::default());
        event.record(&mut line);
        let metadata = event.metadata();
        let text = line.message + &line.fields;
        let event = LogEvent { time, level: *metadata.level(), target: metadata.target(), text: text.replace('\n', " ") };
        let mut waiting = self.0.waiting.lock();
        if waiting.events.len() == self.0.most {
            waiting.events.pop_front();
            waiting.lost += 1;
        }
        waiting.events.push_back(event);
    }

    // Spans are never enabled.
    fn new_span(&self, _: &Attributes<'_>) -> Id {
        Id::from_u64(1)
    }

    fn record(&self, _: &Id, _: &Record<'_>) {}

    fn record_follows_from(&self, _: &Id, _: &Id) {}

    fn enter(&self, _: &Id) {}

    fn exit(&self, _: &Id) {}
}

#[derive(Default)]
struct Line {
    message: String,
    fields: String,
}

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn Debug) {
        // Writing to a string cannot fail.
        let _ = match field.name() {
            "message" => write!(self.message, "{value:?}"),
            name => write!(self.fields, " {name}={value:?}"),
        };
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.record_debug(field, &format_args!("{value}"));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn texts(events: &[LogEvent]) -> Vec<&str> {
        events.iter().map(|event| event.text.as_str()).collect()
    }

    #[test]
    fn events_come_out_in_order_with_their_fields() {
        let log = LogRing::new(10);
        tracing::subscriber::with_default(log.clone(), || {
            let _span = tracing::error_span!("a span").entered();
            tracing::warn!(rows = 3, file = %"a b", why = "full", "cannot be\nsaved");
            tracing::info!("loaded");
            tracing::debug!("not kept");
            tracing::error!(target: "somebody else", "not kept");
            tracing::error!(target: "streamgrad_of_another_crate", "not kept");
        });
        assert_eq!(log.waiting(), 2);
        let (first, lost) = log.drain(1);
        assert_eq!((texts(&first), lost), (vec!["cannot be saved rows=3 file=a b why=full"], 0));
        assert_eq!((first[0].level, first[0].target), (Level::WARN, module_path!()));
        assert!(first[0].time.elapsed().unwrap().as_secs() < 60);
        assert_eq!(texts(&log.drain(usize::MAX).0), ["loaded"]);
    }

    #[test]
    fn the_newest_stay_and_the_rest_is_counted() {
        let log = LogRing::new(3);
        tracing::subscriber::with_default(log.clone(), || (0..8).for_each(|number| tracing::info!("{number}")));
        let (events, lost) = log.drain(10);
        assert_eq!((texts(&events), lost), (vec!["5", "6", "7"], 5));
        assert_eq!(log.drain(10).1, 0);
    }
}
