//! A batch out of memory of somebody else.

use std::sync::Arc;

use super::batch::{Batch, Data, Store};
use super::schema::Schema;
use super::view::{BatchView, ColumnData, RaggedValues};

impl BatchView<'_> {
    /// The same rows in memory of their own. What rows lack they lack there, too.
    pub(crate) fn to_batch(&self, schema: &Arc<Schema>) -> Batch {
        let mut batch = Batch::new(schema.clone(), self.rows());
        if let Some(time) = self.event_time() {
            batch.set_event_time(time);
        }
        for (store, data) in batch.columns.iter_mut().zip(self.columns()) {
            match *data {
                ColumnData::Absent => continue,
                ColumnData::Missing { rows, bytes } => {
                    store.missing.extend(rows);
                    store.take(RaggedValues::Bytes(bytes));
                }
                ColumnData::Bytes(bytes) => store.take(RaggedValues::Bytes(bytes)),
                ColumnData::Strings { bytes, places } => store.take(RaggedValues::Strings { bytes, places }),
                ColumnData::Ragged { lengths, values } => {
                    if let Some(own) = &mut store.lengths {
                        for (row, &length) in lengths.iter().enumerate() {
                            own.stage(row, length as usize);
                            own.commit(length as usize);
                        }
                    }
                    store.take(values);
                }
            }
            store.rows = self.rows();
        }
        batch
    }
}

impl Store {
    fn take(&mut self, values: RaggedValues<'_>) {
        match (&mut self.data, values) {
            (Data::Fixed(buffer), RaggedValues::Bytes(bytes)) => {
                buffer.reserve(bytes.len());
                buffer.as_bytes_mut()[..bytes.len()].copy_from_slice(bytes);
            }
            (Data::Strings { bytes: own, places: own_places, pushed }, RaggedValues::Strings { bytes, places }) => {
                for &(start, length) in places {
                    let string = bytes.get(start as usize..).and_then(|rest| rest.get(..length as usize)).unwrap_or_default();
                    own_places.push((own.len() as u32, string.len() as u32));
                    own.extend_from_slice(string);
                }
                *pushed = own.len();
            }
            _ => {}
        }
    }
}
