//! Files of TensorFlow, pyarrow and Python read here, and files written here read by them.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::fs::{self, File};
use std::path::Path;
use std::process::Command;
use std::sync::Arc;

use common::peer;
use common::records::{all, schema, values};
use serde_json::Value as Json;
use streamgrad::codec::{Compression, Csv, CsvWriter, Decode, ExampleWriter, Examples, JsonLines, JsonLinesWriter};
use streamgrad::{Batch, Schema};

fn read(name: &str) -> String {
    let path = peer().join("codecs").join(name);
    fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}; run `make peer`", path.display()))
}

fn file(name: &str) -> File {
    File::open(peer().join("codecs").join(name)).unwrap()
}

/// The rows as Python's JSON has them, set one by one.
fn expected() -> (Arc<Schema>, Batch) {
    let schema = schema(serde_json::from_str(&read("schema.json")).unwrap(), vec![], None);
    let mut batch = schema.batch();
    for line in read("rows.jsonl").split_terminator('\n') {
        let record: Json = serde_json::from_str(line).unwrap();
        let mut row = batch.row();
        for spec in schema.columns() {
            let value = &record[&spec.name];
            let values = value.as_array().cloned().unwrap_or_else(|| vec![value.clone()]);
            let name = &spec.name;
            row = match spec.dtype.name() {
                "string" => row.set(name, &values.iter().map(|value| value.as_str().unwrap()).collect::<Vec<_>>()[..]),
                "bool" => row.set(name, value.as_bool().unwrap()),
                "float32" | "float64" => row.set(name, &values.iter().map(|value| value.as_f64().unwrap()).collect::<Vec<_>>()[..]),
                "uint64" => row.set(name, value.as_u64().unwrap()),
                _ => row.set(name, &values.iter().map(|value| value.as_i64().unwrap()).collect::<Vec<_>>()[..]),
            }
            .unwrap();
        }
        row.push().unwrap();
    }
    assert_eq!(batch.rows(), 100);
    (schema, batch)
}

fn same(name: &str, decoder: &mut impl Decode, (schema, expected): &(Arc<Schema>, Batch)) {
    let (batch, refused) = all(decoder, schema, 33).unwrap();
    assert_eq!(refused, [""; 0], "{name}");
    for ((spec, found), expected) in schema.columns().iter().zip(values(&batch)).zip(values(expected)) {
        assert_eq!(found, expected, "{name}: {}", spec.name);
    }
}

#[test]
fn what_its_owners_wrote() {
    let expected = expected();
    let schema = &expected.0;
    same("csv", &mut Csv::of(schema).open(file("rows.csv")).unwrap(), &expected);
    for name in ["rows.jsonl", "ascii.jsonl"] {
        same(name, &mut JsonLines::open(schema, file(name)).unwrap(), &expected);
    }
    for (name, compression) in [
        ("rows.tfrecord", Compression::None),
        ("rows.gzip.tfrecord", Compression::Gzip),
        ("rows.zlib.tfrecord", Compression::Zlib),
        ("unpacked.tfrecord", Compression::None),
    ] {
        same(name, &mut Examples::open(schema, file(name), compression).unwrap(), &expected);
    }
    let wrong = Examples::open(schema, file("rows.gzip.tfrecord"), Compression::None).unwrap().fill(&mut schema.batch(), 1).unwrap_err();
    assert!(wrong.to_string().contains("is the file compressed otherwise?"), "{wrong}");
}

#[cfg(feature = "parquet")]
#[test]
fn what_pyarrow_wrote() {
    use std::io::BufReader;

    use streamgrad::codec::Arrow;

    let expected = expected();
    let schema = &expected.0;
    for content in ["rows", "loose"] {
        let name = format!("{content}.arrows");
        same(&name, &mut Arrow::stream(schema, BufReader::new(file(&name))).unwrap(), &expected);
        for compression in ["uncompressed", "lz4", "zstd"] {
            let name = format!("{content}.{compression}.arrow");
            same(&name, &mut Arrow::file(schema, BufReader::new(file(&name))).unwrap(), &expected);
        }
        for compression in ["none", "snappy", "gzip", "zstd", "lz4"] {
            let name = format!("{content}.{compression}.parquet");
            same(&name, &mut Arrow::parquet(schema, file(&name)).unwrap(), &expected);
        }
    }
    for encoding in ["DELTA_LENGTH_BYTE_ARRAY", "DELTA_BYTE_ARRAY"] {
        for version in ["1.0", "2.0"] {
            let name = format!("{encoding}.{version}.parquet");
            same(&name, &mut Arrow::parquet(schema, file(&name)).unwrap(), &expected);
        }
    }
}

#[test]
fn what_is_written_here() {
    let (schema, batch) = expected();
    let folder = tempfile::tempdir().unwrap();
    let create = |name: &str| File::create(folder.path().join(name)).unwrap();
    CsvWriter::new(&schema, create("rows.csv")).write(&batch).unwrap();
    JsonLinesWriter::new(&schema, create("rows.jsonl")).write(&batch).unwrap();
    for (name, compression) in
        [("rows.tfrecord", Compression::None), ("rows.gzip.tfrecord", Compression::Gzip), ("rows.zlib.tfrecord", Compression::Zlib)]
    {
        let mut writer = ExampleWriter::new(&schema, create(name), compression);
        writer.write(&batch).unwrap();
        writer.finish().unwrap();
    }
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut python = Command::new(root.join(".venv/bin/python"));
    let output = python.arg(root.join("tests/peer/codecs.py")).arg("--read").arg(folder.path()).output().unwrap();
    assert!(output.status.success(), "{}", String::from_utf8_lossy(&output.stderr));
}
