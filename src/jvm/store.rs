//! A folder store's options as Java's `FolderStore` passes them, and what it tells as bytes that Java reads: big-endian.
//!
//! A version is its lineage and number (64 bits each), what may be missing a byte of 0, or of 1 and then itself, a time milliseconds since
//! 1970, a list its length (32 bits) and entries, a text its length and UTF-8.

use std::time::{Duration, SystemTime};

use super::options::{flag, number};
use crate::bind::{Failure, Status};
use crate::params::{FolderStoreBuilder, StoreStatus};
use crate::snapshot::{KeptVersion, VersionId};

/// Sets one option.
pub(super) fn set(store: FolderStoreBuilder, key: &str, value: &str) -> Result<FolderStoreBuilder, Failure> {
    Ok(match key {
        "every_steps" => store.every_steps(number(key, value)?),
        "every_nanos" => store.every(Duration::from_nanos(number(key, value)?)),
        "on_close" => store.on_close(flag(key, value)?),
        "keep_last" => store.keep_last(number(key, value)?),
        "keep_hourly" => store.keep_hourly(number(key, value)?),
        "keep_daily" => store.keep_daily(number(key, value)?),
        "deltas" => store.deltas(number(key, value)?),
        "wait_for_writer_nanos" => store.wait_for_writer(Duration::from_nanos(number(key, value)?)),
        "warm_start" => store.warm_start(flag(key, value)?),
        "restore" => store.restore(value.parse()?),
        _ => {
            let context = format!("use jar and library of one build, this option of a store is unknown: {key}");
            return Err(Failure::new(Status::INVALID_INPUT, context));
        }
    })
}

pub(super) fn version(id: VersionId) -> Vec<u8> {
    [id.lineage.number().to_be_bytes(), id.number.to_be_bytes()].concat()
}

/// A list of version, what it builds on if it is a delta, time and bytes.
pub(super) fn kept_versions(kept: &[KeptVersion]) -> Vec<u8> {
    let mut out = (kept.len() as u32).to_be_bytes().to_vec();
    for entry in kept {
        out.extend(version(entry.version));
        out.extend(optional(entry.base.map(version)));
        out.extend(milliseconds(entry.time));
        out.extend(entry.bytes.to_be_bytes());
    }
    out
}

/// Version and time saved last, why the last attempt failed, failures since, whether one waits.
pub(super) fn status(status: &StoreStatus) -> Vec<u8> {
    let mut out = optional(status.saved.map(version));
    out.extend(optional(status.saved_at.map(|time| milliseconds(time).to_vec())));
    out.extend(optional(status.error.as_deref().map(text)));
    out.extend(status.failures.to_be_bytes());
    out.push(status.waiting.into());
    out
}

pub(super) fn text(text: &str) -> Vec<u8> {
    [&(text.len() as u32).to_be_bytes(), text.as_bytes()].concat()
}

pub(super) fn optional(value: Option<Vec<u8>>) -> Vec<u8> {
    value.map_or_else(|| vec![0], |value| [vec![1], value].concat())
}

pub(super) fn milliseconds(time: SystemTime) -> [u8; 8] {
    (time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_millis() as u64).to_be_bytes()
}
