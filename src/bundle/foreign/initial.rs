//! The first values of variables: what the graph's own initializer gives them, run once.

use std::collections::HashSet;

use prost::Message;

use super::refuse;
use super::rewrite::RawGraph;
use crate::bundle::graph;
use crate::error::Result;
use crate::tensor::{DType, Shape};
use crate::tf::{Graph, Plan, Session, SessionConfig};

pub(super) fn values(
    graph: &RawGraph,
    initializer: &str,
    variables: &[&(&str, Shape)],
    allowed: &[&str],
    config: SessionConfig,
) -> Result<Vec<(String, Vec<f32>)>> {
    let names = || variables.iter().map(|(name, _)| *name);
    if let Some(name) = names().find(|name| graph.node(name).is_some_and(|node| !node.is_variable())) {
        return Err(refuse(format!("{name} is a placeholder, which has no value of its own; give a file with it")));
    }
    let ends: Vec<&str> = names().chain([initializer]).collect();
    let mut graph = graph.pruned(ends.iter().copied(), &HashSet::new())?;
    graph::refuse_foreign(&graph.encode_to_vec(), &ends, &HashSet::new(), true, allowed)?;
    let readers: Vec<String> = (0..variables.len()).map(|index| format!("streamgrad/initial/{index}")).collect();
    for (reader, name) in readers.iter().zip(names()) {
        graph.pass_on(reader.clone(), name, Some(initializer));
    }
    let graph = Graph::import(&graph.encode_to_vec())?;
    let fetches = readers.iter().zip(variables).map(|(reader, (_, shape))| graph.endpoint(reader, DType::F32, shape.dims()));
    let plan = Plan::new([], fetches.collect::<Result<Vec<_>>>()?);
    let fetched = Session::new(graph, config)?.run(&plan, &[])?;
    let values = names().zip(fetched).map(|(name, tensor)| Ok((name.to_owned(), tensor.as_slice::<f32>()?.to_vec())));
    values.collect()
}
