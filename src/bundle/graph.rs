//! The graph against its manifest: endpoints, placeholders, ops.

use std::collections::{HashMap, HashSet};

use prost::Message;

use super::feeds::Placeholder;
use super::graph_def::{Attr, GraphDef, NodeDef};
use super::manifest::Manifest;
use super::{invalid, ops};
use crate::error::{Error, ErrorKind, Result};
use crate::tensor::{DType, name_of};

/// Which placeholders each kind of run needs, by node name.
#[derive(Debug)]
pub(crate) struct Reach {
    /// Loss, predictions, gradients and new state.
    pub(crate) train: HashSet<String>,
    /// Predictions alone.
    pub(crate) predict: HashSet<String>,
    /// Predictions and loss, in inference.
    pub(crate) evaluate: HashSet<String>,
}

/// The node of a tensor name.
pub(crate) fn node_of(tensor: &str) -> &str {
    let tensor = tensor.strip_prefix('^').unwrap_or(tensor);
    tensor.split_once(':').map_or(tensor, |(node, _)| node)
}

pub(super) fn verify(graph_def: &[u8], manifest: &Manifest, allowed: &[&str]) -> Result<Reach> {
    let graph =
        GraphDef::decode(graph_def).map_err(|error| invalid("graph.pb is no GraphDef; export the bundle again").with_source(error))?;
    let graph = Index::new(&graph);
    let fed = placeholders(&graph, manifest)?;
    let reach = |fetches: Vec<&str>| graph.reach(&fetches, &fed, allowed);
    let predictions = || manifest.outputs.iter().map(|output| output.predict.as_str());
    let mut train = vec![manifest.loss.train.as_str()];
    train.extend(manifest.outputs.iter().map(|output| output.train.as_str()));
    train.extend(manifest.parameters.iter().map(|parameter| parameter.gradient.as_str()));
    train.extend(manifest.tables.iter().map(|table| table.gradient.as_str()));
    train.extend(manifest.state.iter().filter_map(|state| state.next.as_deref()));
    Ok(Reach {
        train: reach(train)?,
        predict: reach(predictions().collect())?,
        evaluate: reach(predictions().chain([manifest.loss.evaluate.as_str()]).collect())?,
    })
}

/// As [`verify`], of a SavedModel's graph and the endpoints of one signature. Its variables and lookup tables are its own.
pub(super) fn verify_saved_model(graph: &GraphDef, manifest: &Manifest, allowed: &[&str]) -> Result<Reach> {
    let graph = Index { variables: true, ..Index::new(graph) };
    let fed = placeholders(&graph, manifest)?;
    let predictions: Vec<&str> = manifest.outputs.iter().map(|output| output.predict.as_str()).collect();
    Ok(Reach { predict: graph.reach(&predictions, &fed, allowed)?, train: HashSet::new(), evaluate: HashSet::new() })
}

/// Refuses a graph whose way to these endpoints has an op that is not allowed, or a placeholder that is not fed.
pub(super) fn refuse_foreign(graph_def: &[u8], ends: &[&str], fed: &HashSet<&str>, variables: bool, allowed: &[&str]) -> Result<()> {
    let graph = GraphDef::decode(graph_def).map_err(|error| invalid("the graph is no GraphDef").with_source(error))?;
    Index { variables, ..Index::new(&graph) }.reach(ends, fed, allowed).map(drop)
}

/// The nodes that the manifest feeds, each found to be a placeholder of the right dtype and shape.
fn placeholders<'a>(graph: &Index<'_>, manifest: &'a Manifest) -> Result<HashSet<&'a str>> {
    let mut fed = HashSet::new();
    for Placeholder { tensor, dtype, dims, .. } in manifest.placeholders() {
        let name = node_of(tensor);
        let node = graph.node(name)?;
        if node.op != "Placeholder" {
            return Err(invalid(format!("{tensor} shall be fed, but is a {}, not a Placeholder", node.op)));
        }
        match node.attr.get("dtype").and_then(|attr| attr.value.as_ref()) {
            Some(Attr::Type(code)) if *code as u32 == dtype.code() => {}
            Some(Attr::Type(code)) => {
                let found = DType::from_code(*code as u32).map_or_else(|| name_of((*code).into()), |found| found.to_string());
                return Err(invalid(format!("{tensor} is {found} in the graph, but {dtype} in the manifest")));
            }
            _ => return Err(invalid(format!("the placeholder {tensor} has no dtype"))),
        }
        if let Some(Attr::Shape(shape)) = node.attr.get("shape").and_then(|attr| attr.value.as_ref())
            && !shape.unknown_rank
        {
            let found: Vec<i64> = shape.dim.iter().map(|dim| dim.size).collect();
            let agree = found.len() == dims.len() && found.iter().zip(&dims).all(|(&found, &dim)| found == dim || found == -1);
            if !agree {
                return Err(invalid(format!(
                    "{tensor} has shape {found:?} in the graph, but {dims:?} in the manifest (-1: any number of rows)"
                )));
            }
        }
        if !fed.insert(name) {
            return Err(invalid(format!("two entries of the manifest feed {tensor}")));
        }
    }
    Ok(fed)
}

/// Nodes and functions by name.
struct Index<'a> {
    nodes: HashMap<&'a str, &'a NodeDef>,
    functions: HashMap<&'a str, &'a [NodeDef]>,
    /// Whether it may hold values of its own.
    variables: bool,
}

impl<'a> Index<'a> {
    fn new(graph: &'a GraphDef) -> Self {
        let functions = graph.library.iter().flat_map(|library| &library.function);
        Self {
            nodes: graph.node.iter().map(|node| (node.name.as_str(), node)).collect(),
            functions: functions
                .filter_map(|function| Some((function.signature.as_ref()?.name.as_str(), function.node_def.as_slice())))
                .collect(),
            variables: false,
        }
    }

    fn node(&self, name: &str) -> Result<&'a NodeDef> {
        self.nodes
            .get(name)
            .copied()
            .ok_or_else(|| invalid(format!("the graph has no node {name}, which the manifest names; export the bundle again")))
    }

    /// Walks from the fetches to the placeholders they need; refuses what must not be on the way.
    fn reach(&self, fetches: &[&str], fed: &HashSet<&str>, allowed: &[&str]) -> Result<HashSet<String>> {
        let (mut seen, mut needed) = (HashSet::new(), HashSet::new());
        let mut open: Vec<&str> = fetches.iter().map(|fetch| node_of(fetch)).collect();
        let mut functions = HashSet::new();
        while let Some(name) = open.pop() {
            if !seen.insert(name) {
                continue;
            }
            let node = self.node(name)?;
            if fed.contains(name) {
                needed.insert(name.to_owned());
                continue;
            }
            if node.op == "Placeholder" {
                return Err(invalid(format!("the endpoints need the placeholder {name}, which no entry of the manifest feeds")));
            }
            self.refuse(node, allowed, &mut functions)?;
            open.extend(node.input.iter().map(|input| node_of(input)));
        }
        Ok(needed)
    }

    /// Refuses a node whose op, or an op of a function that it calls, is not allowed.
    fn refuse(&self, node: &'a NodeDef, allowed: &[&str], seen: &mut HashSet<&'a str>) -> Result<()> {
        let mut open = vec![node];
        while let Some(node) = open.pop() {
            let refused = |reason: &str| {
                Err(Error::new(ErrorKind::RefusedGraph, "open bundle", format!("the graph {reason}: op {} of node {}", node.op, node.name)))
            };
            match ops::judge(&node.op) {
                ops::Verdict::Fine => {}
                ops::Verdict::Variable if self.variables => {}
                _ if allowed.contains(&node.op.as_str()) => {}
                ops::Verdict::Reaches(what) => {
                    return refused(&format!("reaches {what}; if you trust the bundle, allow the op by name"));
                }
                ops::Verdict::Variable => return refused("holds a variable, where parameters must be fed; export the bundle again"),
            }
            let attrs = node.attr.values().filter_map(|attr| attr.value.as_ref());
            let called = attrs.flat_map(|attr| match attr {
                Attr::Function(function) => vec![function.name.as_str()],
                Attr::List(list) => list.func.iter().map(|function| function.name.as_str()).collect(),
                _ => Vec::new(),
            });
            for function in called.chain([node.op.as_str()]) {
                if let Some((&name, body)) = self.functions.get_key_value(function)
                    && seen.insert(name)
                {
                    open.extend(body.iter());
                }
            }
        }
        Ok(())
    }
}
