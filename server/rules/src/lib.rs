//! The decisions of the delivery engine, as pure functions: values and a time in, values out.
//!
//! Nothing here reads a clock, a database, a file or the network, so every rule can be tested exhaustively, and the
//! engine only carries the decisions out.
//!
//! module | decides |
//! | --- | --- |
//! | [`classify`](mod@classify) | the meaning of a provider's reply, error or silence |
//! | [`caps`] | the units that may go through a provider now, and the time when more may |
//! | [`health`] | failures, blocks and pauses of a provider |
//! | [`select`](mod@select) | the provider that takes a message, and the reasons against the others |
//! | [`shares`](mod@shares) | the validity of weights, and the share of each member |
//! | [`retry`] | the next step of a message after an attempt |
//! | [`managed`] | increases and suspensions on the managed route |
//! | [`managed`] | may a higher cap be asked for, and is a team suspended on the managed route? |

#![cfg_attr(
    test,
    allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")
)]

#[cfg(feature = "sea-orm")]
pub mod column;
mod names;

/// A type is no database column without the feature `sea-orm`.
#[cfg(not(feature = "sea-orm"))]
#[doc(hidden)]
#[macro_export]
macro_rules! text_column {
    ($name:ty) => {};
}

pub mod caps;
pub mod classify;
pub mod health;
pub mod kind;
pub mod managed;
pub mod outcome;
pub mod retry;
pub mod select;
pub mod shares;
pub mod status;
pub mod time;

pub use classify::{
    Classified, MessageEffect, ProviderEffect, classify_api, classify_io, classify_smtp, classify_token,
};
pub use health::{Block, Health, HealthEvent, HealthPolicy, Pause};
pub use kind::{Capability, ProviderKind, SmtpSecurity};
pub use names::UnknownName;
pub use outcome::{BlockKind, Class, Hint, IoFault, Outcome, Reply, Stage};
pub use select::{Availability, Candidate, Considered, LeftOut, Need, Selection, Waiting, select};
pub use status::{MessageStatus, Mode, ProviderStatus, RecipientStatus, WaitReason};
pub use time::Timestamp;
