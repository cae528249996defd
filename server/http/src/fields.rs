//! Walking through a JSON value and noting everything that is wrong on the way, rather than the first thing.

use crate::issue::{IssueCode, Issues};
use crate::json::{Json, short};
use std::borrow::Cow;

/// A JSON object whose fields are taken out one by one; what is left at the end nobody knows.
pub(crate) struct Object<'a> {
    path: String,
    members: Vec<(Cow<'a, str>, Json<'a>)>,
    known: Vec<&'static str>,
}

impl<'a> Object<'a> {
    /// The object at `path` (empty for the body itself).
    pub(crate) fn read(json: Json<'a>, path: &str, issues: &mut Issues) -> Option<Self> {
        match json {
            Json::Object(members) => Some(Self {
                path: path.to_owned(),
                ..Self::of(members)
            }),
            other => {
                let field = if path.is_empty() { "body" } else { path };
                wrong_type(issues, field, "an object", &other);
                None
            }
        }
    }

    /// The object that has these members.
    pub(crate) fn of(members: Vec<(Cow<'a, str>, Json<'a>)>) -> Self {
        Self {
            path: String::new(),
            members,
            known: Vec::new(),
        }
    }

    /// The path of a field of this object.
    pub(crate) fn path(&self, name: &str) -> String {
        if self.path.is_empty() {
            name.to_owned()
        } else {
            format!("{}.{name}", self.path)
        }
    }

    /// The value of a field. `null` counts as absent: that is how many clients write an option that is not set.
    pub(crate) fn take(&mut self, name: &'static str) -> Option<Json<'a>> {
        self.known.push(name);
        let at = self.members.iter().position(|(member, _)| member == name)?;
        Some(self.members.remove(at).1).filter(|value| *value != Json::Null)
    }

    /// Reports the fields that were not asked for.
    pub(crate) fn finish(self, issues: &mut Issues) {
        for (name, _) in &self.members {
            let field = self.path(&short(name).escape_default().to_string());
            let message = format!("is not a field of this object; it has {}", self.known.join(", "));
            issues.add(field, IssueCode::UnknownField, message);
        }
    }
}

/// The text at `field`.
pub(crate) fn text<'a>(json: Json<'a>, field: &str, issues: &mut Issues) -> Option<Cow<'a, str>> {
    match json {
        Json::String(text) => Some(text),
        other => {
            wrong_type(issues, field, "a string", &other);
            None
        }
    }
}

/// The whole number at `field`; `7.0` is one too (RFC 8259 has one kind of number).
pub(crate) fn integer(json: Json<'_>, field: &str, issues: &mut Issues) -> Option<i64> {
    const EXACT: f64 = 9_007_199_254_740_992.0;
    let Json::Number(number) = &json else {
        wrong_type(issues, field, "a whole number", &json);
        return None;
    };
    let whole = number
        .as_f64()
        .filter(|value| value.fract() == 0.0 && value.abs() <= EXACT)
        .map(|value| value as i64);
    let found = number.as_i64().or(whole);
    if found.is_none() {
        issues.add(
            field,
            IssueCode::InvalidType,
            "must be a whole number of a sensible size",
        );
    }
    found
}

/// The list at `field`, of which no more than `max` entries are kept to be looked at.
pub(crate) fn list<'a>(json: Json<'a>, field: &str, max: usize, issues: &mut Issues) -> Vec<Json<'a>> {
    match json {
        Json::Array(mut values) => {
            if values.len() > max {
                let message = format!("has {} entries; there can be {max}", values.len());
                issues.add(field, IssueCode::TooMany, message);
                values.truncate(max);
            }
            values
        }
        other => {
            wrong_type(issues, field, "a list", &other);
            Vec::new()
        }
    }
}

/// Notes a value of the wrong type.
pub(crate) fn wrong_type(issues: &mut Issues, field: &str, expected: &str, found: &Json<'_>) {
    issues.add(
        field,
        IssueCode::InvalidType,
        format!("must be {expected}, not {}", found.kind()),
    );
}
