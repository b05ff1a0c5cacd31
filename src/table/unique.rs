//! The distinct ids of a batch, sorted by the shards that their hashes name.

use super::SHARDS;
use super::plan::Plan;

const EMPTY: u32 = u32::MAX;

/// The distinct ids of the last batch; its memory is kept from batch to batch.
#[derive(Debug, Default)]
pub(super) struct Unique {
    /// By shard, within a shard in the order of their first appearance.
    pub(super) ids: Vec<u64>,
    pub(super) hashes: Vec<u64>,
    /// How often each of them appears.
    pub(super) counts: Vec<u32>,
    /// For every id of the batch its position among the distinct ones.
    pub(super) local: Vec<i32>,
    /// Where each shard's ids begin, and where the last one's end.
    starts: Vec<u32>,
    /// An open-addressing table of positions, at most half full.
    cells: Vec<u32>,
    /// In the order of appearance, before they are sorted: id, hash, count.
    met: Vec<(u64, u64, u32)>,
    /// Where each of those goes.
    ranks: Vec<u32>,
}

impl Unique {
    /// Takes in the ids of a batch, of which there are fewer than 2^31.
    pub(super) fn find(&mut self, plan: &Plan, ids: &[u64]) {
        self.meet(plan, ids);
        self.starts.clear();
        self.starts.resize(SHARDS + 2, 0);
        // Counted two further on, so that after the sums the entry after a shard's says where its next id goes, and in the end where it ends.
        self.met.iter().for_each(|(_, hash, _)| self.starts[Plan::shard_of(*hash) + 2] += 1);
        for shard in 2..SHARDS + 2 {
            self.starts[shard] += self.starts[shard - 1];
        }
        self.ids.resize(self.met.len(), 0);
        self.hashes.resize(self.met.len(), 0);
        self.counts.resize(self.met.len(), 0);
        self.ranks.clear();
        for (id, hash, count) in &self.met {
            let next = &mut self.starts[Plan::shard_of(*hash) + 1];
            let rank = *next as usize;
            *next += 1;
            (self.ids[rank], self.hashes[rank], self.counts[rank]) = (*id, *hash, *count);
            self.ranks.push(rank as u32);
        }
        self.local.iter_mut().for_each(|position| *position = self.ranks[*position as usize] as i32);
    }

    /// The positions of a shard's ids.
    #[inline(always)]
    pub(super) fn of_shard(&self, shard: usize) -> std::ops::Range<usize> {
        self.starts[shard] as usize..self.starts[shard + 1] as usize
    }

    fn meet(&mut self, plan: &Plan, ids: &[u64]) {
        self.met.clear();
        self.local.clear();
        self.local.reserve(ids.len());
        let cells = (2 * ids.len()).next_power_of_two().max(2);
        self.cells.clear();
        self.cells.resize(cells, EMPTY);
        for &id in ids {
            let hash = plan.hash(id);
            let mut cell = hash as usize & (cells - 1);
            let position = loop {
                match self.cells[cell] {
                    EMPTY => {
                        self.cells[cell] = self.met.len() as u32;
                        self.met.push((id, hash, 0));
                        break self.met.len() - 1;
                    }
                    position if self.met[position as usize].0 == id => break position as usize,
                    _ => cell = (cell + 1) & (cells - 1),
                }
            };
            self.met[position].2 += 1;
            self.local.push(position as i32);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::super::{Initializer, TableSpec};
    use super::*;

    #[test]
    fn every_id_is_found_once_in_its_shard() {
        let plan = Plan::new(TableSpec::new("t", 1, 3, Initializer::Constant { value: 0.0 }), &[]).unwrap();
        let mut unique = Unique::default();
        let many: Vec<u64> = (0..5_000).map(|at| at * at % 1_999).collect();
        for ids in [&[7, u64::MAX, 7, 0, 7, 0, 3][..], &many, &[], &[5], &[5, 5]] {
            unique.find(&plan, ids);
            let back: Vec<u64> = unique.local.iter().map(|position| unique.ids[*position as usize]).collect();
            assert_eq!(back, ids);
            let mut counts = vec![0; unique.ids.len()];
            unique.local.iter().for_each(|position| counts[*position as usize] += 1);
            assert_eq!(unique.counts, counts);
            let mut sorted = unique.ids.clone();
            sorted.sort_unstable();
            sorted.dedup();
            assert_eq!(sorted.len(), unique.ids.len());
            let mut covered = 0;
            for shard in 0..SHARDS {
                assert_eq!(unique.of_shard(shard).start, covered);
                covered = unique.of_shard(shard).end;
                assert!(
                    unique
                        .of_shard(shard)
                        .all(|at| unique.hashes[at] == plan.hash(unique.ids[at]) && Plan::shard_of(unique.hashes[at]) == shard)
                );
            }
            assert_eq!(covered, unique.ids.len());
        }
    }
}
