//! The accounts that Sendmux sends through: one [`Connector`] for each configured provider.
//!
//! A connector carries one attempt out: it hands a message to its provider once and says, recipient by recipient, what
//! came of it. It decides nothing else. Whether and when to try again, or at which other provider, is up to
//! `sendmux-rules` and the engine; what a reply or a fault means is up to [`sendmux_rules::classify`].
//!
//! | module | what it is |
//! | --- | --- |
//! | [`connector`] | the trait, and the report of a connection test |
//! | [`job`] | what a connector is given, and what it reports |
//! | [`net`] | name resolution and TCP, with the guard against internal addresses |
//! | [`smtp`] | the SMTP submission kind |

#![cfg_attr(
    test,
    allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")
)]

pub mod connector;
pub mod job;
pub mod net;
pub mod smtp;

pub use connector::{Connector, TestReport, TestStep};
pub use job::{JobRecipient, RecipientOutcome, SendJob, SendReport};
pub use smtp::{Credentials, Security, SmtpConnector, SmtpSettings, Timeouts};
