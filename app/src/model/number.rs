//! Numbers as pages write them.

/// A number with thin groups of three digits: `1 234 567`.
pub fn grouped(count: impl Into<u64>) -> String {
    let digits = count.into().to_string();
    let mut text = String::with_capacity(digits.len() + digits.len() / 3);
    for (position, digit) in digits.chars().enumerate() {
        if position > 0 && (digits.len() - position).is_multiple_of(3) {
            text.push('\u{202f}');
        }
        text.push(digit);
    }
    text
}

/// A part of a whole, 0 to 100: `50%`, `33.3%`, `<0.1%`.
pub fn percent(share: f64) -> String {
    if share > 0.0 && share < 0.1 {
        return "<0.1%".to_owned();
    }
    let text = format!("{share:.1}");
    format!("{}%", text.strip_suffix(".0").unwrap_or(&text))
}

/// Typed text that is no whole number.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct NotANumber;

/// A weight or a cap as typed: empty is none.
///
/// # Errors
/// [`NotANumber`].
pub fn weight_of(typed: &str) -> Result<Option<i64>, NotANumber> {
    match typed.trim() {
        "" => Ok(None),
        digits => digits.parse().map(Some).map_err(|_| NotANumber),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn digits_stand_in_threes() {
        for (count, text) in [
            (0u32, "0"),
            (999, "999"),
            (1_000, "1\u{202f}000"),
            (1_234_567, "1\u{202f}234\u{202f}567"),
        ] {
            assert_eq!(grouped(count), text);
        }
    }

    #[test]
    fn shares_are_written_short() {
        assert_eq!(
            [100.0, 100.0 / 3.0, 0.0, 0.04].map(percent),
            ["100%", "33.3%", "0%", "<0.1%"]
        );
    }
}
