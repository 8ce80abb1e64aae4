//! What an event asks for, beside what the service is to run: the draft of the next task definition, checked, or why
//! there is none. Pure: no I/O.

use wildmatch::WildMatch;

use super::findings::{
    family_changed, foreign_registry, gone, image_findings, lost_proof, new_reference, not_pinned, untagged_image,
    unverifiable,
};
use super::{
    Asked, Draft, ExpectedLogs, ImageChange, ImageContent, ImageEvidence, Inputs, Live, Outline, Request, Uploaded,
};
use crate::config::{Logs, Service};
use crate::image::{ImageRef, registry_host};
use crate::task_definition::references::{Reference, ReferenceKind};
use crate::task_definition::{READ_ONLY, TaskDefinition};
use crate::text::Text;
use crate::trigger::{ImagePush, Upload};
use crate::validate::guard::{Guarded, new_references, shown};
use crate::validate::{self, Finding, Origin, Subject};
use crate::verify::{self, Expectation, S3Output};

/// The places of difference that are shown.
const MAX_CHANGES: usize = 50;

/// The characters of a pointer that a change shows: options have names of any length.
const MAX_POINTER: usize = 300;

/// The references of which a finding of its own is made.
const MAX_NEW_REFERENCES: usize = 20;

/// The findings that are kept, the worst ones first.
pub(super) const MAX_FINDINGS: usize = 100;

/// The bytes of findings, and again of changes, that are kept: both are recorded with the release, each time that it is
/// planned.
const MAX_KEPT: usize = 16 * 1024;

/// Compares what an event asks for with what the service is to run.
pub fn ask(request: &Request, live: &Live, inputs: &Inputs) -> Asked {
    match inputs {
        Inputs::Push(push, image) => ask_push(request, live, push, image),
        Inputs::ForeignPush(push) => reject(
            live,
            foreign_registry(&live.definition, &request.service.container, push, request.service.registry()),
        ),
        Inputs::Upload(upload, document, image) => ask_upload(request, live, upload, document, image),
    }
}

/// Whether the pushed tag points to the pushed digest in the registry; false for an upload.
pub fn tag_is_current(inputs: &Inputs) -> bool {
    let Inputs::Push(push, ImageEvidence::Found { tag_digest: Some(now), .. }) = inputs else { return false };
    *now == push.digest
}

fn ask_push(request: &Request, live: &Live, push: &ImagePush, evidence: &ImageEvidence) -> Asked {
    let container = request.service.container.as_str();
    if let ImageEvidence::Found { tag_digest: Some(now), .. } = evidence
        && *now != push.digest
    {
        return Asked::Replaced(format!("the tag {} points to {} by now", push.tag, now.short()));
    }
    if let ImageEvidence::Found { content: ImageContent::Artifact(reason), .. } = evidence {
        return Asked::NoImage(format!(
            "what was pushed as {}:{} is not an image: {reason}",
            push.repository, push.tag
        ));
    }
    let untagged = matches!(evidence, ImageEvidence::Found { tag_digest: None, .. });
    let before = live.definition.container(container).and_then(|container| container.image());
    let after = pushed_reference(push, before);
    if !untagged && before.is_some_and(|before| is_same_image(before, &after)) {
        return Asked::Live(live.task_definition_arn.clone());
    }
    let image = ImageChange {
        container: container.into(),
        before: before.map(Text::from),
        after: (&after).into(),
        tag: Some((&push.tag).into()),
    };
    let definition = live.definition.with_image(container, &after).unwrap_or_else(|| live.definition.clone());
    let findings = untagged.then(|| untagged_image(&live.definition, container, push)).into_iter().collect();
    decide(request, live, evidence, Candidate { origin: Origin::Live, definition, image: Some(image), findings })
}

fn ask_upload(request: &Request, live: &Live, upload: &Upload, document: &Uploaded, evidence: &ImageEvidence) -> Asked {
    let container = request.service.container.as_str();
    let mut findings = Vec::new();
    let mut definition = match document {
        Uploaded::Document(document) => document.clone(),
        Uploaded::Unreadable(unreadable) => return reject(live, validate::unreadable(unreadable)),
        Uploaded::Replaced => return Asked::Replaced("a later upload took the place of this document".to_owned()),
        Uploaded::Gone => return reject(live, gone(upload)),
    };
    let written = definition.container(container).and_then(|container| container.image()).map(str::to_owned);
    let mut image = None;
    if let Some(written) = written {
        let reference = ImageRef::parse(&written);
        let (after, tag) = match evidence {
            ImageEvidence::Found { digest, .. } => (reference.pinned(digest), reference.tag.map(Text::from)),
            ImageEvidence::Missing => (written.clone(), None),
            ImageEvidence::Unread(reason) => {
                findings.push(not_pinned(&definition, container, reason));
                (written.clone(), None)
            }
        };
        definition = definition.with_image(container, &after).unwrap_or(definition);
        let before = live.definition.container(container).and_then(|container| container.image()).map(Text::from);
        image = Some(ImageChange { container: container.into(), before, after: after.into(), tag });
    }
    if let (Some(family), Some(before)) = (definition.family(), live.definition.family())
        && family != before
        && !allows_family(request, family)
    {
        findings.push(family_changed(before, family));
    }
    definition.carry_tags(tags_of(&live.definition));
    if is_live_already(&live.definition, &definition) {
        return Asked::Live(live.task_definition_arn.clone());
    }
    decide(request, live, evidence, Candidate { origin: Origin::Uploaded, definition, image, findings })
}

/// What is planned, before it is checked.
struct Candidate {
    origin: Origin,
    definition: TaskDefinition,
    image: Option<ImageChange>,
    /// What planning found.
    findings: Vec<Finding>,
}

/// Runs the checks. The rules see an uploaded document as it was written; what is registered has no read-only members
/// any more.
fn decide(request: &Request, live: &Live, evidence: &ImageEvidence, candidate: Candidate) -> Asked {
    let Candidate { origin, definition, image, mut findings } = candidate;
    let service = &request.service;
    let new = expect_logs(service, &definition);
    findings.extend(image_findings(&definition, &service.container, evidence));
    findings.extend(check(service, &live.definition, &definition, evidence, origin));
    let new_references = new_references(&live.definition, &definition, service.private_repository());
    if service.guard.is_none() {
        findings.extend(new_references.iter().filter_map(new_reference).take(MAX_NEW_REFERENCES));
    }
    let of_live = expect_logs(service, &live.definition);
    findings.extend(lost_proof(&definition, service, &of_live, &new));
    service.rules.apply(&mut findings);
    if service.verify.logs == Logs::Required {
        findings.extend(unverifiable(&definition, &service.container, &new));
    }
    findings.sort_by_key(|finding| std::cmp::Reverse(finding.severity));
    findings.truncate(MAX_FINDINGS);
    keep(&mut findings, |Finding { pointer, message, help, .. }| pointer.len() + message.len() + help.len());
    let mut changes = changes(&live.definition, &definition, &new_references);
    keep(&mut changes, |change| change.len());
    let is_rejected = validate::is_rejected(&findings);
    let outline = Outline { image, changes, findings, ..outline_of(live) };
    if is_rejected {
        return Asked::Rejected(Box::new(outline));
    }
    let previous = previous_logs(service, live, &outline.previous, &new);
    let logs = ExpectedLogs { new, previous };
    let definition = definition.without(&READ_ONLY);
    let outline = Outline { digest: Some(definition.digest()), ..outline };
    Asked::Draft(Box::new(Draft { definition, outline, logs }))
}

/// Keeps the first of a list, as many as there is room for.
fn keep<T>(list: &mut Vec<T>, size: impl Fn(&T) -> usize) {
    let mut room = MAX_KEPT;
    let fitting = list.iter().take_while(|item| {
        let size = size(item);
        room.checked_sub(size).inspect(|left| room = *left).is_some()
    });
    let fitting = fitting.count();
    list.truncate(fitting);
}

fn check(
    service: &Service,
    live: &TaskDefinition,
    definition: &TaskDefinition,
    evidence: &ImageEvidence,
    origin: Origin,
) -> Vec<Finding> {
    let images = match evidence {
        ImageEvidence::Found { content: ImageContent::Platforms(platforms), .. } => {
            &[(service.container.as_str(), platforms.as_slice())][..]
        }
        _ => &[],
    };
    validate::validate(&Subject {
        definition,
        container: &service.container,
        images,
        origin,
        guard: service.guard.as_ref().map(|guard| Guarded {
            lists: &guard.lists,
            repository: service.private_repository(),
            live: Some(live),
        }),
        verify_timeout: (service.verify.logs != Logs::Off).then_some(service.verify.timeout),
        verify_containers: &service.verify.containers,
    })
}

/// Where the document differs from the live one, and what it names that the live one does not: a list that grew says
/// only how many it has.
fn changes(live: &TaskDefinition, next: &TaskDefinition, new: &[Reference]) -> Vec<Text> {
    let differences = live.differences(next, MAX_CHANGES);
    let is_said = |reference: &&Reference| {
        differences.iter().any(|difference| difference.pointer == reference.pointer && !difference.is_confidential())
    };
    let named = new.iter().filter(|reference| !is_said(reference)).take(MAX_CHANGES);
    let named = named.map(|new| {
        let pointer: String = new.pointer.chars().take(MAX_POINTER).collect();
        format!("{pointer}: new {} {}", new.kind.noun(), shown(new))
    });
    differences.iter().map(ToString::to_string).chain(named).map(Text::from).collect()
}

/// What logs a revision should write, by its definition and the configuration.
pub(crate) fn expect_logs(service: &Service, definition: &TaskDefinition) -> Expectation {
    let verify = &service.verify;
    match verify.logs {
        Logs::Off => Expectation::switched_off(),
        Logs::IfConfigured | Logs::Required => {
            verify::expect_logs_within(definition, &service.container, &verify.containers, verify.timeout)
        }
    }
}

/// A document that there is not, or that cannot be read, changes nothing.
fn reject(live: &Live, finding: Finding) -> Asked {
    Asked::Rejected(Box::new(Outline { findings: vec![finding], ..outline_of(live) }))
}

/// What any draft stands on.
fn outline_of(live: &Live) -> Outline {
    let base = live.task_definition_arn.clone();
    let previous = live.serving.as_ref().unwrap_or(&base).clone();
    Outline { base, previous, digest: None, image: None, changes: Vec::new(), findings: Vec::new() }
}

/// Where the revision that serves now logs, where the new one's logs are looked for. While another deployment is on,
/// the definition at hand is not the one that serves, and nothing is compared.
fn previous_logs(service: &Service, live: &Live, previous: &str, new: &Expectation) -> Vec<S3Output> {
    if !matches!(new, Expectation::Logs(_)) || live.task_definition_arn != previous {
        return Vec::new();
    }
    match verify::expect_logs(&live.definition, &service.container, &service.verify.containers) {
        Expectation::Logs(outputs) => outputs,
        Expectation::NotConfigured(_) | Expectation::NotVerifiable(_) => Vec::new(),
    }
}

/// The pushed image, pinned. The live image's registry host is kept where it is the same registry: a dual-stack host
/// stays one.
pub(super) fn pushed_reference(push: &ImagePush, live: Option<&str>) -> String {
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

/// Whether `families` in `[service.guard]` lets an upload change to a family.
fn allows_family(request: &Request, family: &str) -> bool {
    let guard = request.service.guard.as_ref();
    let globs = guard.and_then(|guard| guard.lists.0.get(&ReferenceKind::Families));
    globs.is_some_and(|globs| globs.iter().any(|glob| WildMatch::new(glob).matches(family)))
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
