//! Reading of declared settings from the configuration file and from environment variables.

use super::{Key, Value};
use std::collections::BTreeMap;
use std::fmt;

/// Origin of a value.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Source {
    /// The environment variable.
    Environment,
    /// The configuration file.
    File,
    /// The declaration.
    Default,
}

impl fmt::Display for Source {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.pad(match self {
            Self::Environment => "environment",
            Self::File => "file",
            Self::Default => "default",
        })
    }
}

/// A value in force.
#[derive(Clone, Debug)]
pub struct InForce {
    /// The setting.
    pub key: &'static Key,
    /// The value as it can be printed.
    pub shown: String,
    /// Its origin.
    pub source: Source,
}

/// Reader of declared settings. It notes every error and goes on with the default.
pub struct Reader<'a> {
    file: &'a BTreeMap<String, String>,
    variable: &'a dyn Fn(&str) -> Option<String>,
    read: Vec<InForce>,
    errors: Vec<String>,
}

impl<'a> Reader<'a> {
    /// A reader of the file's keys and of environment variables, which win. Empty variables count as not set.
    pub fn new(file: &'a BTreeMap<String, String>, variable: &'a dyn Fn(&str) -> Option<String>) -> Self {
        Self {
            file,
            variable,
            read: Vec::new(),
            errors: Vec::new(),
        }
    }

    /// Notes an error that concerns several settings.
    pub fn wrong(&mut self, error: impl Into<String>) {
        self.errors.push(error.into());
    }

    /// Reads one setting; for the macro.
    ///
    /// # Panics
    /// The declared default is not valid, which any test that reads it finds.
    #[doc(hidden)]
    pub fn value<T: Value>(&mut self, key: &'static Key, parse: impl Fn(&str) -> Result<T, String>) -> T {
        let variable = (self.variable)(&key.variable()).filter(|text| !text.is_empty());
        let (text, source) = match (variable, self.file.get(key.name)) {
            (Some(text), _) => (text, Source::Environment),
            (None, Some(text)) => (text.clone(), Source::File),
            (None, None) => (key.default.to_owned(), Source::Default),
        };
        let value = parse(&text).or_else(|wrong| {
            self.errors
                .push(format!("{} ({}, from {source}): {wrong}", key.name, key.variable()));
            parse(key.default)
        });
        let shown = match (key.is_secret, text.is_empty()) {
            (_, true) => "(not set)".to_owned(),
            (true, false) => "(set, not shown)".to_owned(),
            (false, false) => text,
        };
        self.read.push(InForce { key, shown, source });
        value.unwrap_or_else(|wrong| panic!("the default of {} is not valid: {wrong}", key.name))
    }

    /// All settings that were read, in their order.
    ///
    /// # Errors
    /// All that is wrong, with the keys of the file that nobody has read.
    pub fn finish(mut self) -> Result<Vec<InForce>, Vec<String>> {
        for name in self.file.keys() {
            if self.read.iter().any(|value| value.key.name == name.as_str()) {
                continue;
            }
            let near = self
                .read
                .iter()
                .map(|value| (strsim::damerau_levenshtein(name, value.key.name), value.key.name))
                .min()
                .filter(|(distance, _)| *distance <= MISSPELT)
                .map_or_else(
                    || "`sendmux config example` prints all keys".to_owned(),
                    |(_, near)| format!("did you mean `{near}`?"),
                );
            self.errors
                .push(format!("unknown key `{name}` in the configuration file: {near}"));
        }
        match self.errors.is_empty() {
            true => Ok(self.read),
            false => Err(self.errors),
        }
    }
}

/// Edits that a misspelt key may be away from the one that was meant.
const MISSPELT: usize = 3;

#[cfg(test)]
mod tests {
    use super::*;
    use crate::secrets::Secret;
    use crate::settings;

    settings! {
        /// Settings of these tests.
        #[derive(Debug)]
        struct Example {
            in "One" {
                /// Requests a minute,
                /// at most.
                limit: u32 = "1800",
                /// Words.
                word: String = "" as "other_word" env "WORD" by |text| match text {
                    "bad" => Err("`bad` is a bad word".to_owned()),
                    text => Ok(text.to_owned()),
                },
            }
            in "Two" {
                /// Tokens.
                token: Option<Secret> = "",
            }
            with {
                /// Twice the limit.
                twice: u32 = 7,
            }
        }
    }

    fn read(file: &[(&str, &str)], env: &[(&str, &str)]) -> (Example, Result<Vec<InForce>, Vec<String>>) {
        let owned = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
            let pairs = pairs.iter();
            pairs
                .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
                .collect()
        };
        let (file, env) = (owned(file), owned(env));
        let variable = |name: &str| env.get(name).cloned();
        let mut reader = Reader::new(&file, &variable);
        let example = Example::declared(&mut reader);
        (example, reader.finish())
    }

    #[test]
    fn a_declaration_says_everything_of_a_setting() {
        let (example, read) = read(&[], &[]);
        assert_eq!((example.limit, example.word.as_str(), example.twice), (1_800, "", 7));
        let read = read.unwrap();
        let [limit, word, token] = &read[..] else {
            panic!("{read:?}")
        };
        assert_eq!(
            (limit.key.name, limit.key.section, limit.key.doc),
            ("limit", "One", " Requests a minute, at most.")
        );
        assert_eq!(limit.key.variable(), "SENDMUX_LIMIT");
        assert_eq!((word.key.name, word.key.variable().as_str()), ("other_word", "WORD"));
        assert!(token.key.is_secret && !word.key.is_secret);
    }

    #[test]
    fn the_environment_wins_unless_it_is_empty() {
        let file = [("limit", "5"), ("other_word", "a")];
        let (example, read) = read(&file, &[("SENDMUX_LIMIT", "7"), ("WORD", "")]);
        assert_eq!((example.limit, example.word.as_str()), (7, "a"));
        let sources: Vec<_> = read.unwrap().iter().map(|value| value.source).collect();
        assert_eq!(sources, [Source::Environment, Source::File, Source::Default]);
    }

    #[test]
    fn secrets_are_not_kept_for_printing() {
        let (example, read) = read(&[("token", "planted")], &[]);
        assert_eq!(example.token.as_ref().map(Secret::expose), Some("planted"));
        assert!(!format!("{example:?} {read:?}").contains("planted"));
    }

    #[test]
    fn everything_wrong_is_said_at_once() {
        let file = [("limit", "0"), ("otherword", "x"), ("nothing_like_it", "x")];
        let (example, read) = read(&file, &[("WORD", "bad")]);
        assert_eq!(example.limit, 1_800, "the default stands in");
        assert_eq!(
            read.unwrap_err(),
            [
                "limit (SENDMUX_LIMIT, from file): `0` must be a whole number from 1 up",
                "other_word (WORD, from environment): `bad` is a bad word",
                "unknown key `nothing_like_it` in the configuration file: `sendmux config example` prints all keys",
                "unknown key `otherword` in the configuration file: did you mean `other_word`?",
            ]
        );
    }
}
