//! Notices of Amazon SES, in their two forms: notifications of an identity ("Amazon SNS notification contents for Amazon
//! SES") and events of a configuration set ("Examples of event data that Amazon SES publishes to Amazon SNS").

use crate::answer::read_time;
use sendmux_domain::feedback::{Bounce as BounceType, Notice, NoticeKind, NoticeRecipient};
use serde::Deserialize;
use std::collections::HashMap;

/// The tag that sends carry, with our id of the message.
const MESSAGE_TAG: &str = "sendmux-message";

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Published {
    /// Of an identity.
    notification_type: Option<String>,
    /// Of a configuration set.
    event_type: Option<String>,
    mail: Mail,
    bounce: Option<Bounce>,
    complaint: Option<Complaint>,
    delivery: Option<Delivery>,
    reject: Option<Reject>,
    delivery_delay: Option<Delay>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Mail {
    message_id: String,
    #[serde(default)]
    destination: Vec<String>,
    #[serde(default)]
    tags: HashMap<String, Vec<String>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Recipient {
    email_address: String,
    status: Option<String>,
    diagnostic_code: Option<String>,
}

impl From<Recipient> for NoticeRecipient {
    fn from(recipient: Recipient) -> Self {
        Self {
            address: recipient.email_address,
            status: recipient.status,
            diagnostic: recipient.diagnostic_code,
        }
    }
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Bounce {
    bounce_type: String,
    #[serde(default)]
    bounce_sub_type: String,
    #[serde(default)]
    bounced_recipients: Vec<Recipient>,
    feedback_id: Option<String>,
    timestamp: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Complaint {
    #[serde(default)]
    complained_recipients: Vec<Recipient>,
    complaint_feedback_type: Option<String>,
    feedback_id: Option<String>,
    timestamp: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Delivery {
    #[serde(default)]
    recipients: Vec<String>,
    smtp_response: Option<String>,
    timestamp: Option<String>,
}

#[derive(Deserialize)]
struct Reject {
    reason: Option<String>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Delay {
    delay_type: Option<String>,
    #[serde(default)]
    delayed_recipients: Vec<Recipient>,
    timestamp: Option<String>,
}

/// The news of a message; none for anything else that SES publishes.
pub(super) fn read(message: &str) -> Option<Notice> {
    let published: Published = serde_json::from_str(message).ok()?;
    let word = published.event_type.or(published.notification_type)?;
    let mail = published.mail;
    let (kind, recipients, id, time) = match word.as_str() {
        "Bounce" => {
            let bounce = published.bounce?;
            let kind = NoticeKind::Bounced {
                bounce: if bounce.bounce_type == "Permanent" {
                    BounceType::Hard
                } else {
                    BounceType::Soft
                },
                detail: format!("{}/{}", bounce.bounce_type, bounce.bounce_sub_type),
            };
            (
                kind,
                notice_recipients(bounce.bounced_recipients),
                bounce.feedback_id,
                bounce.timestamp,
            )
        }
        "Complaint" => {
            let complaint = published.complaint?;
            let kind = NoticeKind::Complained {
                detail: complaint.complaint_feedback_type,
            };
            let recipients = notice_recipients(complaint.complained_recipients);
            (kind, recipients, complaint.feedback_id, complaint.timestamp)
        }
        "Delivery" => {
            let delivery = published.delivery?;
            let kind = NoticeKind::Delivered {
                detail: delivery.smtp_response,
            };
            (kind, addresses(delivery.recipients), None, delivery.timestamp)
        }
        "Reject" => {
            let kind = NoticeKind::Rejected {
                detail: published.reject?.reason,
            };
            (kind, addresses(mail.destination), None, None)
        }
        "DeliveryDelay" => {
            let delay = published.delivery_delay?;
            let kind = NoticeKind::Delayed {
                detail: delay.delay_type,
            };
            (kind, notice_recipients(delay.delayed_recipients), None, delay.timestamp)
        }
        _ => return None,
    };
    let own = id.or_else(|| time.clone()).unwrap_or_default();
    Some(Notice {
        key: format!("{}/{}/{own}", kind.event(), mail.message_id),
        kind,
        provider_message_id: mail.message_id,
        message_id: mail.tags.get(MESSAGE_TAG).and_then(|values| values.first()).cloned(),
        recipients,
        at: time.as_deref().and_then(read_time),
    })
}

fn notice_recipients(recipients: Vec<Recipient>) -> Vec<NoticeRecipient> {
    recipients.into_iter().map(NoticeRecipient::from).collect()
}

fn addresses(addresses: Vec<String>) -> Vec<NoticeRecipient> {
    addresses
        .into_iter()
        .map(|address| NoticeRecipient {
            address,
            ..NoticeRecipient::default()
        })
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use sendmux_domain::events::EventKind;
    use serde_json::json;

    /// The examples of Amazon's developer guide, shortened.
    #[test]
    fn both_forms_are_read() {
        let bounce = json!({
            "bounceType": "Permanent", "bounceSubType": "General", "feedbackId": "00000137860315fd-34208509",
            "timestamp": "2016-01-27T14:59:38.237Z",
            "bouncedRecipients": [{"emailAddress": "jane@example.com", "status": "5.1.1", "action": "failed",
                "diagnosticCode": "smtp; 550 5.1.1 <jane@example.com>... User"}],
        });
        let mail = json!({
            "messageId": "00000138111222aa-33322211-cccc", "timestamp": "2016-01-27T14:59:38.237Z",
            "destination": ["jane@example.com"], "tags": {MESSAGE_TAG: ["eml_1"], "ses:source-ip": ["1.2.3.4"]},
        });
        let of_identity = json!({"notificationType": "Bounce", "bounce": bounce, "mail": mail}).to_string();
        let of_set = json!({"eventType": "Bounce", "bounce": bounce, "mail": mail}).to_string();
        let notice = read(&of_identity).unwrap();
        assert_eq!(read(&of_set).unwrap(), notice, "told twice, it is the same");
        assert_eq!(notice.kind.event(), EventKind::MessageBounced);
        assert!(
            matches!(&notice.kind, NoticeKind::Bounced { bounce: BounceType::Hard, detail } if detail == "Permanent/General")
        );
        assert_eq!(notice.message_id.as_deref(), Some("eml_1"));
        assert_eq!(notice.recipients[0].status.as_deref(), Some("5.1.1"));
        assert_eq!(notice.at.unwrap().as_millis(), 1_453_906_778_237);
    }

    #[test]
    fn every_kind_is_told_apart() {
        let read_one = |kind: &str, name: &str, value: serde_json::Value| {
            let mail = json!({"messageId": "m", "destination": ["a@example.com"]});
            read(&json!({"eventType": kind, name: value, "mail": mail}).to_string())
        };
        let recipients = json!([{"emailAddress": "a@example.com"}]);
        for (kind, name, value, expected) in [
            (
                "Bounce",
                "bounce",
                json!({"bounceType": "Transient", "bouncedRecipients": recipients}),
                "message.bounced",
            ),
            (
                "Complaint",
                "complaint",
                json!({"complainedRecipients": recipients}),
                "message.complained",
            ),
            (
                "Delivery",
                "delivery",
                json!({"recipients": ["a@example.com"]}),
                "message.delivered",
            ),
            ("Reject", "reject", json!({"reason": "Bad content"}), "message.rejected"),
            (
                "DeliveryDelay",
                "deliveryDelay",
                json!({"delayedRecipients": recipients}),
                "message.delivery_delayed",
            ),
        ] {
            let notice = read_one(kind, name, value).unwrap();
            assert_eq!(notice.kind.event().as_str(), expected);
            assert_eq!(notice.recipients[0].address, "a@example.com");
        }
        assert!(read_one("Open", "open", json!({})).is_none());
        assert!(read_one("Bounce", "delivery", json!({})).is_none());
        assert!(read("Successfully validated SNS topic for Amazon SES event publishing.").is_none());
    }
}
