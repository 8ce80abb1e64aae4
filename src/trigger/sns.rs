//! An SNS message, delivered to the function or through SQS without raw delivery: its text is an event of its own
//! (Amazon SNS developer guide, "Fanout to Lambda functions" and "Parsing message formats").

use serde_json::Value;

use super::Recognition;

/// Reads the event where it has this shape.
pub(super) fn read(event: &Value, recognition: &mut Recognition) -> bool {
    if event["Type"] == "Notification" {
        read_message(&event["Message"], recognition);
        return true;
    }
    let is_sns = |record: &Value| record["EventSource"] == "aws:sns";
    let Some(records) = event["Records"].as_array().filter(|records| records.iter().any(is_sns)) else { return false };
    for record in records {
        read_message(&record["Sns"]["Message"], recognition);
    }
    true
}

fn read_message(message: &Value, recognition: &mut Recognition) {
    match message.as_str() {
        Some(text) => recognition.read(text),
        None => recognition.ignore("an SNS message without text"),
    }
}
