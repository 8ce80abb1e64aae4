//! Finding the triggers in an event's JSON text, through everything that it may be wrapped in. It never fails: what is
//! not a trigger is a reason.

use aws_lambda_events::s3::S3EventRecord;
use aws_lambda_events::sns::SnsRecord;
use aws_lambda_events::sqs::SqsMessage;
use serde::Deserialize;
use serde_json::{Map, Value};

use super::{NoTrigger, Trigger, event_bridge, s3_notification, sns, unrecognised};
use crate::text::Text;

/// The largest event that is read, in bytes: what an asynchronous invocation can carry (AWS Lambda quotas).
pub const MAX_EVENT: usize = 1024 * 1024;

/// How deep messages may lie inside messages: SNS inside SQS is two.
const MAX_WRAPPINGS: u32 = 5;

/// The triggers that are kept of one event.
const MAX_PARTS: usize = 100;

/// The reasons of either kind that are kept of one event: together they are recorded as the result of a step.
const MAX_REASONS: usize = 20;

/// What an event turned out to carry.
#[derive(Debug, Default)]
pub struct Recognition {
    /// The triggers, in the event's order.
    pub triggers: Vec<Trigger>,
    /// Why parts of the event are not triggers although they are known for what they are.
    pub ignored: Vec<Text>,
    /// Parts that are not known at all, or not as they should be: what came.
    pub unrecognised: Vec<Text>,
    depth: u32,
}

/// Finds the triggers in an event's JSON text.
pub fn recognise(event: &str) -> Recognition {
    let mut recognition = Recognition::default();
    recognition.read_text(event);
    recognition
}

impl Recognition {
    fn read_text(&mut self, event: &str) {
        if event.len() > MAX_EVENT {
            return self.refuse(format!("an event of {} bytes; at most {MAX_EVENT} are read", event.len()));
        }
        match serde_json::from_str::<Value>(event) {
            Ok(event) => self.read(&event),
            Err(error) => self.refuse(format!("an event that is not readable JSON ({error})")),
        }
    }

    fn read(&mut self, event: &Value) {
        match event {
            // A body that was encoded twice.
            Value::String(text) => self.unwrap_text(text),
            // EventBridge Pipes deliver a batch without an envelope.
            Value::Array(items) if !items.is_empty() => {
                for item in items {
                    self.unwrap(|inner| inner.read(item));
                }
            }
            Value::Object(members) => self.read_object(event, members),
            other => self.refuse(format!("an event of unknown shape: {}", crate::task_definition::kind(other))),
        }
    }

    fn read_object(&mut self, event: &Value, members: &Map<String, Value>) {
        if let Some(records) = members.get("Records") {
            match records.as_array().filter(|records| !records.is_empty()) {
                Some(records) => records.iter().for_each(|record| self.read_record(record)),
                None => self.refuse("a batch without records"),
            }
        } else if members.contains_key("eventSource") || members.contains_key("EventSource") {
            self.read_record(event);
        } else if members.contains_key("detail-type") {
            let read = event_bridge::read(event);
            self.settle(read);
        } else if members.get("Event").and_then(Value::as_str) == Some("s3:TestEvent") {
            self.ignore("the test event that S3 sends when a notification is set up");
        } else if members.contains_key("TopicArn") && members.contains_key("Type") {
            self.open(sns::message(event));
        } else {
            self.refuse(describe_unknown(members));
        }
    }

    /// Reads a record of a batch, which stands for itself: whatever is wrong with it, its neighbours are read.
    fn read_record(&mut self, record: &Value) {
        let source = record.get("eventSource").or_else(|| record.get("EventSource")).and_then(Value::as_str);
        match source {
            Some("aws:s3") => {
                self.settle(typed::<S3EventRecord>(record, "an S3 notification").and_then(s3_notification::read));
            }
            Some("aws:sqs") => self
                .open(typed::<SqsMessage>(record, "an SQS message").and_then(|message| {
                    message.body.map_or_else(|| unrecognised("an SQS message without `body`"), Ok)
                })),
            Some("aws:sns") => self.open(typed::<SnsRecord>(record, "an SNS record").map(|record| record.sns.message)),
            Some(other) => self.refuse(format!("a record of `{}`", shortened(other))),
            None => self.refuse("a record that does not say what sent it"),
        }
    }

    /// Reads what a message carries, or keeps the reason why it carries nothing.
    fn open(&mut self, message: Result<String, NoTrigger>) {
        match message {
            Ok(text) => self.unwrap_text(&text),
            Err(reason) => self.settle(Err(reason)),
        }
    }

    /// Reads an event that lies inside another one, as text.
    fn unwrap_text(&mut self, text: &str) {
        self.unwrap(|inner| inner.read_text(text));
    }

    fn unwrap(&mut self, read: impl FnOnce(&mut Self)) {
        if self.depth >= MAX_WRAPPINGS {
            return self.refuse(format!("messages nested more than {MAX_WRAPPINGS} deep"));
        }
        self.depth += 1;
        read(self);
        self.depth -= 1;
    }

    /// Adds a trigger, or the reason why there is none.
    fn settle(&mut self, read: Result<Trigger, NoTrigger>) {
        match read {
            Ok(trigger) if self.triggers.len() < MAX_PARTS => self.triggers.push(trigger),
            Ok(trigger) => self.refuse(format!("the {trigger}, as more than {MAX_PARTS} triggers came in one event")),
            Err(NoTrigger::Ignored(reason)) => self.ignore(reason),
            Err(NoTrigger::Unrecognised(what)) => self.refuse(what),
        }
    }

    fn ignore(&mut self, reason: impl Into<Text>) {
        if self.ignored.len() < MAX_REASONS {
            self.ignored.push(reason.into());
        }
    }

    fn refuse(&mut self, what: impl Into<Text>) {
        if self.unrecognised.len() < MAX_REASONS {
            self.unrecognised.push(what.into());
        }
    }
}

/// One record or envelope as its type. What is wrong with it is said without its values.
pub(super) fn typed<'v, T: Deserialize<'v>>(value: &'v Value, kind: &str) -> Result<T, NoTrigger> {
    T::deserialize(value).or_else(|error| {
        let text = error.to_string();
        match (text.starts_with("missing field"), text.rsplit_once(", expected ")) {
            (true, _) => unrecognised(format!("{kind} with a {}", shortened(&text))),
            (false, Some((_, expected))) => {
                unrecognised(format!("{kind} with a member that should be {}", shortened(expected)))
            }
            (false, None) => unrecognised(format!("{kind} with a member that cannot be read")),
        }
    })
}

/// The beginning of a text that somebody else wrote, fit for a sentence.
pub(super) fn shortened(text: &str) -> String {
    text.chars().take(60).map(|c| if c.is_control() { ' ' } else { c }).collect()
}

/// Names an event that has none of the shapes, without repeating its content.
fn describe_unknown(members: &Map<String, Value>) -> String {
    let names: Vec<String> = members.keys().take(5).map(|name| format!("`{}`", shortened(name))).collect();
    let names = if names.is_empty() { "no members".to_owned() } else { names.join(", ") };
    format!("an event of unknown shape, with {names}")
}
