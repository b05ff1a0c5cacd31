//! From a bundle's folder to a model that runs.

use std::path::Path;
use std::sync::{Arc, OnceLock};

use super::Model;
use crate::bundle::Bundle;
use crate::error::Result;
use crate::tf::{self, Places, SessionConfig};

/// What a host may ask for when a bundle is opened, whatever it is opened for.
#[derive(Clone, Debug, Default)]
pub(crate) struct Opening {
    pub(crate) tensorflow: Places,
    pub(crate) session: SessionConfig,
    /// Ops that may reach beyond the process.
    pub(crate) allowed: Vec<String>,
}

impl Opening {
    /// Verifies the bundle, loads TensorFlow, opens a session.
    pub(crate) fn open(&self, bundle: &Path) -> Result<Model> {
        let bundle = Arc::new(Bundle::open_allowing(bundle, &self.allowed)?);
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
