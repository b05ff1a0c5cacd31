//! Many records at once, column by column.

use super::{Source, is_missing};
use crate::batch::{Append, Batch, Value};
use crate::codec::plan::{Plan, Target};
use crate::codec::text;
use crate::tensor::DType;

/// Records as they stand in the buffer.
pub(super) struct Block<'a> {
    pub(super) text: &'a [u8],
    /// Of each cell, record by record.
    pub(super) places: &'a [(u32, u32)],
    pub(super) columns: usize,
}

/// Whether a field can be read so: it is no list in one cell, and has values in each record or in none.
pub(super) fn takes(target: &Target, source: &Source) -> bool {
    match source {
        Source::Nothing => !target.has_default(),
        Source::Cell(_) => !target.ragged && target.elements == 1,
        Source::Cells(_) => target.dtype != DType::String,
    }
}

impl Block<'_> {
    pub(super) fn rows(&self) -> usize {
        self.places.len() / self.columns
    }

    /// Appends all records; false, and nothing is changed, if one of them must be looked at by itself.
    pub(super) fn append(&self, plan: &Plan, sources: &[Source], missing: Option<&[Vec<u8>]>, batch: &mut Batch) -> bool {
        let Ok(text) = std::str::from_utf8(self.text) else { return false };
        let rows = self.rows();
        if rows == 0 {
            return false;
        }
        let mut append = batch.append(rows);
        let fits = plan.targets.iter().zip(sources).all(|(target, source)| match source {
            Source::Nothing => true,
            Source::Cell(column) if target.dtype == DType::String => self.strings(target, *column, missing, &mut append),
            Source::Cell(column) => self.numbers(text, target, &[*column], missing, &mut append),
            Source::Cells(columns) => self.numbers(text, target, columns, missing, &mut append),
        });
        fits && append.commit()
    }

    fn cells(&self, column: usize) -> impl Iterator<Item = std::ops::Range<usize>> {
        self.places[column..].iter().step_by(self.columns).map(|&(start, end)| start as usize..end as usize)
    }

    fn strings(&self, target: &Target, column: usize, missing: Option<&[Vec<u8>]>, append: &mut Append<'_>) -> bool {
        let strings = || self.cells(column).map(|cell| &self.text[cell]);
        !strings().any(|cell| is_missing(cell, missing, false)) && append.strings(target.field(), strings())
    }

    fn numbers(&self, text: &str, target: &Target, columns: &[usize], missing: Option<&[Vec<u8>]>, append: &mut Append<'_>) -> bool {
        let Some(mut numbers) = append.numbers(target.field()) else { return false };
        let may_miss = target.may_be_gap();
        columns.iter().enumerate().all(|(at, &column)| {
            self.cells(column).enumerate().all(|(row, cell)| {
                let cell = &text[cell];
                if is_missing(cell.as_bytes(), missing, true) {
                    return may_miss && numbers.put(row, at, &target.gap());
                }
                let put = |value: &Value<'_>| match target.allows(Some(value)) && numbers.put(row, at, value) {
                    true => Ok(()),
                    // The record itself will tell why.
                    false => Err(String::new()),
                };
                text::number(cell, target.dtype, put).is_ok()
            })
        })
    }
}
