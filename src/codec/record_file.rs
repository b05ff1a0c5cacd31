//! TFRecord files: byte strings, each with its length, both with a checksum.

// A record is `u64 length, u32 crc(length), bytes, u32 crc(bytes)`, little-endian; tensorflow/core/lib/io/record_writer.h.

use std::io::{BufRead, BufReader, Read, Write};

use flate2::read::MultiGzDecoder;
use flate2::write::{GzEncoder, ZlibEncoder};
use flate2::{Decompress, FlushDecompress, Status};

use super::refusals::Place;
use crate::error::{Error, ErrorKind, Result};

const READ: &str = "read tfrecord";
const WRITE: &str = "write tfrecord";
const BUFFER: usize = 1 << 17;
const HEADER: usize = 12;

/// How a TFRecord file is compressed, as TensorFlow names it in `TFRecordOptions`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum Compression {
    /// Not at all.
    #[default]
    None,
    /// `GZIP`.
    Gzip,
    /// `ZLIB`.
    Zlib,
}

/// Reads a TFRecord file record by record. `Send` if its reader is.
#[derive(Debug)]
pub struct RecordReader<R> {
    stream: BufReader<Inflate<R>>,
    longest: usize,
    offset: u64,
    record: Vec<u8>,
}

#[derive(Debug)]
enum Inflate<R> {
    None(R),
    Gzip(MultiGzDecoder<BufReader<R>>),
    Zlib(Zlib<R>),
}

impl<R: Read> Read for Inflate<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        match self {
            Self::None(reader) => reader.read(buffer),
            Self::Gzip(reader) => reader.read(buffer),
            Self::Zlib(reader) => reader.read(buffer),
        }
    }
}

/// What flate2's own decoder is, but for a stream that is cut off: there that one says that it ended.
#[derive(Debug)]
struct Zlib<R> {
    reader: BufReader<R>,
    inflate: Decompress,
    done: bool,
}

impl<R: Read> Zlib<R> {
    fn new(reader: R) -> Self {
        Self { reader: BufReader::with_capacity(BUFFER, reader), inflate: Decompress::new(true), done: false }
    }
}

impl<R: Read> Read for Zlib<R> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        while !self.done && !buffer.is_empty() {
            let input = self.reader.fill_buf()?;
            let (read, written, at_end) = (self.inflate.total_in(), self.inflate.total_out(), input.is_empty());
            let status = self.inflate.decompress(input, buffer, FlushDecompress::None)?;
            self.reader.consume((self.inflate.total_in() - read) as usize);
            self.done = status == Status::StreamEnd;
            match (self.inflate.total_out() - written) as usize {
                0 if at_end && !self.done => return Err(std::io::ErrorKind::UnexpectedEof.into()),
                0 => {}
                written => return Ok(written),
            }
        }
        Ok(0)
    }
}

fn masked_crc(bytes: &[u8]) -> u32 {
    crc32c::crc32c(bytes).rotate_right(15).wrapping_add(0xa282_ead8)
}

impl<R: Read> RecordReader<R> {
    /// A reader of records of up to 64 MiB.
    pub fn new(reader: R, compression: Compression) -> Self {
        let inner = match compression {
            Compression::None => Inflate::None(reader),
            Compression::Gzip => Inflate::Gzip(MultiGzDecoder::new(BufReader::with_capacity(BUFFER, reader))),
            Compression::Zlib => Inflate::Zlib(Zlib::new(reader)),
        };
        Self { stream: BufReader::with_capacity(BUFFER, inner), longest: 64 << 20, offset: 0, record: Vec::new() }
    }

    /// Refuses records of more bytes than this: they are skipped, never held.
    #[must_use]
    pub fn longest_record(mut self, bytes: usize) -> Self {
        self.longest = bytes;
        self
    }

    /// The next record and where it begins: its bytes, or why they are not to be had. `None` at the end.
    ///
    /// # Errors
    /// `Io` if the reader fails; `InvalidInput` if the file ends within a record, if the compressed bytes are damaged, or if
    /// the checksum of a length is wrong, since then nobody knows where the next record begins.
    #[allow(clippy::type_complexity, reason = "an end, an error that ends all, and a record that is refused")]
    pub fn next_record(&mut self) -> Result<Option<(Place, Result<&[u8], String>)>> {
        let (place, mut header) = (Place::Offset(self.offset), [0; HEADER]);
        match self.fill(&mut header)? {
            0 => return Ok(None),
            HEADER => {}
            _ => return Err(self.truncated(place)),
        }
        let (length, crc) = header.split_at(8);
        if masked_crc(length) != le_u32(crc) {
            let context = format!("the length at {place} is damaged, so no later record can be found; is the file compressed otherwise?");
            return Err(Error::input(READ, context));
        }
        let length = length.iter().rev().fold(0, |length, &byte| length << 8 | u64::from(byte));
        match usize::try_from(length) {
            Ok(length) if length <= self.longest => {
                let mut record = std::mem::take(&mut self.record);
                record.resize(length + 4, 0);
                let read = self.fill(&mut record)?;
                self.record = record;
                if read < length + 4 {
                    return Err(self.truncated(place));
                }
                let (bytes, crc) = self.record.split_at(length);
                let sound = masked_crc(bytes) == le_u32(crc);
                Ok(Some((place, if sound { Ok(bytes) } else { Err("the record is damaged: its checksum is wrong".into()) })))
            }
            _ => {
                let rest = length.saturating_add(4);
                let skipped = std::io::copy(&mut (&mut self.stream).take(rest), &mut std::io::sink());
                let skipped = skipped.map_err(|error| self.failed(error))?;
                self.offset += skipped;
                if skipped < rest {
                    return Err(self.truncated(place));
                }
                Ok(Some((place, Err(format!("the record has {length} bytes, more than {}", self.longest)))))
            }
        }
    }

    /// Reads as many bytes as there are, up to all of these.
    fn fill(&mut self, bytes: &mut [u8]) -> Result<usize> {
        let mut filled = 0;
        while filled < bytes.len() {
            match self.stream.read(&mut bytes[filled..]) {
                Ok(0) => break,
                Ok(read) => filled += read,
                Err(error) if error.kind() == std::io::ErrorKind::Interrupted => {}
                Err(error) => return Err(self.failed(error)),
            }
        }
        self.offset += filled as u64;
        Ok(filled)
    }

    fn truncated(&self, place: Place) -> Error {
        Error::input(READ, format!("the file ends at offset {}, within the record at {place}", self.offset))
    }

    fn failed(&self, error: std::io::Error) -> Error {
        use std::io::ErrorKind::{InvalidData, InvalidInput, UnexpectedEof};
        let offset = self.offset;
        match error.kind() {
            InvalidData | InvalidInput | UnexpectedEof => {
                Error::input(READ, format!("the compressed bytes are damaged after offset {offset}")).with_source(error)
            }
            _ => Error::new(ErrorKind::Io, READ, format!("after offset {offset}")).with_source(error),
        }
    }
}

fn le_u32(bytes: &[u8]) -> u32 {
    bytes.iter().rev().fold(0, |number, &byte| number << 8 | u32::from(byte))
}

/// Writes a TFRecord file. `Send` if its writer is.
#[derive(Debug)]
pub struct RecordWriter<W: Write> {
    stream: Deflate<W>,
}

#[derive(Debug)]
enum Deflate<W: Write> {
    None(W),
    Gzip(GzEncoder<W>),
    Zlib(ZlibEncoder<W>),
}

impl<W: Write> Write for Deflate<W> {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        match self {
            Self::None(writer) => writer.write(bytes),
            Self::Gzip(writer) => writer.write(bytes),
            Self::Zlib(writer) => writer.write(bytes),
        }
    }

    fn flush(&mut self) -> std::io::Result<()> {
        match self {
            Self::None(writer) => writer.flush(),
            Self::Gzip(writer) => writer.flush(),
            Self::Zlib(writer) => writer.flush(),
        }
    }
}

impl<W: Write> RecordWriter<W> {
    /// A writer to a file of this compression. Give it one that is buffered.
    pub fn new(writer: W, compression: Compression) -> Self {
        let level = flate2::Compression::default();
        let stream = match compression {
            Compression::None => Deflate::None(writer),
            Compression::Gzip => Deflate::Gzip(GzEncoder::new(writer, level)),
            Compression::Zlib => Deflate::Zlib(ZlibEncoder::new(writer, level)),
        };
        Self { stream }
    }

    /// Writes one record.
    ///
    /// # Errors
    /// `Io` if the writer fails.
    pub fn write_record(&mut self, record: &[u8]) -> Result<()> {
        let length = (record.len() as u64).to_le_bytes();
        [&length[..], &masked_crc(&length).to_le_bytes(), record, &masked_crc(record).to_le_bytes()]
            .iter()
            .try_for_each(|bytes| self.stream.write_all(bytes))
            .map_err(refused)
    }

    /// Hands on what was written so far, so that others can read it.
    ///
    /// # Errors
    /// `Io` if the writer fails.
    pub fn flush(&mut self) -> Result<()> {
        self.stream.flush().map_err(refused)
    }

    /// Ends what is compressed, flushes, and gives the writer back. Dropped without it, a file may lack its end.
    ///
    /// # Errors
    /// `Io` if the writer fails.
    pub fn finish(self) -> Result<W> {
        let writer = match self.stream {
            Deflate::None(writer) => Ok(writer),
            Deflate::Gzip(writer) => writer.finish(),
            Deflate::Zlib(writer) => writer.finish(),
        };
        let flushed = writer.and_then(|mut writer| writer.flush().map(|()| writer));
        flushed.map_err(refused)
    }
}

fn refused(error: std::io::Error) -> Error {
    Error::new(ErrorKind::Io, WRITE, "the writer refused").with_source(error)
}
