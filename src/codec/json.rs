//! JSON lines into batches.

use std::fmt;
use std::io::Read;

use serde::de::{DeserializeSeed, Deserializer, Error as _, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::decode::{Decode, counts};
use super::fields::Fields;
use super::lines::Lines;
use super::plan::{Plan, Target};
use super::refusals::{Place, Refusals};
use crate::batch::{Batch, RowBuilder, Value};
use crate::error::Result;

/// A decoder of JSON lines: one object on each line. Empty lines are skipped. `Send` if its reader is.
#[derive(Debug)]
pub struct JsonLines<R> {
    lines: Lines<R>,
    plan: Plan,
    seen: Vec<bool>,
    read: u64,
    refusals: Refusals,
}

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
/// A longer line is refused.
const LONGEST: usize = 16 << 20;

impl<R: Read> JsonLines<R> {
    /// Reads objects of these fields; they are a schema's if they need no change. A line longer than 16 MiB is refused.
    ///
    /// # Errors
    /// `InvalidInput` if the fields do not fit their schema.
    pub fn open(fields: impl Into<Fields>, reader: R) -> Result<Self> {
        let plan = Plan::new(fields.into())?;
        let seen = vec![false; plan.targets.len()];
        Ok(Self { lines: Lines::new(reader, LONGEST), plan, seen, read: 0, refusals: Refusals::default() })
    }

    /// Refuses lines of more bytes than this.
    #[must_use]
    pub fn longest_record(mut self, bytes: usize) -> Self {
        self.lines.set_longest(bytes);
        self
    }
}

impl<R: Read> Decode for JsonLines<R> {
    fn fill(&mut self, batch: &mut Batch, rows: usize) -> Result<usize> {
        let Self { lines, plan, seen, read, refusals } = self;
        let room = plan.room(batch, rows)?;
        let mut filled = 0;
        while filled < room {
            let Some((line, text)) = lines.next()? else { break };
            let text = text.map(|text| text.strip_prefix(if line == 1 { BYTE_ORDER_MARK } else { b"" }).unwrap_or(text));
            match text.and_then(|text| object(plan, seen, text, batch.row())) {
                Ok(false) => {}
                Ok(true) => (filled, *read) = (filled + 1, *read + 1),
                Err(reason) => refusals.add(Place::Line(line), reason),
            }
        }
        Ok(filled)
    }

    counts!();
}

/// Pushes the row that the text of an object makes; false if there is none.
fn object(plan: &Plan, seen: &mut [bool], text: &[u8], mut row: RowBuilder<'_>) -> Result<bool, String> {
    if text.trim_ascii().is_empty() {
        return Ok(false);
    }
    // What is skipped must be UTF-8 as well, and is not looked at again.
    let text = std::str::from_utf8(text).map_err(|error| format!("it is not UTF-8 from byte {} on", error.valid_up_to()))?;
    seen.fill(false);
    let mut json = serde_json::Deserializer::from_str(text);
    let record = Object { plan, seen: &mut *seen, row: &mut row };
    json.deserialize_map(record).and_then(|()| json.end()).map_err(|error| reason(&error))?;
    plan.push(row, seen)?;
    Ok(true)
}

/// Sets a field of several elements from the text of an array.
pub(super) fn list(target: &Target, row: &mut RowBuilder<'_>, text: &[u8]) -> Result<(), String> {
    let mut json = serde_json::Deserializer::from_slice(text);
    let mut elements = 0;
    let element = Element { target, row: &mut *row, at: &mut elements, nested: false };
    match element.deserialize(&mut json).and_then(|found| json.end().map(|()| found)).map_err(|error| reason(&error))? {
        Found::Null => Err("it is null".into()),
        Found::Whole => Ok(()),
        Found::Elements => target.close(row, elements),
    }
}

/// serde_json names the line of the text it was given, which is always the first.
fn reason(error: &serde_json::Error) -> String {
    let text = error.to_string();
    match text.split_once(" at line 1 column ") {
        Some((text, column)) => format!("{text} (column {column})"),
        None => text,
    }
}

struct Object<'a, 'b> {
    plan: &'a Plan,
    seen: &'a mut [bool],
    row: &'a mut RowBuilder<'b>,
}

impl<'de> Visitor<'de> for Object<'_, '_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        // The records of a stream mostly have their fields in one order.
        let mut next = 0;
        while let Some(found) = map.next_key_seed(Key { plan: self.plan, next })? {
            let Some(at) = found else {
                map.next_value::<IgnoredAny>()?;
                continue;
            };
            let target = &self.plan.targets[at];
            if std::mem::replace(&mut self.seen[at], true) {
                return Err(A::Error::custom(format_args!("{} is there twice", target.column)));
            }
            let mut elements = 0;
            match map.next_value_seed(Element { target, row: &mut *self.row, at: &mut elements, nested: false })? {
                Found::Null => self.seen[at] = false,
                Found::Whole => {}
                Found::Elements => target.close(self.row, elements).map_err(A::Error::custom)?,
            }
            next = at + 1;
        }
        Ok(())
    }
}

/// The target of a name; `None` if no field takes it.
struct Key<'a> {
    plan: &'a Plan,
    next: usize,
}

impl<'de> DeserializeSeed<'de> for Key<'_> {
    type Value = Option<usize>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl Visitor<'_> for Key<'_> {
    type Value = Option<usize>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a name")
    }

    fn visit_str<E: serde::de::Error>(self, name: &str) -> Result<Self::Value, E> {
        if self.plan.targets.get(self.next).is_some_and(|target| target.column == name) {
            return Ok(Some(self.next));
        }
        match self.plan.find(name) {
            None if self.plan.strict => Err(E::custom(format_args!("no field takes {name}"))),
            found => Ok(found),
        }
    }
}

/// What a field was given.
enum Found {
    Null,
    /// Its only value; it is set.
    Whole,
    /// Elements, that are to be closed.
    Elements,
}

/// Writes a value, or the elements of arrays within arrays, one after the other.
struct Element<'a, 'b> {
    target: &'a Target,
    row: &'a mut RowBuilder<'b>,
    at: &'a mut usize,
    nested: bool,
}

impl Element<'_, '_> {
    fn write<E: serde::de::Error>(self, value: &Value<'_>) -> Result<Found, E> {
        if !self.nested {
            return self.target.put(self.row, value).map(|()| Found::Whole).map_err(E::custom);
        }
        self.target.write(self.row, *self.at, value).map_err(E::custom)?;
        *self.at += 1;
        Ok(Found::Elements)
    }
}

impl<'de> DeserializeSeed<'de> for Element<'_, '_> {
    type Value = Found;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Found, D::Error> {
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Element<'_, '_> {
    type Value = Found;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} of {}", self.target.column, self.target.dtype)
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<Found, E> {
        if !self.nested {
            return Ok(Found::Null);
        }
        if !self.target.miss(self.row, *self.at).map_err(E::custom)? {
            return Err(E::custom(format_args!("{} has a null among its values", self.target.column)));
        }
        *self.at += 1;
        Ok(Found::Elements)
    }

    fn visit_bool<E: serde::de::Error>(self, value: bool) -> Result<Found, E> {
        self.write(&Value::Bool(value))
    }

    fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<Found, E> {
        self.write(&Value::Int(value.into()))
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<Found, E> {
        self.write(&Value::Int(value.into()))
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<Found, E> {
        self.write(&Value::Float(value))
    }

    fn visit_str<E: serde::de::Error>(self, value: &str) -> Result<Found, E> {
        self.write(&Value::Bytes(value.as_bytes()))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Found, A::Error> {
        let Self { target, row, at, .. } = self;
        while seq.next_element_seed(Element { target, row: &mut *row, at: &mut *at, nested: true })?.is_some() {}
        Ok(Found::Elements)
    }
}
