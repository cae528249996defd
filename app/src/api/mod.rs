//! The server functions. Each is a thin call of the domain: it finds out who asks, asks the domain, and words the answer.
//!
//! Those that change something are the targets of forms and return a [`FormReply`](crate::model::FormReply); they work
//! the same as plain POST requests (see `server::flash`).

#![allow(
    missing_docs,
    reason = "the argument structs that #[server] makes have fields without documentation"
)]

mod account;
mod connect;
mod flash;
mod groups;
mod keys;
mod managed;
mod messages;
mod operator;
mod overview;
mod providers;
mod routing;
mod sandbox;
mod settings;
mod team;

pub use account::{
    CurrentVisitor, SignIn, SignOut, SignUp, ViewerOf, current_visitor, sign_in, sign_out, sign_up, viewer_of,
};
pub use connect::{
    DisconnectMailbox, GetSesFacts, GetWaysToAdd, SaveMailbox, SaveSes, disconnect_mailbox, get_ses_facts,
    get_ways_to_add, save_mailbox, save_ses,
};
pub use flash::{TakeFlash, take_flash};
pub use groups::{DeleteGroup, GetGroup, ListGroups, SaveGroup, delete_group, get_group, list_groups, save_group};
pub use keys::{
    CreateKey, GetKey, ListKeys, ListScopeChoices, RevokeKey, RotateKey, SetKeyScope, create_key, get_key, list_keys,
    list_scope_choices, revoke_key, rotate_key, set_key_scope,
};
pub use managed::{GetManagedRoute, RequestIncrease, get_managed_route, request_increase};
pub use messages::{GetMessage, GetMessageMail, ListMessages, get_message, get_message_mail, list_messages};
pub use operator::{
    DecideRequest, GetManagedOverview, GetSystemMail, LiftSuspension, ListRequests, ListSystemMail, ListTeams,
    TestMailServer, UnblockMailServer, UnblockManagedAccount, decide_request, get_managed_overview, get_system_mail,
    lift_suspension, list_requests, list_system_mail, list_teams, test_mail_server, unblock_mail_server,
    unblock_managed_account,
};
pub use overview::{GetOverview, get_overview};
pub use providers::{
    DeleteProvider, GetProvider, ListProviders, SaveProvider, SaveRouting, SetProviderActive, TestProvider,
    UnblockProvider, delete_provider, get_provider, list_providers, save_provider, save_routing, set_provider_active,
    test_provider, unblock_provider,
};
pub use routing::{DryRun, GetSmtpSetup, dry_run, get_smtp_setup};
pub use sandbox::{GetSandboxMessage, ListSandbox, get_sandbox_message, list_sandbox};
pub use settings::{ChangePassword, RenameTeam, SetTheme, change_password, rename_team, set_theme};
pub use team::{
    AcceptInvitation, CanReset, CreateTeam, ForgotPassword, GetInvited, GetTeam, InviteMember, LeaveTeam, RemoveMember,
    ResetPassword, SendVerification, SetRole, SwitchTeam, TakeBackInvitation, VerifyEmail, accept_invitation,
    can_reset, create_team, forgot_password, get_invited, get_team, invite_member, leave_team, remove_member,
    reset_password, send_verification, set_role, switch_team, take_back_invitation, verify_email,
};

/// The names of forms, by which a flash finds the form that it answers.
pub mod forms {
    /// Sign in.
    pub const SIGN_IN: &str = "sign-in";
    /// Sign up.
    pub const SIGN_UP: &str = "sign-up";
    /// Make a key.
    pub const CREATE_KEY: &str = "create-key";
    /// Revoke a key.
    pub const REVOKE_KEY: &str = "revoke-key";
    /// Add or change a provider.
    pub const PROVIDER: &str = "provider";
    /// Connect or disconnect a mailbox.
    pub const CONNECTION: &str = "connection";
    /// Test a provider.
    pub const TEST_PROVIDER: &str = "test-provider";
    /// Switch a provider on or off.
    pub const SWITCH_PROVIDER: &str = "switch-provider";
    /// End a provider's block.
    pub const UNBLOCK_PROVIDER: &str = "unblock-provider";
    /// Put the managed route's account back into rotation.
    pub const UNBLOCK_ACCOUNT: &str = "unblock-account";
    /// Test the mail server of the configuration, or put it back into rotation.
    pub const MAIL_SERVER: &str = "mail-server";
    /// Delete a provider.
    pub const DELETE_PROVIDER: &str = "delete-provider";
    /// Ask for a higher cap on the managed route.
    pub const INCREASE: &str = "increase";
    /// Decide on a request for a higher cap.
    pub const DECIDE: &str = "decide";
    /// Lift a team's suspension.
    pub const LIFT: &str = "lift";
    /// Change the weight and the caps of a provider.
    pub const ROUTING: &str = "routing";
    /// Make or change a group.
    pub const GROUP: &str = "group";
    /// Delete a group.
    pub const DELETE_GROUP: &str = "delete-group";
    /// Replace a key by one with another secret.
    pub const ROTATE_KEY: &str = "rotate-key";
    /// Change the scope of a key.
    pub const KEY_SCOPE: &str = "key-scope";
    /// Invite somebody.
    pub const INVITE: &str = "invite";
    /// Change or remove a member, or take an invitation back.
    pub const MEMBER: &str = "member";
    /// Verify an address.
    pub const VERIFY: &str = "verify";
    /// Ask for a link to a new password.
    pub const FORGOT: &str = "forgot";
    /// Set a new password.
    pub const RESET: &str = "reset";
    /// Accept an invitation.
    pub const ACCEPT: &str = "accept";
    /// Rename the team.
    pub const TEAM: &str = "team";
    /// Make another team.
    pub const NEW_TEAM: &str = "new-team";
    /// Change one's password.
    pub const PASSWORD: &str = "password";
}
