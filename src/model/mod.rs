//! A bundle that runs: batches and versions in, what the graph computes out.

mod columns;
mod feed;
mod opening;
mod pass;
mod predictions;
mod rows;

use std::collections::HashSet;
use std::sync::Arc;

use smallvec::SmallVec;

use crate::batch::{BatchView, Purpose, Schema};
use crate::bundle::{Bundle, Form, Manifest, Output, SERVING_TAG, Source, node_of, predicts_only};
use crate::error::{Error, ErrorKind, Result};
use crate::params::{Rows, Version};
use crate::tensor::DType;
use crate::tf::{Endpoint, Graph, Plan, Session, SessionConfig, Tensor, Views};
use crate::transform::{Features, Input, Transforms};

use columns::Needs;
pub(crate) use feed::Fed;
pub(crate) use opening::Opening;
pub(crate) use pass::TrainingPass;
pub use predictions::Predictions;
pub(crate) use rows::PulledRows;
use rows::Spare;

/// A session over a bundle's graph, with its three kinds of runs prepared. Thread-safe; holds nothing that learning changes.
#[derive(Debug)]
pub(crate) struct Model {
    bundle: Arc<Bundle>,
    /// What hosts fill.
    schema: Arc<Schema>,
    /// What the graph takes.
    fed: Arc<Schema>,
    transforms: Arc<Transforms>,
    session: Session,
    frozen: Vec<Tensor>,
    /// Of each column.
    views: Vec<Views>,
    spare_rows: Spare,
    predict: Run,
    /// Not of a SavedModel.
    learn: Option<Learn>,
}

/// What a model that learns runs, too.
#[derive(Debug)]
struct Learn {
    train: Run,
    evaluate: Run,
}

/// One kind of run: what it feeds, from where, and what it fetches.
#[derive(Debug)]
struct Run {
    plan: Plan,
    feeds: Vec<Source>,
    /// What it reads of each column.
    columns: Vec<Needs>,
}

impl Model {
    pub(crate) fn new(bundle: Arc<Bundle>, config: SessionConfig) -> Result<Self> {
        let session = match bundle.form() {
            Form::Graph(graph) => Session::new(Graph::import(graph)?, config)?,
            Form::SavedModel => Session::of_saved_model(bundle.path(), SERVING_TAG, config)?,
        };
        let (graph, manifest, reach) = (session.graph(), bundle.manifest(), bundle.reach());
        let outputs = |pick: fn(&Output) -> &str| {
            let of = |output: &Output| graph.endpoint(pick(output), output.dtype, &rows(output.shape.dims()));
            manifest.outputs.iter().map(of).collect::<Result<Vec<_>>>()
        };
        let predicted = outputs(|output| &output.predict)?;
        let feeds = feeds(&bundle, graph)?;
        let learn = match bundle.form() {
            Form::SavedModel => None,
            Form::Graph(_) => {
                let evaluated = [&[scalar(graph, &manifest.loss.evaluate)?], predicted.as_slice()].concat();
                let trained = trained(graph, manifest, outputs(|output| &output.train)?)?;
                Some(Learn { train: Run::new(&feeds, &reach.train, trained), evaluate: Run::new(&feeds, &reach.evaluate, evaluated) })
            }
        };
        let predict = Run::new(&feeds, &reach.predict, predicted);
        let frozen = manifest.frozen.iter().map(|weight| {
            let mut tensor = Tensor::allocate(weight.dtype, weight.shape.dims())?;
            tensor.copy_from(bundle.values().bytes(&weight.name)?)?;
            Ok(tensor)
        });
        let frozen = frozen.collect::<Result<_>>()?;
        let (schema, fed) = (Schema::of(manifest), Schema::of_graph(manifest));
        let transforms = Transforms::new(manifest, &schema, &fed)?;
        let views = fed.columns().iter().map(|_| Views::default()).collect();
        Ok(Self { bundle, schema, fed, transforms, session, frozen, views, spare_rows: Spare::default(), predict, learn })
    }

    fn learn(&self) -> Result<&Learn> {
        self.learn.as_ref().ok_or_else(|| predicts_only("learn", self.bundle.path()))
    }

    pub(crate) fn bundle(&self) -> &Arc<Bundle> {
        &self.bundle
    }

    pub(crate) fn schema(&self) -> &Arc<Schema> {
        &self.schema
    }

    /// Bytes of the frozen weights.
    pub(crate) fn memory(&self) -> usize {
        self.frozen.iter().map(|tensor| tensor.as_bytes().len()).sum()
    }

    /// The features of a batch to learn from, by the moments of this version.
    pub(crate) fn features(&self, version: &Version, batch: &BatchView<'_>) -> Result<Features> {
        self.transform(version, batch, Purpose::Learn, true)
    }

    fn transform(&self, version: &Version, batch: &BatchView<'_>, purpose: Purpose, learn: bool) -> Result<Features> {
        batch.check(&self.schema, purpose)?;
        self.transforms.apply(&version.dense().state, batch, learn)
    }

    /// The rows of all tables that a step on this input needs.
    pub(crate) fn pull(&self, version: &Version, input: &Input<'_>) -> Result<PulledRows> {
        let mut rows = self.spare_rows.take();
        if !version.tables().is_empty() {
            rows.pull(version.tables(), version.number(), &self.fed, input.batch())?;
        }
        Ok(rows)
    }

    /// One fused run: loss, predictions, gradients, new state.
    pub(crate) fn train(&self, version: &Version, rows: &Rows, input: &Input<'_>) -> Result<TrainingPass> {
        let train = &self.learn()?.train;
        let fed = Fed::new(self, train, version, rows, input.batch(), version.dense().begin_run())?;
        let fetched = self.run(train, &fed)?;
        TrainingPass::new(self, version, rows, input, fetched, &fed)
    }

    /// As [`Model::train`], free of the batch's memory.
    pub(crate) fn gradients(&self, version: &Version, rows: &Rows, input: &Input<'_>) -> Result<TrainingPass> {
        let train = &self.learn()?.train;
        let fed = Fed::new(self, train, version, rows, input.batch(), version.dense().begin_run())?;
        let fetched = self.run(train, &fed)?;
        TrainingPass::new(self, version, rows, input, fetched, &fed)?.detach(&fed)
    }

    /// Predictions by the parameters of this version.
    pub(crate) fn predict(&self, version: &Version, batch: &BatchView<'_>) -> Result<Predictions> {
        let _predict = tracing::trace_span!("predict", rows = batch.rows(), version = version.number()).entered();
        let features = self.transform(version, batch, Purpose::Predict, false)?;
        let input = features.input(batch);
        let rows = self.read(version, input.batch())?;
        let fed = Fed::new(self, &self.predict, version, &rows, input.batch(), 0)?;
        Predictions::new(self, version, batch.rows(), self.run(&self.predict, &fed)?, &fed)
    }

    /// Loss and predictions in inference.
    pub(crate) fn evaluate(&self, version: &Version, batch: &BatchView<'_>) -> Result<(f32, Predictions)> {
        let features = self.transform(version, batch, Purpose::Learn, false)?;
        let input = features.input(batch);
        let rows = self.read(version, input.batch())?;
        let evaluate = &self.learn()?.evaluate;
        let fed = Fed::new(self, evaluate, version, &rows, input.batch(), 0)?;
        let mut fetched = self.run(evaluate, &fed)?;
        let loss = pass::scalar(&fetched.remove(0))?;
        Ok((loss, Predictions::new(self, version, batch.rows(), fetched, &fed)?))
    }

    /// The rows of all tables as they are now; an id without one has the default row.
    fn read(&self, version: &Version, batch: &BatchView<'_>) -> Result<PulledRows> {
        let mut rows = self.spare_rows.take();
        if !version.tables().is_empty() {
            rows.read(version.tables(), &self.fed, batch)?;
        }
        Ok(rows)
    }

    fn run(&self, run: &Run, fed: &Fed<'_>) -> Result<Vec<Tensor>> {
        let inputs: SmallVec<[&Tensor; 32]> = run.feeds.iter().map(|feed| fed.tensor(*feed)).collect::<Result<_>>()?;
        tracing::trace_span!("run").in_scope(|| self.session.run(&run.plan, &inputs))
    }
}

impl Run {
    /// Feeds only what the fetches need.
    fn new(feeds: &[(String, Source, Endpoint)], needed: &HashSet<String>, fetches: Vec<Endpoint>) -> Self {
        let fed = || feeds.iter().filter(|(node, ..)| needed.contains(node));
        let mut columns = vec![Needs::default(); feeds.len()];
        for (_, source, _) in fed() {
            match *source {
                Source::Column(index) => columns[index].values = true,
                Source::Lengths(index) => columns[index].lengths = true,
                _ => {}
            }
        }
        Self { plan: Plan::new(fed().map(|feed| feed.2), fetches), feeds: fed().map(|feed| feed.1).collect(), columns }
    }
}

fn rows(dims: &[i64]) -> Vec<i64> {
    [&[-1], dims].concat()
}

fn scalar(graph: &Graph, name: &str) -> Result<Endpoint> {
    graph.endpoint(name, DType::F32, &[])
}

/// Loss, predictions, gradients of parameters and of rows, new state.
fn trained(graph: &Graph, manifest: &Manifest, predicted: Vec<Endpoint>) -> Result<Vec<Endpoint>> {
    let mut trained = vec![scalar(graph, &manifest.loss.train)?];
    trained.extend(predicted);
    for parameter in &manifest.parameters {
        trained.push(graph.endpoint(&parameter.gradient, parameter.dtype, parameter.shape.dims())?);
    }
    for table in &manifest.tables {
        trained.push(graph.endpoint(&table.gradient, DType::F32, &[-1, table.dim as i64])?);
    }
    for state in &manifest.state {
        if let Some(next) = &state.next {
            trained.push(graph.endpoint(next, state.dtype, state.shape.dims())?);
        }
    }
    Ok(trained)
}

/// Everything that the manifest feeds: node, where its value comes from, where it goes.
fn feeds(bundle: &Bundle, graph: &Graph) -> Result<Vec<(String, Source, Endpoint)>> {
    let placeholders = bundle.manifest().placeholders();
    let feeds = placeholders.into_iter().map(|placeholder| {
        let endpoint = graph.endpoint(placeholder.tensor, placeholder.dtype, &placeholder.dims)?;
        Ok((node_of(placeholder.tensor).to_owned(), placeholder.source, endpoint))
    });
    feeds.collect()
}

/// What a graph hands back although its manifest says otherwise.
pub(crate) fn unexpected(context: String) -> Error {
    Error::new(ErrorKind::InvalidBundle, "run graph", context)
}
