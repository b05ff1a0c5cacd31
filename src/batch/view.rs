//! A batch in memory of somebody else.

use std::time::SystemTime;

/// The rows of one column.
#[derive(Clone, Copy, Debug)]
#[non_exhaustive]
pub enum ColumnData<'a> {
    /// The column was not set.
    Absent,
    /// A label or weight that some or all rows lack.
    Missing {
        /// The rows without it, in order.
        rows: &'a [usize],
        /// The elements of all rows, any where there are none; empty if they are strings or ragged.
        bytes: &'a [u8],
    },
    /// Elements of a fixed size, row-major, in native byte order. TensorFlow reads them in place if they are aligned to 64 bytes.
    Bytes(&'a [u8]),
    /// Strings as bytes.
    Strings {
        /// All strings, anywhere.
        bytes: &'a [u8],
        /// Start and length of each in `bytes`.
        places: &'a [(u32, u32)],
    },
    /// Rows of any number of values.
    Ragged {
        /// How many values each row has.
        lengths: &'a [i64],
        /// Those of all rows, one after the other.
        values: RaggedValues<'a>,
    },
}

/// The values of ragged rows, as [`ColumnData`] has those of others.
#[derive(Clone, Copy, Debug)]
pub enum RaggedValues<'a> {
    /// Elements of a fixed size.
    Bytes(&'a [u8]),
    /// Strings as bytes.
    Strings {
        /// All strings, anywhere.
        bytes: &'a [u8],
        /// Start and length of each in `bytes`.
        places: &'a [(u32, u32)],
    },
}

/// The columns of a batch, borrowed for one call: features, labels, weight, in the order of the schema.
#[derive(Clone, Debug)]
pub struct BatchView<'a> {
    rows: usize,
    columns: Vec<ColumnData<'a>>,
    event_time: Option<SystemTime>,
}

impl<'a> BatchView<'a> {
    /// A view of these columns. What does not fit the model is an error of the call that uses the view.
    pub fn new(rows: usize, columns: Vec<ColumnData<'a>>) -> Self {
        Self { rows, columns, event_time: None }
    }

    /// The same, of this event time, by which rows of tables expire.
    #[must_use]
    pub fn at(self, event_time: Option<SystemTime>) -> Self {
        Self { event_time, ..self }
    }

    pub(crate) fn event_time(&self) -> Option<SystemTime> {
        self.event_time
    }

    /// The rows in it.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The columns, in the order of the schema.
    pub fn columns(&self) -> &[ColumnData<'a>] {
        &self.columns
    }
}
