//! An SQS batch: each message's body is an event of its own (AWS Lambda developer guide, "Using Lambda with Amazon
//! SQS").

use serde_json::Value;

use super::Recognition;

/// Reads the event where it has this shape.
pub(super) fn read(event: &Value, recognition: &mut Recognition) -> bool {
    let is_sqs = |record: &Value| record["eventSource"] == "aws:sqs";
    let Some(records) = event["Records"].as_array().filter(|records| records.iter().any(is_sqs)) else { return false };
    for record in records {
        match record["body"].as_str() {
            Some(body) => recognition.read(body),
            None => recognition.ignore("an SQS message without a body"),
        }
    }
    true
}
