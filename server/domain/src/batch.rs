//! Statements over many rows, in few different shapes.
//!
//! A connection keeps its last few hundred statements prepared, by their text. Lists of every possible length would
//! displace each other, and preparing a long statement costs more than running it; so lengths are powers of two.

use crate::db::Transaction;
use crate::error::Result;
use sea_orm::{ActiveModelTrait, EntityTrait};

/// Most rows of one INSERT: its parameters stay well under SQLite's 32,766 and PostgreSQL's 65,535.
const MAX_ROWS_PER_INSERT: usize = 128;

/// Inserts rows in batches whose sizes are the powers of two that add up to their number.
pub(crate) async fn insert<E, A>(tx: &Transaction, mut rows: Vec<A>) -> Result<()>
where
    E: EntityTrait,
    A: ActiveModelTrait<Entity = E> + Send,
{
    while !rows.is_empty() {
        let rest = rows.split_off(rows_of_one_insert(rows.len()));
        E::insert_many(rows).exec_without_returning(tx).await?;
        rows = rest;
    }
    Ok(())
}

fn rows_of_one_insert(rows: usize) -> usize {
    1 << rows.min(MAX_ROWS_PER_INSERT).ilog2()
}

/// Ids for an `IN (…)`: the last is repeated until their number is a power of two.
pub(crate) fn in_list(ids: impl IntoIterator<Item = i64>) -> Vec<i64> {
    let mut ids: Vec<i64> = ids.into_iter().collect();
    if let Some(last) = ids.last().copied() {
        ids.resize(ids.len().next_power_of_two(), last);
    }
    ids
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn lists_are_padded_with_what_they_hold() {
        assert_eq!(in_list([]), Vec::<i64>::new());
        assert_eq!(in_list([7]), [7]);
        assert_eq!(in_list([1, 2, 3]), [1, 2, 3, 3]);
    }

    #[test]
    fn inserts_take_every_row_in_few_statements() {
        for rows in 1..1_000 {
            let (mut left, mut statements) = (rows, 0);
            while left > 0 {
                left -= rows_of_one_insert(left);
                statements += 1;
            }
            assert!(statements <= rows / MAX_ROWS_PER_INSERT + 7, "{rows}: {statements}");
        }
    }
}
