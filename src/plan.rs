//! The plan: from a trigger, the live service, the image or document and the head, what a release will do, if anything.
//! Everything it looks at has been read before. Pure: no I/O.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use release_protocol::plan::Wish;

use crate::config::{Config, Logs, Service};
use crate::image::{Digest, ImageRef, Platform};
use crate::task_definition::{READ_ONLY, TaskDefinition, Unreadable};
use crate::trigger::{ImagePush, Order, ReleaseId, Trigger, Upload};
use crate::validate::{self, Finding, Origin, Subject};
use crate::verify::{self, Expectation, S3Output};

mod findings;
mod service_state;

use findings::{family_changed, foreign_registry, gone, image_findings, not_pinned, untagged_image, unverifiable};
pub use service_state::{Desired, ListedDeployment, ServiceState, desired, serving};

/// One service that one trigger concerns. It is recorded with the release: a later configuration does not change a running release.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Request {
    /// The service and how it is released.
    pub service: Service,
    /// Where heads and reports live.
    pub state_bucket: String,
    /// What happened.
    pub trigger: Trigger,
    /// The time that counts: the event's, or that of its arrival where the event's lies well ahead of the clock.
    pub at: Timestamp,
    /// The metered operations of the execution that this release may use.
    pub share: u32,
}

impl Request {
    /// The request for the nth service of a configuration, which has its execution for itself.
    pub fn of(config: &Config, index: usize, trigger: Trigger) -> Self {
        let (service, state_bucket) = (config.services[index].clone(), config.state_bucket.clone());
        Self { service, state_bucket, at: trigger.at(), trigger, share: MAX_OPERATIONS }
    }

    /// The release's place in the order.
    pub fn order(&self, tag_is_current: bool) -> Order {
        self.trigger.order(self.at, tag_is_current)
    }

    /// Whether the event's time lies so far ahead of the clock that it does not count.
    pub fn is_ahead(&self) -> bool {
        self.at != self.trigger.at()
    }

    /// The release's id.
    pub fn release(&self) -> ReleaseId {
        self.trigger.release()
    }
}

/// The operations of one execution that Lambda allows (AWS Lambda developer guide, quotas of durable functions).
pub const MAX_OPERATIONS: u32 = 3_000;

/// Everything that was read for a plan.
#[derive(Clone, Debug)]
pub struct Situation {
    /// What the service is heading to.
    pub live: Live,
    /// The uploaded document, for an upload.
    pub document: Option<Uploaded>,
    /// The image that the container is to run.
    pub image: ImageEvidence,
}

/// The task definition that the service runs, or is on its way to.
#[derive(Clone, Debug)]
pub struct Live {
    /// Its ARN.
    pub task_definition_arn: String,
    /// It, ready to be registered again: read-only members gone, tags carried over.
    pub definition: TaskDefinition,
    /// What serves while that is still on its way.
    pub serving: Option<String>,
}

/// What became of an uploaded document.
#[derive(Clone, Debug, PartialEq)]
pub enum Uploaded {
    /// It is there.
    Document(TaskDefinition),
    /// It is not a task definition.
    Unreadable(Unreadable),
    /// A later upload took its place, in a bucket without versions.
    Replaced,
    /// It was deleted.
    Gone,
}

/// What the registry says about an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ImageEvidence {
    /// It is there.
    Found {
        /// The digest that pins it.
        digest: Digest,
        /// What the tag points to by now; `None` when the tag is gone or there is none.
        tag_digest: Option<Digest>,
        /// The platforms it has, or why it is not an image.
        content: Result<Vec<Platform>, String>,
    },
    /// The registry does not have it.
    Missing,
    /// It was not looked at: the reason.
    Unread(String),
}

/// What an event asks for, beside what the service heads to.
#[derive(Clone, Debug, PartialEq)]
pub enum Asked {
    /// Something else: the draft of it.
    Draft(Box<Draft>),
    /// What the service heads to: that task definition.
    Live(String),
    /// Something that was replaced where it lay: the reason.
    Replaced(String),
    /// What was pushed is not an image: the reason.
    NoImage(String),
    /// Something that cannot be deployed: the draft has errors.
    Rejected(Box<Draft>),
}

impl Asked {
    /// What that is to the release protocol.
    pub fn wish(&self) -> Wish {
        match self {
            Self::Draft(_) => Wish::Unmet,
            Self::Live(_) => Wish::Met,
            Self::Replaced(_) => Wish::Replaced,
            Self::NoImage(_) => Wish::NoImage,
            Self::Rejected(_) => Wish::Undeployable,
        }
    }
}

/// The image of the container that the release is about.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct ImageChange {
    /// The container.
    pub container: String,
    /// The image that was live.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<String>,
    /// The image of the new revision.
    pub after: String,
    /// The tag that was pushed or resolved.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub tag: Option<String>,
}

/// The next task definition and what is known about it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Draft {
    /// The document; empty when it is rejected. It is not recorded with the release: it may hold what nobody should see.
    #[serde(skip)]
    pub definition: TaskDefinition,
    /// The task definition that it stands on: what the service heads to.
    pub base: String,
    /// What serves now.
    pub previous: String,
    /// The container's image, before and after.
    pub image: Option<ImageChange>,
    /// Where the document differs from the live one.
    pub changes: Vec<String>,
    /// What the checks found.
    pub findings: Vec<Finding>,
    /// What logs to look for.
    pub logs: Expectation,
    /// Where the live revision logs, when the new one's logs are compared with its own.
    #[serde(default)]
    pub previous_logs: Vec<S3Output>,
}

/// The places of difference that are shown.
const MAX_CHANGES: usize = 50;

/// The findings that are kept, the worst ones first.
const MAX_FINDINGS: usize = 100;

/// Holds what an event asks for against what was read.
pub fn ask(request: &Request, situation: &Situation) -> Asked {
    match &request.trigger {
        Trigger::ImagePush(push) => ask_push(request, push, situation),
        Trigger::Upload(upload) => ask_upload(request, upload, situation),
    }
}

/// Whether the pushed tag points to the pushed digest in the registry; false for an upload.
pub fn tag_is_current(request: &Request, situation: &Situation) -> bool {
    let Trigger::ImagePush(push) = &request.trigger else { return false };
    matches!(&situation.image, ImageEvidence::Found { tag_digest: Some(now), .. } if *now == push.digest)
}

fn ask_push(request: &Request, push: &ImagePush, situation: &Situation) -> Asked {
    let (container, live) = (request.service.container.as_str(), &situation.live);
    if let ImageEvidence::Found { tag_digest: Some(now), .. } = &situation.image
        && *now != push.digest
    {
        return Asked::Replaced(format!("the tag {} points to {} by now", push.tag, now.short()));
    }
    if let ImageEvidence::Found { content: Err(reason), .. } = &situation.image {
        return Asked::NoImage(format!(
            "what was pushed as {}:{} is not an image: {reason}",
            push.repository, push.tag
        ));
    }
    let untagged = matches!(situation.image, ImageEvidence::Found { tag_digest: None, .. });
    let before = live.definition.container(container).and_then(|container| container.image());
    let after = pushed_reference(push, before);
    let foreign = is_foreign(push, request, before).then(|| foreign_registry(&live.definition, container, push));
    if !untagged && before.is_some_and(|before| is_same_image(before, &after)) {
        return Asked::Live(live.task_definition_arn.clone());
    }
    let image = ImageChange {
        container: container.to_owned(),
        before: before.map(str::to_owned),
        after: after.clone(),
        tag: Some(push.tag.clone()),
    };
    let definition = live.definition.with_image(container, &after).unwrap_or_else(|| live.definition.clone());
    let gone = untagged.then(|| untagged_image(&live.definition, container, push));
    decide(request, situation, Origin::Live, definition, Some(image), foreign.into_iter().chain(gone).collect())
}

fn ask_upload(request: &Request, upload: &Upload, situation: &Situation) -> Asked {
    let (container, live) = (request.service.container.as_str(), &situation.live);
    let mut findings = Vec::new();
    let mut definition = match &situation.document {
        Some(Uploaded::Document(document)) => document.clone(),
        Some(Uploaded::Unreadable(unreadable)) => {
            findings.push(validate::unreadable(unreadable));
            return reject_unreadable(live, findings);
        }
        Some(Uploaded::Replaced) => {
            return Asked::Replaced("a later upload took the place of this document".to_owned());
        }
        Some(Uploaded::Gone) | None => {
            findings.push(gone(upload));
            return reject_unreadable(live, findings);
        }
    };
    let written = definition.container(container).and_then(|container| container.image()).map(str::to_owned);
    let mut image = None;
    if let Some(written) = written {
        let reference = ImageRef::parse(&written);
        let (after, tag) = match &situation.image {
            ImageEvidence::Found { digest, .. } => (reference.pinned(digest), reference.tag.map(str::to_owned)),
            ImageEvidence::Missing => (written.clone(), None),
            ImageEvidence::Unread(reason) => {
                findings.push(not_pinned(&definition, container, reason));
                (written.clone(), None)
            }
        };
        definition = definition.with_image(container, &after).unwrap_or(definition);
        let before = live.definition.container(container).and_then(|container| container.image()).map(str::to_owned);
        image = Some(ImageChange { container: container.to_owned(), before, after, tag });
    }
    if let (Some(family), Some(before)) = (definition.family(), live.definition.family())
        && family != before
    {
        findings.push(family_changed(before, family));
    }
    definition.carry_tags(tags_of(&live.definition));
    if is_live_already(&live.definition, &definition) {
        return Asked::Live(live.task_definition_arn.clone());
    }
    decide(request, situation, Origin::Uploaded, definition, image, findings)
}

/// Runs the checks and turns the draft into a plan. The rules see an uploaded document as it was written; what is registered has no
/// read-only members any more.
fn decide(
    request: &Request,
    situation: &Situation,
    origin: Origin,
    definition: TaskDefinition,
    image: Option<ImageChange>,
    mut findings: Vec<Finding>,
) -> Asked {
    let service = &request.service;
    let guard = service.guard.as_ref();
    let images = match &situation.image {
        ImageEvidence::Found { content: Ok(platforms), .. } => {
            &[(service.container.as_str(), platforms.as_slice())][..]
        }
        _ => &[],
    };
    findings.extend(image_findings(&definition, &service.container, &situation.image));
    findings.extend(validate::validate(&Subject {
        definition: &definition,
        container: &service.container,
        images,
        origin,
        allowed_roles: guard.and_then(|guard| guard.roles.as_deref()),
        allowed_registries: guard.and_then(|guard| guard.registries.as_deref()),
        verify_timeout: (service.verify.logs != Logs::Off).then_some(service.verify.timeout),
        verify_containers: &service.verify.containers,
    }));
    service.rules.apply(&mut findings);
    let logs = match service.verify.logs {
        Logs::Off => Expectation::NotConfigured("the configuration switches the verification off".to_owned()),
        Logs::IfConfigured | Logs::Required => {
            let verify = &service.verify;
            verify::expect_logs_within(&definition, &service.container, &verify.containers, verify.timeout)
        }
    };
    if service.verify.logs == Logs::Required {
        findings.extend(unverifiable(&definition, &service.container, &logs));
    }
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    findings.truncate(MAX_FINDINGS);
    let differences = situation.live.definition.differences(&definition, MAX_CHANGES);
    let changes = differences.iter().map(ToString::to_string).collect();
    let previous = situation.live.serving.as_ref().unwrap_or(&situation.live.task_definition_arn).clone();
    let previous_logs = compared_logs(service, &situation.live, &previous);
    let is_rejected = validate::is_rejected(&findings);
    // What is rejected is never registered, so it need not be recorded; it may hold what nobody should see.
    let definition = if is_rejected { TaskDefinition::default() } else { definition.without(&READ_ONLY) };
    let base = situation.live.task_definition_arn.clone();
    let draft = Box::new(Draft { definition, base, previous, image, changes, findings, logs, previous_logs });
    if is_rejected { Asked::Rejected(draft) } else { Asked::Draft(draft) }
}

fn reject_unreadable(live: &Live, findings: Vec<Finding>) -> Asked {
    Asked::Rejected(Box::new(Draft {
        definition: TaskDefinition::default(),
        base: live.task_definition_arn.clone(),
        previous: live.task_definition_arn.clone(),
        image: None,
        changes: Vec::new(),
        findings,
        logs: Expectation::NotConfigured("there is no document to read".to_owned()),
        previous_logs: Vec::new(),
    }))
}

/// Where the revision that serves now logs, when the configuration asks for a comparison with it. While another deployment is on, the
/// definition at hand is not the one that serves, and nothing is compared.
fn compared_logs(service: &Service, live: &Live, previous: &str) -> Vec<S3Output> {
    if service.verify.compare.is_none() || live.task_definition_arn != previous {
        return Vec::new();
    }
    match verify::expect_logs(&live.definition, &service.container, &service.verify.containers) {
        Expectation::Logs(outputs) => outputs,
        Expectation::NotConfigured(_) | Expectation::NotVerifiable(_) => Vec::new(),
    }
}

/// The pushed image, pinned. The live image's registry host is kept where it is the same registry: a dual-stack host stays one.
fn pushed_reference(push: &ImagePush, live: Option<&str>) -> String {
    let same_registry = live.map(ImageRef::parse).filter(|image| {
        let owner = image.private_ecr();
        image.repository == push.repository
            && owner.is_some_and(|ecr| ecr.account == push.account && ecr.region == push.region)
    });
    match same_registry {
        Some(image) => image.pinned(&push.digest),
        None => format!("{}/{}@{}", registry_host(&push.account, &push.region), push.repository, push.digest),
    }
}

/// The host of a private registry (Amazon ECR user guide, "Private registries"; China regions have a suffix of their own).
pub fn registry_host(account: &str, region: &str) -> String {
    let suffix = if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
    format!("{account}.dkr.ecr.{region}.{suffix}")
}

/// Whether the image was pushed to a registry that is neither the service's account's nor the live image's: on a bus that other accounts
/// feed, a repository's name alone says little.
fn is_foreign(push: &ImagePush, request: &Request, live: Option<&str>) -> bool {
    let live_account = live.and_then(|live| ImageRef::parse(live).private_ecr().map(|ecr| ecr.account.to_owned()));
    push.account != request.service.arn.account() && live_account.as_deref() != Some(push.account.as_str())
}

fn is_same_image(one: &str, other: &str) -> bool {
    let (one, other) = (ImageRef::parse(one), ImageRef::parse(other));
    one.digest.is_some()
        && (one.registry, one.repository, one.digest) == (other.registry, other.repository, other.digest)
}

fn tags_of(definition: &TaskDefinition) -> &[serde_json::Value] {
    definition.members().get("tags").and_then(serde_json::Value::as_array).map_or(&[], Vec::as_slice)
}

fn is_live_already(live: &TaskDefinition, next: &TaskDefinition) -> bool {
    live.differences(next, 1).is_empty()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::config::Config;
    use crate::validate::Severity;

    const CONFIG: &str = include_str!("../examples/deployer.toml");
    const LIVE: &[u8] = include_bytes!("../events/task-definitions/firelens.json");

    fn request(event: &str) -> Request {
        let config = Config::parse(CONFIG).unwrap();
        let trigger = crate::trigger::recognise(event).triggers.remove(0);
        Request::of(&config, 0, trigger)
    }

    fn push() -> Request {
        request(include_str!("../events/ecr-image-push.json"))
    }

    fn upload() -> Request {
        request(include_str!("../events/s3-object-created.json"))
    }

    fn pushed_digest() -> Digest {
        match push().trigger {
            Trigger::ImagePush(push) => push.digest,
            Trigger::Upload(_) => unreachable!(),
        }
    }

    fn found(digest: Digest, architecture: &str) -> ImageEvidence {
        let platform = Platform { os: "linux".into(), architecture: architecture.into() };
        ImageEvidence::Found { tag_digest: Some(digest.clone()), digest, content: Ok(vec![platform]) }
    }

    fn situation(image: ImageEvidence) -> Situation {
        let definition = TaskDefinition::parse(LIVE).unwrap();
        let live = Live { task_definition_arn: "arn:task-definition/web:5".into(), definition, serving: None };
        Situation { live, document: None, image }
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
        let asked = ask(&push(), &situation(found(pushed_digest(), "arm64")));
        let Asked::Draft(draft) = asked else { panic!("{asked:?}") };
        assert_eq!(draft.changes.len(), 1, "{:?}", draft.changes);
        assert!(draft.image.unwrap().after.ends_with(pushed_digest().as_str()));
        assert!(matches!(draft.logs, Expectation::Logs(_)));
    }

    #[test]
    fn a_tag_that_has_moved_on_is_superseded() {
        let image = match found(pushed_digest(), "arm64") {
            ImageEvidence::Found { digest, content, .. } => {
                ImageEvidence::Found { digest, content, tag_digest: Some(Digest::of(b"newer")) }
            }
            other => other,
        };
        assert!(matches!(ask(&push(), &situation(image)), Asked::Replaced(reason) if reason.contains("v6")));
    }

    #[test]
    fn an_image_that_is_missing_or_none_or_for_another_platform_is_rejected() {
        let digest = pushed_digest;
        let tag_digest = Some(digest());
        let chart = ImageEvidence::Found { digest: digest(), tag_digest, content: Err("it is a chart".into()) };
        assert_eq!(rejected(ask(&push(), &situation(ImageEvidence::Missing))), ["absent-image"]);
        assert!(matches!(ask(&push(), &situation(chart)), Asked::NoImage(reason) if reason.contains("a chart")));
        assert_eq!(rejected(ask(&push(), &situation(found(digest(), "amd64")))), ["mismatched-architecture"]);
    }

    #[test]
    fn rules_can_be_allowed_and_denied() {
        let situation = situation(found(pushed_digest(), "amd64"));
        let mut request = push();
        request.service.rules.allow.push("mismatched-architecture".to_owned());
        assert!(matches!(ask(&request, &situation), Asked::Draft(_)));

        let mut slow = situation;
        slow.image = found(pushed_digest(), "arm64");
        let mut request = push();
        request.service.verify.timeout = 45; // The definition uploads every 30 s.
        request.service.rules.deny.clear();
        let is_warned = |draft: &Draft| draft.findings.iter().any(|finding| finding.rule == "late-log-upload");
        assert!(matches!(ask(&request, &slow), Asked::Draft(draft) if is_warned(&draft)));
        request.service.rules.deny.push("late-log-upload".to_owned());
        assert_eq!(rejected(ask(&request, &slow)), ["late-log-upload"]);
    }

    #[test]
    fn an_upload_that_is_gone_or_unreadable_is_rejected() {
        let unread = || ImageEvidence::Unread("x".into());
        assert_eq!(rejected(ask(&upload(), &situation(unread()))), ["missing-document"]);
        let document = Some(uploaded(b"{"));
        assert_eq!(rejected(ask(&upload(), &Situation { document, ..situation(unread()) })), ["unreadable-document"]);
    }

    #[test]
    fn an_upload_is_pinned_and_keeps_the_live_tags() {
        let mut live = situation(found(pushed_digest(), "arm64"));
        live.live.definition.set_tag("team", "shop");
        live.document = Some(uploaded(include_bytes!("../events/task-definitions/plain-arm64.json")));
        let Asked::Draft(draft) = ask(&upload(), &live) else { panic!("not released") };
        assert!(draft.definition.to_json().contains(r#"{"key":"team","value":"shop"}"#));
        assert!(draft.image.unwrap().after.ends_with(pushed_digest().as_str()));
    }

    #[test]
    fn an_upload_of_what_is_live_is_no_change() {
        let unread = ImageEvidence::Unread("public".into());
        let document = Some(uploaded(LIVE));
        let asked = ask(&upload(), &Situation { document, ..situation(unread) });
        assert_eq!(asked, Asked::Live("arn:task-definition/web:5".into()));
    }

    #[test]
    fn a_replaced_upload_is_superseded_and_a_foreign_push_rejected() {
        let situation = |document| Situation { document, ..situation(ImageEvidence::Unread("x".into())) };
        assert!(matches!(ask(&upload(), &situation(Some(Uploaded::Replaced))), Asked::Replaced(_)));
        let event = include_str!("../events/ecr-image-push.json").replace("123456789012", "999999999999");
        let image = found(pushed_digest(), "arm64");
        let rules = rejected(ask(&request(&event), &Situation { image, ..situation(None) }));
        assert!(rules.contains(&"foreign-registry".to_owned()), "{rules:?}");
    }

    #[test]
    fn a_rollback_goes_back_to_what_serves_not_to_what_was_on_its_way() {
        let mut situation = situation(found(pushed_digest(), "arm64"));
        situation.live.serving = Some("arn:task-definition/web:4".into());
        let Asked::Draft(draft) = ask(&push(), &situation) else { panic!("not released") };
        assert_eq!(draft.previous, "arn:task-definition/web:4");
    }

    #[test]
    fn required_logs_that_cannot_be_verified_are_rejected() {
        let mut request = upload();
        request.service.verify.logs = Logs::Required;
        let document = Some(uploaded(include_bytes!("../events/task-definitions/plain-arm64.json")));
        let situation = Situation { document, ..situation(found(pushed_digest(), "arm64")) };
        assert_eq!(rejected(ask(&request, &situation)), ["required-logs"]);
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
}
