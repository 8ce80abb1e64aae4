//! One release under way: what it goes by and what is recorded of it, for the modules that carry out its steps. It does
//! nothing by itself.

use std::sync::Arc;

use aws_durable_execution_sdk::DurableContext;
use release_protocol::Outcome;
use release_protocol::course::{Answer, Course};
use serde::{Deserialize, Serialize};

use super::deployer::Deployer;
use crate::head;
use crate::plan::{ExpectedLogs, Outline, Request};
use crate::text::Text;

/// How a release ends, with the reason for people.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Ending {
    pub(super) outcome: Outcome,
    pub(super) reason: Option<Text>,
    /// What a person should know of although the outcome sounds well.
    pub(super) attention: Option<Text>,
}

impl Ending {
    pub(super) fn new(outcome: Outcome, reason: impl Into<Text>) -> Self {
        Self { outcome, reason: Some(reason.into()), attention: None }
    }

    pub(super) fn failed(reason: impl Into<Text>) -> Self {
        Self::new(Outcome::Failed, reason)
    }
}

/// What is recorded of a release whenever its course rests.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct UnderWay {
    pub(super) course: Course<head::Aws>,
    /// Whether the pushed tag was seen to point to the pushed digest.
    pub(super) tag_is_current: bool,
    /// Whether it has owned the service.
    pub(super) has_claimed: bool,
    /// Fences that were seen unchanged for so long that their calls can no longer take effect.
    pub(super) past_fences: Vec<String>,
    /// What it registers or rejects, without the document.
    pub(super) draft: Option<Box<Outline>>,
    /// Where what it registers logs.
    pub(super) logs: Option<Box<ExpectedLogs>>,
    /// The family of what it registers.
    pub(super) family: Option<String>,
    /// Why what the event asks for is not deployed.
    pub(super) asked: Option<Text>,
    /// What its claim stands on, as the head has it: an attempt that was cut off may have made it.
    pub(super) base: Option<String>,
    /// The desired task definition when the service was read last.
    pub(super) live: Option<String>,
    /// What a call said that did nothing.
    pub(super) refusal: Option<Text>,
    /// What happened since the last rest: what, and the detail.
    pub(super) told: Vec<(String, Text)>,
    /// How often it has acted; part of what tells its fences apart.
    pub(super) acts: u32,
    /// How often it was told to try a little later, or to wait until its own fence is past.
    pub(super) pauses: u32,
    /// Whose place its update took, without meaning to.
    pub(super) replaced: Vec<String>,
}

impl UnderWay {
    /// Whether what is drafted now is another document than the one that this release has claimed the service for: the
    /// checks and the report speak of that one, and neither knows what has come into its place.
    pub(super) fn has_planned_another(&self, drafted: &Outline) -> bool {
        self.has_claimed
            && self.draft.as_ref().is_some_and(|planned| {
                planned.base == drafted.base && planned.digest.is_some() && planned.digest != drafted.digest
            })
    }
}

/// A release and its execution.
pub(super) struct Run {
    pub(super) deployer: Arc<Deployer>,
    pub(super) ctx: DurableContext,
    pub(super) request: Request,
    pub(super) under_way: UnderWay,
}

impl Run {
    pub(super) fn new(deployer: Arc<Deployer>, ctx: DurableContext, request: Request) -> Self {
        Self { deployer, ctx, request, under_way: UnderWay::default() }
    }

    /// The release as the protocol knows it. It began at the event's time that counts.
    pub(super) fn me(&self) -> head::Release {
        let (start, tag_is_current) = (self.request.at, self.under_way.tag_is_current);
        head::release(&self.request, self.ctx.execution_arn(), start, tag_is_current)
    }

    /// Takes what came of what its course asked for.
    pub(super) fn take(&mut self, answer: Answer<head::Aws>) {
        let me = self.me();
        let course = std::mem::take(&mut self.under_way.course);
        self.under_way.course = course.take(&me, answer);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::image::Digest;

    fn outline(base: &str, document: &str) -> Outline {
        let (base, previous) = (base.to_owned(), base.to_owned());
        let digest = Some(Digest::of(document.as_bytes()));
        Outline { base, previous, digest, image: None, changes: Vec::new(), findings: Vec::new() }
    }

    #[test]
    fn once_the_service_is_claimed_only_the_planned_document_is_gone_on_with() {
        let planned = Some(Box::new(outline("web:1", "planned")));
        let claimed = UnderWay { has_claimed: true, draft: planned.clone(), ..UnderWay::default() };
        assert!(claimed.has_planned_another(&outline("web:1", "changed")));
        assert!(!claimed.has_planned_another(&outline("web:1", "planned")));
        assert!(!claimed.has_planned_another(&outline("web:2", "changed")), "another base is another plan");
        let waiting = UnderWay { draft: planned, ..UnderWay::default() };
        assert!(!waiting.has_planned_another(&outline("web:1", "changed")), "nobody relies on a plan without a claim");
    }
}
