//! Addresses that Amazon SNS posts to: one for the operator's account, one for each SES provider of a team.

use crate::Domain;
use crate::entities::notification_endpoints::{ActiveModel, Column, Entity, Model};
use crate::entities::providers;
use crate::error::{Error, Result};
use crate::ids::random_into;
use crate::operator::Operator;
use sea_orm::ActiveValue::{NotSet, Set};
use sea_orm::sea_query::Expr;
use sea_orm::{ColumnTrait, Condition, ConnectionTrait, EntityTrait, QueryFilter};
use sendmux_rules::{ProviderKind, Timestamp};

/// Provider id for the operator's account.
const MANAGED: i64 = 0;
const TOKEN_LEN: usize = 40;
const ALPHABET: &[u8; 36] = b"abcdefghijklmnopqrstuvwxyz0123456789";

/// An address that receives notifications.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Endpoint {
    pub(super) id: i64,
    /// The SES provider it belongs to; `None` for the operator's account.
    pub(super) provider_id: Option<i64>,
    /// The topic that it accepts, once one is confirmed.
    pub topic_arn: Option<String>,
}

/// An address, for subscribing a topic to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EndpointView {
    /// The whole address. Anybody who knows it can post there, but only notifications signed by Amazon are accepted.
    pub url: String,
    /// The subscribed topic.
    pub topic_arn: Option<String>,
    /// Time of the subscription.
    pub confirmed_at: Option<Timestamp>,
    /// Time of the last notification.
    pub last_received_at: Option<Timestamp>,
}

impl From<Model> for Endpoint {
    fn from(row: Model) -> Self {
        Self {
            id: row.id,
            provider_id: (row.provider_id != MANAGED).then_some(row.provider_id),
            topic_arn: row.topic_arn,
        }
    }
}

/// The endpoint with this secret path; `None` if there is none.
pub async fn endpoint_by_token(domain: &Domain, token: &str) -> Result<Option<Endpoint>> {
    if token.len() != TOKEN_LEN || !token.bytes().all(|byte| ALPHABET.contains(&byte)) {
        return Ok(None);
    }
    let row = Entity::find()
        .filter(Column::Token.eq(token))
        .one(domain.db.read())
        .await?;
    Ok(row.map(Endpoint::from))
}

/// The endpoint of the operator's account, created on first use.
pub async fn managed_endpoint(domain: &Domain, _: &Operator) -> Result<EndpointView> {
    view(domain, MANAGED).await
}

/// The endpoint of a team's SES provider, created on first use.
///
/// # Errors
/// [`Error::NotFound`] for a provider that is another team's or of another kind.
pub async fn endpoint_of_provider(domain: &Domain, team_id: i64, public_id: &str) -> Result<EndpointView> {
    let row = providers::Entity::find()
        .filter(providers::Column::TeamId.eq(team_id))
        .filter(providers::Column::PublicId.eq(public_id))
        .filter(providers::Column::Kind.eq(ProviderKind::Ses))
        .filter(providers::Column::DeletedAt.is_null())
        .one(domain.db.read())
        .await?
        .ok_or(Error::NotFound("provider"))?;
    view(domain, row.id).await
}

async fn view(domain: &Domain, provider_id: i64) -> Result<EndpointView> {
    let row = match find(domain.db.read(), provider_id).await? {
        Some(row) => row,
        None => make(domain, provider_id).await?,
    };
    Ok(EndpointView {
        url: format!("{}/hooks/ses/{}", domain.settings.public_url, row.token),
        topic_arn: row.topic_arn,
        confirmed_at: row.confirmed_at,
        last_received_at: row.last_received_at,
    })
}

async fn find(db: &impl ConnectionTrait, provider_id: i64) -> Result<Option<Model>> {
    Ok(Entity::find()
        .filter(Column::ProviderId.eq(provider_id))
        .one(db)
        .await?)
}

async fn make(domain: &Domain, provider_id: i64) -> Result<Model> {
    let mut token = String::with_capacity(TOKEN_LEN);
    random_into(&mut token, ALPHABET, TOKEN_LEN);
    let tx = domain.db.begin().await?;
    Entity::insert(ActiveModel {
        id: NotSet,
        token: Set(token),
        provider_id: Set(provider_id),
        topic_arn: Set(None),
        confirmed_at: Set(None),
        last_received_at: Set(None),
        created_at: Set(domain.clock.now()),
    })
    .on_conflict_do_nothing_on([Column::ProviderId])
    .exec_without_returning(&tx)
    .await?;
    // This one, or that of a concurrent call.
    let row = find(&tx, provider_id).await?;
    tx.commit().await?;
    row.ok_or_else(|| Error::Internal("the endpoint of a provider was not made".to_owned()))
}

/// Pins the topic of an endpoint whose subscription was confirmed. Returns false when it already accepts another one.
pub async fn confirm(domain: &Domain, endpoint: &Endpoint, topic_arn: &str) -> Result<bool> {
    let now = domain.clock.now();
    let tx = domain.db.begin().await?;
    let updated = Entity::update_many()
        .col_expr(Column::TopicArn, Expr::value(topic_arn))
        .col_expr(Column::ConfirmedAt, Expr::value(now))
        .col_expr(Column::LastReceivedAt, Expr::value(now))
        .filter(Column::Id.eq(endpoint.id))
        .filter(
            Condition::any()
                .add(Column::TopicArn.is_null())
                .add(Column::TopicArn.eq(topic_arn)),
        )
        .exec(&tx)
        .await?;
    tx.commit().await?;
    Ok(updated.rows_affected == 1)
}

/// Records that the topic was unsubscribed: another may be subscribed from now on.
pub async fn unsubscribed(domain: &Domain, endpoint: &Endpoint, topic_arn: &str) -> Result<()> {
    let tx = domain.db.begin().await?;
    Entity::update_many()
        .col_expr(Column::TopicArn, Expr::value(None::<String>))
        .col_expr(Column::ConfirmedAt, Expr::value(None::<Timestamp>))
        .filter(Column::Id.eq(endpoint.id))
        .filter(Column::TopicArn.eq(topic_arn))
        .exec(&tx)
        .await?;
    tx.commit().await?;
    Ok(())
}
