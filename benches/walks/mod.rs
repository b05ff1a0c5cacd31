//! The rivals of the decoders: the crate below each, walking the same bytes into plain vectors. Nothing is checked that the
//! crate does not check.

#![allow(missing_docs, unreachable_pub, reason = "a part of a benchmark")]
#![allow(clippy::unwrap_used, reason = "a benchmark may panic")]

#[cfg(feature = "parquet")]
pub mod record_batches;

use std::collections::HashMap;

use prost::Message;
use serde::Deserialize;

pub const NUMBERS: usize = 8;

#[derive(Default)]
pub struct Columns {
    numbers: [Vec<f32>; NUMBERS],
    counts: [Vec<i64>; 3],
    airlines: Vec<u8>,
    places: Vec<(u32, u32)>,
}

impl Columns {
    pub fn rows(&self) -> usize {
        self.places.len()
    }

    pub fn clear(&mut self) {
        self.numbers.iter_mut().for_each(Vec::clear);
        self.counts.iter_mut().for_each(Vec::clear);
        self.airlines.clear();
        self.places.clear();
    }

    fn airline(&mut self, airline: &[u8]) {
        self.places.push((self.airlines.len() as u32, airline.len() as u32));
        self.airlines.extend_from_slice(airline);
    }
}

pub fn csv(text: &[u8], columns: &mut Columns) {
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

pub fn json(text: &[u8], columns: &mut Columns) {
    for line in text.split(|&byte| byte == b'\n').filter(|line| !line.is_empty()) {
        let r: Record<'_> = serde_json::from_slice(line).unwrap();
        let numbers = [r.number_0, r.number_1, r.number_2, r.number_3, r.number_4, r.number_5, r.number_6, r.number_7];
        columns.numbers.iter_mut().zip(numbers).for_each(|(column, number)| column.push(number));
        columns.counts.iter_mut().zip([r.count_0, r.count_1, r.count_2]).for_each(|(column, count)| column.push(count));
        columns.airline(r.airline.as_bytes());
    }
}

// The messages of tensorflow/core/example/{example,feature}.proto.
#[derive(Clone, PartialEq, Message)]
struct Example {
    #[prost(message, optional, tag = "1")]
    features: Option<Features>,
}

#[derive(Clone, PartialEq, Message)]
struct Features {
    #[prost(map = "string, message", tag = "1")]
    feature: HashMap<String, Feature>,
}

#[derive(Clone, PartialEq, Message)]
struct Feature {
    #[prost(oneof = "Kind", tags = "1, 2, 3")]
    kind: Option<Kind>,
}

#[derive(Clone, PartialEq, prost::Oneof)]
enum Kind {
    #[prost(message, tag = "1")]
    Bytes(BytesList),
    #[prost(message, tag = "2")]
    Floats(FloatList),
    #[prost(message, tag = "3")]
    Ints(Int64List),
}

#[derive(Clone, PartialEq, Message)]
struct BytesList {
    #[prost(bytes = "vec", repeated, tag = "1")]
    value: Vec<Vec<u8>>,
}

#[derive(Clone, PartialEq, Message)]
struct FloatList {
    #[prost(float, repeated, tag = "1")]
    value: Vec<f32>,
}

#[derive(Clone, PartialEq, Message)]
struct Int64List {
    #[prost(int64, repeated, tag = "1")]
    value: Vec<i64>,
}

/// Takes the records out of the file without looking at its checksums.
pub fn examples(mut file: &[u8], columns: &mut Columns) {
    const NUMBER: [&str; NUMBERS] = ["number_0", "number_1", "number_2", "number_3", "number_4", "number_5", "number_6", "number_7"];
    while let Some((header, rest)) = file.split_first_chunk::<12>() {
        let length = u64::from_le_bytes(*header.first_chunk().unwrap()) as usize;
        let features = Example::decode(&rest[..length]).unwrap().features.unwrap().feature;
        for (column, name) in columns.numbers.iter_mut().zip(NUMBER) {
            let Some(Kind::Floats(list)) = &features[name].kind else { continue };
            column.push(list.value[0]);
        }
        for (column, name) in columns.counts.iter_mut().zip(["count_0", "count_1", "count_2"]) {
            let Some(Kind::Ints(list)) = &features[name].kind else { continue };
            column.push(list.value[0]);
        }
        if let Some(Kind::Bytes(list)) = &features["airline"].kind {
            columns.airline(&list.value[0]);
        }
        file = &rest[length + 4..];
    }
}
