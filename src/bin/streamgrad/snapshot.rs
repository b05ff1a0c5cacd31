//! `streamgrad snapshot`.

use std::path::{Path, PathBuf};

use clap::{Args, Subcommand};
use serde_json::{Value, json};
use streamgrad::snapshot::SnapshotFolder;
use streamgrad::{FolderStore, Snapshot, Trainer, VersionId};

use crate::answer::{Answer, Outcome};
use crate::difference::{self, Spread};
use crate::open::{self, named};
use crate::run::Saved;
use crate::text;

/// A version is named `<lineage>-<number>`; its number, or the first digits of its name, will do where they mean one.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    #[command(subcommand)]
    verb: Verb,
}

#[derive(Debug, Subcommand)]
enum Verb {
    /// The versions that a store keeps, the oldest first
    List {
        /// The folder of the store
        store: PathBuf,
    },
    /// One version: where it comes from, its tensors, its tables
    Show {
        /// The folder of the store
        store: PathBuf,
        /// The version; without it, the newest
        version: Option<String>,
    },
    /// How two versions differ
    Diff {
        /// The folder of the store
        store: PathBuf,
        /// The first version
        first: String,
        /// The second version; without it, the newest
        second: Option<String>,
    },
    /// Go back to a version: it becomes the newest, as the first of a new lineage
    Restore {
        /// The folder of the store
        store: PathBuf,
        /// The version
        version: String,
        /// The bundle that it belongs to
        #[arg(long, value_name = "BUNDLE")]
        bundle: PathBuf,
    },
    /// Remove the versions that the rules do not keep. The newest always stays
    Prune {
        /// The folder of the store
        store: PathBuf,
        /// Keep the last so many
        #[arg(long, value_name = "N", default_value_t = 1)]
        keep: usize,
        /// Keep the last of each of so many hours
        #[arg(long, value_name = "N", default_value_t = 0)]
        hourly: usize,
        /// Keep the last of each of so many days
        #[arg(long, value_name = "N", default_value_t = 0)]
        daily: usize,
    },
}

pub(crate) fn run(arguments: Arguments) -> Outcome {
    match arguments.verb {
        Verb::List { store } => {
            let folder = SnapshotFolder::open(&store)?;
            let (versions, newest) = (kept(&folder)?, folder.newest_version()?);
            let said = if versions.is_empty() { "nothing was saved there yet".into() } else { list(&versions, newest) };
            Ok(Answer::new(said, json!({"store": store, "newest": newest.map(|newest| newest.to_string()), "versions": versions})))
        }
        Verb::Show { store, version } => Ok(shown(&open::snapshot(&store, version.as_deref())?)),
        Verb::Diff { store, first, second } => {
            difference::snapshots(&open::snapshot(&store, Some(&first))?, &open::snapshot(&store, second.as_deref())?)
        }
        Verb::Restore { store, version, bundle } => restore(&store, &version, &bundle),
        Verb::Prune { store, keep, hourly, daily } => {
            let removed = FolderStore::builder(&store).keep_last(keep).keep_hourly(hourly).keep_daily(daily).prune()?;
            let names: Vec<String> = removed.iter().map(VersionId::to_string).collect();
            let said = match names.as_slice() {
                [] => "nothing to remove".to_owned(),
                names => format!("removed {}", names.join(", ")),
            };
            Ok(Answer::new(said, json!({"store": store, "removed": names})))
        }
    }
}

fn restore(store: &Path, version: &str, bundle: &Path) -> Outcome {
    let version = named(&SnapshotFolder::open(store)?, version)?;
    // As many as there are, and the one that this makes: going back removes nothing.
    let keep = SnapshotFolder::open(store)?.versions()?.len() + 1;
    let trainer = Trainer::builder(bundle).store(FolderStore::builder(store).keep_last(keep).restore(version).open()?).open()?;
    let restored = trainer.save()?.to_string();
    let said = format!("{} goes on from {version}, now called {restored}", store.display());
    Ok(Answer::new(said, json!({"store": store, "from": version.to_string(), "version": restored})))
}

/// What a store keeps, the oldest first, with the parents that only the manifests know.
pub(crate) fn kept(folder: &SnapshotFolder) -> Outcome<Vec<Saved>> {
    let parent = |version: VersionId| {
        let manifest = folder.path().join("snapshots").join(version.to_string()).join("snapshot.json");
        let manifest: Value = serde_json::from_slice(&std::fs::read(manifest).ok()?).ok()?;
        manifest.get("parent")?.as_str().map(str::to_owned)
    };
    Ok(folder.versions()?.iter().map(|kept| Saved::of(kept, parent(kept.version))).collect())
}

/// Versions as a table.
pub(crate) fn list(versions: &[Saved], newest: Option<VersionId>) -> String {
    let newest = newest.map(|newest| newest.to_string());
    let mut rows = vec![["version", "taken (UTC)", "size", ""].map(str::to_owned).to_vec()];
    for saved in versions {
        let mut notes = Vec::new();
        notes.extend(saved.base.as_ref().map(|base| format!("a delta on {base}")));
        notes.extend(saved.parent.as_ref().map(|parent| format!("departed from {parent}")));
        notes.extend((newest.as_ref() == Some(&saved.version)).then(|| "newest".to_owned()));
        rows.push(vec![saved.version.clone(), text::moment(saved.taken()), text::bytes(saved.bytes), notes.join(", ")]);
    }
    text::table(&rows, false)
}

/// What is in a snapshot.
pub(crate) fn shown(snapshot: &Snapshot) -> Answer {
    let all: Vec<_> = snapshot.tensors().collect();
    let bytes: usize = all.iter().map(|tensor| tensor.data.len()).sum();
    let mut facts = vec![
        ("version", snapshot.version().to_string()),
        ("bundle", format!("{} {}", snapshot.bundle_name(), snapshot.bundle_identity())),
        ("taken", format!("{} UTC", text::moment(snapshot.time()))),
        ("steps", text::count(snapshot.steps())),
        ("size", format!("{} in {} tensors", text::bytes(bytes as u64), all.len())),
    ];
    facts.extend(snapshot.parent().map(|parent| ("departed from", parent.to_string())));
    facts.extend(snapshot.base().map(|base| ("a delta on", base.to_string())));
    let position = snapshot.position().map(|position| String::from_utf8_lossy(position).into_owned());
    facts.extend(position.clone().map(|position| ("position", position)));
    let tables = tables(snapshot);
    facts.extend(tables.iter().map(|(name, rows, dim)| ("table", format!("{name}: {} ids of {dim} numbers", text::count(*rows as u64)))));
    let (mut rows, mut listed) = (Vec::new(), Vec::new());
    for tensor in &all {
        let spread = Spread::of_tensor(tensor);
        rows.push([vec![tensor.name.to_owned(), tensor.dtype.to_string(), format!("{:?}", tensor.shape)], spread.cells()].concat());
        listed.push(
            json!({"file": tensor.file, "name": tensor.name, "dtype": tensor.dtype.name(), "shape": tensor.shape, "values": spread.json()}),
        );
    }
    let said = format!("{}\n{}", text::facts(&facts), text::table(&rows, false));
    let document = json!({
        "kind": "snapshot", "version": snapshot.version().to_string(), "parent": snapshot.parent().map(|parent| parent.to_string()),
        "base": snapshot.base().map(|base| base.to_string()), "bundle": snapshot.bundle_name(), "identity": snapshot.bundle_identity(),
        "time": crate::run::milliseconds(snapshot.time()), "steps": snapshot.steps(), "bytes": bytes, "position": position,
        "tables": tables.iter().map(|(name, rows, dim)| json!({"name": name, "rows": rows, "dim": dim})).collect::<Vec<_>>(),
        "tensors": listed,
    });
    Answer::new(said, document)
}

/// Name, ids and width of each embedding table.
fn tables(snapshot: &Snapshot) -> Vec<(String, usize, usize)> {
    let table = |tensor: streamgrad::snapshot::SnapshotTensor<'_>| {
        let name = tensor.name.strip_prefix("table/")?.strip_suffix("/rows")?;
        Some((name.to_owned(), *tensor.shape.first()?, *tensor.shape.get(1)?))
    };
    snapshot.tensors().filter_map(table).collect()
}

impl Saved {
    fn taken(&self) -> std::time::SystemTime {
        std::time::SystemTime::UNIX_EPOCH + std::time::Duration::from_millis(self.time)
    }
}
