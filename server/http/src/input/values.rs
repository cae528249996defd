//! Values that a field of a request can have.

use super::schema::{TEXT, format, integer, list_of, one_of, pattern, text, whole};
use super::{Schemas, Value};
use crate::fields;
use crate::issue::{IssueCode, Issues};
use crate::json::Json;
use sendmux_domain::Timestamp;
use sendmux_domain::keys::Permission;
use sendmux_rules::{MessageStatus, Mode};
use utoipa::openapi::RefOr;
use utoipa::openapi::schema::{ObjectBuilder, Schema};

impl Value for String {
    fn schema() -> RefOr<Schema> {
        text().into()
    }

    fn read(json: Json<'_>, at: &str, issues: &mut Issues) -> Option<Self> {
        fields::text(json, at, issues).map(|text| text.into_owned())
    }
}

impl Value for i64 {
    fn schema() -> RefOr<Schema> {
        integer().into()
    }

    fn read(json: Json<'_>, at: &str, issues: &mut Issues) -> Option<Self> {
        fields::integer(json, at, issues)
    }
}

/// A whole number from `MIN` to `MAX`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Whole<const MIN: i32, const MAX: i32>(pub(crate) i64);

impl<const MIN: i32, const MAX: i32> Value for Whole<MIN, MAX> {
    fn schema() -> RefOr<Schema> {
        whole(MIN, MAX).into()
    }

    fn read(json: Json<'_>, at: &str, issues: &mut Issues) -> Option<Self> {
        let number = fields::integer(json, at, issues)?;
        if (i64::from(MIN)..=i64::from(MAX)).contains(&number) {
            return Some(Self(number));
        }
        issues.add(at, IssueCode::InvalidValue, format!("must be from {MIN} to {MAX}"));
        None
    }
}

/// Entries of a list, of which no more than `MAX` are looked at. A wrong one stays as an empty one, so that the others keep
/// their numbers.
#[derive(Clone, Debug, Default, PartialEq)]
pub(crate) struct UpTo<const MAX: usize, T>(pub(crate) Vec<T>);

impl<const MAX: usize, T: Value + Default> Value for UpTo<MAX, T> {
    fn schema() -> RefOr<Schema> {
        list_of::<T>(MAX).into()
    }

    fn schemas(schemas: &mut Schemas) {
        T::schemas(schemas);
    }

    fn read(json: Json<'_>, at: &str, issues: &mut Issues) -> Option<Self> {
        let entries = fields::list(json, at, MAX, issues).into_iter().enumerate();
        let read = |(index, json)| T::read(json, &format!("{at}[{index}]"), issues).unwrap_or_default();
        Some(Self(entries.map(read).collect()))
    }
}

/// A value that a word stands for.
pub(crate) trait Choice: Copy + 'static {
    /// The first of them stands for a wrong one.
    fn words() -> Vec<(&'static str, Self)>;

    fn of(word: &str) -> Option<Self> {
        let mut words = Self::words().into_iter();
        words.find(|(one, _)| *one == word).map(|(_, value)| value)
    }

    fn schema() -> ObjectBuilder {
        one_of(Self::words().into_iter().map(|(word, _)| word))
    }
}

macro_rules! choices {
    ($($name:ty),*) => {$(
        impl Choice for $name {
            fn words() -> Vec<(&'static str, Self)> {
                Self::ALL.iter().map(|value| (value.as_str(), *value)).collect()
            }
        }
    )*};
}
choices!(MessageStatus, Mode, Permission);

/// The advice to write one of these words.
pub(crate) fn must_be(words: &[&str]) -> String {
    match words.split_last() {
        Some((last, [])) => format!("must be {last}"),
        Some((last, others)) => format!("must be {} or {last}", others.join(", ")),
        None => String::new(),
    }
}

/// One of some words.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(crate) struct Word<T>(pub(crate) T);

impl<T: Choice> Default for Word<T> {
    fn default() -> Self {
        Self(T::words()[0].1)
    }
}

impl<T: Choice> Value for Word<T> {
    fn schema() -> RefOr<Schema> {
        T::schema().into()
    }

    fn read(json: Json<'_>, at: &str, issues: &mut Issues) -> Option<Self> {
        let word = fields::text(json, at, issues)?;
        let value = T::of(&word);
        if value.is_none() {
            let words: Vec<_> = T::words().into_iter().map(|(word, _)| word).collect();
            issues.add(at, IssueCode::InvalidValue, must_be(&words));
        }
        value.map(Self)
    }
}

/// The value of a parameter in a query string: a text that says something, as what it stands for.
#[derive(Clone, Debug, PartialEq)]
pub(crate) struct Parameter<T>(pub(crate) T);

/// The meaning of a parameter's text.
pub(crate) trait Meaning: Sized {
    fn schema() -> ObjectBuilder;

    /// The error says what the text must be.
    fn of(text: String) -> Result<Self, String>;
}

impl<T: Meaning> Value for Parameter<T> {
    fn schema() -> RefOr<Schema> {
        T::schema().into()
    }

    fn read(json: Json<'_>, at: &str, issues: &mut Issues) -> Option<Self> {
        let text = String::read(json, at, issues)?;
        let wrong = if text.is_empty() {
            // What was meant as a filter and came without its value must not show everything.
            let message = "must not be empty; leave it out instead";
            (IssueCode::Empty, message.to_owned())
        } else if text.chars().any(char::is_control) {
            (
                IssueCode::InvalidCharacters,
                "must not have control characters".to_owned(),
            )
        } else {
            match T::of(text) {
                Ok(value) => return Some(Self(value)),
                Err(message) => (IssueCode::InvalidValue, message),
            }
        };
        issues.add(at, wrong.0, wrong.1);
        None
    }
}

impl Meaning for String {
    fn schema() -> ObjectBuilder {
        pattern(TEXT).min_length(Some(1))
    }

    fn of(text: String) -> Result<Self, String> {
        Ok(text)
    }
}

impl<T: Choice> Meaning for Word<T> {
    fn schema() -> ObjectBuilder {
        T::schema()
    }

    fn of(text: String) -> Result<Self, String> {
        T::of(&text)
            .map(Self)
            .ok_or_else(|| "is none of the values that this parameter has".to_owned())
    }
}

/// A time: RFC 3339 or a date.
impl Meaning for Timestamp {
    fn schema() -> ObjectBuilder {
        format("date-time")
    }

    fn of(text: String) -> Result<Self, String> {
        crate::answer::read_time(&text)
            .ok_or_else(|| "must be a time such as 2026-01-31T12:00:00Z, or a date".to_owned())
    }
}

/// The number of entries of a page.
impl<const MIN: i32, const MAX: i32> Meaning for Whole<MIN, MAX> {
    fn schema() -> ObjectBuilder {
        whole(MIN, MAX)
    }

    fn of(text: String) -> Result<Self, String> {
        let number = text
            .parse()
            .ok()
            .filter(|number| (i64::from(MIN)..=i64::from(MAX)).contains(number));
        number
            .map(Self)
            .ok_or_else(|| format!("must be a whole number from {MIN} to {MAX}"))
    }
}
