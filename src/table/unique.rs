//! The distinct ids of a batch, in the order of their first appearance, as `tf.unique` gives them.

use super::index::mixed;

const EMPTY: u32 = u32::MAX;

/// The distinct ids of the last batch; its memory is kept from batch to batch.
#[derive(Debug, Default)]
pub(super) struct Unique {
    pub(super) ids: Vec<u64>,
    /// How often each of them appears.
    pub(super) counts: Vec<u32>,
    /// For every id of the batch its place among the distinct ones.
    pub(super) local: Vec<i32>,
    /// An open-addressing table of places among the distinct ids, at most half full.
    cells: Vec<u32>,
}

impl Unique {
    /// Takes in the ids of a batch, of which there are fewer than 2^31.
    pub(super) fn find(&mut self, ids: &[u64]) {
        self.ids.clear();
        self.counts.clear();
        self.local.clear();
        self.local.reserve(ids.len());
        let cells = (2 * ids.len()).next_power_of_two().max(2);
        self.cells.clear();
        self.cells.resize(cells, EMPTY);
        for &id in ids {
            let mut cell = mixed(id) as usize & (cells - 1);
            let place = loop {
                match self.cells[cell] {
                    EMPTY => {
                        self.cells[cell] = self.ids.len() as u32;
                        self.ids.push(id);
                        self.counts.push(0);
                        break self.ids.len() - 1;
                    }
                    place if self.ids[place as usize] == id => break place as usize,
                    _ => cell = (cell + 1) & (cells - 1),
                }
            };
            self.counts[place] += 1;
            self.local.push(place as i32);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn keeps_the_order_of_first_appearance() {
        let mut unique = Unique::default();
        for ids in [&[7, u64::MAX, 7, 0, 7, 0, 3][..], &[], &[5], &[5, 5]] {
            unique.find(ids);
            let back: Vec<u64> = unique.local.iter().map(|place| unique.ids[*place as usize]).collect();
            assert_eq!(back, ids);
            let mut sorted = unique.ids.clone();
            sorted.sort_unstable();
            sorted.dedup();
            assert_eq!(sorted.len(), unique.ids.len());
            assert_eq!(unique.counts.iter().sum::<u32>() as usize, ids.len());
        }
        unique.find(&[7, u64::MAX, 7, 0]);
        assert_eq!((unique.ids, unique.counts, unique.local), (vec![7, u64::MAX, 0], vec![2, 1, 1], vec![0, 1, 0, 2]));
    }
}
