//! From a bundle's folder to a model that runs.

use std::path::Path;
use std::sync::{Arc, OnceLock};

use super::Model;
use crate::batch::Schema;
use crate::bundle::{Bundle, is_description};
use crate::error::Result;
use crate::tf::{self, Places, SessionConfig};

/// What a host may ask for when a bundle is opened, whatever it is opened for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Opening {
    pub(crate) tensorflow: Places,
    pub(crate) session: SessionConfig,
    /// Ops that may reach beyond the process.
    pub(crate) allowed: Vec<String>,
    /// Of a SavedModel.
    pub(crate) signature: Option<String>,
}

impl Opening {
    /// Verifies the bundle, loads TensorFlow, opens a session.
    pub(crate) fn open(&self, bundle: &Path) -> Result<Model> {
        self.start(self.bundle(bundle)?)
    }

    /// As [`Opening::open`], without a session.
    pub(crate) fn bundle(&self, path: &Path) -> Result<Bundle> {
        match is_description(path) {
            true => self.graph(path),
            false => Bundle::open_allowing(path, &self.allowed),
        }
    }

    /// As [`Opening::open`], of a bundle or a SavedModel, which may be all that a host needs to predict.
    pub(crate) fn open_to_predict(&self, path: &Path) -> Result<Model> {
        self.start(match is_description(path) {
            true => self.graph(path)?,
            false => Bundle::open_to_predict(path, self.signature.as_deref(), &self.allowed)?,
        })
    }

    /// The records of a bundle or a SavedModel and what it gives for them, without opening it. Only a graph of someone else's
    /// needs TensorFlow for that.
    pub(crate) fn schema(&self, path: &Path) -> Result<Arc<Schema>> {
        match is_description(path) {
            true => Ok(Schema::of(self.graph(path)?.manifest())),
            false => Ok(Schema::of(&Bundle::manifest_at(path, self.signature.as_deref(), &self.allowed)?)),
        }
    }

    /// A graph of someone else's, which must be run once to know its first values.
    fn graph(&self, json: &Path) -> Result<Bundle> {
        tf::load_from(&self.tensorflow)?;
        warn_of_another_pool(self.session.intra_op_threads);
        Bundle::of_graph(json, &self.allowed, self.session)
    }

    fn start(&self, bundle: Bundle) -> Result<Model> {
        let bundle = Arc::new(bundle);
        tf::load_from(&self.tensorflow)?;
        warn_of_another_pool(self.session.intra_op_threads);
        Model::new(bundle, self.session)
    }
}

fn warn_of_another_pool(threads: i32) {
    static FIRST: OnceLock<i32> = OnceLock::new();
    let first = *FIRST.get_or_init(|| threads);
    if first != threads {
        tracing::warn!(first, threads, "TensorFlow's pool inside ops was sized by the process's first session; this wish has no effect");
    }
}
