//! `sg_tensorboard`: the folder in which a trainer writes for TensorBoard.

use std::ffi::c_char;
use std::time::Duration;

use super::folder_store::{SG_NEVER, seconds};
use super::pointer;
use super::sized::{Caller, SizedStruct};
use crate::bind::{Failure, Status};
use crate::observe::TensorBoard;

/// A folder in which a trainer writes for TensorBoard, and how often. Plain data of the caller, to be initialised with
/// `SG_TENSORBOARD`; zero is the default.
///
/// It is read while the trainer is opened. A folder that cannot be written does not stop learning: the log and
/// `sg_trainer_prometheus` tell it, and it is tried again.
#[repr(C)]
#[derive(Clone, Copy, Debug)]
pub struct sg_tensorboard {
    /// `sizeof(sg_tensorboard)`.
    pub size: usize,
    /// The folder, which is made when there is something to write. Each trainer needs one of its own.
    pub folder: *const c_char,
    /// The steps from one sample to the next; default 200.
    pub every: u64,
    /// The steps from one sample with histograms to the next; default 2000, `SG_NEVER` for never.
    pub histograms_every: i64,
    /// How long an event may wait before it reaches the file; default 5.
    pub flush_seconds: f64,
    /// When a file has grown to so many bytes, the next one begins; default 64 MiB.
    pub file_bytes: u64,
    /// How many files are kept: the first one, which has the graph, and the newest; default 16.
    pub files: usize,
}

// SAFETY: `repr(C)`, all fields have eight bytes; begins with its size, made of numbers and pointers.
unsafe impl SizedStruct for sg_tensorboard {
    const MACRO: &'static str = "SG_TENSORBOARD";
    const FIRST_SIZE: usize = size_of::<Self>();
}

/// The options as Rust has them.
///
/// # Safety
/// The pointers are as `docs/c-abi.md` says.
pub(super) unsafe fn read(tensorboard: *const sg_tensorboard) -> Result<TensorBoard, Failure> {
    // SAFETY: the contract of this function.
    let (options, folder) = unsafe {
        let options = Caller::read(tensorboard, "tensorboard")?.value;
        (options, pointer::path(options.folder, "folder")?)
    };
    let mut board = TensorBoard::new(folder);
    if options.every != 0 {
        board = board.every(options.every);
    }
    board = match options.histograms_every {
        0 => board,
        steps if steps == i64::from(SG_NEVER) => board.histograms_every(0),
        steps => board.histograms_every(u64::try_from(steps).map_err(|_| {
            Failure::new(Status::INVALID_INPUT, format!("give a number of steps or SG_NEVER, not {steps}: histograms_every"))
        })?),
    };
    if options.flush_seconds != 0.0 {
        // Not none at all, however small.
        board = board.flush_every(seconds(options.flush_seconds, "flush_seconds")?.max(Duration::from_nanos(1)));
    }
    if options.file_bytes != 0 {
        board = board.file_bytes(options.file_bytes);
    }
    if options.files != 0 {
        board = board.files(options.files);
    }
    Ok(board)
}
