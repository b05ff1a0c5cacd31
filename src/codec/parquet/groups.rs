//! The row groups of a file, each looked at before it is read.

use std::sync::Arc;

use arrow_array::{RecordBatch, RecordBatchReader};
use arrow_schema::{ArrowError, SchemaRef};
use bytes::Bytes;
use parquet::arrow::ProjectionMask;
use parquet::arrow::arrow_reader::{ArrowReaderMetadata, ParquetRecordBatchReader, ParquetRecordBatchReaderBuilder};
use parquet::errors::Result;
use parquet::file::reader::{ChunkReader, Length};

use super::bounds;

/// The rows that are decoded at once, where they are not wide.
const ROWS: usize = 8192;

pub(super) struct RowGroups<R> {
    file: Shared<R>,
    metadata: ArrowReaderMetadata,
    columns: ProjectionMask,
    rows: usize,
    current: ParquetRecordBatchReader,
    /// The row group after the current one.
    next: usize,
}

impl<R: ChunkReader + 'static> RowGroups<R> {
    pub(super) fn new(reader: R, metadata: ArrowReaderMetadata, columns: ProjectionMask) -> Result<Self, ArrowError> {
        let (file, rows) = (Shared(Arc::new(reader)), bounds::rows_at_once(metadata.parquet_schema(), &columns, ROWS));
        let current = open(&file, &metadata, &columns, rows, vec![])?;
        Ok(Self { file, metadata, columns, rows, current, next: 0 })
    }

    /// Goes on to the next row group, if there is one.
    fn advance(&mut self) -> Result<bool> {
        let Some(group) = self.metadata.metadata().row_groups().get(self.next) else { return Ok(false) };
        for (_, chunk) in group.columns().iter().enumerate().filter(|(leaf, _)| self.columns.leaf_included(*leaf)) {
            bounds::check(&self.file.0, chunk)?;
        }
        self.current = open(&self.file, &self.metadata, &self.columns, self.rows, vec![self.next])?;
        self.next += 1;
        Ok(true)
    }
}

fn open<R: ChunkReader + 'static>(
    file: &Shared<R>,
    metadata: &ArrowReaderMetadata,
    columns: &ProjectionMask,
    rows: usize,
    groups: Vec<usize>,
) -> Result<ParquetRecordBatchReader> {
    let builder = ParquetRecordBatchReaderBuilder::new_with_metadata(Shared(Arc::clone(&file.0)), metadata.clone());
    builder.with_projection(columns.clone()).with_batch_size(rows).with_row_groups(groups).build()
}

impl<R: ChunkReader + 'static> Iterator for RowGroups<R> {
    type Item = Result<RecordBatch, ArrowError>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            if let Some(batch) = self.current.next() {
                return Some(batch);
            }
            match self.advance() {
                Ok(true) => {}
                Ok(false) => return None,
                Err(error) => return Some(Err(error.into())),
            }
        }
    }
}

impl<R: ChunkReader + 'static> RecordBatchReader for RowGroups<R> {
    fn schema(&self) -> SchemaRef {
        self.current.schema()
    }
}

/// The file, which each row group's reader wants for itself.
struct Shared<R>(Arc<R>);

impl<R: Length> Length for Shared<R> {
    fn len(&self) -> u64 {
        self.0.len()
    }
}

impl<R: ChunkReader> ChunkReader for Shared<R> {
    type T = R::T;

    fn get_read(&self, start: u64) -> Result<Self::T> {
        self.0.get_read(start)
    }

    fn get_bytes(&self, start: u64, length: usize) -> Result<Bytes> {
        self.0.get_bytes(start, length)
    }
}
