//! The decisions of the delivery engine, as pure functions: values and a time in, values out.
//!
//! Nothing here reads a clock, a database, a file or the network, so every rule can be tested exhaustively and the
//! engine is left with carrying the decisions out.
//!
//! | module | answers |
//! | --- | --- |
//! | [`classify`](mod@classify) | what does this reply, error or silence of a provider mean? |
//! | [`caps`] | how many more messages may go through this provider now, and when again? |
//! | [`health`] | is this provider in rotation, and when does it come back? |
//! | [`select`](mod@select) | which provider takes this message, and why not the others? |
//! | [`shares`](mod@shares) | are these weights sound, and what part of the traffic does each member get? |
//! | [`retry`] | what happens to the message after this attempt? |
//! | [`managed`] | may a higher cap be asked for, and is a team suspended on the managed route? |

#![cfg_attr(
    test,
    allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")
)]

mod names;

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
pub use kind::{Capability, ProviderKind};
pub use names::UnknownName;
pub use outcome::{BlockKind, Class, Hint, IoFault, Outcome, Reply, Stage};
pub use select::{Availability, Candidate, Considered, LeftOut, Need, Selection, Waiting, select};
pub use status::{MessageStatus, Mode, RecipientStatus, WaitReason};
pub use time::Timestamp;
