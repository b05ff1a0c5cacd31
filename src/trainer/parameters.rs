//! One version's values by name.

use std::sync::Arc;

use ndarray::{ArrayViewD, IxDyn};

use crate::bundle::Bundle;
use crate::error::{Error, Result};
use crate::params::Version;
use crate::tensor::{Element, Shape};
use crate::tf::Tensor;

/// Parameters and state of one version. Holds the version: its arrays do not change while training goes on.
#[derive(Debug)]
pub struct Parameters {
    bundle: Arc<Bundle>,
    version: Version,
}

impl Parameters {
    pub(super) fn new(bundle: Arc<Bundle>, version: Version) -> Self {
        Self { bundle, version }
    }

    /// The version they are of.
    pub fn version(&self) -> &Version {
        &self.version
    }

    /// The names: parameters first, then state.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.entries().map(|(name, ..)| name)
    }

    /// A value by name, in its shape.
    pub fn array<T: Element>(&self, name: &str) -> Result<ArrayViewD<'_, T>> {
        let (_, shape, tensor) = self.find(name)?;
        ArrayViewD::from_shape(IxDyn(&shape.sizes()), tensor.as_slice()?)
            .map_err(|error| Error::input("read parameter", name).with_source(error))
    }

    /// The bytes of a value, row-major, in native byte order.
    pub fn bytes(&self, name: &str) -> Result<&[u8]> {
        Ok(self.find(name)?.2.as_bytes())
    }

    fn find(&self, name: &str) -> Result<(&str, &Shape, &Tensor)> {
        self.entries().find(|(known, ..)| *known == name).ok_or_else(|| {
            let names: Vec<&str> = self.names().collect();
            Error::input("read parameter", format!("the model has no parameter {name}; it has {}", names.join(", ")))
        })
    }

    fn entries(&self) -> impl Iterator<Item = (&str, &Shape, &Tensor)> {
        let (manifest, dense) = (self.bundle.manifest(), self.version.dense());
        let parameters = manifest.parameters.iter().map(|weight| (weight.name.as_str(), &weight.shape)).zip(&dense.parameters);
        let state = manifest.state.iter().map(|weight| (weight.name.as_str(), &weight.shape)).zip(&dense.state);
        parameters.chain(state).map(|((name, shape), tensor)| (name, shape, tensor))
    }
}
