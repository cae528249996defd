//! Providers: the accounts that a team sends through, as people configure and see them.

mod connection;
mod connection_test;
mod health;
mod kinds;
mod manage;
mod rows;
mod secret;
mod system_server;
mod test_result;
#[cfg(test)]
mod tests;
mod traffic;
mod variables;
mod view;

pub use connection::{ProviderConnection, connection};
pub(crate) use connection_test::TESTS_AT_ONCE;
pub use connection_test::{ConnectionTester, test};
pub use health::{apply_test, end_expired_blocks, record_events, unblock};
pub(crate) use kinds::mailbox::Renewals;
pub use kinds::mailbox::{
    Callback, Connected, Granted, MailboxAccess, MailboxConfig, MailboxForm, MailboxServices, MailboxView,
    NotConnected, Renewed, SignIn, Target, TokenFault, access_token, admin_consent_url, begin_sign_in,
    complete_sign_in, disconnect, new_browser_secret, other_access_token,
};
pub(crate) use kinds::ses::SesAccounts;
pub use kinds::ses::{SesAccount, SesConfig, SesForm, managed_ses_account, ses_account};
pub use kinds::smtp::{SmtpAccess, SmtpConfig, SmtpForm, SmtpTimeouts};
pub use kinds::{Access, Configuration, Form};
pub use manage::{create, delete, set_active, update};
pub(crate) use rows::{NewProvider, change};
pub use secret::{any_sealed, reseal};
pub(crate) use system_server::set_system_server;
pub use test_result::{LastTest, TestResult, TestStep};
pub use traffic::{CapsForm, MAX_CAP, set_caps, set_routing, set_weight};
pub use variables::{Variables, check_variables, set_variables, variables};
pub use view::{GroupName, Hold, Left, ProviderView, get, list};
