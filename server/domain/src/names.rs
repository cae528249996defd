//! Names that people give to things.

use crate::error::FieldError;

/// Most characters in the name of a person, a team, a provider or a key.
pub(crate) const MAX_NAME_CHARS: usize = 100;

/// Checks the name of a person or thing: 1 to [`MAX_NAME_CHARS`] characters, no control characters. Returns it
/// without surrounding space.
pub(crate) fn check_name(field: &'static str, what: &str, name: &str) -> Result<String, FieldError> {
    let name = name.trim();
    if name.is_empty() {
        return Err(FieldError::new(field, "required", format!("enter {what}")));
    }
    if name.chars().count() > MAX_NAME_CHARS {
        let message = format!("{what} is too long: use at most {MAX_NAME_CHARS} characters");
        return Err(FieldError::new(field, "too_long", message));
    }
    if name.chars().any(char::is_control) {
        return Err(FieldError::new(
            field,
            "invalid",
            format!("{what} contains a control character: remove it"),
        ));
    }
    Ok(name.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_have_bounds() {
        assert_eq!(check_name("name", "your name", " Zoë ").unwrap(), "Zoë");
        let code = |name: &str| check_name("name", "your name", name).unwrap_err().code;
        assert_eq!(code(" "), "required");
        assert_eq!(code(&"é".repeat(101)), "too_long");
        assert!(check_name("name", "your name", &"é".repeat(100)).is_ok());
        assert_eq!(code("a\r\nBcc: x"), "invalid");
    }
}
