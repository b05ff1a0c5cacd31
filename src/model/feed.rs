//! What a run reads: the batch, a version, the frozen weights.

use smallvec::SmallVec;

use super::{Model, Run};
use crate::batch::{BatchView, ColumnData};
use crate::bundle::StateKind;
use crate::error::{Error, ErrorKind, Result};
use crate::params::{Dense, Version};
use crate::tensor::DType;
use crate::tf::{Dims, StringViews, Tensor, View, strings};

/// Where a fed tensor comes from, by its index there.
#[derive(Clone, Copy, Debug)]
pub(super) enum Feed {
    Column(usize),
    Parameter(usize),
    State(usize),
    Frozen(usize),
}

/// The tensors of one run.
#[derive(Debug)]
pub(crate) struct Fed<'a> {
    columns: SmallVec<[ColumnTensor<'a>; 4]>,
    dense: &'a Dense,
    /// Seeds of this run, where they are not those of the version.
    seeds: Vec<(usize, Tensor)>,
    frozen: &'a [Tensor],
}

#[derive(Debug)]
enum ColumnTensor<'a> {
    /// A label or weight that this run does not need.
    Unused,
    Fixed(View<'a>),
    Strings(StringViews<'a>),
}

impl<'a> Fed<'a> {
    /// What this kind of run needs. `earlier` counts the training runs that began with this version before: each gets seeds
    /// of its own.
    pub(super) fn new(model: &'a Model, run: &Run, version: &'a Version, batch: &BatchView<'a>, earlier: u64) -> Result<Self> {
        let dense = version.dense();
        let mut columns = SmallVec::new();
        for (index, (spec, data)) in model.schema.columns().iter().zip(batch.columns()).enumerate() {
            let dims = || -> Dims { std::iter::once(batch.rows() as i64).chain(spec.shape.dims().iter().copied()).collect() };
            columns.push(match *data {
                _ if !run.columns[index] => ColumnTensor::Unused,
                ColumnData::Absent | ColumnData::Missing { .. } => ColumnTensor::Unused,
                ColumnData::Bytes(bytes) => ColumnTensor::Fixed(model.views[index].borrow(spec.dtype, &dims(), bytes)?),
                ColumnData::Strings { bytes, places } => {
                    let strings = places.iter().map(|&(start, length)| &bytes[start as usize..][..length as usize]);
                    ColumnTensor::Strings(strings::view(&dims(), strings)?)
                }
            });
        }
        let seeds = match earlier {
            0 => Vec::new(),
            earlier => {
                let states = model.bundle.manifest().state.iter().enumerate();
                let seeds = states.filter(|(_, state)| state.kind == StateKind::Seed);
                seeds.map(|(index, _)| Ok((index, folded(&dense.state[index], earlier)?))).collect::<Result<_>>()?
            }
        };
        Ok(Self { columns, dense, seeds, frozen: &model.frozen })
    }

    pub(super) fn tensor(&self, feed: Feed) -> Result<&Tensor> {
        match feed {
            Feed::Column(index) => match &self.columns[index] {
                ColumnTensor::Fixed(tensor) => Ok(tensor),
                ColumnTensor::Strings(tensor) => Ok(tensor),
                ColumnTensor::Unused => {
                    Err(Error::new(ErrorKind::InvalidBundle, "run graph", "predictions need a label or weight; export the bundle again"))
                }
            },
            Feed::Parameter(index) => Ok(&self.dense.parameters[index]),
            Feed::State(index) => Ok(self.seeds.iter().find(|(at, _)| *at == index).map_or(&self.dense.state[index], |(_, seed)| seed)),
            Feed::Frozen(index) => Ok(&self.frozen[index]),
        }
    }

    /// The tensor itself, or a copy of it if its memory is that of something fed, which lives on without it.
    pub(super) fn detach(&self, tensor: Tensor) -> Result<Tensor> {
        let columns = self.columns.iter().filter_map(|column| match column {
            ColumnTensor::Fixed(tensor) => Some(&**tensor),
            _ => None,
        });
        let dense = self.dense.parameters.iter().chain(&self.dense.state);
        let seeds = self.seeds.iter().map(|(_, seed)| seed);
        match columns.chain(dense).chain(seeds).chain(self.frozen).any(|fed| fed.overlaps(&tensor)) {
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
