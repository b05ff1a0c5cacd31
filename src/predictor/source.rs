//! Where versions come from, and how a host names one.

use std::fmt::{self, Debug};
use std::str::FromStr;

use super::serving::Serving;
use crate::error::{Error, Result};
use crate::snapshot::VersionId;

/// A place that versions appear in. Everything but [`Source::load`] is cheap enough to be asked once a second.
pub(super) trait Source: Debug + Send + Sync {
    /// The version to be at; `None` as long as there is none.
    fn newest(&self) -> Result<Option<VersionId>>;

    /// What to begin with as long as there is none.
    fn beginning(&self) -> Result<VersionId>;

    /// The versions to be at if the newest cannot be used, the best first.
    fn next_best(&self, newest: VersionId, current: Option<VersionId>) -> Result<Vec<VersionId>>;

    /// The version that a host means.
    fn resolve(&self, name: VersionName) -> Result<VersionId>;

    /// Whether it is there (still).
    fn has(&self, version: VersionId) -> bool;

    /// Changes while the version's files do, where they can.
    fn stamp(&self, _version: VersionId) -> Option<u64> {
        None
    }

    /// Reads and verifies a version.
    fn load(&self, version: VersionId) -> Result<Serving>;
}

/// How a host names a version, for instance in a control message: `00000000000000ab-120`, or `120`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum VersionName {
    /// The version itself.
    Id(VersionId),
    /// The number alone: of a numbered bundle, or of a version in the lineage that is the newest.
    Number(u64),
}

impl From<VersionId> for VersionName {
    fn from(id: VersionId) -> Self {
        Self::Id(id)
    }
}

impl From<u64> for VersionName {
    fn from(number: u64) -> Self {
        Self::Number(number)
    }
}

impl FromStr for VersionName {
    type Err = Error;

    fn from_str(text: &str) -> Result<Self> {
        match text.parse() {
            Ok(number) => Ok(Self::Number(number)),
            Err(_) => Ok(Self::Id(text.parse()?)),
        }
    }
}

impl fmt::Display for VersionName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Id(id) => write!(f, "{id}"),
            Self::Number(number) => write!(f, "{number}"),
        }
    }
}

/// The versions, for a message.
pub(super) fn listed(names: impl IntoIterator<Item = impl fmt::Display>) -> String {
    let names: Vec<String> = names.into_iter().map(|name| name.to_string()).collect();
    if names.is_empty() { "none".to_owned() } else { names.join(", ") }
}
