//! A list of known values, and the index of each.

use std::collections::HashMap;

use super::step::Refusal;
use super::values::Values;
use super::{hash, invalid};
use crate::bundle::Token;
use crate::error::Result;

/// Indices as Keras' `StringLookup` and `IntegerLookup` have them: the mask, what is unknown, then the list.
#[derive(Debug)]
pub(super) struct Vocabulary {
    strings: HashMap<Vec<u8>, i64>,
    ints: HashMap<i64, i64>,
    /// Where the indices of what is not in it begin, and how many these are.
    unknown: (i64, i64),
}

impl Vocabulary {
    pub(super) fn new(tokens: &[Token], oov: i64, mask: Option<&Token>) -> Result<Self> {
        let start = i64::from(mask.is_some());
        if oov < 0 || tokens.is_empty() {
            return Err(invalid(format!("a vocabulary has {} tokens and {oov} indices for unknown ones", tokens.len())));
        }
        let mut vocabulary = Self { strings: HashMap::new(), ints: HashMap::new(), unknown: (start, oov) };
        let listed = tokens.iter().enumerate().map(|(place, token)| (token, start + oov + place as i64));
        for (token, index) in listed {
            if vocabulary.put(token, index).is_some() {
                return Err(invalid(format!("{token:?} is in the vocabulary twice")));
            }
        }
        if let Some(mask) = mask {
            vocabulary.put(mask, 0);
        }
        Ok(vocabulary)
    }

    fn put(&mut self, token: &Token, index: i64) -> Option<i64> {
        match token {
            Token::Text(text) => self.strings.insert(text.clone().into_bytes(), index),
            Token::Int(value) => self.ints.insert(*value, index),
        }
    }

    pub(super) fn look_up(&self, values: Values<'_>) -> Result<Vec<i64>, Refusal> {
        let (start, oov) = self.unknown;
        let unknown = |at: usize, value: String| Refusal { at, reason: format!("is {value}, which is not in the vocabulary") };
        match values {
            Values::Strings(texts) => {
                let index = |(at, text): (usize, &[u8])| match self.strings.get(text) {
                    Some(index) => Ok(*index),
                    None if oov > 0 => Ok(start + hash::of_string(text, oov)),
                    None => Err(unknown(at, format!("{:?}", String::from_utf8_lossy(text)))),
                };
                texts.into_iter().enumerate().map(index).collect()
            }
            values => {
                let index = |(at, value): (usize, i64)| match self.ints.get(&value) {
                    Some(index) => Ok(*index),
                    None if oov > 0 => Ok(start + value.rem_euclid(oov)),
                    None => Err(unknown(at, value.to_string())),
                };
                values.into_ints().into_iter().enumerate().map(index).collect()
            }
        }
    }
}

#[cfg(test)]
#[allow(clippy::unwrap_used, reason = "a test fails by panicking")]
mod tests {
    use super::*;

    fn of(tokens: &[&str], oov: i64, mask: Option<&str>) -> Result<Vocabulary> {
        let token = |text: &str| Token::Text(text.to_owned());
        Vocabulary::new(&tokens.iter().copied().map(token).collect::<Vec<_>>(), oov, mask.map(token).as_ref())
    }

    #[test]
    fn the_mask_comes_first_then_what_is_unknown() {
        let words = || Values::Strings(vec![b"b", b"", b"?"]);
        assert_eq!(of(&["a", "b"], 1, None).unwrap().look_up(words()).unwrap(), [2, 0, 0]);
        let many = of(&["a", "b"], 3, Some("")).unwrap().look_up(words()).unwrap();
        assert_eq!(many[..2], [5, 0]);
        assert!((1..4).contains(&many[2]));
        let ints = Vocabulary::new(&[Token::Int(7), Token::Int(-7)], 4, None).unwrap();
        assert_eq!(ints.look_up(Values::Ints(vec![7, -7, -1, 6])).unwrap(), [4, 5, 3, 2]);
    }

    #[test]
    fn what_is_unknown_may_be_refused() {
        let refusal = of(&["a"], 0, None).unwrap().look_up(Values::Strings(vec![b"a", b"\xff"])).unwrap_err();
        assert_eq!((refusal.at, refusal.reason.as_str()), (1, "is \"\u{fffd}\", which is not in the vocabulary"));
        assert!(of(&[], 1, None).is_err());
        assert!(of(&["a", "a"], 1, None).is_err());
        assert!(of(&["a"], -1, None).is_err());
    }
}
