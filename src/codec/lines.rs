//! A stream line by line, in memory that is bounded.

use std::io::{BufRead, BufReader, Read};

use crate::error::{Error, ErrorKind, Result};

const BUFFER: usize = 1 << 17;

/// A line's number, and its bytes or why they are not to be had.
pub(super) type Line<'l> = (u64, Result<&'l [u8], String>);

/// Lines without their ends; a last one may have none.
#[derive(Debug)]
pub(super) struct Lines<R> {
    reader: BufReader<R>,
    /// Of the buffer, what was handed out last.
    used: usize,
    /// A line that began in an earlier buffer.
    carried: Vec<u8>,
    longest: usize,
    line: u64,
}

impl<R: Read> Lines<R> {
    pub(super) fn new(reader: R, longest: usize) -> Self {
        Self { reader: BufReader::with_capacity(BUFFER, reader), used: 0, carried: Vec::new(), longest, line: 0 }
    }

    pub(super) fn set_longest(&mut self, bytes: usize) {
        self.longest = bytes;
    }

    /// The next line.
    pub(super) fn next(&mut self) -> Result<Option<Line<'_>>> {
        self.reader.consume(std::mem::take(&mut self.used));
        self.carried.clear();
        self.line += 1;
        let (mut carried, mut long) = (false, false);
        loop {
            let input = match self.reader.fill_buf() {
                Ok(input) => input,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => continue,
                Err(error) => return Err(Error::new(ErrorKind::Io, "read lines", format!("in line {}", self.line)).with_source(error)),
            };
            let end = memchr::memchr(b'\n', input);
            let (piece, used) = end.map_or((input.len(), input.len()), |end| (end, end + 1));
            long |= self.carried.len() + piece > self.longest;
            if input.is_empty() && !carried {
                return Ok(None);
            }
            if !carried && let Some(end) = end {
                self.used = used;
                let line = if long { Err(self.too_long()) } else { Ok(trimmed(&self.reader.buffer()[..end])) };
                return Ok(Some((self.line, line)));
            }
            carried = true;
            if !long {
                self.carried.extend_from_slice(&input[..piece]);
            }
            let last = end.is_some() || input.is_empty();
            self.reader.consume(used);
            if last {
                let line = if long { Err(self.too_long()) } else { Ok(trimmed(&self.carried)) };
                return Ok(Some((self.line, line)));
            }
        }
    }

    fn too_long(&self) -> String {
        format!("the line is longer than {} bytes", self.longest)
    }
}

fn trimmed(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\r").unwrap_or(line)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lines_of_every_kind_through_every_buffer() {
        let text = b"one\r\n\nthis one is long\nlast";
        for size in 1..text.len() + 1 {
            let reader = BufReader::with_capacity(size, &text[..]);
            let mut lines = Lines { reader, used: 0, carried: Vec::new(), longest: 5, line: 0 };
            let mut found = Vec::new();
            while let Some((line, text)) = lines.next().unwrap() {
                found.push((line, text.map(<[u8]>::to_vec)));
            }
            let long = Err("the line is longer than 5 bytes".to_owned());
            assert_eq!(found, [(1, Ok(b"one".to_vec())), (2, Ok(vec![])), (3, long), (4, Ok(b"last".to_vec()))]);
        }
    }
}
