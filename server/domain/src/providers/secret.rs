//! Secrets of providers: sealed where they are stored, each for its own row alone.

use super::kinds::SecretChange;
use super::kinds::mailbox;
use crate::Domain;
use crate::db::Db;
use crate::entities::{mailboxes, providers};
use crate::error::{Error, Result};
use crate::secrets::{Sealer, Secret};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, QuerySelect};

/// Seals a secret so that it opens in the row of this provider alone.
pub(super) fn seal(sealer: &Sealer, secret: &Secret, public_id: &str) -> Result<Vec<u8>> {
    sealer.seal(secret.expose().as_bytes(), &place(public_id))
}

/// The secret of a provider; none where none is stored.
pub(super) fn open(sealer: &Sealer, row: &providers::Model) -> Result<Option<Secret>> {
    let Some(sealed) = &row.secret else { return Ok(None) };
    let secret = sealer.open(sealed, &place(&row.public_id))?;
    String::from_utf8(secret)
        .map(|secret| Some(Secret::from(secret)))
        .map_err(|_| Error::Internal(format!("the secret of {} is no text", row.public_id)))
}

/// The sealed secret of a provider after a change; `stored` is that before.
pub(super) fn changed(
    sealer: &Sealer,
    change: &SecretChange,
    stored: Option<&[u8]>,
    public_id: &str,
) -> Result<Option<Vec<u8>>> {
    match change {
        SecretChange::Set(secret) => seal(sealer, secret, public_id).map(Some),
        SecretChange::Keep => Ok(stored.map(<[u8]>::to_vec)),
        SecretChange::None => Ok(None),
    }
}

fn place(public_id: &str) -> String {
    format!("providers.secret/{public_id}")
}

/// True when there are credentials that only the secret key opens.
///
/// # Errors
/// An error of the database.
pub async fn any_sealed(db: &Db) -> Result<bool> {
    let password = providers::Entity::find()
        .filter(providers::Column::Secret.is_not_null())
        .select_only()
        .column(providers::Column::Id)
        .into_tuple::<i64>()
        .one(db.read())
        .await?;
    if password.is_some() {
        return Ok(true);
    }
    let mailbox = mailboxes::Entity::find()
        .select_only()
        .column(mailboxes::Column::ProviderId)
        .into_tuple::<i64>()
        .one(db.read())
        .await?;
    Ok(mailbox.is_some())
}

/// Seals anew what an older key sealed, and gives how many providers that were. To be called at every start: afterwards
/// keys but the first are needed no more.
///
/// # Errors
/// [`Error::Internal`] when credentials do not open with any key.
pub async fn reseal(domain: &Domain) -> Result<u64> {
    let rows = providers::Entity::find()
        .filter(providers::Column::Secret.is_not_null())
        .all(domain.db.read())
        .await?;
    let mut count = mailbox::reseal(domain).await?;
    for row in rows {
        let is_old = |sealed: &Vec<u8>| !domain.sealer.is_current(sealed);
        let Some(old) = row.secret.clone().filter(is_old) else {
            continue;
        };
        let Some(secret) = open(&domain.sealer, &row)? else {
            continue;
        };
        let new = seal(&domain.sealer, &secret, &row.public_id)?;
        let tx = domain.db.begin().await?;
        // A password that was changed in the meantime stays changed.
        let updated = providers::Entity::update_many()
            .col_expr(providers::Column::Secret, Expr::value(new))
            .filter(providers::Column::Id.eq(row.id))
            .filter(providers::Column::Secret.eq(old))
            .exec(&tx)
            .await?;
        tx.commit().await?;
        count += updated.rows_affected;
    }
    Ok(count)
}
