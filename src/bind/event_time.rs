//! Event time as bindings pass it.

use std::time::{Duration, SystemTime};

use super::{Failure, Status};

/// A number of milliseconds since 1970 began in UTC.
pub(crate) fn event_time(milliseconds: i64) -> Result<SystemTime, Failure> {
    let since = u64::try_from(milliseconds).map(Duration::from_millis);
    since.ok().and_then(|since| SystemTime::UNIX_EPOCH.checked_add(since)).ok_or_else(|| {
        let message = format!("give the event time in milliseconds since 1970, not before: {milliseconds}");
        Failure::new(Status::INVALID_INPUT, message)
    })
}
