//! The options of Java's `Builder`, one `key=value` a line.

use std::str::FromStr;

use super::store;
use crate::bind::{Failure, Status};
use crate::params::FolderStore;
use crate::trainer::TrainerBuilder;

/// Sets every option on the builder; opens the store, if one is named.
pub(super) fn apply(mut builder: TrainerBuilder, lines: &str) -> Result<TrainerBuilder, Failure> {
    let mut folder = None;
    for line in lines.lines() {
        let Some((key, value)) = line.split_once('=') else {
            return Err(Failure::new(Status::INVALID_INPUT, format!("pass options as key=value, not {line}")));
        };
        builder = match key {
            "tensorflow" => builder.tensorflow(value),
            "tensorflow_beside" => {
                builder.opening().tensorflow.beside = Some(value.into());
                builder
            }
            "tensorflow_tried" => {
                builder.opening().tensorflow.tried.push(value.to_owned());
                builder
            }
            "tensorflow_python" => {
                builder.opening().tensorflow.python = flag(key, value)?;
                builder
            }
            "intra_op_threads" => builder.intra_op_threads(number(key, value)?),
            "inter_op_threads" => builder.inter_op_threads(number(key, value)?),
            "learning_rate" => builder.learning_rate(number(key, value)?),
            "metrics_window" => builder.metrics_window(number(key, value)?),
            "allow_op" => builder.allow_op(value),
            "store" => {
                folder = Some(FolderStore::builder(value));
                builder
            }
            _ => match (key.strip_prefix("store_"), folder) {
                (Some(key), Some(named)) => {
                    folder = Some(store::set(named, key, value)?);
                    builder
                }
                _ => {
                    return Err(Failure::new(
                        Status::INVALID_INPUT,
                        format!("use jar and library of one build, this option is unknown: {key}"),
                    ));
                }
            },
        };
    }
    match folder {
        Some(folder) => Ok(builder.store(folder.open()?)),
        None => Ok(builder),
    }
}

pub(super) fn flag(key: &str, value: &str) -> Result<bool, Failure> {
    value.parse().map_err(|_| Failure::new(Status::INVALID_INPUT, format!("{key} is true or false, not {value}")))
}

pub(super) fn number<T: FromStr>(key: &str, value: &str) -> Result<T, Failure> {
    value.parse().map_err(|_| Failure::new(Status::INVALID_INPUT, format!("{key} is out of its range: {value}")))
}
