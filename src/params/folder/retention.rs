//! Which versions a folder keeps.

use std::collections::HashSet;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use parking_lot::Mutex;

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
    /// The versions to be removed, of all versions from the oldest to the newest. Those of `stay` stay in any case, and so does
    /// what a delta builds on that stays.
    pub(super) fn superfluous(&self, versions: &[KeptVersion], stay: impl IntoIterator<Item = VersionId>) -> Vec<VersionId> {
        let mut stays: HashSet<VersionId> = versions.iter().rev().take(self.last).map(|kept| kept.version).collect();
        stays.extend(stay);
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

/// The versions that somebody still needs, whatever the rules say.
#[derive(Clone, Debug, Default)]
pub(super) struct Held(Arc<Mutex<HashSet<VersionId>>>);

impl Held {
    pub(super) fn insert(&self, version: VersionId) {
        self.0.lock().insert(version);
    }

    pub(super) fn remove(&self, version: VersionId) {
        self.0.lock().remove(&version);
    }

    /// These, and one more.
    pub(super) fn and(&self, version: VersionId) -> HashSet<VersionId> {
        let mut all = self.0.lock().clone();
        all.insert(version);
        all
    }
}

/// The last version of each of the last `most` periods that have one.
fn last_of_each(versions: &[KeptVersion], seconds: u64, most: usize) -> impl Iterator<Item = VersionId> {
    let period = move |time: SystemTime| time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or(Duration::ZERO).as_secs() / seconds;
    let mut seen = HashSet::new();
    versions.iter().rev().filter(move |kept| seen.insert(period(kept.time))).map(|kept| kept.version).take(most)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Versions at these seconds, numbered from 0; the second number is the version that one builds on.
    fn versions(times: &[(u64, Option<u64>)]) -> Vec<KeptVersion> {
        let id = |number| format!("0000000000000007-{number}").parse().unwrap();
        let kept = |(number, (seconds, base)): (usize, &(u64, Option<u64>))| {
            let time = SystemTime::UNIX_EPOCH + Duration::from_secs(*seconds);
            KeptVersion::new(id(number as u64), time, 0, base.map(id))
        };
        times.iter().enumerate().map(kept).collect()
    }

    fn gone(rule: Retention, versions: &[KeptVersion]) -> Vec<u64> {
        let newest = versions.last().unwrap().version;
        rule.superfluous(versions, [newest]).iter().map(|version| version.number).collect()
    }

    #[test]
    fn keeps_the_last_and_the_last_of_hours_and_days() {
        let hour = |hour: u64, minute: u64| (hour * HOUR + minute * 60, None);
        let all = versions(&[hour(1, 0), hour(1, 59), hour(2, 0), hour(23, 1), hour(23, 2), hour(24, 0), hour(49, 0), hour(49, 1)]);
        let rule = |last, hourly, daily| Retention { last, hourly, daily };
        assert_eq!(gone(rule(1, 0, 0), &all), [0, 1, 2, 3, 4, 5, 6]);
        assert_eq!(gone(rule(3, 0, 0), &all), [0, 1, 2, 3, 4]);
        // Of hours 49, 24 and 23 the last of each; hours without a version do not count.
        assert_eq!(gone(rule(1, 3, 0), &all), [0, 1, 2, 3, 6]);
        // Of days 2, 1 and 0.
        assert_eq!(gone(rule(1, 0, 9), &all), [0, 1, 2, 3, 6]);
        assert_eq!(gone(rule(2, 9, 1), &all), [0, 3]);
        assert_eq!(gone(rule(99, 0, 0), &all), [0; 0]);
    }

    #[test]
    fn keeps_what_deltas_build_on_and_the_newest_by_name() {
        let all = versions(&[(0, None), (1, Some(0)), (2, None), (3, Some(2)), (4, Some(3))]);
        let rule = Retention { last: 1, hourly: 0, daily: 0 };
        assert_eq!(gone(rule, &all), [0, 1]);
        // A clock that was set back: what was saved last is not the last by time.
        let superfluous = rule.superfluous(&all, [all[1].version]);
        assert!(superfluous.is_empty(), "{superfluous:?}");
    }
}
