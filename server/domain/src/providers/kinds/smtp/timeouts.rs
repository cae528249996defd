//! Timeouts of an SMTP provider.

use crate::error::FieldError;
use serde::{Deserialize, Serialize};

/// Most time that an SMTP server may take for each step up to the final dot, in whole seconds. Afterwards it has ten minutes, since nobody
/// else may be handed the message until it is known what became of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct SmtpTimeouts {
    /// Name resolution and TCP.
    pub connect: u32,
    /// TLS, the greeting, and the answer to each command.
    pub command: u32,
    /// The answer to DATA, and each 64 KiB of the content.
    pub data: u32,
}

impl Default for SmtpTimeouts {
    fn default() -> Self {
        Self {
            connect: 10,
            command: 30,
            data: 60,
        }
    }
}

impl SmtpTimeouts {
    /// The most that any of them may be: what RFC 5321 section 4.5.3.2 asks of a client that has no other server.
    pub const MAX: u32 = 300;

    pub(super) fn is_default(&self) -> bool {
        *self == Self::default()
    }
}

/// Checks a field of a time limit; an empty one is the default.
pub(super) fn check_timeout(field: &'static str, text: &str, default: u32) -> Result<u32, FieldError> {
    match text.trim() {
        "" => Ok(default),
        text => match text.parse() {
            Ok(seconds @ 1..=SmtpTimeouts::MAX) => Ok(seconds),
            _ => {
                let max = SmtpTimeouts::MAX;
                let message = format!("enter whole seconds from 1 to {max}; empty is {default}");
                Err(FieldError::new(field, "invalid", message))
            }
        },
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn time_limits_are_whole_seconds_and_an_empty_one_is_the_default() {
        let check = |text| check_timeout("command_timeout", text, 30);
        assert_eq!(
            (check(" ").unwrap(), check(" 45 ").unwrap(), check("300").unwrap()),
            (30, 45, 300)
        );
        for text in ["0", "301", "-1", "1.5", "30s", "99999999999"] {
            let error = check(text).unwrap_err();
            assert_eq!(error.field, "command_timeout", "{text}");
            assert!(
                error.message.contains("from 1 to 300; empty is 30"),
                "{}",
                error.message
            );
        }
    }
}
