//! An SNS message as it lies in a queue without raw delivery, or as a person sent it on: its text is an event of its own
//! (Amazon SNS developer guide, "Parsing Amazon SNS message formats"). The record that SNS invokes a function with is
//! read elsewhere.

use serde::Deserialize;
use serde_json::Value;

use super::recognition::{shortened, typed};
use super::{NoTrigger, ignored, unrecognised};

/// As much of the message as counts: those of FIFO topics have no signature, which `aws_lambda_events` demands.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase")]
struct Message {
    #[serde(rename = "Type")]
    kind: String,
    message: String,
}

/// The text of a notification.
pub(super) fn message(event: &Value) -> Result<String, NoTrigger> {
    let Message { kind, message } = typed(event, "an SNS message")?;
    match kind.as_str() {
        "Notification" => Ok(message),
        "SubscriptionConfirmation" | "UnsubscribeConfirmation" => {
            ignored(format!("an SNS message `{kind}`: a subscription is confirmed in the console or with its URL"))
        }
        _ => unrecognised(format!("an SNS message of type `{}`", shortened(&kind))),
    }
}
