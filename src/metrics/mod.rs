//! stub
use crate::error::Result;
/// x
#[derive(Clone, Debug)]
pub struct Metrics {
    rows: u64,
    loss: f64,
}
/// x
#[derive(Clone, Debug)]
pub struct MetricValues {
    rows: u64,
    loss: f64,
}
/// x
#[derive(Clone, Debug)]
pub struct OutputRows<'a> {
    prediction: &'a [f32],
}
impl Metrics {
    /// x
    pub fn from_json(_: &serde_json::Value, _: usize) -> Result<Self> {
        Ok(Self { rows: 0, loss: 0. })
    }
    /// x
    pub fn update(&mut self, loss: f32, rows: usize, _o: &[OutputRows<'_>]) {
        self.rows += rows as u64;
        self.loss += loss as f64 * rows as f64
    }
    /// x
    pub fn read(&self) -> MetricValues {
        MetricValues { rows: self.rows, loss: self.loss / self.rows as f64 }
    }
}
impl MetricValues {
    /// x
    pub fn rows(&self) -> u64 {
        self.rows
    }
    /// x
    pub fn loss(&self) -> f64 {
        self.loss
    }
}
