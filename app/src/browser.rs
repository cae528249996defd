//! The few things that pages ask of the browser. On the server none of this runs.

use crate::url::query_value;
use leptos::ev;
use leptos::leptos_dom::helpers::{WindowListenerHandle, document, set_interval_with_handle, window};
use leptos::prelude::*;
use std::time::Duration;
use wasm_bindgen::JsCast;
use web_sys::{FormData, HtmlDetailsElement, HtmlElement, HtmlFormElement, Node, VisibilityState};

/// Calls `refresh` every `seconds` while the page is looked at, and at once when it is looked at again. While a question
/// is open, what it asks about stays put.
pub fn while_visible(seconds: u64, refresh: impl Fn() + Clone + 'static) {
    Effect::new(move |_| {
        let on_show = on_show(refresh.clone());
        let tick = refresh.clone();
        let timer = set_interval_with_handle(
            move || {
                if is_visible() && open_confirms().is_empty() {
                    tick();
                }
            },
            Duration::from_secs(seconds),
        );
        on_cleanup(move || {
            on_show.remove();
            if let Ok(timer) = timer {
                timer.clear();
            }
        });
    });
}

/// Counts the seconds since the caller was shown; none on the server, and until scripts run.
pub fn seconds_passed() -> Signal<Option<i64>> {
    let passed = RwSignal::new(None);
    Effect::new(move |_| {
        let began = js_sys::Date::now();
        let tick = move || {
            // Whole seconds of a page that is looked at: far within an i64.
            let seconds = ((js_sys::Date::now() - began) / 1_000.0).floor();
            passed.set(Some(seconds as i64));
        };
        tick();
        let timer = set_interval_with_handle(tick, Duration::from_secs(1));
        on_cleanup(move || {
            if let Ok(timer) = timer {
                timer.clear();
            }
        });
    });
    passed.into()
}

/// Current value of a field; none for a box that is not ticked, and for a field that is not there.
pub fn typed(form: &HtmlFormElement, field: &str) -> Option<String> {
    FormData::new_with_form(form).ok()?.get(field).as_string()
}

/// True while the page's tab is shown.
fn is_visible() -> bool {
    document().visibility_state() == VisibilityState::Visible
}

/// Puts `text` on the clipboard. False where the browser does not let pages do that (a site without TLS that is not
/// localhost).
pub async fn copy(text: &str) -> bool {
    let navigator = window().navigator();
    let has_clipboard = js_sys::Reflect::get(&navigator, &"clipboard".into()).is_ok_and(|value| !value.is_undefined());
    if !has_clipboard {
        return false;
    }
    wasm_bindgen_futures::JsFuture::from(navigator.clipboard().write_text(text))
        .await
        .is_ok()
}

/// Shows the page in this theme from now on; none leaves the choice to the system.
pub fn show_theme(data_theme: Option<&str>) {
    let Some(root) = document().document_element() else {
        return;
    };
    // An element that exists takes any attribute.
    drop(match data_theme {
        Some(theme) => root.set_attribute("data-theme", theme),
        None => root.remove_attribute("data-theme"),
    });
}

/// Moves keyboard and screen reader to the beginning of a page that was navigated to.
pub fn focus_main() {
    if let Some(main) = document()
        .get_element_by_id("main")
        .and_then(|main| main.dyn_into::<HtmlElement>().ok())
    {
        drop(main.focus());
    }
    window().scroll_to_with_x_and_y(0.0, 0.0);
}

/// Calls `looked_at` when the page is looked at again: its tab is shown, or its window is chosen.
pub fn on_return(looked_at: impl Fn() + Clone + 'static) {
    Effect::new(move |_| {
        let on_show = on_show(looked_at.clone());
        let chosen = looked_at.clone();
        let on_focus = window_event_listener_untyped("focus", move |_| chosen());
        on_cleanup(move || {
            on_show.remove();
            on_focus.remove();
        });
    });
}

/// Calls `shown` when the page's tab is shown again.
fn on_show(shown: impl Fn() + 'static) -> WindowListenerHandle {
    window_event_listener_untyped("visibilitychange", move |_| {
        if is_visible() {
            shown();
        }
    })
}

/// Asks for the page anew.
pub fn reload() {
    drop(window().location().reload());
}

/// Lets the Escape key close the popup that is open, and gives the keyboard back to what opened it; a press elsewhere
/// closes it, too.
pub fn popups_give_way() {
    Effect::new(move |_| {
        let on_key = window_event_listener(ev::keydown, |event| {
            if event.key() != "Escape" {
                return;
            }
            for popup in open_details("details.popup[open]") {
                popup.set_open(false);
                let opener = popup.query_selector("summary").ok().flatten();
                if let Some(opener) = opener.and_then(|opener| opener.dyn_into::<HtmlElement>().ok()) {
                    drop(opener.focus());
                }
            }
        });
        let on_press = window_event_listener(ev::pointerdown, |event| {
            let pressed = event.target().and_then(|target| target.dyn_into::<Node>().ok());
            for popup in open_details("details.popup[open]") {
                if !popup.contains(pressed.as_ref()) {
                    popup.set_open(false);
                }
            }
        });
        on_cleanup(move || {
            on_key.remove();
            on_press.remove();
        });
    });
}

/// Closes the questions that are open: what they asked about may be gone, and another thing in its place.
pub fn close_confirms() {
    for confirm in open_confirms() {
        confirm.set_open(false);
    }
}

fn open_confirms() -> Vec<HtmlDetailsElement> {
    open_details("details.confirm[open]")
}

fn open_details(css: &str) -> Vec<HtmlDetailsElement> {
    let Ok(found) = document().query_selector_all(css) else {
        return Vec::new();
    };
    (0..found.length())
        .filter_map(|index| found.item(index)?.dyn_into().ok())
        .collect()
}

/// Goes to the sign-in page, which comes back to this one.
pub fn sign_in_again() {
    let location = window().location();
    let here = location.pathname().unwrap_or_default() + &location.search().unwrap_or_default();
    drop(location.set_href(&format!("/sign-in?next={}", query_value(&here))));
}
