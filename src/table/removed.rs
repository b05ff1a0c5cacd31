//! The ids that a shard has given up, for the deltas that must tell them.

/// Ids by the last cut before each was given up, in the order in which they were.
#[derive(Debug)]
pub(super) struct Removed {
    /// Whoever asks since an earlier cut than this cannot be told all. Nobody can before ids are tracked.
    complete_from: u32,
    cuts: Vec<u32>,
    ids: Vec<u64>,
}

impl Default for Removed {
    fn default() -> Self {
        Self { complete_from: u32::MAX, cuts: Vec::new(), ids: Vec::new() }
    }
}

impl Removed {
    /// Begins to keep ids after so many cuts, or ends it.
    pub(super) fn track(&mut self, on: bool, cut: u32) {
        match on {
            true if self.complete_from == u32::MAX => self.complete_from = cut + 1,
            true => {}
            false => *self = Self::default(),
        }
    }

    /// Keeps an id; the oldest of more than `most` are forgotten.
    pub(super) fn add(&mut self, cut: u32, id: u64, most: usize) {
        while self.complete_from <= cut && self.ids.len() >= most {
            self.forget_before(self.cuts.first().map_or(cut, |oldest| *oldest) + 1);
        }
        if self.complete_from <= cut {
            self.cuts.push(cut);
            self.ids.push(id);
        }
    }

    pub(super) fn forget_before(&mut self, cut: u32) {
        if self.complete_from < cut {
            self.complete_from = cut;
            let first = self.cuts.partition_point(|of| *of < cut);
            self.cuts.drain(..first);
            self.ids.drain(..first);
        }
    }

    pub(super) fn is_complete_since(&self, cut: u32) -> bool {
        self.complete_from <= cut
    }

    /// The ids given up after one cut and before another, each as often as it was; `None` if some are forgotten.
    pub(super) fn between(&self, since: u32, until: u32) -> Option<&[u64]> {
        let at = |cut| self.cuts.partition_point(|of| *of < cut);
        self.is_complete_since(since).then(|| &self.ids[at(since)..at(until.max(since))])
    }

    pub(super) fn bytes(&self) -> usize {
        self.cuts.capacity() * size_of::<u32>() + self.ids.capacity() * size_of::<u64>()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_all_or_nothing() {
        let mut removed = Removed::default();
        removed.add(0, 1, 9);
        assert_eq!(removed.between(0, 5), None);
        removed.track(true, 1);
        removed.add(1, 2, 9);
        assert_eq!((removed.between(1, 5), removed.between(2, 5)), (None, Some(&[][..])));
        (3..8).for_each(|id| removed.add(id as u32, id, 9));
        assert_eq!((removed.between(2, 5), removed.between(5, 7)), (Some(&[3, 4][..]), Some(&[5, 6][..])));
        removed.track(true, 9);
        removed.forget_before(4);
        assert_eq!((removed.between(3, 5), removed.between(4, 9)), (None, Some(&[4, 5, 6, 7][..])));
        // No room for a sixth: the oldest go.
        (8..10).for_each(|id| removed.add(8, id, 5));
        assert_eq!((removed.between(4, 9), removed.between(5, 9)), (None, Some(&[5, 6, 7, 8, 9][..])));
        // Nor for all of one time.
        (0..6).for_each(|id| removed.add(9, id, 5));
        assert_eq!((removed.between(9, 10), removed.between(10, 11)), (None, Some(&[][..])));
        assert!(removed.ids.is_empty());
    }
}
