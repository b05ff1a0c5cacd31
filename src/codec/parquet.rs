//! Parquet into batches.

use arrow_schema::ArrowError;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::ParquetRecordBatchReaderBuilder;
use parquet::file::reader::ChunkReader;

use super::arrow::{Arrow, columns, guarded};
use super::fields::Fields;
use super::plan::Plan;
use crate::error::Result;

/// The rows that are decoded at once.
const ROWS: usize = 8192;

impl Arrow {
    /// Reads a Parquet file, of it only the columns of these fields. Its pages may be plain or compressed by Snappy, GZIP, LZ4
    /// or Zstandard. A page is believed when it says how many values it holds, and memory is taken for them: read files of writers that you
    /// trust.
    ///
    /// # Errors
    /// As [`Arrow::batches`], or if it is no such file.
    pub fn parquet<R: ChunkReader + Send + 'static>(fields: impl Into<Fields>, reader: R) -> Result<Self> {
        const OPEN: &str = "open parquet";
        let plan = Plan::new(fields.into())?;
        let builder = guarded(OPEN, || ParquetRecordBatchReaderBuilder::try_new(reader).map_err(ArrowError::from))?;
        let found = columns(&plan, builder.schema())?;
        let roots = ProjectionMask::roots(builder.parquet_schema(), found.iter().flatten().copied());
        let builder = builder.with_projection(roots).with_batch_size(ROWS);
        let reader = guarded(OPEN, || builder.build().map_err(ArrowError::from))?;
        // The columns that are left out do not count.
        let place = |column: Option<usize>| column.map(|column| found.iter().flatten().filter(|other| **other < column).count());
        let columns = found.iter().map(|column| place(*column)).collect();
        Ok(Self::of(plan, columns, reader))
    }
}
