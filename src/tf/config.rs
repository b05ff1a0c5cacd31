//! The part of TensorFlow's `ConfigProto` that we set.
//!
//! Two fields take a third off a small step and change no bit of its results: grappler's fusions cost more than they save
//! on one thread, and the single-threaded executor does without the bookkeeping of an executor that might hand ops over.

use prost::Message;

/// How a session runs its ops.
#[derive(Clone, Copy, Debug)]
pub(crate) struct SessionConfig {
    /// Threads inside one op; 0 lets TensorFlow choose. One pool per process: its first session sizes it.
    pub(crate) intra_op_threads: i32,
    /// Threads that run ops beside each other; -1 runs them all in the caller's thread.
    pub(crate) inter_op_threads: i32,
}

impl Default for SessionConfig {
    fn default() -> Self {
        Self { intra_op_threads: 1, inter_op_threads: -1 }
    }
}

/// Which of TensorFlow's executors runs the graph.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Executor {
    /// The fast one, which refuses old control flow, reference variables, send and receive.
    SingleThreaded,
    /// The one that runs everything.
    Default,
}

impl SessionConfig {
    pub(super) fn encode(self, executor: Executor) -> Vec<u8> {
        let single = executor == Executor::SingleThreaded && self.inter_op_threads == -1;
        ConfigProto {
            intra_op_parallelism_threads: self.intra_op_threads,
            inter_op_parallelism_threads: self.inter_op_threads,
            graph_options: Some(GraphOptions { rewrite_options: Some(RewriterConfig { disable_meta_optimizer: true }) }),
            experimental: single.then(|| Experimental { executor_type: "SINGLE_THREADED_EXECUTOR".into() }),
        }
        .encode_to_vec()
    }
}

// Field numbers of tensorflow/core/protobuf/config.proto and rewriter_config.proto.

#[derive(Message)]
struct ConfigProto {
    #[prost(int32, tag = "2")]
    intra_op_parallelism_threads: i32,
    #[prost(int32, tag = "5")]
    inter_op_parallelism_threads: i32,
    #[prost(message, optional, tag = "10")]
    graph_options: Option<GraphOptions>,
    #[prost(message, optional, tag = "16")]
    experimental: Option<Experimental>,
}

#[derive(Message)]
struct GraphOptions {
    #[prost(message, optional, tag = "10")]
    rewrite_options: Option<RewriterConfig>,
}

#[derive(Message)]
struct RewriterConfig {
    #[prost(bool, tag = "19")]
    disable_meta_optimizer: bool,
}

#[derive(Message)]
struct Experimental {
    #[prost(string, tag = "3")]
    executor_type: String,
}
