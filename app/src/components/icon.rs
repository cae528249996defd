//! Icons, drawn inline so that nothing is fetched and they take the colour of the text.

use leptos::prelude::*;

/// An icon of the set, on a 24 by 24 grid of strokes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Icon {
    Alert,
    Ban,
    Bolt,
    Check,
    CheckCircle,
    ChevronDown,
    ChevronRight,
    Clock,
    Cloud,
    Copy,
    Download,
    Flask,
    Grid,
    Inbox,
    Info,
    Key,
    Layers,
    Logout,
    Mail,
    Menu,
    Monitor,
    Moon,
    Paperclip,
    Pause,
    Plus,
    Power,
    Refresh,
    Route,
    Send,
    Server,
    Settings,
    Sun,
    Terminal,
    Trash,
    Undo,
    Users,
    XCircle,
}

impl Icon {
    const fn path(self) -> &'static str {
        match self {
            Self::Alert => "M12 4 2.5 20h19zM12 10v4.5M12 17.2v.01",
            Self::Ban => "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM5.7 5.7l12.6 12.6",
            Self::Bolt => "M13 3 5 13.5h6L11 21l8-10.5h-6z",
            Self::Check => "m5 12.5 4.5 4.5L19 7.5",
            Self::CheckCircle => "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM8 12.3l2.7 2.7L16 9.6",
            Self::ChevronDown => "m6 9 6 6 6-6",
            Self::ChevronRight => "m9 6 6 6-6 6",
            Self::Clock => "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM12 7v5l3.5 2",
            Self::Cloud => "M7 18a4 4 0 0 1-.6-7.95 5.5 5.5 0 0 1 10.7-1.2A4.6 4.6 0 0 1 17 18z",
            Self::Copy => "M9 9h11v11H9zM5 15H4V4h11v1",
            Self::Download => "M12 4v11M7.5 11l4.5 4.5 4.5-4.5M4 20h16",
            Self::Flask => "M9 3h6M10 3v6L4.6 18.5A1.7 1.7 0 0 0 6 21h12a1.7 1.7 0 0 0 1.4-2.5L14 9V3M7.5 15h9",
            Self::Grid => "M4 4h6v7H4zM14 4h6v4h-6zM14 12h6v8h-6zM4 15h6v5H4z",
            Self::Inbox => "M4 13 6.5 5h11L20 13v6H4zM4 13h5l1.5 2.5h3L15 13h5",
            Self::Info => "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM12 11v5M12 8v.01",
            Self::Key => "M12 15.5a4 4 0 1 1-8 0 4 4 0 0 1 8 0zM10.8 12.7 20 3.5M16 7.5l3 3",
            Self::Layers => "M12 3 3 8l9 5 9-5zM3 12l9 5 9-5M3 16l9 5 9-5",
            Self::Logout => "M9 4H4v16h5M15 8l4 4-4 4M19 12H9",
            Self::Mail => "M3 6h18v12H3zM3 7l9 6 9-6",
            Self::Menu => "M4 7h16M4 12h16M4 17h16",
            Self::Monitor => "M3 5h18v11H3zM9 20h6M12 16v4",
            Self::Moon => "M20 14.5A8 8 0 0 1 9.5 4a8 8 0 1 0 10.5 10.5z",
            Self::Paperclip => {
                "M20 11.5 12 19.5a5 5 0 0 1-7-7l8.3-8.3a3.3 3.3 0 0 1 4.7 4.7l-8 8a1.6 1.6 0 0 1-2.3-2.3l7.3-7.3"
            }
            Self::Pause => "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM10 9v6M14 9v6",
            Self::Plus => "M12 5v14M5 12h14",
            Self::Power => "M12 3v9M6.3 7.3a8 8 0 1 0 11.4 0",
            Self::Refresh => "M20 11a8 8 0 0 0-14.3-4L4 9M4 4v5h5M4 13a8 8 0 0 0 14.3 4L20 15M20 20v-5h-5",
            Self::Route => {
                "M6 21a2 2 0 1 0 0-4 2 2 0 0 0 0 4zM18 7a2 2 0 1 0 0-4 2 2 0 0 0 0 4zM6 17V9a4 4 0 0 1 4-4h6M18 7v8a4 4 0 0 1-4 4H8"
            }
            Self::Send => "M21 3 10 14M21 3l-7 18-4-7-7-4z",
            Self::Server => "M4 4h16v6H4zM4 14h16v6H4zM8 7h.01M8 17h.01",
            Self::Settings => {
                "M4 7h9.5M18.5 7H20M4 17h1.5M10.5 17H20M16 9.5a2.5 2.5 0 1 0 0-5 2.5 2.5 0 0 0 0 5zM8 19.5a2.5 2.5 0 1 0 0-5 \
                 2.5 2.5 0 0 0 0 5z"
            }
            Self::Sun => {
                "M12 16.5a4.5 4.5 0 1 0 0-9 4.5 4.5 0 0 0 0 9zM12 2v2M12 20v2M4.9 4.9l1.4 1.4M17.7 17.7l1.4 1.4M2 12h2M20 \
                 12h2M4.9 19.1l1.4-1.4M17.7 6.3l1.4-1.4"
            }
            Self::Terminal => "M3 5h18v14H3zM7 9.5l3 2.5-3 2.5M12.5 15H17",
            Self::Trash => "M4 7h16M9 7V4h6v3M6 7l1 13h10l1-13M10 11v5M14 11v5",
            Self::Undo => "M8 5 4 9l4 4M4 9h10a6 6 0 0 1 0 11h-3",
            Self::Users => {
                "M9 11a3.5 3.5 0 1 0 0-7 3.5 3.5 0 0 0 0 7zM2.5 20a6.5 6.5 0 0 1 13 0M16 4.3a3.5 3.5 0 0 1 0 6.4M18 14a6.5 6.5 0 0 1 3.5 6"
            }
            Self::XCircle => "M12 21a9 9 0 1 0 0-18 9 9 0 0 0 0 18zM9 9l6 6M15 9l-6 6",
        }
    }
}

/// Draws an icon. It is an ornament: the text beside it says what it means.
pub fn icon(icon: Icon, class: &'static str) -> AnyView {
    view! {
        <svg
            class=class
            viewBox="0 0 24 24"
            fill="none"
            stroke="currentColor"
            stroke-width="1.75"
            stroke-linecap="round"
            stroke-linejoin="round"
            aria-hidden="true"
        >
            <path d=icon.path() />
        </svg>
    }
    .into_any()
}
