//! The report as text for people: what happened first, then what to do. Plain lines; colour is the terminal's business.

use std::fmt;

use super::{ReleaseReport, Report, RolloutReport};
use crate::plan::way_back::NO_WAY_BACK;
use crate::validate::Finding;
use crate::verify::verification::{Verification, VerificationStatus};

impl fmt::Display for Report {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        if let Some(reason) = &self.ignored {
            return write!(f, "ignored: {reason}");
        }
        for (index, release) in self.releases.iter().enumerate() {
            if index > 0 {
                f.write_str("\n\n")?;
            }
            release.fmt(f)?;
        }
        Ok(())
    }
}

impl fmt::Display for ReleaseReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{} {}/{}: {}", self.release, self.service.cluster(), self.service.name(), self.outcome)?;
        write!(f, "\n  trigger       {}", self.trigger)?;
        if let Some(reason) = &self.reason {
            write!(f, "\n  reason        {reason}")?;
        }
        if let Some(attention) = &self.attention {
            write!(f, "\n  attention     {attention}")?;
        }
        let is_first = |finding: &&Finding| NO_WAY_BACK.is_of(finding);
        self.findings.iter().filter(is_first).try_for_each(|finding| write_finding(f, finding))?;
        if let Some(image) = &self.image {
            write!(
                f,
                "\n  image       - {}\n              + {}",
                image.before.as_deref().unwrap_or("(none)"),
                image.after
            )?;
        }
        match (&self.previous_task_definition_arn, &self.task_definition_arn) {
            (Some(before), Some(after)) => write!(f, "\n  revision      {} -> {}", revision(before), revision(after))?,
            (None, Some(after)) => write!(f, "\n  revision      {}", revision(after))?,
            (Some(live), None) => write!(f, "\n  live          {}", revision(live))?,
            (None, None) => {}
        }
        if let Some(rollout) = &self.rollout {
            rollout.fmt(f)?;
        }
        self.verification.fmt(f)?;
        let mut others = self.findings.iter().filter(|finding| !is_first(finding));
        others.try_for_each(|finding| write_finding(f, finding))
    }
}

fn write_finding(f: &mut fmt::Formatter<'_>, finding: &Finding) -> fmt::Result {
    write!(f, "\n  {}", finding.to_string().replace('\n', "\n  "))
}

impl fmt::Display for RolloutReport {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "\n  deployment    {} ({})", self.status, self.phase)?;
        if let Some(reason) = &self.reason {
            write!(f, "\n                {reason}")?;
        }
        if !self.triggered_alarms.is_empty() {
            write!(f, "\n  alarms        {}", self.triggered_alarms.join(", "))?;
        }
        if let Some(breaker) = self.circuit_breaker.as_ref().filter(|breaker| breaker.failures > 0) {
            write!(f, "\n  breaker       {} of {} failures, {}", breaker.failures, breaker.threshold, breaker.status)?;
        }
        if let Some(architecture) = &self.architecture_override {
            write!(f, "\n  architecture  ECS runs the tasks on {architecture}, not on what the task definition says")?;
        }
        for task in &self.stopped_tasks {
            write!(f, "\n  stopped task  {}: {}", task.task, task.reason)?;
            for container in &task.containers {
                write!(f, "\n                {container}")?;
            }
        }
        Ok(())
    }
}

impl fmt::Display for Verification {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let status = match self.status {
            VerificationStatus::Passed => "passed",
            VerificationStatus::Failed => "failed",
            VerificationStatus::Inconclusive => "inconclusive",
            VerificationStatus::NotConfigured => "not configured",
            VerificationStatus::NotVerifiable => "not verifiable",
            VerificationStatus::NotReached => "not reached",
        };
        write!(f, "\n  verification  {status}")?;
        if let Some(detail) = &self.detail {
            write!(f, ": {detail}")?;
        }
        if let Some(object) = &self.object {
            write!(f, "\n  log object    {object}")?;
        }
        if let Some(record) = &self.record {
            write!(f, "\n  log record    {record}")?;
        }
        if let Some(levels) = &self.levels {
            write!(f, "\n  log levels    {levels}")?;
        }
        if let Some(levels) = &self.previous_levels {
            write!(f, "\n    before      {levels}")?;
        }
        if let Some(comparison) = &self.comparison {
            write!(f, "\n  compared      {comparison}")?;
        }
        for task in &self.tasks {
            let architecture = task.architecture.as_deref().unwrap_or("an unknown processor");
            let containers = task.containers.iter().map(|container| {
                let health = container.health.as_deref().map(|health| format!(" ({health})")).unwrap_or_default();
                format!("{} {}{health}", container.name, container.status.as_deref().unwrap_or("?"))
            });
            let containers: Vec<String> = containers.collect();
            write!(f, "\n  task          {} on {architecture}: {}", task.task, containers.join(", "))?;
        }
        self.errors.iter().try_for_each(|error| write!(f, "\n  log error     {error}"))?;
        if let Some(row) = &self.error_row {
            write!(f, "\n  read by       row `{row}` of docs/log-levels.md; `ignore_levels` switches it off")?;
        }
        self.problems.iter().try_for_each(|problem| write!(f, "\n  log problem   {problem}"))
    }
}

/// `family:revision` of a task definition's ARN.
fn revision(arn: &str) -> &str {
    arn.rsplit('/').next().unwrap_or(arn)
}
