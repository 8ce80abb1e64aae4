//! The way back, before it is needed: whether what serves now could be started anew. A lifecycle policy may have deleted
//! its images, and then neither ECS nor a release can go back, and a lost task is not replaced; to an inactive task
//! definition no update leads. Pure: what was seen comes from outside.

use super::ask::MAX_FINDINGS;
use super::{Asked, Outline};
use crate::config::Service;
use crate::image::{Digest, ImageRef};
use crate::task_definition::TaskDefinition;
use crate::validate::rules::elsewhere;
use crate::validate::{Finding, Kind, Severity, is_rejected};

/// The kind of finding that says that the way back is lost.
pub(crate) const NO_WAY_BACK: Kind = Kind::of(&elsewhere::NO_WAY_BACK);

/// The images that are looked at; ECS allows ten containers in a task definition.
const MAX_IMAGES: usize = 10;

/// When a release looks at the way back.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum When {
    /// Not at all: nobody wants to hear of it.
    Never,
    /// While it claims the service, so that nothing waits for it.
    BesideTheClaim,
    /// Before it claims the service: without a way back, nothing is to be deployed.
    BeforeTheClaim,
}

impl When {
    /// What a service's configuration says.
    pub fn of(service: &Service) -> Self {
        let is_required = service.guard.as_ref().is_some_and(|guard| guard.require_way_back);
        match service.rules.level_of(NO_WAY_BACK) {
            None => Self::Never,
            Some(Severity::Error) => Self::BeforeTheClaim,
            Some(_) if is_required => Self::BeforeTheClaim,
            Some(_) => Self::BesideTheClaim,
        }
    }
}

/// What a task of a revision needs to be started anew.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Needs {
    /// Whether its task definition is active, so that an update can lead to it.
    pub is_active: bool,
    /// The images of all its containers.
    pub images: Vec<NeededImage>,
}

/// An image of a container.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct NeededImage {
    /// The container.
    pub container: String,
    /// The image as the task definition names it.
    pub image: String,
    /// Where it lies, or why that is not looked at.
    pub place: Result<RegistryImage, String>,
}

/// An image in a private registry of ECR.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RegistryImage {
    /// The repository.
    pub repository: Repository,
    /// Which image of it.
    pub id: ImageId,
}

/// A repository of a private registry.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repository {
    /// The registry's account.
    pub account: String,
    /// The registry's region.
    pub region: String,
    /// The repository's name.
    pub name: String,
}

/// What names an image within its repository.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum ImageId {
    /// Its digest.
    Digest(Digest),
    /// A tag, which may have been moved since.
    Tag(String),
}

/// The digest that a service revision recorded for a container's image: what ECS pulls for each of its tasks, wherever
/// the tag points by now.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct RecordedImage {
    /// The container.
    pub container: String,
    /// The digest.
    pub digest: Digest,
}

impl Needs {
    /// What a task definition says.
    pub fn of(definition: &TaskDefinition, is_active: bool) -> Self {
        let images = definition.containers().filter_map(|container| {
            let (name, image) = (container.name()?.to_owned(), container.image()?.to_owned());
            Some(NeededImage { container: name, place: place_of(&image), image })
        });
        Self { is_active, images: images.take(MAX_IMAGES).collect() }
    }

    /// Whether an image is known by its tag alone, so that the service revision has to say which one it was.
    pub fn has_tags(&self) -> bool {
        let is_tag = |place: &RegistryImage| matches!(place.id, ImageId::Tag(_));
        self.images.iter().any(|needed| needed.place.as_ref().is_ok_and(is_tag))
    }

    /// Takes the digests that the service revision recorded. Where it has none, ECS pulls by the tag.
    pub fn pin(&mut self, recorded: &[RecordedImage]) {
        for NeededImage { container, place, .. } in &mut self.images {
            let recorded = recorded.iter().find(|recorded| recorded.container == *container);
            if let (Ok(RegistryImage { id: id @ ImageId::Tag(_), .. }), Some(recorded)) = (place, recorded) {
                *id = ImageId::Digest(recorded.digest.clone());
            }
        }
    }

    /// Leaves the images that are known by their tag alone out: the reason.
    pub fn leave_tags_out(&mut self, reason: &str) {
        for NeededImage { place, .. } in &mut self.images {
            if matches!(place, Ok(RegistryImage { id: ImageId::Tag(_), .. })) {
                *place = Err(reason.to_owned());
            }
        }
    }
}

impl RegistryImage {
    /// The image that a reference names, where it lies in a private registry of ECR.
    pub fn named(reference: &str) -> Option<Self> {
        place_of(reference).ok()
    }
}

fn place_of(image: &str) -> Result<RegistryImage, String> {
    let reference = ImageRef::parse(image);
    let Some(registry) = reference.private_ecr() else {
        return Err(format!("{} is not a private ECR registry", reference.registry.unwrap_or("docker.io")));
    };
    let id = match reference.digest.map(Digest::parse) {
        Some(None) => return Err("its digest is not a sha256 digest".to_owned()),
        Some(Some(digest)) => ImageId::Digest(digest),
        None => ImageId::Tag(reference.tag.unwrap_or("latest").to_owned()),
    };
    let (account, region, name) = (registry.account, registry.region, reference.repository);
    let repository = Repository { account: account.to_owned(), region: region.to_owned(), name: name.to_owned() };
    Ok(RegistryImage { repository, id })
}

/// What was seen of an image.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Seen {
    /// The registry has it.
    There,
    /// The registry does not have it any more.
    Gone,
    /// It was not looked at, or the registry did not say: the reason.
    NotLookedAt(String),
}

/// What was found on the way back.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct WayBack {
    /// Where it leads: the task definition that serves.
    to: String,
    obstacles: Vec<String>,
    not_looked_at: Vec<String>,
}

impl WayBack {
    /// What was seen of each image that a revision needs.
    pub fn of(task_definition_arn: &str, needs: &Needs, seen: &[Seen]) -> Self {
        let mut found = Self { to: name(task_definition_arn), obstacles: Vec::new(), not_looked_at: Vec::new() };
        if !needs.is_active {
            let inactive = "its task definition is INACTIVE, and no update can lead to it";
            found.obstacles.push(inactive.to_owned());
        }
        for (NeededImage { container, image, .. }, seen) in needs.images.iter().zip(seen) {
            match seen {
                Seen::There => {}
                Seen::Gone => {
                    let gone = format!("the registry does not have `{container}`'s {image} any more");
                    found.obstacles.push(gone);
                }
                Seen::NotLookedAt(reason) => found.not_looked_at.push(format!("{container} ({reason})")),
            }
        }
        found
    }

    /// Nothing of it was seen: the reason.
    pub fn not_looked_at_all(task_definition_arn: &str, reason: impl Into<String>) -> Self {
        Self { to: name(task_definition_arn), obstacles: Vec::new(), not_looked_at: vec![reason.into()] }
    }

    /// What was left out, in one line.
    pub fn not_looked_at(&self) -> Option<String> {
        let is_whole = self.not_looked_at.is_empty();
        (!is_whole).then(|| format!("to {}, not looked at: {}", self.to, self.not_looked_at.join(", ")))
    }

    /// What stands in the way.
    fn finding(&self) -> Option<Finding> {
        if self.obstacles.is_empty() {
            return None;
        }
        let message = format!("there is no way back to {}, which serves: {}", self.to, self.obstacles.join("; "));
        let help =
            "push the image again, or deploy what can be started anew; keep lifecycle policies from images that run";
        Some(NO_WAY_BACK.finding(String::new(), message, help))
    }

    /// Adds what stands in the way to what the checks found.
    pub fn add_to(&self, service: &Service, outline: &mut Outline) {
        let Some(mut finding) = self.finding() else { return };
        if When::of(service) == When::BeforeTheClaim {
            finding.severity = Severity::Error;
        }
        outline.findings.push(finding);
        service.rules.apply(&mut outline.findings);
        outline.findings.truncate(MAX_FINDINGS);
    }

    /// What an event asks for, once the way back was looked at: without one, nothing is deployed where it is required.
    #[must_use]
    pub fn judge(&self, service: &Service, asked: Asked) -> Asked {
        let Asked::Draft(mut draft) = asked else { return asked };
        self.add_to(service, &mut draft.outline);
        if is_rejected(&draft.outline.findings) {
            return Asked::Rejected(Box::new(draft.outline));
        }
        Asked::Draft(draft)
    }
}

/// `family:revision` of a task definition's ARN.
fn name(arn: &str) -> String {
    arn.rsplit('/').next().unwrap_or(arn).to_owned()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    const DIGEST: &str = "sha256:00000000000000000000000000000000000000000000000000000000000000ff";
    const HOST: &str = "123456789012.dkr.ecr.ap-northeast-1.amazonaws.com";

    fn needs(images: &[&str]) -> Needs {
        let containers: Vec<_> = images
            .iter()
            .enumerate()
            .map(|(number, image)| json!({"name": format!("c{number}"), "image": image}))
            .collect();
        let document = json!({"family": "web", "containerDefinitions": containers}).to_string();
        Needs::of(&TaskDefinition::parse(document.as_bytes()).unwrap(), true)
    }

    fn ids(needs: &Needs) -> Vec<Result<ImageId, String>> {
        needs.images.iter().map(|needed| needed.place.clone().map(|place| place.id)).collect()
    }

    #[test]
    fn an_image_by_tag_is_the_one_that_the_service_revision_recorded() {
        let (tagged, pinned) = (format!("{HOST}/web:v1"), format!("{HOST}/web:v1@{DIGEST}"));
        let mut needs = needs(&[&tagged, &pinned, &tagged, "public.ecr.aws/nginx/nginx:1"]);
        let digest = Digest::parse(DIGEST).unwrap();
        let other = Digest::of(b"recorded");
        assert!(needs.has_tags());
        let recorded = [("c0", other.clone()), ("c1", other.clone())]
            .map(|(of, digest)| RecordedImage { container: of.into(), digest });
        needs.pin(&recorded);
        let elsewhere = Err("public.ecr.aws is not a private ECR registry".to_owned());
        let tag = Ok(ImageId::Tag("v1".to_owned()));
        assert_eq!(ids(&needs), [Ok(ImageId::Digest(other)), Ok(ImageId::Digest(digest)), tag, elsewhere]);
        needs.leave_tags_out("nobody said");
        assert_eq!(ids(&needs)[2], Err("nobody said".to_owned()));
        assert!(!needs.has_tags());
    }

    #[test]
    fn what_is_gone_is_a_finding_and_what_was_not_looked_at_is_a_line() {
        let needs = needs(&[&format!("{HOST}/web@{DIGEST}"), "nginx"]);
        let arn = "arn:aws:ecs:eu-west-1:123456789012:task-definition/web:7";
        let there = WayBack::of(arn, &needs, &[Seen::There, Seen::There]);
        assert_eq!((there.finding(), there.not_looked_at()), (None, None));
        let seen = [Seen::Gone, Seen::NotLookedAt("docker.io is not a private ECR registry".to_owned())];
        let lost = WayBack::of(arn, &needs, &seen);
        let message = lost.finding().unwrap().message;
        assert!(message.contains("web:7") && message.contains("c0") && !message.contains("c1"), "{message}");
        let line = lost.not_looked_at().unwrap();
        assert!(line.contains("c1 (docker.io") && !line.contains("c0"), "{line}");
        let inactive = WayBack::of(arn, &Needs { is_active: false, ..needs }, &[Seen::There, Seen::There]);
        assert!(inactive.finding().unwrap().message.contains("INACTIVE"));
    }
}
