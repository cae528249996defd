//! Messages: accepting, storing, querying, cancelling and resending.

pub mod accept;
mod cancel_resend;
mod choice;
mod committer;
pub mod content;
pub mod query;
pub mod retention;

pub use accept::{
    Accepted, Committed, Intake, NewRecipient, Origin, RecipientField, Source, Submission, new_message_id, submit,
};
pub(crate) use accept::{Arrived, submit_within};
pub use cancel_resend::{cancel, resend};
pub use choice::{Choice, RecordedCandidate};
pub(crate) use committer::Committer;
