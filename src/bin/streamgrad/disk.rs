//! How fast a folder's disk keeps what is written.

use std::io::{self, Write};
use std::path::Path;
use std::time::{Duration, Instant};

use serde::Serialize;

/// What a snapshot costs there.
#[derive(Clone, Copy, Debug, Serialize)]
pub(crate) struct Disk {
    /// Until 4 KiB are safe: the median of several writes.
    pub(crate) sync: Duration,
    /// Bytes a second of one large file, until all are safe.
    pub(crate) rate: f64,
}

impl Disk {
    /// Writes to a file that is gone afterwards.
    pub(crate) fn measure(folder: &Path) -> io::Result<Self> {
        const WRITES: usize = 15;
        const LARGE: usize = 32 << 20;
        let mut file = tempfile::tempfile_in(folder)?;
        let mut times = Vec::new();
        for _ in 0..WRITES {
            let started = Instant::now();
            file.write_all(&[1; 4096])?;
            file.sync_all()?;
            times.push(started.elapsed());
        }
        times.sort_unstable();
        let (block, started) = (vec![1; 1 << 20], Instant::now());
        for _ in 0..LARGE / block.len() {
            file.write_all(&block)?;
        }
        file.sync_all()?;
        Ok(Self { sync: times[WRITES / 2], rate: LARGE as f64 / started.elapsed().as_secs_f64() })
    }
}
