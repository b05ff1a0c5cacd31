//! Rows of tables on their way through a run, in memory that is used again.

use std::mem;
use std::ops::{Deref, DerefMut};
use std::sync::Arc;

use parking_lot::Mutex;

use crate::params::Rows;

/// Kept for so many threads at a time; of more, each makes its own.
const MOST_KEPT: usize = 16;

/// What no run uses.
#[derive(Clone, Debug, Default)]
pub(super) struct Spare(Arc<Mutex<Vec<Rows>>>);

impl Spare {
    pub(super) fn take(&self) -> PulledRows {
        PulledRows { rows: self.0.lock().pop().unwrap_or_default(), home: self.clone() }
    }
}

/// The rows of one batch; they go back for the next one.
#[derive(Debug)]
pub(crate) struct PulledRows {
    rows: Rows,
    home: Spare,
}

impl Deref for PulledRows {
    type Target = Rows;

    fn deref(&self) -> &Rows {
        &self.rows
    }
}

impl DerefMut for PulledRows {
    fn deref_mut(&mut self) -> &mut Rows {
        &mut self.rows
    }
}

impl Drop for PulledRows {
    fn drop(&mut self) {
        let mut spare = self.home.0.lock();
        if spare.len() < MOST_KEPT {
            spare.push(mem::take(&mut self.rows));
        }
    }
}
