//! Parquet's record batches, copied.

use arrow_array::cast::AsArray;
use arrow_array::types::{Float32Type, Int64Type};
use bytes::Bytes;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;

use super::{Columns, NUMBERS};

pub fn parquet(file: &[u8], columns: &mut Columns) {
    // The reader wants bytes that it owns; this copy is a part of a thousand of the whole.
    let reader = ParquetRecordBatchReaderBuilder::try_new(Bytes::copy_from_slice(file)).unwrap().with_batch_size(8192).build();
    for batch in reader.unwrap() {
        let batch = batch.unwrap();
        for (at, column) in columns.numbers.iter_mut().enumerate() {
            column.extend_from_slice(batch.column(at).as_primitive::<Float32Type>().values());
        }
        for (at, column) in columns.counts.iter_mut().enumerate() {
            column.extend_from_slice(batch.column(NUMBERS + at).as_primitive::<Int64Type>().values());
        }
        batch.column(NUMBERS + 3).as_string::<i32>().iter().for_each(|airline| columns.airline(airline.unwrap().as_bytes()));
    }
}
