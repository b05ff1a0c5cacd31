//! Records into batches: options, refusals with their places, damaged and truncated streams.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

mod common;

use std::io::Read;

use common::records::{all, column, f32s, flights, gaps, ragged, schema, values};
use streamgrad::ErrorKind;
use streamgrad::codec::{
    Compression, Csv, CsvWriter, Decode, ExampleWriter, Examples, Fields, JsonLines, JsonLinesWriter, RecordReader, RecordWriter,
};

const GOOD: &str = "hour,wind,airline,late\n17,9.5,UA,1\n5,-0.25,\"B6, Inc.\",0\n";

#[test]
fn csv_with_options() {
    let schema = flights();
    let (plain, none) = all(&mut Csv::of(&schema).open(GOOD.as_bytes()).unwrap(), &schema, 1).unwrap();
    assert_eq!(none, [""; 0]);
    assert_eq!((f32s(&plain, 1), f32s(&plain, 3)), (vec![9.5, -0.25], vec![1.0, 0.0]));
    let same = |text: &str, builder: streamgrad::codec::CsvBuilder| {
        let (batch, refused) = all(&mut builder.open(text.as_bytes()).unwrap(), &schema, 100).unwrap();
        assert_eq!((values(&batch), refused.len()), (values(&plain), 0), "{text} {refused:?}");
    };
    same("\u{feff}more,late,airline,wind,hour\r\n\r\nx,1,UA,9.5,17\r\n,0,\"B6, Inc.\",-0.25,5", Csv::of(&schema));
    same("17\t9.5\tUA\t1\n5\t-0.25\tB6, Inc.\t0", Csv::of(&schema).delimiter(b'\t').columns(["hour", "wind", "airline", "late"]));
    let fields = Fields::of(&schema).rename("hour", "h").default("wind", -0.25).default("late", 1);
    same("h,wind,airline,late\n17,9.5,UA,NA\n5,NA,\"B6, Inc.\",0\n", Csv::of(fields).missing(["NA"]));
    let quotes = Csv::of(&schema).quoting(false).delimiter(b'|').open(&b"hour|wind|airline\n1|2|\"A\n"[..]);
    assert!(values(&all(&mut quotes.unwrap(), &schema, 9).unwrap().0)[2].contains("34, 65"));
}

#[test]
fn csv_refuses_records_and_goes_on() {
    let schema = flights();
    let text = "hour,wind,airline,late\n\
        17,a lot,UA,1\n\
        17,9.5,UA,1\n\
        \n\
        300,9.5,UA,1\n\
        17,9.5,UA\n\
        17,9.5,UA,1,2\n\
        17,,UA,1\n\
        17,inf,UA,1\n\
        17,9.5,UA,2\n\
        17,9.5,\"two\nlines\",1\n\
        17,1e40,UA,1\n\
        1.5,9.5,UA,1\n\
        \"17,9.5,UA,1\n";
    let mut csv = Csv::of(&schema).open(text.as_bytes()).unwrap();
    let (batch, refused) = all(&mut csv, &schema, 2).unwrap();
    assert_eq!(batch.rows(), 2);
    assert_eq!(csv.refusals().count(), refused.len() as u64);
    let expected = [
        "line 2: wind: \"a lot\" is not a float32",
        "line 5: hour: 300 does not fit int8",
        "line 6: it has 3 cells, not 4",
        "line 7: it has more than 4 cells",
        "line 8: wind is missing; give it a default, or leave the record out",
        "line 9: wind is not finite; leave the record out, or fill the gap before",
        "line 10: late must be from 0 to 1, it is 2",
        "line 13: wind is not finite; leave the record out, or fill the gap before",
        "line 14: hour: \"1.5\" is not a int8",
        "line 15: it has 1 cell, not 4",
    ];
    assert_eq!(refused, expected);
}

#[test]
fn records_without_a_label_are_refused_where_they_are_learned() {
    let schema = flights();
    let text = "hour,wind,airline,late\n17,9.5,UA,\n17,9.5,UA,1\n";
    let (batch, refused) = all(&mut Csv::of(&schema).open(text.as_bytes()).unwrap(), &schema, 9).unwrap();
    assert_eq!((batch.rows(), refused.len()), (2, 0), "to predict, none is needed");
    let labelled = || Fields::of(&schema).labelled();
    let (batch, refused) = all(&mut Csv::of(labelled()).open(text.as_bytes()).unwrap(), &schema, 9).unwrap();
    assert_eq!((batch.rows(), refused), (1, vec!["line 2: late is missing; a record without it can be predicted, not learned".to_owned()]));
    let json = r#"{"hour": 17, "wind": 9.5, "airline": "UA"}"#;
    let (_, refused) = all(&mut JsonLines::open(labelled(), json.as_bytes()).unwrap(), &schema, 9).unwrap();
    assert_eq!(refused, ["line 1: late is missing; a record without it can be predicted, not learned"]);
    let (batch, _) = all(&mut JsonLines::open(labelled().default("late", 0), json.as_bytes()).unwrap(), &schema, 9).unwrap();
    assert_eq!(f32s(&batch, 3), [0.0]);
    let error = Csv::of(labelled()).open(&b"hour,wind,airline\n"[..]).unwrap_err();
    assert!(error.to_string().contains("there is no column late"), "{error}");
}

#[test]
fn csv_bounds_a_quote_that_is_never_closed() {
    let schema = flights();
    let mut text = String::from("hour,wind,airline,late\n1,1,\"A,1\n");
    (0..1000).for_each(|_| text.push_str("2,2,UA,0\n"));
    let mut csv = Csv::of(&schema).longest_record(2000).open(text.as_bytes()).unwrap();
    let (batch, refused) = all(&mut csv, &schema, 50).unwrap();
    assert_eq!(refused, ["line 2: the record is longer than 2000 bytes; is a quote not closed?"]);
    assert!((700..800).contains(&batch.rows()), "{}", batch.rows());
    assert!(f32s(&batch, 1).iter().all(|wind| *wind == 2.0));
    // Cells without bytes are no way around the bound.
    let wide = format!("hour,wind,airline,late\n{}\n3,3,UA,0\n", ",".repeat(1 << 20));
    let (batch, refused) = all(&mut Csv::of(&schema).open(wide.as_bytes()).unwrap(), &schema, 50).unwrap();
    assert_eq!((batch.rows(), refused[0].as_str()), (1, "line 2: it has more than 4 cells"));
}

#[test]
fn csv_that_cannot_be_opened() {
    let schema = flights();
    let says = |fields: Fields, text: &str, what: &str| {
        let error = Csv::of(fields).open(text.as_bytes()).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::InvalidInput);
        assert!(error.to_string().contains(what), "{error}");
    };
    let fields = || Fields::of(&schema);
    says(fields(), "", "there is no header");
    says(fields(), "hour,airline\n", "there is no column wind");
    says(fields(), "hour,wind,wind,airline\n", "the column wind is there twice");
    says(fields().strict(), "hour,wind,airline,more\n", "no field takes the column more");
    says(fields().rename("gust", "wind"), GOOD, "no field gust");
    says(fields().rename("hour", "wind"), GOOD, "are both taken from wind");
    says(fields().default("hour", "noon"), GOOD, "does not fit int8");
    says(fields().default("late", 7), GOOD, "late must be from 0 to 1");
}

#[test]
fn several_values_in_csv() {
    let schema = schema(vec![column("at", "float32", &[2]), ragged("words", "string"), ragged("ids", "uint64")], vec![], None);
    let one = |text: &str| {
        let (batch, refused) = all(&mut Csv::of(&schema).open(text.as_bytes()).unwrap(), &schema, 9).unwrap();
        assert_eq!(refused, [""; 0], "{text}");
        values(&batch)
    };
    let expected = one("at,words,ids\n1;2,a;b,18446744073709551615\n");
    assert_eq!(expected, one("at.0,at.1,words,ids\n1,2,\"[\"\"a\"\",\"\"b\"\"]\",[18446744073709551615]\n"));
    let text = "at,words,ids\n1,a,1\n1;2;3,a,1\n\"[[1],[2]]\",[],[]\n\"[1,null]\",a,1\n\"[1,\",a,1\n1;2,,1\n1;2,a,-1\n";
    let (batch, refused) = all(&mut Csv::of(&schema).open(text.as_bytes()).unwrap(), &schema, 9).unwrap();
    assert_eq!((batch.rows(), refused.len()), (1, 6), "{refused:?}");
    assert_eq!(refused[0], "line 2: at takes 2 values, not 1");
    assert!(refused[2].starts_with("line 5: at has a null among its values"), "{refused:?}");
    assert!(refused[4].starts_with("line 7: words is missing"), "{refused:?}");
    assert_eq!(refused[5], "line 8: ids: -1 does not fit uint64");
}

#[test]
fn json_lines_refuse_records_and_go_on() {
    let schema = flights();
    let mut text =
        b"\xef\xbb\xbf{\"hour\": 17, \"wind\": 9.5, \"airline\": \"\\u00dcA\", \"late\": true, \"more\": {\"a\": [1]}}\n".to_vec();
    for line in [
        &b"{\"hour\": 17, \"wind\": "[..],
        b"[1, 2]",
        b"{\"hour\": 128, \"wind\": 1, \"airline\": \"A\"}",
        b"{\"hour\": 17.5, \"wind\": 1, \"airline\": \"A\"}",
        b"{\"hour\": 17, \"wind\": null, \"airline\": \"A\"}",
        b"{\"hour\": 17, \"hour\": 17, \"wind\": 1, \"airline\": \"A\"}",
        b"{\"hour\": 17, \"wind\": \"1\", \"airline\": \"A\"}",
        b"{\"hour\": 17, \"wind\": 1, \"airline\": \"\xff\"}",
        b"{\"hour\": 17, \"wind\": 1, \"airline\": \"A\"} x",
        b"{\"hour\": 17, \"wind\": [1, 2], \"airline\": \"A\"}",
        b"{\"hour\": 17, \"wind\": {}, \"airline\": \"A\"}",
        b"",
        b"{\"hour\": 17, \"wind\": 1e400, \"airline\": \"A\"}",
        b"{\"hour\": 17, \"wind\": 1, \"airline\": \"A\", \"late\": 2}",
        b"{\"hour\": 17, \"wind\": 1, \"airline\": \"A\", \"late\": null}\r",
    ] {
        text.extend_from_slice(line);
        text.push(b'\n');
    }
    let (batch, refused) = all(&mut JsonLines::open(&schema, &text[..]).unwrap(), &schema, 4).unwrap();
    assert_eq!(batch.rows(), 2);
    for (refused, (line, says)) in refused.iter().zip([
        (2, "EOF while parsing a value (column 21)"),
        (3, "invalid type: sequence, expected an object"),
        (4, "hour: 128 does not fit int8"),
        (5, "hour: 17.5 does not fit int8"),
        (6, "wind is missing"),
        (7, "hour is there twice"),
        (8, "wind: a string does not fit float32"),
        (9, "it is not UTF-8 from byte 36 on"),
        (10, "trailing characters"),
        (11, "wind takes one value, not 2 or more"),
        (12, "invalid type: map, expected wind of float32"),
        (14, "number out of range"),
        (15, "late must be from 0 to 1, it is 2"),
    ]) {
        assert!(refused.starts_with(&format!("line {line}: {says}")), "{refused} is not {line}: {says}");
    }
    assert_eq!(refused.len(), 13);
    let strict = Fields::of(&schema).strict();
    let (_, refused) = all(&mut JsonLines::open(strict, &text[..]).unwrap(), &schema, 4).unwrap();
    assert!(refused[0].starts_with("line 1: no field takes more"), "{}", refused[0]);
    let long = JsonLines::open(&schema, &text[..]).unwrap().longest_record(60);
    assert_eq!(all(&mut { long }, &schema, 4).unwrap().1[0], "line 1: the line is longer than 60 bytes");
    // Nesting without end does not end the program.
    let deep = "{\"more\":".to_owned() + &"[".repeat(1 << 20);
    assert_eq!(all(&mut JsonLines::open(&schema, deep.as_bytes()).unwrap(), &schema, 4).unwrap().1.len(), 1);
}

/// Three records, and where each begins.
fn records() -> (Vec<u8>, Vec<usize>) {
    let schema = flights();
    let batch = all(&mut Csv::of(&schema).open(GOOD.as_bytes()).unwrap(), &schema, 9).unwrap().0;
    let mut writer = ExampleWriter::new(&schema, Vec::new(), Compression::None);
    writer.write(&batch).unwrap();
    writer.write(&batch).unwrap();
    let file = writer.finish().unwrap();
    let mut starts = vec![0];
    while let Some(length) = file.get(starts[starts.len() - 1]..).and_then(|rest| rest.first_chunk::<8>()) {
        starts.push(starts[starts.len() - 1] + u64::from_le_bytes(*length) as usize + 16);
    }
    (file, starts)
}

#[test]
fn examples_refuse_records_and_go_on() {
    let (file, starts) = records();
    let schema = flights();
    let read = |file: &[u8]| all(&mut Examples::open(&schema, file, Compression::None).unwrap(), &schema, 3);
    assert_eq!(read(&file).unwrap().0.rows(), 4);
    let mut damaged = file.clone();
    damaged[starts[1] + 20] ^= 1;
    let (batch, refused) = read(&damaged).unwrap();
    assert_eq!((batch.rows(), refused), (3, vec![format!("offset {}: the record is damaged: its checksum is wrong", starts[1])]));
    damaged[starts[2]] ^= 1;
    let error = read(&damaged).unwrap_err();
    assert!(error.to_string().contains(&format!("the length at offset {} is damaged", starts[2])), "{error}");
    let mut other = RecordWriter::new(Vec::new(), Compression::None);
    let schemaless = schema_of_a_word();
    let mut writer = ExampleWriter::new(&schemaless, Vec::new(), Compression::None);
    let mut word = schemaless.batch();
    word.row().set("wind", "strong").unwrap().push().unwrap();
    writer.write(&word).unwrap();
    let written = writer.finish().unwrap();
    let mut reader = RecordReader::new(&written[..], Compression::None);
    let (_, record) = reader.next_record().unwrap().unwrap();
    for record in [record.unwrap(), b"", b"\xff\xff\xff", &[10, 0xff, 0xff, 0xff, 0xff, 0x07]] {
        other.write_record(record).unwrap();
    }
    let (batch, refused) = read(&other.finish().unwrap()).unwrap();
    assert_eq!(batch.rows(), 0);
    assert!(refused[0].ends_with("wind: a string does not fit float32"), "{refused:?}");
    assert!(refused[1].contains("hour is missing"), "{refused:?}");
    assert!(refused[2..].iter().all(|reason| reason.contains("it is no tf.train.Example")), "{refused:?}");
}

fn schema_of_a_word() -> std::sync::Arc<streamgrad::Schema> {
    schema(vec![column("wind", "string", &[])], vec![], None)
}

#[test]
fn lengths_of_gigabytes_and_bombs_are_skipped() {
    // 2 GiB that the file does not have.
    let mut writer = RecordWriter::new(Vec::new(), Compression::None);
    writer.write_record(b"").unwrap();
    let mut file = writer.finish().unwrap();
    let length = (2u64 << 30).to_le_bytes();
    let crc = crc32c::crc32c(&length).rotate_right(15).wrapping_add(0xa282_ead8);
    file.extend_from_slice(&length);
    file.extend_from_slice(&crc.to_le_bytes());
    let mut reader = RecordReader::new(&file[..], Compression::None);
    reader.next_record().unwrap().unwrap().1.unwrap();
    assert!(reader.next_record().unwrap_err().to_string().contains("within the record at offset 16"));
    // 4 MiB of zeros in a few kB are skipped, and what follows is read.
    let schema = flights();
    let mut writer = RecordWriter::new(Vec::new(), Compression::Gzip);
    writer.write_record(&vec![0; 4 << 20]).unwrap();
    let (records, starts) = records();
    writer.write_record(&records[12..starts[1] - 4]).unwrap();
    let bomb = writer.finish().unwrap();
    assert!(bomb.len() < 1 << 13);
    let mut decoder = Examples::open(&schema, &bomb[..], Compression::Gzip).unwrap().longest_record(1 << 20);
    let (batch, refused) = all(&mut decoder, &schema, 3).unwrap();
    assert_eq!((batch.rows(), refused), (1, vec!["offset 0: the record has 4194304 bytes, more than 1048576".to_owned()]));
}

#[test]
fn truncated_at_every_byte() {
    let (file, starts) = records();
    let schema = flights();
    for compression in [Compression::None, Compression::Gzip, Compression::Zlib] {
        let mut writer = RecordWriter::new(Vec::new(), compression);
        for bounds in starts.windows(2) {
            writer.write_record(&file[bounds[0] + 12..bounds[1] - 4]).unwrap();
        }
        let whole = writer.finish().unwrap();
        for end in 0..whole.len() {
            let read = all(&mut Examples::open(&schema, &whole[..end], compression).unwrap(), &schema, 3);
            let between = compression == Compression::None && starts.contains(&end);
            assert_eq!(read.is_ok(), between, "{compression:?} {end}");
        }
    }
    let json = "{\"hour\":17,\"wind\":9.5,\"airline\":\"Ü\",\"late\":1}\n";
    for end in 0..json.len() {
        let (batch, refused) = all(&mut JsonLines::open(&schema, &json.as_bytes()[..end]).unwrap(), &schema, 3).unwrap();
        assert_eq!(batch.rows() + refused.len(), usize::from(end > 0), "{end}");
    }
    for end in 0..GOOD.len() {
        if let Ok(mut csv) = Csv::of(&schema).open(&GOOD.as_bytes()[..end]) {
            let (batch, refused) = all(&mut csv, &schema, 3).unwrap();
            assert!(batch.rows() + refused.len() <= 2, "{end}");
        }
    }
}

#[test]
fn a_reader_that_fails() {
    struct Fails;
    impl Read for Fails {
        fn read(&mut self, _: &mut [u8]) -> std::io::Result<usize> {
            Err(std::io::Error::other("the disk is gone"))
        }
    }
    let schema = flights();
    let mut batch = schema.batch();
    let mut csv = Csv::of(&schema).open(GOOD.as_bytes().chain(Fails)).unwrap();
    let mut json = JsonLines::open(&schema, Fails).unwrap();
    let mut examples = Examples::open(&schema, Fails, Compression::Zlib).unwrap();
    let decoders: [&mut dyn Decode; 3] = [&mut csv, &mut json, &mut examples];
    for decoder in decoders {
        let error = decoder.fill(&mut batch, 9).unwrap_err();
        assert_eq!(error.kind(), ErrorKind::Io, "{error}");
        assert!(error.to_string().contains("the disk is gone"), "{error}");
    }
    // What came before the failure is in the batch.
    assert_eq!((batch.rows(), csv.read()), (2, 2));
}

#[test]
fn a_batch_that_does_not_fit() {
    let schema = flights();
    let mut csv = Csv::of(&schema).open(GOOD.as_bytes()).unwrap();
    let mut small = schema.batch_with_capacity(1);
    assert_eq!(csv.fill(&mut small, 100).unwrap(), 1);
    assert!(csv.fill(&mut small, 100).unwrap_err().to_string().contains("the batch is full"));
    assert!(csv.fill(&mut schema_of_a_word().batch(), 100).unwrap_err().to_string().contains("another bundle"));
    let mut uneven = schema.batch();
    uneven.set("wind", &[1.0f32]).unwrap();
    assert!(csv.fill(&mut uneven, 100).unwrap_err().to_string().contains("different numbers of rows"));
    assert_eq!((csv.fill(&mut schema.batch(), 100).unwrap(), csv.refusals().count()), (1, 0));
}

#[test]
fn what_may_be_missing_is_missing_in_every_format() {
    let schema = gaps();
    let text = "price,pair,word,hour\n1.5,1;2,a,3\n,,,4\n1.5,;2,a,5\n1,2;3,a,\n";
    let (batch, refused) = all(&mut Csv::of(&schema).open(text.as_bytes()).unwrap(), &schema, 9).unwrap();
    assert_eq!(refused, ["line 5: hour is missing; give it a default, or leave the record out"]);
    assert_eq!(f32s(&batch, 0).iter().map(|price| price.is_nan()).collect::<Vec<_>>(), [false, true, false]);
    let (gap, two) = (f64::NAN.to_le_bytes(), 2_f64.to_le_bytes());
    assert!(values(&batch)[1].ends_with(&format!("{:?}", [gap, gap, gap, two].concat())[1..]), "{}", values(&batch)[1]);
    assert_eq!(values(&batch)[2], "[[97], [], [97]]");
    let same = |decoder: &mut dyn FnMut() -> streamgrad::Result<(streamgrad::Batch, Vec<String>)>| {
        let (found, refused) = decoder().unwrap();
        assert_eq!((values(&found), refused.len()), (values(&batch), 0), "{refused:?}");
    };
    let wide = "word,pair.1,pair.0,price,hour\na,2,1,1.5,3\n,,,,4\na,2,,1.5,5\n";
    same(&mut || all(&mut Csv::of(&schema).open(wide.as_bytes())?, &schema, 9));
    let json = "{\"price\":1.5,\"pair\":[1,2],\"word\":\"a\",\"hour\":3}\n{\"hour\":4,\"price\":null}\n\
        {\"price\":1.5,\"pair\":[null,2],\"word\":\"a\",\"hour\":5}\n";
    same(&mut || all(&mut JsonLines::open(&schema, json.as_bytes())?, &schema, 9));
    // What was written is read again.
    let mut csv = CsvWriter::new(&schema, Vec::new());
    csv.write(&batch).unwrap();
    let csv = csv.into_inner();
    same(&mut || all(&mut Csv::of(&schema).open(&csv[..])?, &schema, 9));
    let mut lines = JsonLinesWriter::new(&schema, Vec::new());
    lines.write(&batch).unwrap();
    let lines = lines.into_inner();
    same(&mut || all(&mut JsonLines::open(&schema, &lines[..])?, &schema, 9));
    let mut examples = ExampleWriter::new(&schema, Vec::new(), Compression::None);
    examples.write(&batch).unwrap();
    let examples = examples.finish().unwrap();
    same(&mut || all(&mut Examples::open(&schema, &examples[..], Compression::None)?, &schema, 9));
    // A default goes before; a stream that does not know the field at all may only have misnamed it.
    let filled = Fields::of(&schema).default("price", 7).default("pair", 8);
    let (filled, _) = all(&mut Csv::of(filled).open(text.as_bytes()).unwrap(), &schema, 9).unwrap();
    assert_eq!(f32s(&filled, 0)[1], 7.0);
    let error = Csv::of(&schema).open(&b"cost,pair,word,hour\n"[..]).unwrap_err();
    assert!(error.to_string().contains("there is no column price"), "{error}");
}

#[test]
fn complex_numbers_have_no_form() {
    let schema = schema(vec![column("wave", "complex128", &[])], vec![], None);
    let error = JsonLines::open(&schema, &b"{}"[..]).unwrap_err();
    assert_eq!(error.kind(), ErrorKind::Unsupported);
    assert!(error.to_string().contains("wave is complex128, which no record has"), "{error}");
    let mut batch = schema.batch();
    batch.set("wave", &[streamgrad::tensor::Complex64::new(1.0, 2.0)]).unwrap();
    let error = CsvWriter::new(&schema, Vec::new()).write(&batch).unwrap_err();
    assert!(error.to_string().contains("wave is complex128, which no record has"), "{error}");
}
