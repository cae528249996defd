//! The viewer of the dashboard.

use serde::{Deserialize, Serialize};

/// The signed-in user and the team that is being looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Viewer {
    /// Display name.
    pub name: String,
    /// Email address.
    pub email: String,
    /// Public id of the team.
    pub team_id: String,
    /// Name of the team.
    pub team: String,
    /// The team's address on the managed route.
    pub managed_address: String,
    /// The user's role in the team, in words.
    pub role: String,
    /// May change providers and keys.
    pub can_configure: bool,
    /// May change the team itself.
    pub can_manage_team: bool,
    /// The teams that the user can look at, this one among them, in the order in which they joined.
    pub teams: Vec<OwnTeam>,
    /// May make another team.
    pub can_create_team: bool,
    /// Operates the installation.
    pub is_operator: bool,
    /// The chosen theme.
    pub theme: Theme,
    /// Address of this installation, for snippets.
    pub public_url: String,
}

/// A team of the viewer, to be looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct OwnTeam {
    /// Public id.
    pub id: String,
    /// Its name.
    pub name: String,
    /// The user's role in it, in words.
    pub role: String,
}

/// Light, dark, or what the system says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Theme {
    /// `prefers-color-scheme` decides.
    #[default]
    System,
    /// Always light.
    Light,
    /// Always dark.
    Dark,
}

impl Theme {
    /// Its name in the cookie and in forms.
    pub const fn as_str(self) -> &'static str {
        match self {
            Self::System => "system",
            Self::Light => "light",
            Self::Dark => "dark",
        }
    }

    /// Reads its name; anything unknown is the system's.
    pub fn parse(name: &str) -> Self {
        match name {
            "light" => Self::Light,
            "dark" => Self::Dark,
            _ => Self::System,
        }
    }

    /// The value of `data-theme`; none leaves the choice to the system.
    pub const fn data_theme(self) -> Option<&'static str> {
        match self {
            Self::System => None,
            Self::Light => Some("sendmux-light"),
            Self::Dark => Some("sendmux-dark"),
        }
    }
}
