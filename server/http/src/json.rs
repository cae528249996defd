//! JSON bodies, read once into a tree that borrows from the body, so that 25 MB of base64 are not copied to be looked at.
//!
//! Stricter than most parsers: a name that stands twice in an object is an error, since which of the two counts would be
//! a matter of luck (RFC 8259 section 4). Bounded: by the depth (`serde_json` stops at 128) and by the number of values.

use serde::Deserializer;
use serde::de::{DeserializeSeed, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::Number;
use sha2::{Digest, Sha256};
use std::borrow::Cow;
use std::cell::Cell;
use std::fmt;

/// Values that one body may have, at some 60 bytes of memory each. A full batch, 100 messages to 201 named recipients,
/// has 61,000.
const MAX_VALUES: u32 = 200_000;

/// A JSON value.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum Json<'a> {
    Null,
    Bool(bool),
    Number(Number),
    /// Borrowed from the body unless it has escapes.
    String(Cow<'a, str>),
    Array(Vec<Json<'a>>),
    /// In the order of the body, each name once.
    Object(Vec<(Cow<'a, str>, Json<'a>)>),
}

impl<'a> Json<'a> {
    /// Reads a whole body. The error says what is wrong and at which line and column.
    pub(crate) fn parse(body: &'a [u8]) -> Result<Self, serde_json::Error> {
        let budget = Cell::new(MAX_VALUES);
        let mut deserializer = serde_json::Deserializer::from_slice(body);
        let value = Value { budget: &budget }.deserialize(&mut deserializer)?;
        deserializer.end()?;
        Ok(value)
    }

    /// Hashes what this says: every value behind its kind and its length, so that no two are told by the same bytes.
    fn hash_into(&self, hash: &mut Sha256) {
        match self {
            Self::Null => piece(hash, b'n', b""),
            Self::Bool(value) => piece(hash, b'b', &[u8::from(*value)]),
            Self::Number(number) => piece(hash, b'i', number.to_string().as_bytes()),
            Self::String(text) => piece(hash, b's', text.as_bytes()),
            Self::Array(values) => {
                piece(hash, b'a', &(values.len() as u64).to_le_bytes());
                for value in values {
                    value.hash_into(hash);
                }
            }
            Self::Object(members) => {
                piece(hash, b'o', &(members.len() as u64).to_le_bytes());
                let mut members: Vec<_> = members.iter().collect();
                members.sort_unstable_by(|(one, _), (other, _)| one.cmp(other));
                for (name, value) in members {
                    piece(hash, b's', name.as_bytes());
                    value.hash_into(hash);
                }
            }
        }
    }

    /// The type, as a person would name it.
    pub(crate) fn kind(&self) -> &'static str {
        match self {
            Self::Null => "null",
            Self::Bool(_) => "a boolean",
            Self::Number(_) => "a number",
            Self::String(_) => "a string",
            Self::Array(_) => "a list",
            Self::Object(_) => "an object",
        }
    }
}

/// One piece of what is hashed.
fn piece(hash: &mut Sha256, kind: u8, bytes: &[u8]) {
    hash.update([kind]);
    hash.update((bytes.len() as u64).to_le_bytes());
    hash.update(bytes);
}

/// A hash of what a body says: the same for two that differ only in the order of the members of objects, in the blanks
/// between values, or in how a text is escaped. Of what is no JSON it is a hash of the bytes.
pub(crate) fn meaning(body: &[u8]) -> [u8; 32] {
    let mut hash = Sha256::new();
    match Json::parse(body) {
        Ok(json) => json.hash_into(&mut hash),
        Err(_) => {
            hash.update(b"?");
            hash.update(body);
        }
    }
    hash.finalize().into()
}

#[derive(Clone, Copy)]
struct Value<'b> {
    budget: &'b Cell<u32>,
}

impl<'de> DeserializeSeed<'de> for Value<'_> {
    type Value = Json<'de>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        match self.budget.get().checked_sub(1) {
            Some(left) => self.budget.set(left),
            None => return Err(D::Error::custom(format_args!("more than {MAX_VALUES} values"))),
        }
        deserializer.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Value<'_> {
    type Value = Json<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a JSON value")
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Json::Null)
    }

    fn visit_bool<E>(self, value: bool) -> Result<Self::Value, E> {
        Ok(Json::Bool(value))
    }

    fn visit_i64<E>(self, value: i64) -> Result<Self::Value, E> {
        Ok(Json::Number(value.into()))
    }

    fn visit_u64<E>(self, value: u64) -> Result<Self::Value, E> {
        Ok(Json::Number(value.into()))
    }

    fn visit_f64<E>(self, value: f64) -> Result<Self::Value, E> {
        Ok(Number::from_f64(value).map_or(Json::Null, Json::Number))
    }

    fn visit_str<E>(self, value: &str) -> Result<Self::Value, E> {
        Ok(Json::String(Cow::Owned(value.to_owned())))
    }

    fn visit_borrowed_str<E>(self, value: &'de str) -> Result<Self::Value, E> {
        Ok(Json::String(Cow::Borrowed(value)))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Self::Value, A::Error> {
        let mut values = Vec::new();
        while let Some(value) = list.next_element_seed(self)? {
            values.push(value);
        }
        Ok(Json::Array(values))
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
        let mut members = Vec::new();
        while let Some(name) = map.next_key_seed(Name)? {
            members.push((name, map.next_value_seed(self)?));
        }
        match twice(&members) {
            Some(name) => Err(A::Error::custom(format_args!(
                "the field {:?} stands twice in an object",
                short(name)
            ))),
            None => Ok(Json::Object(members)),
        }
    }
}

/// The name of a member.
struct Name;

impl<'de> DeserializeSeed<'de> for Name {
    type Value = Cow<'de, str>;

    fn deserialize<D: Deserializer<'de>>(self, deserializer: D) -> Result<Self::Value, D::Error> {
        deserializer.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Name {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a field name")
    }

    fn visit_str<E>(self, value: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(value.to_owned()))
    }

    fn visit_borrowed_str<E>(self, value: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(value))
    }
}

/// A name that two members share.
fn twice<'m>(members: &'m [(Cow<'_, str>, Json<'_>)]) -> Option<&'m str> {
    let mut names: Vec<&str> = members.iter().map(|(name, _)| name.as_ref()).collect();
    names.sort_unstable();
    names.windows(2).find(|pair| pair[0] == pair[1]).map(|pair| pair[0])
}

/// The beginning of a text of the caller's, for messages.
pub(crate) fn short(text: &str) -> &str {
    const LONGEST: usize = 64;
    match text.char_indices().nth(LONGEST) {
        Some((end, _)) => &text[..end],
        None => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn borrows_what_has_no_escapes() {
        let json = Json::parse(br#"{"a":"plain","b":"es\u0063aped","c":[1,-2,3.5,true,null,{}]}"#).unwrap();
        let Json::Object(members) = json else {
            panic!("an object")
        };
        assert!(matches!(&members[0].1, Json::String(Cow::Borrowed("plain"))));
        assert!(matches!(&members[1].1, Json::String(Cow::Owned(text)) if text == "escaped"));
        let Json::Array(list) = &members[2].1 else {
            panic!("a list")
        };
        let kinds: Vec<&str> = list.iter().map(Json::kind).collect();
        assert_eq!(
            kinds,
            ["a number", "a number", "a number", "a boolean", "null", "an object"]
        );
    }

    #[test]
    fn bodies_that_say_the_same_mean_the_same() {
        let first = r#"{"to": [{"email": "a", "name": "é"}, 1], "x": {"b": null, "a": true}}"#;
        for same in [
            r#"{"x":{"a":true,"b":null},"to":[{"name":"\u00e9","email":"a"},1]}"#,
            "\n{ \"x\": {\"a\": true, \"b\": null}, \"to\": [{\"email\": \"a\", \"name\": \"é\"}, 1]}\n",
        ] {
            assert_eq!(meaning(same.as_bytes()), meaning(first.as_bytes()), "{same}");
        }
        let all = [
            "{}",
            "[]",
            "null",
            "\"\"",
            "0",
            "false",
            "true",
            "\"null\"",
            "\"0\"",
            "1",
            "1.5",
            "[1,2]",
            "[2,1]",
            "[[1],2]",
            "[[1,2]]",
            "[12]",
            "[\"a\",\"b\"]",
            "[\"ab\"]",
            "[\"a\",\"\",\"b\"]",
            r#"{"a":"b"}"#,
            r#"["a","b",{}]"#,
            r#"{"a":null}"#,
            r#"{"a":{"b":1}}"#,
            r#"{"a":{},"b":1}"#,
            "{",
            "{ ",
            "",
            " ",
        ];
        for (at, one) in all.iter().enumerate() {
            for other in &all[at + 1..] {
                assert_ne!(meaning(one.as_bytes()), meaning(other.as_bytes()), "{one} and {other}");
            }
        }
    }

    #[test]
    fn refuses_what_is_not_json() {
        let deep = "[".repeat(200);
        let many = format!("[{}0]", "0,".repeat(200_000));
        for (body, reason) in [
            (&b""[..], "EOF"),
            (b"{", "EOF"),
            (b"{}x", "trailing characters"),
            (b"{} {}", "trailing characters"),
            (b"{\"a\":1,\"a\":2}", "\"a\" stands twice"),
            (b"{\"a\":1,\"\\u0061\":2}", "\"a\" stands twice"),
            (b"{\"b\":[{\"c\":0,\"d\":0,\"c\":0}]}", "\"c\" stands twice"),
            (b"{\"a\":1e999}", "number out of range"),
            (b"{\"a\":\"\xff\"}", "invalid unicode"),
            (b"{\"a\":\"\\ud800\"}", "hex escape"),
            (b"{\"a\":\"\n\"}", "control character"),
            (b"{\"a\":NaN}", "expected value"),
            (b"{'a':1}", "key must be a string"),
            (b"\xef\xbb\xbf{}", "expected value"),
            (deep.as_bytes(), "recursion limit"),
            (many.as_bytes(), "more than 200000 values"),
        ] {
            let error = Json::parse(body).unwrap_err().to_string();
            assert!(
                error.contains(reason),
                "{error} for {:?}",
                String::from_utf8_lossy(&body[..body.len().min(40)])
            );
            assert!(error.contains("line"), "{error}");
        }
    }
}
