//! Batches of random schemas, encoded and decoded: the same batches.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::sync::Arc;

use common::records::{all, column, optional, ragged, schema, values};
use proptest::collection::vec;
use proptest::prelude::*;
use streamgrad::batch::Value;
use streamgrad::codec::{Compression, Csv, CsvWriter, ExampleWriter, Examples, Fields, JsonLines, JsonLinesWriter};
use streamgrad::tensor::{bf16, f16};
use streamgrad::{Batch, Schema};

const DTYPES: [&str; 14] = [
    "float16", "bfloat16", "float32", "float64", "int8", "int16", "int32", "int64", "uint8", "uint16", "uint32", "uint64", "bool", "string",
];

/// A feature: its dtype, its shape, and whether it is ragged or has a field for each element.
fn feature() -> impl Strategy<Value = (&'static str, Vec<usize>, u8)> {
    (prop::sample::select(&DTYPES[..]), vec(1..4usize, 0..3), 0..3u8)
}

fn make(features: &[(&'static str, Vec<usize>, u8)]) -> Arc<Schema> {
    let features = features.iter().enumerate().map(|(at, (dtype, shape, kind))| {
        let name = format!("f{at} \"Ü\"");
        match kind {
            0 => ragged(&name, dtype),
            1 => column(&name, dtype, shape),
            _ => {
                let mut each = column(&name, dtype, shape);
                let fields: Vec<String> = (0..shape.iter().product()).map(|element| format!("{name},{element}")).collect();
                each["fields"] = fields.into();
                each
            }
        }
    });
    schema(features.collect(), vec![column("label", "int32", &[])], Some(column("weight", "float32", &[])))
}

/// Rows of values drawn from a generator that only needs to be different every time.
fn rows(schema: &Arc<Schema>, rows: usize, seed: u64, text: bool, labelled: u8) -> Batch {
    let mut state = seed;
    let mut next = || {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mixed = (state ^ (state >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        mixed ^ (mixed >> 27)
    };
    let pieces: [&[u8]; 9] = [b"", b",", b"\"", b"\r\n", b"[", b"\xc3\x9c", b"; ", b"\xff", b"a"];
    let mut batch = schema.batch_with_capacity(rows.max(1));
    for at in 0..rows {
        let mut row = batch.row();
        let has = |name: &str| match name {
            "label" => labelled >> at & 1 == 1,
            "weight" => labelled.reverse_bits() >> at & 1 == 1,
            _ => true,
        };
        for spec in schema.columns().iter().filter(|spec| has(&spec.name)) {
            for name in &spec.fields {
                let elements = if spec.ragged { next() as usize % 4 } else { spec.shape.elements() / spec.fields.len() };
                let bits = spec.dtype.size().map_or(0, |size| 8 * size as u32);
                row = match spec.dtype.name() {
                    "string" => {
                        let mut string = || -> Vec<u8> {
                            let kinds = pieces.iter().filter(|piece| !text || ***piece != b"\xff"[..]).collect::<Vec<_>>();
                            (0..next() % 4).flat_map(|_| kinds[next() as usize % kinds.len()].to_vec()).collect()
                        };
                        let strings: Vec<Vec<u8>> = (0..elements).map(|_| string()).collect();
                        row.set(name, &strings.iter().map(Vec::as_slice).collect::<Vec<_>>()[..]).unwrap()
                    }
                    "float32" | "float64" => {
                        let mut float = || f32::from_bits(next() as u32);
                        let floats: Vec<f32> =
                            (0..elements).map(|_| Some(float()).filter(|float| float.is_finite()).unwrap_or(0.1)).collect();
                        let floats = if spec.name == "weight" { vec![floats[0].abs()] } else { floats };
                        row.set(name, &floats[..]).unwrap()
                    }
                    "float16" | "bfloat16" => {
                        let half = |bits: u16| match spec.dtype.name() {
                            "float16" => f16::from_bits(bits).to_f32(),
                            _ => bf16::from_bits(bits).to_f32(),
                        };
                        let mut float = || Some(half(next() as u16)).filter(|float| float.is_finite()).unwrap_or(0.1);
                        row.set(name, &(0..elements).map(|_| float()).collect::<Vec<f32>>()[..]).unwrap()
                    }
                    "bool" => row.set(name, &(0..elements).map(|_| (next() % 2) as i64).collect::<Vec<_>>()[..]).unwrap(),
                    // An example has no room beyond int64.
                    unsigned if unsigned.starts_with('u') => {
                        row.set(name, &(0..elements).map(|_| next() >> (64 - bits).max(1)).collect::<Vec<u64>>()[..]).unwrap()
                    }
                    _ => {
                        let ints: Vec<i64> = (0..elements).map(|_| next().cast_signed() >> (64 - bits)).collect();
                        row.set(name, Value::I64s(&ints)).unwrap()
                    }
                };
            }
        }
        row.push().unwrap();
    }
    batch
}

proptest! {
    #![proptest_config(ProptestConfig { cases: 200, failure_persistence: None, ..ProptestConfig::default() })]

    #[test]
    fn what_is_written_is_read(
        features in vec(feature(), 1..5), count in 0..6usize, seed: u64, labelled in prop_oneof![Just(0), Just(255), 0..=255u8], at_once in 1..4usize, compression in 0..3usize,
    ) {
        let schema = make(&features);
        let batch = rows(&schema, count, seed, true, labelled);
        let expected = values(&batch);

        let mut csv = CsvWriter::new(&schema, Vec::new());
        csv.write(&batch).unwrap();
        let csv = csv.into_inner();
        let (read, refused) = all(&mut Csv::of(&schema).open(&csv[..]).unwrap(), &schema, at_once).unwrap();
        prop_assert_eq!((values(&read), refused), (expected.clone(), vec![]), "{}", String::from_utf8_lossy(&csv));

        let mut json = JsonLinesWriter::new(&schema, Vec::new());
        json.write(&batch).unwrap();
        let json = json.into_inner();
        let fields = Fields::of(&schema).strict();
        let (read, refused) = all(&mut JsonLines::open(fields, &json[..]).unwrap(), &schema, at_once).unwrap();
        prop_assert_eq!((values(&read), refused), (expected, vec![]), "{}", String::from_utf8_lossy(&json));

        let batch = rows(&schema, count, seed, false, labelled);
        let compression = [Compression::None, Compression::Gzip, Compression::Zlib][compression];
        let mut examples = ExampleWriter::new(&schema, Vec::new(), compression);
        examples.write(&batch).unwrap();
        let file = examples.finish().unwrap();
        let (read, refused) = all(&mut Examples::open(&schema, &file[..], compression).unwrap(), &schema, at_once).unwrap();
        prop_assert_eq!((values(&read), refused), (values(&batch), vec![]));
    }

    #[test]
    fn csv_in_blocks_is_csv_record_by_record(
        lines in vec((any::<u64>(), 0..40u8), 0..60), end in 0..2usize, named: bool, missing: bool, quoting: bool, longest in 12..64usize,
    ) {
        let mut pair = optional("pair", "float64", &[2]);
        pair["fields"] = serde_json::json!(["first", "second"]);
        let mut late = column("late", "float32", &[]);
        late["range"] = serde_json::json!([0, 1]);
        let features = vec![optional("price", "float32", &[]), pair, column("airline", "string", &[]), column("hour", "int8", &[])];
        let schema = schema(features, vec![late], None);
        let good: [&[&[u8]]; 6] = [&[b"1.5", b"-2", b""], &[b"1e3", b" 7 ", b""], &[b"0.25"], &[b"UA", b"", b"\xc3\x9c"], &[b"7", b"23"], &[b"1", b"0"]];
        let odd: [&[u8]; 12] =
            [b"", b"NA", b"\"1\"", b"a\"b", b"\"a,b\"", b"\"a\nb\"", b"\xff", b"1\r2", b"7,8", b"nan", b"300", b"a word that is long, and longer"];
        let mut text = if named { vec![] } else { b"price,first,second,airline,hour,late\n".to_vec() };
        for (mut bits, strange) in lines {
            let cells = good.iter().enumerate().map(|(at, good)| {
                let pick = (bits & 15) as usize;
                bits >>= 5;
                if usize::from(strange) == at { odd[pick % odd.len()] } else { good[pick % good.len()] }
            });
            text.extend_from_slice(&cells.collect::<Vec<_>>().join(&b","[..]));
            text.extend_from_slice(if strange == 20 { b"\n\n" } else { [&b"\n"[..], b"\r\n"][end] });
        }
        let read = |rows: usize| {
            let mut csv = Csv::of(&schema).quoting(quoting).longest_record(longest);
            if named {
                csv = csv.columns(["price", "first", "second", "airline", "hour", "late"]);
            }
            if missing {
                csv = csv.missing(["", "NA"]);
            }
            csv.open(&text[..]).and_then(|mut csv| all(&mut csv, &schema, rows)).map(|(batch, refused)| (values(&batch), refused))
        };
        prop_assert_eq!(read(100).map_err(|error| error.to_string()), read(1).map_err(|error| error.to_string()), "{}", String::from_utf8_lossy(&text));
    }

    #[test]
    fn nothing_panics(bytes in vec(any::<u8>(), 0..300), text in "[\\[\\]{}\":,;0-9a-z.\\n\\r-]{0,200}") {
        let schema = make(&[("float32", vec![2], 1), ("string", vec![], 0), ("int64", vec![], 1)]);
        for input in [&bytes[..], text.as_bytes()] {
            if let Ok(mut csv) = Csv::of(&schema).columns(["f0 \"Ü\"", "f1 \"Ü\"", "f2 \"Ü\""]).longest_record(64).open(input) {
                all(&mut csv, &schema, 9).unwrap();
            }
            all(&mut JsonLines::open(&schema, input).unwrap(), &schema, 9).unwrap();
            for compression in [Compression::None, Compression::Gzip, Compression::Zlib] {
                let _ends = all(&mut Examples::open(&schema, input, compression).unwrap(), &schema, 9);
            }
            let mut record = streamgrad::codec::RecordWriter::new(Vec::new(), Compression::None);
            record.write_record(input).unwrap();
            all(&mut Examples::open(&schema, &record.finish().unwrap()[..], Compression::None).unwrap(), &schema, 9).unwrap();
        }
    }
}
