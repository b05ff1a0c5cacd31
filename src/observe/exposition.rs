//! Prometheus' text format, version 0.0.4.

use std::fmt::{Display, Write};

/// Families of samples as text, each sample with the labels that all of them have.
#[derive(Debug)]
pub(crate) struct Exposition {
    text: String,
    common: String,
    family: &'static str,
}

impl Exposition {
    pub(crate) fn new(common: &[(&str, &str)]) -> Self {
        Self { text: String::new(), common: labels(common), family: "" }
    }

    /// Begins a family: `counter`, `gauge` or `histogram`.
    pub(crate) fn family(&mut self, name: &'static str, kind: &str, help: &str) -> &mut Self {
        self.family = name;
        let _ = writeln!(self.text, "# HELP {name} {help}\n# TYPE {name} {kind}");
        self
    }

    /// A sample of the family with these labels.
    pub(crate) fn sample(&mut self, own: &[(&str, &str)], value: impl Into<Value>) -> &mut Self {
        self.suffixed("", own, value)
    }

    /// A sample of one of the series that make up a histogram.
    pub(crate) fn suffixed(&mut self, suffix: &str, own: &[(&str, &str)], value: impl Into<Value>) -> &mut Self {
        let comma = if own.is_empty() || self.common.is_empty() { "" } else { "," };
        let (family, common, own, value) = (self.family, &self.common, labels(own), value.into());
        let _ = writeln!(self.text, "{family}{suffix}{{{common}{comma}{own}}} {value}");
        self
    }

    pub(crate) fn into_text(self) -> String {
        self.text
    }
}

fn labels(pairs: &[(&str, &str)]) -> String {
    let escape = |text: &str| text.replace('\\', r"\\").replace('"', r#"\""#).replace('\n', r"\n");
    pairs.iter().map(|(name, value)| format!("{name}=\"{}\"", escape(value))).collect::<Vec<_>>().join(",")
}

/// A whole number of any size, or one with a fraction.
#[derive(Debug)]
pub(crate) enum Value {
    Whole(u64),
    Fraction(f64),
}

impl From<u64> for Value {
    fn from(value: u64) -> Self {
        Self::Whole(value)
    }
}

impl From<usize> for Value {
    fn from(value: usize) -> Self {
        Self::Whole(value as u64)
    }
}

impl From<f64> for Value {
    fn from(value: f64) -> Self {
        Self::Fraction(value)
    }
}

impl From<f32> for Value {
    fn from(value: f32) -> Self {
        Self::Fraction(value.into())
    }
}

impl Display for Value {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match *self {
            Self::Whole(value) => write!(f, "{value}"),
            Self::Fraction(value) if value.is_nan() => f.write_str("NaN"),
            Self::Fraction(value) if value.is_infinite() => f.write_str(if value > 0.0 { "+Inf" } else { "-Inf" }),
            Self::Fraction(value) => write!(f, "{value:?}"),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn samples_have_the_common_labels_and_their_own() {
        let mut text = Exposition::new(&[("model", "a \"b\"\\c\nd")]);
        text.family("x_total", "counter", "What.").sample(&[], 3_u64).sample(&[("kind", "k")], 1e-7);
        let expected = "# HELP x_total What.\n# TYPE x_total counter\n\
            x_total{model=\"a \\\"b\\\"\\\\c\\nd\"} 3\nx_total{model=\"a \\\"b\\\"\\\\c\\nd\",kind=\"k\"} 1e-7\n";
        assert_eq!(text.into_text(), expected);
        let values: Vec<String> = [f64::NAN, f64::INFINITY, f64::NEG_INFINITY].map(|value| Value::from(value).to_string()).into();
        assert_eq!(values, ["NaN", "+Inf", "-Inf"]);
    }
}
