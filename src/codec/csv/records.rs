//! The records of a CSV stream.

use std::io::{BufRead, BufReader, Read};

use csv_core::{ReadRecordResult, Reader};

use super::block::Block;
use crate::error::{Error, ErrorKind, Result};

const BUFFER: usize = 1 << 17;
/// No header is wider.
pub(super) const WIDEST: usize = 1 << 16;

/// The records of a stream, one at a time, in memory that is bounded.
#[derive(Debug)]
pub(super) struct Records<R> {
    reader: BufReader<R>,
    core: Reader,
    delimiter: u8,
    quoting: bool,
    /// The cells of a record, unquoted, one after the other.
    cells: Vec<u8>,
    /// Where each of them ends; one more than there are columns.
    ends: Vec<usize>,
    /// Where each cell of a block begins and ends.
    places: Vec<(u32, u32)>,
    /// The bytes of the block, and its lines.
    block: (usize, u64),
    longest: usize,
    line: u64,
}

/// The cells of one record.
pub(super) struct Record<'a> {
    cells: &'a [u8],
    ends: &'a [usize],
}

impl<'a> Record<'a> {
    pub(super) fn cell(&self, column: usize) -> &'a [u8] {
        let start = if column == 0 { 0 } else { self.ends[column - 1] };
        &self.cells[start..self.ends[column]]
    }

    pub(super) fn iter(&self) -> impl Iterator<Item = &'a [u8]> {
        (0..self.ends.len()).map(|column| self.cell(column))
    }
}

impl<R: Read> Records<R> {
    pub(super) fn new(reader: R, delimiter: u8, quoting: bool, columns: usize, longest: usize) -> Self {
        let core = csv_core::ReaderBuilder::new().delimiter(delimiter).quoting(quoting).build();
        let (reader, places, ends) = (BufReader::with_capacity(BUFFER, reader), Vec::new(), vec![0; columns + 1]);
        Self { reader, core, delimiter, quoting, cells: vec![0; 1024], ends, places, block: (0, 0), longest, line: 1 }
    }

    pub(super) fn set_columns(&mut self, columns: usize) {
        self.ends = vec![0; columns + 1];
    }

    /// The next records, up to so many, as far as each is a line of the buffer without quotes and has all its cells, as most are:
    /// they need not be copied. Whatever comes then, [`Records::next`] reads. They are read again unless they are skipped.
    pub(super) fn block(&mut self, rows: usize) -> Result<Block<'_>> {
        self.skip_empty_lines()?;
        let (input, columns) = (self.reader.buffer(), self.ends.len() - 1);
        self.places.clear();
        let (mut start, mut first, mut lines) = (0, 0, 0);
        // A byte order mark is taken off by the reader of all CSV. More than a buffer holds is never asked for.
        let mut found = memchr::memchr3_iter(self.delimiter, b'\n', if self.quoting { b'"' } else { b'\n' }, input);
        while self.line > 1 && (lines as usize) < rows {
            let Some(at) = found.next() else { break };
            let byte = input[at];
            if byte == self.delimiter {
                self.places.push((start as u32, at as u32));
                start = at + 1;
                continue;
            }
            let end = at - usize::from(input[..at].ends_with(b"\r"));
            self.places.push((start as u32, end.max(start) as u32));
            let whole = byte == b'\n' && self.places.len() == (lines as usize + 1) * columns;
            if !whole || end <= first || end - first > self.longest || memchr::memchr(b'\r', &input[first..end]).is_some() {
                break;
            }
            (start, first, lines) = (at + 1, at + 1, lines + 1);
        }
        self.places.truncate(lines as usize * columns);
        self.block = (first, lines);
        Ok(Block { text: &input[..first], places: &self.places, columns })
    }

    /// Goes on behind the block.
    pub(super) fn skip_block(&mut self) {
        let (bytes, lines) = std::mem::take(&mut self.block);
        self.reader.consume(bytes);
        self.line += lines;
    }

    /// The next record and its line: its cells, or why it is none.
    pub(super) fn next(&mut self) -> Result<Option<(u64, Result<Record<'_>, String>)>> {
        self.skip_empty_lines()?;
        let (line, columns) = (self.line, self.ends.len() - 1);
        let (mut written, mut ended, mut wide) = (0, 0, false);
        loop {
            let input = fill(&mut self.reader, self.line)?;
            let (result, read, out, ends) = self.core.read_record(input, &mut self.cells[written..], &mut self.ends[ended..]);
            self.line += memchr::memchr_iter(b'\n', &input[..read]).count() as u64;
            self.reader.consume(read);
            (written, ended) = (written + out, ended + ends);
            match result {
                ReadRecordResult::InputEmpty => {}
                // Its cells are not wanted any more, only its end.
                ReadRecordResult::OutputFull if wide => written = 0,
                ReadRecordResult::OutputFull if written < self.longest => {
                    self.cells.resize((self.cells.len() * 2).min(self.longest), 0);
                }
                ReadRecordResult::OutputFull => {
                    self.resume()?;
                    let reason = format!("the record is longer than {} bytes; is a quote not closed?", self.longest);
                    return Ok(Some((line, Err(reason))));
                }
                ReadRecordResult::OutputEndsFull => (ended, wide) = (0, true),
                ReadRecordResult::Record => {
                    let record = if wide || ended > columns {
                        Err(format!("it has more than {columns} {}", if columns == 1 { "cell" } else { "cells" }))
                    } else if ended < columns && columns != WIDEST {
                        Err(format!("it has {ended} {}, not {columns}", if ended == 1 { "cell" } else { "cells" }))
                    } else {
                        Ok(Record { cells: &self.cells[..written], ends: &self.ends[..ended] })
                    };
                    return Ok(Some((line, record)));
                }
                ReadRecordResult::End => return Ok(None),
            }
        }
    }

    fn skip_empty_lines(&mut self) -> Result<()> {
        loop {
            let input = fill(&mut self.reader, self.line)?;
            let empty = input.iter().position(|byte| !matches!(byte, b'\r' | b'\n')).unwrap_or(input.len());
            self.line += memchr::memchr_iter(b'\n', &input[..empty]).count() as u64;
            let more = empty == input.len() && empty > 0;
            self.reader.consume(empty);
            if !more {
                return Ok(());
            }
        }
    }

    /// Begins anew with the next line, whatever the record that is given up would make of it.
    fn resume(&mut self) -> Result<()> {
        self.core.reset();
        loop {
            let input = fill(&mut self.reader, self.line)?;
            let (skipped, found) = memchr::memchr(b'\n', input).map_or((input.len(), false), |at| (at + 1, true));
            self.line += u64::from(found);
            self.reader.consume(skipped);
            if found || skipped == 0 {
                return Ok(());
            }
        }
    }
}

fn fill<R: Read>(reader: &mut BufReader<R>, line: u64) -> Result<&[u8]> {
    loop {
        match reader.fill_buf() {
            Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
            // The borrow of the error's arm ends here; what is buffered is given again.
            Ok(_) => return Ok(reader.buffer()),
            Err(error) => return Err(Error::new(ErrorKind::Io, "read csv", format!("near line {line}")).with_source(error)),
        }
    }
}
