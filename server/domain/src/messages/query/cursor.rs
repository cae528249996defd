//! Cursors of lists, and the pages between them.

use crate::error::{Error, Result};

/// A page of a list, with the cursor of the next one.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Page<T> {
    /// The rows, newest first.
    pub rows: Vec<T>,
    /// Cursor of the next (older) page; `None` at the end.
    pub next: Option<String>,
}

/// A cursor is the key of the last row of a page, so pages stay stable when new messages come in. Database keys do not
/// leave the server, hence the mask: it hides nothing secret, but keeps clients from relying on the number.
const CURSOR_MASK: i64 = 0x5A3C_96E1_7B4D_2F08;

pub(crate) fn encode_cursor(id: i64) -> String {
    format!("{:016x}", id ^ CURSOR_MASK)
}

pub(crate) fn decode_cursor(cursor: &str) -> Result<i64> {
    i64::from_str_radix(cursor, 16)
        .ok()
        .filter(|_| cursor.len() == 16)
        .map(|masked| masked ^ CURSOR_MASK)
        .ok_or_else(|| Error::field("cursor", "invalid", "this cursor is not one that a list has returned"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cursors_round_trip_and_foreign_ones_are_refused() {
        assert_eq!(decode_cursor(&encode_cursor(123_456_789)).unwrap(), 123_456_789);
        for bad in ["", "12", "zzzzzzzzzzzzzzzz", "+123456789abcdef0"] {
            assert!(decode_cursor(bad).is_err(), "{bad}");
        }
    }
}
