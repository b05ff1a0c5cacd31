//! Batches into CSV.

use std::io::Write;
use std::sync::Arc;

use crate::batch::{BatchView, Schema};
use crate::codec::cells::{Cell, Cells, Output, cells, emit, names};
use crate::codec::json_writer;
use crate::error::{Error, Result};

/// Writes batches as CSV that [`Csv`](super::Csv) reads without options: a header, then a line for each row. Several values of
/// one field are a JSON array in one cell. Labels and weight that a row lacks are empty cells.
#[derive(Debug)]
pub struct CsvWriter<W> {
    writer: W,
    schema: Arc<Schema>,
    /// The names of the columns, once the header is written.
    header: Vec<String>,
    line: Vec<u8>,
}

impl<W: Write> CsvWriter<W> {
    /// A writer of the batches of this schema. Give it one that is buffered.
    pub fn new(schema: &Arc<Schema>, writer: W) -> Self {
        Self { writer, schema: schema.clone(), header: Vec::new(), line: Vec::new() }
    }

    /// Writes all rows, the header before the first.
    ///
    /// # Errors
    /// `InvalidInput`, with nothing written, if the batch is none of this schema;
    /// `Io` if the writer fails.
    pub fn write<'a>(&mut self, batch: impl Into<BatchView<'a>>) -> Result<()> {
        self.write_predicted(batch, &[])
    }

    /// As [`CsvWriter::write`], with a column `predicted_<output>` for each output of the model; with the first batch or never.
    ///
    /// # Errors
    /// As there, or if the outputs are not those of the model for these rows.
    pub fn write_predicted<'a>(&mut self, batch: impl Into<BatchView<'a>>, outputs: &[Output<'a>]) -> Result<()> {
        let batch = batch.into();
        let names = names(&self.schema, !outputs.is_empty());
        let cells = cells(&self.schema, &batch, outputs)?;
        self.line.clear();
        if self.header.is_empty() {
            names.iter().enumerate().for_each(|(at, name)| text(&mut self.line, at, name.as_bytes()));
            self.line.push(b'\n');
        } else if self.header != names {
            return Err(Error::input("write records", "give the outputs with every batch or with none; the header is written"));
        }
        for row in 0..batch.rows() {
            let start = self.line.len();
            for (at, (name, cells)) in names.iter().zip(&cells).enumerate() {
                match cells {
                    Some(cells) if cells.has(row) => self::cell(&mut self.line, at, name, cells, row)?,
                    _ => text(&mut self.line, at, b""),
                }
            }
            // A line with nothing in it would be skipped.
            if self.line.len() == start {
                self.line.extend_from_slice(b"\"\"");
            }
            self.line.push(b'\n');
        }
        emit(&mut self.writer, &self.line)?;
        self.header = names;
        Ok(())
    }

    /// The writer; flush it.
    pub fn into_inner(self) -> W {
        self.writer
    }
}

fn cell(line: &mut Vec<u8>, at: usize, name: &str, cells: &Cells<'_>, row: usize) -> Result<()> {
    if cells.list {
        let mut list = Vec::new();
        json_writer::value(&mut list, name, cells, row)?;
        text(line, at, &list);
        return Ok(());
    }
    match cells.cell(cells.row(row).start) {
        Cell::Bytes(bytes) => text(line, at, bytes),
        number => {
            separate(line, at);
            json_writer::number(line, number);
        }
    }
    Ok(())
}

fn separate(line: &mut Vec<u8>, at: usize) {
    if at > 0 {
        line.push(b',');
    }
}

fn text(line: &mut Vec<u8>, at: usize, text: &[u8]) {
    separate(line, at);
    // A byte order mark that is not quoted would be taken for one.
    if !text.iter().any(|byte| matches!(byte, b',' | b'"' | b'\r' | b'\n')) && text.first() != Some(&0xef) {
        line.extend_from_slice(text);
        return;
    }
    line.push(b'"');
    for &byte in text {
        line.push(byte);
        if byte == b'"' {
            line.push(byte);
        }
    }
    line.push(b'"');
}
