//! Points in time.

use crate::browser;
use crate::model::Moment;
use leptos::prelude::*;

/// A point in time: relative to read, in full in the tooltip, RFC 3339 for machines.
#[component]
pub fn Time(
    /// Point in time.
    at: Moment,
) -> impl IntoView {
    view! {
        <time datetime=at.iso title=at.full class="whitespace-nowrap">
            {at.text}
        </time>
    }
    .into_any()
}

/// A point in time to come, counted down where scripts run. It is the server's clock that counts.
#[component]
pub fn Countdown(
    /// Point in time.
    at: Moment,
) -> impl IntoView {
    let passed = browser::seconds_passed();
    let text = move || match passed.get() {
        Some(passed) => until(at.seconds - passed),
        None => at.text.clone(),
    };
    view! {
        <time datetime=at.iso title=at.full class="whitespace-nowrap tabular-nums">
            {text}
        </time>
    }
    .into_any()
}

/// `in 2 d 3 h`, `in 59 min 12 s`, `any moment`.
fn until(seconds: i64) -> String {
    const MINUTE: i64 = 60;
    const HOUR: i64 = 60 * MINUTE;
    const DAY: i64 = 24 * HOUR;
    match seconds {
        ..=0 => "any moment".to_owned(),
        1..MINUTE => format!("in {seconds} s"),
        MINUTE..HOUR => format!("in {} min {} s", seconds / MINUTE, seconds % MINUTE),
        HOUR..DAY => format!("in {} h {} min", seconds / HOUR, seconds % HOUR / MINUTE),
        _ => format!("in {} d {} h", seconds / DAY, seconds % DAY / HOUR),
    }
}

#[cfg(test)]
mod tests {
    use super::until;

    #[test]
    fn what_is_left_is_told_in_its_two_largest_units() {
        assert_eq!(
            [-5, 0, 12, 3_552, 11_100, 183_600].map(until),
            [
                "any moment",
                "any moment",
                "in 12 s",
                "in 59 min 12 s",
                "in 3 h 5 min",
                "in 2 d 3 h"
            ]
        );
    }
}
