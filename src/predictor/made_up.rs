//! Rows that nobody sent.

use crate::batch::{BatchView, ColumnData, Role, Schema};
use crate::error::{Error, ErrorKind, Result};
use crate::tensor::AlignedBuffer;

/// A batch of zeros and empty strings, without labels and weights.
#[derive(Debug)]
pub(super) struct MadeUp {
    rows: usize,
    columns: Vec<Column>,
}

#[derive(Debug)]
enum Column {
    Absent,
    Zeros(AlignedBuffer, usize),
    Empty(Vec<(u32, u32)>),
}

impl MadeUp {
    pub(super) fn new(schema: &Schema, rows: usize) -> Result<Self> {
        let columns = schema.columns().iter().map(|spec| {
            let elements = rows.checked_mul(spec.shape.elements());
            let bytes = rows.checked_mul(spec.row_bytes().unwrap_or(0));
            let (Some(elements), Some(bytes)) = (elements, bytes) else {
                return Err(Error::new(ErrorKind::Internal, "warm up", format!("{rows} rows of {}", spec.name)));
            };
            Ok(match (spec.role, spec.row_bytes()) {
                (Role::Label | Role::Weight, _) => Column::Absent,
                (Role::Feature, Some(_)) => Column::Zeros(AlignedBuffer::new(bytes), bytes),
                (Role::Feature, None) => Column::Empty(vec![(0, 0); elements]),
            })
        });
        Ok(Self { rows, columns: columns.collect::<Result<_>>()? })
    }

    pub(super) fn view(&self) -> BatchView<'_> {
        let columns = self.columns.iter().map(|column| match column {
            Column::Absent => ColumnData::Absent,
            Column::Zeros(buffer, bytes) => ColumnData::Bytes(&buffer.as_bytes()[..*bytes]),
            Column::Empty(places) => ColumnData::Strings { bytes: &[], places },
        });
        BatchView::new(self.rows, columns.collect())
    }
}
