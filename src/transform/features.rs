//! All transforms of a bundle, and what they make of one batch.

use std::borrow::Cow;
use std::sync::Arc;

use super::invalid;
use super::node::Node;
use super::step::Running;
use super::write::{Made, fits};
use crate::batch::{BatchView, ColumnData, ColumnSpec, Schema};
use crate::bundle::{Manifest, StateKind};
use crate::error::{Error, ErrorKind, Result};
use crate::tensor::DType;
use crate::tf::Tensor;

/// How the columns that the graph takes come from those that a host fills.
#[derive(Debug)]
pub(crate) struct Transforms {
    record: Arc<Schema>,
    /// Of each column of the graph.
    sources: Vec<Source>,
    /// Where in the bundle's state the moments of each running step are.
    running: Vec<usize>,
}

#[derive(Debug)]
enum Source {
    /// The column of this index, as it is.
    Given(usize),
    Made(Node, DType),
}

impl Transforms {
    /// `record` is what hosts fill, `graph` what the graph takes.
    ///
    /// # Errors
    /// `InvalidBundle` if a transform does not fit its columns or its feature.
    pub(crate) fn new(manifest: &Manifest, record: &Arc<Schema>, graph: &Schema) -> Result<Arc<Self>> {
        let mut states = States { manifest, running: Vec::new() };
        let transforms = manifest.columns().map(|column| column.transform.as_ref());
        let sources = graph.columns().iter().zip(transforms).map(|(spec, transform)| match transform {
            None => record.column(&spec.name).map(Source::Given),
            Some(transform) => made(Node::new(transform, &spec.name, record, &mut states)?, spec, record),
        });
        let sources = sources.collect::<Result<_>>()?;
        let running = states.running;
        let moments = manifest.state.iter().enumerate().filter(|(_, state)| state.kind == StateKind::Moments);
        if let Some((_, unused)) = moments.into_iter().find(|(index, _)| !running.contains(index)) {
            return Err(invalid(format!("no transform reads the moments {}", unused.name)));
        }
        Ok(Arc::new(Self { record: record.clone(), sources, running }))
    }

    /// The features of a batch that was checked, by the moments in this state. `learn`: what the batch adds to them is found, too.
    ///
    /// # Errors
    /// `InvalidInput` with row, field and reason if a value cannot be transformed.
    pub(crate) fn apply(self: &Arc<Self>, state: &[Tensor], batch: &BatchView<'_>, learn: bool) -> Result<Features> {
        let known = self.running.iter().map(|index| state[*index].as_slice::<f64>()).collect::<Result<Vec<_>>>()?;
        let learned = learn.then(|| vec![Vec::new(); known.len()]);
        let mut running = Running { known, learned };
        let mut made = Vec::new();
        for source in &self.sources {
            if let Source::Made(node, dtype) = source {
                let values = node.evaluate(&self.record, batch, &mut running)?;
                made.push(Made::new(values, *dtype).map_err(|refusal| node.refused(refusal, node.gives().width, batch))?);
            }
        }
        Ok(Features { transforms: self.clone(), made, learned: running.learned.unwrap_or_default() })
    }
}

/// A feature's transform, if it makes what the graph takes.
fn made(node: Node, spec: &ColumnSpec, record: &Schema) -> Result<Source> {
    let found = node.gives();
    if let Some(index) = node.unchanged() {
        let given = &record.columns()[index];
        if (given.dtype, given.ragged, given.shape.elements()) == (spec.dtype, spec.ragged, spec.shape.elements()) {
            return Ok(Source::Given(index));
        }
    }
    if found.width != spec.shape.elements() || !fits(found.kind, spec.dtype) || node.ragged().is_some() != spec.ragged {
        let (name, width, kind) = (&spec.name, found.width, found.kind.name());
        let wanted = format!("{} of {}", spec.shape.elements(), spec.dtype);
        return Err(invalid(format!("the transform of {name} makes {width} {kind} a row, the feature has {wanted}")));
    }
    Ok(Source::Made(node, spec.dtype))
}

/// The moments of a bundle while its transforms are read, each for one step.
#[derive(Debug)]
pub(super) struct States<'m> {
    manifest: &'m Manifest,
    running: Vec<usize>,
}

impl States<'_> {
    /// The index that a step knows its moments by.
    pub(super) fn take(&mut self, name: &str, width: usize) -> Result<usize> {
        let is = |state: &crate::bundle::State| state.name == name && state.kind == StateKind::Moments;
        let found = self.manifest.state.iter().position(is);
        match found.filter(|index| !self.running.contains(index) && self.manifest.state[*index].shape.sizes() == [3, width]) {
            Some(index) => {
                self.running.push(index);
                Ok(self.running.len() - 1)
            }
            None => Err(invalid(format!("there are no moments {name} of {width} values for it alone"))),
        }
    }
}

/// What transforms made of one batch.
#[derive(Debug)]
pub(crate) struct Features {
    transforms: Arc<Transforms>,
    made: Vec<Made>,
    /// What the batch adds to each of the moments.
    learned: Vec<Vec<f64>>,
}

impl Features {
    /// The batch as the graph takes it.
    pub(crate) fn input<'a>(&'a self, batch: &'a BatchView<'a>) -> Input<'a> {
        let sources = &self.transforms.sources;
        if self.made.is_empty()
            && sources.iter().enumerate().all(|(place, source)| matches!(source, Source::Given(index) if *index == place))
        {
            return Input { batch: Cow::Borrowed(batch), features: self };
        }
        let mut made = self.made.iter();
        let columns = sources.iter().filter_map(|source| match source {
            Source::Given(index) => Some(batch.columns()[*index]),
            Source::Made(node, _) => {
                let lengths = node.ragged().and_then(|index| match batch.columns()[index] {
                    ColumnData::Ragged { lengths, .. } => Some(lengths),
                    _ => None,
                });
                Some(made.next()?.data(lengths))
            }
        });
        let view = BatchView::new(batch.rows(), columns.collect()).at(batch.event_time());
        Input { batch: Cow::Owned(view), features: self }
    }
}

/// A batch as the graph takes it, and what it adds to running moments.
#[derive(Debug)]
pub(crate) struct Input<'a> {
    batch: Cow<'a, BatchView<'a>>,
    features: &'a Features,
}

impl<'a> Input<'a> {
    pub(crate) fn batch(&self) -> &BatchView<'a> {
        &self.batch
    }

    /// What the batch adds to the moments at this index of the state, as three rows.
    pub(crate) fn moments(&self, state: usize) -> Result<Tensor> {
        let Features { transforms, learned, .. } = self.features;
        let found = transforms.running.iter().position(|index| *index == state).and_then(|index| learned.get(index));
        let moments = found.ok_or_else(|| Error::new(ErrorKind::Internal, "transform batch", "the batch is not one to learn from"))?;
        let mut tensor = Tensor::allocate(DType::F64, &[3, (moments.len() / 3) as i64])?;
        tensor.as_mut_slice::<f64>()?.copy_from_slice(moments);
        Ok(tensor)
    }
}
