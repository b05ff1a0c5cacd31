//! A transform of a bundle, checked against the columns that it reads.

use super::features::States;
use super::hash;
use super::invalid;
use super::step::{Refusal, Running, Shape, Step};
use super::values::{Kind, Values, beside, refused};
use crate::batch::{BatchView, ColumnData, Schema};
use crate::bundle::{Operand as DescribedOperand, Transform};
use crate::error::Result;
use crate::table::fingerprint64;

/// Values side by side or crossed, then steps.
#[derive(Debug)]
pub(super) struct Node {
    operands: Vec<Operand>,
    cross: Option<i64>,
    /// Each with how many values of a row reach it.
    steps: Vec<(Step, usize)>,
    gives: Shape,
    /// The fields that the values of a row are made of: one for each before the steps, or those of all.
    names: Vec<String>,
    /// The column whose rows have any number of values.
    ragged: Option<usize>,
}

#[derive(Debug)]
enum Operand {
    Column {
        index: usize,
        kind: Kind,
        width: usize,
        /// Values may be missing, and no step takes care of that.
        guarded: bool,
    },
    Node(Node),
}

impl Node {
    /// `feature` is what it is a part of.
    pub(super) fn new(described: &Transform, feature: &str, record: &Schema, states: &mut States<'_>) -> Result<Self> {
        let wrong = |reason: String| invalid(format!("the feature {feature}: {reason}"));
        let fills = described.cross.is_none() && described.steps.first().is_some_and(Step::takes_missing);
        let (mut operands, mut names, mut ragged) = (Vec::new(), Vec::new(), None);
        for operand in &described.of {
            operands.push(match operand {
                DescribedOperand::Column(name) => {
                    let index = record.column(name)?;
                    let spec = &record.columns()[index];
                    let kind = Kind::of(spec.dtype).ok_or_else(|| {
                        let other = if spec.dtype.is_integer() { "int64" } else { "float32" };
                        wrong(format!("{name} is {}, which cannot be transformed; make it {other}", spec.dtype))
                    })?;
                    let width = spec.shape.elements();
                    names.extend(spec.fields.iter().cloned());
                    ragged = ragged.or(spec.ragged.then_some(index));
                    Operand::Column { index, kind, width, guarded: spec.optional && !fills }
                }
                DescribedOperand::Transform(inner) => {
                    let node = Self::new(inner, feature, record, states)?;
                    names.extend(node.names_after());
                    ragged = ragged.or(node.ragged);
                    Operand::Node(node)
                }
            });
        }
        let shapes: Vec<Shape> = operands.iter().map(Operand::gives).collect();
        let mut shape = joined(&shapes, described.cross).map_err(wrong)?;
        if described.cross.is_some() {
            names = vec![names.join(" and ")];
        }
        let mut steps = Vec::new();
        for step in &described.steps {
            let state = |name: &str, width: usize| states.take(name, width);
            let step = Step::new(step, shape, state).map_err(|error| wrong(error.context().to_owned()))?;
            let width = shape.width;
            shape = step.gives(shape);
            steps.push((step, width));
        }
        if ragged.is_some() && (operands.len() > 1 || steps.iter().any(|(step, _)| !step.is_elementwise())) {
            return Err(wrong("ragged rows are transformed value by value, one column alone".to_owned()));
        }
        Ok(Self { operands, cross: described.cross, steps, gives: shape, names, ragged })
    }

    pub(super) fn gives(&self) -> Shape {
        self.gives
    }

    pub(super) fn ragged(&self) -> Option<usize> {
        self.ragged
    }

    /// The column that it hands on as it is.
    pub(super) fn unchanged(&self) -> Option<usize> {
        match self.operands.as_slice() {
            [Operand::Column { index, guarded: false, .. }] if self.steps.is_empty() && self.cross.is_none() => Some(*index),
            _ => None,
        }
    }

    fn names_after(&self) -> Vec<String> {
        match self.names.len() == self.gives.width {
            true => self.names.clone(),
            false => vec![self.names.join(" and ")],
        }
    }

    /// The values of a batch that was checked.
    pub(super) fn evaluate<'a>(&'a self, record: &Schema, batch: &BatchView<'a>, running: &mut Running<'_>) -> Result<Values<'a>> {
        let mut parts = Vec::with_capacity(self.operands.len());
        for operand in &self.operands {
            parts.push(match operand {
                Operand::Column { index, width, guarded, .. } => {
                    let values = Values::read(&record.columns()[*index], &batch.columns()[*index])?;
                    if *guarded && let Some(at) = values.first_missing() {
                        let reason = "is missing and has no default".to_owned();
                        return Err(self.refused(Refusal { at, reason }, *width, batch));
                    }
                    (values, *width)
                }
                Operand::Node(node) => (node.evaluate(record, batch, running)?, node.gives.width),
            });
        }
        let mut values = match self.cross {
            Some(buckets) => cross(parts, buckets),
            None => join(parts),
        };
        for (step, width) in &self.steps {
            values = step.apply(values, *width, running).map_err(|refusal| self.refused(refusal, *width, batch))?;
        }
        Ok(values)
    }

    /// Says in which row, and of which field, when rows have `width` values.
    pub(super) fn refused(&self, refusal: Refusal, width: usize, batch: &BatchView<'_>) -> crate::error::Error {
        let Refusal { at, reason } = refusal;
        let row = match self.ragged.map(|index| batch.columns()[index]) {
            Some(ColumnData::Ragged { lengths, .. }) => {
                let ends = lengths.iter().scan(0, |end, length| {
                    *end += *length as usize;
                    Some(*end)
                });
                ends.take_while(|end| *end <= at).count()
            }
            _ => at / width,
        };
        let name = match self.names.len() == width {
            true => self.names[at % width].clone(),
            false => self.names.join(" and "),
        };
        refused(format!("row {row}: {name} {reason}"))
    }
}

impl Operand {
    fn gives(&self) -> Shape {
        match self {
            Self::Column { kind, width, .. } => Shape { kind: *kind, width: *width },
            Self::Node(node) => node.gives,
        }
    }
}

/// What operands such as these are together.
fn joined(shapes: &[Shape], cross: Option<i64>) -> Result<Shape, String> {
    let width = shapes.iter().map(|shape| shape.width).sum();
    if width == 0 || width > i32::MAX as usize {
        return Err(format!("it is made of {width} values"));
    }
    if let Some(buckets) = cross {
        return match shapes.iter().all(|shape| shape.width == 1 && shape.kind != Kind::Float) && shapes.len() > 1 && buckets > 0 {
            true => Ok(Shape { kind: Kind::Int, width: 1 }),
            false => Err(format!("a cross takes two or more single integers or strings and at least one bucket, not {buckets}")),
        };
    }
    let strings = shapes.iter().filter(|shape| shape.kind == Kind::String).count();
    let kind = match strings {
        0 if shapes.iter().all(|shape| shape.kind == Kind::Int) => Kind::Int,
        0 => Kind::Float,
        _ if strings == shapes.len() => Kind::String,
        _ => return Err("strings and numbers do not fit in one row".to_owned()),
    };
    Ok(Shape { kind, width })
}

fn join(mut parts: Vec<(Values<'_>, usize)>) -> Values<'_> {
    if parts.len() == 1
        && let Some((values, _)) = parts.pop()
    {
        return values;
    }
    let all = |kind| parts.iter().all(|(values, _)| values.kind() == kind);
    if all(Kind::Int) {
        return Values::Ints(beside(&parts.into_iter().map(|(values, width)| (values.into_ints(), width)).collect::<Vec<_>>()));
    }
    if all(Kind::String) {
        return Values::Strings(beside(&parts.into_iter().map(|(values, width)| (values.into_strings(), width)).collect::<Vec<_>>()));
    }
    Values::Floats(beside(&parts.into_iter().map(|(values, width)| (values.into_floats(), width)).collect::<Vec<_>>()))
}

/// An integer is its own id here, a string has its fingerprint.
fn cross(parts: Vec<(Values<'_>, usize)>, buckets: i64) -> Values<'_> {
    let ids: Vec<Vec<u64>> = parts
        .into_iter()
        .map(|(values, _)| match values {
            Values::Strings(texts) => texts.into_iter().map(fingerprint64).collect(),
            values => values.into_ints().into_iter().map(|value| value as u64).collect(),
        })
        .collect();
    let rows = ids.first().map_or(0, Vec::len);
    Values::Ints((0..rows).map(|row| hash::cross(ids.iter().map(|ids| ids[row]), buckets)).collect())
}
