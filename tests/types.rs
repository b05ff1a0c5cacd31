//! `docs/types.md`: the table of types in Rust, in C and in Arrow is what the code does. Flink's table has a test in Java.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::collections::HashMap;
use std::fmt::Write as _;
use std::io::Cursor;
use std::path::Path;
use std::sync::Arc;

use arrow_array::{
    ArrayRef, BinaryArray, BinaryViewArray, FixedSizeBinaryArray, LargeBinaryArray, LargeStringArray, RecordBatch, StringArray,
    StringViewArray, make_array,
};
use arrow_buffer::Buffer;
use arrow_data::ArrayData;
use arrow_schema::{DataType, TimeUnit};
use common::records::{all, column, schema};
use streamgrad::codec::Arrow;

/// Set to write the table instead of comparing it.
const WRITE: &str = "STREAMGRAD_WRITE_TYPES";
const BEGIN: &str = "<!-- written by tests/types.rs -->\n";
const END: &str = "<!-- end of tests/types.rs -->";

/// A column of one zero.
fn zero(data_type: DataType) -> ArrayRef {
    make_array(ArrayData::builder(data_type).len(1).add_buffer(Buffer::from(vec![0_u8; 16])).build().unwrap())
}

/// Arrow's types in groups, of which each fills the same dtypes.
fn groups() -> Vec<(&'static str, Vec<ArrayRef>)> {
    use DataType::{
        Boolean, Date32, Date64, Duration, Float16, Float32, Float64, Int8, Int16, Int32, Int64, Time32, Time64, Timestamp, UInt8, UInt16,
        UInt32, UInt64,
    };
    use TimeUnit::{Microsecond, Millisecond, Nanosecond, Second};
    let zeros = |types: &[DataType]| types.iter().cloned().map(zero).collect();
    let times = [Second, Millisecond, Microsecond, Nanosecond].into_iter().flat_map(|unit| [Timestamp(unit, None), Duration(unit)]);
    let days = [Date32, Date64, Time32(Second), Time32(Millisecond), Time64(Microsecond), Time64(Nanosecond)];
    vec![
        ("Boolean", zeros(&[Boolean])),
        ("Int8 ... Int64, UInt8 ... UInt64", zeros(&[Int8, Int16, Int32, Int64, UInt8, UInt16, UInt32, UInt64])),
        ("Float16, Float32, Float64", zeros(&[Float16, Float32, Float64])),
        ("Date, Time, Timestamp, Duration", times.chain(days).map(zero).collect()),
        (
            "Utf8 and Binary, their large and view kinds, FixedSizeBinary",
            vec![
                Arc::new(StringArray::from(vec!["0"])),
                Arc::new(LargeStringArray::from(vec!["0"])),
                Arc::new(StringViewArray::from(vec!["0"])),
                Arc::new(BinaryArray::from_vec(vec![b"0"])),
                Arc::new(LargeBinaryArray::from_vec(vec![b"0"])),
                Arc::new(BinaryViewArray::from(vec![&b"0"[..]])),
                Arc::new(FixedSizeBinaryArray::try_from_iter([b"0"].into_iter()).unwrap()),
            ],
        ),
    ]
}

/// Whether a column of this dtype takes the value.
fn fills(dtype: &str, array: &ArrayRef) -> bool {
    let schema = schema(vec![column("x", dtype, &[])], vec![column("label", "float32", &[])], None);
    let record = RecordBatch::try_from_iter([("x", array.clone())]).unwrap();
    let mut writer = arrow_ipc::writer::StreamWriter::try_new(Vec::new(), &record.schema()).unwrap();
    writer.write(&record).unwrap();
    let Ok(mut decoder) = Arrow::stream(&schema, Cursor::new(writer.into_inner().unwrap())) else { return false };
    all(&mut decoder, &schema, 1).unwrap().0.rows() == 1
}

/// The groups that fill this dtype; of a group either all types do or none.
fn arrow(dtype: &str) -> String {
    let filling = groups().into_iter().filter(|(group, arrays)| {
        let filling = arrays.iter().filter(|array| fills(dtype, array)).count();
        assert!(filling == 0 || filling == arrays.len(), "{dtype} takes a part of {group}");
        filling > 0
    });
    let filling: Vec<&str> = filling.map(|(group, _)| group).collect();
    if filling.is_empty() { "refused".into() } else { filling.join(", ") }
}

fn source(path: &str) -> String {
    std::fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join(path)).unwrap()
}

/// TensorFlow's name, its number, and Rust's type of each dtype, in the order of the numbers.
fn dtypes() -> Vec<(String, u32, Option<String>)> {
    let source = source("src/tensor/dtype.rs");
    let lines = source.split("\ndtypes! {\n").nth(1).unwrap().split("\n}").next().unwrap().lines();
    let dtypes: Vec<_> = lines
        .filter(|line| !line.trim_start().starts_with("//"))
        .map(|line| {
            let words: Vec<&str> = line.trim().trim_end_matches(';').split(' ').collect();
            (words[1].trim_matches('"').to_owned(), words[2].parse().unwrap(), words.get(3).map(|word| (*word).to_owned()))
        })
        .collect();
    assert!(dtypes.is_sorted_by_key(|(_, number, _)| *number));
    dtypes
}

/// C's constant and what it says of its elements, by number.
fn c() -> HashMap<u32, (String, String)> {
    let source = source("src/capi/dtype.rs");
    let lines: Vec<&str> = source.lines().collect();
    let constants = lines.windows(2).filter_map(|pair| {
        let (name, number) = pair[1].strip_prefix("pub const ")?.split_once(": sg_dtype = ")?;
        let element = pair[0].strip_prefix("/// ")?.trim_end_matches('.');
        Some((number.trim_end_matches(';').parse().unwrap(), (name.to_owned(), element.to_owned())))
    });
    constants.collect()
}

fn table() -> String {
    let mut table = "| TensorFlow | number | Rust | C | filled from Arrow and Parquet |\n|---|---|---|---|---|\n".to_owned();
    let c = c();
    for (name, number, rust) in dtypes() {
        let (constant, element) = &c[&number];
        let rust = rust.unwrap_or_else(|| "[u8]".into());
        writeln!(table, "| {name} | {number} | `{rust}` | `{constant}`: {element} | {} |", arrow(&name)).unwrap();
    }
    table
}

#[test]
fn the_page_has_the_table_of_the_code() {
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/types.md");
    let page = std::fs::read_to_string(&path).unwrap();
    let (head, rest) = page.split_once(BEGIN).unwrap();
    let (written, tail) = rest.split_once(END).unwrap();
    let table = table();
    if std::env::var_os(WRITE).is_some() {
        std::fs::write(&path, format!("{head}{BEGIN}{table}{END}{tail}")).unwrap();
    } else {
        assert!(written == table, "run `make types`: docs/types.md is not what the code says, which is\n{table}");
    }
}
