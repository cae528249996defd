//! Values of settings: how each type is read from text.

use crate::TrustedProxies;
use crate::secrets::Secret;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;

/// Type of a setting.
pub trait Value: Sized {
    /// True if its text must not be printed. Errors of such a type do not repeat it either.
    const SECRET: bool = false;

    /// Reads it.
    ///
    /// # Errors
    /// The text, and what would be valid.
    fn parse(text: &str) -> Result<Self, String>;
}

impl Value for String {
    fn parse(text: &str) -> Result<Self, String> {
        Ok(text.to_owned())
    }
}

impl Value for Secret {
    const SECRET: bool = true;

    fn parse(text: &str) -> Result<Self, String> {
        Ok(text.into())
    }
}

impl Value for PathBuf {
    fn parse(text: &str) -> Result<Self, String> {
        Ok(text.into())
    }
}

impl Value for bool {
    fn parse(text: &str) -> Result<Self, String> {
        text.parse().map_err(|_| format!("`{text}` must be true or false"))
    }
}

/// A number of things, of which there must be one at least.
impl Value for u32 {
    fn parse(text: &str) -> Result<Self, String> {
        match text.parse() {
            Ok(0) | Err(_) => Err(format!("`{text}` must be a whole number from 1 up")),
            Ok(number) => Ok(number),
        }
    }
}

/// As `u32`.
impl Value for usize {
    fn parse(text: &str) -> Result<Self, String> {
        u32::parse(text).map(|number| number as Self)
    }
}

/// A port.
impl Value for u16 {
    fn parse(text: &str) -> Result<Self, String> {
        match text.parse() {
            Ok(0) | Err(_) => Err(format!("`{text}` must be a port, from 1 to 65535")),
            Ok(port) => Ok(port),
        }
    }
}

impl Value for SocketAddr {
    fn parse(text: &str) -> Result<Self, String> {
        text.parse()
            .map_err(|_| format!("`{text}` is not an address and port such as 127.0.0.1:3000"))
    }
}

/// A length of time as `humantime` reads it: `500ms`, `30s`, `5m`, `2h`, `3d`, `1h 30m`.
impl Value for Duration {
    fn parse(text: &str) -> Result<Self, String> {
        humantime::parse_duration(text)
            .map_err(|_| format!("`{text}` must be a length of time such as 30s, 5m, 2h, 3d or 1h 30m"))
    }
}

/// Networks by commas, or `none`. An empty list is none as well, where the configuration file can say so.
impl Value for TrustedProxies {
    fn parse(text: &str) -> Result<Self, String> {
        match text {
            "none" => Ok(Self::default()),
            text => Self::parse(text).map_err(|wrong| format!("{wrong}; none: trust no proxy")),
        }
    }
}

/// Nothing where the text is empty.
impl<T: Value> Value for Option<T> {
    const SECRET: bool = T::SECRET;

    fn parse(text: &str) -> Result<Self, String> {
        match text {
            "" => Ok(None),
            text => T::parse(text).map(Some),
        }
    }
}

/// A list by commas.
impl<T: Value> Value for Vec<T> {
    const SECRET: bool = T::SECRET;

    fn parse(text: &str) -> Result<Self, String> {
        let parts = text.split(',').map(str::trim).filter(|part| !part.is_empty());
        parts.map(T::parse).collect()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lengths_of_time_are_read_as_people_write_them() {
        let seconds = |text: &str| Duration::parse(text).map(|duration| duration.as_secs_f64());
        for (text, expected) in [
            ("500ms", 0.5),
            ("30s", 30.0),
            ("5m", 300.0),
            ("5 m", 300.0),
            ("72h", 259_200.0),
            ("0d", 0.0),
            ("3d", 259_200.0),
            ("1h 30m", 5_400.0),
            ("2hours", 7_200.0),
        ] {
            assert_eq!(seconds(text), Ok(expected), "{text}");
        }
        for wrong in ["", "30", "5 parsecs", "-1h", "never", "99999999999999999999d"] {
            let error = seconds(wrong).unwrap_err();
            assert!(
                error.contains(&format!("`{wrong}`")) && error.contains("30s"),
                "{error}"
            );
        }
    }

    #[test]
    fn lists_and_options_are_as_secret_as_what_is_in_them() {
        const SECRET: [bool; 2] = [<Option<Vec<Secret>>>::SECRET, <Option<Vec<String>>>::SECRET];
        assert_eq!(SECRET, [true, false]);
        assert_eq!(<Vec<String>>::parse(" a, ,b"), Ok(vec!["a".to_owned(), "b".to_owned()]));
        assert_eq!(<Option<u16>>::parse(""), Ok(None));
    }
}
