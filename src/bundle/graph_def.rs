//! The part of TensorFlow's `GraphDef` that is read here.

// Field numbers of tensorflow/core/framework/{graph,node_def,attr_value,function,tensor_shape}.proto.

use std::collections::HashMap;

use prost::{Message, Oneof};

#[derive(PartialEq, Message)]
pub(super) struct GraphDef {
    #[prost(message, repeated, tag = "1")]
    pub(super) node: Vec<NodeDef>,
    #[prost(message, optional, tag = "2")]
    pub(super) library: Option<FunctionDefLibrary>,
}

#[derive(PartialEq, Message)]
pub(super) struct NodeDef {
    #[prost(string, tag = "1")]
    pub(super) name: String,
    #[prost(string, tag = "2")]
    pub(super) op: String,
    #[prost(string, repeated, tag = "3")]
    pub(super) input: Vec<String>,
    #[prost(map = "string, message", tag = "5")]
    pub(super) attr: HashMap<String, AttrValue>,
}

#[derive(PartialEq, Message)]
pub(super) struct AttrValue {
    #[prost(oneof = "Attr", tags = "1, 6, 7, 10")]
    pub(super) value: Option<Attr>,
}

#[derive(PartialEq, Oneof)]
pub(super) enum Attr {
    #[prost(message, tag = "1")]
    List(ListValue),
    #[prost(int32, tag = "6")]
    Type(i32),
    #[prost(message, tag = "7")]
    Shape(TensorShape),
    #[prost(message, tag = "10")]
    Function(NameAttrList),
}

#[derive(PartialEq, Message)]
pub(super) struct ListValue {
    #[prost(message, repeated, tag = "9")]
    pub(super) func: Vec<NameAttrList>,
}

#[derive(PartialEq, Message)]
pub(super) struct NameAttrList {
    #[prost(string, tag = "1")]
    pub(super) name: String,
}

#[derive(PartialEq, Message)]
pub(super) struct TensorShape {
    #[prost(message, repeated, tag = "2")]
    pub(super) dim: Vec<Dim>,
    #[prost(bool, tag = "3")]
    pub(super) unknown_rank: bool,
}

#[derive(PartialEq, Message)]
pub(super) struct Dim {
    #[prost(int64, tag = "1")]
    pub(super) size: i64,
}

#[derive(PartialEq, Message)]
pub(super) struct FunctionDefLibrary {
    #[prost(message, repeated, tag = "1")]
    pub(super) function: Vec<FunctionDef>,
}

#[derive(PartialEq, Message)]
pub(super) struct FunctionDef {
    #[prost(message, optional, tag = "1")]
    pub(super) signature: Option<Signature>,
    #[prost(message, repeated, tag = "3")]
    pub(super) node_def: Vec<NodeDef>,
}

#[derive(PartialEq, Message)]
pub(super) struct Signature {
    #[prost(string, tag = "1")]
    pub(super) name: String,
}
