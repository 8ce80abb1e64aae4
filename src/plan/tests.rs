//! What pushes and uploads come to.

use super::ask::pushed_reference;
use super::*;
use crate::config::Logs;
use crate::image::registry_host;
use crate::trigger::Trigger;
use crate::validate::Severity;

const CONFIG: &str = include_str!("../../deployer.example.toml");
const LIVE: &[u8] = include_bytes!("../../events/task-definitions/firelens.json");

fn request(event: &str) -> Request {
    let config = Config::parse(CONFIG).unwrap();
    let trigger = crate::trigger::recognise(event).triggers.remove(0);
    Request::of(&config, &config.services[0], trigger)
}

fn push() -> Request {
    request(include_str!("../../events/ecr-image-push.json"))
}

fn upload() -> Request {
    request(include_str!("../../events/s3-object-created.json"))
}

fn pushed_digest() -> Digest {
    match push().trigger {
        Trigger::ImagePush(push) => push.digest,
        Trigger::Upload(_) => unreachable!(),
    }
}

fn found(digest: Digest, architecture: &str) -> ImageEvidence {
    let platform = Platform { os: "linux".into(), architecture: architecture.into() };
    ImageEvidence::Found { tag_digest: Some(digest.clone()), digest, content: ImageContent::Platforms(vec![platform]) }
}

fn live() -> Live {
    let definition = TaskDefinition::parse(LIVE).unwrap();
    Live { task_definition_arn: "arn:task-definition/web:5".into(), definition, serving: None }
}

/// What a push comes to whose image the registry knows so.
fn ask_push(request: &Request, image: ImageEvidence) -> Asked {
    let Trigger::ImagePush(push) = &request.trigger else { unreachable!() };
    ask(request, &live(), &Inputs::Push(push.clone(), image))
}

/// What an upload comes to.
fn ask_upload(request: &Request, live: &Live, document: Uploaded, image: ImageEvidence) -> Asked {
    let Trigger::Upload(upload) = &request.trigger else { unreachable!() };
    ask(request, live, &Inputs::Upload(upload.clone(), document, image))
}

fn unread() -> ImageEvidence {
    ImageEvidence::Unread("x".into())
}

fn uploaded(text: &[u8]) -> Uploaded {
    TaskDefinition::parse(text).map_or_else(Uploaded::Unreadable, Uploaded::Document)
}

fn rejected(asked: Asked) -> Vec<String> {
    match asked {
        Asked::Rejected(draft) => {
            let errors = draft.findings.into_iter().filter(|finding| finding.severity == Severity::Error);
            errors.map(|finding| finding.rule.to_string()).collect()
        }
        other => panic!("{other:?}"),
    }
}

#[test]
fn a_push_changes_the_image_and_nothing_else() {
    let asked = ask_push(&push(), found(pushed_digest(), "arm64"));
    let Asked::Draft(draft) = asked else { panic!("{asked:?}") };
    assert_eq!(draft.outline.changes.len(), 1, "{:?}", draft.outline.changes);
    assert!(draft.outline.image.unwrap().after.ends_with(pushed_digest().as_str()));
    assert!(matches!(draft.logs.new, Expectation::Logs(_)));
}

#[test]
fn a_tag_that_has_moved_on_is_superseded() {
    let image = match found(pushed_digest(), "arm64") {
        ImageEvidence::Found { digest, content, .. } => {
            ImageEvidence::Found { digest, content, tag_digest: Some(Digest::of(b"newer")) }
        }
        other => other,
    };
    assert!(matches!(ask_push(&push(), image), Asked::Replaced(reason) if reason.contains("v6")));
}

#[test]
fn an_image_that_is_missing_or_none_or_for_another_platform_is_rejected() {
    let digest = pushed_digest;
    let tag_digest = Some(digest());
    let holds = |content| ImageEvidence::Found { digest: digest(), tag_digest: tag_digest.clone(), content };
    let chart = holds(ImageContent::Artifact("it is a chart".into()));
    let broken = holds(ImageContent::Broken("its manifest nests more than 64 deep".into()));
    assert_eq!(rejected(ask_push(&push(), ImageEvidence::Missing)), ["absent-image"]);
    assert_eq!(rejected(ask_push(&push(), broken)), ["not-an-image"]);
    assert!(matches!(ask_push(&push(), chart), Asked::NoImage(reason) if reason.contains("a chart")));
    assert_eq!(rejected(ask_push(&push(), found(digest(), "amd64"))), ["mismatched-architecture"]);
}

#[test]
fn rules_can_be_allowed_and_denied() {
    let mut request = push();
    request.service.rules.allow.push("mismatched-architecture".to_owned());
    assert!(matches!(ask_push(&request, found(pushed_digest(), "amd64")), Asked::Draft(_)));

    let slow = || found(pushed_digest(), "arm64");
    let mut request = push();
    request.service.verify.timeout = 45; // The definition uploads every 30 s.
    request.service.rules.deny.clear();
    let is_warned = |draft: &Draft| draft.outline.findings.iter().any(|finding| finding.rule == "late-log-upload");
    assert!(matches!(ask_push(&request, slow()), Asked::Draft(draft) if is_warned(&draft)));
    request.service.rules.deny.push("late-log-upload".to_owned());
    assert_eq!(rejected(ask_push(&request, slow())), ["late-log-upload"]);
}

#[test]
fn an_upload_that_is_gone_or_unreadable_is_rejected() {
    assert_eq!(rejected(ask_upload(&upload(), &live(), Uploaded::Gone, unread())), ["missing-document"]);
    let asked = ask_upload(&upload(), &live(), uploaded(b"{"), unread());
    assert_eq!(rejected(asked), ["unreadable-document"]);
}

#[test]
fn an_upload_is_pinned_and_keeps_the_live_tags() {
    let mut live = live();
    live.definition.set_tag("team", "shop");
    let document = uploaded(include_bytes!("../../events/task-definitions/plain-arm64.json"));
    let mut request = upload();
    request.service.rules.allow.push("lost-proof".to_owned());
    let asked = ask_upload(&request, &live, document, found(pushed_digest(), "arm64"));
    let Asked::Draft(draft) = asked else { panic!("not released") };
    assert!(draft.definition.to_json().contains(r#"{"key":"team","value":"shop"}"#));
    assert!(draft.outline.image.unwrap().after.ends_with(pushed_digest().as_str()));
}

#[test]
fn an_upload_of_what_is_live_is_no_change() {
    let asked = ask_upload(&upload(), &live(), uploaded(LIVE), unread());
    assert_eq!(asked, Asked::Live("arn:task-definition/web:5".into()));
}

#[test]
fn a_replaced_upload_is_superseded_and_a_foreign_push_rejected() {
    assert!(matches!(ask_upload(&upload(), &live(), Uploaded::Replaced, unread()), Asked::Replaced(_)));
    let event = include_str!("../../events/ecr-image-push.json").replace("123456789012", "999999999999");
    let request = request(&event);
    let Trigger::ImagePush(push) = &request.trigger else { unreachable!() };
    let Asked::Rejected(outline) = ask(&request, &live(), &Inputs::ForeignPush(push.clone())) else { panic!() };
    let [finding] = &outline.findings[..] else { panic!("{outline:?}") };
    assert_eq!(finding.rule, "foreign-registry");
    let line = "repository = \"999999999999.dkr.ecr.ap-northeast-1.amazonaws.com/express-mode-custom-td\"";
    assert!(finding.help.contains(line), "{}", finding.help);
}

#[test]
fn a_rollback_goes_back_to_what_serves_not_to_what_was_on_its_way() {
    let (request, image) = (push(), found(pushed_digest(), "arm64"));
    let Trigger::ImagePush(push) = &request.trigger else { unreachable!() };
    let live = Live { serving: Some("arn:task-definition/web:4".into()), ..live() };
    let asked = ask(&request, &live, &Inputs::Push(push.clone(), image));
    let Asked::Draft(draft) = asked else { panic!("not released") };
    assert_eq!(draft.outline.previous, "arn:task-definition/web:4");
}

#[test]
fn required_logs_that_cannot_be_verified_are_rejected() {
    let mut request = upload();
    request.service.verify.logs = Logs::Required;
    let document = uploaded(include_bytes!("../../events/task-definitions/plain-arm64.json"));
    let asked = ask_upload(&request, &live(), document, found(pushed_digest(), "arm64"));
    assert_eq!(rejected(asked), ["required-logs"]);
}

#[test]
fn the_live_registry_host_is_kept() {
    let Trigger::ImagePush(push) = push().trigger else { unreachable!() };
    let dual = "123456789012.dkr-ecr.ap-northeast-1.on.aws/express-mode-custom-td:old";
    assert!(
        pushed_reference(&push, Some(dual))
            .starts_with("123456789012.dkr-ecr.ap-northeast-1.on.aws/express-mode-custom-td@sha256:")
    );
    let moved = pushed_reference(&push, Some("public.ecr.aws/x/y:1"));
    assert!(moved.starts_with("123456789012.dkr.ecr.ap-northeast-1.amazonaws.com/express-mode-custom-td@sha256:"));
    assert_eq!(registry_host("1", "cn-north-1"), "1.dkr.ecr.cn-north-1.amazonaws.com.cn");
}
