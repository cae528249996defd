//! Building, reading and rewriting RFC 5322 messages.
//!
//! A leaf crate: it knows bytes and the mail RFCs, but neither the database nor the network nor the clock.
//!
//! - [`build`](mod@build) builds the bytes of a message from a plain description.
//! - [`address`] parses email addresses, for the API, for forms and for SMTP.
//! - [`header`] validates the header section of a message.
//! - [`read`](mod@read) makes any stored message presentable to a person.
//! - [`host`] parses names of servers, and [`reach`] tells public addresses from private ones.
//! - [`html`] escapes text for pages and mails.
//! - [`downgrade`] converts eight-bit content for servers that take seven bits.
//! - [`rewrite`] changes single header fields of a stored message and leaves every other byte alone.

#![cfg_attr(
    test,
    allow(
        clippy::unwrap_used,
        clippy::expect_used,
        reason = "a failed unwrap is a failed test"
    )
)]

pub mod address;
mod body;
pub mod build;
mod cid;
mod date;
pub mod downgrade;
mod encoded_word;
pub mod error;
mod fold;
pub mod header;
pub mod host;
pub mod html;
mod message_id;
mod parameter;
pub mod reach;
pub mod read;
pub mod rewrite;
mod scan;
#[cfg(test)]
mod tests;

pub use address::{AddressError, ValidEmail};
pub use build::{Address, Attachment, Built, Outgoing, build, check, needs_smtputf8};
pub use error::{BuildError, BuildErrors, Problem};
pub use read::{AttachmentView, MailboxView, View, attachment, read};
