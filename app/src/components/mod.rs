//! What pages are made of.

mod badge;
mod code;
mod copy;
mod empty;
mod error;
mod field;
mod form;
mod icon;
mod list;
mod mail;
mod managed_route;
mod page;
mod test_result;
mod time;

pub use badge::{Badge, ModeBadge, StatusBadge};
pub use code::CodeBlock;
pub use copy::CopyButton;
pub use empty::EmptyState;
pub use error::{ErrorView, Loading};
pub use field::{Choice, Field};
pub use form::{Confirm, Form, Notice, Submit, WithFlash, latest, reply_notice, use_form};
pub use icon::{Icon, icon};
pub use list::{Detail, Pagination};
pub use mail::MailContent;
pub use managed_route::{FeedbackNumbers, ManagedRouteCard, UsageBar};
pub use page::{Card, PageHeader};
pub use test_result::TestResult;
pub use time::Time;
