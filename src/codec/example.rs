//! `tf.train.Example` in TFRecord files, into batches.

// Field numbers of tensorflow/core/example/{example,feature}.proto. A feature's values go from the record into the column;
// messages decoded as such would be a map with a list for each feature.

use std::io::Read;

use prost::bytes::Buf;
use prost::encoding::{WireType, decode_key, decode_varint};

use super::decode::{Decode, counts};
use super::fields::Fields;
use super::plan::{Plan, Target};
use super::record_file::{Compression, RecordReader};
use super::refusals::Refusals;
use crate::batch::{Batch, RowBuilder, Value};
use crate::error::Result;

/// A decoder of `tf.train.Example` records in a TFRecord file. `Send` if its reader is.
#[derive(Debug)]
pub struct Examples<R> {
    records: RecordReader<R>,
    plan: Plan,
    seen: Vec<bool>,
    scratch: Scratch,
    read: u64,
    refusals: Refusals,
}

impl<R: Read> Examples<R> {
    /// Reads examples of these fields; they are a schema's if they need no change. A record of more than 64 MiB is refused.
    ///
    /// # Errors
    /// `InvalidInput` if the fields do not fit their schema.
    pub fn open(fields: impl Into<Fields>, reader: R, compression: Compression) -> Result<Self> {
        let plan = Plan::new(fields.into())?;
        let (records, seen) = (RecordReader::new(reader, compression), vec![false; plan.targets.len()]);
        Ok(Self { records, plan, seen, scratch: Scratch::default(), read: 0, refusals: Refusals::default() })
    }

    /// Refuses records of more bytes than this: they are skipped, never held.
    #[must_use]
    pub fn longest_record(mut self, bytes: usize) -> Self {
        self.records = self.records.longest_record(bytes);
        self
    }
}

impl<R: Read> Decode for Examples<R> {
    fn fill(&mut self, batch: &mut Batch, rows: usize) -> Result<usize> {
        let Self { records, plan, seen, scratch, read, refusals } = self;
        let room = plan.room(batch, rows)?;
        let mut filled = 0;
        while filled < room {
            let Some((place, record)) = records.next_record()? else { break };
            match record.and_then(|record| example(plan, seen, scratch, record, batch.row())) {
                Ok(()) => (filled, *read) = (filled + 1, *read + 1),
                Err(reason) => refusals.add(place, reason),
            }
        }
        Ok(filled)
    }

    counts!();
}

/// The numbers of one feature.
#[derive(Debug, Default)]
struct Scratch {
    floats: Vec<f32>,
    ints: Vec<i64>,
}

/// What a feature holds, as far as it was read.
#[derive(Clone, Copy, PartialEq)]
enum Kind {
    Nothing,
    /// So many strings, already written.
    Strings(usize),
    Floats,
    Ints,
}

fn example(plan: &Plan, seen: &mut [bool], scratch: &mut Scratch, record: &[u8], mut row: RowBuilder<'_>) -> Result<(), String> {
    seen.fill(false);
    // Records of one writer mostly have their features in one order.
    let mut next = 0;
    each_message(record, |tag, features| match tag {
        1 => each_message(features, |tag, entry| match tag {
            1 => self::entry(plan, seen, scratch, entry, &mut row, &mut next),
            _ => Ok(()),
        }),
        _ => Ok(()),
    })?;
    plan.push(row, seen)
}

/// One entry of the map from names to features.
fn entry(
    plan: &Plan,
    seen: &mut [bool],
    scratch: &mut Scratch,
    entry: &[u8],
    row: &mut RowBuilder<'_>,
    next: &mut usize,
) -> Result<(), String> {
    let (mut name, mut feature): (&[u8], &[u8]) = (&[], &[]);
    each_message(entry, |tag, bytes| {
        match tag {
            1 => name = bytes,
            2 => feature = bytes,
            _ => {}
        }
        Ok(())
    })?;
    let at = match plan.targets.get(*next) {
        Some(target) if target.column.as_bytes() == name => *next,
        _ => match std::str::from_utf8(name).ok().and_then(|name| plan.find(name)) {
            Some(at) => at,
            None if plan.strict => return Err(format!("no field takes {}", String::from_utf8_lossy(name))),
            None => return Ok(()),
        },
    };
    *next = at + 1;
    let target = &plan.targets[at];
    seen[at] = self::feature(target, scratch, feature, row).map_err(|reason| target.named(reason))?;
    Ok(())
}

/// Sets the field of a feature; false if it holds nothing.
fn feature(target: &Target, scratch: &mut Scratch, feature: &[u8], row: &mut RowBuilder<'_>) -> Result<bool, String> {
    let mut kind = Kind::Nothing;
    each_message(feature, |tag, list| {
        kind = match (tag, kind) {
            (1, Kind::Strings(strings)) => self::strings(target, list, row, strings)?,
            (1, _) => self::strings(target, list, row, 0)?,
            (2, _) => {
                if kind != Kind::Floats {
                    scratch.floats.clear();
                }
                floats(list, &mut scratch.floats)?
            }
            (3, _) => {
                if kind != Kind::Ints {
                    scratch.ints.clear();
                }
                ints(list, &mut scratch.ints)?
            }
            _ => kind,
        };
        Ok(())
    })?;
    match kind {
        Kind::Nothing => return Ok(false),
        Kind::Strings(strings) => target.close(row, strings)?,
        Kind::Floats => target.put(row, &Value::F32s(&scratch.floats))?,
        Kind::Ints => target.put(row, &Value::I64s(&scratch.ints))?,
    }
    Ok(true)
}

fn strings(target: &Target, list: &[u8], row: &mut RowBuilder<'_>, mut at: usize) -> Result<Kind, String> {
    each_message(list, |tag, string| {
        if tag == 1 {
            target.write(row, at, &Value::Bytes(string))?;
            at += 1;
        }
        Ok(())
    })?;
    Ok(Kind::Strings(at))
}

fn floats(list: &[u8], floats: &mut Vec<f32>) -> Result<Kind, String> {
    each_part(list, |part| {
        match part {
            (1, Part::Bytes(packed)) if packed.len().is_multiple_of(4) => {
                floats.extend(packed.chunks_exact(4).map(|mut float| float.get_f32_le()));
            }
            (1, Part::Fixed32(bits)) => floats.push(f32::from_bits(bits)),
            (1, _) => return Err("its float_list is damaged".into()),
            _ => {}
        }
        Ok(())
    })?;
    Ok(Kind::Floats)
}

fn ints(list: &[u8], ints: &mut Vec<i64>) -> Result<Kind, String> {
    each_part(list, |part| {
        match part {
            (1, Part::Bytes(mut packed)) => {
                while !packed.is_empty() {
                    ints.push(varint(&mut packed)?.cast_signed());
                }
            }
            (1, Part::Varint(int)) => ints.push(int.cast_signed()),
            (1, _) => return Err("its int64_list is damaged".into()),
            _ => {}
        }
        Ok(())
    })?;
    Ok(Kind::Ints)
}

/// The value of a field of a message.
enum Part<'a> {
    Bytes(&'a [u8]),
    Varint(u64),
    Fixed32(u32),
    Fixed64,
}

fn damaged(error: impl std::fmt::Display) -> String {
    format!("it is no tf.train.Example: {error}")
}

fn varint(bytes: &mut &[u8]) -> Result<u64, String> {
    decode_varint(bytes).map_err(damaged)
}

/// Calls this for the fields of a message whose values are messages or bytes.
fn each_message<'a>(message: &'a [u8], mut call: impl FnMut(u32, &'a [u8]) -> Result<(), String>) -> Result<(), String> {
    each_part(message, |(tag, part)| match part {
        Part::Bytes(bytes) => call(tag, bytes),
        _ => Ok(()),
    })
}

fn each_part<'a>(mut message: &'a [u8], mut call: impl FnMut((u32, Part<'a>)) -> Result<(), String>) -> Result<(), String> {
    while !message.is_empty() {
        let (tag, wire) = decode_key(&mut message).map_err(damaged)?;
        let part = match wire {
            WireType::Varint => Part::Varint(varint(&mut message)?),
            WireType::LengthDelimited => {
                let length = usize::try_from(varint(&mut message)?).unwrap_or(usize::MAX);
                let (bytes, rest) = message.split_at_checked(length).ok_or_else(|| damaged("it is cut off"))?;
                message = rest;
                Part::Bytes(bytes)
            }
            WireType::ThirtyTwoBit if message.len() >= 4 => Part::Fixed32(message.get_u32_le()),
            WireType::SixtyFourBit if message.len() >= 8 => {
                message.advance(8);
                Part::Fixed64
            }
            _ => return Err(damaged("it is cut off, or has a group")),
        };
        call((tag, part))?;
    }
    Ok(())
}
