//! What events are recognised for, and how they are ordered.

use release_protocol::Order as _;

use super::*;

fn reasons(event: &str) -> Vec<Text> {
    let recognition = recognise(event);
    assert_eq!((&recognition.triggers[..], &recognition.ignored[..]), (&[][..], &[][..]), "{event}");
    recognition.unrecognised
}

#[test]
fn unknown_events_are_named_and_never_fail() {
    assert_eq!(reasons("17"), ["an event of unknown shape: a number"]);
    assert_eq!(reasons(r#"{"hello":1}"#), ["an event of unknown shape, with `hello`"]);
    assert_eq!(
        reasons(r#"{"source":"aws.ec2","detail-type":"EC2 Instance State-change Notification","detail":{}}"#),
        ["an EventBridge event of another kind: `EC2 Instance State-change Notification` from `aws.ec2`"]
    );
    assert_eq!(
        reasons(r#"{"source":"aws.ec2","detail-type":"x"}"#),
        ["an EventBridge event with a missing field `detail`"]
    );
    assert_eq!(reasons(r#"{"Records":[]}"#), ["a batch without records"]);
    assert_eq!(reasons("[]"), ["an event of unknown shape: an array"]);
    assert_eq!(reasons(r#"{"Records":[{"eventSource":"aws:kinesis"}]}"#), ["a record of `aws:kinesis`"]);
    assert!(reasons("{").concat().starts_with("an event that is not readable JSON"));
    assert!(reasons(&("[".repeat(10_000) + &"]".repeat(10_000))).concat().contains("recursion limit"));
    assert!(reasons(&" ".repeat(MAX_EVENT + 1)).concat().contains("at most"));
}

#[test]
fn the_same_event_is_the_same_release_and_orders_are_total() {
    let upload = |sequencer: &str| {
        Trigger::Upload(Upload {
            at: "2026-11-23T10:00:00Z".parse().unwrap(),
            region: "eu-west-1".into(),
            bucket: "b".into(),
            key: "k".into(),
            version: None,
            etag: None,
            sequencer: sequencer.into(),
        })
    };
    assert_eq!(upload("FF").release(), upload("FF").release());
    assert_ne!(upload("FF").release(), upload("100").release());
    let order = |trigger: &Trigger| trigger.order(trigger.at(), false);
    let (first, second) = (order(&upload("FF")), order(&upload("100")));
    assert!(second.is_newer_than(&first) && !first.is_newer_than(&second), "the shorter sequencer is padded");
    assert!(upload("FF").release().as_str().starts_with("20261123T100000Z-"));
}

#[test]
fn of_two_pushes_of_one_tag_within_a_second_the_registry_decides_and_of_others_the_event() {
    let push = |event: &str, tag: &str| {
        Trigger::ImagePush(ImagePush {
            event: event.into(),
            at: "2026-11-23T10:00:00Z".parse().unwrap(),
            account: "123456789012".into(),
            region: "eu-west-1".into(),
            repository: "web".into(),
            tag: tag.into(),
            digest: Digest::of(event.as_bytes()),
        })
    };
    let order = |event: &str, tag: &str, is_current| push(event, tag).order(push(event, tag).at(), is_current);
    assert!(order("a", "v1", true).is_newer_than(&order("b", "v1", false)), "the tag points to the first");
    assert!(!order("b", "v1", false).is_newer_than(&order("a", "v1", true)));
    assert!(order("b", "v2", true).is_newer_than(&order("a", "v1", true)), "two tags: the event's id");
    assert!(!order("a", "v1", true).is_newer_than(&order("b", "v2", false)));
    assert_eq!(order("a", "v1", true), order("a", "v1", false), "an event is the same whatever its tag");
    let mut twice = push("b", "v1");
    if let (Trigger::ImagePush(twice), Trigger::ImagePush(first)) = (&mut twice, push("a", "v1")) {
        twice.digest = first.digest;
    }
    let twice = |is_current| twice.order(twice.at(), is_current);
    assert!(twice(true).is_newer_than(&order("a", "v1", false)), "one digest twice: the event's id");
    assert!(!order("a", "v1", true).is_newer_than(&twice(false)), "and the same for everybody");
}

const PUSH: &str = include_str!("../../events/ecr-image-push.json");

fn push_with(member: &str, value: &str) -> String {
    let mut event: serde_json::Value = serde_json::from_str(PUSH).unwrap();
    event["detail"][member] = value.into();
    event.to_string()
}

#[test]
fn what_is_not_an_image_is_ignored_by_its_event() {
    let hex = "a".repeat(64);
    let ignored = |event: &str| {
        let recognition = recognise(event);
        assert_eq!(recognition.triggers.len() + recognition.unrecognised.len(), 0, "{event}");
        recognition.ignored.concat()
    };
    for suffix in ["", ".sig", ".att", ".sbom", "-x"] {
        let tag = format!("sha256-{hex}{suffix}");
        assert!(ignored(&push_with("image-tag", &tag)).contains("belongs to another image"), "{tag}");
    }
    let chart = "application/vnd.cncf.helm.config.v1+json";
    assert!(ignored(&push_with("artifact-media-type", chart)).contains(chart));
    let image = recognise(&push_with("artifact-media-type", "application/vnd.oci.image.config.v1+json"));
    assert_eq!(image.triggers.len(), 1);
    assert_eq!(recognise(&push_with("image-tag", &format!("sha256-{}", "a".repeat(63)))).triggers.len(), 1);
}

#[test]
fn messages_nest_five_deep_and_not_deeper() {
    let mut event = PUSH.to_owned();
    for depth in 1..=6 {
        event = serde_json::to_string(&event).unwrap();
        let recognition = recognise(&event);
        assert_eq!(
            (recognition.triggers.len(), recognition.unrecognised.len()),
            if depth <= 5 { (1, 0) } else { (0, 1) }
        );
    }
}

#[test]
fn an_odd_record_costs_its_neighbours_nothing() {
    let batch: serde_json::Value = serde_json::from_str(include_str!("../../events/sqs-ecr-image-push.json")).unwrap();
    let record = &batch["Records"][0];
    let mut odd = record.clone();
    odd["attributes"] = 7.into();
    let batch = serde_json::json!({"Records": [odd, record, {"eventSource": "aws:dynamodb"}, 7]});
    let recognition = recognise(&batch.to_string());
    assert_eq!(recognition.triggers.len(), 1);
    assert_eq!(recognition.unrecognised.len(), 3, "{recognition:?}");
    let pipe = serde_json::json!([record, record]);
    assert_eq!(recognise(&pipe.to_string()).triggers.len(), 2, "EventBridge Pipes deliver bare arrays");
}

#[test]
fn messages_of_sns_that_are_no_notifications_are_ignored_and_those_of_fifo_topics_read() {
    let message = |kind: &str| {
        serde_json::json!({"Type": kind, "MessageId": "m", "TopicArn": "arn:aws:sns:r:1:t", "Message": PUSH})
            .to_string()
    };
    assert_eq!(recognise(&message("Notification")).triggers.len(), 1);
    for kind in ["SubscriptionConfirmation", "UnsubscribeConfirmation"] {
        assert!(recognise(&message(kind)).ignored.concat().contains(kind));
    }
}

#[test]
fn a_key_with_control_characters_is_refused_and_other_odd_keys_stand_as_they_are() {
    let with_key = |key: &str| {
        let text = include_str!("../../events/s3-object-created.json");
        let mut event: serde_json::Value = serde_json::from_str(text).unwrap();
        event["detail"]["object"]["key"] = key.into();
        recognise(&event.to_string())
    };
    assert!(with_key("task-definitions/a\nb.json").ignored.concat().contains("control characters"));
    let odd = "task-definitions/express-mode-custom-td/100%25 カナリア+v2 %20.json";
    assert!(matches!(&with_key(odd).triggers[..], [Trigger::Upload(upload)] if upload.key == odd));
}
