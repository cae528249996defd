//! Messages: how they are accepted, stored, and looked at.

pub mod accept;
mod committer;
pub mod content;
pub mod query;
mod recall;
pub mod retention;

pub use accept::{
    Accepted, Committed, Intake, NewRecipient, Origin, RecipientField, Source, Submission, new_message_id, submit,
};
pub(crate) use accept::{Arrived, submit_within};
pub(crate) use committer::Committer;
pub use recall::{cancel, resend};
