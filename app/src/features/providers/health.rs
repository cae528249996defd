//! Health of a provider: why it takes nothing now, when it does again, and how much of its caps is used.

use super::caps::CapBar;
use super::model::ProviderItem;
use crate::components::{Card, Countdown, Icon, Time, icon};
use leptos::prelude::*;

/// Says in full why a provider is out of rotation; nothing while it is in.
#[component]
pub fn HealthNotice(
    /// The provider.
    provider: ProviderItem,
) -> impl IntoView {
    match (provider.state.as_str(), provider.block) {
        ("blocked", Some(block)) => {
            let comes_back = match block.until {
                Some(at) if provider.managed => view! {
                    <p class="mt-1">"It comes back by itself " <Countdown at /> ", for all teams of this installation."</p>
                }
                .into_any(),
                None if provider.managed => view! {
                    <p class="mt-1">"The operator of this installation has to put it back; all teams share its account."</p>
                }
                .into_any(),
                Some(at) => view! {
                    <p class="mt-1">
                        "It comes back by itself " <Countdown at />
                        ", with a clean record. “Use again now” puts it back at once."
                    </p>
                }
                .into_any(),
                None => view! {
                    <p class="mt-1">
                        "It does not come back by itself: correct the settings and press “Test”, or press “Use again now”."
                    </p>
                }
                .into_any(),
            };
            Some(
                view! {
                    <div class="notice tone-error" data-block>
                        {icon(Icon::Ban, "mt-0.5 size-4 shrink-0")}
                        <div class="min-w-0 flex-1">
                            <p class="font-medium">"Pulled from rotation " <Time at=block.since /> ". " {block.fault} "."</p>
                            <p class="mt-1 break-words">{block.cause}</p>
                            {comes_back}
                        </div>
                    </div>
                }
                .into_any(),
            )
        }
        (state @ ("paused" | "full"), _) => {
            let glyph = if state == "paused" { Icon::Pause } else { Icon::Clock };
            Some(
                view! {
                    <div class="notice tone-warning" data-hold=state.to_owned()>
                        {icon(glyph, "mt-0.5 size-4 shrink-0")}
                        <p>
                            {provider.reason}
                            {provider.until.map(|at| view! { <span>" It goes on " <Countdown at /> "."</span> })}
                        </p>
                    </div>
                }
                .into_any(),
            )
        }
        _ => None,
    }
}

/// Use of a provider's caps, window by window.
#[component]
pub fn UsageCard(
    /// The provider.
    provider: ProviderItem,
) -> impl IntoView {
    let lead = if provider.caps_count == "recipients" {
        "Recipients, against its caps. The day begins at 00:00 UTC."
    } else {
        "Messages, against its caps."
    };
    view! {
        <Card title="Usage now" lead>
            <dl class="-my-2 divide-y divide-base-300">
                {provider
                    .caps
                    .into_iter()
                    .map(|cap| {
                        let (window, label) = (cap.window.clone(), cap.label.clone());
                        view! {
                            <div class="flex items-center justify-between gap-4 py-2 text-sm" data-usage=window>
                                <dt class="text-muted">{label}</dt>
                                <dd class="min-w-0 basis-44"><CapBar cap /></dd>
                            </div>
                        }
                    })
                    .collect_view()}
            </dl>
        </Card>
    }
    .into_any()
}
