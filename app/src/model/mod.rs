//! Values that travel between server and browser, already in the words and forms that a page shows.

mod account;
mod connect;
mod error;
mod form;
mod group;
mod key;
mod managed;
mod message;
mod moment;
mod number;
mod overview;
mod page;
mod provider;
mod routing;
mod sandbox;
mod smtp;
mod team;

pub use account::{OwnTeam, Theme, Viewer, VisitorState};
pub use connect::{MailboxValues, Registration, SesFacts, SesQuota, SesValues, WaysToAdd};
pub use error::AppError;
pub use form::{FieldIssue, FormExtra, FormReply};
pub use group::{
    GroupCandidate, GroupEntry, GroupItem, GroupMemberItem, GroupOutlook, GroupView, Named, NotANumber, group_outlook,
    own_share, weight_of,
};
pub use key::{KeyItem, KeySecret, KeyView, KeysPage, ScopeChoices, ScopeItem, ScopeOption};
pub use managed::{
    BusyTeam, EndpointItem, FaultItem, FeedbackItem, ManagedPage, ManagedRoute, Outcome, RequestItem, RequestsPage,
    SystemMailItem, SystemMailPage, TeamItem,
};
pub use message::{AttemptItem, MessageItem, MessageView, RecipientItem, TimelineItem, WaitingView};
pub use moment::Moment;
pub use number::{grouped, percent};
pub use overview::{Attention, Bar, Checklist, Counts, HealthItem, OverviewView, WaitItem, WaitScope};
pub use page::Page;
pub use provider::{BlockItem, CapItem, ConnectionTest, ProviderItem, ProviderPage, SmtpValues, TestStepItem};
pub use routing::{CandidateItem, DryRunView};
pub use sandbox::{AttachmentItem, HeaderItem, MailView, SandboxItem, SandboxView};
pub use smtp::SmtpSetup;
pub use team::{InvitationItem, InvitedView, MemberItem, TeamPage};
