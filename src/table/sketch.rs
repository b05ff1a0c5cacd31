//! How often ids without a row were seen, in bounded memory: a count-min sketch with conservative update (Estan and Varghese, "New directions
//! in traffic measurement and accounting", 2002; Cormode and Muthukrishnan, 2005), halved from time to time as TinyLFU does
//! (Einziger, Friedman and Manes, 2017).
//!
//! A count is never too low, unless a halving fell between: an endless stream of ids seen once would otherwise fill the sketch until it lets everybody in.

use super::index::mixed;

const ROWS: usize = 4;

/// Counters of eight bits in four rows.
#[derive(Debug)]
pub(super) struct Sketch {
    counters: Box<[u8]>,
    /// Counted since the last halving, and after how many comes the next.
    counted: u64,
    period: u64,
}

impl Sketch {
    /// A sketch of this many bytes, a power of two of at least 16, for counting to `most`.
    pub(super) fn new(bytes: usize, most: u8) -> Self {
        let width = (bytes / ROWS) as u64;
        // A fresh id is let in if four counters are there already. They are so full that one is in less than one in six cases.
        let period = (width * u64::from(most.saturating_sub(1)) / 4).max(1);
        Self { counters: vec![0; bytes].into_boxed_slice(), counted: 0, period }
    }

    pub(super) fn bytes(&self) -> usize {
        self.counters.len()
    }

    /// All that it knows: what it counted since the last halving, eight bytes, then its counters.
    pub(super) fn to_bytes(&self) -> Vec<u8> {
        [&self.counted.to_le_bytes()[..], &self.counters].concat()
    }

    /// Becomes what another of its size told; whether it was of its size.
    pub(super) fn restore(&mut self, bytes: &[u8]) -> bool {
        let Some((counted, counters)) = bytes.split_first_chunk() else { return false };
        let fits = counters.len() == self.counters.len();
        if fits {
            self.counted = u64::from_le_bytes(*counted);
            self.counters.copy_from_slice(counters);
        }
        fits
    }

    fn cells(&self, hash: u64) -> [usize; ROWS] {
        let width = self.counters.len() / ROWS;
        let more = mixed(hash);
        std::array::from_fn(|row| row * width + ((more >> (16 * row)) ^ (hash >> (11 * row))) as usize % width)
    }

    /// How often an id was seen.
    pub(super) fn estimate(&self, hash: u64) -> u32 {
        self.cells(hash).into_iter().map(|cell| u32::from(self.counters[cell])).min().unwrap_or(0)
    }

    /// Counts an id `times` more.
    pub(super) fn count(&mut self, hash: u64, times: u32) {
        let count = self.estimate(hash).saturating_add(times);
        let kept = count.min(u32::from(u8::MAX)) as u8;
        for cell in self.cells(hash) {
            self.counters[cell] = self.counters[cell].max(kept);
        }
        self.counted += u64::from(times);
        if self.counted >= self.period {
            self.counters.iter_mut().for_each(|counter| *counter >>= 1);
            self.counted = 0;
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::HashMap;

    use super::*;

    #[test]
    fn never_counts_too_few_between_halvings_and_seldom_too_many() {
        let mut sketch = Sketch::new(1 << 14, 5);
        let mut exact = HashMap::new();
        let mut too_many = 0;
        for turn in 0..sketch.period - 1 {
            let id = mixed(turn) % 1500;
            let count = exact.entry(id).or_insert(0u32);
            *count += 1;
            sketch.count(mixed(id), 1);
            let counted = sketch.estimate(mixed(id));
            assert!(counted >= *count);
            too_many += u32::from(counted > *count);
        }
        assert!(too_many < 20, "{too_many}");
    }

    #[test]
    fn an_endless_stream_of_ids_seen_once_does_not_fill_it() {
        for most in [2u8, 5, 20] {
            let mut sketch = Sketch::new(1 << 12, most);
            let mut seen = |id| {
                sketch.count(mixed(id), 1);
                sketch.estimate(mixed(id)) >= u32::from(most)
            };
            let let_in = (0..1_000_000u64).filter(|id| seen(*id)).count();
            assert!(let_in < 20_000, "{let_in} of a million with {most} sightings");
            // Nor does its age keep an id out that comes often.
            assert!((0..most).any(|_| seen(u64::MAX)));
        }
    }
}
