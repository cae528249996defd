//! Messages: how they are accepted, stored, and looked at.

pub mod accept;
mod committer;
pub mod content;
pub mod query;

pub use accept::{Accepted, NewRecipient, Origin, RecipientField, Source, Submission, new_message_id, submit};
pub(crate) use committer::Committer;
