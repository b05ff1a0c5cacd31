//! The sums of the metrics as tensors, so that no bit of them is lost.

use bytes::Bytes;

use super::invalid;
use super::read::Snapshot;
use super::tensors::{Entry, File};
use crate::error::Result;
use crate::metrics::{MetricsState, WindowState};
use crate::tensor::DType;

const OPERATION: &str = "read metrics";

/// What a metric's tensor is called: `metrics/<what>`, for one AUC `metrics/<what>/<its index among them>`.
fn name(what: &str, index: Option<usize>) -> String {
    index.map_or_else(|| format!("metrics/{what}"), |index| format!("metrics/{what}/{index}"))
}

fn entry<const N: usize, T>(
    name: String,
    dtype: DType,
    shape: Vec<usize>,
    values: impl IntoIterator<Item = T>,
    bytes: fn(T) -> [u8; N],
) -> Entry {
    let data: Vec<u8> = values.into_iter().flat_map(bytes).collect();
    Entry { file: File::Training, name, dtype, shape, changes: false, data: Bytes::from(data) }
}

/// The tensors of a state.
pub(crate) fn entries(state: &MetricsState) -> Vec<Entry> {
    let MetricsState { names: _, rows, sums, areas, window } = state;
    let numbers = |what, values: &[u64]| entry(name(what, None), DType::F64, vec![values.len()], values.iter().copied(), u64::to_le_bytes);
    let mut entries = vec![
        entry(name("rows", None), DType::U64, vec![1], [*rows], u64::to_le_bytes),
        numbers("sums", sums),
        entry(name("window/steps", None), DType::U32, vec![window.steps.len()], window.steps.iter().copied(), u32::to_le_bytes),
        numbers("window/parts", &window.parts),
        numbers("window/sums", &window.sums),
        entry(name("window/left", None), DType::U64, vec![1], [window.left], u64::to_le_bytes),
    ];
    for (index, bins) in areas.iter().enumerate() {
        let flat = bins.iter().flat_map(|(bin, positives, negatives)| [u64::from(*bin), *positives, *negatives]);
        entries.push(entry(name("auc", Some(index)), DType::U64, vec![bins.len(), 3], flat, u64::to_le_bytes));
    }
    for (index, scores) in window.scores.iter().enumerate() {
        entries.push(entry(name("window/auc", Some(index)), DType::U16, vec![scores.len()], scores.iter().copied(), u16::to_le_bytes));
    }
    entries
}

/// The state that was written, not yet compared with any metrics.
pub(crate) fn read(snapshot: &Snapshot) -> Result<MetricsState> {
    let wrong =
        |name: &str| invalid(OPERATION, format!("version {} lacks the tensor {name}, or has another kind of it", snapshot.version()));
    let bytes = |name: &str, wanted: DType| match snapshot.tensor(File::Training, name) {
        Some((dtype, _, bytes)) if dtype == wanted => Ok(bytes),
        _ => Err(wrong(name)),
    };
    let eights = |what: &str, index, dtype| Ok::<_, crate::error::Error>(chunks(bytes(&name(what, index), dtype)?, u64::from_le_bytes));
    let one = |what: &str| match eights(what, None, DType::U64)?.as_slice() {
        [value] => Ok(*value),
        _ => Err(wrong(&name(what, None))),
    };
    // As many as there are: how many there must be, the metrics know.
    let count = |what: &str| (0..).take_while(|index| snapshot.tensor(File::Training, &name(what, Some(*index))).is_some()).count();
    let mut areas = Vec::new();
    for index in 0..count("auc") {
        let flat = eights("auc", Some(index), DType::U64)?;
        let bin = |row: &[u64]| u16::try_from(row[0]).map(|bin| (bin, row[1], row[2])).map_err(|_| wrong(&name("auc", Some(index))));
        areas.push(flat.chunks_exact(3).map(bin).collect::<Result<_>>()?);
    }
    let scores = (0..count("window/auc")).map(|index| Ok(chunks(bytes(&name("window/auc", Some(index)), DType::U16)?, u16::from_le_bytes)));
    Ok(MetricsState {
        names: snapshot.head().metrics.clone(),
        rows: one("rows")?,
        sums: eights("sums", None, DType::F64)?,
        areas,
        window: WindowState {
            steps: chunks(bytes(&name("window/steps", None), DType::U32)?, u32::from_le_bytes),
            parts: eights("window/parts", None, DType::F64)?,
            sums: eights("window/sums", None, DType::F64)?,
            left: one("window/left")?,
            scores: scores.collect::<Result<_>>()?,
        },
    })
}

fn chunks<const N: usize, T>(bytes: &[u8], element: fn([u8; N]) -> T) -> Vec<T> {
    bytes.as_chunks::<N>().0.iter().map(|chunk| element(*chunk)).collect()
}
