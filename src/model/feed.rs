//! What a run reads: the batch, a version, the frozen weights.

use smallvec::SmallVec;

use super::columns::{ColumnTensor, TableTensors};
use super::{Model, Run};
use crate::batch::BatchView;
use crate::bundle::{Source, StateKind, TableFeature};
use crate::error::Result;
use crate::params::{Dense, Rows, Version};
use crate::tensor::DType;
use crate::tf::Tensor;

/// The tensors of one run.
#[derive(Debug)]
pub(crate) struct Fed<'a> {
    columns: SmallVec<[ColumnTensor<'a>; 4]>,
    /// Of each table its rows, and the place of each id among them by feature.
    tables: Vec<TableTensors<'a>>,
    dense: &'a Dense,
    /// Seeds of this run, where they are not those of the version.
    seeds: Vec<(usize, Tensor)>,
    frozen: &'a [Tensor],
}

impl<'a> Fed<'a> {
    /// What this kind of run needs. `earlier` counts the training runs that began with this version before: each gets seeds
    /// of its own.
    pub(super) fn new(
        model: &'a Model,
        run: &Run,
        version: &'a Version,
        rows: &'a Rows,
        batch: &BatchView<'a>,
        earlier: u64,
    ) -> Result<Self> {
        let dense = version.dense();
        let mut columns = SmallVec::new();
        for (index, (spec, data)) in model.fed.columns().iter().zip(batch.columns()).enumerate() {
            columns.push(ColumnTensor::new(&model.views[index], run.columns[index], spec, batch.rows(), data)?);
        }
        let tables = model.bundle.manifest().tables.iter().enumerate();
        let tables = tables.map(|(index, table)| {
            let of = |feature: &TableFeature| model.fed.features().iter().find(|spec| spec.name == feature.name);
            TableTensors::new(rows, batch, index, table, &table.features.iter().filter_map(of).collect::<Vec<_>>())
        });
        let tables = tables.collect::<Result<_>>()?;
        let seeds = match earlier {
            0 => Vec::new(),
            earlier => {
                let states = model.bundle.manifest().state.iter().enumerate();
                let seeds = states.filter(|(_, state)| state.kind == StateKind::Seed);
                seeds.map(|(index, _)| Ok((index, folded(&dense.state[index], earlier)?))).collect::<Result<_>>()?
            }
        };
        Ok(Self { columns, tables, dense, seeds, frozen: &model.frozen })
    }

    pub(super) fn tensor(&self, feed: Source) -> Result<&Tensor> {
        match feed {
            Source::Column(index) => self.columns[index].values(),
            Source::Lengths(index) => self.columns[index].lengths(),
            Source::Parameter(index) => Ok(&self.dense.parameters[index]),
            Source::State(index) => Ok(self.seeds.iter().find(|(at, _)| *at == index).map_or(&self.dense.state[index], |(_, seed)| seed)),
            Source::Frozen(index) => Ok(&self.frozen[index]),
            Source::Rows(table) => Ok(&self.tables[table].rows),
            Source::Index(table, feature) => Ok(&self.tables[table].index[feature]),
        }
    }

    /// The tensor itself, or a copy of it if its memory is that of something fed, which lives on without it.
    pub(super) fn detach(&self, tensor: Tensor) -> Result<Tensor> {
        let columns = self.columns.iter().flat_map(ColumnTensor::of_fixed_size);
        let tables = self.tables.iter().flat_map(TableTensors::all);
        let dense = self.dense.parameters.iter().chain(&self.dense.state);
        let seeds = self.seeds.iter().map(|(_, seed)| seed);
        match columns.chain(tables).chain(dense).chain(seeds).chain(self.frozen).any(|fed| fed.overlaps(&tensor)) {
            true => tensor.copy(),
            false => Ok(tensor),
        }
    }
}

/// A seed for one more run from the same state: its last word changed by the run's number, spread by the golden ratio.
fn folded(seed: &Tensor, run: u64) -> Result<Tensor> {
    let mut folded = seed.copy()?;
    let spread = run.wrapping_mul(0x9E37_79B9_7F4A_7C15);
    match folded.dtype() {
        DType::U32 => fold(folded.as_mut_slice::<u32>()?, |word| word ^ (spread >> 32) as u32),
        DType::I32 => fold(folded.as_mut_slice::<i32>()?, |word| word ^ (spread >> 33) as i32),
        DType::U64 => fold(folded.as_mut_slice::<u64>()?, |word| word ^ spread),
        DType::I64 => fold(folded.as_mut_slice::<i64>()?, |word| word ^ (spread >> 1) as i64),
        _ => {}
    }
    Ok(folded)
}

fn fold<T: Copy>(words: &mut [T], change: impl Fn(T) -> T) {
    if let Some(last) = words.last_mut() {
        *last = change(*last);
    }
}
