//! Lists in pages.

use crate::model::Page;

/// Rows of a page.
pub const ROWS: u64 = 25;

/// Text of a field; none when it is empty.
pub fn filled(text: String) -> Option<String> {
    if text.trim().is_empty() { None } else { Some(text) }
}

/// A page of a list: its rows, and the cursor of the next page.
pub fn page_of<R, T>(rows: Vec<R>, next: Option<String>, item: impl Fn(R) -> T) -> Page<T> {
    Page {
        rows: rows.into_iter().map(item).collect(),
        older: next,
    }
}
