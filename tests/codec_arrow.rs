//! Arrow and Parquet into batches, and batches in a host's memory.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::io::Cursor;
use std::sync::Arc;

use arrow_array::types::Int32Type;
use arrow_array::{
    Array, ArrayRef, BooleanArray, DictionaryArray, FixedSizeListArray, Float16Array, Float32Array, Float64Array, Int8Array, Int64Array,
    ListArray, RecordBatch, StringArray, StructArray, TimestampMillisecondArray, UInt64Array,
};
use arrow_data::ffi::FFI_ArrowArray;
use arrow_schema::ffi::FFI_ArrowSchema;
use common::records::{all, column, f32s, flights, gaps, ragged, schema, values};
use streamgrad::codec::{Arrow, ArrowBatch, Fields};
use streamgrad::tensor::{bf16, f16};
use streamgrad::{BatchView, ColumnData, Schema};

fn batch(columns: Vec<(&str, ArrayRef)>) -> RecordBatch {
    RecordBatch::try_from_iter_with_nullable(columns.into_iter().map(|(name, array)| (name, array, true))).unwrap()
}

fn airlines(rows: usize) -> ArrayRef {
    Arc::new(StringArray::from_iter_values((0..rows).map(|row| ["UA", "", "Ünited"][row % 3])))
}

/// Five rows, all of the dtypes' own types.
fn plain() -> RecordBatch {
    batch(vec![
        ("late", Arc::new(Float32Array::from(vec![1.0, 0.0, 1.0, 0.0, 1.0])) as ArrayRef),
        ("hour", Arc::new(Int8Array::from(vec![1, 2, 3, 4, 5]))),
        ("wind", Arc::new(Float32Array::from(vec![0.5, 1.5, 2.5, 3.5, 4.5]))),
        ("airline", airlines(5)),
    ])
}

fn stream(batches: &[RecordBatch]) -> Vec<u8> {
    let mut writer = arrow_ipc::writer::StreamWriter::try_new(Vec::new(), &batches[0].schema()).unwrap();
    batches.iter().for_each(|batch| writer.write(batch).unwrap());
    writer.into_inner().unwrap()
}

fn file(batch: &RecordBatch) -> Vec<u8> {
    let mut writer = arrow_ipc::writer::FileWriter::try_new(Vec::new(), &batch.schema()).unwrap();
    writer.write(batch).unwrap();
    writer.into_inner().unwrap()
}

fn parquet(batch: &RecordBatch) -> Vec<u8> {
    let mut writer = parquet::arrow::ArrowWriter::try_new(Vec::new(), batch.schema(), None).unwrap();
    writer.write(batch).unwrap();
    writer.into_inner().unwrap()
}

/// The same record batch in each format.
fn decoders(schema: &Arc<Schema>, record: &RecordBatch) -> [Arrow; 3] {
    [
        Arrow::stream(schema, Cursor::new(stream(std::slice::from_ref(record)))).unwrap(),
        Arrow::file(schema, Cursor::new(file(record))).unwrap(),
        Arrow::parquet(schema, bytes::Bytes::from(parquet(record))).unwrap(),
    ]
}

#[test]
fn every_format_gives_the_same_rows() {
    let schema = flights();
    let (one_by_one, _) = all(&mut Arrow::stream(&schema, Cursor::new(stream(&[plain(), plain()]))).unwrap(), &schema, 1).unwrap();
    assert_eq!(one_by_one.rows(), 10);
    assert_eq!(f32s(&one_by_one, 1)[3..7], [3.5, 4.5, 0.5, 1.5]);
    let (at_once, _) = all(&mut Arrow::stream(&schema, Cursor::new(stream(&[plain(), plain()]))).unwrap(), &schema, 100).unwrap();
    assert_eq!(values(&at_once), values(&one_by_one));
    for mut decoder in decoders(&schema, &plain()) {
        let (read, refused) = all(&mut decoder, &schema, 2).unwrap();
        assert_eq!((read.rows(), refused.len()), (5, 0));
        assert_eq!(f32s(&read, 3), [1.0, 0.0, 1.0, 0.0, 1.0]);
    }
}

#[test]
fn rows_are_refused_and_the_others_read() {
    let schema = flights();
    let record = batch(vec![
        ("hour", Arc::new(Int64Array::from(vec![Some(1), Some(300), Some(3), None, Some(5), Some(6)])) as ArrayRef),
        ("wind", Arc::new(Float64Array::from(vec![0.5, 1.5, f64::NAN, 3.5, 4.5, 5.5]))),
        ("airline", airlines(6)),
        ("late", Arc::new(BooleanArray::from(vec![Some(true), Some(false), Some(true), Some(true), Some(true), None]))),
        ("more", Arc::new(Int64Array::from(vec![0; 6]))),
    ]);
    for mut decoder in decoders(&schema, &record) {
        let (read, refused) = all(&mut decoder, &schema, 4).unwrap();
        assert_eq!((read.rows(), f32s(&read, 1).len()), (3, 3));
        let [hour, wind, missing] = &refused[..] else { panic!("{refused:?}") };
        assert_eq!(hour, "row 1: hour: 300 does not fit int8");
        assert!(wind.starts_with("row 2: wind is not finite"), "{wind}");
        assert!(missing.starts_with("row 3: hour is missing"), "{missing}");
    }
    let filled = Fields::of(&schema).default("hour", 9).default("late", 0);
    let mut decoder = Arrow::stream(filled, Cursor::new(stream(&[record]))).unwrap();
    let (read, _) = all(&mut decoder, &schema, 4).unwrap();
    assert_eq!((read.rows(), f32s(&read, 3)), (4, vec![1.0, 1.0, 1.0, 0.0]));
}

#[test]
fn types_of_every_kind() {
    let schema = schema(
        vec![
            column("at", "float32", &[2]),
            ragged("ids", "uint64"),
            ragged("words", "string"),
            column("when", "int64", &[]),
            column("kind", "string", &[]),
            column("yes", "bool", &[]),
        ],
        vec![],
        None,
    );
    let list = |lengths: [usize; 3], values: ArrayRef| -> ArrayRef {
        let field = Arc::new(arrow_schema::Field::new("item", values.data_type().clone(), true));
        Arc::new(ListArray::new(field, arrow_buffer::OffsetBuffer::from_lengths(lengths), values, None))
    };
    let field = Arc::new(arrow_schema::Field::new("item", arrow_schema::DataType::Float32, true));
    let pairs = FixedSizeListArray::new(field, 2, Arc::new(Float32Array::from(vec![1., 2., 3., 4., 5., 6.])), None);
    let kinds: DictionaryArray<Int32Type> = vec!["a", "b", "a"].into_iter().collect();
    let record = batch(vec![
        ("at", Arc::new(pairs) as ArrayRef),
        ("ids", list([1, 0, 2], Arc::new(UInt64Array::from(vec![u64::MAX, 1, 2])))),
        ("words", list([0, 3, 0], Arc::new(StringArray::from(vec!["x", "", "Ü"])))),
        ("when", Arc::new(TimestampMillisecondArray::from(vec![1_700_000_000_000, 0, -1]))),
        ("kind", Arc::new(kinds)),
        ("yes", Arc::new(BooleanArray::from(vec![true, false, true]))),
    ]);
    let expected = {
        let mut expected = schema.batch();
        type Row<'r> = ([f32; 2], &'r [u64], &'r [&'r str], i64, &'r str, bool);
        let rows: [Row<'_>; 3] = [
            ([1., 2.], &[u64::MAX], &[], 1_700_000_000_000, "a", true),
            ([3., 4.], &[], &["x", "", "Ü"], 0, "b", false),
            ([5., 6.], &[1, 2], &[], -1, "a", true),
        ];
        for (at, ids, words, when, kind, yes) in rows {
            let row = expected.row().set("at", &at).unwrap().set("ids", ids).unwrap().set("words", words).unwrap();
            row.set("when", when).unwrap().set("kind", kind).unwrap().set("yes", yes).unwrap().push().unwrap();
        }
        values(&expected)
    };
    for mut decoder in decoders(&schema, &record) {
        let (read, refused) = all(&mut decoder, &schema, 2).unwrap();
        assert_eq!((values(&read), refused), (expected.clone(), vec![]));
    }
    let simple = record.project(&[0, 1, 3, 5]).unwrap();
    let fields = Fields::of(&schema).default("words", &[] as &[&str]).default("kind", "c");
    assert_eq!(all(&mut Arrow::stream(fields, Cursor::new(stream(&[simple]))).unwrap(), &schema, 9).unwrap().0.rows(), 3);
}

#[test]
fn what_cannot_be_opened() {
    let schema = flights();
    let says = |fields: Fields, record: &RecordBatch, what: &str| {
        let error = Arrow::stream(fields, Cursor::new(stream(std::slice::from_ref(record)))).unwrap_err();
        assert!(error.to_string().contains(what), "{error}");
    };
    says(Fields::of(&schema), &plain().project(&[0, 1, 3]).unwrap(), "there is no column wind");
    says(Fields::of(&schema).rename("late", "x").strict(), &plain(), "no field takes the column late");
    let structs: ArrayRef = Arc::new(StructArray::from(plain()));
    let fields = Fields::of(&schema).default("airline", "").default("wind", 0.0);
    says(fields, &batch(vec![("hour", structs)]), "no dtype is made of");
}

#[test]
fn truncated_or_damaged_at_every_byte() {
    let schema = flights();
    let read =
        |decoder: streamgrad::Result<Arrow>| decoder.and_then(|mut decoder| all(&mut decoder, &schema, 2)).map(|(batch, _)| batch.rows());
    let (stream, file, parquet) = (stream(&[plain(), plain()]), file(&plain()), parquet(&plain()));
    std::panic::set_hook(Box::new(|_| {}));
    for end in 0..stream.len() {
        // An end between two messages is an end: a stream need not say that it is over.
        assert!(read(Arrow::stream(&schema, Cursor::new(stream[..end].to_vec()))).map_or(true, |rows| rows <= 10));
    }
    for end in 0..file.len() {
        assert!(read(Arrow::file(&schema, Cursor::new(file[..end].to_vec()))).is_err(), "{end}");
    }
    for end in 0..parquet.len() {
        assert!(read(Arrow::parquet(&schema, bytes::Bytes::copy_from_slice(&parquet[..end]))).is_err(), "{end}");
    }
    for at in 0..stream.len() {
        let mut stream = stream.clone();
        stream[at] ^= 0x81;
        let _either = read(Arrow::stream(&schema, Cursor::new(stream)));
    }
    for at in 0..parquet.len() {
        let mut parquet = parquet.clone();
        parquet[at] ^= 0x81;
        let _either = read(Arrow::parquet(&schema, bytes::Bytes::from(parquet)));
    }
    let _ours = std::panic::take_hook();
}

/// As a host hands it over.
fn exported(record: RecordBatch) -> (FFI_ArrowArray, FFI_ArrowSchema) {
    arrow_array::ffi::to_ffi(&StructArray::from(record).into_data()).unwrap()
}

#[test]
fn imported_in_place() {
    let schema = flights();
    let record = plain();
    let wind = record.column(2).to_data().buffers()[0].as_ptr();
    let (mut array, mut described) = exported(record);
    // SAFETY: both were just exported.
    let imported = unsafe { ArrowBatch::import(&schema, &raw mut array, &raw mut described) }.unwrap();
    assert!(imported.is_in_place() && array.is_released());
    let view = imported.view();
    let ColumnData::Bytes(bytes) = view.columns()[1] else { panic!() };
    assert_eq!((bytes.as_ptr(), bytes.len(), view.rows()), (wind, 20, 5));
    let ColumnData::Strings { bytes, places } = view.columns()[2] else { panic!() };
    assert_eq!((&bytes[..2], places[2]), (&b"UA"[..], (2, 7)));
    // SAFETY: they are released, which is what is tested.
    assert!(unsafe { ArrowBatch::import(&schema, &raw mut array, &raw mut described) }.unwrap_err().to_string().contains("released"));
    // SAFETY: a null pointer is never read.
    assert!(unsafe { ArrowBatch::import(&schema, std::ptr::null_mut(), &raw mut described) }.is_err());
    // A slice of a record batch begins elsewhere.
    let (mut array, mut described) = exported(plain().slice(1, 3));
    // SAFETY: both were just exported.
    let sliced = unsafe { ArrowBatch::import(&schema, &raw mut array, &raw mut described) }.unwrap();
    let ColumnData::Bytes(bytes) = sliced.view().columns()[1] else { panic!() };
    assert_eq!(bytes, [1.5f32, 2.5, 3.5].map(f32::to_le_bytes).concat());
}

#[test]
fn halves_are_copied_or_rounded() {
    let schema = schema(vec![column("half", "float16", &[]), column("brain", "bfloat16", &[])], vec![], None);
    let halves = [1.5, -65504.0, 0.1].map(f16::from_f32);
    let brain = [1.5, 1e38, 0.1];
    let wanted = [halves.map(f16::to_le_bytes).concat(), brain.map(bf16::from_f32).map(bf16::to_le_bytes).concat()];
    let wanted = wanted.map(|bytes| format!("{bytes:?}"));
    let record = |half: ArrayRef| batch(vec![("half", half), ("brain", Arc::new(Float32Array::from(brain.to_vec())))]);
    let own: ArrayRef = Arc::new(Float16Array::from(halves.to_vec()));
    let wide: ArrayRef = Arc::new(Float64Array::from(vec![1.5, -65504.0, 0.1]));
    for half in [own.clone(), wide] {
        for mut decoder in decoders(&schema, &record(half)) {
            assert_eq!(values(&all(&mut decoder, &schema, 9).unwrap().0), wanted);
        }
    }
    let pair = |half| batch(vec![("half", half), ("brain", Arc::new(Float16Array::from(halves.to_vec())) as ArrayRef)]);
    assert_eq!(BatchView::from(&ArrowBatch::of(&schema, &pair(own)).unwrap()).rows(), 3);
    let mut beyond = Arrow::stream(&schema, Cursor::new(stream(&[record(Arc::new(Float32Array::from(vec![1.0, 65520.0, 2.0])))]))).unwrap();
    let (read, refused) = all(&mut beyond, &schema, 9).unwrap();
    assert_eq!((read.rows(), &refused[0][..]), (2, "row 1: half: 65520 does not fit float16"));
}

#[test]
fn imported_by_copying() {
    let schema = flights();
    let columns = vec![
        ("hour", Arc::new(Int64Array::from(vec![1, 300, 3])) as ArrayRef),
        ("wind", Arc::new(Float32Array::from(vec![0.5, 1.5, f32::NAN]))),
        ("airline", airlines(3)),
    ];
    let imported = ArrowBatch::of(&schema, &batch(columns)).unwrap();
    let view = BatchView::from(&imported);
    assert_eq!((imported.is_in_place(), view.rows(), imported.refusals().count()), (false, 1, 2));
    assert!(matches!(view.columns()[3], ColumnData::Missing { .. } | ColumnData::Absent));
    let (mut array, mut described) = arrow_array::ffi::to_ffi(&Int64Array::from(vec![1]).into_data()).unwrap();
    // SAFETY: both were just exported.
    let error = unsafe { ArrowBatch::import(&schema, &raw mut array, &raw mut described) }.unwrap_err();
    assert!(error.to_string().contains("it is no record batch"), "{error}");
}

#[test]
fn nulls_are_what_may_be_missing() {
    let schema = gaps();
    let pairs = |pairs: Vec<Option<Vec<Option<f64>>>>| -> ArrayRef {
        Arc::new(ListArray::from_iter_primitive::<arrow_array::types::Float64Type, _, _>(pairs))
    };
    let some = batch(vec![
        ("price", Arc::new(Float32Array::from(vec![Some(1.5), None, Some(1.5)])) as ArrayRef),
        ("pair", pairs(vec![Some(vec![Some(1.0), Some(2.0)]), None, Some(vec![None, Some(2.0)])])),
        ("word", Arc::new(StringArray::from(vec![Some("a"), None, Some("a")]))),
        ("hour", Arc::new(Int8Array::from(vec![3, 4, 5]))),
    ]);
    // Columns of nulls alone, and none else: all rows at once.
    let none = batch(vec![
        ("price", arrow_array::new_null_array(&arrow_schema::DataType::Float32, 2)),
        ("pair", arrow_array::new_null_array(&arrow_schema::DataType::Null, 2)),
        ("word", arrow_array::new_null_array(&arrow_schema::DataType::Utf8, 2)),
        ("hour", Arc::new(Int8Array::from(vec![6, 7]))),
    ]);
    for (record, text) in [(some, "price,pair,word,hour\n1.5,1;2,a,3\n,,,4\n1.5,;2,a,5\n"), (none, "price,pair,word,hour\n,,,6\n,,,7\n")] {
        let (wanted, _) = all(&mut streamgrad::codec::Csv::of(&schema).open(text.as_bytes()).unwrap(), &schema, 9).unwrap();
        let (found, refused) = all(&mut Arrow::stream(&schema, Cursor::new(stream(&[record]))).unwrap(), &schema, 9).unwrap();
        assert_eq!((values(&found), refused.len()), (values(&wanted), 0), "{refused:?}");
    }
    let hours = batch(vec![
        ("price", arrow_array::new_null_array(&arrow_schema::DataType::Float32, 1)),
        ("pair", pairs(vec![None])),
        ("word", airlines(1)),
        ("hour", arrow_array::new_null_array(&arrow_schema::DataType::Int8, 1)),
    ]);
    let (_, refused) = all(&mut Arrow::stream(&schema, Cursor::new(stream(&[hours]))).unwrap(), &schema, 9).unwrap();
    assert_eq!(refused, ["row 0: hour is missing; give it a default, or leave the record out"]);
}

#[test]
fn sizes_that_cannot_be_are_refused_before_they_are_believed() {
    for (seed, reason) in [
        ("no-memory-lz4", "a compressed buffer says"),
        ("metadata-beyond-its-end", "a compressed buffer says"),
        ("block-beyond-the-end", "beyond the file"),
    ] {
        let told = causes(&Arrow::file(&flights(), Cursor::new(fuzz_seed("arrow_file", seed))).unwrap_err());
        assert!(told.contains(reason), "{seed}: {told}");
    }
}

/// In some encodings the lengths of all strings come first, which are looked at.
#[test]
fn strings_of_every_parquet_encoding() {
    use parquet::basic::{Compression, Encoding, ZstdLevel};
    use parquet::file::properties::{WriterProperties, WriterVersion};
    let schema = schema(vec![column("c", "string", &[]), ragged("e", "string")], vec![], None);
    let text = |row: usize| (row % 7 != 3).then(|| "Ü".repeat(row % 50) + &row.to_string());
    let texts: [Vec<Option<String>>; 3] = [vec![None; 40], (0..3000).map(text).collect(), vec![Some(String::new()); 40]];
    for (texts, encoding, version) in texts.iter().flat_map(|texts| {
        [Encoding::DELTA_LENGTH_BYTE_ARRAY, Encoding::DELTA_BYTE_ARRAY, Encoding::PLAIN]
            .into_iter()
            .flat_map(move |encoding| [WriterVersion::PARQUET_1_0, WriterVersion::PARQUET_2_0].map(|version| (texts, encoding, version)))
    }) {
        let mut lists = arrow_array::builder::ListBuilder::new(arrow_array::builder::StringBuilder::new());
        for list in 0..texts.len() {
            lists.append_value(texts.iter().flatten().take(list % 3).map(Some));
        }
        let rows = batch(vec![("c", Arc::new(StringArray::from(texts.clone())) as ArrayRef), ("e", Arc::new(lists.finish()))]);
        let properties = WriterProperties::builder().set_dictionary_enabled(false).set_encoding(encoding).set_writer_version(version);
        let properties = properties.set_compression(Compression::ZSTD(ZstdLevel::default())).set_data_page_row_count_limit(500).build();
        let mut writer = parquet::arrow::ArrowWriter::try_new(Vec::new(), rows.schema(), Some(properties)).unwrap();
        writer.write(&rows).unwrap();
        let fields = Fields::of(&schema).default("c", "none");
        let mut decoder = Arrow::parquet(fields, bytes::Bytes::from(writer.into_inner().unwrap())).unwrap();
        let (read, refused) = all(&mut decoder, &schema, 100).unwrap();
        let mut expected = schema.batch_with_capacity(texts.len());
        for (row, text) in texts.iter().enumerate() {
            let words: Vec<&str> = texts.iter().flatten().take(row % 3).map(String::as_str).collect();
            let row = expected.row().set("c", text.as_deref().unwrap_or("none")).unwrap();
            row.set("e", &*words).unwrap().push().unwrap();
        }
        assert_eq!((values(&read), refused), (values(&expected), vec![]), "{encoding} {version:?} {}", texts.len());
    }
}

#[test]
fn pages_that_cannot_be_are_refused_before_they_are_believed() {
    let features = vec![column("a", "float32", &[]), column("c", "string", &[]), ragged("d", "int32")];
    let schema = schema(features, vec![column("y", "float32", &[])], None);
    for (seed, column) in [
        ("no-dictionary-of-gigabytes", "d.list.element"),
        ("no-delta-length-byte-array", "c"),
        ("no-delta-byte-array", "c"),
        ("no-list-of-gigabytes", "d.list.element"),
    ] {
        let mut decoder = Arrow::parquet(&schema, bytes::Bytes::from(fuzz_seed("parquet", seed))).unwrap();
        let told = causes(&all(&mut decoder, &schema, 9).unwrap_err());
        assert!(told.contains(&format!("a page of the column {column} says that it has")), "{seed}: {told}");
    }
}

fn fuzz_seed(target: &str, seed: &str) -> Vec<u8> {
    std::fs::read(std::path::Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/seeds").join(target).join(seed)).unwrap()
}

fn causes(error: &dyn std::error::Error) -> String {
    let told = std::iter::successors(Some(error), |error| error.source());
    told.map(ToString::to_string).collect::<Vec<_>>().join("; ")
}
