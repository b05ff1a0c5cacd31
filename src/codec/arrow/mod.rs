//! Arrow into batches: IPC streams and files, and whatever else gives record batches.

mod bounds;
mod import;
mod value;
mod whole;

use std::io::{Read, Seek};
use std::panic::{AssertUnwindSafe, catch_unwind};

use arrow_array::{Array, ArrayRef, RecordBatch, RecordBatchReader};
use arrow_ipc::reader::{FileReader, StreamReader};
use arrow_schema::{ArrowError, Schema as ArrowSchema};

use super::decode::{Decode, counts};
use super::fields::Fields;
use super::plan::Plan;
use super::refusals::{Place, Refusals};
use crate::batch::Batch;
use crate::error::{Error, ErrorKind, Result};

pub use import::ArrowBatch;

const OPEN: &str = "open arrow";

/// A decoder of Arrow's record batches. Columns whose type is the dtype, or a number for a float, are copied as they are; other
/// values one by one. A row that has a null where there is no default, or a number that does not fit, is refused. `Send`.
pub struct Arrow {
    batches: Box<dyn RecordBatchReader + Send>,
    plan: Plan,
    /// The column of each target.
    columns: Vec<Option<usize>>,
    /// What is being read, and the rows that were.
    current: Option<(RecordBatch, usize)>,
    /// The rows of the batches before it.
    before: u64,
    seen: Vec<bool>,
    read: u64,
    refusals: Refusals,
}

impl std::fmt::Debug for Arrow {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Arrow").field("plan", &self.plan).field("read", &self.read).finish_non_exhaustive()
    }
}

impl Arrow {
    /// Reads an IPC stream. Give it a reader that is buffered.
    ///
    /// # Errors
    /// As [`Arrow::batches`], or if it is no such stream.
    pub fn stream<R: Read + Send + 'static>(fields: impl Into<Fields>, reader: R) -> Result<Self> {
        Self::batches(fields, guarded(OPEN, || StreamReader::try_new(bounds::Messages::new(reader), None))?)
    }

    /// Reads an IPC file (also known as Feather, version 2). Give it a reader that is buffered.
    ///
    /// # Errors
    /// As [`Arrow::batches`], or if it is no such file.
    pub fn file<R: Read + Seek + Send + 'static>(fields: impl Into<Fields>, mut reader: R) -> Result<Self> {
        Self::batches(
            fields,
            guarded(OPEN, || {
                bounds::file(&mut reader)?;
                FileReader::try_new(reader, None)
            })?,
        )
    }

    /// Reads record batches from anywhere.
    ///
    /// # Errors
    /// `InvalidInput` if the fields do not fit their schema, or a field that has no default has no column or one of a type
    /// that no dtype is made of.
    pub fn batches(fields: impl Into<Fields>, batches: impl RecordBatchReader + Send + 'static) -> Result<Self> {
        let plan = Plan::new(fields.into())?;
        let columns = columns(&plan, &batches.schema())?;
        Ok(Self::of(plan, columns, batches))
    }

    pub(super) fn of(plan: Plan, columns: Vec<Option<usize>>, batches: impl RecordBatchReader + Send + 'static) -> Self {
        let seen = vec![false; plan.targets.len()];
        let (current, refusals) = (None, Refusals::default());
        Self { batches: Box::new(batches), plan, columns, current, before: 0, seen, read: 0, refusals }
    }
}

/// The column of each target.
pub(super) fn columns(plan: &Plan, schema: &ArrowSchema) -> Result<Vec<Option<usize>>> {
    if plan.strict
        && let Some(unknown) = schema.fields().iter().find(|field| plan.find(field.name()).is_none())
    {
        return Err(Error::input(OPEN, format!("no field takes the column {}", unknown.name())));
    }
    let column = |target: &super::plan::Target| {
        let mut found = schema.fields().iter().enumerate().filter(|(_, field)| *field.name() == target.column);
        match (found.next(), found.next()) {
            (Some(_), Some(_)) => Err(Error::input(OPEN, format!("the column {} is there twice", target.column))),
            (Some((_, field)), None) if !value::is_readable(field.data_type()) => {
                Err(Error::input(OPEN, format!("no dtype is made of {}, the type of the column {}", field.data_type(), target.column)))
            }
            (Some((at, _)), None) => Ok(Some(at)),
            (None, _) if target.is_needed() => {
                let known: Vec<&str> = schema.fields().iter().map(|field| field.name().as_str()).collect();
                let context = format!("there is no column {}; rename the field or give it a default", target.column);
                Err(Error::input(OPEN, format!("{context}; there are {}", known.join(", "))))
            }
            (None, _) => Ok(None),
        }
    };
    plan.targets.iter().map(column).collect()
}

/// Calls what may panic on bytes that no writer of the format has written.
pub(super) fn guarded<T>(operation: &'static str, call: impl FnOnce() -> Result<T, ArrowError>) -> Result<T> {
    match catch_unwind(AssertUnwindSafe(call)) {
        Ok(Ok(value)) => Ok(value),
        Ok(Err(ArrowError::IoError(context, error)))
            if !matches!(error.kind(), std::io::ErrorKind::UnexpectedEof | std::io::ErrorKind::InvalidData) =>
        {
            Err(Error::new(ErrorKind::Io, operation, context).with_source(error))
        }
        Ok(Err(error)) => Err(Error::input(operation, "it is damaged, or of another format").with_source(error)),
        Err(_) => Err(Error::input(operation, "it is damaged: its reader panicked")),
    }
}

impl Decode for Arrow {
    fn fill(&mut self, batch: &mut Batch, rows: usize) -> Result<usize> {
        let room = self.plan.room(batch, rows)?;
        let mut filled = 0;
        while filled < room {
            let (record, start) = match self.current.take() {
                Some((record, start)) if start < record.num_rows() => (record, start),
                done => {
                    self.before += done.map_or(0, |(record, _)| record.num_rows() as u64);
                    let next = guarded("read arrow", || self.batches.next().transpose());
                    match next.map_err(|error| self.damaged(error))? {
                        Some(record) => (record, 0),
                        None => break,
                    }
                }
            };
            let rows = (room - filled).min(record.num_rows() - start);
            let arrays: Vec<_> = self.columns.iter().map(|column| Some(record.column((*column)?).slice(start, rows))).collect();
            let before = self.before + start as u64;
            let added = append(&self.plan, &mut self.seen, &arrays, rows, batch, |row, reason| {
                self.refusals.add(Place::Row(before + row as u64), reason);
            });
            self.current = Some((record, start + rows));
            (filled, self.read) = (filled + added, self.read + added as u64);
        }
        Ok(filled)
    }

    counts!();
}

impl Arrow {
    fn damaged(&self, error: Error) -> Error {
        Error::new(error.kind(), "read arrow", format!("after row {}", self.before)).with_source(error)
    }
}

/// Appends these rows, all at once if nothing is to be converted or refused; says how many.
fn append(
    plan: &Plan,
    seen: &mut [bool],
    arrays: &[Option<ArrayRef>],
    rows: usize,
    batch: &mut Batch,
    mut refuse: impl FnMut(usize, String),
) -> usize {
    if rows == 0 || whole::append(plan, arrays, batch, rows) {
        return rows;
    }
    let mut added = 0;
    for at in 0..rows {
        let mut row = batch.row();
        let mut fields = plan.targets.iter().zip(arrays).zip(&mut *seen);
        let set = fields.try_for_each(|((target, array), seen)| {
            *seen = array.as_ref().map_or(Ok(false), |array| value::set(target, &mut row, array, at))?;
            Ok(())
        });
        match set.and_then(|()| plan.push(row, seen)) {
            Ok(()) => added += 1,
            Err(reason) => refuse(at, reason),
        }
    }
    added
}
