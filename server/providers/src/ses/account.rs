//! The account: what it may send, and the connection test.

use sendmux_rules::Class;

use super::Ready;
use super::fault::fault_of;
use crate::connector::{TestReport, TestStep};
use crate::fault::ApiFault;

/// Sending quota and usage of an SES account in its region (`GetAccount`).
#[derive(Debug, Clone, PartialEq)]
pub struct AccountQuota {
    /// Recipients in 24 hours; `None` is no limit.
    pub max_24h: Option<f64>,
    /// Recipients a second.
    pub max_rate: f64,
    /// Recipients in the last 24 hours.
    pub sent_24h: f64,
    /// It may send at all.
    pub sending_enabled: bool,
    /// It may send to anybody. Otherwise it is in SES's own sandbox, and sends to verified addresses alone.
    pub production_access: bool,
    /// `HEALTHY`, `PROBATION` or `SHUTDOWN`.
    pub enforcement_status: Option<String>,
}

impl Ready {
    pub(super) async fn quota(&self) -> Result<AccountQuota, ApiFault> {
        let account = self
            .client
            .get_account()
            .send()
            .await
            .map_err(|error| fault_of(self.kind(), &error).while_signing_in())?;
        let quota = account.send_quota();
        let max_24h = quota.map_or(0.0, |quota| quota.max24_hour_send());
        Ok(AccountQuota {
            // SES writes "no limit" as -1.
            max_24h: (max_24h >= 0.0).then_some(max_24h),
            max_rate: quota.map_or(0.0, |quota| quota.max_send_rate()),
            sent_24h: quota.map_or(0.0, |quota| quota.sent_last24_hours()),
            sending_enabled: account.sending_enabled(),
            production_access: account.production_access_enabled(),
            enforcement_status: account.enforcement_status().map(str::to_owned),
        })
    }

    pub(super) async fn probe(&self) -> TestReport {
        match self.quota().await {
            Ok(quota) => report_of(&quota, &self.settings.region),
            // Keys that may send and do nothing else are as they should be.
            Err(fault) if is_only_about_this_call(&fault) => TestReport {
                ok: true,
                steps: vec![TestStep {
                    name: "auth",
                    ok: true,
                    detail: "AWS knows the keys.".to_owned(),
                }],
                class: None,
                advice: Some(
                    "The keys may not read the account's quota, so it cannot be shown. Allow ses:GetAccount to see it."
                        .to_owned(),
                ),
            },
            Err(fault) => failed(&fault),
        }
    }
}

/// AWS names the action that a policy does not allow.
fn is_only_about_this_call(fault: &ApiFault) -> bool {
    let text = fault.outcome.reply.as_ref().map(|reply| reply.text.as_str());
    text.is_some_and(|text| text.contains("not authorized to perform: ses:GetAccount"))
}

fn report_of(quota: &AccountQuota, region: &str) -> TestReport {
    let auth = TestStep {
        name: "auth",
        ok: true,
        detail: format!("Signed in to Amazon SES in {region}."),
    };
    let limit = quota
        .max_24h
        .map_or_else(|| "any number of".to_owned(), |limit| limit.to_string());
    let mut detail = format!(
        "It may send to {limit} recipients in 24 hours, {} a second; {} in the last 24 hours.",
        quota.max_rate, quota.sent_24h
    );
    if !quota.sending_enabled {
        detail = "AWS has stopped this account's sending in this region.".to_owned();
    }
    let account = TestStep {
        name: "account",
        ok: quota.sending_enabled,
        detail,
    };
    let advice = match quota {
        AccountQuota {
            sending_enabled: false, ..
        } => Some("Look at the account's reputation in the SES console, and ask AWS to let it send again."),
        AccountQuota {
            production_access: false,
            ..
        } => Some(
            "The account is in the SES sandbox: it sends to verified addresses alone. Request production access in the SES \
             console.",
        ),
        AccountQuota {
            enforcement_status: Some(status),
            ..
        } if status == "PROBATION" => {
            Some("AWS has the account under review. Look at its reputation in the SES console.")
        }
        _ => None,
    };
    TestReport {
        ok: quota.sending_enabled,
        steps: vec![auth, account],
        class: (!quota.sending_enabled).then_some(Class::Config),
        advice: advice.map(str::to_owned),
    }
}

/// The report of a test that settings do not even allow to begin, or that AWS ended.
pub(super) fn failed(fault: &ApiFault) -> TestReport {
    let says = |words: &str| fault.to_string().contains(words);
    let advice = match (fault.outcome.class, fault.outcome.rule) {
        (_, "local.bad_settings") => "Correct the settings and test again.",
        (Class::Auth, _) if says("sts:AssumeRole") => {
            "AWS does not let these keys assume the role. Check the role's trust policy: it must name the account of the \
             keys, and the external id."
        }
        (Class::Auth, _) if says("expired") || says("not yet current") => {
            "AWS found the request's time wrong. The operator has to check the clock of the server."
        }
        (Class::Auth, _) => {
            "Check the access key id and the secret access key, and that the key is active. A policy for it must allow \
             ses:SendEmail and ses:SendRawEmail."
        }
        (Class::Throttled, _) => "AWS asks to slow down. Test again in a few minutes.",
        _ => "Amazon SES could not be reached, or is busy. Check the region, and test again in a moment.",
    };
    TestReport {
        ok: false,
        steps: vec![TestStep {
            name: "auth",
            ok: false,
            detail: format!("AWS said: {fault}."),
        }],
        class: Some(fault.outcome.class),
        advice: Some(advice.to_owned()),
    }
}

/// The report of a test that the settings do not even allow to begin.
pub(super) fn bad_settings(fault: &ApiFault) -> TestReport {
    TestReport {
        ok: false,
        steps: vec![TestStep {
            name: "settings",
            ok: false,
            detail: fault.to_string(),
        }],
        class: Some(fault.outcome.class),
        advice: Some("Correct the settings and test again.".to_owned()),
    }
}
