//! How a trainer is opened.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::{Observer, Trainer};
use crate::control;
use crate::error::{Error, Result};
use crate::guard::Guard;
use crate::model::Opening;
use crate::observe::TensorBoard;
use crate::params::{Layout, MemoryStore, Store};

/// The rows of the metrics' sliding window, unless told otherwise.
const WINDOW: usize = 10_000;

/// Options of a [`Trainer`]; made by [`Trainer::builder`].
#[derive(Clone, Debug)]
pub struct TrainerBuilder {
    bundle: PathBuf,
    store: Option<Arc<dyn Store>>,
    opening: Opening,
    learning_rate: Option<f32>,
    window: usize,
    tensorboard: Option<TensorBoard>,
    guard: Guard,
    control: bool,
}

impl TrainerBuilder {
    pub(super) fn new(bundle: &Path) -> Self {
        Self {
            bundle: bundle.to_owned(),
            store: None,
            opening: Opening::default(),
            learning_rate: None,
            window: WINDOW,
            tensorboard: None,
            guard: Guard::finite(),
            control: true,
        }
    }

    /// Where the parameters live, for instance a [`FolderStore`](crate::FolderStore). Trainers that are given the same store
    /// learn together. Default: memory of its own.
    #[must_use]
    pub fn store(self, store: impl Into<Arc<dyn Store>>) -> Self {
        Self { store: Some(store.into()), ..self }
    }

    /// The TensorFlow library or its folder. Default: see [`crate::tf::load`].
    #[must_use]
    pub fn tensorflow(mut self, path: impl Into<PathBuf>) -> Self {
        self.opening.tensorflow.named = Some(path.into());
        self
    }

    /// What a binding sets without asking for what the bundle is opened.
    pub(crate) fn opening(&mut self) -> &mut Opening {
        &mut self.opening
    }

    /// Threads inside one op; 0 lets TensorFlow choose. Default 1: one core for one trainer thread. TensorFlow has one such
    /// pool per process, sized by its first session: a later, different wish is logged and has no effect.
    #[must_use]
    pub fn intra_op_threads(mut self, threads: u16) -> Self {
        self.opening.session.intra_op_threads = threads.into();
        self
    }

    /// Threads that run ops beside each other; 0 lets TensorFlow choose. Default: none, every op runs in the caller's thread.
    #[must_use]
    pub fn inter_op_threads(mut self, threads: u16) -> Self {
        self.opening.session.inter_op_threads = threads.into();
        self
    }

    /// A constant learning rate in place of the bundle's own or its schedule, for all groups of parameters alike.
    #[must_use]
    pub fn learning_rate(self, rate: f32) -> Self {
        Self { learning_rate: Some(rate), ..self }
    }

    /// The rows of the metrics' sliding window. Default 10,000.
    #[must_use]
    pub fn metrics_window(self, rows: usize) -> Self {
        Self { window: rows, ..self }
    }

    /// Writes curves, histograms and the graph for TensorBoard, beside training. A folder that cannot be written does not stop
    /// learning: [`Trainer::tensorboard_status`] and the log tell it, and it is tried again. What is written is complete when the
    /// trainer is dropped.
    ///
    /// One sample at a time holds its version, and for histograms a copy of the gradients: the parameters up to twice more in memory.
    #[must_use]
    pub fn tensorboard(self, tensorboard: TensorBoard) -> Self {
        Self { tensorboard: Some(tensorboard), ..self }
    }

    /// Which updates are refused, and what comes of it. Default: [`Guard::finite`]. Of trainers that share a store the first one's counts.
    #[must_use]
    pub fn guard(self, guard: Guard) -> Self {
        Self { guard, ..self }
    }

    /// Whether other processes may command this trainer by a socket in its store's folder, if it has one: see
    /// [`control`](crate::control). Default true.
    #[must_use]
    pub fn control(self, listen: bool) -> Self {
        Self { control: listen, ..self }
    }

    /// Allows an op, such as `ReadFile`, that reaches files, the network, Python or other libraries.
    #[must_use]
    pub fn allow_op(mut self, op: impl Into<String>) -> Self {
        self.opening.allowed.push(op.into());
        self
    }

    /// Verifies the bundle, loads TensorFlow, opens a session.
    pub fn open(self) -> Result<Trainer> {
        if self.window == 0 {
            return Err(Error::input("open trainer", "the metrics' window must have at least one row"));
        }
        self.guard.check()?;
        let model = Arc::new(self.opening.open(&self.bundle)?);
        let layout = Layout::new(model.bundle(), self.learning_rate, self.window)?;
        let (metrics, initial) = (layout.metrics.clone(), layout.initial(model.bundle())?);
        let store = self.store.unwrap_or_else(|| Arc::new(MemoryStore::new()));
        let observer = Observer::new(self.tensorboard.as_ref(), model.bundle())?;
        store.start(Arc::new(layout), initial)?;
        if self.guard.rolls_back() {
            // Not to find out in need that nothing is kept.
            store.kept_versions()?;
        }
        store.steering().watch.begin(self.guard);
        let control = self.control.then(|| control::serve(&store)).flatten();
        Ok(Trainer { _control: control, model, store, metrics, observer })
    }
}
