//! How long a block, or a buffer that is compressed, says it is, looked at before it is believed: its reader takes that much
//! memory at once, and memory that is not there ends the process.

use std::io::{self, ErrorKind, Read, Seek, SeekFrom};

use arrow_ipc::{Block, Message, RecordBatch, root_as_footer, root_as_message};

/// The most bytes of one buffer of one column of a record batch, after decompression.
const LONGEST: i64 = 1 << 30;

/// A stream whose messages are looked at one by one, before the reader of Arrow sees them.
#[derive(Debug)]
pub(super) struct Messages<R> {
    reader: R,
    message: Vec<u8>,
    /// What of it was handed on.
    at: usize,
}

impl<R: Read> Messages<R> {
    pub(super) fn new(reader: R) -> Self {
        Self { reader, message: Vec::new(), at: 0 }
    }

    /// Reads the next message, or as much as there is of it: what it lacks is for the reader of Arrow to say.
    fn next(&mut self) -> io::Result<()> {
        self.message.clear();
        self.at = 0;
        let mut length = self.take(4)?;
        if length == Some([0xff; 4]) {
            length = self.take(4)?;
        }
        let Some(length) = length.map(u32::from_le_bytes) else { return Ok(()) };
        let metadata = self.message.len();
        self.reader.by_ref().take(length.into()).read_to_end(&mut self.message)?;
        let body = self.message.len();
        let Ok(message) = root_as_message(&self.message[metadata..]) else { return Ok(()) };
        let Ok(length) = u64::try_from(message.bodyLength()) else { return Ok(()) };
        self.reader.by_ref().take(length).read_to_end(&mut self.message)?;
        let Ok(message) = root_as_message(&self.message[metadata..body]) else { return Ok(()) };
        check(message, |offset| {
            let start = usize::try_from(offset).ok().and_then(|offset| body.checked_add(offset));
            Ok(start.and_then(|start| self.message.get(start..)?.first_chunk().copied()))
        })
    }

    /// Four more bytes, if there are.
    fn take(&mut self, bytes: u64) -> io::Result<Option<[u8; 4]>> {
        let start = self.message.len();
        self.reader.by_ref().take(bytes).read_to_end(&mut self.message)?;
        Ok(self.message[start..].first_chunk().copied())
    }
}

impl<R: Read> Read for Messages<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        if self.at == self.message.len() {
            self.next()?;
        }
        let read = (&self.message[self.at..]).read(buffer)?;
        self.at += read;
        Ok(read)
    }
}

/// Looks at all messages that the footer of a file names. What is wrong otherwise is for the reader of Arrow to say.
pub(super) fn file(reader: &mut (impl Read + Seek)) -> io::Result<()> {
    let mut end = [0; 10];
    if reader.seek(SeekFrom::End(-10)).is_err() {
        return Ok(());
    }
    reader.read_exact(&mut end)?;
    let [a, b, c, d, ..] = end;
    let length = i64::from(i32::from_le_bytes([a, b, c, d]));
    let mut footer = Vec::new();
    if length < 0 || reader.seek(SeekFrom::End(-10 - length)).is_err() {
        return Ok(());
    }
    reader.by_ref().take(length.cast_unsigned()).read_to_end(&mut footer)?;
    let Ok(footer) = root_as_footer(&footer) else { return Ok(()) };
    let end = reader.seek(SeekFrom::End(0))?;
    for blocks in [footer.dictionaries(), footer.recordBatches()].into_iter().flatten() {
        for named in blocks {
            within(named, end)?;
            block(reader, named)?;
        }
    }
    Ok(())
}

/// Refuses a block that does not end in the file.
fn within(block: &Block, end: u64) -> io::Result<()> {
    let parts = [block.offset(), i64::from(block.metaDataLength()), block.bodyLength()];
    let sum = parts.into_iter().try_fold(0_u64, |sum, part| sum.checked_add(u64::try_from(part).ok()?));
    match sum {
        Some(sum) if sum <= end => Ok(()),
        _ => Err(io::Error::new(ErrorKind::InvalidData, format!("a block is said to be beyond the file's {end} bytes"))),
    }
}

fn block(reader: &mut (impl Read + Seek), block: &Block) -> io::Result<()> {
    let (Ok(start), Ok(length)) = (u64::try_from(block.offset()), u64::try_from(block.metaDataLength())) else { return Ok(()) };
    let mut metadata = Vec::new();
    reader.seek(SeekFrom::Start(start))?;
    reader.by_ref().take(length).read_to_end(&mut metadata)?;
    if parse(&metadata).is_none() {
        // The reader of Arrow does not ask where the metadata ends.
        reader.by_ref().take(u64::try_from(block.bodyLength()).unwrap_or(0)).read_to_end(&mut metadata)?;
    }
    let Some(message) = parse(&metadata) else { return Ok(()) };
    check(message, |offset| {
        let mut prefix = [0; 8];
        let Some(place) = start.checked_add(length).and_then(|body| body.checked_add(offset)) else { return Ok(None) };
        reader.seek(SeekFrom::Start(place))?;
        match reader.read_exact(&mut prefix) {
            Err(error) if error.kind() == ErrorKind::UnexpectedEof => Ok(None),
            read => read.map(|()| Some(prefix)),
        }
    })
}

fn parse(metadata: &[u8]) -> Option<Message<'_>> {
    let skipped = if metadata.starts_with(&[0xff; 4]) { 8 } else { 4 };
    root_as_message(metadata.get(skipped..)?).ok()
}

/// Asks for the first eight bytes of each compressed buffer, by its place in the message's body: its length after decompression.
fn check(message: Message<'_>, mut prefix: impl FnMut(u64) -> io::Result<Option<[u8; 8]>>) -> io::Result<()> {
    let dictionary = message.header_as_dictionary_batch().and_then(|dictionary| dictionary.data());
    let Some(batch): Option<RecordBatch<'_>> = message.header_as_record_batch().or(dictionary) else { return Ok(()) };
    if batch.compression().is_none() {
        return Ok(());
    }
    for buffer in batch.buffers().into_iter().flatten() {
        let Ok(offset) = u64::try_from(buffer.offset()) else { continue };
        if let Some(length) = prefix(offset)?.map(i64::from_le_bytes).filter(|length| *length > LONGEST) {
            let context = format!("a compressed buffer says that it holds {length} bytes; the most is {LONGEST}");
            return Err(io::Error::new(ErrorKind::InvalidData, context));
        }
    }
    Ok(())
}
