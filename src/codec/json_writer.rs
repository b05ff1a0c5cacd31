//! Batches into JSON lines.

use std::io::Write;
use std::sync::Arc;

use super::cells::{Cell, Cells, Output, cells, emit, names, utf8};
use crate::batch::{BatchView, Schema};
use crate::error::{Error, ErrorKind, Result};

/// Writes batches as JSON lines that [`JsonLines`](super::JsonLines) reads: an object for each row. Labels and weight that a
/// row lacks are left out; a number that is missing, or not finite as a prediction can be, is `null`.
#[derive(Debug)]
pub struct JsonLinesWriter<W> {
    writer: W,
    schema: Arc<Schema>,
    lines: Vec<u8>,
}

impl<W: Write> JsonLinesWriter<W> {
    /// A writer of the batches of this schema. Give it one that is buffered.
    pub fn new(schema: &Arc<Schema>, writer: W) -> Self {
        Self { writer, schema: schema.clone(), lines: Vec::new() }
    }

    /// Writes all rows.
    ///
    /// # Errors
    /// `InvalidInput`, with nothing written, if the batch is none of this schema or a string is not UTF-8; `Io` if the writer fails.
    pub fn write<'a>(&mut self, batch: impl Into<BatchView<'a>>) -> Result<()> {
        self.write_predicted(batch, &[])
    }

    /// As [`JsonLinesWriter::write`], with `predicted_<output>` for each output of the model.
    ///
    /// # Errors
    /// As there, or if the outputs are not those of the model for these rows.
    pub fn write_predicted<'a>(&mut self, batch: impl Into<BatchView<'a>>, outputs: &[Output<'a>]) -> Result<()> {
        let batch = batch.into();
        let names = names(&self.schema, !outputs.is_empty());
        let cells = cells(&self.schema, &batch, outputs)?;
        let keys = names.iter().map(|name| key(name)).collect::<Result<Vec<_>>>()?;
        self.lines.clear();
        for row in 0..batch.rows() {
            self.lines.push(b'{');
            let present = names
                .iter()
                .zip(&keys)
                .zip(&cells)
                .filter_map(|(names, cells)| Some((names, cells.as_ref().filter(|cells| cells.has(row))?)));
            for (at, ((name, key), cells)) in present.enumerate() {
                if at > 0 {
                    self.lines.push(b',');
                }
                self.lines.extend_from_slice(key);
                value(&mut self.lines, name, cells, row)?;
            }
            self.lines.extend_from_slice(b"}\n");
        }
        emit(&mut self.writer, &self.lines)
    }

    /// The writer; flush it.
    pub fn into_inner(self) -> W {
        self.writer
    }
}

fn key(name: &str) -> Result<Vec<u8>> {
    let mut key = Vec::new();
    string(&mut key, name)?;
    key.push(b':');
    Ok(key)
}

/// The value of one field in one row.
pub(super) fn value(json: &mut Vec<u8>, name: &str, cells: &Cells<'_>, row: usize) -> Result<()> {
    if cells.list {
        json.push(b'[');
    }
    for (at, element) in cells.row(row).enumerate() {
        if at > 0 {
            json.push(b',');
        }
        match cells.cell(element) {
            Cell::Bytes(bytes) => string(json, utf8(name, bytes)?)?,
            Cell::F32(value) if !value.is_finite() => json.extend_from_slice(b"null"),
            Cell::F64(value) if !value.is_finite() => json.extend_from_slice(b"null"),
            number => self::number(json, number),
        }
    }
    if cells.list {
        json.push(b']');
    }
    Ok(())
}

fn string(json: &mut Vec<u8>, text: &str) -> Result<()> {
    serde_json::to_writer(json, text).map_err(|error| Error::new(ErrorKind::Internal, "write json", "a string").with_source(error))
}

/// A number in the fewest digits that tell it from all others.
pub(super) fn number(text: &mut Vec<u8>, cell: Cell<'_>) {
    let _infallible = match cell {
        Cell::F32(value) => write!(text, "{value:?}"),
        Cell::F64(value) => write!(text, "{value:?}"),
        Cell::Int(value) => write!(text, "{value}"),
        Cell::Bool(value) => write!(text, "{value}"),
        Cell::Bytes(_) => Ok(()),
    };
}
