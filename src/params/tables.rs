//! The embedding tables of a model, and the rows of them that one batch needs.

use std::sync::Arc;
use std::time::SystemTime;

use super::layout::{Layout, TableLayout};
use crate::batch::{BatchView, Schema};
use crate::error::{Error, Result};
use crate::optimizer::{RowsStep, Slot};
use crate::table::{Expiry, Moment, Pulled, Table, append_ids};
use crate::tf::Tensor;

/// The tables of a model, in the order of its manifest. Shared by all versions since a store began: their rows are newer than a
/// version at most by the steps since.
#[derive(Clone, Debug)]
pub(crate) struct Tables(Arc<[Lookup]>);

#[derive(Debug)]
struct Lookup {
    table: Arc<Table>,
    /// The columns whose values are its ids.
    columns: Vec<usize>,
}

impl Tables {
    /// Of a model without any.
    pub(super) fn none() -> Self {
        Self(Arc::new([]))
    }

    /// Empty ones, whose rows have what the optimizer keeps beside them.
    pub(super) fn to_learn(layout: &Layout) -> Result<Self> {
        Self::new(layout, |table| layout.optimizer.slots(table))
    }

    /// Empty ones for who only predicts.
    pub(super) fn to_predict(layout: &Layout) -> Result<Self> {
        Self::new(layout, |_| &[])
    }

    fn new<'l>(layout: &'l Layout, slots: impl Fn(usize) -> &'l [Slot]) -> Result<Self> {
        let tables = layout.tables.iter().enumerate().map(|(index, TableLayout { spec, columns })| {
            let table = Table::new(spec.clone(), slots(layout.parameters.len() + index))?;
            Ok(Lookup { table: Arc::new(table), columns: columns.clone() })
        });
        Ok(Self(tables.collect::<Result<_>>()?))
    }

    pub(crate) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(crate) fn iter(&self) -> impl ExactSizeIterator<Item = &Arc<Table>> {
        self.0.iter().map(|lookup| &lookup.table)
    }

    pub(crate) fn bytes(&self) -> usize {
        self.iter().map(|table| table.bytes()).sum()
    }

    /// Keeps, or does not keep, the ids whose rows are given up, for deltas.
    pub(super) fn track_removed(&self, on: bool) {
        self.iter().for_each(|table| table.track_removed(on));
    }

    /// There will be no delta since cuts before these.
    pub(super) fn forget_removed_before(&self, cuts: &[u32]) {
        self.iter().zip(cuts).for_each(|(table, cut)| table.forget_removed_before(*cut));
    }

    fn is(&self, other: &Self) -> bool {
        Arc::ptr_eq(&self.0, &other.0)
    }
}

/// The rows that a batch needs of each table. Kept from batch to batch for their memory.
#[derive(Debug, Default)]
pub(crate) struct Rows {
    /// Where they were pulled.
    tables: Option<Tables>,
    moment: Moment,
    parts: Vec<Part>,
}

/// Of one table.
#[derive(Debug, Default)]
struct Part {
    ids: Vec<u64>,
    /// Where the ids of each of the table's features end.
    ends: Vec<usize>,
    pulled: Pulled,
}

impl Rows {
    /// Pulls the rows of a batch to learn from, in the step that follows so many.
    pub(crate) fn pull(&mut self, tables: &Tables, steps: u64, schema: &Schema, batch: &BatchView<'_>) -> Result<()> {
        self.collect(tables, schema, batch)?;
        self.moment = moment(tables, steps, batch)?;
        self.look_up(tables)
    }

    fn look_up(&mut self, tables: &Tables) -> Result<()> {
        for (table, part) in tables.iter().zip(&mut self.parts) {
            table.pull(&part.ids, self.moment, &mut part.pulled)?;
        }
        self.tables = Some(tables.clone());
        Ok(())
    }

    /// Reads the rows of a batch to predict.
    pub(crate) fn read(&mut self, tables: &Tables, schema: &Schema, batch: &BatchView<'_>) -> Result<()> {
        self.collect(tables, schema, batch)?;
        tables.iter().zip(&mut self.parts).try_for_each(|(table, part)| table.read(&part.ids, &mut part.pulled))
    }

    fn collect(&mut self, tables: &Tables, schema: &Schema, batch: &BatchView<'_>) -> Result<()> {
        self.parts.resize_with(tables.0.len(), Part::default);
        for (lookup, part) in tables.0.iter().zip(&mut self.parts) {
            part.ids.clear();
            part.ends.clear();
            for &column in &lookup.columns {
                let spec = &schema.columns()[column];
                append_ids(&spec.name, spec.dtype, &batch.columns()[column], &mut part.ids)?;
                part.ends.push(part.ids.len());
            }
        }
        Ok(())
    }

    /// The rows of a table, one after the other, and how many they are.
    pub(crate) fn rows(&self, table: usize) -> (&[f32], usize) {
        let pulled = &self.parts[table].pulled;
        (pulled.rows(), pulled.ids().len())
    }

    /// For each id of one of a table's features its place among the rows.
    pub(crate) fn index(&self, table: usize, feature: usize) -> &[i32] {
        let Part { ends, pulled, .. } = &self.parts[table];
        let start = feature.checked_sub(1).map_or(0, |before| ends[before]);
        &pulled.local()[start..ends[feature]]
    }

    /// The ids whose rows these are.
    pub(crate) fn ids(&self, table: usize) -> &[u64] {
        self.parts[table].pulled.ids()
    }

    /// Computes the new rows; nothing changes. `steps` has those of each table.
    pub(super) fn prepare(&mut self, tables: &Tables, gradients: &[Tensor], steps: &[RowsStep<'_>]) -> Result<()> {
        if !self.tables.as_ref().is_some_and(|pulled| pulled.is(tables)) {
            // The store went back to an older version meanwhile: these are other tables.
            self.look_up(tables)?;
        }
        for (((table, part), gradient), step) in tables.iter().zip(&mut self.parts).zip(gradients).zip(steps) {
            table.prepare(&mut part.pulled, gradient.as_slice()?, step)?;
        }
        Ok(())
    }

    /// Writes what was computed, and all bookkeeping of the rows.
    pub(super) fn commit(&mut self, tables: &Tables, steps: &[RowsStep<'_>]) {
        for ((table, part), step) in tables.iter().zip(&mut self.parts).zip(steps) {
            let applied = table.commit(&mut part.pulled, step);
            if applied.refused > 0 {
                tracing::warn!(table = table.spec().name, rows = applied.refused, "rows would not have stayed finite and were left");
            }
        }
    }
}

fn moment(tables: &Tables, steps: u64, batch: &BatchView<'_>) -> Result<Moment> {
    let by_time = tables.iter().find(|table| matches!(table.spec().expiry, Expiry::Seconds { .. }));
    let seconds = batch.event_time().map(|time| time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs());
    match (by_time, seconds) {
        (Some(table), None) => {
            let context = format!("set the batch's event time: the rows of table {} expire by it", table.spec().name);
            Err(Error::input("pull rows", context))
        }
        (_, seconds) => Ok(Moment { step: steps, seconds: seconds.unwrap_or_default() }),
    }
}
