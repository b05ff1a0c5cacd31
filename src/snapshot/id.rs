//! Which version of which line of learning.

use std::fmt;
use std::str::FromStr;

use serde::{Deserialize, Serialize};

use crate::error::{Error, ErrorKind, Result};

/// An unbroken line of versions, each made from the one before it. A store that goes back to an older version, or that
/// begins from other parameters, begins a new one; so two snapshots with one name never differ. Steps that were lost with a
/// process were never saved: what is learned instead of them may bear their names.
///
/// A random number, written as 16 hexadecimal digits.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Lineage(u64);

impl Lineage {
    /// A lineage that no store has yet.
    pub fn random() -> Result<Self> {
        let number = getrandom::u64().map_err(|error| {
            Error::new(ErrorKind::Io, "begin lineage", "the operating system gave no random number").with_source(error.to_string())
        })?;
        Ok(Self(number))
    }

    /// The number itself.
    pub fn number(self) -> u64 {
        self.0
    }

    /// The lineage of this number, as [`Lineage::number`] gave it.
    pub fn from_number(number: u64) -> Self {
        Self(number)
    }
}

impl fmt::Display for Lineage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:016x}", self.0)
    }
}

impl fmt::Debug for Lineage {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for Lineage {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let lineage = u64::from_str_radix(text, 16).ok().map(Self);
        // Only the one way to write it, so that no two folders are one version.
        lineage.filter(|lineage| lineage.to_string() == text).ok_or_else(|| unreadable(text))
    }
}

impl TryFrom<String> for Lineage {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<Lineage> for String {
    fn from(lineage: Lineage) -> Self {
        lineage.to_string()
    }
}

/// The name of a version: its lineage, and the steps that it counts. Written `<lineage>-<number>`.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct VersionId {
    /// The line of learning.
    pub lineage: Lineage,
    /// The steps since the bundle's own values.
    pub number: u64,
}

impl VersionId {
    /// The version that a bundle's own values are: its lineage is the beginning of the bundle's identity, so it has the same name
    /// in every process.
    pub(crate) fn of_bundle(identity: &str, number: u64) -> Self {
        let head = identity.get(..16).and_then(|head| u64::from_str_radix(head, 16).ok());
        Self { lineage: Lineage(head.unwrap_or_default()), number }
    }
}

impl fmt::Display for VersionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}-{}", self.lineage, self.number)
    }
}

impl fmt::Debug for VersionId {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl FromStr for VersionId {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        let (lineage, number) = text.split_once('-').ok_or_else(|| unreadable(text))?;
        let id = Self { lineage: lineage.parse()?, number: number.parse().map_err(|_| unreadable(text))? };
        if id.to_string() == text { Ok(id) } else { Err(unreadable(text)) }
    }
}

impl TryFrom<String> for VersionId {
    type Error = Error;

    fn try_from(text: String) -> Result<Self> {
        text.parse()
    }
}

impl From<VersionId> for String {
    fn from(id: VersionId) -> Self {
        id.to_string()
    }
}

fn unreadable(text: &str) -> Error {
    Error::input("read version", format!("give a lineage of 16 lower-case hexadecimal digits, a hyphen and a number: {text:?}"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_version_has_one_way_to_be_written() {
        let id = VersionId { lineage: Lineage(0xab), number: 120 };
        assert_eq!(id.to_string(), "00000000000000ab-120");
        assert_eq!("00000000000000ab-120".parse::<VersionId>().unwrap(), id);
        for wrong in
            ["", "-", "ab-120", "00000000000000AB-120", "00000000000000ab-0120", "00000000000000ab-+1", "00000000000000ab-1/..", "é-1"]
        {
            assert!(wrong.parse::<VersionId>().is_err(), "{wrong}");
        }
    }
}
