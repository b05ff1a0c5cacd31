//! The C ABI: what `include/streamgrad.h` declares, by the rules of `docs/c-abi.md`.
//!
//! One file holds one C type and its functions; `pointer` and `sized` check what a caller hands in. Every exported
//! body is one call of `error::boundary`, which catches panics and fills the caller's `sg_error`.
//!
//! Rust programs have no use for this module: it is public so that its documentation is.

#![allow(non_camel_case_types, reason = "the names of the C header")]
#![allow(clippy::missing_safety_doc, reason = "docs/c-abi.md says once, for all functions, what pointers must be")]

mod arrow;
mod batch;
mod bundle;
mod control;
mod dtype;
mod error;
mod evaluation;
mod field;
mod folder_store;
mod gradients;
mod guard;
mod log;
mod metrics;
mod options;
mod pin;
mod pointer;
mod predictions;
mod predictor;
mod predictor_options;
mod quarantine;
mod ragged;
mod report;
mod rows;
mod saved_model;
mod serving_status;
mod sized;
mod store;
mod tensor;
mod tensorboard;
mod trainer;
mod version;

pub use crate::bind::Status as sg_status;
pub use arrow::{sg_batch_import_arrow, sg_refusal};
pub use batch::*;
pub use bundle::*;
pub use control::*;
pub use dtype::*;
pub use error::{SG_MESSAGE_BYTES, sg_error};
pub use evaluation::sg_evaluation;
pub use field::{sg_bytes, sg_field};
pub use folder_store::{SG_NEVER, sg_folder_store};
pub use gradients::*;
pub use guard::{SG_ROLL_BACK, sg_guard};
pub use log::*;
pub use metrics::{sg_metric, sg_metric_values};
pub use options::{SG_THREADS_AUTO, sg_trainer_options};
pub use pin::*;
pub use predictions::{sg_output, sg_predictions};
pub use predictor::*;
pub use predictor_options::sg_predictor_options;
pub use quarantine::*;
pub use ragged::*;
pub use report::sg_report;
pub use rows::{ArrowArray, ArrowSchema};
pub use saved_model::*;
pub use serving_status::sg_serving_status;
pub use store::*;
pub use tensor::{SG_FEATURE, SG_LABEL, SG_MAX_RANK, SG_NAME_BYTES, SG_OUTPUT, SG_PARAMETER, SG_STATE, SG_WEIGHT, sg_role, sg_tensor};
pub use tensorboard::sg_tensorboard;
pub use trainer::*;
pub use version::{SG_ABI, sg_abi, sg_version};
