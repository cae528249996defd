//! What travels between server and browser: plain values, already in the words and forms that a page shows.

mod account;
mod connect;
mod error;
mod form;
mod key;
mod managed;
mod message;
mod moment;
mod overview;
mod page;
mod provider;
mod sandbox;
mod team;

pub use account::{Gate, Theme, Viewer};
pub use connect::{MailboxValues, Registration, SesQuota, SesValues, WaysToAdd};
pub use error::AppError;
pub use form::{FieldIssue, FormExtra, FormReply};
pub use key::{KeyItem, KeySecret, KeysPage};
pub use managed::{
    BusyTeam, EndpointItem, FeedbackItem, ManagedPage, ManagedRoute, Outcome, RequestItem, RequestsPage,
    SystemMailItem, SystemMailPage, TeamItem,
};
pub use message::{AttemptItem, MessageItem, MessageView, RecipientItem, TimelineItem, WaitingView};
pub use moment::Moment;
pub use overview::{Attention, Bar, Checklist, Counts, HealthItem, OverviewView};
pub use page::Page;
pub use provider::{ConnectionTest, ProviderItem, SmtpValues, TestStepItem};
pub use sandbox::{AttachmentItem, HeaderItem, MailView, SandboxItem, SandboxView};
pub use team::{InvitationItem, InvitedView, MemberItem, TeamPage};
