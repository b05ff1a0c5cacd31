//! Some rows of a batch.

use std::ops::Range;

use super::schema::Schema;
use super::view::{BatchView, ColumnData, RaggedValues};

impl<'a> BatchView<'a> {
    /// These rows of a view whose features were checked. A label or weight that rows lack is absent. `None` if there are no such rows.
    pub(crate) fn part(&self, schema: &Schema, rows: Range<usize>) -> Option<Self> {
        let columns = self.columns().iter().zip(schema.columns()).map(|(data, spec)| {
            let width = spec.shape.elements();
            Some(match *data {
                ColumnData::Absent | ColumnData::Missing { .. } => ColumnData::Absent,
                ColumnData::Bytes(bytes) => {
                    let size = spec.row_bytes()?;
                    ColumnData::Bytes(bytes.get(rows.start * size..rows.end * size)?)
                }
                ColumnData::Strings { bytes, places } => {
                    ColumnData::Strings { bytes, places: places.get(rows.start * width..rows.end * width)? }
                }
                ColumnData::Ragged { lengths, values } => {
                    let count = |lengths: &[i64]| lengths.iter().map(|&length| length as usize).sum::<usize>();
                    let part = lengths.get(rows.clone())?;
                    let start = count(&lengths[..rows.start]);
                    let end = start + count(part);
                    let values = match values {
                        RaggedValues::Bytes(bytes) => {
                            let size = spec.dtype.size()?;
                            RaggedValues::Bytes(bytes.get(start * size..end * size)?)
                        }
                        RaggedValues::Strings { bytes, places } => RaggedValues::Strings { bytes, places: places.get(start..end)? },
                    };
                    ColumnData::Ragged { lengths: part, values }
                }
            })
        });
        let columns = columns.collect::<Option<Vec<_>>>()?;
        Some(Self::new(rows.len(), columns).at(self.event_time()))
    }
}
