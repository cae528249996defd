//! Identifiers: public ids, which leave the server, and database keys, which never do.

use parking_lot::Mutex;
use rand::RngExt;
use sendmux_rules::Timestamp;
use std::borrow::Cow;

/// Kind of thing that a public id names. Each kind has its prefix.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum IdKind {
    /// `eml_`, a message.
    Message,
    /// `prv_`, a provider.
    Provider,
    /// `dgrp_`, a delivery group.
    Group,
    /// `key_`, an API key.
    Key,
    /// `team_`, a team.
    Team,
    /// `usr_`, a user.
    User,
    /// `whk_`, a webhook.
    Webhook,
    /// `evt_`, an event.
    Event,
    /// `req_`, a request.
    Request,
    /// `att_`, an uploaded attachment.
    Attachment,
    /// `try_`, an attempt.
    Attempt,
    /// `qir_`, a quota increase request.
    QuotaRequest,
}

const ALPHABET: &[u8; 36] = b"abcdefghijklmnopqrstuvwxyz0123456789";
const RANDOM_LEN: usize = 24;

impl IdKind {
    /// The prefix, with its underscore.
    pub fn prefix(self) -> &'static str {
        match self {
            Self::Message => "eml_",
            Self::Provider => "prv_",
            Self::Group => "dgrp_",
            Self::Key => "key_",
            Self::Team => "team_",
            Self::User => "usr_",
            Self::Webhook => "whk_",
            Self::Event => "evt_",
            Self::Request => "req_",
            Self::Attachment => "att_",
            Self::Attempt => "try_",
            Self::QuotaRequest => "qir_",
        }
    }

    /// A new id: the prefix and 24 characters of `[a-z0-9]` from a CSPRNG (124 bits).
    pub fn generate(self) -> String {
        let mut id = String::with_capacity(self.prefix().len() + RANDOM_LEN);
        id.push_str(self.prefix());
        random_into(&mut id, ALPHABET, RANDOM_LEN);
        id
    }

    /// True if `text` has the form of such an id. Other texts need not be looked up.
    pub fn matches(self, text: &str) -> bool {
        text.strip_prefix(self.prefix())
            .is_some_and(|rest| rest.len() == RANDOM_LEN && rest.bytes().all(|b| ALPHABET.contains(&b)))
    }
}

/// The current id of a delivery group: older ids began with `grp_` instead of `dgrp_`, and stay valid.
pub fn group(public_id: &str) -> Cow<'_, str> {
    if public_id.starts_with("grp_") {
        Cow::Owned(format!("d{public_id}"))
    } else {
        Cow::Borrowed(public_id)
    }
}

/// Appends `len` characters of `alphabet`, drawn from the thread's CSPRNG.
#[expect(
    clippy::disallowed_methods,
    reason = "ids and keys are to be unpredictable, not repeatable"
)]
pub(crate) fn random_into(text: &mut String, alphabet: &[u8], len: usize) {
    let mut rng = rand::rng();
    for _ in 0..len {
        text.push(char::from(alphabet[rng.random_range(0..alphabet.len())]));
    }
}

/// Generator of the database keys of rows that are written in batches: 41 bits of milliseconds since 2020, 10 bits of
/// node, 12 bits of sequence. Keys are unique without the database, ascend in order of time, and so keep inserts at the
/// end of every B-tree and let lists page by key.
#[derive(Debug)]
pub struct RowIds {
    node: i64,
    last: Mutex<i64>,
}

const EPOCH_MS: i64 = 1_577_836_800_000; // 2020-01-01T00:00:00Z
const NODE_BITS: u32 = 10;
const SEQUENCE_BITS: u32 = 12;

impl RowIds {
    /// A generator for one incarnation. Two live incarnations share a node number only when one started exactly a
    /// multiple of 1,024 starts after the other.
    pub fn new(incarnation: i64) -> Self {
        Self {
            node: incarnation.rem_euclid(1 << NODE_BITS),
            last: Mutex::new(0),
        }
    }

    /// The next key. When more than 4,096 are made in a millisecond, or the clock steps back, the keys run ahead of
    /// the clock instead of repeating.
    pub fn next(&self, now: Timestamp) -> i64 {
        let ticks = (now.as_millis() - EPOCH_MS).max(0) << SEQUENCE_BITS;
        let mut last = self.last.lock();
        *last = ticks.max(*last + 1);
        let (millis, sequence) = (*last >> SEQUENCE_BITS, *last & ((1 << SEQUENCE_BITS) - 1));
        (millis << (NODE_BITS + SEQUENCE_BITS)) | (self.node << SEQUENCE_BITS) | sequence
    }

    /// The smallest key of a row made at `at` or later, to turn a time filter into a key range.
    pub fn floor(at: Timestamp) -> i64 {
        (at.as_millis() - EPOCH_MS).max(0) << (NODE_BITS + SEQUENCE_BITS)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn public_ids_have_prefix_and_24_characters() {
        let id = IdKind::Message.generate();
        assert_eq!(id.len(), 28);
        assert!(IdKind::Message.matches(&id));
        assert!(!IdKind::Provider.matches(&id));
        assert!(!IdKind::Message.matches("eml_UPPERCASEUPPERCASEUPPERC"));
        assert!(!IdKind::Message.matches("eml_short"));
    }

    #[test]
    fn an_old_id_of_a_group_is_its_new_one() {
        let id = IdKind::Group.generate();
        assert!(id.starts_with("dgrp_"), "{id}");
        for (asked, meant) in [
            (id.as_str(), id.as_str()),
            (&id[1..], &id),
            ("prv_a", "prv_a"),
            ("", ""),
        ] {
            assert_eq!(group(asked), meant);
        }
    }

    #[test]
    fn row_ids_ascend_even_when_the_clock_steps_back_or_stands() {
        let ids = RowIds::new(1025);
        let now = Timestamp::from_millis(EPOCH_MS + 1_000_000);
        let mut last = 0;
        for step in 0..20_000 {
            let at = if step == 10_000 {
                Timestamp::from_millis(EPOCH_MS + 5)
            } else {
                now
            };
            let id = ids.next(at);
            assert!(id > last);
            last = id;
        }
        assert_eq!((last >> SEQUENCE_BITS) & 1023, 1);
    }

    #[test]
    fn a_time_becomes_a_key_range() {
        let ids = RowIds::new(7);
        let at = Timestamp::from_millis(EPOCH_MS + 123_456);
        let before = ids.next(Timestamp::from_millis(EPOCH_MS + 123_455));
        let after = ids.next(at);
        assert!(before < RowIds::floor(at) && RowIds::floor(at) <= after);
    }
}
