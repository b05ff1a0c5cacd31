//! What the tests of predictors share.

use streamgrad::{Batch, Predictions, Predictor};

use super::Recording;

/// The first recorded batch.
pub fn batch(recording: &Recording, predictor: &Predictor) -> Batch {
    let mut batch = predictor.schema().batch();
    recording.fill(&mut batch, 0);
    batch
}

pub fn values(predictions: &Predictions) -> Vec<f32> {
    predictions.array::<f32>().unwrap().iter().copied().collect()
}
