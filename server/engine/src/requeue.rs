//! Requeueing of the messages of lanes whose configuration has changed, page by page, so that a million of them delay
//! nobody; see [`sendmux_domain::queue::mark_for_requeue`].

use crate::claim::LaneTurn;
use parking_lot::Mutex;
use sendmux_domain::db::Transaction;
use sendmux_domain::queue::{self, QueueCursor};
use sendmux_domain::{Domain, Result, Timestamp};
use std::collections::{BTreeMap, HashMap};

/// Requeueing of marked lanes by this node, with its progress in each.
#[derive(Debug)]
pub(crate) struct Requeuer {
    /// Messages of a lane that are examined in one turn.
    per_turn: u64,
    /// Cursors by lane, with the requeue mark that each belongs to.
    cursors: Mutex<HashMap<i64, (Timestamp, QueueCursor)>>,
}

/// A page of a lane that was requeued in a transaction that is not committed yet.
#[derive(Debug)]
pub(crate) struct RequeuedPage {
    lane_id: i64,
    mark: Timestamp,
    /// Start of the next page; none when the lane is done.
    cursor: Option<QueueCursor>,
}

impl RequeuedPage {
    /// True if the lane has further pages.
    pub(crate) const fn has_more(&self) -> bool {
        self.cursor.is_some()
    }
}

impl Requeuer {
    pub(crate) fn new(per_turn: u64) -> Self {
        Self {
            per_turn,
            cursors: Mutex::default(),
        }
    }

    /// Requeues the next page of the lane, if it is marked.
    pub(crate) async fn page(
        &self,
        tx: &Transaction,
        domain: &Domain,
        turn: &LaneTurn,
        now: Timestamp,
    ) -> Result<Option<RequeuedPage>> {
        let lane_id = turn.lane_id;
        let Some(mark) = turn.pool.marked_at() else {
            return Ok(None);
        };
        let known = self.cursors.lock().get(&lane_id).copied();
        // A later change starts over.
        let after = known.filter(|(of, _)| *of == mark).map(|(_, cursor)| cursor);
        let cursor = queue::requeue_page(tx, domain.db.backend(), lane_id, after, now, self.per_turn).await?;
        Ok(Some(RequeuedPage { lane_id, mark, cursor }))
    }

    /// Records pages whose transaction was committed.
    pub(crate) async fn committed(&self, domain: &Domain, pages: Vec<RequeuedPage>) -> Result<()> {
        let mut done = BTreeMap::new();
        for RequeuedPage { lane_id, mark, cursor } in pages {
            match cursor {
                Some(cursor) => {
                    self.cursors.lock().insert(lane_id, (mark, cursor));
                }
                None => {
                    self.cursors.lock().remove(&lane_id);
                    done.insert(lane_id, mark);
                }
            }
        }
        queue::note_requeued(&domain.db, &done).await?;
        // Their pools say that they are marked.
        for lane_id in done.keys() {
            domain.routes.forget(*lane_id);
        }
        Ok(())
    }
}
