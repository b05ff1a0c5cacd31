//! Tensors as a checkpoint of TensorFlow's, written by its own op.

use std::collections::HashMap;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use prost::{Message, Oneof};

use super::config::SessionConfig;
use super::graph::Graph;
use super::session::{Plan, Session};
use super::tensor::{Tensor, strings};
use crate::error::{Error, ErrorKind, Result};
use crate::tensor::DType;

const OPERATION: &str = "write checkpoint";

/// Writes `PREFIX.index` and `PREFIX.data-00000-of-00001` with these tensors by their names. Their folder is made if there is none.
pub(crate) fn write_checkpoint(prefix: &Path, tensors: &[(&str, &Tensor)]) -> Result<()> {
    let dtypes: Vec<DType> = tensors.iter().map(|(_, tensor)| tensor.dtype()).collect();
    let graph = Graph::import(&saving(&dtypes).encode_to_vec())?;
    let unknown: [i64; 0] = [];
    let count = tensors.len() as i64;
    let mut feeds = vec![
        graph.endpoint("prefix:0", DType::String, &unknown)?,
        graph.endpoint("names:0", DType::String, &[count])?,
        graph.endpoint("slices:0", DType::String, &[count])?,
    ];
    for (index, (_, tensor)) in tensors.iter().enumerate() {
        feeds.push(graph.endpoint(&format!("{}:0", value(index)), tensor.dtype(), &tensor.dims())?);
    }
    let plan = Plan::new(feeds, [graph.endpoint("written:0", DType::String, &unknown)?]);
    let session = Session::new(graph, SessionConfig::default())?;
    let path = strings::view(&unknown, [prefix.as_os_str().as_bytes()].into_iter())?;
    let names = strings::view(&[count], tensors.iter().map(|(name, _)| name.as_bytes()))?;
    let slices = strings::view(&[count], tensors.iter().map(|_| b"".as_slice()))?;
    let mut fed: Vec<&Tensor> = vec![&path, &names, &slices];
    fed.extend(tensors.iter().map(|(_, tensor)| *tensor));
    let failed = |error: Error| Error::new(ErrorKind::Io, OPERATION, prefix.display().to_string()).with_source(error);
    session.run(&plan, &fed).map(drop).map_err(failed)
}

/// The node that feeds a tensor.
fn value(index: usize) -> String {
    format!("value/{index}")
}

/// A graph that saves one tensor of each of these types, and then gives the prefix back.
fn saving(dtypes: &[DType]) -> GraphDef {
    let fed = |name: &str, dtype: DType, rank: Option<usize>| Node {
        name: name.to_owned(),
        op: "Placeholder".into(),
        attr: HashMap::from([
            ("dtype".into(), Attr { value: Some(Value::Type(dtype.code() as i32)) }),
            ("shape".into(), Attr { value: Some(Value::Shape(TensorShape::of(rank))) }),
        ]),
        ..Node::default()
    };
    let mut nodes =
        vec![fed("prefix", DType::String, Some(0)), fed("names", DType::String, Some(1)), fed("slices", DType::String, Some(1))];
    nodes.extend(dtypes.iter().enumerate().map(|(index, dtype)| fed(&value(index), *dtype, None)));
    let types = List { types: dtypes.iter().map(|dtype| dtype.code() as i32).collect() };
    nodes.push(Node {
        name: "save".into(),
        op: "SaveV2".into(),
        input: nodes.iter().map(|node| node.name.clone()).collect(),
        attr: HashMap::from([("dtypes".into(), Attr { value: Some(Value::List(types)) })]),
    });
    nodes.push(Node {
        name: "written".into(),
        op: "Identity".into(),
        input: vec!["prefix".into(), "^save".into()],
        attr: HashMap::from([("T".into(), Attr { value: Some(Value::Type(DType::String.code() as i32)) })]),
    });
    GraphDef { nodes }
}

impl TensorShape {
    /// One of this rank and any size.
    fn of(rank: Option<usize>) -> Self {
        Self { dims: vec![Dim { size: -1 }; rank.unwrap_or_default()], unknown_rank: rank.is_none() }
    }
}

// Field numbers of tensorflow/core/framework/{graph,node_def,attr_value,tensor_shape}.proto.

#[derive(Message)]
struct GraphDef {
    #[prost(message, repeated, tag = "1")]
    nodes: Vec<Node>,
}

#[derive(Message)]
struct Node {
    #[prost(string, tag = "1")]
    name: String,
    #[prost(string, tag = "2")]
    op: String,
    #[prost(string, repeated, tag = "3")]
    input: Vec<String>,
    #[prost(map = "string, message", tag = "5")]
    attr: HashMap<String, Attr>,
}

#[derive(PartialEq, Message)]
struct Attr {
    #[prost(oneof = "Value", tags = "1, 6, 7")]
    value: Option<Value>,
}

#[derive(PartialEq, Oneof)]
enum Value {
    #[prost(message, tag = "1")]
    List(List),
    #[prost(int32, tag = "6")]
    Type(i32),
    #[prost(message, tag = "7")]
    Shape(TensorShape),
}

#[derive(PartialEq, Message)]
struct List {
    #[prost(int32, repeated, tag = "6")]
    types: Vec<i32>,
}

#[derive(PartialEq, Message)]
struct TensorShape {
    #[prost(message, repeated, tag = "2")]
    dims: Vec<Dim>,
    #[prost(bool, tag = "3")]
    unknown_rank: bool,
}

#[derive(Clone, PartialEq, Message)]
struct Dim {
    #[prost(int64, tag = "1")]
    size: i64,
}
