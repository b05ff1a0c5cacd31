//! The options of Java's builders, one `key=value` a line.

use std::str::FromStr;
use std::time::Duration;

use super::{control, observing, store};
use crate::bind::{Failure, Status};
use crate::guard::Guard;
use crate::model::Opening;
use crate::observe::TensorBoard;
use crate::params::FolderStore;
use crate::predictor::PredictorBuilder;
use crate::trainer::TrainerBuilder;

/// Sets every option on the builder; opens the store, if one is named.
pub(super) fn trainer(mut builder: TrainerBuilder, lines: &str) -> Result<TrainerBuilder, Failure> {
    let (mut folder, mut board, mut guard) = (None, None, None);
    for line in lines.lines() {
        let (key, value) = pair(line)?;
        builder = match key {
            _ if common(builder.opening(), key, value)? => builder,
            "learning_rate" => builder.learning_rate(number(key, value)?),
            "metrics_window" => builder.metrics_window(number(key, value)?),
            "control" => builder.control(flag(key, value)?),
            "guard" => {
                guard = Some(Guard::default());
                builder
            }
            "store" => {
                folder = Some(FolderStore::builder(value));
                builder
            }
            "tensorboard" => {
                board = Some(TensorBoard::new(value));
                builder
            }
            _ => {
                let missing = || unknown(key);
                match key.split_once('_').ok_or_else(missing)? {
                    ("store", key) => folder = Some(store::set(folder.take().ok_or_else(missing)?, key, value)?),
                    ("tensorboard", key) => board = Some(observing::set(board.take().ok_or_else(missing)?, key, value)?),
                    ("guard", key) => guard = Some(control::set(guard.take().ok_or_else(missing)?, key, value)?),
                    _ => return Err(missing()),
                }
                builder
            }
        };
    }
    if let Some(board) = board {
        builder = builder.tensorboard(board);
    }
    if let Some(guard) = guard {
        builder = builder.guard(guard);
    }
    match folder {
        Some(folder) => Ok(builder.store(folder.open()?)),
        None => Ok(builder),
    }
}

/// Sets every option on the builder.
pub(super) fn predictor(mut builder: PredictorBuilder, lines: &str) -> Result<PredictorBuilder, Failure> {
    for line in lines.lines() {
        let (key, value) = pair(line)?;
        builder = match key {
            _ if common(builder.opening(), key, value)? => builder,
            "follow" => builder.follow(value),
            "every_nanos" => builder.every(Duration::from_nanos(number(key, value)?)),
            _ => return Err(unknown(key)),
        };
    }
    Ok(builder)
}

/// What of the options says how a bundle is read; the others are for what opens it.
pub(super) fn opening(lines: &str) -> Result<Opening, Failure> {
    let mut opening = Opening::default();
    for line in lines.lines() {
        let (key, value) = pair(line)?;
        common(&mut opening, key, value)?;
    }
    Ok(opening)
}

/// Sets an option that trainers and predictors have in common; says whether it is one.
pub(super) fn common(opening: &mut Opening, key: &str, value: &str) -> Result<bool, Failure> {
    match key {
        "tensorflow" => opening.tensorflow.named = Some(value.into()),
        "tensorflow_beside" => opening.tensorflow.beside = Some(value.into()),
        "tensorflow_tried" => opening.tensorflow.tried.push(value.to_owned()),
        "tensorflow_python" => opening.tensorflow.python = flag(key, value)?,
        "intra_op_threads" => opening.session.intra_op_threads = number::<u16>(key, value)?.into(),
        "inter_op_threads" => opening.session.inter_op_threads = number::<u16>(key, value)?.into(),
        "allow_op" => opening.allowed.push(value.to_owned()),
        "signature" => opening.signature = Some(value.to_owned()),
        _ => return Ok(false),
    }
    Ok(true)
}

pub(super) fn pair(line: &str) -> Result<(&str, &str), Failure> {
    line.split_once('=').ok_or_else(|| Failure::new(Status::INVALID_INPUT, format!("pass options as key=value, not {line}")))
}

pub(super) fn unknown(key: &str) -> Failure {
    Failure::new(Status::INVALID_INPUT, format!("use jar and library of one build, this option is unknown: {key}"))
}

pub(super) fn flag(key: &str, value: &str) -> Result<bool, Failure> {
    value.parse().map_err(|_| Failure::new(Status::INVALID_INPUT, format!("{key} is true or false, not {value}")))
}

pub(super) fn number<T: FromStr>(key: &str, value: &str) -> Result<T, Failure> {
    value.parse().map_err(|_| Failure::new(Status::INVALID_INPUT, format!("{key} is out of its range: {value}")))
}
