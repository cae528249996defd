//! The delivery engine: takes what is due from the durable queue, hands it to providers, and settles what came of it.
//!
//! | module | does |
//! | --- | --- |
//! | `lanes` | whose turn it is |
//! | `engine` | the engine's life, from start to shutdown |
//! | `dispatcher` | the loop: wakes when something is due, has arrived, or has room again |
//! | `claim` | one transaction: select a provider for each message that can go now, charge it, lease the message |
//! | `attempt` | one try of one message at one provider |
//! | `decide` | what follows from an attempt (the rules are in `sendmux-rules`) |
//! | `health` | what attempts mean for their providers |
//! | `settler` | writes what followed, in groups |
//! | `heartbeat` | says that this node lives |
//! | `recovery` | takes over what a dead node left |
//! | `blocks` | ends blocks when their time has come |
//! | `refusals` | ends what waited for a provider that has begun to refuse its sender |
//! | `channel` | the connection to each provider |
//! | `services` | what the connectors of one process share: HTTP and OAuth clients |
//! | `tokens` | the access tokens of mailboxes, for their connectors |
//! | `stepped` | the engine without its loops, for simulations |
//!
//! Nothing polls: the dispatcher sleeps until the earliest time that anything can move. It also looks at the queue anew
//! every few seconds, for what other nodes have accepted, and because a lost signal must only ever delay.

#![cfg_attr(
    test,
    allow(clippy::unwrap_used, clippy::expect_used, reason = "a test fails by panicking")
)]

mod attempt;
mod blocks;
mod channel;
mod claim;
mod decide;
mod dispatcher;
mod engine;
mod health;
mod heartbeat;
mod lanes;
mod recovery;
mod refunds;
mod refusals;
mod requeue;
mod sandbox;
mod services;
mod settler;
mod slots;
mod stepped;
mod tester;
mod tokens;

pub use channel::{Channel, Channels, ProviderChannels};
pub use engine::{Engine, EngineConfig};
pub use services::Services;
pub use stepped::{Step, Stepped};
pub use tester::Tester;
