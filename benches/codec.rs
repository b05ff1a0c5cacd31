//! The decoders against the crates below them: records into a batch, beside the bare walk of the same bytes into plain
//! vectors: `make bench`.
//!
//! Prints one line of JSON for each figure, as `benches/run.py` collects them. Records are eleven numbers and an airline. The
//! contenders take turns.

#![allow(clippy::unwrap_used, reason = "a benchmark may panic")]

use std::fmt::Write as _;
use std::hint::black_box;
use std::sync::Arc;
use std::time::{Duration, Instant};

use serde::Deserialize;
use serde_json::json;
use streamgrad::Schema;
use streamgrad::bundle::Manifest;
use streamgrad::codec::{Compression, Csv, CsvWriter, Decode, ExampleWriter, Examples, JsonLines, JsonLinesWriter};

const ROWS: usize = 20_000;
const ROUNDS: usize = 15;
const NUMBERS: usize = 8;

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

/// What the bare walks fill.
#[derive(Default)]
struct Columns {
    numbers: [Vec<f32>; NUMBERS],
    counts: [Vec<i64>; 3],
    airlines: Vec<u8>,
    places: Vec<(u32, u32)>,
}

impl Columns {
    fn airline(&mut self, airline: &[u8]) {
        self.places.push((self.airlines.len() as u32, airline.len() as u32));
        self.airlines.extend_from_slice(airline);
    }
}

fn bare_csv(text: &[u8], columns: &mut Columns) {
    let mut reader = csv::Reader::from_reader(text);
    let mut record = csv::ByteRecord::new();
    while reader.read_byte_record(&mut record).unwrap() {
        let text = |at: usize| std::str::from_utf8(&record[at]).unwrap();
        for at in 0..NUMBERS {
            columns.numbers[at].push(text(at).parse().unwrap());
        }
        for at in 0..3 {
            columns.counts[at].push(text(NUMBERS + at).parse().unwrap());
        }
        columns.airline(&record[NUMBERS + 3]);
    }
}

#[derive(Deserialize)]
struct Record<'a> {
    number_0: f32,
    number_1: f32,
    number_2: f32,
    number_3: f32,
    number_4: f32,
    number_5: f32,
    number_6: f32,
    number_7: f32,
    count_0: i64,
    count_1: i64,
    count_2: i64,
    airline: &'a str,
}

fn bare_json(text: &[u8], columns: &mut Columns) {
    for line in text.split(|&byte| byte == b'\n').filter(|line| !line.is_empty()) {
        let r: Record<'_> = serde_json::from_slice(line).unwrap();
        let numbers = [r.number_0, r.number_1, r.number_2, r.number_3, r.number_4, r.number_5, r.number_6, r.number_7];
        columns.numbers.iter_mut().zip(numbers).for_each(|(column, number)| column.push(number));
        columns.counts.iter_mut().zip([r.count_0, r.count_1, r.count_2]).for_each(|(column, count)| column.push(count));
        columns.airline(r.airline.as_bytes());
    }
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

fn main() {
    let schema = schema();
    let mut csv = String::new();
    (0..NUMBERS).for_each(|at| write!(csv, "number_{at},").unwrap());
    csv.push_str("count_0,count_1,count_2,airline\n");
    for row in 0..ROWS {
        (0..NUMBERS).for_each(|at| write!(csv, "{:?},", (row * 37 + at * 101) as f32 * 0.137).unwrap());
        writeln!(csv, "{row},{},{},{}", row % 24, row * 1000, ["UA", "B6", "Hawaiian Airlines Inc."][row % 3]).unwrap();
    }
    let mut batch = schema.batch_with_capacity(ROWS);
    assert_eq!(Csv::of(&schema).open(csv.as_bytes()).unwrap().fill(&mut batch, ROWS).unwrap(), ROWS);
    let mut json = JsonLinesWriter::new(&schema, Vec::new());
    json.write(&batch).unwrap();
    let json = json.into_inner();
    let mut examples = ExampleWriter::new(&schema, Vec::new(), Compression::None);
    examples.write(&batch).unwrap();
    let examples = examples.finish().unwrap();
    let mut written = CsvWriter::new(&schema, Vec::new());
    written.write(&batch).unwrap();

    let mut decode = |open: &dyn Fn() -> Box<dyn Decode>| {
        batch.clear();
        let mut decoder = open();
        assert_eq!(decoder.fill(&mut batch, ROWS).unwrap(), ROWS);
    };
    // The bytes live as long as the program, so that a decoder of them can be boxed.
    let (csv, json, examples): (&'static [u8], &'static [u8], &'static [u8]) = (csv.into_bytes().leak(), json.leak(), examples.leak());
    let rate = |seconds: f64| ROWS as f64 / seconds / 1e6;
    let (ours, bare) = turns(
        || decode(&|| Box::new(Csv::of(&schema).open(csv).unwrap())),
        || {
            let mut columns = Columns::default();
            bare_csv(csv, &mut columns);
            black_box(columns.places.len() + columns.airlines.len());
        },
    );
    figure("csv into a batch: 12 fields", rate(ours), "M records/s", None);
    figure("csv: ours / the csv crate's walk into vectors", bare / ours, "x", Some(">= 0.7"));
    let (ours, bare) = turns(
        || decode(&|| Box::new(JsonLines::open(&schema, json).unwrap())),
        || {
            let mut columns = Columns::default();
            bare_json(json, &mut columns);
            black_box(columns.places.len() + columns.airlines.len());
        },
    );
    figure("json lines into a batch: 12 fields", rate(ours), "M records/s", None);
    figure("json lines: ours / serde_json's walk into vectors", bare / ours, "x", Some(">= 0.7"));
    let (ours, _) = turns(|| decode(&|| Box::new(Examples::open(&schema, examples, Compression::None).unwrap())), || {});
    figure("tf.train.Example into a batch: 12 features", rate(ours), "M records/s", None);
}
