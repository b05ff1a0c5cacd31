//! What a model predicts.

use std::sync::Arc;

use ndarray::{ArrayViewD, IxDyn};

use super::{Fed, Model, unexpected};
use crate::batch::Schema;
use crate::codec::Output;
use crate::error::{Error, Result};
use crate::params::Version;
use crate::snapshot::VersionId;
use crate::tensor::{DType, Element};
use crate::tf::{Tensor, strings};

const READ: &str = "read predictions";

/// The outputs of a model for the rows of one batch. Immutable, `Send + Sync`; held as long as you like, it never changes.
#[derive(Debug)]
pub struct Predictions {
    schema: Arc<Schema>,
    values: Vec<Values>,
    rows: usize,
    version: VersionId,
}

#[derive(Debug)]
enum Values {
    Fixed(Tensor),
    Strings(Vec<Vec<u8>>),
}

impl Predictions {
    pub(super) fn new(model: &Model, version: &Version, rows: usize, fetched: Vec<Tensor>, fed: &Fed<'_>) -> Result<Self> {
        let mut values = Vec::with_capacity(fetched.len());
        for (tensor, output) in fetched.into_iter().zip(model.schema.outputs()) {
            let dims = tensor.dims();
            if dims.first() != Some(&(rows as i64)) || dims[1..] != *output.shape.dims() {
                let context =
                    format!("the output {} has shape {dims:?} for {rows} rows of {}; export the bundle again", output.name, output.shape);
                return Err(unexpected(context));
            }
            values.push(match output.dtype {
                DType::String => Values::Strings(strings::read(&tensor)?),
                _ => Values::Fixed(fed.detach(tensor)?),
            });
        }
        Ok(Self { schema: model.schema.clone(), values, rows, version: version.id() })
    }

    /// The rows predicted.
    pub fn rows(&self) -> usize {
        self.rows
    }

    /// The number of the version that predicted.
    pub fn version(&self) -> u64 {
        self.version.number
    }

    /// The version that predicted, with its lineage.
    pub fn version_id(&self) -> VersionId {
        self.version
    }

    /// The names of the outputs.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.schema.outputs().iter().map(|output| output.name.as_str())
    }

    /// The one output of the model: rows first, then its shape.
    pub fn array<T: Element>(&self) -> Result<ArrayViewD<'_, T>> {
        match self.schema.outputs() {
            [_] => self.at(0),
            outputs => {
                let names: Vec<&str> = outputs.iter().map(|output| output.name.as_str()).collect();
                Err(Error::input(READ, format!("the model has several outputs, name one: {}", names.join(", "))))
            }
        }
    }

    /// An output by name: rows first, then its shape.
    pub fn output<T: Element>(&self, name: &str) -> Result<ArrayViewD<'_, T>> {
        self.at(self.index(name)?)
    }

    /// A string output by name, row-major.
    pub fn strings(&self, name: &str) -> Result<&[Vec<u8>]> {
        match &self.values[self.index(name)?] {
            Values::Strings(values) => Ok(values),
            Values::Fixed(tensor) => Err(Error::input(READ, format!("{name} holds {}, not strings", tensor.dtype()))),
        }
    }

    /// The values of all outputs, for an encoder of [`crate::codec`].
    pub fn outputs(&self) -> Vec<Output<'_>> {
        let values = self.values.iter().map(|values| match values {
            Values::Fixed(tensor) => Output::Bytes(tensor.as_bytes()),
            Values::Strings(strings) => Output::Strings(strings),
        });
        values.collect()
    }

    /// The memory of the output at this index, row-major; `None` for strings.
    pub(crate) fn bytes(&self, index: usize) -> Option<&[u8]> {
        match self.values.get(index)? {
            Values::Fixed(tensor) => Some(tensor.as_bytes()),
            Values::Strings(_) => None,
        }
    }

    /// The output at this index, row-major; none unless it is of strings.
    pub(crate) fn strings_at(&self, index: usize) -> &[Vec<u8>] {
        match self.values.get(index) {
            Some(Values::Strings(strings)) => strings,
            _ => &[],
        }
    }

    fn index(&self, name: &str) -> Result<usize> {
        self.schema.outputs().iter().position(|output| output.name == name).ok_or_else(|| {
            let names: Vec<&str> = self.names().collect();
            Error::input(READ, format!("the model has no output {name}; it has {}", names.join(", ")))
        })
    }

    fn at<T: Element>(&self, index: usize) -> Result<ArrayViewD<'_, T>> {
        let output = &self.schema.outputs()[index];
        let Values::Fixed(tensor) = &self.values[index] else {
            return Err(Error::input(READ, format!("{} holds strings", output.name)));
        };
        let mut shape = vec![self.rows];
        shape.extend(output.shape.sizes());
        ArrayViewD::from_shape(IxDyn(&shape), tensor.as_slice::<T>()?)
            .map_err(|error| Error::input(READ, format!("shape {shape:?}")).with_source(error))
    }
}
