//! The part of TensorBoard's `Event` that is written here.

// Field numbers of tensorflow/core/util/event.proto and tensorflow/core/framework/summary.proto.

use std::time::SystemTime;

use prost::{Message, Oneof};

/// `SessionLog.START`: TensorBoard forgets the points from this step on, which an earlier run had written.
const START: i32 = 1;

#[derive(Clone, PartialEq, Message)]
pub(super) struct Event {
    /// Seconds since 1970.
    #[prost(double, tag = "1")]
    wall_time: f64,
    #[prost(int64, tag = "2")]
    step: i64,
    #[prost(oneof = "What", tags = "3, 4, 5, 7")]
    what: Option<What>,
}

#[derive(Clone, PartialEq, Oneof)]
enum What {
    #[prost(string, tag = "3")]
    FileVersion(String),
    /// An encoded `GraphDef`.
    #[prost(bytes, tag = "4")]
    Graph(Vec<u8>),
    #[prost(message, tag = "5")]
    Summary(Summary),
    #[prost(message, tag = "7")]
    SessionLog(SessionLog),
}

#[derive(Clone, PartialEq, Message)]
struct SessionLog {
    #[prost(int32, tag = "1")]
    status: i32,
}

#[derive(Clone, PartialEq, Message)]
pub(super) struct Summary {
    #[prost(message, repeated, tag = "1")]
    value: Vec<Value>,
}

#[derive(Clone, PartialEq, Message)]
struct Value {
    #[prost(string, tag = "1")]
    tag: String,
    #[prost(oneof = "Kind", tags = "2, 5")]
    kind: Option<Kind>,
}

#[derive(Clone, PartialEq, Oneof)]
enum Kind {
    #[prost(float, tag = "2")]
    Scalar(f32),
    #[prost(message, tag = "5")]
    Histogram(Histogram),
}

/// How values are distributed; `docs/observing.md`.
#[derive(Clone, PartialEq, Message)]
pub(super) struct Histogram {
    #[prost(double, tag = "1")]
    pub(super) min: f64,
    #[prost(double, tag = "2")]
    pub(super) max: f64,
    #[prost(double, tag = "3")]
    pub(super) count: f64,
    #[prost(double, tag = "4")]
    pub(super) sum: f64,
    #[prost(double, tag = "5")]
    pub(super) sum_of_squares: f64,
    /// The upper ends of the buckets; the first begins at `min`.
    #[prost(double, repeated, tag = "6")]
    pub(super) limits: Vec<f64>,
    /// The values in each.
    #[prost(double, repeated, tag = "7")]
    pub(super) counts: Vec<f64>,
}

impl Summary {
    /// A point of the curve of this name; none where the value is not defined.
    pub(super) fn scalar(&mut self, tag: impl Into<String>, value: f64) {
        if value.is_finite() {
            self.value.push(Value { tag: tag.into(), kind: Some(Kind::Scalar(value as f32)) });
        }
    }

    pub(super) fn histogram(&mut self, tag: impl Into<String>, histogram: Histogram) {
        self.value.push(Value { tag: tag.into(), kind: Some(Kind::Histogram(histogram)) });
    }
}

impl Event {
    fn new(time: SystemTime, step: u64, what: What) -> Self {
        let wall_time = time.duration_since(SystemTime::UNIX_EPOCH).unwrap_or_default().as_secs_f64();
        Self { wall_time, step: step.cast_signed(), what: Some(what) }
    }

    /// What every file begins with.
    pub(super) fn version(time: SystemTime) -> Self {
        Self::new(time, 0, What::FileVersion("brain.Event:2".into()))
    }

    pub(super) fn graph(time: SystemTime, graph: &[u8]) -> Self {
        Self::new(time, 0, What::Graph(graph.to_vec()))
    }

    pub(super) fn start(time: SystemTime, step: u64) -> Self {
        Self::new(time, step, What::SessionLog(SessionLog { status: START }))
    }

    pub(super) fn summary(time: SystemTime, step: u64, summary: Summary) -> Self {
        Self::new(time, step, What::Summary(summary))
    }
}
