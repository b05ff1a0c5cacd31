//! What a store of a model must hold, and how it changes.

use std::sync::Arc;

use serde_json::Value;

use super::tables::Tables;
use super::version::{Dense, Slots, Values};
use crate::bundle::{Bundle, EmbeddingTable, Manifest, Output, StateKind};
use crate::error::{Error, ErrorKind, Result};
use crate::metrics::{Metrics, OutputSpec};
use crate::optimizer::{MAX_SLOTS, Optimizer};
use crate::snapshot::slot_name;
use crate::table::{Moment, TableSpec};
use crate::tensor::{DType, Shape};
use crate::tf::Tensor;

/// The tensors of a model, the rule that moves them, the metrics that watch it.
#[derive(Debug)]
pub struct Layout {
    /// The bundle that it belongs to.
    pub(crate) identity: Arc<str>,
    pub(crate) name: String,
    pub(crate) parameters: Vec<Weight>,
    pub(crate) state: Vec<Weight>,
    pub(crate) tables: Vec<TableLayout>,
    /// Its parameters are the model's, then one row of each table.
    pub(crate) optimizer: Optimizer,
    /// Before the first row.
    pub(crate) metrics: Metrics,
}

/// A tensor of the model.
#[derive(Debug)]
pub(crate) struct Weight {
    pub(crate) name: String,
    pub(crate) dtype: DType,
    pub(crate) shape: Shape,
    /// Whether a step adds to it what a batch has seen.
    pub(crate) moments: bool,
}

/// An embedding table of the model.
#[derive(Debug)]
pub(crate) struct TableLayout {
    pub(crate) spec: TableSpec,
    /// The columns whose values are its ids.
    pub(crate) columns: Vec<usize>,
}

impl TableLayout {
    fn new(manifest: &Manifest, table: &EmbeddingTable) -> Result<Self> {
        let mut settings = table.settings.clone();
        settings.insert("name".into(), table.name.as_str().into());
        settings.insert("dim".into(), table.dim.into());
        let spec = serde_json::from_value(settings.into()).map_err(|error| {
            let context = format!("the table {} has other settings than this library knows; export the bundle again", table.name);
            Error::new(ErrorKind::InvalidBundle, "open bundle", context).with_source(error)
        })?;
        let columns = table.features.iter().filter_map(|feature| Some(manifest.feature(&feature.name)?.0)).collect();
        Ok(Self { spec, columns })
    }
}

impl Layout {
    pub(crate) fn new(bundle: &Bundle, learning_rate: Option<f32>, window: usize) -> Result<Self> {
        let manifest = bundle.manifest();
        let parameters = manifest.parameters.iter().map(|parameter| (parameter.name.clone(), parameter.shape.elements()));
        let rows = manifest.tables.iter().map(|table| (table.name.clone(), table.dim));
        let sizes: Vec<_> = parameters.chain(rows).collect();
        let optimizer = Optimizer::from_json(&manifest.optimizer, &sizes)?;
        let weight = |name: &str, dtype, shape: &Shape, moments| Weight { name: name.to_owned(), dtype, shape: shape.clone(), moments };
        let moments = |state: &crate::bundle::State| state.kind == StateKind::Moments;
        Ok(Self {
            identity: bundle.identity().into(),
            name: manifest.name.clone(),
            parameters: manifest.parameters.iter().map(|of| weight(&of.name, of.dtype, &of.shape, false)).collect(),
            state: manifest.state.iter().map(|of| weight(&of.name, of.dtype, &of.shape, moments(of))).collect(),
            tables: manifest.tables.iter().map(|table| TableLayout::new(manifest, table)).collect::<Result<_>>()?,
            optimizer: match learning_rate {
                Some(rate) => optimizer.with_learning_rate(rate)?,
                None => optimizer,
            },
            metrics: Metrics::from_json(&Value::Array(manifest.metrics.clone()), &outputs(manifest), window)?,
        })
    }

    /// The values that the bundle starts with, to learn from there.
    pub(crate) fn initial(&self, bundle: &Bundle) -> Result<Values> {
        self.first(bundle, Tables::to_learn(self)?)
    }

    /// The values that the bundle starts with, to predict by.
    pub(super) fn to_predict(&self, bundle: &Bundle) -> Result<Values> {
        self.first(bundle, Tables::to_predict(self)?)
    }

    fn first(&self, bundle: &Bundle, tables: Tables) -> Result<Values> {
        let dense = self.dense(|weight, tensor| tensor.copy_from(bundle.values().bytes(&weight.name)?))?;
        for table in tables.iter() {
            let Some((ids, rows)) = bundle.rows().of(&table.spec().name) else { continue };
            for (id, row) in ids.into_iter().zip(rows.chunks_exact(table.spec().dim)) {
                table.insert(id, row, None, Moment::default())?;
            }
        }
        Ok(Values { dense, tables })
    }

    /// Parameters and state, each filled by `fill`.
    pub(super) fn dense(&self, mut fill: impl FnMut(&Weight, &mut Tensor) -> Result<()>) -> Result<Dense> {
        let mut all = |weights: &[Weight]| {
            let each = weights.iter().map(|weight| {
                let mut tensor = Tensor::allocate(weight.dtype, weight.shape.dims())?;
                fill(weight, &mut tensor)?;
                Ok(tensor)
            });
            each.collect::<Result<Vec<_>>>()
        };
        Ok(Dense::new(all(&self.parameters)?, all(&self.state)?))
    }

    /// The slots before the first step.
    pub(crate) fn slots(&self) -> Result<Slots> {
        self.slots_from(|_, initial, _, tensor| {
            tensor.as_mut_slice::<f32>()?.fill(initial);
            Ok(())
        })
    }

    /// The slots, each filled by `fill` of the slot's name, its initial value and the parameter.
    pub(super) fn slots_from(&self, mut fill: impl FnMut(&str, f32, &Weight, &mut Tensor) -> Result<()>) -> Result<Slots> {
        let tensors = self.parameters.iter().enumerate().map(|(index, parameter)| {
            let each = self.optimizer.slots(index).iter().map(|slot| {
                let mut tensor = Tensor::allocate(DType::F32, parameter.shape.dims())?;
                fill(slot.name, slot.initial, parameter, &mut tensor)?;
                Ok(tensor)
            });
            each.collect::<Result<Vec<_>>>()
        });
        Ok(Slots { tensors: tensors.collect::<Result<_>>()? })
    }

    /// The names of the slots beside the rows of all tables.
    pub(super) fn table_slots(&self) -> impl Iterator<Item = String> {
        self.tables.iter().enumerate().flat_map(|(index, table)| {
            let slots = self.optimizer.slots(self.parameters.len() + index).iter();
            slots.map(|slot| slot_name(slot.name, &table.spec.name))
        })
    }

    /// The names of all slots, each with its parameter and its place among [`Slots`]: the first slot of every parameter,
    /// then the second.
    pub(super) fn slot_names(&self) -> impl Iterator<Item = (String, &Weight, [usize; 2])> {
        (0..MAX_SLOTS).flat_map(move |place| {
            self.parameters.iter().enumerate().filter_map(move |(index, weight)| {
                let slot = self.optimizer.slots(index).get(place)?;
                Some((slot_name(slot.name, &weight.name), weight, [index, place]))
            })
        })
    }
}

/// What the metrics can read: outputs of `float32` beside labels that are real numbers.
fn outputs(manifest: &Manifest) -> Vec<OutputSpec<'_>> {
    let label = |output: &Output| {
        let label = manifest.labels.iter().find(|label| label.output.as_ref() == Some(&output.name))?;
        (output.dtype == DType::F32 && label.dtype != DType::String && !label.dtype.is_complex()).then_some(&label.shape)
    };
    manifest.outputs.iter().map(|output| OutputSpec { name: &output.name, shape: &output.shape, label: label(output) }).collect()
}
