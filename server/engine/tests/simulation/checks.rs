//! Invariants, checked after every step.

use crate::provider::{End, Handed};
use crate::world::World;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QueryOrder, QuerySelect};
use sendmux_domain::entities::{attempts, events, messages, queue, recipients};
use sendmux_domain::queue::{Progress, Row};
use sendmux_domain::routing::{self, SelectionRequest};
use sendmux_domain::runtime::{self, Runtime};
use sendmux_domain::{Timestamp, db::DbBackend};
use sendmux_rules::caps::Caps;
use sendmux_rules::retry::{self, Next, RetryPolicy};
use sendmux_rules::select::select;
use sendmux_rules::{Class, HealthEvent, MessageStatus, RecipientStatus, WaitReason, health};
use std::collections::{BTreeMap, HashMap, HashSet};
use std::time::Duration;

const SECOND: Duration = Duration::from_secs(1);
const MINUTE: Duration = Duration::from_secs(60);
const DAY: Duration = Duration::from_secs(24 * 3_600);

/// Attempts under way at one provider at once.
const SLOTS: u32 = 20;

#[derive(Default)]
pub struct Checks {
    wakes: Vec<Timestamp>,
    /// The providers' states before the claim that is being looked at.
    runtimes: BTreeMap<i64, Runtime>,
    /// Length of the book that was looked at.
    seen: usize,
    instants: usize,
    /// Since when a message could go and does not, or is to be decided and is not.
    stuck: HashMap<i64, (Timestamp, bool)>,
    /// Messages that have come to their end.
    ended: HashMap<i64, MessageStatus>,
    keys: HashMap<String, usize>,
}

impl Checks {
    pub fn forget_wakes(&mut self) {
        self.wakes.clear();
    }

    pub fn wakes_at(&mut self, at: Option<Timestamp>) {
        self.wakes.extend(at);
    }

    pub fn next_wake(&self) -> Option<Timestamp> {
        self.wakes.iter().copied().min()
    }

    pub async fn before_claim(world: &mut World) {
        let ids: Vec<i64> = world.providers.iter().map(|provider| provider.id).collect();
        let runtimes = runtime::read(world.test.db.read(), ids).await.unwrap();
        world.checks.runtimes = runtimes;
    }

    /// Looks at what was handed over since the last time.
    pub fn after_claim(world: &mut World) {
        let handed = world.book.handed();
        for place in world.checks.seen..handed.len() {
            Self::handed_over(world, &handed, place);
        }
        world.checks.seen = handed.len();
    }

    fn handed_over(world: &mut World, book: &[Handed], place: usize) {
        let one = &book[place];
        let seed = world.seed;
        let provider = &world.providers[one.provider];
        let accepted = world.accepted.len();
        if world.checks.keys.len() < accepted {
            world.checks.keys = world.accepted.iter().map(|sent| (sent.id.clone(), sent.key)).collect();
        }
        let key = world.checks.keys[&one.message];
        assert!(
            world.may_serve(key, one.provider),
            "seed {seed}: {one:?} has left the scope of {:?}",
            world.keys[key].reach
        );
        let state = &world.checks.runtimes[&provider.id];
        assert!(
            state.health.block_at(one.at).is_none(),
            "seed {seed}: {one:?} went to a blocked provider"
        );
        assert!(
            state.health.pause_at(one.at).is_none(),
            "seed {seed}: {one:?} went to a paused provider"
        );

        let before = || book[..place].iter().filter(|other| other.message == one.message);
        for other in before() {
            if let End::Reported(accepted) = &other.end {
                assert!(
                    !accepted.iter().any(|recipient| one.recipients.contains(recipient)),
                    "seed {seed}: {one:?} goes to somebody who has it from {other:?}"
                );
            }
        }
        let charged = |within: &dyn Fn(Timestamp) -> bool| -> u32 {
            book[..=place]
                .iter()
                .filter(|other| other.provider == one.provider && other.counts() && within(other.at))
                .map(|other| other.units(provider.kind))
                .sum()
        };
        let caps = |caps: &Caps| {
            let same = |length: i64| move |at: Timestamp| at.as_millis() / length == one.at.as_millis() / length;
            let day = |at: Timestamp| match provider.kind.is_own() {
                true => one.at.since(at) < DAY,
                false => same(86_400_000)(at),
            };
            [
                caps.second.is_none_or(|cap| charged(&same(1_000)) <= cap),
                caps.minute.is_none_or(|cap| charged(&same(60_000)) <= cap),
                caps.hour.is_none_or(|cap| charged(&same(3_600_000)) <= cap),
                caps.day.is_none_or(|cap| charged(&day) <= cap),
            ]
            .into_iter()
            .all(|holds| holds)
        };
        let (changed_at, _, _, earlier) = &provider.before;
        let just_changed = world.several && one.at.since(*changed_at) <= 2 * SECOND;
        // What was charged counts whether or not its answer has come yet.
        assert!(
            !one.counts() || caps(&provider.caps) || just_changed && caps(earlier),
            "seed {seed}: {one:?} exceeds {:?}",
            provider.caps
        );
    }

    /// Looks at what waits: nothing may that could go.
    pub async fn when_quiet(world: &mut World) {
        world.checks.instants += 1;
        if world.checks.instants.is_multiple_of(10) {
            Self::ends_are_ends(world).await;
        }
        let now = world.now();
        let states = Self::states(world).await;
        let refusals = runtime::sender_refusals(world.test.db.read(), states.keys().copied(), now)
            .await
            .unwrap();
        let rows = queue::Entity::find()
            .filter(queue::Column::Lease.is_null())
            .filter(queue::Column::TeamId.is_in(Self::teams(world)))
            .all(world.test.db.read())
            .await
            .unwrap();
        let mut stuck = HashMap::with_capacity(rows.len());
        for row in rows {
            if let Some(could_go) = Self::is_stuck(world, &row, &states, &refusals, now).await {
                let since = match world.checks.stuck.get(&row.message_id) {
                    Some((since, before)) if *before == could_go => *since,
                    _ => now,
                };
                // A message waits a moment for a slot at the provider that was drawn; what no time opens is looked at
                // every few minutes.
                let patience = match (could_go, world.several) {
                    // It is tried again every other second while this machine has nothing to connect with.
                    (true, _) if world.has_faults() => MINUTE,
                    (true, false) => SECOND,
                    (true, true) => 15 * SECOND,
                    (false, _) => 5 * MINUTE + 15 * SECOND,
                };
                assert!(
                    now.since(since) <= patience,
                    "seed {}: since {since} this could {}: {row:?}",
                    world.seed,
                    if could_go { "go" } else { "be decided" },
                );
                stuck.insert(row.message_id, (since, could_go));
            }
        }
        world.checks.stuck = stuck;
        for (provider, state) in states {
            let over = state
                .health
                .block
                .as_ref()
                .and_then(|block| block.until)
                .filter(|until| *until <= now);
            assert!(
                over.is_none(),
                "seed {}: the block of provider {provider} was over at {over:?}",
                world.seed
            );
        }
    }

    /// The teams of the story: mails to the operator are of none of them, and go by a route of their own.
    fn teams(world: &World) -> impl Iterator<Item = i64> {
        world.teams.iter().map(|session| session.team.id)
    }

    async fn states(world: &World) -> BTreeMap<i64, Runtime> {
        let ids: Vec<i64> = world.providers.iter().map(|provider| provider.id).collect();
        runtime::read(world.test.db.read(), ids).await.unwrap()
    }

    /// True if a waiting message could go, false if it is to be decided.
    async fn is_stuck(
        world: &World,
        row: &Row,
        states: &BTreeMap<i64, Runtime>,
        refusals: &HashMap<(i64, String), Timestamp>,
        now: Timestamp,
    ) -> Option<bool> {
        let mut progress = Progress::of(row);
        if row.due_at > now && row.wait_reason == Some(WaitReason::Retry) {
            return None;
        }
        if let Some(at) = progress.round.retry_at.filter(|at| *at <= now) {
            progress = progress.next_round(at);
        }
        let pool = world.test.routes.pool(&world.test, row.lane_id).await.unwrap();
        let request = SelectionRequest::of(row, &progress);
        let candidates = routing::candidates(&pool.members, &request, states, refusals, now);
        let mut rng = <rand::rngs::SmallRng as rand::SeedableRng>::seed_from_u64(0);
        let mut selection = select(&candidates, &request.need, now, &mut rng);
        if pool.is_gone() {
            selection.waiting = None;
        }
        if selection.chosen.is_some() {
            let open = selection.considered.iter().filter(|one| one.left_out.is_none());
            let has_slot = |id: i64| {
                let place = world.providers.iter().position(|provider| provider.id == id).unwrap();
                (0..world.node_count()).any(|node| world.runs(node) && world.book.under_way(node, place) < SLOTS)
            };
            return open.into_iter().any(|one| has_slot(one.id)).then_some(true);
        }
        let statuses = progress.statuses(u32::try_from(row.recipient_count).unwrap());
        let waiting = selection.waiting.as_ref();
        let next = retry::round_end(
            &RetryPolicy::default(),
            &statuses,
            &progress.round,
            waiting,
            progress.ready_since,
            now,
        );
        let undecided = match next {
            Next::Finish { .. } => true,
            // The time of the next round is settled already, whenever somebody looks.
            Next::Retry { .. } => progress.round.retry_at.is_none(),
            Next::Wait { .. } => false,
        };
        undecided.then_some(false)
    }

    /// A finished message stays as it is.
    async fn ends_are_ends(world: &mut World) {
        let rows: Vec<(i64, MessageStatus, Option<Timestamp>)> = messages::Entity::find()
            .select_only()
            .columns([
                messages::Column::Id,
                messages::Column::Status,
                messages::Column::FinishedAt,
            ])
            .into_tuple()
            .all(world.test.db.read())
            .await
            .unwrap();
        for (id, status, finished_at) in rows {
            if let Some(before) = world.checks.ended.get(&id) {
                assert_eq!(*before, status, "seed {}: message {id} has ended twice", world.seed);
            } else if status.is_terminal() {
                assert!(finished_at.is_some());
                world.checks.ended.insert(id, status);
            }
        }
    }

    /// Looks at the whole story.
    pub async fn at_the_end(world: &mut World) {
        Self::ends_are_ends(world).await;
        Self::every_message_has_ended(world).await;
        Self::rounds(world).await;
        Self::blocks(world).await;
    }

    async fn every_message_has_ended(world: &World) {
        let seed = world.seed;
        let db = world.test.db.read();
        let rows = messages::Entity::find()
            .filter(messages::Column::TeamId.is_in(Self::teams(world)))
            .all(db)
            .await
            .unwrap();
        assert_eq!(rows.len(), world.accepted.len(), "seed {seed}");
        let handed = world.book.handed();
        for row in rows {
            let status = row.status;
            assert!(status.is_terminal(), "seed {seed}: {row:?} has no end");
            let to = recipients::Entity::find()
                .filter(recipients::Column::MessageId.eq(row.id))
                .all(db)
                .await
                .unwrap();
            let count = |status: RecipientStatus| to.iter().filter(|one| one.status == status).count();
            assert_eq!(
                count(RecipientStatus::Pending),
                0,
                "seed {seed}: {row:?} left somebody waiting"
            );
            let sent = count(RecipientStatus::Sent);
            assert_eq!(usize::try_from(row.sent_count).unwrap(), sent, "seed {seed}: {row:?}");
            let expected = match sent {
                0 => [MessageStatus::Failed, MessageStatus::Cancelled],
                all if all == to.len() => [MessageStatus::Sent, MessageStatus::Sent],
                _ => [MessageStatus::PartiallySent, MessageStatus::PartiallySent],
            };
            assert!(
                expected.contains(&status),
                "seed {seed}: {row:?} with {sent} of {} sent",
                to.len()
            );
            // What is shown as sent was accepted by somebody who said so.
            for recipient in to.iter().filter(|one| one.status == RecipientStatus::Sent) {
                let story: Vec<_> = handed.iter().filter(|one| one.message == row.public_id).collect();
                let said = story
                    .iter()
                    .any(|one| matches!(&one.end, End::Reported(accepted) if accepted.contains(&recipient.address)));
                assert!(
                    said,
                    "seed {seed}: nobody has taken {} for {}: {story:#?}",
                    row.public_id, recipient.address
                );
            }
        }
    }

    async fn rounds(world: &World) {
        let seed = world.seed;
        let delays = RetryPolicy::default().delays;
        let mut stories: BTreeMap<i64, Vec<attempts::Model>> = BTreeMap::new();
        for attempt in attempts::Entity::find()
            .order_by_asc(attempts::Column::Id)
            .all(world.test.db.read())
            .await
            .unwrap()
        {
            stories.entry(attempt.message_id).or_default().push(attempt);
        }
        for story in stories.values() {
            let mut tried = HashSet::new();
            let mut first_failure: HashMap<i32, Timestamp> = HashMap::new();
            let mut died_at: Option<Timestamp> = None;
            for attempt in story {
                assert!((1..=4).contains(&attempt.round), "seed {seed}: {attempt:?}");
                // What was taken in part says of the rest that it is held back, or something else.
                let in_part = attempt.accepted_count > 0 && attempt.accepted_count < attempt.recipient_count;
                let held_back = in_part || [Class::Throttled, Class::Quota].contains(&attempt.class);
                assert!(
                    held_back || tried.insert((attempt.round, attempt.provider_id)),
                    "seed {seed}: twice in a round: {story:#?}"
                );
                if let Some(died_at) = died_at.take() {
                    let early = died_at.plus(delays[0]) > attempt.started_at;
                    assert!(!early, "seed {seed}: too early after the death of a node: {story:#?}");
                }
                let ended_at = attempt
                    .started_at
                    .plus(Duration::from_millis(u64::try_from(attempt.duration_ms).unwrap()));
                if attempt.detail.starts_with("the node that was sending it stopped") {
                    // Its round begins anew.
                    tried.retain(|(round, _)| *round != attempt.round);
                    first_failure.remove(&attempt.round);
                    died_at = Some(ended_at);
                    continue;
                }
                let failed = [
                    Class::Connection,
                    Class::Auth,
                    Class::Config,
                    Class::Unknown,
                    Class::Deferred,
                    Class::Other,
                    Class::RecipientRefused,
                ];
                if failed.contains(&attempt.class) {
                    first_failure.entry(attempt.round).or_insert(ended_at);
                }
                if let Some(failed_at) = first_failure.get(&(attempt.round - 1)) {
                    let delay = delays[usize::try_from(attempt.round - 2).unwrap()];
                    let early = failed_at.plus(delay) > attempt.started_at;
                    assert!(!early, "seed {seed}: too early a retry: {story:#?}");
                }
            }
        }
    }

    /// Every block is told with its cause and its end.
    async fn blocks(world: &World) {
        let seed = world.seed;
        for provider in &world.providers {
            let rows = events::Entity::find()
                .filter(events::Column::ProviderId.eq(provider.id))
                .order_by_asc(events::Column::CreatedAt)
                .order_by_asc(events::Column::Id)
                .all(world.test.db.read())
                .await
                .unwrap();
            let mut open: Option<health::Block> = None;
            for row in rows {
                match serde_json::from_value(row.data.0).unwrap() {
                    HealthEvent::Blocked(block) => {
                        assert!(!block.cause.is_empty());
                        // A graver fault may take the place of a lesser one.
                        if let Some(known) = &open {
                            assert!(
                                known.kind != block.kind && known.since == block.since,
                                "seed {seed}: {block:?}"
                            );
                        }
                        open = Some(block);
                    }
                    HealthEvent::Recovered { block, by } => {
                        assert_eq!(open.take(), Some(block.clone()), "seed {seed}: recovered from nothing");
                        if by == health::RecoveryCause::Expired {
                            let until = block.until.unwrap();
                            let at = row.created_at;
                            let down = world.down.iter().any(|(from, to)| *from <= until && at <= *to);
                            let late = at.since(until);
                            let patience = if world.several { 15 * SECOND } else { Duration::ZERO };
                            assert!(
                                at >= until && (down || late <= patience),
                                "seed {seed}: told {late:?} late"
                            );
                        }
                    }
                    other => panic!("seed {seed}: {other:?} is no event that is recorded"),
                }
            }
            let over = open.is_none() || provider.deleted;
            assert!(over, "seed {seed}: never recovered from {open:?}");
        }
        assert!(world.several || world.test.db.backend() == DbBackend::Sqlite);
    }
}
