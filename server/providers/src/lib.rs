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
//! | [`net`] | name resolution, TCP and trust, with the guard against internal addresses |
//! | [`http`] | the client of the kinds that are reached over HTTP |
//! | [`oauth`] | signing in to a mailbox with the user's consent |
//!
//! The kinds, one folder each:
//!
//! | module | kinds |
//! | --- | --- |
//! | [`smtp`] | `smtp` |
//! | [`mailbox`] | `gmail` and `microsoft365`, the latter through Microsoft Graph |
//! | [`ses`] | `ses` and `managed_ses` |

#![cfg_attr(
    test,
    allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")
)]

pub mod connector;
pub mod fault;
pub mod http;
pub mod job;
pub mod mailbox;
pub mod net;
pub mod oauth;
pub mod ses;
pub mod smtp;

pub use connector::{Connector, TestReport, TestStep};
pub use fault::ApiFault;
pub use http::{Http, HttpSettings};
pub use job::{JobRecipient, RecipientOutcome, SendJob, SendReport};
pub use mailbox::{GmailConnector, GmailSettings, GraphConnector, GraphSettings, MailboxIdentity};
pub use ses::{SesConnector, SesSettings};
pub use smtp::{Credentials, SmtpConnector, SmtpSettings, Timeouts};
