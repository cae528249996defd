//! Providers: the accounts that a team sends through, as people configure and see them.

mod connection;
mod connection_test;
mod credential;
mod health;
mod host;
mod mailbox;
mod manage;
mod quota;
mod ses;
mod smtp;
mod system_server;
#[cfg(test)]
mod tests;
mod traffic;
mod variables;
mod view;

pub use connection::{Access, MailboxAccess, ProviderConnection, SmtpConnection, any_sealed, connection, reseal};
pub(crate) use connection_test::TESTS_AT_ONCE;
pub use connection_test::{ConnectionTester, LastTest, TestResult, TestStep, test};
pub use health::{apply_test, end_expired_blocks, record_events, unblock};
pub(crate) use mailbox::Renewals;
pub use mailbox::{
    Callback, Connected, Granted, MailboxForm, MailboxServices, MailboxView, NotConnected, Renewed, SignIn, Target,
    TokenFault, access_token, admin_consent_url, begin_sign_in, complete_sign_in, create_mailbox, disconnect,
    new_browser_secret, other_access_token, update_mailbox,
};
pub(crate) use manage::change;
pub use manage::{create_ses, create_smtp, delete, set_active, update_ses, update_smtp};
pub(crate) use quota::SesAccounts;
pub use quota::{SesAccount, managed_ses_account, ses_account};
pub use ses::SesForm;
pub use smtp::{SmtpForm, SmtpSecurity, SmtpTimeouts, check_helo_name};
pub(crate) use system_server::set_system_server;
pub use traffic::{CapsForm, MAX_CAP, set_caps, set_routing, set_weight};
pub use variables::{Variables, check_variables, set_variables, variables};
pub use view::{GroupName, Hold, Left, ProviderStatus, ProviderView, SesConfigView, SmtpConfigView, get, list};

use crate::entities::providers;
use crate::error::{Error, Result};
use sea_orm::{ColumnTrait, EntityTrait, QueryFilter, Select};
use sendmux_rules::ProviderKind;

const NOT_FOUND: Error = Error::NotFound("provider");

/// The provider with this public id, if it is this team's and was not deleted.
fn of_team(team_id: i64, public_id: &str) -> Select<providers::Entity> {
    providers::Entity::find()
        .filter(providers::Column::PublicId.eq(public_id))
        .filter(providers::Column::TeamId.eq(team_id))
        .filter(providers::Column::DeletedAt.is_null())
}

fn kind_of(row: &providers::Model) -> Result<ProviderKind> {
    row.kind
        .parse()
        .map_err(|error| Error::Internal(format!("provider {}: {error}", row.public_id)))
}
