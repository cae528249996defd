//! Claiming: one transaction that selects a provider for each message that can go now, charges it, and leases the
//! message. What cannot go costs no write where its whole lane waits, and one where it alone does.

use crate::decide::{self, Unserved};
use crate::engine::EngineConfig;
use crate::heartbeat::Fence;
use crate::requeue::{RequeuedPage, Requeuer};
use crate::settler::{Settler, Settling};
use crate::slots::{SLOT_TIMEOUT, Slot, Slots};
use parking_lot::Mutex;
use rand::SeedableRng;
use rand::rngs::SmallRng;
use sendmux_domain::column::Json;
use sendmux_domain::db::{CommitFailure, DbBackend, Transaction};
use sendmux_domain::messages::{Choice, RecordedCandidate};
use sendmux_domain::queue::{self, Disposition, Progress, Recipients, Row, Settlement, Start, StoredProgress};
use sendmux_domain::routing::{self, Pool, PoolMember, SelectionRequest};
use sendmux_domain::runtime::{self, Runtime};
use sendmux_domain::{Domain, Error, Result, Timestamp, nodes};
use sendmux_rules::caps;
use sendmux_rules::retry::RetryPolicy;
use sendmux_rules::select::{Candidate, Considered, Selection, select};
use sendmux_rules::{MessageStatus, Mode, ProviderKind, WaitReason};
use std::collections::{BTreeMap, BTreeSet, HashMap};
use std::sync::Arc;

/// A lane whose turn it is, with its pool.
pub(crate) struct LaneTurn {
    pub(crate) lane_id: i64,
    pub(crate) pool: Arc<Pool>,
}

/// A message that was leased and whose attempt begins now.
pub(crate) struct Started {
    pub(crate) row: Row,
    pub(crate) provider_id: i64,
    pub(crate) kind: ProviderKind,
    /// Version of the provider's settings.
    pub(crate) version: i32,
    /// Reason for this provider.
    pub(crate) choice: Choice,
    /// Time of the lease, and the incarnation that took it.
    pub(crate) at: Timestamp,
    pub(crate) incarnation: i64,
    /// Held for as long as the attempt lasts.
    pub(crate) slot: Slot,
}

/// Time at which a lane moves next.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Next {
    /// It has more that can go.
    Again,
    /// Its next message is due then.
    DueAt(Timestamp),
    /// None of its providers takes anything before then.
    ClosedUntil(Timestamp),
    /// As soon as one of these providers has a slot.
    Slot {
        /// The providers that messages were drawn for.
        providers: Vec<i64>,
        /// Time at which it moves all the same; none when every provider is full.
        until: Option<Timestamp>,
    },
    /// It has no messages.
    Idle,
}

/// Result of a claim.
pub(crate) struct Claimed {
    pub(crate) started: Vec<Started>,
    pub(crate) lanes: Vec<(i64, Next)>,
}

impl Claimed {
    /// Nothing is written, and the lanes are looked at anew.
    fn nothing(turns: &[LaneTurn]) -> Self {
        Self {
            started: Vec::new(),
            lanes: turns.iter().map(|turn| (turn.lane_id, Next::Again)).collect(),
        }
    }
}

/// Rows that a claim reads beyond its budget, to find messages that can go behind some that cannot.
const EXTRA_ROWS: u64 = 32;

/// A message that may be leased without anybody sending it.
#[derive(Clone, Copy, Debug)]
struct InDoubt {
    message_id: i64,
    claim_id: i64,
}

/// Makes claims for this node.
pub(crate) struct Claimer {
    domain: Domain,
    fence: Arc<Fence>,
    slots: Arc<Slots>,
    config: EngineConfig,
    requeuer: Requeuer,
    policy: RetryPolicy,
    settler: Settler,
    /// Leases of claims whose commit may or may not have been made.
    in_doubt: Mutex<Vec<InDoubt>>,
    /// Makes the draws of this process unlike those of others.
    salt: u64,
}

/// State of a claim in progress: providers it has locked, and what it starts, finishes and charges.
struct ClaimBatch {
    now: Timestamp,
    runtimes: BTreeMap<i64, Runtime>,
    charged: BTreeSet<i64>,
    refusals: HashMap<(i64, String), Timestamp>,
    free: HashMap<i64, u32>,
    /// Providers that had no slot free when the claim began.
    full: BTreeSet<i64>,
    starts: Vec<Start>,
    chosen: Vec<(Row, i64, ProviderKind, i32, Choice)>,
    finished: Vec<(Row, Disposition)>,
    /// Lanes of messages that have to wait or are finished, with the requeue marks of the pools by which that was decided.
    decided: BTreeMap<i64, Timestamp>,
}

impl ClaimBatch {
    /// Locks these providers; `free` are their free slots.
    async fn begin(
        tx: &Transaction,
        backend: DbBackend,
        providers: BTreeSet<i64>,
        now: Timestamp,
        free: HashMap<i64, u32>,
    ) -> Result<Self> {
        let no_slot = |(id, free): (&i64, &u32)| (*free == 0).then_some(*id);
        Ok(Self {
            now,
            runtimes: runtime::lock(tx, backend, providers.iter().copied()).await?,
            charged: BTreeSet::new(),
            refusals: runtime::sender_refusals(tx, providers, now).await?,
            full: free.iter().filter_map(no_slot).collect(),
            free,
            starts: Vec::new(),
            chosen: Vec::new(),
            finished: Vec::new(),
            decided: BTreeMap::new(),
        })
    }

    /// Notes that nobody in this pool takes a message now.
    fn decides(&mut self, pool: &Pool) {
        self.decided.insert(pool.lane_id, pool.requeue_mark);
    }

    fn candidates(&self, members: &[PoolMember], request: &SelectionRequest<'_>) -> Vec<Candidate> {
        routing::candidates(members, request, &self.runtimes, &self.refusals, self.now)
    }

    /// Earliest time at which one of these providers that refused the sender's domain may be tried again.
    fn sender_retry_at(&self, members: &[PoolMember], row: &Row) -> Option<Timestamp> {
        let refused = |member: &PoolMember| self.refusals.get(&(member.provider_id, row.sender_domain.clone()));
        members.iter().filter_map(refused).min().copied()
    }

    fn has_slot(&self, provider_id: i64) -> bool {
        self.free.get(&provider_id).is_some_and(|free| *free > 0)
    }
}

impl Claimer {
    pub(crate) fn new(
        domain: Domain,
        fence: Arc<Fence>,
        slots: Arc<Slots>,
        settler: Settler,
        config: EngineConfig,
    ) -> Self {
        let policy = decide::policy(&domain.settings);
        #[expect(
            clippy::disallowed_methods,
            reason = "the draws of one process are to be unlike those of another"
        )]
        let salt = config.draws.unwrap_or_else(rand::random);
        Self {
            domain,
            fence,
            slots,
            requeuer: Requeuer::new(config.requeued_per_turn),
            config,
            policy,
            settler,
            in_doubt: Mutex::default(),
            salt,
        }
    }

    /// Claims for these lanes, whose pools were read at this generation of the configuration. After an error nothing is
    /// leased that the next claim does not give back.
    pub(crate) async fn claim(&self, turns: &[LaneTurn], generation: u64) -> Result<Claimed> {
        self.settle_doubts().await?;
        let db = &self.domain.db;
        let backend = db.backend();
        let provider_ids: BTreeSet<i64> = turns
            .iter()
            .flat_map(|turn| turn.pool.members.iter().map(|member| member.provider_id))
            .collect();
        let tx = db.begin().await?;
        let incarnation = self.fence.incarnation();
        if backend == DbBackend::Postgres && !nodes::is_alive(&tx, backend, incarnation).await? {
            // What was leased now would be nobody's: the others have done with this incarnation.
            return Err(Error::Unavailable("this node was declared dead".to_owned()));
        }
        let now = self.domain.clock.now();
        let mut batch = ClaimBatch::begin(&tx, backend, provider_ids, now, self.free_slots(turns)).await?;
        let mut lanes = Vec::with_capacity(turns.len());
        let mut requeued: Vec<RequeuedPage> = Vec::new();
        for turn in turns {
            let page = self.requeuer.page(&tx, &self.domain, turn, now).await?;
            let mut next = self.claim_lane(&tx, backend, turn, &mut batch).await?;
            if page.as_ref().is_some_and(RequeuedPage::has_more) {
                next = Next::Again;
            }
            requeued.extend(page);
            lanes.push((turn.lane_id, next));
        }
        let signals = &self.domain.signals;
        if turns
            .iter()
            .any(|turn| signals.team_changed_since(turn.pool.team_id, generation))
        {
            // What was just opened by hand must not be waited for.
            return Ok(Claimed::nothing(turns));
        }
        let claim_id = self.domain.row_ids.next(now);
        queue::lease(&tx, incarnation, claim_id, now, &batch.starts).await?;
        for provider_id in &batch.charged {
            if let Some(runtime) = batch.runtimes.get(provider_id) {
                runtime::save(&tx, runtime).await?;
            }
        }
        let ended = self
            .finish(&tx, backend, now, std::mem::take(&mut batch.finished))
            .await?;
        if !self.is_current(&tx, backend, &batch).await? {
            return Ok(Claimed::nothing(turns));
        }
        if let Err(failure) = tx.try_commit().await {
            if matches!(failure, CommitFailure::Unknown(_)) {
                let doubts = batch.chosen.iter().map(|(row, ..)| InDoubt {
                    message_id: row.message_id,
                    claim_id,
                });
                self.in_doubt.lock().extend(doubts);
            }
            return Err(failure.into());
        }
        self.count(ended, now);
        if let Err(error) = self.requeuer.committed(&self.domain, requeued).await {
            // It is done again.
            tracing::error!(%error, "cannot record the requeued lanes");
        }

        let started = batch
            .chosen
            .into_iter()
            .map(|(row, provider_id, kind, version, choice)| Started {
                row: Row {
                    claim_id: Some(claim_id),
                    ..row
                },
                provider_id,
                kind,
                version,
                choice,
                at: now,
                incarnation,
                slot: self.slots.take(provider_id),
            })
            .collect();
        Ok(Claimed { started, lanes })
    }

    /// Gives back what was leased by claims whose commit was made although its answer was lost: nobody is sending it. To
    /// be done before anything is leased again, so that nothing is under way among what is found.
    ///
    /// # Errors
    /// The database's; then it is still to be done.
    pub(crate) async fn settle_doubts(&self) -> Result<()> {
        let doubts = self.in_doubt.lock().clone();
        if doubts.is_empty() {
            return Ok(());
        }
        let db = &self.domain.db;
        let ids: Vec<i64> = doubts.iter().map(|doubt| doubt.message_id).collect();
        let tx = db.begin().await?;
        let rows = queue::locked(&tx, db.backend(), &ids).await?;
        tx.rollback().await?;
        let mut given_back = 0_usize;
        for row in &rows {
            let leased = doubts
                .iter()
                .any(|doubt| doubt.message_id == row.message_id && row.claim_id == Some(doubt.claim_id));
            // What another incarnation holds by now was taken over as that of a dead one.
            if let Some(provider_id) = row.provider_id
                && leased
                && row.lease == Some(self.fence.incarnation())
            {
                self.settler
                    .settle(Settling::unstarted(row, provider_id, row.due_at, None));
                given_back += 1;
            }
        }
        tracing::warn!(
            messages = ids.len(),
            given_back,
            "the answer to a claim was lost; looked what became of it"
        );
        self.in_doubt.lock().clear();
        Ok(())
    }

    fn free_slots(&self, turns: &[LaneTurn]) -> HashMap<i64, u32> {
        let members = turns.iter().flat_map(|turn| &turn.pool.members);
        members
            .map(|member| {
                let own = member.kind.capability().max_concurrent.unwrap_or(u32::MAX);
                let limit = own.min(self.config.attempts_per_provider);
                (member.provider_id, self.slots.free(member.provider_id, limit))
            })
            .collect()
    }

    async fn claim_lane(
        &self,
        tx: &Transaction,
        backend: DbBackend,
        turn: &LaneTurn,
        batch: &mut ClaimBatch,
    ) -> Result<Next> {
        let members = &turn.pool.members;
        let serving = || members.iter().filter(|member| member.active && member.weight > 0);
        let slots: u32 = serving()
            .map(|member| batch.free.get(&member.provider_id).copied().unwrap_or(0))
            .sum();
        if slots == 0 && serving().next().is_some() {
            return Ok(Next::Slot {
                providers: serving().map(|member| member.provider_id).collect(),
                until: None,
            });
        }
        // Whether the whole lane waits, as of the last start: asked again only when a message cannot go.
        let mut closed = Some(self.closed_until(members, batch));
        let budget = match closed {
            // Nothing can start: what is looked at is only to be decided.
            Some(Some(_)) => 0,
            _ => slots.min(self.config.messages_per_turn) as usize,
        };
        let limit = budget as u64 + EXTRA_ROWS;
        let rows = queue::ready(tx, backend, turn.lane_id, batch.now, limit).await?;
        let all_seen = (rows.len() as u64) < limit;

        let mut starved: BTreeMap<i64, Timestamp> = BTreeMap::new();
        let mut started = 0;
        // Messages wait with the whole lane, and when the first of them expires.
        let mut together = false;
        let mut expires: Option<Timestamp> = None;
        for mut row in rows {
            if started == budget && budget > 0 {
                return Ok(Next::Again);
            }
            let mut progress = Progress::of(&row);
            if let Some(at) = progress.round.retry_at.filter(|at| *at <= batch.now) {
                progress = progress.next_round(at);
                row.round = i32::try_from(progress.round.number).unwrap_or(i32::MAX);
                row.progress = StoredProgress::from(&progress);
            }
            let selection = self.select(&turn.pool, &row, &progress, batch);
            if selection.chosen.is_none() {
                batch.decides(&turn.pool);
            }
            match selection.chosen {
                Some(provider_id) if batch.has_slot(provider_id) => {
                    start(members, row, &progress, &selection, provider_id, batch)?;
                    started += 1;
                    closed = None;
                }
                Some(provider_id) => {
                    let wait_until = match batch.full.contains(&provider_id) {
                        true => self.slots.wait_until(provider_id),
                        // Filled by this very claim.
                        false => batch.now.plus(SLOT_TIMEOUT),
                    };
                    let other = (wait_until <= batch.now)
                        .then(|| self.select_with_slots(members, &row, &progress, batch))
                        .and_then(|other| Some((other.chosen?, other)));
                    match other {
                        Some((other_id, other)) => {
                            start(members, row, &progress, &other, other_id, batch)?;
                            started += 1;
                            closed = None;
                        }
                        None => {
                            starved.insert(provider_id, wait_until);
                        }
                    }
                }
                None => match decide::unserved(&self.policy, &row, progress, &selection, batch.now) {
                    // It waits with its whole lane: nothing is written, it keeps its place, and the lane is not looked
                    // at until then.
                    Unserved::Wait { wake_at, progress, .. }
                        if progress.is_fresh()
                            && closed
                                .get_or_insert_with(|| self.closed_until(members, batch))
                                .is_some() =>
                    {
                        together = true;
                        expires = Some(expires.map_or(wake_at, |at| at.min(wake_at)));
                    }
                    Unserved::Wait {
                        wake_at,
                        reason,
                        progress,
                    } => {
                        let wake_at = batch
                            .sender_retry_at(members, &row)
                            .map_or(wake_at, |at| at.min(wake_at));
                        queue::postpone(tx, &row, wake_at, reason, &progress).await?;
                    }
                    Unserved::Retry { at, progress } => {
                        queue::postpone(tx, &row, at, WaitReason::Retry, &progress).await?;
                    }
                    Unserved::Finish(disposition) => batch.finished.push((row, disposition)),
                },
            }
        }
        if together && let Some(Some(opens_at)) = closed {
            return Ok(Next::ClosedUntil(expires.map_or(opens_at, |at| at.min(opens_at))));
        }
        if starved.is_empty() && !all_seen {
            return Ok(Next::Again);
        }
        let next_due = queue::next_due_after(tx, turn.lane_id, batch.now).await?;
        if starved.is_empty() {
            return Ok(next_due.map_or(Next::Idle, Next::DueAt));
        }
        // Those that are still worth waiting for end their wait at another time.
        let wait_until = starved.values().copied().filter(|until| *until > batch.now).min();
        let again = batch.now.plus(decide::RECHECK_INTERVAL);
        Ok(Next::Slot {
            providers: starved.into_keys().collect(),
            until: [wait_until, next_due, Some(again)].into_iter().flatten().min(),
        })
    }

    /// Until when no provider of the pool takes even the smallest fresh message; none while one does.
    fn closed_until(&self, members: &[PoolMember], batch: &ClaimBatch) -> Option<Timestamp> {
        let request = SelectionRequest::smallest();
        let candidates = batch.candidates(members, &request);
        let selection = select(&candidates, &request.need, batch.now, &mut SmallRng::seed_from_u64(0));
        if selection.chosen.is_some() {
            return None;
        }
        let again = batch.now.plus(decide::RECHECK_INTERVAL);
        Some(
            selection
                .waiting
                .and_then(|waiting| waiting.opens_at)
                .map_or(again, |opens_at| opens_at.min(again)),
        )
    }

    fn select(&self, pool: &Pool, row: &Row, progress: &Progress, batch: &ClaimBatch) -> Selection {
        let request = SelectionRequest::of(row, progress);
        let candidates = batch.candidates(&pool.members, &request);
        let mut selection = select(&candidates, &request.need, batch.now, &mut self.draw_of(row, progress));
        if pool.is_gone() {
            selection.waiting = None;
        }
        selection
    }

    /// Selects among those that have a slot: the one that was drawn hangs.
    fn select_with_slots(
        &self,
        members: &[PoolMember],
        row: &Row,
        progress: &Progress,
        batch: &ClaimBatch,
    ) -> Selection {
        let request = SelectionRequest::of(row, progress);
        let mut candidates = batch.candidates(members, &request);
        for candidate in &mut candidates {
            candidate.busy = !batch.has_slot(candidate.id);
        }
        select(&candidates, &request.need, batch.now, &mut self.draw_of(row, progress))
    }

    /// The random numbers of one message in one round. The same as long as nothing was tried: a message whose provider
    /// has no free slot keeps its place there, however often it is looked at; drawing anew each time would shift the
    /// shares towards whoever has room.
    fn draw_of(&self, row: &Row, progress: &Progress) -> SmallRng {
        let tries = (u64::from(progress.round.number) << 32) | progress.tried.len() as u64;
        SmallRng::seed_from_u64(self.salt ^ row.message_id.unsigned_abs().rotate_left(17) ^ tries.rotate_left(48))
    }

    /// Looks at some of the waiting messages of a team with senders of this domain, after this one, which a provider has
    /// begun to refuse: what has nowhere else to go is ended, or goes to its next round. Returns the last that was looked
    /// at; none when there are no more.
    pub(crate) async fn recheck_sender(&self, team_id: i64, sender_domain: &str, after: i64) -> Result<Option<i64>> {
        const PAGE: u64 = 128;
        let db = &self.domain.db;
        let found = queue::of_sender(db, team_id, sender_domain, self.domain.clock.now(), after, PAGE).await?;
        let Some(&(last, _)) = found.last() else {
            return Ok(None);
        };
        let mut pools: HashMap<i64, Arc<Pool>> = HashMap::new();
        for (_, lane_id) in &found {
            if !pools.contains_key(lane_id) {
                pools.insert(*lane_id, self.domain.routes.pool(&self.domain, *lane_id).await?);
            }
        }
        let ids: Vec<i64> = found.into_iter().map(|(message_id, _)| message_id).collect();
        let providers: BTreeSet<i64> = pools
            .values()
            .flat_map(|pool| pool.members.iter().map(|member| member.provider_id))
            .collect();
        let tx = db.begin().await?;
        let mut batch =
            ClaimBatch::begin(&tx, db.backend(), providers, self.domain.clock.now(), HashMap::new()).await?;
        let mut put_off = Vec::new();
        for row in queue::waiting(&tx, db.backend(), &ids).await? {
            let Some(pool) = pools.get(&row.lane_id) else { continue };
            let progress = Progress::of(&row);
            let selection = self.select(pool, &row, &progress, &batch);
            if selection.chosen.is_some() || progress.round.retry_at.is_some_and(|at| at <= batch.now) {
                continue;
            }
            batch.decides(pool);
            match decide::unserved(&self.policy, &row, progress, &selection, batch.now) {
                Unserved::Wait { .. } => {}
                Unserved::Retry { at, progress } => {
                    queue::postpone(&tx, &row, at, WaitReason::Retry, &progress).await?;
                    put_off.push((row.lane_id, row.team_id, at));
                }
                Unserved::Finish(disposition) => batch.finished.push((row, disposition)),
            }
        }
        let ended = self
            .finish(&tx, db.backend(), batch.now, std::mem::take(&mut batch.finished))
            .await?;
        if !self.is_current(&tx, db.backend(), &batch).await? {
            return Ok(Some(after));
        }
        tx.commit().await?;
        self.count(ended, batch.now);
        for (lane_id, team_id, at) in put_off {
            self.domain.signals.message_arrived(lane_id, team_id, at);
        }
        Ok(Some(last))
    }

    /// True if no pool by which it was decided that a message waits or is finished has changed on another node meanwhile:
    /// nobody would look at such a message again. Those that have are read anew. Nothing else may be locked after this.
    async fn is_current(&self, tx: &Transaction, backend: DbBackend, batch: &ClaimBatch) -> Result<bool> {
        // In SQLite there is no other node.
        let is_current = backend == DbBackend::Sqlite
            || batch.decided.is_empty()
            || queue::requeue_marks_hold(tx, backend, &batch.decided).await?;
        if !is_current {
            for lane_id in batch.decided.keys() {
                self.domain.routes.forget(*lane_id);
            }
        }
        Ok(is_current)
    }

    /// Ends messages that nobody can take any more. Returns how, and when each was accepted, to be counted once it is
    /// committed.
    async fn finish(
        &self,
        tx: &Transaction,
        backend: DbBackend,
        now: Timestamp,
        finished: Vec<(Row, Disposition)>,
    ) -> Result<Vec<(MessageStatus, Timestamp)>> {
        if finished.is_empty() {
            return Ok(Vec::new());
        }
        let ended = finished
            .iter()
            .filter_map(|(row, disposition)| Some((disposition.status()?, row.created_at)))
            .collect();
        let incarnation = self.fence.incarnation();
        let ids: Vec<i64> = finished.iter().map(|(row, _)| row.message_id).collect();
        queue::transfer(tx, &ids, incarnation).await?;
        let modes = queue::modes(tx, &ids).await?;
        let settlements = finished
            .into_iter()
            .map(|(row, disposition)| Settlement {
                message_id: row.message_id,
                claim_id: row.claim_id,
                team_id: row.team_id,
                mode: modes.get(&row.message_id).copied().unwrap_or(Mode::Live),
                attempt: None,
                recipients: Recipients::RestFailed,
                disposition,
            })
            .collect();
        queue::settle(tx, backend, incarnation, now, settlements).await?;
        Ok(ended)
    }

    fn count(&self, ended: Vec<(MessageStatus, Timestamp)>, now: Timestamp) {
        for (status, accepted_at) in ended {
            self.domain.metrics.finished(status, now.since(accepted_at));
        }
    }
}

/// Charges the chosen provider and notes the message for leasing.
fn start(
    members: &[PoolMember],
    row: Row,
    progress: &Progress,
    selection: &Selection,
    provider_id: i64,
    batch: &mut ClaimBatch,
) -> Result<()> {
    let Some(member) = members.iter().find(|member| member.provider_id == provider_id) else {
        return Err(Error::Internal(format!("selection left its pool: {provider_id}")));
    };
    let mut charge = None;
    // Charged without caps too, so that a cap set later knows what went before.
    if let Some(runtime) = batch.runtimes.get_mut(&provider_id) {
        // What the selection has found room for: the recipients that are still to be served.
        let units = member
            .kind
            .cap_units(SelectionRequest::of(&row, progress).need.recipients);
        let taken = caps::charge_under(&member.caps, &mut runtime.usage, batch.now, units);
        charge = Some(taken);
        runtime.last_used_at = Some(batch.now);
        batch.charged.insert(provider_id);
    }
    if let Some(free) = batch.free.get_mut(&provider_id) {
        *free = free.saturating_sub(1);
    }
    batch.starts.push(Start {
        message_id: row.message_id,
        provider_id,
        charge: charge.clone(),
        // Written only where the message was never tried or has begun a round since it was last written down.
        round: (row.round > 1 && progress.is_fresh()).then(|| (row.round, row.progress.clone())),
    });
    batch.chosen.push((
        Row {
            charge: charge.map(Json),
            ..row
        },
        provider_id,
        member.kind,
        member.version,
        choice_of(members, selection),
    ));
    Ok(())
}

/// The candidates with their public ids, and why each was left out.
fn choice_of(members: &[PoolMember], selection: &Selection) -> Choice {
    let recorded = |(one, member): (&Considered, &PoolMember)| RecordedCandidate {
        left_out: one.left_out,
        opens_at: one.opens_at,
        provider: member.public_id.clone(),
        weight: one.weight,
    };
    Choice {
        candidates: selection.considered.iter().zip(members).map(recorded).collect(),
    }
}
