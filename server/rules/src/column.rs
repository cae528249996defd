//! Values as database columns, through SeaORM; only with the feature `sea-orm`. Nothing else of this crate knows of it.

#[doc(hidden)]
pub use sea_orm;

use sea_orm::{ColIdx, DbErr, QueryResult, TryGetError, TryGetable};
use std::fmt;
use std::str::FromStr;
use std::sync::Arc;

/// A column that holds what its type cannot read.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct UnreadableColumn {
    /// Its name.
    pub column: String,
    /// Names of all columns that were read with it; they tell its table.
    pub row: Vec<String>,
    /// The stored value; of a long one the beginning.
    pub value: String,
    /// Reason that it cannot be read.
    pub why: String,
}

impl fmt::Display for UnreadableColumn {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(
            f,
            "{} holds {:?}, which cannot be read: {}",
            self.column, self.value, self.why
        )
    }
}

impl std::error::Error for UnreadableColumn {}

/// Characters of an unreadable value that its error names.
const NAMED_CHARS: usize = 100;

/// A text column, read by the type that it holds.
///
/// # Errors
/// [`UnreadableColumn`], as the source of the database error; a null.
pub fn read_text<T, I>(row: &QueryResult, index: I) -> Result<T, TryGetError>
where
    T: FromStr<Err: fmt::Display>,
    I: ColIdx,
{
    let text = String::try_get_by(row, index)?;
    text.parse().map_err(|why: T::Err| {
        let names = row.column_names();
        let at = index.as_usize().and_then(|at| names.get(*at));
        let unreadable = UnreadableColumn {
            column: index.as_str().or(at.map(String::as_str)).unwrap_or_default().to_owned(),
            value: text.chars().take(NAMED_CHARS).collect(),
            why: why.to_string(),
            row: names,
        };
        TryGetError::DbErr(DbErr::TryIntoErr {
            from: "text",
            into: std::any::type_name::<T>(),
            source: Arc::new(unreadable),
        })
    })
}

/// Makes a type that is parsed from its text and displayed as it a text column. Generic parameters come first, in
/// brackets: `text_column!([T: Name] Named<T>)`.
#[macro_export]
macro_rules! text_column {
    ([$($generics:tt)*] $name:ty) => {
        impl<$($generics)*> From<$name> for $crate::column::sea_orm::Value {
            fn from(value: $name) -> Self {
                value.to_string().into()
            }
        }

        impl<$($generics)*> $crate::column::sea_orm::TryGetable for $name {
            fn try_get_by<I: $crate::column::sea_orm::ColIdx>(
                row: &$crate::column::sea_orm::QueryResult,
                index: I,
            ) -> Result<Self, $crate::column::sea_orm::TryGetError> {
                $crate::column::read_text(row, index)
            }
        }

        impl<$($generics)*> $crate::column::sea_orm::sea_query::ValueType for $name {
            fn try_from(
                value: $crate::column::sea_orm::Value,
            ) -> Result<Self, $crate::column::sea_orm::sea_query::ValueTypeErr> {
                let text = <String as $crate::column::sea_orm::sea_query::ValueType>::try_from(value)?;
                text.parse().map_err(|_| $crate::column::sea_orm::sea_query::ValueTypeErr)
            }

            fn type_name() -> String {
                stringify!($name).to_owned()
            }

            fn array_type() -> $crate::column::sea_orm::sea_query::ArrayType {
                $crate::column::sea_orm::sea_query::ArrayType::String
            }

            fn column_type() -> $crate::column::sea_orm::sea_query::ColumnType {
                $crate::column::sea_orm::sea_query::ColumnType::Text
            }
        }

        impl<$($generics)*> $crate::column::sea_orm::sea_query::Nullable for $name {
            fn null() -> $crate::column::sea_orm::Value {
                $crate::column::sea_orm::Value::String(None)
            }
        }

        impl<$($generics)*> $crate::column::sea_orm::IntoActiveValue<$name> for $name {
            fn into_active_value(self) -> $crate::column::sea_orm::ActiveValue<$name> {
                $crate::column::sea_orm::ActiveValue::Set(self)
            }
        }

        /// Never made from a number; asked for where the column is part of a primary key.
        impl<$($generics)*> $crate::column::sea_orm::TryFromU64 for $name {
            fn try_from_u64(_: u64) -> Result<Self, $crate::column::sea_orm::DbErr> {
                Err($crate::column::sea_orm::DbErr::ConvertFromU64(stringify!($name)))
            }
        }
    };
    ($name:ty) => {
        $crate::text_column!([] $name);
    };
}
