//! The decoders against the crates below them: records into a batch, beside the bare walk of the same bytes into plain
//! vectors: `make bench`.
//!
//! Prints one line of JSON for each figure, as `benches/run.py` collects them. Records are eleven numbers and an airline. The
//! contenders take turns. With arguments it is our side of `benches/codec_rivals.py`:
//!
//!     codec write FOLDER
//!     codec csv|jsonl|tfrecord|parquet FILE <MILLISECONDS...
//!
//! The first writes the files; the second reads the whole file over and over for as long as each line of standard input says,
//! and prints the microseconds of once for each.

#![allow(clippy::unwrap_used, reason = "a benchmark may panic")]

mod given;
mod walks;

use std::fmt::Write as _;
use std::fs::File;
use std::hint::black_box;
use std::io::{Write as _, stdin, stdout};
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, Instant};

#[cfg(feature = "parquet")]
use arrow_array::{ArrayRef, Float32Array, Int64Array, RecordBatch, StringArray};
#[cfg(feature = "parquet")]
use bytes::Bytes;
#[cfg(feature = "parquet")]
use parquet::arrow::ArrowWriter;
use serde_json::json;
use streamgrad::bundle::Manifest;
#[cfg(feature = "parquet")]
use streamgrad::codec::Arrow;
use streamgrad::codec::{Compression, Csv, Decode, ExampleWriter, Examples, JsonLines, JsonLinesWriter};
use streamgrad::{Batch, Schema};
use walks::Columns;

const ROWS: usize = 20_000;
const ROUNDS: usize = 15;
const NUMBERS: usize = walks::NUMBERS;

fn schema() -> Arc<Schema> {
    let column = |name: String, dtype: &str| json!({"name": name, "dtype": dtype, "shape": [], "fields": [name], "tensor": "x:0"});
    let mut features: Vec<_> = (0..NUMBERS).map(|at| column(format!("number_{at}"), "float32")).collect();
    features.extend((0..3).map(|at| column(format!("count_{at}"), "int64")));
    features.push(column("airline".into(), "string"));
    let manifest: Manifest = serde_json::from_value(json!({
        "name": "flights", "versions": {}, "files": {}, "task": "other", "features": features, "labels": [], "outputs": [],
        "loss": {"name": "mse", "train": "x:0", "evaluate": "x:0"},
        "parameters": [], "state": [], "frozen": [], "optimizer": {}, "metrics": [],
    }))
    .unwrap();
    Schema::of(&manifest)
}

fn median(mut times: Vec<Duration>) -> f64 {
    times.sort();
    times[times.len() / 2].as_secs_f64()
}

fn figure(name: &str, value: f64, unit: &str, goal: Option<&str>) {
    println!("{}", json!({"name": name, "value": value, "unit": unit, "goal": goal}));
}

/// Seconds of both, the median of each over the rounds.
fn turns(mut ours: impl FnMut(), mut bare: impl FnMut()) -> (f64, f64) {
    let (mut a, mut b) = (Vec::new(), Vec::new());
    for _ in 0..ROUNDS {
        for (times, call) in [(&mut a, &mut ours as &mut dyn FnMut()), (&mut b, &mut bare as &mut dyn FnMut())] {
            let start = Instant::now();
            call();
            times.push(start.elapsed());
        }
    }
    (median(a), median(b))
}

fn number(row: usize, at: usize) -> f32 {
    (row * 37 + at * 101) as f32 * 0.137
}

fn counts(row: usize) -> [i64; 3] {
    [row as i64, (row % 24) as i64, (row * 1000) as i64]
}

fn airline(row: usize) -> &'static str {
    ["UA", "B6", "Hawaiian Airlines Inc."][row % 3]
}

/// The same records in each format, with the ending of its files.
fn files(schema: &Arc<Schema>) -> Vec<(&'static str, Vec<u8>)> {
    let mut csv = String::new();
    (0..NUMBERS).for_each(|at| write!(csv, "number_{at},").unwrap());
    csv.push_str("count_0,count_1,count_2,airline\n");
    for row in 0..ROWS {
        (0..NUMBERS).for_each(|at| write!(csv, "{:?},", number(row, at)).unwrap());
        let [first, second, third] = counts(row);
        writeln!(csv, "{first},{second},{third},{}", airline(row)).unwrap();
    }
    let mut batch = schema.batch_with_capacity(ROWS);
    assert_eq!(Csv::of(schema).open(csv.as_bytes()).unwrap().fill(&mut batch, ROWS).unwrap(), ROWS);
    let mut json = JsonLinesWriter::new(schema, Vec::new());
    json.write(&batch).unwrap();
    let mut examples = ExampleWriter::new(schema, Vec::new(), Compression::None);
    examples.write(&batch).unwrap();
    vec![
        ("csv", csv.into_bytes()),
        ("jsonl", json.into_inner()),
        ("tfrecord", examples.finish().unwrap()),
        #[cfg(feature = "parquet")]
        ("parquet", parquet_file(schema)),
    ]
}

#[cfg(feature = "parquet")]
fn parquet_file(schema: &Arc<Schema>) -> Vec<u8> {
    let numbers = (0..NUMBERS).map(|at| Arc::new((0..ROWS).map(|row| number(row, at)).collect::<Float32Array>()) as ArrayRef);
    let counts = (0..3).map(|at| Arc::new((0..ROWS).map(|row| counts(row)[at]).collect::<Int64Array>()) as ArrayRef);
    let airlines = Arc::new(StringArray::from_iter_values((0..ROWS).map(airline))) as ArrayRef;
    let names = schema.columns().iter().map(|column| column.name.clone());
    let table = RecordBatch::try_from_iter(names.zip(numbers.chain(counts).chain([airlines]))).unwrap();
    let mut parquet = ArrowWriter::try_new(Vec::new(), table.schema(), None).unwrap();
    parquet.write(&table).unwrap();
    parquet.into_inner().unwrap()
}

fn open(schema: &Arc<Schema>, kind: &str, bytes: &'static [u8]) -> Box<dyn Decode> {
    match kind {
        "csv" => Box::new(Csv::of(schema).open(bytes).unwrap()),
        "jsonl" => Box::new(JsonLines::open(schema, bytes).unwrap()),
        "tfrecord" => Box::new(Examples::open(schema, bytes, Compression::None).unwrap()),
        #[cfg(feature = "parquet")]
        "parquet" => Box::new(Arrow::parquet(schema, Bytes::from_static(bytes)).unwrap()),
        _ => unreachable!("{kind}"),
    }
}

fn open_file(schema: &Arc<Schema>, kind: &str, path: &str) -> Box<dyn Decode> {
    let file = File::open(path).unwrap();
    match kind {
        "csv" => Box::new(Csv::of(schema).open(file).unwrap()),
        "jsonl" => Box::new(JsonLines::open(schema, file).unwrap()),
        "tfrecord" => Box::new(Examples::open(schema, file, Compression::None).unwrap()),
        #[cfg(feature = "parquet")]
        "parquet" => Box::new(Arrow::parquet(schema, file).unwrap()),
        _ => unreachable!("{kind}"),
    }
}

fn decode(batch: &mut Batch, mut decoder: Box<dyn Decode>) {
    batch.clear();
    assert_eq!(decoder.fill(batch, ROWS).unwrap(), ROWS);
}

fn compare(schema: &Arc<Schema>) {
    let (mut batch, mut columns) = (schema.batch_with_capacity(ROWS), Columns::default());
    type Walk = fn(&[u8], &mut Columns);
    let walks: Vec<(&str, Walk)> = vec![
        ("the csv crate's walk", walks::csv),
        ("serde_json's walk", walks::json),
        ("prost's messages, no checksums,", walks::examples),
        #[cfg(feature = "parquet")]
        ("the parquet crate's record batches", walks::record_batches::parquet),
    ];
    for ((kind, bytes), (walk, bare)) in files(schema).into_iter().zip(walks) {
        // The bytes live as long as the program, so that a decoder of them can be boxed.
        let bytes: &'static [u8] = bytes.leak();
        let (ours, bare) = turns(
            || decode(&mut batch, open(schema, kind, bytes)),
            || {
                columns.clear();
                bare(bytes, &mut columns);
                assert_eq!(black_box(&columns).rows(), ROWS);
            },
        );
        figure(&format!("{kind} into a batch: 12 fields"), ROWS as f64 / ours / 1e6, "M records/s", None);
        figure(&format!("{kind} into a batch: records/s over those of {walk} into vectors"), bare / ours, "x", Some(">= 0.7"));
    }
}

fn main() {
    let schema = schema();
    let arguments: Vec<String> = std::env::args().skip(1).filter(|argument| argument != "--bench").collect();
    match arguments.iter().map(String::as_str).collect::<Vec<_>>()[..] {
        ["write", folder] => {
            for (kind, bytes) in files(&schema) {
                std::fs::write(Path::new(folder).join(format!("flights.{kind}")), bytes).unwrap();
            }
        }
        [kind, file] => {
            let mut batch = schema.batch_with_capacity(ROWS);
            for line in stdin().lines() {
                let turn = Duration::from_millis(line.unwrap().parse().unwrap());
                println!("{}", given::turn(turn, || decode(&mut batch, open_file(&schema, kind, file))));
                stdout().flush().unwrap();
            }
        }
        _ => compare(&schema),
    }
}
