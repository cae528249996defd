//! Rules for every user name, password and key that is typed into a form.

use crate::error::FieldError;

/// Most bytes of one.
const MAX_BYTES: usize = 1_024;

/// Refuses what is too long, and control characters: AUTH PLAIN separates user name and password by NUL (RFC 4616), and
/// the others are accidents of copying.
pub(super) fn check(field: &'static str, what: &str, text: &str) -> Result<(), FieldError> {
    if text.len() > MAX_BYTES {
        let message = format!("{what} is too long: at most {MAX_BYTES} bytes");
        return Err(FieldError::new(field, "too_long", message));
    }
    if text.chars().any(char::is_control) {
        let message = format!("{what} contains a line break or another control character: remove it");
        return Err(FieldError::new(field, "invalid", message));
    }
    Ok(())
}
