//! Files and standard input, with the bytes that were read of them.

use std::fs::File;
use std::io::{self, BufReader, Read, Seek, SeekFrom};
use std::os::fd::{AsFd, AsRawFd};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use bytes::Bytes;
use parquet::errors::Result as ParquetResult;
use parquet::file::reader::{ChunkReader, Length};

use crate::signals::Stop;

/// How many bytes were read of all files so far.
pub(crate) type Meter = Arc<AtomicU64>;

/// A reader whose bytes are counted.
#[derive(Debug)]
pub(crate) struct Counted<R> {
    inner: R,
    meter: Meter,
}

impl<R> Counted<R> {
    pub(crate) fn new(inner: R, meter: Meter) -> Self {
        Self { inner, meter }
    }
}

impl<R: Read> Read for Counted<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let read = self.inner.read(buffer)?;
        self.meter.fetch_add(read as u64, Ordering::Relaxed);
        Ok(read)
    }
}

impl<R: Seek> Seek for Counted<R> {
    fn seek(&mut self, to: SeekFrom) -> io::Result<u64> {
        self.inner.seek(to)
    }
}

impl Length for Counted<File> {
    fn len(&self) -> u64 {
        Length::len(&self.inner)
    }
}

impl ChunkReader for Counted<File> {
    type T = Counted<BufReader<File>>;

    fn get_read(&self, start: u64) -> ParquetResult<Self::T> {
        Ok(Counted::new(self.inner.get_read(start)?, self.meter.clone()))
    }

    fn get_bytes(&self, start: u64, length: usize) -> ParquetResult<Bytes> {
        self.meter.fetch_add(length as u64, Ordering::Relaxed);
        self.inner.get_bytes(start, length)
    }
}

/// Standard input that does not keep a process waiting which was told to stop. Unbuffered, since what a buffer held could not be waited for.
#[derive(Debug)]
pub(crate) struct StandardInput {
    file: File,
    stop: Stop,
}

impl StandardInput {
    pub(crate) fn open(stop: Stop) -> io::Result<Self> {
        Ok(Self { file: io::stdin().as_fd().try_clone_to_owned()?.into(), stop })
    }
}

impl Read for StandardInput {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        const WAIT: i32 = 100; // milliseconds
        loop {
            let mut polled = libc::pollfd { fd: self.file.as_raw_fd(), events: libc::POLLIN, revents: 0 };
            // SAFETY: one valid entry.
            let ready = unsafe { libc::poll(&mut polled, 1, WAIT) };
            if self.stop.came() || ready == 0 && self.stop.came_meanwhile() {
                return Err(io::Error::other("the process was told to stop"));
            }
            if ready > 0 {
                return self.file.read(buffer);
            }
        }
    }
}
