//! Rows that nobody sent.

use crate::batch::{BatchView, ColumnData, RaggedValues, Role, Schema};
use crate::error::{Error, ErrorKind, Result};
use crate::tensor::AlignedBuffer;

/// A batch of zeros and empty strings, one of them in each ragged row, without labels and weights.
#[derive(Debug)]
pub(super) struct MadeUp {
    rows: usize,
    columns: Vec<Column>,
    ones: Vec<i64>,
}

#[derive(Debug)]
enum Column {
    Absent,
    Fixed(Values),
    Ragged(Values),
}

#[derive(Debug)]
enum Values {
    Zeros(AlignedBuffer, usize),
    Empty(Vec<(u32, u32)>),
}

impl MadeUp {
    pub(super) fn new(schema: &Schema, rows: usize) -> Result<Self> {
        let columns = schema.columns().iter().map(|spec| {
            let elements = rows.checked_mul(spec.shape.elements());
            let bytes = elements.and_then(|elements| elements.checked_mul(spec.dtype.size().unwrap_or(0)));
            let (Some(elements), Some(bytes)) = (elements, bytes) else {
                return Err(Error::new(ErrorKind::Internal, "warm up", format!("{rows} rows of {}", spec.name)));
            };
            let values = match spec.dtype.size() {
                Some(_) => Values::Zeros(AlignedBuffer::new(bytes), bytes),
                None => Values::Empty(vec![(0, 0); elements]),
            };
            Ok(match spec.role {
                Role::Label | Role::Weight => Column::Absent,
                Role::Feature if spec.ragged => Column::Ragged(values),
                Role::Feature => Column::Fixed(values),
            })
        });
        Ok(Self { rows, columns: columns.collect::<Result<_>>()?, ones: vec![1; rows] })
    }

    pub(super) fn view(&self) -> BatchView<'_> {
        let columns = self.columns.iter().map(|column| match column {
            Column::Absent => ColumnData::Absent,
            Column::Fixed(Values::Zeros(buffer, bytes)) => ColumnData::Bytes(&buffer.as_bytes()[..*bytes]),
            Column::Fixed(Values::Empty(places)) => ColumnData::Strings { bytes: &[], places },
            Column::Ragged(values) => {
                let values = match values {
                    Values::Zeros(buffer, bytes) => RaggedValues::Bytes(&buffer.as_bytes()[..*bytes]),
                    Values::Empty(places) => RaggedValues::Strings { bytes: &[], places },
                };
                ColumnData::Ragged { lengths: &self.ones, values }
            }
        });
        BatchView::new(self.rows, columns.collect())
    }
}
