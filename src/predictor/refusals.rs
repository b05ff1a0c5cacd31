//! Versions that could not be used, and when to try them again.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use crate::snapshot::VersionId;

/// The wait after a first failure; it doubles with each that follows.
const FIRST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(300);

/// What was refused. A version is tried again after a wait that grows, or soon after its files changed and came to rest:
/// somebody was still copying them.
#[derive(Debug)]
pub(super) struct Refusals {
    /// How often somebody looks.
    every: Duration,
    refused: HashMap<VersionId, Refusal>,
}

#[derive(Debug)]
struct Refusal {
    again: Instant,
    wait: Duration,
    stamp: Option<u64>,
}

impl Refusals {
    pub(super) fn new(every: Duration) -> Self {
        Self { every, refused: HashMap::new() }
    }

    /// Whether a version may be tried.
    pub(super) fn due(&mut self, version: VersionId, stamp: Option<u64>, now: Instant) -> bool {
        let Some(refusal) = self.refused.get_mut(&version) else { return true };
        if refusal.stamp != stamp {
            *refusal = Refusal { again: now + self.every, wait: FIRST, stamp };
        }
        now >= refusal.again
    }

    /// It was tried in vain, with its files as `stamp` says.
    pub(super) fn add(&mut self, version: VersionId, stamp: Option<u64>, now: Instant) {
        let before = self.refused.get(&version).map(|refusal| refusal.wait);
        let wait = before.map_or(FIRST.max(self.every), |wait| (wait * 2).min(LONGEST));
        self.refused.insert(version, Refusal { again: now + wait, wait, stamp });
    }

    /// Forgets those that are not `kept`.
    pub(super) fn retain(&mut self, kept: impl Fn(VersionId) -> bool) {
        self.refused.retain(|version, _| kept(*version));
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::snapshot::Lineage;

    #[test]
    fn waits_longer_each_time_and_anew_when_files_change() {
        let version = VersionId { lineage: Lineage::from_number(1), number: 2 };
        let start = Instant::now();
        let at = |millis| start + Duration::from_millis(millis);
        let mut refusals = Refusals::new(Duration::from_millis(100));
        assert!(refusals.due(version, Some(1), at(0)));
        refusals.add(version, Some(1), at(0));
        assert!(!refusals.due(version, Some(1), at(999)) && refusals.due(version, Some(1), at(1000)));
        refusals.add(version, Some(1), at(1000));
        assert!(!refusals.due(version, Some(1), at(2999)) && refusals.due(version, Some(1), at(3000)));
        // Still being copied, then at rest.
        assert!(!refusals.due(version, Some(2), at(1100)) && !refusals.due(version, Some(3), at(1200)));
        assert!(!refusals.due(version, Some(3), at(1299)) && refusals.due(version, Some(3), at(1300)));
        for _ in 0..20 {
            refusals.add(version, Some(3), at(0));
        }
        assert!(refusals.due(version, Some(3), start + LONGEST));
        refusals.retain(|_| false);
        assert!(refusals.due(version, None, at(0)));
    }
}
