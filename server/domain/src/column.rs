//! Types of text columns that hold more than a word: JSON, and lists joined by commas.
//!
//! Enums and [`Timestamp`](sendmux_rules::Timestamp) are columns by themselves. What a column holds and its type cannot
//! read is an error that names table, column and value, see [`unreadable`]. JSON with fields that this version does not
//! know is read without them, so that nodes of two versions can share a database.

use crate::entities;
use crate::error::{Error, Result};
use sea_orm::{ConnectionTrait, DbErr, EntityTrait, FromQueryResult, QueryResult, QueryTrait, Select};
use sendmux_rules::column::UnreadableColumn;
use sendmux_rules::text_column;
use serde::Serialize;
use serde::de::DeserializeOwned;
use std::fmt;
use std::str::FromStr;

/// A value that is stored as JSON.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Json<T>(pub T);

impl<T: Serialize> fmt::Display for Json<T> {
    /// The JSON as it is stored. Fails for what has no JSON form, as a map whose keys are no texts; no column has such a
    /// type.
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&serde_json::to_string(&self.0).map_err(|_| fmt::Error)?)
    }
}

impl<T: DeserializeOwned> FromStr for Json<T> {
    type Err = serde_json::Error;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        serde_json::from_str(text).map(Self)
    }
}

text_column!([T: Serialize + DeserializeOwned] Json<T>);

/// A list that is stored joined by commas; an empty one as the empty text.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Joined<T>(pub Vec<T>);

impl<T: fmt::Display> fmt::Display for Joined<T> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        for (position, item) in self.0.iter().enumerate() {
            if position > 0 {
                f.write_str(",")?;
            }
            write!(f, "{item}")?;
        }
        Ok(())
    }
}

impl<T: FromStr> FromStr for Joined<T> {
    type Err = T::Err;

    fn from_str(text: &str) -> Result<Self, Self::Err> {
        let items = text.split(',').filter(|item| !item.is_empty());
        items.map(str::parse).collect::<Result<_, _>>().map(Self)
    }
}

text_column!([T: FromStr<Err: fmt::Display> + fmt::Display] Joined<T>);

/// The rows of a query whose columns their types can read. The others are logged and left out: a node of an older version
/// does not know every name that a newer one writes.
pub(crate) async fn readable<E: EntityTrait>(db: &impl ConnectionTrait, find: Select<E>) -> Result<Vec<E::Model>> {
    let rows = db.query_all_raw(find.build(db.get_database_backend())).await?;
    let read = |row: &QueryResult| {
        E::Model::from_query_result(row, "")
            .map_err(Error::from)
            .inspect_err(|error| tracing::error!(%error, "a row cannot be read and is left out"))
            .ok()
    };
    Ok(rows.iter().filter_map(read).collect())
}

/// The error for a column that its type could not read; none for any other error of the database.
pub(crate) fn unreadable(error: &DbErr) -> Option<Error> {
    let DbErr::TryIntoErr { source, .. } = error else {
        return None;
    };
    let unreadable: &UnreadableColumn = source.downcast_ref()?;
    let table = entities::table_of(&unreadable.row, &unreadable.column);
    Some(Error::Internal(format!("{table}.{unreadable}")))
}

#[cfg(test)]
mod tests;
