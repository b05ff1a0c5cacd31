//! Which versions a folder keeps.

use std::collections::HashSet;
use std::time::{Duration, SystemTime};

use crate::snapshot::{KeptVersion, VersionId};

const HOUR: u64 = 3600;
const DAY: u64 = 24 * HOUR;

/// The last versions, and the last of each of some hours and days. What any of the rules keeps, stays.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Retention {
    pub(super) last: usize,
    pub(super) hourly: usize,
    pub(super) daily: usize,
}

impl Retention {
    /// The versions to be removed, of all versions from the oldest to the newest. `newest` stays in any case, and so does
    /// what a delta builds on that stays.
    pub(super) fn superfluous(&self, versions: &[KeptVersion], newest: VersionId) -> Vec<VersionId> {
        let mut stays: HashSet<VersionId> = versions.iter().rev().take(self.last).map(|kept| kept.version).collect();
        stays.insert(newest);
        stays.extend(last_of_each(versions, HOUR, self.hourly));
        stays.extend(last_of_each(versions, DAY, self.daily));
        // The newest first: what they build on is older.
        let mut needed: Vec<VersionId> = stays.iter().copied().collect();
        while let Some(version) = needed.pop() {
            let base = versions.iter().find(|kept| kept.version == version).and_then(|kept| kept.base);
            needed.extend(base.filter(|base| stays.insert(*base)));
        }
        versions.iter().map(|kept| kept.version).filter(|version| !stays.contains(version)).collect()
    }
}

/// The last version of each of the last `most` periods that have one.
fn last_of_each(versions: &[KeptVersion], seconds: u64, most: usize) -> impl Iterator<Item = VersionId> {
    let period = move |time: SystemTime| time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO).as_secs() / seconds;
    let mut seen = HashSet::new();
    versions.iter().rev().filter(move |kept| seen.insert(period(kept.time))).map(|kept| kept.version).take(most)
}
