//! How many values a page says it has, looked at before it is believed: its reader takes memory for as many at once, and memory
//! that is not there ends the process. The format is described at <https://parquet.apache.org/docs/file-format/data-pages/>.

use std::sync::Arc;

use parquet::arrow::ProjectionMask;
use parquet::basic::{Compression, Encoding, Type};
use parquet::column::page::{Page, PageReader};
use parquet::errors::{ParquetError, Result};
use parquet::file::metadata::ColumnChunkMetaData;
use parquet::file::reader::ChunkReader;
use parquet::file::serialized_reader::SerializedPageReader;
use parquet::schema::types::{ColumnDescPtr, ColumnDescriptor, SchemaDescriptor};

/// The most bytes of the rows of a column that are decoded at once, where all values are of one width.
const WIDEST: usize = 1 << 30;

/// The most values of a column chunk of lists that no bytes are written for: runs of one value, and of nulls.
const REPEATED: u64 = 1 << 26;

/// The rows to decode at once: memory for the widest column is taken for all of them.
pub(super) fn rows_at_once(schema: &SchemaDescriptor, mask: &ProjectionMask, most: usize) -> usize {
    let leaves = schema.columns().iter().enumerate().filter(|(leaf, _)| mask.leaf_included(*leaf));
    let width = |column: &ColumnDescPtr| match column.physical_type() {
        Type::FIXED_LEN_BYTE_ARRAY => usize::try_from(column.type_length()).unwrap_or(0),
        _ => 0,
    };
    let widest = leaves.map(|(_, column)| width(column)).max().unwrap_or(0);
    most.min(WIDEST / widest.max(1)).max(1)
}

/// Refuses a chunk of a column if one of its pages says that it has more values than its bytes can hold.
pub(super) fn check<R: ChunkReader>(file: &Arc<R>, chunk: &ColumnChunkMetaData) -> Result<()> {
    let column = chunk.column_descr();
    // Most pages need not be decompressed to be judged.
    let as_written = chunk.clone().into_builder().set_compression(Compression::UNCOMPRESSED).build()?;
    let mut as_written = SerializedPageReader::new(Arc::clone(file), &as_written, 0, None)?;
    let mut pages = SerializedPageReader::new(Arc::clone(file), chunk, 0, None)?;
    let mut repeated = REPEATED;
    while let Some(written) = as_written.get_next_page()? {
        // A row of lists is read as a whole, however many pages and values it has.
        let is_long = column.max_rep_level() > 0 && u64::from(written.num_values()) > bits(&written);
        if !written.is_dictionary_page() && lists_of_lengths(&written) == 0 && !is_long {
            // Looking at it passes over pages of indexes, as getting does and skipping does not.
            pages.peek_next_page()?;
            pages.skip_next_page()?;
            continue;
        }
        let Some(page) = pages.get_next_page()? else { break };
        let values = u64::from(page.num_values());
        let is_possible = if page.is_dictionary_page() {
            values.saturating_mul(least_bits(column)) <= bits(&page)
        } else {
            let left = repeated.checked_sub(if is_long { values.saturating_sub(bits(&page)) } else { 0 });
            repeated = left.unwrap_or(0);
            left.is_some() && has_lengths(&page, column)
        };
        if !is_possible {
            let (name, bytes) = (column.path().string(), page.buffer().len());
            let context = format!("a page of the column {name} says that it has {values} values, which its {bytes} bytes cannot hold");
            return Err(ParquetError::General(context));
        }
    }
    Ok(())
}

fn bits(page: &Page) -> u64 {
    (page.buffer().len() as u64).saturating_mul(8)
}

/// What a value of a dictionary takes at least.
fn least_bits(column: &ColumnDescriptor) -> u64 {
    match column.physical_type() {
        Type::BOOLEAN => 1,
        Type::INT32 | Type::FLOAT | Type::BYTE_ARRAY => 32,
        Type::INT64 | Type::DOUBLE => 64,
        Type::INT96 => 96,
        Type::FIXED_LEN_BYTE_ARRAY => u64::try_from(column.type_length()).unwrap_or(0).saturating_mul(8),
    }
}

/// Strings in some encodings come after all their lengths, which are not bounded by the number of values.
fn lists_of_lengths(page: &Page) -> usize {
    match page.encoding() {
        Encoding::DELTA_LENGTH_BYTE_ARRAY => 1,
        Encoding::DELTA_BYTE_ARRAY => 2,
        _ => 0,
    }
}

/// Whether each of the lists of lengths of a page, if it has any, is whole and no longer than the page has values.
fn has_lengths(page: &Page, column: &ColumnDescriptor) -> bool {
    let lists = lists_of_lengths(page);
    let mut bytes = if lists == 0 { Some(&[][..]) } else { values(page, column) };
    (0..lists).all(|_| bytes.as_mut().and_then(deltas).is_some_and(|lengths| lengths <= page.num_values().into()))
}

/// What is behind the levels of a data page.
fn values<'a>(page: &'a Page, column: &ColumnDescriptor) -> Option<&'a [u8]> {
    match page {
        Page::DataPage { buf, num_values, def_level_encoding, rep_level_encoding, .. } => {
            let mut bytes = &buf[..];
            for (highest, encoding) in [(column.max_rep_level(), rep_level_encoding), (column.max_def_level(), def_level_encoding)] {
                if highest > 0 {
                    let length = match encoding {
                        Encoding::RLE => take(&mut bytes, 4)?.first_chunk().map(|length| u32::from_le_bytes(*length))?.into(),
                        _ => (u64::from(*num_values) * u64::from(highest.ilog2() + 1)).div_ceil(8),
                    };
                    take(&mut bytes, length)?;
                }
            }
            Some(bytes)
        }
        Page::DataPageV2 { buf, def_levels_byte_len, rep_levels_byte_len, .. } => {
            let levels = u64::from(*def_levels_byte_len) + u64::from(*rep_levels_byte_len);
            buf.get(usize::try_from(levels).ok()?..)
        }
        Page::DictionaryPage { .. } => None,
    }
}

/// Passes over integers in the encoding `DELTA_BINARY_PACKED`; how many they are.
fn deltas(bytes: &mut &[u8]) -> Option<u64> {
    let (block, miniblocks, count, _first) = (varint(bytes)?, varint(bytes)?, varint(bytes)?, varint(bytes)?);
    let in_miniblock = block.checked_div(miniblocks).filter(|values| *values > 0)?;
    let mut left = count.saturating_sub(1);
    while left > 0 {
        let _least = varint(bytes)?;
        for width in take(bytes, miniblocks)? {
            // The widths of miniblocks that are not there mean nothing.
            if left > 0 {
                take(bytes, in_miniblock.checked_mul((*width).into())? / 8)?;
            }
            left = left.saturating_sub(in_miniblock);
        }
    }
    Some(count)
}

fn varint(bytes: &mut &[u8]) -> Option<u64> {
    let mut number = 0;
    for shift in (0..u64::BITS).step_by(7) {
        let byte = *take(bytes, 1)?.first()?;
        number |= u64::from(byte & 0x7f) << shift;
        if byte < 0x80 {
            return Some(number);
        }
    }
    None
}

fn take<'a>(bytes: &mut &'a [u8], length: u64) -> Option<&'a [u8]> {
    let (taken, rest) = bytes.split_at_checked(usize::try_from(length).ok()?)?;
    *bytes = rest;
    Some(taken)
}

#[cfg(test)]
mod tests {
    use parquet::schema::parser::parse_message_type;

    use super::*;

    #[test]
    fn fewer_rows_of_a_wide_column_at_once() {
        let message = "message rows { required int64 a; optional fixed_len_byte_array(4194304) b; }";
        let schema = SchemaDescriptor::new(Arc::new(parse_message_type(message).unwrap()));
        let rows = |leaves: &[usize]| rows_at_once(&schema, &ProjectionMask::leaves(&schema, leaves.iter().copied()), 8192);
        assert_eq!([rows(&[0]), rows(&[1]), rows(&[0, 1])], [8192, 256, 256]);
    }
}
