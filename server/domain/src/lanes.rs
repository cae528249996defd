//! Lanes: resolved scopes. Keys and messages refer to a lane, so that each combination of team, mode and scope exists
//! once and a message keeps the scope it was accepted with.

use crate::column::Joined;
use crate::db::Transaction;
use crate::entities::lanes::{ActiveModel, Column, Entity};
use crate::error::{Error, Result};
use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::{ColumnTrait, ConnectionTrait, EntityTrait, QueryFilter, QuerySelect};
use sendmux_rules::{Mode, named_enum};

named_enum! {
    /// Kind of a scope.
    pub enum ScopeKind {
        /// Every provider of the team, including those added later.
        All = "all",
        /// The named providers.
        Providers = "providers",
        /// The members of the named delivery groups.
        Groups = "groups",
    }
}

/// The lane of this scope, created if it does not exist yet. A scope has one lane, also when it is created
/// concurrently. `targets` are database ids of the team's providers or groups, in any order.
pub async fn intern(tx: &Transaction, team_id: i64, mode: Mode, kind: ScopeKind, targets: &[i64]) -> Result<i64> {
    if let Some(id) = find(tx, team_id, mode, kind, targets).await? {
        return Ok(id);
    }
    let targets = in_order(targets);
    let lane = ActiveModel {
        id: NotSet,
        team_id: Set(team_id),
        mode: Set(mode),
        scope: Set(kind),
        targets: Set(targets.clone()),
        requeue_mark: NotSet,
        requeued_mark: NotSet,
    };
    Entity::insert(lane)
        .on_conflict_do_nothing_on([Column::TeamId, Column::Mode, Column::Scope, Column::Targets])
        .exec_without_returning(tx)
        .await?;
    // Created here, or by another transaction that the insert waited for.
    find(tx, team_id, mode, kind, &targets.0)
        .await?
        .ok_or_else(|| Error::Internal(format!("the lane {kind} [{targets}] of team {team_id} was not made")))
}

/// The lane of this scope, if it exists.
pub(crate) async fn find(
    db: &impl ConnectionTrait,
    team_id: i64,
    mode: Mode,
    kind: ScopeKind,
    targets: &[i64],
) -> Result<Option<i64>> {
    let found = Entity::find()
        .select_only()
        .column(Column::Id)
        .filter(Column::TeamId.eq(team_id))
        .filter(Column::Mode.eq(mode))
        .filter(Column::Scope.eq(kind))
        .filter(Column::Targets.eq(in_order(targets)))
        .into_tuple()
        .one(db)
        .await?;
    Ok(found)
}

/// Targets in stored form: ascending, each once, joined by commas.
fn in_order(targets: &[i64]) -> Joined<i64> {
    let mut targets = targets.to_vec();
    targets.sort_unstable();
    targets.dedup();
    Joined(targets)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::databases;
    use std::collections::BTreeSet;

    #[test]
    fn the_order_of_targets_does_not_matter() {
        assert_eq!(in_order(&[10, 9, 10, 100]).to_string(), "9,10,100");
        assert_eq!("9,10,100".parse(), Ok(Joined(vec![9, 10, 100])));
        assert_eq!("".parse(), Ok(Joined::<i64>(Vec::new())));
    }

    #[tokio::test]
    async fn a_scope_has_one_lane_however_many_ask_at_once() {
        for test in databases().await {
            let asking = (0..8).map(|n| {
                let db = test.db.clone();
                tokio::spawn(async move {
                    let tx = db.begin().await.unwrap();
                    let targets = if n % 2 == 0 { [3, 5] } else { [5, 3] };
                    let id = intern(&tx, 1, Mode::Live, ScopeKind::Providers, &targets)
                        .await
                        .unwrap();
                    tx.commit().await.unwrap();
                    id
                })
            });
            let ids: BTreeSet<i64> = futures::future::join_all(asking)
                .await
                .into_iter()
                .map(|joined| joined.unwrap())
                .collect();
            assert_eq!(ids.len(), 1);
        }
    }

    #[tokio::test]
    async fn lanes_differ_by_team_mode_scope_and_targets() {
        for test in databases().await {
            let tx = test.db.begin().await.unwrap();
            let mut ids = BTreeSet::new();
            for (team_id, mode, kind, targets) in [
                (1, Mode::Live, ScopeKind::All, vec![]),
                (2, Mode::Live, ScopeKind::All, vec![]),
                (1, Mode::Test, ScopeKind::All, vec![]),
                (1, Mode::Live, ScopeKind::Providers, vec![7]),
                (1, Mode::Live, ScopeKind::Groups, vec![7]),
                (1, Mode::Live, ScopeKind::Groups, vec![7, 8]),
            ] {
                ids.insert(intern(&tx, team_id, mode, kind, &targets).await.unwrap());
            }
            assert_eq!(ids.len(), 6);
            tx.commit().await.unwrap();
        }
    }
}
