//! The HTML document around every page.

use crate::App;
use leptos::prelude::*;
use leptos_meta::MetaTags;

/// The HTML document. The theme stands in its first tag, so that nothing flashes and no inline script is needed.
pub fn shell(options: LeptosOptions) -> impl IntoView {
    view! {
        <!DOCTYPE html>
        <html lang="en" data-theme=theme_and_headers()>
            <head>
                <meta charset="utf-8" />
                <meta name="viewport" content="width=device-width, initial-scale=1" />
                <meta name="color-scheme" content="light dark" />
                <meta name="robots" content="noindex" />
                <link rel="icon" href="/favicon.svg" type="image/svg+xml" />
                <link rel="stylesheet" href="/pkg/sendmux.css" />
                <HydrationScripts options />
                <MetaTags />
            </head>
            <body>
                <App />
            </body>
        </html>
    }
}

#[cfg(feature = "ssr")]
fn theme_and_headers() -> Option<&'static str> {
    crate::server::headers::set();
    crate::server::theme::chosen().data_theme()
}

#[cfg(not(feature = "ssr"))]
fn theme_and_headers() -> Option<&'static str> {
    None
}
