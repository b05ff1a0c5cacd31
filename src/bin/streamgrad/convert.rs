//! `streamgrad convert`.

use std::path::PathBuf;

use clap::Args;
use serde_json::json;
use streamgrad::bundle::{Bundle, ForeignGraph};
use streamgrad::{FolderStore, Trainer};

use crate::answer::{Answer, Failure, Outcome};

/// Reads a JSON that describes a graph, of onlearning or bare, with the GraphDef that it names, and writes a bundle. Parameters come from the
/// graph's own initializer, or from what was saved with it.
#[derive(Debug, Args)]
pub(crate) struct Arguments {
    /// The JSON
    source: PathBuf,
    /// The bundle to be written: a folder that is not there yet
    #[arg(long, value_name = "BUNDLE")]
    out: PathBuf,
    /// Parameters that were saved: *.safetensors, or the named records of onlearning
    #[arg(long, value_name = "FILE")]
    values: Option<PathBuf>,
    /// Parameters that onlearning's server saved, by key
    #[arg(long, value_name = "FILE", conflicts_with = "values")]
    server_values: Option<PathBuf>,
    /// The parameter that a key of the server means; without any, keys are places in the JSON's list, from 0
    #[arg(long, value_name = "KEY=NAME", value_parser = key, requires = "server_values")]
    key: Vec<(u64, String)>,
    /// Save the parameters in this store, too, for a trainer to go on from
    #[arg(long, value_name = "DIR")]
    store: Option<PathBuf>,
}

fn key(text: &str) -> Result<(u64, String), String> {
    let (key, name) = text.split_once('=').ok_or("give it as KEY=NAME")?;
    Ok((key.parse().map_err(|_| "a key is a whole number")?, name.to_owned()))
}

pub(crate) fn run(arguments: &Arguments) -> Outcome {
    let Arguments { source, out, values, server_values, key, store } = arguments;
    if source.is_dir() {
        return Err(Failure::usage(format!("{} is a folder; give the JSON that describes the graph", source.display())));
    }
    let mut graph = ForeignGraph::open(source)?;
    if let Some(file) = values {
        graph = graph.values(file)?;
    }
    if let Some(file) = server_values {
        let names: Vec<(u64, &str)> = key.iter().map(|(key, name)| (*key, name.as_str())).collect();
        graph = graph.server_values(file, &names)?;
    }
    graph.write(out)?;
    let bundle = Bundle::open(out)?;
    let (name, identity) = (bundle.manifest().name.clone(), bundle.identity().to_owned());
    let mut said = format!("{name}: {} parameters in {}", bundle.manifest().parameters.len(), out.display());
    let mut version = None;
    if let Some(folder) = store {
        let trainer = Trainer::builder(out).store(FolderStore::open(folder)?).open()?;
        let saved = trainer.save()?.to_string();
        said += &format!("\nversion {saved} saved in {}", folder.display());
        version = Some(saved);
    }
    Ok(Answer::new(said, json!({"bundle": out, "name": name, "identity": identity, "store": store, "version": version})))
}
