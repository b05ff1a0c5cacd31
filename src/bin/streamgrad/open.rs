//! Which version of a model is used.

use std::path::{Path, PathBuf};

use clap::Args;
use streamgrad::snapshot::SnapshotFolder;
use streamgrad::{Snapshot, Trainer, VersionId};

use crate::answer::{Failure, Outcome};

/// A bundle, and where what it learned is kept.
#[derive(Clone, Debug, Args)]
pub(crate) struct ModelArguments {
    /// The folder of the bundle, or a JSON that describes a graph
    pub(crate) bundle: PathBuf,
    /// The folder of a store: use what was saved there last. A process that learns into it is not disturbed
    #[arg(long, value_name = "DIR")]
    pub(crate) store: Option<PathBuf>,
    /// A version of the store: its full name, its number, or the first digits of its name
    #[arg(long, value_name = "VERSION", requires = "store")]
    pub(crate) version: Option<String>,
    /// Allow an op of the graph that reaches files, the network or other libraries
    #[arg(long, value_name = "OP")]
    pub(crate) allow_op: Vec<String>,
}

impl ModelArguments {
    /// A trainer in memory, with the version that is asked for.
    pub(crate) fn trainer(&self, window: usize) -> Outcome<(Trainer, Option<VersionId>)> {
        let mut builder = Trainer::builder(&self.bundle).metrics_window(window);
        for op in &self.allow_op {
            builder = builder.allow_op(op);
        }
        let snapshot = self.store.as_deref().map(|store| snapshot(store, self.version.as_deref())).transpose()?;
        let trainer = builder.open()?;
        let version = snapshot.map(|snapshot| trainer.restore_snapshot(&snapshot).map(|_| snapshot.version())).transpose()?;
        Ok((trainer, version))
    }
}

/// The snapshot of a version of a store; the newest without a name.
pub(crate) fn snapshot(store: &Path, version: Option<&str>) -> Outcome<Snapshot> {
    let folder = SnapshotFolder::open(store)?;
    match version {
        Some(name) => Ok(folder.read(named(&folder, name)?)?),
        None => folder.newest()?.ok_or_else(|| Failure::new(format!("{}: nothing was saved there yet", store.display()))),
    }
}

/// The kept version that a text means.
pub(crate) fn named(folder: &SnapshotFolder, text: &str) -> Outcome<VersionId> {
    let versions: Vec<VersionId> = folder.versions()?.iter().map(|kept| kept.version).collect();
    let exact = |version: &&VersionId| version.to_string() == text || version.number.to_string() == text;
    let mut found: Vec<VersionId> = versions.iter().filter(exact).copied().collect();
    if found.is_empty() && text.len() >= 4 {
        found = versions.iter().filter(|version| version.to_string().starts_with(text)).copied().collect();
    }
    let names = |versions: &[VersionId]| versions.iter().map(VersionId::to_string).collect::<Vec<_>>().join(", ");
    match found.as_slice() {
        [version] => Ok(*version),
        [] => Err(Failure::new(format!("{} keeps no version {text}; it has {}", folder.path().display(), names(&versions)))),
        several => Err(Failure::new(format!("{text} could be any of {}; give more of its name", names(several)))),
    }
}
