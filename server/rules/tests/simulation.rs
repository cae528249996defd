//! Messages, one after another, through providers that fail at random, on a clock that jumps from one decision to the
//! next. Days pass in milliseconds; the promises are checked at every step.

#![allow(clippy::unwrap_used, clippy::panic, reason = "a test fails by panicking")]

use std::collections::HashSet;
use std::time::Duration;

use proptest::prelude::*;
use rand::rngs::StdRng;
use rand::{RngExt, SeedableRng};
use sendmux_rules::caps::{CapFit, Caps, Usage, cap_fit, charge, refund};
use sendmux_rules::health::{Health, HealthPolicy, on_outcome};
use sendmux_rules::retry::{FailReason, Next, RetryPolicy, Round, recipient_status, round_end};
use sendmux_rules::{
    Availability, Candidate, Class, IoFault, MessageEffect, MessageStatus, Need, Outcome, ProviderKind,
    RecipientStatus, Reply, Stage, Timestamp, select,
};

const START: Timestamp = Timestamp::from_millis(1_767_225_600_000);
const DAY: Duration = Duration::from_secs(24 * 3_600);

struct Provider {
    id: i64,
    weight: u32,
    caps: Caps,
    usage: Usage,
    health: Health,
    /// Indices into [`SCRIPT`] that it draws from.
    moods: Vec<usize>,
    /// Times of charges that were not given back.
    charged: Vec<Timestamp>,
}

/// Outcomes of the simulated providers.
const SCRIPT: &[fn() -> Outcome] = &[
    || reply(Stage::Body, 250, "2.0.0 Ok"),
    || reply(Stage::Body, 250, "2.0.0 Ok"),
    || Outcome::from_io(Stage::Connect, IoFault::Timeout),
    || Outcome::from_io(Stage::Data, IoFault::Reset),
    || Outcome::from_io(Stage::AfterBody, IoFault::Reset),
    || reply(Stage::RcptTo, 451, "4.7.1 Greylisted"),
    || reply(Stage::RcptTo, 550, "5.1.1 Unknown"),
    || reply(Stage::Body, 554, "5.7.1 Spam"),
    || reply(Stage::MailFrom, 553, "5.1.8 Bad sender"),
    || reply(Stage::MailFrom, 450, "4.7.1 too many messages"),
    || reply(Stage::Body, 421, "4.7.0 try again after 90 seconds"),
    || reply(Stage::Body, 454, "Throttling failure: Daily message quota exceeded."),
    || reply(Stage::Auth, 454, "4.7.0 Temporary authentication failure"),
    || reply(Stage::Data, 503, "5.5.1 Bad sequence"),
    || Outcome {
        confirmed: true,
        ..reply(Stage::Auth, 535, "5.7.8 Credentials invalid")
    },
];

fn reply(stage: Stage, code: u16, text: &str) -> Outcome {
    Outcome::from_smtp(stage, Reply::parse(code, [text]))
}

struct World {
    providers: Vec<Provider>,
    rng: StdRng,
    now: Timestamp,
}

impl World {
    fn candidates(&self, tried: &HashSet<i64>, refused: &HashSet<i64>) -> Vec<Candidate> {
        let candidate = |provider: &Provider| Candidate {
            tried: tried.contains(&provider.id),
            sender_refused: refused.contains(&provider.id),
            availability: Availability::of(&provider.health, &provider.caps, &provider.usage, 1, self.now),
            ..Candidate::new(provider.id, ProviderKind::Smtp, provider.weight)
        };
        self.providers.iter().map(candidate).collect()
    }

    /// Makes one attempt: the charge before it, the outcome, the health after it.
    fn attempt(&mut self, id: i64) -> Outcome {
        let now = self.now;
        let provider = self.providers.iter_mut().find(|provider| provider.id == id).unwrap();
        assert_eq!(cap_fit(&provider.caps, &provider.usage, now, 1), CapFit::Now);
        assert!(provider.health.block_at(now).is_none() && provider.health.pause_at(now).is_none());
        let taken = charge(&mut provider.usage, now, 1);
        let mood = provider.moods[self.rng.random_range(0..provider.moods.len())];
        let outcome = SCRIPT[mood]();
        if matches!(outcome.class, Class::Accepted | Class::Unknown) {
            provider.charged.push(now);
        } else {
            refund(&mut provider.usage, taken);
        }
        let health = std::mem::take(&mut provider.health);
        provider.health = on_outcome(&HealthPolicy::default(), health, &outcome, now).0;
        outcome
    }

    /// Delivers a message with one recipient, from its acceptance to its end.
    fn deliver(&mut self) -> (MessageStatus, Option<FailReason>) {
        let policy = RetryPolicy::default();
        let need = Need {
            bytes: 1_000,
            recipients: 1,
            headers_all_pending: true,
        };
        let (mut round, mut recipient) = (Round::first(), [RecipientStatus::Pending]);
        let (mut tried, mut refused) = (HashSet::new(), HashSet::new());
        let mut ready_since = self.now;
        let mut accepted = 0;
        for _ in 0..100_000 {
            let candidates = self.candidates(&tried, &refused);
            let selection = select(&candidates, &need, self.now, &mut self.rng);
            if let (Some(id), false, RecipientStatus::Pending) = (selection.chosen, round.closed, recipient[0]) {
                assert!(!tried.contains(&id), "twice in a round");
                let outcome = self.attempt(id);
                let effect = outcome.effect_on_message();
                accepted += u32::from(effect == MessageEffect::Sent);
                recipient[0] = recipient[0].settle(recipient_status(&outcome));
                round.note(&outcome);
                if effect.counts_as_tried() {
                    tried.insert(id);
                }
                if outcome.class == Class::SenderRefused {
                    refused.insert(id);
                }
                continue;
            }
            let next = round_end(
                &policy,
                &recipient,
                &round,
                selection.waiting.as_ref(),
                ready_since,
                self.now,
            );
            let next_round = match next {
                Next::Finish { status, reason } => {
                    assert!(accepted <= 1, "sent twice");
                    assert_eq!(accepted == 1, status == MessageStatus::Sent);
                    return (status, reason);
                }
                Next::Retry { round: number, at } => {
                    assert_eq!(number, round.number + 1);
                    Some(at)
                }
                Next::Wait { retry_at, .. } => {
                    round.retry_at = retry_at;
                    retry_at.filter(|at| next.wake_at() == Some(*at))
                }
            };
            let wake_at = next.wake_at().unwrap_or_else(|| panic!("{next:?} never ends"));
            assert!(wake_at > self.now || next_round.is_some(), "a busy loop at {next:?}");
            self.now = self.now.max(wake_at);
            if next_round.is_some() {
                round = round.next();
                assert!(round.number <= 4);
                tried.clear();
                ready_since = self.now;
            }
        }
        panic!("no end in sight");
    }
}

fn world(seed: u64) -> World {
    let mut rng = StdRng::seed_from_u64(seed);
    let count = rng.random_range(1..5);
    let providers = (1..=count).map(|id| Provider {
        id,
        weight: rng.random_range(1..100),
        caps: Caps {
            minute: rng.random_bool(0.5).then(|| rng.random_range(1..4)),
            day: rng.random_bool(0.5).then(|| rng.random_range(1..9)),
            ..Caps::NONE
        },
        usage: Usage::default(),
        health: Health::default(),
        moods: (0..rng.random_range(1..6))
            .map(|_| rng.random_range(0..SCRIPT.len()))
            .collect(),
        charged: Vec::new(),
    });
    World {
        providers: providers.collect(),
        rng,
        now: START,
    }
}

/// True if a message may wait for ever: by design a provider that only ever asks for a pause keeps its messages
/// waiting, and so does one whose quota is always used up. All other waits must end by themselves.
fn may_wait_for_ever(world: &World) -> bool {
    let waits = |mood: &usize| SCRIPT[*mood]().effect_on_message() == MessageEffect::AnotherOrWait;
    world.providers.iter().any(|provider| provider.moods.iter().all(waits))
}

proptest! {
    #[test]
    fn every_message_ends_once_and_no_cap_is_exceeded(seed in any::<u64>()) {
        let mut world = world(seed);
        prop_assume!(!may_wait_for_ever(&world));
        for _ in 0..30 {
            let (status, reason) = world.deliver();
            prop_assert!(status.is_terminal());
            prop_assert_eq!(reason.is_none(), status == MessageStatus::Sent);
        }
        for provider in &world.providers {
            for end in &provider.charged {
                let within = |length: Duration| provider.charged.iter().filter(|at| *at <= end && end.since(**at) < length).count();
                let in_minute = provider.charged.iter().filter(|at| at.as_millis() / 60_000 == end.as_millis() / 60_000).count();
                prop_assert!(provider.caps.day.is_none_or(|cap| within(DAY) <= cap as usize));
                prop_assert!(provider.caps.minute.is_none_or(|cap| in_minute <= cap as usize));
            }
        }
    }
}
