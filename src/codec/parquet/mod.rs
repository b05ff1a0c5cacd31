//! Parquet into batches.

mod bounds;
mod groups;

use arrow_schema::ArrowError;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ArrowReaderOptions};
use parquet::file::reader::ChunkReader;

use super::arrow::{Arrow, columns, guarded};
use super::fields::Fields;
use super::plan::Plan;
use crate::error::Result;
use groups::RowGroups;

impl Arrow {
    /// Reads a Parquet file, of it only the columns of these fields. Its pages may be plain or compressed by Snappy, GZIP, LZ4
    /// or Zstandard. A row group with a page that says it has more values than its bytes can hold is refused.
    ///
    /// # Errors
    /// As [`Arrow::batches`], or if it is no such file.
    pub fn parquet<R: ChunkReader + Send + 'static>(fields: impl Into<Fields>, reader: R) -> Result<Self> {
        const OPEN: &str = "open parquet";
        let plan = Plan::new(fields.into())?;
        let metadata = guarded(OPEN, || ArrowReaderMetadata::load(&reader, ArrowReaderOptions::new()).map_err(ArrowError::from))?;
        let found = columns(&plan, metadata.schema())?;
        let roots = ProjectionMask::roots(metadata.parquet_schema(), found.iter().flatten().copied());
        // The columns that are left out do not count.
        let place = |column: Option<usize>| column.map(|column| found.iter().flatten().filter(|other| **other < column).count());
        let columns = found.iter().map(|column| place(*column)).collect();
        Ok(Self::of(plan, columns, guarded(OPEN, || RowGroups::new(reader, metadata, roots))?))
    }
}
