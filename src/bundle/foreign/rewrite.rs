//! A graph with variables becomes one that is fed: each variable a placeholder of its name, and only what the endpoints need.

use std::collections::{BTreeMap, HashMap, HashSet};

use prost::Message;

use crate::bundle::graph::node_of;
use crate::bundle::graph_def::{Attr, AttrValue, Dim, TensorShape};
use crate::error::Result;
use crate::tensor::DType;

use super::refuse;

/// TensorFlow marks a reference to a variable by a hundred on top of the dtype.
const REFERENCE: u32 = 100;

/// A `GraphDef` that keeps all it does not look into, byte for byte.
#[derive(Clone, PartialEq, Message)]
pub(super) struct RawGraph {
    #[prost(message, repeated, tag = "1")]
    pub(super) node: Vec<RawNode>,
    #[prost(bytes = "vec", optional, tag = "2")]
    library: Option<Vec<u8>>,
    #[prost(int32, tag = "3")]
    version: i32,
    #[prost(bytes = "vec", optional, tag = "4")]
    versions: Option<Vec<u8>>,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct RawNode {
    #[prost(string, tag = "1")]
    pub(super) name: String,
    #[prost(string, tag = "2")]
    pub(super) op: String,
    #[prost(string, repeated, tag = "3")]
    pub(super) input: Vec<String>,
    #[prost(string, tag = "4")]
    device: String,
    #[prost(btree_map = "string, bytes", tag = "5")]
    attr: BTreeMap<String, Vec<u8>>,
}

/// What a node that is fed holds: `None` in `dims` where any size fits, no `dims` where any shape does.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Fed {
    pub(super) dtype: DType,
    pub(super) dims: Option<Vec<Option<i64>>>,
}

impl RawGraph {
    /// Nothing of a graph that nobody looked at: no devices, and no wish to run where another node does, which may be gone.
    pub(super) fn parse(bytes: &[u8]) -> Result<Self> {
        let mut graph = Self::decode(bytes).map_err(|error| refuse("the graph is no binary GraphDef").with_source(error))?;
        for node in &mut graph.node {
            node.device.clear();
            node.attr.remove("_class");
        }
        Ok(graph)
    }

    pub(super) fn node(&self, name: &str) -> Option<&RawNode> {
        self.node.iter().find(|node| node.name == name)
    }

    /// The nodes that these need, themselves among them; what is needed of a node in `fed` is that node alone.
    pub(super) fn pruned<'a>(&self, needed: impl IntoIterator<Item = &'a str>, fed: &HashSet<&str>) -> Result<Self> {
        let nodes: HashMap<&str, &RawNode> = self.node.iter().map(|node| (node.name.as_str(), node)).collect();
        let mut open: Vec<String> = needed.into_iter().map(|tensor| node_of(tensor).to_owned()).collect();
        let mut kept = HashSet::new();
        while let Some(name) = open.pop() {
            let node = nodes.get(name.as_str()).ok_or_else(|| refuse(format!("the graph has no node {name}")))?;
            if kept.insert(name) && !fed.contains(node.name.as_str()) {
                open.extend(node.input.iter().map(|input| node_of(input).to_owned()));
            }
        }
        let node = self.node.iter().filter(|node| kept.contains(&node.name)).cloned().collect();
        Ok(Self { node, ..self.clone() })
    }

    /// Makes a node a placeholder under its own name.
    pub(super) fn become_placeholder(&mut self, name: &str) {
        for node in self.node.iter_mut().filter(|node| node.name == name) {
            node.op = "Placeholder".into();
            node.input.clear();
            node.attr.retain(|key, _| key == "dtype" || key == "shape");
        }
    }

    /// Adds a node that passes on a `float32` tensor, after what `after` names has run.
    pub(super) fn pass_on(&mut self, name: String, tensor: &str, after: Option<&str>) {
        let dtype = AttrValue { value: Some(Attr::Type(DType::F32.code() as i32)) }.encode_to_vec();
        let input = [tensor.to_owned()].into_iter().chain(after.map(|node| format!("^{node}"))).collect();
        let attr = BTreeMap::from([("T".to_owned(), dtype)]);
        self.node.push(RawNode { name, op: "Identity".into(), input, device: String::new(), attr });
    }
}

impl RawNode {
    pub(super) fn is_variable(&self) -> bool {
        matches!(self.op.as_str(), "Variable" | "VariableV2")
    }

    /// What a placeholder or a variable takes.
    pub(super) fn fed(&self) -> Result<Fed> {
        if !self.is_variable() && self.op != "Placeholder" {
            return Err(refuse(format!("{} is a {}; what is fed is a Placeholder or a variable (VariableV2)", self.name, self.op)));
        }
        let dtype = match self.attribute("dtype")? {
            Some(Attr::Type(code)) => DType::from_code(code as u32 % REFERENCE),
            _ => None,
        };
        let dtype = dtype.ok_or_else(|| refuse(format!("{} has no dtype that is supported", self.name)))?;
        let dims = match self.attribute("shape")? {
            Some(Attr::Shape(TensorShape { dim, unknown_rank: false })) => {
                Some(dim.into_iter().map(|Dim { size }| (size >= 0).then_some(size)).collect())
            }
            _ => None,
        };
        Ok(Fed { dtype, dims })
    }

    fn attribute(&self, name: &str) -> Result<Option<Attr>> {
        let Some(bytes) = self.attr.get(name) else { return Ok(None) };
        let value = AttrValue::decode(bytes.as_slice())
            .map_err(|error| refuse(format!("the attribute {name} of {} cannot be read", self.name)).with_source(error))?;
        Ok(value.value)
    }
}
