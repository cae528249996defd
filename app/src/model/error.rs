//! Errors of server functions, as the browser receives them.

use leptos::server_fn::codec::JsonEncoding;
use leptos::server_fn::error::{FromServerFnError, ServerFnErrorErr};
use serde::{Deserialize, Serialize};
use std::fmt;

/// An error that a page shows. It never carries the installation's internals.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub enum AppError {
    /// The thing (named) does not exist, or belongs to another team.
    NotFound(String),
    /// Nobody is signed in; the browser is on its way to the sign-in page.
    SignedOut,
    /// Signed in, but not allowed to do this; says why.
    Forbidden(String),
    /// The request cannot be done as things are; says why, for people.
    Refused(String),
    /// The database is away or cannot write for now.
    Unavailable,
    /// A fault of the installation. The cause is in its log.
    Internal,
    /// The server could not be reached, or its answer could not be read.
    Unreachable,
}

impl fmt::Display for AppError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::NotFound(what) => write!(f, "This {what} does not exist, or it was deleted."),
            Self::SignedOut => f.write_str("You are signed out. Sign in to go on."),
            Self::Forbidden(why) | Self::Refused(why) => f.write_str(why),
            Self::Unavailable => {
                f.write_str("The server cannot reach its database at the moment. Nothing was changed; try again soon.")
            }
            Self::Internal => f.write_str("Something went wrong on the server. Its log says what; try again."),
            Self::Unreachable => f.write_str("The server could not be reached. Check the connection and try again."),
        }
    }
}

impl std::error::Error for AppError {}

impl FromServerFnError for AppError {
    type Encoder = JsonEncoding;

    fn from_server_fn_error(error: ServerFnErrorErr) -> Self {
        match error {
            ServerFnErrorErr::ServerError(_) | ServerFnErrorErr::Registration(_) | ServerFnErrorErr::Response(_) => {
                Self::Internal
            }
            ServerFnErrorErr::Args(why) | ServerFnErrorErr::MissingArg(why) => Self::Refused(why),
            _ => Self::Unreachable,
        }
    }
}
