//! `initial.safetensors`: the first value of every weight.

use std::collections::HashMap;
use std::ops::Range;

use safetensors::{Dtype, SafeTensors};

use super::invalid;
use super::manifest::Manifest;
use crate::error::Result;
use crate::tensor::{DType, Shape};

/// The bytes of every weight by name, checked for dtype and shape.
#[derive(Debug, Default)]
pub(crate) struct Values {
    file: Vec<u8>,
    places: HashMap<String, Range<usize>>,
}

impl Values {
    pub(super) fn parse(file: Vec<u8>, manifest: &Manifest) -> Result<Self> {
        let mut places = HashMap::new();
        {
            let tensors = SafeTensors::deserialize(&file)
                .map_err(|error| invalid("initial.safetensors cannot be read; export the bundle again").with_source(error))?;
            let parameters = manifest.parameters.iter().map(|weight| (&weight.name, weight.dtype, &weight.shape));
            let state = manifest.state.iter().map(|weight| (&weight.name, weight.dtype, &weight.shape));
            let frozen = manifest.frozen.iter().map(|weight| (&weight.name, weight.dtype, &weight.shape));
            for (name, dtype, shape) in parameters.chain(state).chain(frozen) {
                let tensor =
                    tensors.tensor(name).map_err(|error| invalid(format!("initial.safetensors lacks {name}")).with_source(error))?;
                check(name, dtype, shape, tensor.dtype(), tensor.shape())?;
                let start = tensor.data().as_ptr() as usize - file.as_ptr() as usize;
                places.insert(name.clone(), start..start + tensor.data().len());
            }
        }
        Ok(Self { file, places })
    }

    /// The little-endian bytes of a weight that the manifest names.
    pub(crate) fn bytes(&self, name: &str) -> Result<&[u8]> {
        let place = self.places.get(name).ok_or_else(|| invalid(format!("initial.safetensors lacks {name}")))?;
        Ok(&self.file[place.clone()])
    }
}

fn check(name: &str, dtype: DType, shape: &Shape, found: Dtype, found_shape: &[usize]) -> Result<()> {
    let wanted = dtype.safetensors().ok_or_else(|| invalid(format!("the weight {name} is {dtype}, which safetensors cannot hold")))?;
    if found != wanted || found_shape != shape.sizes() {
        let context = format!("{name} is {found:?} {found_shape:?} in initial.safetensors, but {dtype} {shape} in the manifest");
        return Err(invalid(context));
    }
    Ok(())
}
