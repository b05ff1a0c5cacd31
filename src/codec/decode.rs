//! What every decoder does.

use super::refusals::Refusals;
use crate::batch::Batch;
use crate::error::Result;

/// A stream of records on its way into batches. `Send` if its reader is; one thread reads it.
pub trait Decode {
    /// Appends up to this many rows to the batch, or as many as it still has room for, and says how many: 0 at the end of
    /// the stream.
    ///
    /// # Errors
    /// `Io` if the reader fails, `InvalidInput` if the stream is damaged so that no further record can be found, if the batch
    /// is full or if it is one of another bundle. Rows read before the error are in the batch. A record that is wrong in itself
    /// is no error: see [`Decode::refusals`].
    fn fill(&mut self, batch: &mut Batch, rows: usize) -> Result<usize>;

    /// How many records went into batches.
    fn read(&self) -> u64;

    /// The records that were refused.
    fn refusals(&self) -> &Refusals;

    /// The same, to empty the list or to be told of each at once.
    fn refusals_mut(&mut self) -> &mut Refusals;
}

/// The three getters, of a decoder that keeps `read` and `refusals`.
macro_rules! counts {
    () => {
        fn read(&self) -> u64 {
            self.read
        }

        fn refusals(&self) -> &$crate::codec::Refusals {
            &self.refusals
        }

        fn refusals_mut(&mut self) -> &mut $crate::codec::Refusals {
            &mut self.refusals
        }
    };
}

pub(super) use counts;
