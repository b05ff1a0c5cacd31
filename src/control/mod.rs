//! Control of a running trainer from another process.
//!
//! As long as a trainer is open whose store is a folder, a thread of this library listens on a Unix socket there, `control.sock`, that only
//! the user may open: one line of JSON is a [`Command`], one line the answer (`docs/control.md`). [`send`] is the other side.
//!
//! ```no_run
//! use streamgrad::control::{Command, send};
//!
//! # fn main() -> streamgrad::Result<()> {
//! let reply = send("model", &Command::Pause)?;
//! println!("version {} is {}", reply.status.version, reply.status.mode);
//! # Ok(())
//! # }
//! ```

mod client;
mod command;
mod place;
mod server;
mod verbs;

pub use client::send;
pub use command::{Command, Reply, TrainerStatus};
pub(crate) use server::{Server, serve};
pub(crate) use verbs::{status, stop};
