//! The delivery engine: takes what is due from the durable queue, hands it to providers, and settles what came of it.
//!
//! | module | does |
//! | --- | --- |
//! | `lanes` | whose turn it is |
//! | `dispatcher` | the loop: wakes when something is due, has arrived, or has room again |
//! | `claim` | one transaction: select a provider for each message that can go now, charge it, lease the message |
//! | `attempt` | one try of one message at one provider |
//! | `decide` | what follows from an attempt (the rules are in `sendmux-rules`) |
//! | `health` | what attempts mean for their providers |
//! | `settler` | writes what followed, in groups |
//! | `recovery` | takes over what a dead node left |
//! | `channel` | the connection to each provider |
//! | `services` | what the connectors of one process share: HTTP and OAuth clients |
//! | `tokens` | the access tokens of mailboxes, for their connectors |
//!
//! Nothing polls: the dispatcher sleeps until the earliest time that anything can move. It also looks at the queue anew
//! every few seconds, for what other nodes have accepted, and because a lost signal must only ever delay.

#![cfg_attr(
    test,
    allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")
)]

mod attempt;
mod channel;
mod claim;
mod decide;
mod dispatcher;
mod health;
mod lanes;
mod recovery;
mod sandbox;
mod services;
mod settler;
mod slots;
mod tester;
mod tokens;

pub use channel::{Channel, Channels, ProviderChannels};
pub use dispatcher::{Engine, EngineConfig};
pub use services::Services;
pub use tester::Tester;
