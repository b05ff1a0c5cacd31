//! CSV into batches.

mod block;
mod records;
mod writer;

use std::io::Read;

use records::{Record, Records, WIDEST};
pub use writer::CsvWriter;

use crate::batch::{Batch, RowBuilder};
use crate::codec::decode::{Decode, counts};
use crate::codec::fields::Fields;
use crate::codec::json;
use crate::codec::plan::{Plan, Target};
use crate::codec::refusals::{Place, Refusals};
use crate::codec::text;
use crate::error::{Error, Result};
use crate::tensor::DType;

const OPEN: &str = "open csv";
/// Fewer records than this are not worth a block.
const FEWEST: usize = 8;

/// How a CSV stream is written. Without options: commas, double quotes, names of columns in the first line, nothing in a cell
/// for nothing (in a cell of one string: the empty string).
#[derive(Debug)]
pub struct CsvBuilder {
    fields: Fields,
    delimiter: u8,
    quoting: bool,
    columns: Option<Vec<String>>,
    missing: Option<Vec<Vec<u8>>>,
    separator: u8,
    longest: usize,
}

impl CsvBuilder {
    /// The byte between cells, such as `b'\t'`.
    #[must_use]
    pub fn delimiter(mut self, delimiter: u8) -> Self {
        self.delimiter = delimiter;
        self
    }

    /// Whether `"` quotes a cell. Without it a quote is a character as any other, and no cell holds delimiters or new lines.
    #[must_use]
    pub fn quoting(mut self, quoting: bool) -> Self {
        self.quoting = quoting;
        self
    }

    /// The names of the columns, of a stream that has no header.
    #[must_use]
    pub fn columns<S: Into<String>>(mut self, columns: impl IntoIterator<Item = S>) -> Self {
        self.columns = Some(columns.into_iter().map(Into::into).collect());
        self
    }

    /// What stands for a missing value, in cells of every type: such as `["", "NA"]`.
    #[must_use]
    pub fn missing<S: Into<Vec<u8>>>(mut self, missing: impl IntoIterator<Item = S>) -> Self {
        self.missing = Some(missing.into_iter().map(Into::into).collect());
        self
    }

    /// The byte between the values of a field that takes several, if they are in one cell; `;` without this. A cell that
    /// begins with `[` is a JSON array.
    #[must_use]
    pub fn list_separator(mut self, separator: u8) -> Self {
        self.separator = separator;
        self
    }

    /// The bytes that a record may have, 16 MiB without this. A longer one is refused, and reading goes on with the next line:
    /// a quote that is never closed costs that much of the stream, no more.
    #[must_use]
    pub fn longest_record(mut self, bytes: usize) -> Self {
        self.longest = bytes.max(1);
        self
    }

    /// Begins to read: the header, unless the columns were named.
    ///
    /// # Errors
    /// `InvalidInput` if the options do not fit the schema, if a field that has no default has no column, if a column's
    /// name is there twice; `Io` if the reader fails.
    pub fn open<R: Read>(self, reader: R) -> Result<Csv<R>> {
        let plan = Plan::new(self.fields)?;
        let width = self.columns.as_ref().map_or(WIDEST, Vec::len);
        let mut records = Records::new(reader, self.delimiter, self.quoting, width, self.longest);
        let header = match self.columns {
            Some(columns) => columns,
            None => header(&mut records)?,
        };
        records.set_columns(header.len());
        let sources = plan.targets.iter().map(|target| source(target, &header)).collect::<Result<Vec<_>>>()?;
        if plan.strict
            && let Some(unknown) = (0..header.len()).find(|at| !sources.iter().any(|source| source.columns().any(|column| column == *at)))
        {
            return Err(Error::input(OPEN, format!("no field takes the column {}", header[unknown])));
        }
        let seen = vec![false; plan.targets.len()];
        let in_blocks = plan.targets.iter().zip(&sources).all(|(target, source)| block::takes(target, source));
        let (missing, separator, refusals) = (self.missing, self.separator, Refusals::default());
        Ok(Csv { records, plan, sources, missing, separator, in_blocks, alone: 0, seen, read: 0, refusals })
    }
}

/// A decoder of CSV (RFC 4180; lines may end in `\n`). `Send` if its reader is.
#[derive(Debug)]
pub struct Csv<R> {
    records: Records<R>,
    plan: Plan,
    /// Of each target.
    sources: Vec<Source>,
    missing: Option<Vec<Vec<u8>>>,
    separator: u8,
    /// Whether all fields can be read block by block.
    in_blocks: bool,
    /// So many records are to be read one by one: they were no block.
    alone: usize,
    seen: Vec<bool>,
    read: u64,
    refusals: Refusals,
}

/// Which cells make a value.
#[derive(Debug)]
enum Source {
    Nothing,
    Cell(usize),
    /// One for each element.
    Cells(Vec<usize>),
}

impl Source {
    fn columns(&self) -> impl Iterator<Item = usize> {
        let (one, several): (Option<usize>, &[usize]) = match self {
            Self::Nothing => (None, &[]),
            Self::Cell(column) => (Some(*column), &[]),
            Self::Cells(columns) => (None, columns),
        };
        one.into_iter().chain(several.iter().copied())
    }
}

fn header<R: Read>(records: &mut Records<R>) -> Result<Vec<String>> {
    let Some((_, record)) = records.next()? else {
        return Err(Error::input(OPEN, "there is no header; name the columns, or look whether the stream is empty"));
    };
    let record = record.map_err(|reason| Error::input(OPEN, format!("the header: {reason}")))?;
    record.iter().map(|name| String::from_utf8(name.to_vec()).map_err(|_| Error::input(OPEN, "the header is not UTF-8"))).collect()
}

fn source(target: &Target, header: &[String]) -> Result<Source> {
    let find = |name: &str| {
        let mut columns = header.iter().enumerate().filter(|(_, column)| *column == name).map(|(at, _)| at);
        match (columns.next(), columns.next()) {
            (_, Some(_)) => Err(Error::input(OPEN, format!("the column {name} is there twice"))),
            (column, None) => Ok(column),
        }
    };
    if let Some(column) = find(&target.column)? {
        return Ok(Source::Cell(column));
    }
    if target.elements > 1 && find(&format!("{}.0", target.column))?.is_some() {
        let columns = (0..target.elements).map(|at| find(&format!("{}.{at}", target.column))).collect::<Result<Option<Vec<_>>>>()?;
        return columns.map(Source::Cells).ok_or_else(|| {
            let context =
                format!("{} takes {} values, but not all of the columns {0}.0, {0}.1, ... are there", target.column, target.elements);
            Error::input(OPEN, context)
        });
    }
    if target.is_needed() {
        let context =
            format!("there is no column {}; rename the field or give it a default; there are {}", target.column, header.join(", "));
        return Err(Error::input(OPEN, context));
    }
    Ok(Source::Nothing)
}

impl Csv<std::io::Empty> {
    /// A decoder of these fields, before it is opened. The fields are a schema's if they need no change.
    pub fn of(fields: impl Into<Fields>) -> CsvBuilder {
        CsvBuilder {
            fields: fields.into(),
            delimiter: b',',
            quoting: true,
            columns: None,
            missing: None,
            separator: b';',
            longest: 16 << 20,
        }
    }
}

impl<R: Read> Decode for Csv<R> {
    fn fill(&mut self, batch: &mut Batch, rows: usize) -> Result<usize> {
        let Self { records, plan, sources, missing, separator, in_blocks, alone, seen, read, refusals } = self;
        let room = plan.room(batch, rows)?;
        let mut filled = 0;
        while filled < room {
            if *in_blocks && *alone == 0 && room - filled >= FEWEST {
                let block = records.block(room - filled)?;
                let rows = block.rows();
                if block.append(plan, sources, missing.as_deref(), batch) {
                    records.skip_block();
                    (filled, *read) = (filled + rows, *read + rows as u64);
                    continue;
                }
                *alone = rows;
            }
            *alone = alone.saturating_sub(1);
            let Some((line, record)) = records.next()? else { break };
            let mut row = batch.row();
            let decode = |record: Record<'_>| {
                for ((target, source), seen) in plan.targets.iter().zip(&*sources).zip(&mut *seen) {
                    *seen =
                        cells(target, source, &record, &mut row, missing.as_deref(), *separator).map_err(|reason| target.named(reason))?;
                }
                plan.push(row, seen)
            };
            match record.and_then(decode) {
                Ok(()) => (filled, *read) = (filled + 1, *read + 1),
                Err(reason) => refusals.add(Place::Line(line), reason),
            }
        }
        Ok(filled)
    }

    counts!();
}

/// Whether a cell holds nothing. Unless it is said what does, an empty one does, where it can be nothing else.
fn is_missing(cell: &[u8], missing: Option<&[Vec<u8>]>, empty: bool) -> bool {
    match missing {
        Some(missing) => missing.iter().any(|text| text == cell),
        None => empty && cell.is_empty(),
    }
}

/// Sets a field from its cells; false if they hold nothing.
fn cells(
    target: &Target,
    source: &Source,
    record: &Record<'_>,
    row: &mut RowBuilder<'_>,
    missing: Option<&[Vec<u8>]>,
    separator: u8,
) -> Result<bool, String> {
    let is_missing = |cell: &[u8], list: bool| is_missing(cell, missing, list || target.dtype != DType::String);
    match source {
        Source::Nothing => Ok(false),
        Source::Cell(column) => {
            let (cell, list) = (record.cell(*column), target.ragged || target.elements > 1);
            if is_missing(cell, list) {
                return Ok(false);
            }
            match cell {
                [b'[', ..] if list => json::list(target, row, cell)?,
                _ if list => text::list(target, row, cell, separator)?,
                _ => text::value(cell, target.dtype, |value| target.put(row, value))?,
            }
            Ok(true)
        }
        Source::Cells(columns) => {
            let absent = columns.iter().filter(|&&column| is_missing(record.cell(column), false)).count();
            if absent == columns.len() {
                return Ok(false);
            }
            for (at, &column) in columns.iter().enumerate() {
                let cell = record.cell(column);
                if !is_missing(cell, false) {
                    text::value(cell, target.dtype, |value| target.write(row, at, value))?;
                } else if !target.miss(row, at)? {
                    return Err(format!("{absent} of its {} values are missing", columns.len()));
                }
            }
            target.close(row, columns.len()).map(|()| true)
        }
    }
}
