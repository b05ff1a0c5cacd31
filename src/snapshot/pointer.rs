//! The file that names the version saved last.

use std::fmt;

use super::VersionId;

/// A version and the SHA-256 of its manifest.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Pointer {
    pub(super) version: VersionId,
    pub(super) manifest: String,
}

impl Pointer {
    /// `None` if it is anything else than what its `Display` writes.
    pub(super) fn parse(bytes: &[u8]) -> Option<Self> {
        let (version, manifest) = std::str::from_utf8(bytes).ok()?.strip_suffix('\n')?.split_once(' ')?;
        let pointer = Self { version: version.parse().ok()?, manifest: manifest.to_owned() };
        let hash = |text: &str| text.len() == 64 && text.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f'));
        hash(manifest).then_some(pointer)
    }
}

impl fmt::Display for Pointer {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        writeln!(f, "{} {}", self.version, self.manifest)
    }
}
