//! `streamgrad to-savedmodel`.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;
use streamgrad::{Bundle, export};

use crate::answer::{Answer, Outcome};
use crate::open;

/// Writes a version as a SavedModel into OUT/<number>, as TensorFlow Serving wants it; without a store, the bundle's own values.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The folder of the bundle
    bundle: PathBuf,
    /// The folder that TensorFlow Serving watches
    #[arg(long, value_name = "OUT")]
    out: PathBuf,
    /// The folder of a store: take what was saved there last
    #[arg(long, value_name = "DIR")]
    store: Option<PathBuf>,
    /// A version of the store: its full name, its number, or the first digits of its name
    #[arg(long, value_name = "VERSION", requires = "store")]
    version: Option<String>,
}

pub(crate) fn run(arguments: &Arguments) -> Outcome {
    let snapshot = arguments.store.as_deref().map(|store| open::snapshot(store, arguments.version.as_deref())).transpose()?;
    let version = export::saved_model(&Bundle::open(&arguments.bundle)?, snapshot.as_ref(), &arguments.out)?;
    let path = arguments.out.join(version.number.to_string());
    Ok(Answer::new(format!("version {version} in {}", path.display()), json!({"path": path, "version": version.to_string()})))
}
