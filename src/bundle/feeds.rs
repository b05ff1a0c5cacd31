//! What a reader of a bundle feeds: placeholders, each with where its value comes from.

use super::manifest::{Column, Manifest};
use crate::tensor::{DType, Shape};

/// Where a fed tensor comes from, by its index in the manifest's lists.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Source {
    /// Of features, labels and weight.
    Column(usize),
    /// The values of each row of a ragged column.
    Lengths(usize),
    Parameter(usize),
    State(usize),
    Frozen(usize),
    /// The rows of a table that a batch needs.
    Rows(usize),
    /// Of a table and one of its features: the row of each id.
    Index(usize, usize),
}

/// A placeholder of the graph.
#[derive(Debug)]
pub(crate) struct Placeholder<'m> {
    pub(crate) source: Source,
    pub(crate) tensor: &'m str,
    pub(crate) dtype: DType,
    /// -1: as many as the batch has.
    pub(crate) dims: Vec<i64>,
}

impl Manifest {
    pub(crate) fn placeholders(&self) -> Vec<Placeholder<'_>> {
        let mut all = Vec::new();
        let mut add = |source, tensor, dtype, dims| all.push(Placeholder { source, tensor, dtype, dims });
        for (index, column) in self.columns().enumerate() {
            add(Source::Column(index), &column.tensor, column.dtype, self.rows_of(column));
            if let Some(lengths) = &column.lengths {
                add(Source::Lengths(index), lengths, DType::I64, vec![-1]);
            }
        }
        let whole = |shape: &Shape| shape.dims().to_vec();
        for (index, weight) in self.parameters.iter().enumerate() {
            add(Source::Parameter(index), &weight.tensor, weight.dtype, whole(&weight.shape));
        }
        for (index, weight) in self.state.iter().enumerate() {
            let Some(tensor) = &weight.tensor else { continue };
            add(Source::State(index), tensor, weight.dtype, whole(&weight.shape));
        }
        for (index, weight) in self.frozen.iter().enumerate() {
            add(Source::Frozen(index), &weight.tensor, weight.dtype, whole(&weight.shape));
        }
        for (index, table) in self.tables.iter().enumerate() {
            add(Source::Rows(index), &table.rows, DType::F32, vec![-1, table.dim as i64]);
            for (place, feature) in table.features.iter().enumerate() {
                let dims = self.feature(&feature.name).map_or_else(|| vec![-1], |(_, column)| self.rows_of(column));
                add(Source::Index(index, place), &feature.index, DType::I32, dims);
            }
        }
        all
    }

    /// A feature and its index among the columns.
    pub(crate) fn feature(&self, name: &str) -> Option<(usize, &Column)> {
        self.features.iter().enumerate().find(|(_, column)| column.name == name)
    }

    /// Rows first; the values of ragged rows are one list.
    fn rows_of(&self, column: &Column) -> Vec<i64> {
        let rows = self.rows.filter(|_| !column.ragged).map_or(-1, |rows| rows as i64);
        [&[rows], column.shape.dims()].concat()
    }
}
