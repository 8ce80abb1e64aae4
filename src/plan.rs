//! The plan: from a trigger, the live service, the image or document and the head, what a release will do, if anything.
//! Everything it looks at has been read before; it asks nobody.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::config::{Logs, Service};
use crate::head::{self, Head, Standing};
use crate::image::{Digest, ImageRef, Platform};
use crate::report::{ImageChange, ReleaseReport};
use crate::task_definition::{READ_ONLY, TaskDefinition, Unreadable};
use crate::trigger::{ImagePush, ReleaseId, Trigger, Upload};
use crate::validate::{self, Finding, Origin, Subject};
use crate::verify::{self, Expectation, LogOutput};

mod findings;
mod heading;

use findings::{family_changed, foreign_registry, gone, image_findings, not_pinned, unverifiable};
pub use heading::{Heading, ServiceState, heading, serving};

/// One service that one trigger concerns. It is recorded with the release: a later configuration does not change a running release.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Request {
    /// The service and how it is released.
    pub service: Service,
    /// Where heads and reports live.
    pub state_bucket: String,
    /// What happened.
    pub trigger: Trigger,
}

impl Request {
    /// The release's id.
    pub fn release(&self) -> ReleaseId {
        self.trigger.release()
    }
}

/// Everything that was read for a plan.
#[derive(Clone, Debug)]
pub struct Situation {
    /// The service's head.
    pub head: Option<Head>,
    /// What the service is heading to.
    pub live: Live,
    /// When it was read.
    pub at: Timestamp,
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
    /// What serves while it is still on its way: what a rollback goes back to, because it has proved itself.
    pub serving: Option<String>,
}

/// What became of an uploaded document.
#[derive(Clone, Debug, PartialEq)]
pub enum Uploaded {
    /// It is there.
    Document(TaskDefinition),
    /// It is no task definition.
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
        /// The platforms it has, or why it is no image.
        content: Result<Vec<Platform>, String>,
    },
    /// The registry does not have it.
    Missing,
    /// It was not looked at: the reason.
    Unread(String),
}

/// What a release will do.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub enum Plan {
    /// Register the draft and update the service.
    Release(Box<Draft>),
    /// What is asked for is live: the live task definition.
    NoChange(String),
    /// A newer release is on: the reason.
    Superseded(String),
    /// Another release does the same work.
    Duplicate(ReleaseId),
    /// The draft has errors.
    Rejected(Box<Draft>),
}

/// The next task definition and what is known about it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Draft {
    /// The document; empty when it is rejected.
    pub definition: TaskDefinition,
    /// The live task definition, which a rollback goes back to.
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
    pub previous_logs: Vec<LogOutput>,
}

/// The places of difference that are shown.
const MAX_CHANGES: usize = 50;

/// The findings that are kept, the worst ones first.
const MAX_FINDINGS: usize = 100;

/// Decides what a release does.
pub fn plan(request: &Request, execution: &str, situation: &Situation) -> Plan {
    match head::standing(situation.head.as_ref(), &request.trigger, execution, situation.at) {
        Standing::Duplicate(release) => return Plan::Duplicate(release),
        Standing::Superseded(release) => {
            return Plan::Superseded(format!("release {release} is newer and owns the service"));
        }
        Standing::Free | Standing::Ours => {}
    }
    match &request.trigger {
        Trigger::ImagePush(push) => plan_push(request, push, situation),
        Trigger::Upload(upload) => plan_upload(request, upload, situation),
    }
}

fn plan_push(request: &Request, push: &ImagePush, situation: &Situation) -> Plan {
    let (container, live) = (request.service.container.as_str(), &situation.live);
    if let ImageEvidence::Found { tag_digest: Some(now), .. } = &situation.image
        && *now != push.digest
    {
        return Plan::Superseded(format!("the tag {} points to {} by now", push.tag, now.short()));
    }
    let before = live.definition.container(container).and_then(|container| container.image());
    let after = pushed_reference(push, before);
    let foreign = is_foreign(push, request, before).then(|| foreign_registry(&live.definition, container, push));
    if before.is_some_and(|before| is_same_image(before, &after)) {
        return Plan::NoChange(live.task_definition_arn.clone());
    }
    let image = ImageChange {
        container: container.to_owned(),
        before: before.map(str::to_owned),
        after: after.clone(),
        tag: Some(push.tag.clone()),
    };
    let definition = live.definition.with_image(container, &after).unwrap_or_else(|| live.definition.clone());
    decide(request, situation, Origin::Live, definition, Some(image), foreign.into_iter().collect())
}

fn plan_upload(request: &Request, upload: &Upload, situation: &Situation) -> Plan {
    let (container, live) = (request.service.container.as_str(), &situation.live);
    let mut findings = Vec::new();
    let mut definition = match &situation.document {
        Some(Uploaded::Document(document)) => document.clone(),
        Some(Uploaded::Unreadable(unreadable)) => {
            findings.push(validate::unreadable(unreadable));
            return reject_unreadable(live, findings);
        }
        Some(Uploaded::Replaced) => {
            return Plan::Superseded("a later upload took the place of this document".to_owned());
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
        return Plan::NoChange(live.task_definition_arn.clone());
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
) -> Plan {
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
    }));
    service.rules.apply(&mut findings);
    let logs = match service.verify.logs {
        Logs::Off => Expectation::NotConfigured("the configuration switches the verification off".to_owned()),
        Logs::IfConfigured | Logs::Required => {
            verify::expect_logs(&definition, &service.container, &service.verify.containers)
        }
    };
    if service.verify.logs == Logs::Required {
        findings.extend(unverifiable(&definition, &service.container, &logs));
    }
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    findings.truncate(MAX_FINDINGS);
    let changes = ReleaseReport::describe_changes(&situation.live.definition.differences(&definition, MAX_CHANGES));
    let previous = situation.live.serving.as_ref().unwrap_or(&situation.live.task_definition_arn).clone();
    let previous_logs = compared_logs(service, &situation.live, &previous);
    let is_rejected = validate::is_rejected(&findings);
    // What is rejected is never registered, so it need not be recorded; it may hold what nobody should see.
    let definition = if is_rejected { TaskDefinition::default() } else { definition.without(&READ_ONLY) };
    let draft = Box::new(Draft { definition, previous, image, changes, findings, logs, previous_logs });
    if is_rejected { Plan::Rejected(draft) } else { Plan::Release(draft) }
}

fn reject_unreadable(live: &Live, findings: Vec<Finding>) -> Plan {
    Plan::Rejected(Box::new(Draft {
        definition: TaskDefinition::default(),
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
fn compared_logs(service: &Service, live: &Live, previous: &str) -> Vec<LogOutput> {
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
        Request { service: config.services[0].clone(), state_bucket: config.state_bucket, trigger }
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
        Situation { at: Timestamp::UNIX_EPOCH, head: None, live, document: None, image }
    }

    fn uploaded(text: &[u8]) -> Uploaded {
        TaskDefinition::parse(text).map_or_else(Uploaded::Unreadable, Uploaded::Document)
    }

    fn rejected(plan: Plan) -> Vec<String> {
        match plan {
            Plan::Rejected(draft) => {
                let errors = draft.findings.into_iter().filter(|finding| finding.severity == Severity::Error);
                errors.map(|finding| finding.rule).collect()
            }
            other => panic!("{other:?}"),
        }
    }

    #[test]
    fn a_push_changes_the_image_and_nothing_else() {
        let plan = plan(&push(), "execution", &situation(found(pushed_digest(), "arm64")));
        let Plan::Release(draft) = plan else { panic!("{plan:?}") };
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
        assert!(
            matches!(plan(&push(), "execution", &situation(image)), Plan::Superseded(reason) if reason.contains("v6"))
        );
    }

    #[test]
    fn an_image_that_is_missing_or_none_or_for_another_platform_is_rejected() {
        let digest = pushed_digest;
        let chart = ImageEvidence::Found { digest: digest(), tag_digest: None, content: Err("it is a chart".into()) };
        assert_eq!(rejected(plan(&push(), "x", &situation(ImageEvidence::Missing))), ["missing-image"]);
        assert_eq!(rejected(plan(&push(), "x", &situation(chart))), ["not-an-image"]);
        assert_eq!(rejected(plan(&push(), "x", &situation(found(digest(), "amd64")))), ["mismatched-architecture"]);
    }

    #[test]
    fn rules_can_be_allowed_and_denied() {
        let situation = situation(found(pushed_digest(), "amd64"));
        let mut request = push();
        request.service.rules.allow.push("mismatched-architecture".to_owned());
        assert!(matches!(plan(&request, "execution", &situation), Plan::Release(_)));

        let mut slow = situation;
        slow.image = found(pushed_digest(), "arm64");
        let mut request = push();
        request.service.verify.timeout = 45; // The definition uploads every 30 s.
        request.service.rules.deny.clear();
        let is_warned = |draft: &Draft| draft.findings.iter().any(|finding| finding.rule == "late-log-upload");
        assert!(matches!(plan(&request, "execution", &slow), Plan::Release(draft) if is_warned(&draft)));
        request.service.rules.deny.push("late-log-upload".to_owned());
        assert_eq!(rejected(plan(&request, "execution", &slow)), ["late-log-upload"]);
    }

    #[test]
    fn an_upload_that_is_gone_or_unreadable_is_rejected() {
        let unread = || ImageEvidence::Unread("x".into());
        assert_eq!(rejected(plan(&upload(), "x", &situation(unread()))), ["missing-document"]);
        let document = Some(uploaded(b"{"));
        assert_eq!(
            rejected(plan(&upload(), "x", &Situation { document, ..situation(unread()) })),
            ["unreadable-document"]
        );
    }

    #[test]
    fn an_upload_is_pinned_and_keeps_the_live_tags() {
        let mut live = situation(found(pushed_digest(), "arm64"));
        live.live.definition.set_tag("team", "shop");
        live.document = Some(uploaded(include_bytes!("../events/task-definitions/plain-arm64.json")));
        let Plan::Release(draft) = plan(&upload(), "x", &live) else { panic!("not released") };
        assert!(draft.definition.to_json().contains(r#"{"key":"team","value":"shop"}"#));
        assert!(draft.image.unwrap().after.ends_with(pushed_digest().as_str()));
    }

    #[test]
    fn an_upload_of_what_is_live_is_no_change() {
        let unread = ImageEvidence::Unread("public".into());
        let document = Some(uploaded(LIVE));
        let plan = plan(&upload(), "x", &Situation { document, ..situation(unread) });
        assert_eq!(plan, Plan::NoChange("arn:task-definition/web:5".into()));
    }

    #[test]
    fn a_replaced_upload_is_superseded_and_a_foreign_push_rejected() {
        let situation = |document| Situation { document, ..situation(ImageEvidence::Unread("x".into())) };
        assert!(matches!(plan(&upload(), "x", &situation(Some(Uploaded::Replaced))), Plan::Superseded(_)));
        let event = include_str!("../events/ecr-image-push.json").replace("123456789012", "999999999999");
        let image = found(pushed_digest(), "arm64");
        let rules = rejected(plan(&request(&event), "x", &Situation { image, ..situation(None) }));
        assert!(rules.contains(&"foreign-registry".to_owned()), "{rules:?}");
    }

    #[test]
    fn a_rollback_goes_back_to_what_serves_not_to_what_was_on_its_way() {
        let mut situation = situation(found(pushed_digest(), "arm64"));
        situation.live.serving = Some("arn:task-definition/web:4".into());
        let Plan::Release(draft) = plan(&push(), "x", &situation) else { panic!("not released") };
        assert_eq!(draft.previous, "arn:task-definition/web:4");
    }

    #[test]
    fn required_logs_that_cannot_be_verified_are_rejected() {
        let mut request = upload();
        request.service.verify.logs = Logs::Required;
        let document = Some(uploaded(include_bytes!("../events/task-definitions/plain-arm64.json")));
        let situation = Situation { document, ..situation(found(pushed_digest(), "arm64")) };
        assert_eq!(rejected(plan(&request, "x", &situation)), ["unverifiable-logs"]);
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
