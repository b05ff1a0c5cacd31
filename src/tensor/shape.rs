//! Shapes whose sizes are known not to overflow.

use std::fmt;

use serde::{Deserialize, Serialize};

use crate::error::{Error, Result};

/// A static shape: positive dimensions, the product of which fits.
///
/// Columns have the shape of one row; parameters their whole shape. `[]` is a scalar.
#[derive(Clone, Debug, PartialEq, Eq, Hash, Serialize, Deserialize)]
#[serde(try_from = "Vec<i64>", into = "Vec<i64>")]
pub struct Shape {
    dims: Vec<i64>,
    elements: usize,
}

/// More elements than this in one tensor is a mistake, and keeps every later product of sizes far from overflow.
const MOST_ELEMENTS: usize = 1 << 40;

impl Shape {
    /// A shape of these dimensions. Refuses dimensions below one and sizes beyond 2^40 elements.
    pub fn new(dims: impl Into<Vec<i64>>) -> Result<Self> {
        let dims = dims.into();
        let elements = dims.iter().try_fold(1usize, |product, &dim| {
            let dim = usize::try_from(dim).ok().filter(|&dim| dim > 0)?;
            product.checked_mul(dim).filter(|&product| product <= MOST_ELEMENTS)
        });
        match elements {
            Some(elements) => Ok(Self { dims, elements }),
            None => Err(Error::input("read shape", format!("dimensions must be positive and their product at most 2^40: {dims:?}"))),
        }
    }

    /// The dimensions.
    pub fn dims(&self) -> &[i64] {
        &self.dims
    }

    /// The dimensions, as sizes.
    pub fn sizes(&self) -> Vec<usize> {
        // Each was checked to be a positive usize.
        self.dims.iter().map(|&dim| dim as usize).collect()
    }

    /// The number of elements; one for a scalar.
    pub fn elements(&self) -> usize {
        self.elements
    }
}

impl TryFrom<Vec<i64>> for Shape {
    type Error = Error;

    fn try_from(dims: Vec<i64>) -> Result<Self> {
        Self::new(dims)
    }
}

impl From<Shape> for Vec<i64> {
    fn from(shape: Shape) -> Self {
        shape.dims
    }
}

impl fmt::Display for Shape {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{:?}", self.dims)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_elements() {
        assert_eq!(Shape::new([]).unwrap().elements(), 1);
        assert_eq!(Shape::new([3, 4]).unwrap().elements(), 12);
    }

    #[test]
    fn refuses_what_cannot_be() {
        for dims in [vec![0], vec![-1, 2], vec![i64::MAX, 2], vec![1 << 30, 1 << 30]] {
            assert!(Shape::new(dims).is_err());
        }
    }
}
