//! The files that the ancestor saved: `[u64 name length][name][u64 count][f32 ...]` for each variable, and its server's
//! `[u64 key][u64 count][f32 ...]`, all little-endian.

use std::fs;
use std::path::Path;

use super::refuse;
use crate::error::{Error, ErrorKind, Result};

/// The variables of a file that the ancestor saved, in the file's order.
pub fn read_named(path: impl AsRef<Path>) -> Result<Vec<(String, Vec<f32>)>> {
    records(path.as_ref(), |reader| {
        let length = reader.count("the length of a name", 1)?;
        let name = reader.take(length)?;
        String::from_utf8(name.to_vec()).map_err(|_| "a name is not UTF-8".to_owned())
    })
}

/// The values of a file that the ancestor's server saved, by key, in the file's order.
pub fn read_keyed(path: impl AsRef<Path>) -> Result<Vec<(u64, Vec<f32>)>> {
    records(path.as_ref(), |reader| reader.number())
}

fn records<K>(path: &Path, key: impl Fn(&mut Reader<'_>) -> Result<K, String>) -> Result<Vec<(K, Vec<f32>)>> {
    let bytes = fs::read(path)
        .map_err(|error| Error::new(ErrorKind::Io, "read values", format!("{} cannot be read", path.display())).with_source(error))?;
    let mut reader = Reader { rest: &bytes };
    let mut found = Vec::new();
    while !reader.rest.is_empty() {
        let at = bytes.len() - reader.rest.len();
        let record = key(&mut reader).and_then(|key| Ok((key, reader.values()?)));
        found.push(record.map_err(|reason| refuse(format!("{}: the record at byte {at} cannot be read: {reason}", path.display())))?);
    }
    Ok(found)
}

struct Reader<'a> {
    rest: &'a [u8],
}

impl<'a> Reader<'a> {
    fn take(&mut self, bytes: usize) -> Result<&'a [u8], String> {
        let (taken, rest) =
            self.rest.split_at_checked(bytes).ok_or_else(|| format!("{bytes} bytes are missing, {} are there", self.rest.len()))?;
        self.rest = rest;
        Ok(taken)
    }

    fn number(&mut self) -> Result<u64, String> {
        let bytes = self.take(8)?;
        Ok(bytes.iter().rev().fold(0, |number, byte| number << 8 | u64::from(*byte)))
    }

    /// A number of things of this size, no more than the file holds: it may be no such file at all.
    fn count(&mut self, what: &str, size: usize) -> Result<usize, String> {
        let count = self.number()?;
        let fits = usize::try_from(count).ok().filter(|&count| count.checked_mul(size).is_some_and(|bytes| bytes <= self.rest.len()));
        fits.ok_or_else(|| format!("{what} is {count}, but only {} bytes follow", self.rest.len()))
    }

    fn values(&mut self) -> Result<Vec<f32>, String> {
        let count = self.count("the count", 4)?;
        Ok(self.take(4 * count)?.as_chunks().0.iter().copied().map(f32::from_le_bytes).collect())
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn file(bytes: &[u8]) -> tempfile::NamedTempFile {
        let file = tempfile::NamedTempFile::new().unwrap();
        fs::write(file.path(), bytes).unwrap();
        file
    }

    fn named(name: &[u8], count: u64, values: &[f32]) -> Vec<u8> {
        let values: Vec<u8> = values.iter().flat_map(|value| value.to_le_bytes()).collect();
        [&(name.len() as u64).to_le_bytes(), name, &count.to_le_bytes(), &values].concat()
    }

    #[test]
    fn records_one_after_the_other() {
        let bytes = [named(b"w", 2, &[1.0, -2.5]), named(b"dense/b", 0, &[])].concat();
        let found = read_named(file(&bytes).path()).unwrap();
        assert_eq!(found, [("w".to_owned(), vec![1.0, -2.5]), ("dense/b".to_owned(), vec![])]);
        assert!(read_named(file(b"").path()).unwrap().is_empty());
        let keyed = [7u64.to_le_bytes().as_slice(), &1u64.to_le_bytes(), &3f32.to_le_bytes()].concat();
        assert_eq!(read_keyed(file(&keyed).path()).unwrap(), [(7, vec![3.0])]);
    }

    #[test]
    fn what_is_no_such_file_is_refused_without_taking_memory() {
        let refused = |bytes: &[u8]| read_named(file(bytes).path()).unwrap_err().to_string();
        let good = named(b"w", 1, &[1.0]);
        assert!(refused(&[good.clone(), vec![1, 2]].concat()).contains("the record at byte 21 cannot be read: 8 bytes are missing"));
        assert!(refused(&named(b"w", 2, &[1.0])).contains("the count is 2, but only 4 bytes follow"));
        assert!(refused(&named(b"w", u64::MAX / 4 + 1, &[])).contains("but only 0 bytes follow"));
        assert!(refused(&named(b"\xff", 0, &[])).contains("a name is not UTF-8"));
        assert!(refused(&u64::MAX.to_le_bytes()).contains("the length of a name is 18446744073709551615"));
        assert_eq!(read_keyed("no such file").unwrap_err().kind(), ErrorKind::Io);
    }
}
