//! A snapshot as one stream of bytes, for a place that takes no folder: a tar archive of its files.

use std::collections::BTreeMap;
use std::io;

use bytes::Bytes;
use tar::{EntryType, Header};

use super::manifest::{FileEntry, Head, Manifest, TensorEntry};
use super::read::{HASH, MANIFEST, stated_hash};
use super::tensors::{Encoded, Entry, File};
use crate::error::{Error, ErrorKind, Result};

const OPERATION: &str = "write checkpoint";

/// What everything in an archive begins at a multiple of.
const BLOCK: usize = 512;
static ZEROS: [u8; 2 * BLOCK] = [0; 2 * BLOCK];

/// The files of a complete snapshot, one behind the other, the manifest first. The bytes of the tensors are where they were.
#[derive(Debug)]
pub(crate) struct Archive {
    /// Each with the place where it begins.
    pieces: Vec<(u64, Bytes)>,
    bytes: u64,
}

impl Archive {
    /// Computes what each file's SHA-256 is; nothing else is done with the tensors.
    pub(crate) fn new(head: Head, entries: &[Entry]) -> Result<Self> {
        let (mut files, mut contents) = (BTreeMap::new(), Vec::new());
        for file in File::ALL {
            let stored: Vec<_> = entries.iter().filter(|entry| entry.file == file).collect();
            if !stored.is_empty() {
                let encoded = Encoded::new(&stored)?;
                files.insert(file, FileEntry { bytes: encoded.bytes(), sha256: encoded.sha256() });
                contents.push((file, encoded));
            }
        }
        let listed = entries.iter().map(|entry| TensorEntry::of(entry, false)).collect();
        let (json, sum) = Manifest::new(head, None, files, listed).seal(OPERATION)?;

        let mut archive = Self { pieces: Vec::new(), bytes: 0 };
        archive.add(MANIFEST, &[json.into()])?;
        archive.add(HASH, &[stated_hash(&sum).into()])?;
        for (file, encoded) in &contents {
            archive.add(file.name(), encoded.pieces())?;
        }
        archive.push(Bytes::from_static(&ZEROS));
        Ok(archive)
    }

    fn add(&mut self, name: &str, content: &[Bytes]) -> Result<()> {
        let length = content.iter().map(|piece| piece.len() as u64).sum();
        let header = header(name, length).map_err(|error| Error::new(ErrorKind::Internal, OPERATION, name).with_source(error))?;
        self.push(Bytes::copy_from_slice(&header));
        content.iter().for_each(|piece| self.push(piece.clone()));
        self.push(Bytes::from_static(&ZEROS[..padding(length)]));
        Ok(())
    }

    fn push(&mut self, piece: Bytes) {
        if !piece.is_empty() {
            let end = self.bytes + piece.len() as u64;
            self.pieces.push((self.bytes, piece));
            self.bytes = end;
        }
    }

    /// Some bytes of the stream from this place on; none at its end.
    pub(crate) fn at(&self, offset: u64) -> &[u8] {
        let next = self.pieces.partition_point(|(start, _)| *start <= offset);
        let piece = next.checked_sub(1).and_then(|index| self.pieces.get(index));
        piece.and_then(|(start, piece)| piece.get(usize::try_from(offset - start).ok()?..)).unwrap_or_default()
    }
}

/// An archive being read: nothing is accepted that [`Archive`] would not have written, byte for byte.
#[derive(Debug)]
pub(super) struct Unpacking {
    rest: Bytes,
}

impl Unpacking {
    pub(super) fn new(archive: Bytes) -> Self {
        Self { rest: archive }
    }

    /// The content of the next file, which must bear this name.
    pub(super) fn file(&mut self, name: &str) -> io::Result<Bytes> {
        let found = self.take(BLOCK as u64)?;
        let length = Header::from_byte_slice(&found).entry_size().map_err(|_| altered())?;
        if found != header(name, length)?[..] {
            return Err(altered());
        }
        let content = self.take(length)?;
        match self.take(padding(length) as u64)?.iter().all(|byte| *byte == 0) {
            true => Ok(content),
            false => Err(altered()),
        }
    }

    /// Makes sure that the archive ends here.
    pub(super) fn end(self) -> io::Result<()> {
        if self.rest == ZEROS[..] { Ok(()) } else { Err(altered()) }
    }

    fn take(&mut self, length: u64) -> io::Result<Bytes> {
        match usize::try_from(length) {
            Ok(length) if length <= self.rest.len() => Ok(self.rest.split_to(length)),
            _ => Err(io::Error::new(io::ErrorKind::UnexpectedEof, "the stream ends before it")),
        }
    }
}

fn altered() -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, "it is not what a checkpoint wrote there; it was altered or cut")
}

/// What stands before a file: the same in all archives, so that equal versions are equal bytes.
fn header(name: &str, length: u64) -> io::Result<[u8; BLOCK]> {
    let mut header = Header::new_ustar();
    header.set_path(name)?;
    header.set_entry_type(EntryType::Regular);
    header.set_size(length);
    header.set_mode(0o644);
    header.set_uid(0);
    header.set_gid(0);
    header.set_mtime(0);
    header.set_cksum();
    Ok(*header.as_bytes())
}

/// The zeros behind a file of this length.
fn padding(length: u64) -> usize {
    (length.wrapping_neg() % BLOCK as u64) as usize
}
