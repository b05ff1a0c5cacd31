//! A batch and the rows that it needs as tensors, in the memory where they are.

use crate::batch::{BatchView, ColumnData, ColumnSpec, RaggedValues};
use crate::bundle::EmbeddingTable;
use crate::error::{Error, ErrorKind, Result};
use crate::params::Rows;
use crate::tensor::{DType, bytes_of};
use crate::tf::{Dims, StringViews, Tensor, View, Views, strings};

/// Which tensors of a column a run reads.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Needs {
    pub(super) values: bool,
    /// How many values each row has.
    pub(super) lengths: bool,
}

/// The tensors of a column, as far as a run reads them.
#[derive(Debug)]
pub(super) struct ColumnTensor<'a> {
    values: Values<'a>,
    lengths: Option<View<'a>>,
}

#[derive(Debug)]
enum Values<'a> {
    Unused,
    Fixed(View<'a>),
    Strings(StringViews<'a>),
}

impl<'a> ColumnTensor<'a> {
    pub(super) fn new(views: &Views, needs: Needs, spec: &ColumnSpec, rows: usize, data: &ColumnData<'a>) -> Result<Self> {
        let (values, lengths) = match *data {
            ColumnData::Absent | ColumnData::Missing { .. } => return Ok(Self { values: Values::Unused, lengths: None }),
            ColumnData::Bytes(bytes) => (RaggedValues::Bytes(bytes), None),
            ColumnData::Strings { bytes, places } => (RaggedValues::Strings { bytes, places }, None),
            ColumnData::Ragged { lengths, values } => (values, Some(lengths)),
        };
        let dims = |count: usize| -> Dims { std::iter::once(count as i64).chain(spec.shape.dims().iter().copied()).collect() };
        let values = match values {
            _ if !needs.values => Values::Unused,
            RaggedValues::Bytes(bytes) if lengths.is_some() => {
                Values::Fixed(View::over(spec.dtype, &dims(bytes.len() / spec.dtype.size().unwrap_or(1)), bytes)?)
            }
            RaggedValues::Bytes(bytes) => Values::Fixed(views.borrow(spec.dtype, &dims(rows), bytes)?),
            RaggedValues::Strings { bytes, places } => {
                let strings = places.iter().map(|&(start, length)| &bytes[start as usize..][..length as usize]);
                let count = if lengths.is_some() { places.len() } else { rows };
                Values::Strings(strings::view(&dims(count), strings)?)
            }
        };
        let lengths = lengths.filter(|_| needs.lengths).map(|lengths| View::over(DType::I64, &[lengths.len() as i64], bytes_of(lengths)));
        Ok(Self { values, lengths: lengths.transpose()? })
    }

    pub(super) fn values(&self) -> Result<&Tensor> {
        match &self.values {
            Values::Fixed(tensor) => Ok(tensor),
            Values::Strings(tensor) => Ok(tensor),
            Values::Unused => Err(unused()),
        }
    }

    pub(super) fn lengths(&self) -> Result<&Tensor> {
        self.lengths.as_deref().ok_or_else(unused)
    }

    /// What an output may be the memory of.
    pub(super) fn of_fixed_size(&self) -> impl Iterator<Item = &Tensor> {
        let values = match &self.values {
            Values::Fixed(tensor) => Some(&**tensor),
            Values::Strings(_) | Values::Unused => None,
        };
        values.into_iter().chain(self.lengths.as_deref())
    }
}

fn unused() -> Error {
    Error::new(ErrorKind::InvalidBundle, "run graph", "predictions need a label or weight; export the bundle again")
}

/// The rows of a table, and by feature the place of each id among them.
#[derive(Debug)]
pub(super) struct TableTensors<'a> {
    pub(super) rows: View<'a>,
    pub(super) index: Vec<View<'a>>,
}

impl<'a> TableTensors<'a> {
    /// `rows` has been pulled for this batch; the table is the one at `index` in the manifest, its features have these shapes.
    pub(super) fn new(rows: &'a Rows, batch: &BatchView<'_>, index: usize, table: &EmbeddingTable, shapes: &[&ColumnSpec]) -> Result<Self> {
        let (values, count) = rows.rows(index);
        let places = shapes.iter().enumerate().map(|(feature, spec)| {
            let places = rows.index(index, feature);
            let count = if spec.ragged { places.len() } else { batch.rows() };
            let dims: Dims = std::iter::once(count as i64).chain(spec.shape.dims().iter().copied()).collect();
            View::over(DType::I32, &dims, bytes_of(places))
        });
        Ok(Self {
            rows: View::over(DType::F32, &[count as i64, table.dim as i64], bytes_of(values))?,
            index: places.collect::<Result<_>>()?,
        })
    }

    pub(super) fn all(&self) -> impl Iterator<Item = &Tensor> {
        std::iter::once(&*self.rows).chain(self.index.iter().map(|view| &**view))
    }
}
