//! What the fuzzers call: each decoder on any bytes, twice.
//!
//! The second time its reader gives a few bytes at once and its rows go into the batch one by one; both must come to the same
//! rows and refusals, or both to an error. A function says how many rows it read. `tests/fuzz.rs` calls them with the seeds.

#[allow(dead_code, reason = "a part of what the tests of the codecs share")]
#[path = "../../tests/common/records.rs"]
mod records;

#[cfg(feature = "parquet")]
use std::io::Cursor;
use std::io::Read;
use std::sync::Arc;

use records::{column, ragged, schema, values};
use serde_json::json;
#[cfg(feature = "parquet")]
use streamgrad::codec::Arrow;
use streamgrad::codec::{Compression, Csv, Decode, Examples, Fields, JsonLines, RecordReader, RecordWriter};
use streamgrad::{Result, Schema};

/// No input is read further than so many rows.
const ROWS: usize = 1 << 10;
const NAMES: [&str; 6] = ["a", "b", "c", "d", "e", "y"];

/// Something of every kind, under names that are soon found.
fn everything() -> Arc<Schema> {
    let mut label = column("y", "float32", &[]);
    label["range"] = json!([0, 1]);
    let features = vec![
        column("a", "float32", &[]),
        column("b", "int64", &[2]),
        column("c", "string", &[]),
        ragged("d", "int32"),
        ragged("e", "string"),
    ];
    schema(features, vec![label], None)
}

fn fields(schema: &Arc<Schema>) -> Fields {
    Fields::of(schema).default("b", 7)
}

/// The values of the rows and the refusals; nothing if the stream is damaged.
fn read(schema: &Arc<Schema>, decoder: Result<impl Decode>, at_once: usize) -> Option<(usize, Vec<String>, Vec<String>)> {
    let (mut decoder, mut batch) = (decoder.ok()?, schema.batch_with_capacity(ROWS));
    while batch.rows() < ROWS && decoder.fill(&mut batch, at_once).ok()? > 0 {}
    assert_eq!(decoder.read(), batch.rows() as u64);
    let refusals = decoder.refusals();
    let told = refusals.kept().iter().map(ToString::to_string).chain([refusals.count().to_string()]);
    Some((batch.rows(), values(&batch), told.collect()))
}

fn same<D: Decode, E: Decode>(schema: &Arc<Schema>, whole: Result<D>, in_pieces: Result<E>) -> usize {
    let whole = read(schema, whole, ROWS);
    assert_eq!(whole, read(schema, in_pieces, 1));
    whole.map_or(0, |(rows, ..)| rows)
}

/// Gives three bytes at once.
struct Slowly<'a>(&'a [u8]);

impl Read for Slowly<'_> {
    fn read(&mut self, buffer: &mut [u8]) -> std::io::Result<usize> {
        let most = buffer.len().min(3);
        self.0.read(&mut buffer[..most])
    }
}

/// The first byte has the options.
pub fn csv(bytes: &[u8]) -> usize {
    let Some((&options, text)) = bytes.split_first() else { return 0 };
    let (schema, is_set) = (everything(), |bit: u8| options >> bit & 1 == 1);
    let builder = || {
        let mut builder = Csv::of(fields(&schema)).quoting(!is_set(1));
        if is_set(0) {
            builder = builder.delimiter(b'\t').list_separator(b' ');
        }
        if is_set(2) {
            builder = builder.columns(NAMES);
        }
        if is_set(3) {
            builder = builder.missing(["NA", ""]);
        }
        if is_set(4) {
            builder = builder.longest_record(40);
        }
        builder
    };
    same(&schema, builder().open(text), builder().open(Slowly(text)))
}

/// The first byte has the options.
pub fn json_lines(bytes: &[u8]) -> usize {
    let Some((&options, text)) = bytes.split_first() else { return 0 };
    let schema = everything();
    let fields = || if options & 1 == 1 { fields(&schema).strict() } else { fields(&schema) };
    let longest = if options & 2 == 2 { 40 } else { 1 << 20 };
    let whole = JsonLines::open(fields(), text).map(|lines| lines.longest_record(longest));
    let in_pieces = JsonLines::open(fields(), Slowly(text)).map(|lines| lines.longest_record(longest));
    same(&schema, whole, in_pieces)
}

/// One record: the message is what is fuzzed, within a file whose checksums are right.
pub fn example(bytes: &[u8]) -> usize {
    let mut file = RecordWriter::new(Vec::new(), Compression::None);
    file.write_record(bytes).unwrap();
    let (file, schema) = (file.finish().unwrap(), everything());
    let whole = Examples::open(fields(&schema), &file[..], Compression::None);
    same(&schema, whole, Examples::open(fields(&schema), Slowly(&file), Compression::None))
}

/// A file of records; the first byte says how it is compressed. Here a row is a record.
pub fn records(bytes: &[u8]) -> usize {
    let Some((&options, file)) = bytes.split_first() else { return 0 };
    let compression = [Compression::None, Compression::Gzip, Compression::Zlib][usize::from(options % 3)];
    let read = |reader: &mut dyn Read| {
        let (mut found, mut records) = (Vec::new(), RecordReader::new(reader, compression).longest_record(1 << 12));
        loop {
            match records.next_record() {
                Ok(Some((place, record))) => found.push((place, record.map(<[u8]>::to_vec))),
                Ok(None) => return Some(found),
                Err(_) => return None,
            }
        }
    };
    let whole = read(&mut &*file);
    assert_eq!(whole, read(&mut Slowly(file)));
    whole.map_or(0, |found| found.iter().filter(|(_, record)| record.is_ok()).count())
}

/// An IPC stream.
#[cfg(feature = "parquet")]
pub fn arrow_stream(bytes: &[u8]) -> usize {
    let (schema, open) = (everything(), |schema| Arrow::stream(fields(schema), Cursor::new(bytes.to_vec())));
    same(&schema, open(&schema), open(&schema))
}

/// An IPC file.
#[cfg(feature = "parquet")]
pub fn arrow_file(bytes: &[u8]) -> usize {
    let (schema, open) = (everything(), |schema| Arrow::file(fields(schema), Cursor::new(bytes.to_vec())));
    same(&schema, open(&schema), open(&schema))
}

/// A Parquet file.
#[cfg(feature = "parquet")]
pub fn parquet(bytes: &[u8]) -> usize {
    let (schema, open) = (everything(), |schema| Arrow::parquet(fields(schema), bytes::Bytes::copy_from_slice(bytes)));
    same(&schema, open(&schema), open(&schema))
}
