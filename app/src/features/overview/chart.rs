//! The chart of the last 24 hours.

use super::model::Bar;
use crate::components::Card;
use leptos::prelude::*;

/// The drawing is stretched to the room that it gets.
const WIDTH: f64 = 720.0;
const HEIGHT: f64 = 160.0;
/// One of so many hours is named beneath the bars.
const LABEL_EVERY: usize = 6;

/// Bars of an hour each (in UTC): what was sent, with what failed on top, and at their foot what came back then. The same
/// numbers stand in a table beneath.
#[component]
pub fn HourlyChart(
    /// The hours, oldest first.
    bars: Vec<Bar>,
) -> impl IntoView {
    let most = bars
        .iter()
        .map(|bar| (bar.sent + bar.failed).max(came_back(bar)))
        .max()
        .unwrap_or(0);
    let (accepted, sent, failed) = bars.iter().fold((0, 0, 0), |(accepted, sent, failed), bar| {
        (accepted + bar.accepted, sent + bar.sent, failed + bar.failed)
    });
    let back: u64 = bars.iter().map(came_back).sum();
    let summary = format!(
        "{accepted} messages accepted, {sent} sent and {failed} failed within 24 hours; {back} recipients bounced or complained."
    );
    let scale = match most {
        0 => "Nothing was sent in the last 24 hours".to_owned(),
        most => format!("At most {most} an hour"),
    };
    let drawn = bars
        .iter()
        .enumerate()
        .map(|(position, bar)| drawn(position, bar, most.max(1)))
        .collect_view();
    let hours = bars
        .iter()
        .step_by(LABEL_EVERY)
        .map(|bar| view! { <span>{bar.label.clone()}</span> })
        .collect_view();
    view! {
        <Card title="By hour">
            <figure>
                <figcaption class="mb-4 flex flex-wrap gap-x-5 gap-y-1 text-sm text-muted">
                    <span class="flex items-center gap-2"><span class="size-2.5 rounded-xs bg-primary"></span>"Sent"</span>
                    <span class="flex items-center gap-2"><span class="size-2.5 rounded-xs bg-error"></span>"Failed"</span>
                    <span class="flex items-center gap-2"><span class="size-2.5 rounded-xs bg-warning"></span>"Bounced or complained"</span>
                    <span class="sm:ml-auto">{scale}</span>
                </figcaption>
                <svg
                    viewBox=format!("0 0 {WIDTH} {HEIGHT}")
                    preserveAspectRatio="none"
                    class="block h-40 w-full"
                    role="img"
                    aria-label=summary
                >
                    {drawn}
                </svg>
                <div class="mt-1.5 grid grid-cols-4 text-xs text-muted" aria-hidden="true">{hours}</div>
                <details class="mt-3">
                    <summary class="cursor-pointer text-sm text-muted">"Show as a table"</summary>
                    <div class="mt-2 max-h-72 overflow-auto" tabindex="0" role="group" aria-label="Messages by hour">
                        <table class="w-full text-sm">
                            <thead>
                                <tr class="text-left text-muted">
                                    <th scope="col" class="py-1 font-normal">"Hour (UTC)"</th>
                                    <th scope="col" class="py-1 font-normal">"Accepted"</th>
                                    <th scope="col" class="py-1 font-normal">"Sent"</th>
                                    <th scope="col" class="py-1 font-normal">"Failed"</th>
                                    <th scope="col" class="py-1 font-normal">"Bounced"</th>
                                    <th scope="col" class="py-1 font-normal">"Complaints"</th>
                                </tr>
                            </thead>
                            <tbody>
                                {bars
                                    .into_iter()
                                    .rev()
                                    .map(|bar| {
                                        view! {
                                            <tr class="border-t border-base-300">
                                                <th scope="row" class="py-1 text-left font-normal">{bar.label}</th>
                                                <td>{bar.accepted}</td>
                                                <td>{bar.sent}</td>
                                                <td>{bar.failed}</td>
                                                <td>{bar.bounced}</td>
                                                <td>{bar.complained}</td>
                                            </tr>
                                        }
                                    })
                                    .collect_view()}
                            </tbody>
                        </table>
                    </div>
                </details>
            </figure>
        </Card>
    }
    .into_any()
}

/// Recipients whose mail came back.
fn came_back(bar: &Bar) -> u64 {
    bar.bounced + bar.complained
}

fn drawn(position: usize, bar: &Bar, most: u64) -> AnyView {
    const STEP: f64 = WIDTH / 24.0;
    let height = |count: u64| {
        if count == 0 {
            0.0
        } else {
            (count as f64 / most as f64 * HEIGHT).max(2.0)
        }
    };
    let (sent, failed, back) = (height(bar.sent), height(bar.failed), height(came_back(bar)));
    let (x, width) = (number(position as f64 * STEP + STEP * 0.15), number(STEP * 0.7));
    view! {
        <g>
            <title>
                {format!(
                    "{}: {} sent, {} failed, {} bounced, {} complaints",
                    bar.label,
                    bar.sent,
                    bar.failed,
                    bar.bounced,
                    bar.complained,
                )}
            </title>
            <rect x=x.clone() y="0" width=width.clone() height=number(HEIGHT) class="fill-base-200" />
            <rect x=x.clone() y=number(HEIGHT - sent) width=width.clone() height=number(sent) class="fill-primary" />
            <rect
                x=x.clone()
                y=number((HEIGHT - sent - failed).max(0.0))
                width=width.clone()
                height=number(failed)
                class="fill-error"
            />
            <rect x=x y=number(HEIGHT - back) width=width height=number(back) class="fill-warning" />
        </g>
    }
    .into_any()
}

/// A coordinate, to a tenth, written the same on server and client.
fn number(value: f64) -> String {
    format!("{value:.1}")
}
