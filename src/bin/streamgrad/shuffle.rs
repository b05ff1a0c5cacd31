//! Rows in an order that a seed decides.

use std::sync::Arc;

use streamgrad::{Batch, Schema};

use crate::answer::Outcome;
use crate::rows::Files;

/// Reads a block of rows at a time, and gives its rows out in a random order.
pub(crate) struct Shuffle {
    block: Batch,
    numbers: Vec<u64>,
    order: Vec<usize>,
    /// The rows of the block that were given out.
    given: usize,
    random: u64,
}

impl Shuffle {
    pub(crate) fn new(schema: &Arc<Schema>, block: usize, seed: u64) -> Self {
        Self { block: schema.batch_with_capacity(block), numbers: Vec::new(), order: Vec::new(), given: 0, random: seed }
    }

    pub(crate) fn fill(&mut self, files: &mut Files, batch: &mut Batch, numbers: &mut Vec<u64>) -> Outcome<()> {
        while batch.rows() < batch.capacity() {
            if self.given == self.order.len() {
                self.read(files)?;
                if self.order.is_empty() {
                    return Ok(());
                }
            }
            let count = (batch.capacity() - batch.rows()).min(self.order.len() - self.given);
            let rows = &self.order[self.given..self.given + count];
            batch.append_rows(&self.block, rows)?;
            numbers.extend(rows.iter().map(|row| self.numbers[*row]));
            self.given += count;
        }
        Ok(())
    }

    fn read(&mut self, files: &mut Files) -> Outcome<()> {
        self.block.clear();
        self.numbers.clear();
        files.fill(&mut self.block, &mut self.numbers)?;
        // A block that a signal cut off would have another order than the whole one.
        let rows = if files.stopped() && self.block.rows() < self.block.capacity() { 0 } else { self.block.rows() };
        (self.order, self.given) = ((0..rows).collect(), 0);
        // Fisher and Yates.
        for last in (1..self.order.len()).rev() {
            let other = self.below(last + 1);
            self.order.swap(last, other);
        }
        Ok(())
    }

    /// A random number below this one, by SplitMix64 and Lemire's multiplication.
    fn below(&mut self, bound: usize) -> usize {
        self.random = self.random.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut number = self.random;
        number = (number ^ number >> 30).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        number = (number ^ number >> 27).wrapping_mul(0x94d0_49bb_1331_11eb);
        number ^= number >> 31;
        ((u128::from(number) * bound as u128) >> 64) as usize
    }
}
