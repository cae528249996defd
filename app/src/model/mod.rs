//! Values of several features that travel between server and browser, already in the words and forms that a page shows.

mod error;
mod extra;
mod form;
mod mail;
mod moment;
mod named;
mod number;
mod page;

pub use error::AppError;
pub use extra::{ConnectionTest, FormExtra, KeySecret, TestStepItem};
pub use form::{FieldIssue, FormReply};
pub use mail::{AttachmentItem, HeaderItem, MailView};
pub use moment::Moment;
pub use named::Named;
pub use number::{NotANumber, grouped, percent, weight_of};
pub use page::Page;
