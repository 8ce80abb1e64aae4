//! Every file in `events/` and what the function takes it for.

#![cfg(test)]

use std::fs;
use std::path::{Path, PathBuf};

use express_deployer::trigger::{Recognition, Trigger, recognise};

use crate::rules::Dice;

#[path = "../../fuzz/recogniser.rs"]
mod recogniser;

fn events() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("events")
}

fn read(file: &str) -> Recognition {
    recognise(&fs::read_to_string(events().join(file)).unwrap())
}

fn summary(file: &str) -> String {
    let recognition = read(file);
    let triggers = recognition.triggers.iter().map(ToString::to_string);
    let ignored = recognition.ignored.iter().map(|reason| format!("ignored: {reason}"));
    let unrecognised = recognition.unrecognised.iter().map(|what| format!("not recognised: {what}"));
    triggers.chain(ignored).chain(unrecognised).collect::<Vec<_>>().join(" | ")
}

#[test]
fn every_event_file_is_recognised_for_what_it_is() {
    let mut files: Vec<String> = fs::read_dir(events())
        .unwrap()
        .map(|entry| entry.unwrap().file_name().into_string().unwrap())
        .filter(|name| Path::new(name).extension().is_some_and(|extension| extension == "json"))
        .collect();
    files.sort();
    let lines: Vec<String> = files.iter().map(|file| format!("{file}: {}", summary(file))).collect();
    insta::assert_snapshot!(lines.join("\n"));
}

#[test]
fn a_wrapped_event_is_the_same_release_as_the_bare_one() {
    let release = |file: &str| read(file).triggers.iter().map(Trigger::release).collect::<Vec<_>>();
    for (bare, wrapped) in [
        ("ecr-image-push.json", ["sqs-ecr-image-push.json", "sns-ecr-image-push.json", "sns-in-sqs.json"].as_slice()),
        ("s3-object-created.json", &["sqs-s3-object-created.json", "sns-s3-object-created.json"]),
        ("s3-notification.json", &["sqs-s3-notification.json", "sns-s3-notification.json"]),
    ] {
        let expected = release(bare);
        assert_eq!(expected.len(), 1, "{bare}");
        for file in wrapped {
            assert!(release(file).contains(&expected[0]), "{file}");
        }
    }
}

#[test]
fn the_key_of_a_notification_is_decoded() {
    let recognition = read("s3-notification.json");
    let [Trigger::Upload(upload)] = &recognition.triggers[..] else { panic!("{recognition:?}") };
    assert_eq!(upload.key, "task-definitions/express-mode-custom-td/health check (v2+).json");
}

/// A fuzzer's conditions on 100,000 events that were changed at a few places, some of them wrapped in each other.
#[test]
fn whatever_an_event_is_only_what_the_configuration_names_is_asked_for() {
    let files = [
        "ecr-image-push.json",
        "s3-object-created.json",
        "s3-notification.json",
        "sns-in-sqs.json",
        "sqs-with-a-stranger.json",
    ];
    let seeds: Vec<Vec<u8>> = files.map(|file| fs::read(events().join(file)).unwrap()).to_vec();
    let words: [&[u8]; 12] = [
        b"123456789012",
        b"999999999999",
        b"eu-west-1",
        b"billing",
        b"services/",
        b"../",
        b"\"",
        b"\\u0000",
        b"{}",
        b"[",
        b"null",
        b"sha256-",
    ];
    let mut dice = Dice(13);
    let mut triggers = 0;
    for number in 0..100_000 {
        let mut event = seeds[dice.below(seeds.len())].clone();
        for _ in 0..dice.below(4) {
            let at = dice.below(event.len());
            match dice.below(3) {
                0 => event[at] = u8::try_from(dice.below(256)).unwrap(),
                1 => drop(event.drain(at..(at + dice.below(40)).min(event.len()))),
                _ => drop(event.splice(at..at, words[dice.below(words.len())].iter().copied())),
            }
            if event.is_empty() {
                break;
            }
        }
        let mut text = String::from_utf8_lossy(&event).into_owned();
        for _ in 0..dice.below(8) * usize::from(number % 50 == 0) {
            text = serde_json::json!({"Records": [{"eventSource": "aws:sqs", "body": text}]}).to_string();
        }
        triggers += recogniser::read(text.as_bytes());
    }
    assert!(triggers > 10_000, "only {triggers} events still were triggers");
}

#[test]
fn events_cut_short_anywhere_never_fail() {
    for file in ["ecr-image-push.json", "s3-notification.json", "sns-in-sqs.json"] {
        let text = fs::read_to_string(events().join(file)).unwrap();
        for start in (0..text.len()).filter_map(|end| text.get(..end)) {
            recognise(start);
        }
    }
}

#[test]
fn events_with_any_member_gone_or_of_another_type_never_fail() {
    fn mutate(value: &serde_json::Value, with: &serde_json::Value) -> Vec<serde_json::Value> {
        let mut all = vec![with.clone()];
        match value {
            serde_json::Value::Object(members) => {
                for (key, member) in members {
                    for changed in mutate(member, with) {
                        let mut copy = members.clone();
                        copy.insert(key.clone(), changed);
                        all.push(copy.into());
                    }
                }
            }
            serde_json::Value::Array(items) => {
                for (index, item) in items.iter().enumerate() {
                    for changed in mutate(item, with) {
                        let mut copy = items.clone();
                        copy[index] = changed;
                        all.push(copy.into());
                    }
                }
            }
            _ => {}
        }
        all
    }
    for file in ["ecr-image-push.json", "s3-object-created.json", "s3-notification.json", "sns-in-sqs.json"] {
        let event: serde_json::Value = serde_json::from_str(&fs::read_to_string(events().join(file)).unwrap()).unwrap();
        for with in [
            serde_json::json!(null),
            serde_json::json!(7),
            serde_json::json!(""),
            serde_json::json!([[]]),
            serde_json::json!({}),
        ] {
            for mutated in mutate(&event, &with) {
                let recognition = recognise(&mutated.to_string());
                let reasons = recognition.ignored.len() + recognition.unrecognised.len();
                assert!(recognition.triggers.len() + reasons > 0, "{mutated}");
            }
        }
    }
}
