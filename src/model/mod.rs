//! A bundle that runs: batches and versions in, what the graph computes out.

mod feed;
mod opening;
mod pass;
mod predictions;

use std::collections::HashSet;
use std::sync::Arc;

use smallvec::SmallVec;

use crate::batch::{BatchView, Purpose, Schema};
use crate::bundle::{Bundle, node_of};
use crate::error::{Error, ErrorKind, Result};
use crate::params::Version;
use crate::tensor::DType;
use crate::tf::{Endpoint, Graph, Plan, Session, SessionConfig, Tensor, Views};

pub(crate) use feed::Fed;
use feed::Feed;
pub(crate) use opening::Opening;
pub(crate) use pass::TrainingPass;
pub use predictions::Predictions;

/// A session over a bundle's graph, with its three kinds of runs prepared. Thread-safe; holds nothing that learning changes.
#[derive(Debug)]
pub(crate) struct Model {
    bundle: Arc<Bundle>,
    schema: Arc<Schema>,
    session: Session,
    frozen: Vec<Tensor>,
    /// Of each column.
    views: Vec<Views>,
    train: Run,
    predict: Run,
    evaluate: Run,
}

/// One kind of run: what it feeds, from where, and what it fetches.
#[derive(Debug)]
struct Run {
    plan: Plan,
    feeds: Vec<Feed>,
    /// Whether each column is among them.
    columns: Vec<bool>,
}

impl Model {
    pub(crate) fn new(bundle: Arc<Bundle>, config: SessionConfig) -> Result<Self> {
        let graph = Graph::import(bundle.graph())?;
        let manifest = bundle.manifest();
        let scalar = |name: &str| graph.endpoint(name, DType::F32, &[]);
        let rows = |dims: &[i64]| [&[-1], dims].concat();
        let outputs = |pick: fn(&crate::bundle::Output) -> &str| {
            manifest.outputs.iter().map(move |output| (pick(output), output)).collect::<Vec<_>>()
        };
        let output = |(name, output): (&str, &crate::bundle::Output)| graph.endpoint(name, output.dtype, &rows(output.shape.dims()));
        let predicted = outputs(|output| &output.predict).into_iter().map(output).collect::<Result<Vec<_>>>()?;
        let mut trained = vec![scalar(&manifest.loss.train)?];
        for (name, entry) in outputs(|output| &output.train) {
            trained.push(output((name, entry))?);
        }
        for parameter in &manifest.parameters {
            trained.push(graph.endpoint(&parameter.gradient, parameter.dtype, parameter.shape.dims())?);
        }
        for state in &manifest.state {
            trained.push(graph.endpoint(&state.next, state.dtype, state.shape.dims())?);
        }
        let evaluated = [&[scalar(&manifest.loss.evaluate)?], predicted.as_slice()].concat();
        let feeds = feeds(&bundle, &graph)?;
        let reach = bundle.reach();
        let (train, predict, evaluate) = (
            Run::new(&feeds, &reach.train, trained),
            Run::new(&feeds, &reach.predict, predicted),
            Run::new(&feeds, &reach.evaluate, evaluated),
        );
        let frozen = manifest.frozen.iter().map(|weight| {
            let mut tensor = Tensor::allocate(weight.dtype, weight.shape.dims())?;
            tensor.copy_from(bundle.values().bytes(&weight.name)?)?;
            Ok(tensor)
        });
        let frozen = frozen.collect::<Result<_>>()?;
        let schema = Schema::of(manifest);
        let session = Session::new(graph, config)?;
        let views = schema.columns().iter().map(|_| Views::default()).collect();
        Ok(Self { bundle, schema, session, frozen, views, train, predict, evaluate })
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

    /// One fused run: loss, predictions, gradients, new state.
    pub(crate) fn train(&self, version: &Version, batch: &BatchView<'_>) -> Result<TrainingPass> {
        batch.check(&self.schema, Purpose::Learn)?;
        let fed = Fed::new(self, &self.train, version, batch, version.dense().begin_run())?;
        let fetched = self.run(&self.train, &fed)?;
        TrainingPass::new(self, version, batch.rows(), fetched, &fed)
    }

    /// As [`Model::train`], free of the batch's memory.
    pub(crate) fn gradients(&self, version: &Version, batch: &BatchView<'_>) -> Result<TrainingPass> {
        batch.check(&self.schema, Purpose::Learn)?;
        let fed = Fed::new(self, &self.train, version, batch, version.dense().begin_run())?;
        let fetched = self.run(&self.train, &fed)?;
        TrainingPass::new(self, version, batch.rows(), fetched, &fed)?.detach(&fed)
    }

    /// Predictions by the parameters of this version.
    pub(crate) fn predict(&self, version: &Version, batch: &BatchView<'_>) -> Result<Predictions> {
        batch.check(&self.schema, Purpose::Predict)?;
        let fed = Fed::new(self, &self.predict, version, batch, 0)?;
        Predictions::new(self, version, batch.rows(), self.run(&self.predict, &fed)?, &fed)
    }

    /// Loss and predictions in inference.
    pub(crate) fn evaluate(&self, version: &Version, batch: &BatchView<'_>) -> Result<(f32, Predictions)> {
        batch.check(&self.schema, Purpose::Learn)?;
        let fed = Fed::new(self, &self.evaluate, version, batch, 0)?;
        let mut fetched = self.run(&self.evaluate, &fed)?;
        let loss = pass::scalar(&fetched.remove(0))?;
        Ok((loss, Predictions::new(self, version, batch.rows(), fetched, &fed)?))
    }

    fn run(&self, run: &Run, fed: &Fed<'_>) -> Result<Vec<Tensor>> {
        let inputs: SmallVec<[&Tensor; 32]> = run.feeds.iter().map(|feed| fed.tensor(*feed)).collect::<Result<_>>()?;
        self.session.run(&run.plan, &inputs)
    }
}

impl Run {
    /// Feeds only what the fetches need.
    fn new(feeds: &[(String, Feed, Endpoint)], needed: &HashSet<String>, fetches: Vec<Endpoint>) -> Self {
        let fed = || feeds.iter().filter(|(node, ..)| needed.contains(node));
        let columns = feeds.iter().filter(|feed| matches!(feed.1, Feed::Column(_)));
        Self {
            plan: Plan::new(fed().map(|feed| feed.2), fetches),
            feeds: fed().map(|feed| feed.1).collect(),
            columns: columns.map(|(node, ..)| needed.contains(node)).collect(),
        }
    }
}

/// Everything that the manifest feeds: node, where its value comes from, where it goes.
fn feeds(bundle: &Bundle, graph: &Graph) -> Result<Vec<(String, Feed, Endpoint)>> {
    let manifest = bundle.manifest();
    let mut feeds = Vec::new();
    let mut add = |tensor: &str, feed, dtype, dims: &[i64]| {
        feeds.push((node_of(tensor).to_owned(), feed, graph.endpoint(tensor, dtype, dims)?));
        Ok::<_, Error>(())
    };
    for (index, column) in manifest.columns().enumerate() {
        add(&column.tensor, Feed::Column(index), column.dtype, &[&[-1], column.shape.dims()].concat())?;
    }
    for (index, weight) in manifest.parameters.iter().enumerate() {
        add(&weight.tensor, Feed::Parameter(index), weight.dtype, weight.shape.dims())?;
    }
    for (index, weight) in manifest.state.iter().enumerate() {
        add(&weight.tensor, Feed::State(index), weight.dtype, weight.shape.dims())?;
    }
    for (index, weight) in manifest.frozen.iter().enumerate() {
        add(&weight.tensor, Feed::Frozen(index), weight.dtype, weight.shape.dims())?;
    }
    Ok(feeds)
}

/// What a graph hands back although its manifest says otherwise.
pub(crate) fn unexpected(context: String) -> Error {
    Error::new(ErrorKind::InvalidBundle, "run graph", context)
}
