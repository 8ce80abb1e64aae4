//! What the rules are told beside the document: from a service of the configuration where one is named, and from the
//! arguments, which count more. It checks no document.

use std::cell::RefCell;
use std::collections::BTreeSet;

use super::{Arguments, images};
use crate::cli::{Unusable, configured_service};
use crate::config::{Logs, Service};
use crate::image::Platform;
use crate::task_definition::TaskDefinition;
use crate::task_definition::references::ReferenceKind;
use crate::validate::guard::Guarded;
use crate::validate::levels::{RuleLevels, refused_allowance, unknown_rule};
use crate::validate::{Finding, Origin, Severity, Subject, validate};

/// The seconds that the verification of logs is given where no configuration says otherwise.
const VERIFY_TIMEOUT: u64 = 600;

/// What `--deny` takes beside the ids of rules.
const ALL_WARNINGS: &str = "warnings";

/// The container that gets the traffic where nobody says otherwise.
const CONTAINER: &str = "Main";

pub(super) struct Settings {
    container: String,
    images: Vec<(String, Vec<Platform>)>,
    service: Option<Service>,
    verify_timeout: Option<u64>,
    verify_containers: Vec<String>,
    levels: RuleLevels,
    denies_warnings: bool,
    is_quiet: bool,
    /// Containers that `--manifest` names and no document has had yet.
    unmet: RefCell<BTreeSet<String>>,
}

impl Settings {
    pub(super) fn of(arguments: &Arguments) -> Result<Self, Unusable> {
        let service = service(arguments)?;
        let mut levels = service.as_ref().map(|service| service.rules.clone()).unwrap_or_default();
        let denied = arguments.deny.iter().filter(|id| *id != ALL_WARNINGS);
        let problem_of_allowed = arguments.allow.iter().find_map(|id| refused_allowance(id));
        if let Some(problem) = problem_of_allowed.or_else(|| denied.map(String::as_str).find_map(unknown_rule)) {
            return Err(problem.into());
        }
        // The later word counts: what an argument denies, the configuration cannot allow.
        levels.allow.retain(|id| !arguments.deny.contains(id));
        levels.allow.extend(arguments.allow.iter().cloned());
        levels.deny.extend(arguments.deny.iter().cloned());
        let configured = service.as_ref().map(|service| service.container.clone());
        let container = arguments.container.clone().or(configured).unwrap_or_else(|| CONTAINER.to_owned());
        let images = images::read(&arguments.manifest, &container)?;
        Ok(Self {
            unmet: RefCell::new(images.iter().map(|(name, _)| name.clone()).collect()),
            images,
            container,
            verify_timeout: match &service {
                Some(service) => (service.verify.logs != Logs::Off).then_some(service.verify.timeout),
                None => Some(VERIFY_TIMEOUT),
            },
            verify_containers: service.as_ref().map(|service| service.verify.containers.clone()).unwrap_or_default(),
            service,
            denies_warnings: arguments.deny.iter().any(|id| id == ALL_WARNINGS),
            levels,
            is_quiet: arguments.quiet,
        })
    }

    /// What the rules find in a document, as far as it is to be shown.
    pub(super) fn findings(&self, definition: &TaskDefinition) -> Vec<Finding> {
        self.unmet.borrow_mut().retain(|name| definition.container(name).is_none());
        let images: Vec<(&str, &[Platform])> =
            self.images.iter().map(|(name, platforms)| (name.as_str(), platforms.as_slice())).collect();
        let mut findings = validate(&Subject {
            definition,
            container: &self.container,
            images: &images,
            origin: Origin::Uploaded,
            guard: self.service.as_ref().and_then(|service| {
                let lists = &service.guard.as_ref()?.lists;
                Some(Guarded { lists, repository: service.private_repository(), live: None })
            }),
            verify_timeout: self.verify_timeout,
            verify_containers: &self.verify_containers,
        });
        if self.denies_warnings {
            let warnings = findings.iter_mut().filter(|finding| finding.severity == Severity::Warning);
            warnings.for_each(|finding| finding.severity = Severity::Error);
        }
        self.levels.apply(&mut findings);
        findings.retain(|finding| !self.is_quiet || finding.severity == Severity::Error);
        findings
    }

    /// The keys of the guard that decide only beside the live revision: those without a list, and that of families.
    pub(super) fn compared_at_release(&self) -> Vec<&'static str> {
        let Some(guard) = self.service.as_ref().and_then(|service| service.guard.as_ref()) else { return Vec::new() };
        let is_open = |kind| kind == ReferenceKind::Families || !guard.lists.0.contains_key(&kind);
        ReferenceKind::ALL.into_iter().filter(|(kind, ..)| is_open(*kind)).map(|(_, key, _)| key).collect()
    }

    /// Patterns of the configuration that visitors can meet.
    pub(super) fn unanchored(&self) -> Vec<String> {
        let service = self.service.as_ref().into_iter();
        service.flat_map(|service| service.verify.unanchored().map(str::to_owned)).collect()
    }

    /// The containers that `--manifest` named for nothing: no document that was checked has them.
    pub(super) fn unmet(&self) -> Vec<String> {
        self.unmet.borrow().iter().cloned().collect()
    }
}

/// The service of the configuration that the documents are for; `None` without a configuration.
fn service(arguments: &Arguments) -> Result<Option<Service>, Unusable> {
    let Some(path) = &arguments.config else { return Ok(None) };
    configured_service(path, arguments.service.as_deref()).map(|(service, _)| Some(service))
}
