//! Tables into a snapshot, and out of it.

use std::sync::OnceLock;

use bytes::Bytes;
use parking_lot::Mutex;

use super::layout::Layout;
use super::tables::Tables;
use crate::error::{Error, ErrorKind, Result};
use crate::snapshot::{Entry, File, Snapshot, slot_name, table_name};
use crate::table::{Columns, ColumnsView, Cut, Table, TableSpec};
use crate::tensor::{DType, Element, bytes_of};

const IDS: &str = "ids";
const ROWS: &str = "rows";
const REMOVED: &str = "removed";
const SEEN: &str = "seen";
const COUNTS: &str = "counts";
const PLACES: &str = "places";
const HANDS: &str = "hands";
const SKETCH: &str = "sketch";

/// The tables of one version, as they were then. As long as they have not been read, steps save what they change.
#[derive(Debug)]
pub(super) struct Cuts {
    numbers: Vec<u32>,
    unread: Mutex<Vec<Cut>>,
    entries: OnceLock<Vec<Entry>>,
}

impl Cuts {
    /// Cuts all tables. The caller sees to it that no step falls between two of them.
    pub(super) fn new(tables: &Tables) -> Self {
        let cuts: Vec<_> = tables.iter().map(Table::cut).collect();
        Self { numbers: cuts.iter().map(Cut::number).collect(), unread: Mutex::new(cuts), entries: OnceLock::new() }
    }

    /// By which a later snapshot asks for what has changed since.
    pub(super) fn numbers(&self) -> &[u32] {
        &self.numbers
    }

    /// The cuts themselves, for who reads the tables in another way; none once they were read.
    pub(super) fn take(&self) -> Vec<Cut> {
        std::mem::take(&mut *self.unread.lock())
    }

    /// The tensors of all tables; of what changed since earlier cuts, where their numbers are given and the table can tell. The first
    /// call reads the tables, and what it found is what later ones get.
    pub(super) fn entries(&self, layout: &Layout, since: Option<&[u32]>) -> &[Entry] {
        self.entries.get_or_init(|| {
            let all = self.take().into_iter().zip(&layout.tables).enumerate().flat_map(|(index, (cut, table))| {
                let columns = cut.columns(since.and_then(|since| since.get(index)).copied());
                let slots = layout.optimizer.slots(layout.parameters.len() + index).iter().map(|slot| slot.name);
                entries(&table.spec.name, table.spec.dim, slots, columns)
            });
            all.collect()
        })
    }
}

fn entries<'s>(table: &str, dim: usize, slots: impl Iterator<Item = &'s str>, columns: Columns) -> Vec<Entry> {
    let Columns { since, ids, rows, slots: values, seen, counts, places, removed, hands, sketch } = columns;
    let changes = since.is_some();
    let (count, row) = (vec![ids.len()], vec![ids.len(), dim]);
    let of_rows = |file, what: &str, shape: &[usize], (dtype, data)| {
        let name = table_name(table, what);
        Entry { file, name, dtype, shape: shape.to_vec(), changes, data }
    };
    let mut entries = vec![
        of_rows(File::Model, IDS, &count, bytes(ids)),
        of_rows(File::Model, ROWS, &row, bytes(rows)),
        of_rows(File::Training, SEEN, &count, bytes(seen)),
        of_rows(File::Training, COUNTS, &count, bytes(counts)),
        of_rows(File::Training, PLACES, &count, bytes(places)),
    ];
    entries.extend(slots.zip(values).map(|(name, values)| {
        let (dtype, data) = bytes(values);
        Entry { file: File::Training, name: slot_name(name, table), dtype, shape: row.clone(), changes, data }
    }));
    entries.push(of_rows(File::Model, REMOVED, &[removed.len()], bytes(removed)));
    for (what, length, (dtype, data)) in [(HANDS, hands.len(), bytes(hands)), (SKETCH, sketch.len(), bytes(sketch))] {
        entries.push(Entry { file: File::Training, name: table_name(table, what), dtype, shape: vec![length], changes: false, data });
    }
    entries
}

/// Elements where they are.
fn bytes<T: Element>(values: Vec<T>) -> (DType, Bytes) {
    struct Held<T>(Vec<T>);
    impl<T: Element> AsRef<[u8]> for Held<T> {
        fn as_ref(&self) -> &[u8] {
            bytes_of(&self.0)
        }
    }
    (T::DTYPE, Bytes::from_owner(Held(values)))
}

/// The numbers of a row of this table in a snapshot, if it has the table.
pub(super) fn dim(snapshot: &Snapshot, table: &str) -> Option<usize> {
    snapshot.tensor(File::Model, &table_name(table, ROWS)).and_then(|(_, shape, _)| shape.get(1).copied())
}

/// Fills tables with what a snapshot has of them: all of it, to go on learning, or no more than what predicts.
pub(super) fn load(snapshot: &Snapshot, tables: &Tables, to_learn: bool) -> Result<()> {
    tables.iter().try_for_each(|table| load_one(table, snapshot, to_learn))
}

/// Fills one table: with what the complete snapshot has, then with the changes of each delta above it.
pub(super) fn load_one(table: &Table, snapshot: &Snapshot, to_learn: bool) -> Result<()> {
    let TableSpec { name, dim, .. } = table.spec();
    let invalid = |what: String| {
        let context = format!("version {} {what}: table {name} with rows of {dim}; restore another version", snapshot.version());
        Error::new(ErrorKind::InvalidSnapshot, "resume", context)
    };
    let parts = |file, tensor: String| match snapshot.parts(file, &tensor) {
        parts if parts.is_empty() => Err(invalid(format!("lacks {tensor}"))),
        parts => Ok(parts.into_iter().map(|(.., bytes)| bytes).collect::<Vec<_>>()),
    };
    let model = |what| parts(File::Model, table_name(name, what));
    let training = |tensor| if to_learn { parts(File::Training, tensor) } else { Ok(Vec::new()) };
    let ids = numbers(&model(IDS)?, u64::from_le_bytes);
    let rows = numbers(&model(ROWS)?, f32::from_le_bytes);
    let removed = numbers(&model(REMOVED)?, u64::from_le_bytes);
    let seen = numbers(&training(table_name(name, SEEN))?, u64::from_le_bytes);
    let counts = numbers(&training(table_name(name, COUNTS))?, u32::from_le_bytes);
    let places = numbers(&training(table_name(name, PLACES))?, u32::from_le_bytes);
    let hands = numbers(&training(table_name(name, HANDS))?, u32::from_le_bytes);
    let sketch = training(table_name(name, SKETCH))?;
    let slots = table.slots().iter().map(|slot| Ok(numbers(&training(slot_name(slot.name, name))?, f32::from_le_bytes)));
    let slots = slots.collect::<Result<Vec<_>>>()?;
    for part in 0..ids.len() {
        let is_last = part + 1 == ids.len();
        let (Some(rows), Some(removed)) = (rows.get(part), removed.get(part)) else {
            return Err(invalid("has ids without rows".into()));
        };
        let view = ColumnsView {
            ids: &ids[part],
            rows,
            slots: slots.iter().filter_map(|slot| slot.get(part)).map(Vec::as_slice).collect(),
            seen: seen.get(part).map_or(&[], Vec::as_slice),
            counts: counts.get(part).map_or(&[], Vec::as_slice),
            places: places.get(part).map_or(&[], Vec::as_slice),
            removed,
            hands: hands.last().filter(|_| is_last).map_or(&[], Vec::as_slice),
            sketch: sketch.last().copied().filter(|_| is_last).unwrap_or_default(),
        };
        table.load(&view).map_err(|error| invalid("cannot be taken in".into()).with_source(error))?;
    }
    Ok(())
}

/// Little-endian numbers, wherever they lie; a rest that is none is left to whoever compares lengths.
fn numbers<T, const N: usize>(parts: &[&[u8]], number: fn([u8; N]) -> T) -> Vec<Vec<T>> {
    parts.iter().map(|bytes| bytes.as_chunks().0.iter().copied().map(number).collect()).collect()
}
