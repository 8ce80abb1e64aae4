//! What is known of a release's logs as a value: what was seen so far, and the verdict that follows from the next look.
//! It looks at nothing itself and never asks the clock.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

use crate::config::{Silence, Verify};
use crate::text::Text;
use crate::verify::checks::Checks;
use crate::verify::compare::{CompareVerdict, Comparison};
use crate::verify::evidence::{Evidence, Verdict};
use crate::verify::verification::{Verification, VerificationStatus};
use crate::verify::{Expectation, S3Output, deadline};
use log_objects::level::LevelCounts;

/// How long logs may not be there to look at before nobody waits for them any more, in seconds.
const MAX_TROUBLE: u64 = 900;

/// The tasks that are remembered, which bounds what travels between looks.
const MAX_TASKS: usize = 50;

/// The records of the old revision that make the new one's silence a failure.
const MIN_FOR_SILENCE: u64 = 20;

/// What is known of the logs.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct LogWatch {
    /// Where logs should land; empty when none are looked for.
    pub(crate) outputs: Vec<S3Output>,
    pub(crate) evidence: Evidence,
    /// The revision's tasks that were seen to run, and when they were created: ECS forgets those that stop.
    #[serde(default)]
    pub(crate) tasks: BTreeMap<String, Option<Timestamp>>,
    /// The old revision's logs, where they can be found.
    #[serde(default)]
    pub(crate) old: Option<Baseline>,
    /// The old revision's records while the new one was silent, once that is known.
    #[serde(default)]
    old_records: Option<u64>,
    #[serde(default)]
    #[serde(alias = "quiet")]
    on_silence: Silence,
    /// When the first task of the new revision was seen to run.
    first_task: Option<u64>,
    /// Seconds that the logs may take, from the first task on.
    #[serde(rename = "patience")] // as executions recorded it that began under an earlier version
    pub(crate) timeout: u64,
    /// For how long the new revision was seen to have all traffic while the old one still ran, in seconds.
    #[serde(default)]
    shifted_for: u64,
    /// Since when the logs cannot be looked at.
    trouble: Option<u64>,
    /// Whether something that must come has not come yet.
    is_waiting: bool,
    #[serde(default)]
    comparison: Option<Comparison>,
    /// The verdict, once there is one; set from the start where nothing is looked for.
    verdict: Option<(VerificationStatus, Text)>,
}

/// The old revision, and its records since the new one began, as far as somebody asked for them.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(crate) struct Baseline {
    pub(crate) task_definition_arn: String,
    pub(crate) outputs: Vec<S3Output>,
    pub(crate) evidence: Evidence,
}

/// One look at the logs.
#[derive(Clone, Debug, PartialEq)]
pub(crate) enum SeenLogs {
    /// Nothing runs that could have logged.
    NoTask,
    /// What has landed was read.
    Read {
        /// What is known of the new revision now.
        evidence: Box<Evidence>,
        /// And of the old one, where it was looked at.
        old: Option<Box<Evidence>>,
        /// The new revision's tasks.
        tasks: BTreeMap<String, Option<Timestamp>>,
    },
    /// No usable answer; it may pass.
    Trouble {
        /// What AWS said.
        reason: String,
        /// Whether a task runs that could have logged.
        has_task: bool,
        /// Whether it stays until somebody does something: the reason says what. A release waits a while for that, too,
        /// since a permission that was given a moment ago may not have spread yet.
        needs_somebody: bool,
    },
}

/// Why the old revision's records are looked at.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) enum Interest {
    /// To be held against the new one's.
    Comparison,
    /// To know whether the new one should have written anything.
    Silence {
        /// Seconds from the new one's first task on that do not count.
        after: u64,
    },
}

/// When a look was, and what still depends on it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(crate) struct LookTime {
    /// Seconds since the watch began.
    pub(crate) elapsed: u64,
    /// Whether the new revision has the canary's share of the traffic at the most, so that going back is cheap.
    pub(crate) is_canary: bool,
    /// Whether the deployment got through.
    pub(crate) is_through: bool,
    /// How long the canary bakes, in seconds, where that is known.
    pub(crate) bake: Option<u64>,
    /// For how many seconds at most the new revision has had all traffic, while the old one still runs.
    pub(crate) shifted: Option<u64>,
}

/// Something to tell: what, and the detail.
pub(crate) type PhaseChange = (&'static str, String);

impl LogWatch {
    pub(crate) fn new(logs: &Expectation, verify: &Verify) -> Self {
        let (outputs, verdict) = match logs {
            Expectation::Logs(outputs) => (outputs.clone(), None),
            Expectation::NotConfigured(reason) => {
                (Vec::new(), Some((VerificationStatus::NotConfigured, reason.clone())))
            }
            Expectation::NotVerifiable(reason) => {
                (Vec::new(), Some((VerificationStatus::NotVerifiable, reason.clone())))
            }
        };
        let timeout = deadline(verify.timeout, &outputs);
        Self {
            outputs,
            evidence: Evidence::default(),
            tasks: BTreeMap::new(),
            old: None,
            old_records: None,
            on_silence: verify.on_silence,
            first_task: None,
            timeout,
            shifted_for: 0,
            trouble: None,
            is_waiting: false,
            comparison: None,
            verdict,
        }
    }

    /// Gives up what cannot land while anybody looks: nobody is looking for longer than `longest` seconds after the
    /// first task.
    pub(crate) fn bound(&mut self, longest: u64) {
        if self.verdict.is_none() && deadline(0, &self.outputs) > longest {
            let reason =
                "the output holds logs back for longer than a release is followed: shorten its `upload_timeout`";
            self.outputs.clear();
            self.conclude(VerificationStatus::NotVerifiable, reason.to_owned());
        }
    }

    /// Concludes by what others than the logs say.
    pub(crate) fn overrule(&mut self, status: VerificationStatus, detail: String) {
        self.conclude(status, detail);
    }

    /// Concludes that the logs cannot be had.
    #[cfg(feature = "cli")]
    pub(crate) fn give_up(&mut self, reason: String) {
        self.conclude(VerificationStatus::NotReached, reason);
    }

    /// Counts the patience from the start of the watch, not from the first task.
    #[cfg(feature = "cli")]
    pub(crate) fn count_from_start(&mut self) {
        self.first_task = self.first_task.map(|_| 0);
    }

    /// The last look once more, where the next one got no answer.
    #[cfg(feature = "cli")]
    pub(crate) fn seen_before(&self) -> SeenLogs {
        let tasks = self.tasks.iter().map(|(arn, created)| (arn.clone(), *created)).collect();
        SeenLogs::Read { evidence: Box::new(self.evidence.clone()), old: None, tasks }
    }

    /// What was seen so far, for people who wait.
    #[cfg(feature = "cli")]
    pub(crate) fn progress(&self) -> String {
        let Evidence { objects, records, .. } = self.evidence;
        format!("{objects} objects read, {records} records of the revision")
    }

    /// When what is missing has not come in time, in seconds since the watch began.
    pub(crate) fn deadline(&self) -> Option<u64> {
        let first_task = self.first_task.filter(|_| self.is_open() && self.is_waiting && self.trouble.is_none())?;
        first_task.checked_add(self.timeout)
    }

    /// Whether the last look saw nothing that could be used.
    pub(crate) fn is_in_trouble(&self) -> bool {
        self.is_open() && self.trouble.is_some()
    }

    /// Whether logs are still to be looked at.
    pub(crate) fn is_open(&self) -> bool {
        self.verdict.is_none()
    }

    /// The verdict, once there is one, and why.
    pub(crate) fn verdict(&self) -> Option<(VerificationStatus, &str)> {
        self.verdict.as_ref().map(|(status, detail)| (*status, detail.as_str()))
    }

    /// Takes in one look; gives what is to be told about it.
    pub(crate) fn observe(&mut self, seen: SeenLogs, checks: &Checks, moment: LookTime) -> Vec<PhaseChange> {
        let mut changes = Vec::new();
        self.shifted_for = self.shifted_for.max(moment.shifted.unwrap_or_default());
        match seen {
            // A service that is scaled to zero starts none, and nobody waits for one for hours.
            SeenLogs::NoTask if moment.is_through => _ = self.first_task.get_or_insert(moment.elapsed),
            SeenLogs::NoTask => {}
            SeenLogs::Trouble { reason, has_task, .. } => self.note_trouble(&reason, has_task, moment.elapsed),
            SeenLogs::Read { evidence, old, tasks } => {
                let room = MAX_TASKS.saturating_sub(self.tasks.len());
                let known = &mut self.tasks;
                let new: Vec<_> = tasks.into_iter().filter(|(arn, _)| !known.contains_key(arn)).take(room).collect();
                known.extend(new);
                let interest = self.interest_in_old(checks, &evidence, moment.elapsed);
                let was_silent = self.evidence.first.is_none();
                if self.first_task.is_none() && evidence.first.is_none() {
                    changes.extend(self.prediction(moment.bake));
                }
                self.first_task.get_or_insert(moment.elapsed);
                self.trouble = None;
                self.evidence = *evidence;
                match (interest, &mut self.old, old) {
                    (Some(Interest::Comparison), Some(before), Some(now)) => before.evidence = *now,
                    (Some(Interest::Silence { .. }), _, Some(now)) => self.old_records = Some(now.records),
                    _ => {}
                }
                if let Some(first) = self.evidence.first.as_ref().filter(|_| was_silent) {
                    changes.push(("logs", format!("{}: {}", first.key, first.text)));
                }
            }
        }
        if self.verdict.is_none() {
            self.judge(checks, moment);
        }
        if let Some((status, detail)) = &self.verdict {
            let what = match status {
                VerificationStatus::Passed => "verified",
                VerificationStatus::Failed => "not verified",
                VerificationStatus::Inconclusive => "no proof",
                _ => "logs unreadable",
            };
            changes.push((what, detail.to_string()));
        }
        changes
    }

    /// Whether, and why, the old revision's records are looked at: for a comparison that is configured, before the new
    /// one fails by what visitors may have written into both, and where the new one is silent at the end.
    pub(crate) fn interest_in_old(&self, checks: &Checks, new: &Evidence, elapsed: u64) -> Option<Interest> {
        let old = self.old.as_ref()?;
        let new = new.counted();
        let waited = elapsed - self.first_task.unwrap_or(elapsed);
        if new.records == 0 && waited >= self.timeout && writes_alike(&self.outputs, &old.outputs) {
            let after = self.outputs.iter().map(|output| output.upload_timeout).max()?;
            return Some(Interest::Silence { after });
        }
        (checks.compare.is_some() || new.is_accused(checks)).then_some(Interest::Comparison)
    }

    /// When the first objects can land, and where.
    fn prediction(&self, bake: Option<u64>) -> Option<PhaseChange> {
        let slowest = self.outputs.iter().max_by_key(|output| output.first_object_after())?;
        let (after, bucket) = (slowest.first_object_after(), &slowest.bucket);
        let timeout = slowest.upload_timeout;
        let place = slowest.key_format.as_str();
        let late = match bake.filter(|bake| *bake <= after) {
            Some(bake) => format!(", and so perhaps after the {bake} s for which the canary bakes"),
            None => String::new(),
        };
        Some((
            "waiting for logs",
            format!(
                "s3://{bucket}{place}: Fluent Bit uploads after {timeout} s at the latest, so within {after} s of the first line{late}"
            ),
        ))
    }

    /// What cannot be looked at proves nothing: the deadline counts only looks that saw.
    fn note_trouble(&mut self, reason: &str, has_task: bool, elapsed: u64) {
        if has_task {
            self.first_task.get_or_insert(elapsed);
        }
        let since = *self.trouble.get_or_insert(elapsed);
        if elapsed - since >= MAX_TROUBLE {
            self.conclude(VerificationStatus::NotReached, format!("the logs could not be looked at: {reason}"));
        }
    }

    fn judge(&mut self, checks: &Checks, moment: LookTime) {
        let waited = self.first_task.map_or(0, |since| moment.elapsed - since);
        let is_late = waited >= self.timeout && self.trouble.is_none() && self.first_task.is_some();
        self.comparison = self.compare(checks);
        if let Some(worse) = self.comparison.filter(|comparison| comparison.decision == CompareVerdict::Worse) {
            return self.conclude(VerificationStatus::Failed, worse.to_string());
        }
        // What bears the revision's name alone counts at the end, where nothing else came.
        let evidence = if is_late { self.evidence.counted() } else { &self.evidence };
        let verdict = evidence.verdict(checks, self.old_evidence());
        self.is_waiting = matches!(verdict, Verdict::Waiting { .. });
        match verdict {
            Verdict::Failed(reason) => self.conclude(VerificationStatus::Failed, reason),
            // The timeout bounds the wait for what is missing; what must not come is watched for as long as going back
            // is cheap, and until what the canary logged last has been uploaded.
            Verdict::Passed if checks.keeps_watching() && self.may_still_fail(moment) => {}
            Verdict::Passed => self.conclude_pass(checks, moment),
            Verdict::Waiting { missing, silent } if is_late => self.conclude_absence(waited, &missing, &silent),
            Verdict::Waiting { missing, silent } => {
                let is_content = self.on_silence == Silence::Pass && moment.is_through && self.trouble.is_none();
                if missing.is_empty() && is_content {
                    self.conclude_silence(waited, &silent);
                }
            }
        }
    }

    /// Whether what the canary logged may still come, and going back is still of use.
    fn may_still_fail(&self, moment: LookTime) -> bool {
        moment.is_canary || moment.shifted.is_some_and(|since| since < deadline(0, &self.outputs))
    }

    fn conclude_pass(&mut self, checks: &Checks, moment: LookTime) {
        let evidence = self.evidence.counted();
        let records = evidence.records;
        let plural = if records == 1 { "" } else { "s" };
        let more = match evidence.folded {
            0 => String::new(),
            folded => format!(", to which {folded} more lines belong, as those of a stack trace do"),
        };
        let mut detail = format!("{records} record{plural} of the new revision{more}");
        if self.evidence.records == 0 {
            detail += ", by its name alone: nothing else in them says whose they are";
        }
        if checks.keeps_watching() {
            if let Some(shared) = evidence.shared(checks, self.old_evidence()) {
                return self.conclude(VerificationStatus::Inconclusive, format!("{detail}, and {shared}"));
            }
            // What was read is a proof, and what was not read says nothing against it.
            if let Some(unread) = self.unread() {
                detail = format!("{detail}; {unread}");
            }
            let (upload, covered) =
                (deadline(0, &self.outputs), self.shifted_for.max(moment.shifted.unwrap_or_default()));
            if covered < upload {
                detail = format!(
                    "{detail}; the old tasks went within {covered} s of the shift, so what the canary logged in its last \
                     {} s may not have been judged",
                    upload - covered
                );
            }
        }
        self.conclude(VerificationStatus::Passed, detail);
    }

    /// Nothing follows from the absence of what was not read, or could not be written.
    fn conclude_absence(&mut self, waited: u64, missing: &[String], silent: &[String]) {
        if let Some(unread) = self.unread() {
            let absent = [missing, silent].concat().join(", ");
            let detail = format!("after {waited} s of waiting for logs, still missing: {absent}; but {unread}");
            return self.conclude(VerificationStatus::Inconclusive, detail);
        }
        if self.tasks.is_empty() {
            let detail = format!("no task of the new revision has run within {waited} s: there was nothing to log");
            return self.conclude(VerificationStatus::Inconclusive, detail);
        }
        let records = self.evidence.counted().records;
        let old = self.old_records.filter(|old| records == 0 && *old >= MIN_FOR_SILENCE);
        let beside = old.map_or_else(String::new, |old| {
            format!(", while {old} records of the old revision came to the same place")
        });
        if !missing.is_empty() {
            let missing = [missing, silent].concat().join(", ");
            let detail = format!(
                "after {waited} s of waiting for logs ({records} records seen{beside}), still missing: {missing}{}",
                self.unnamed()
            );
            return self.conclude(VerificationStatus::Failed, detail);
        }
        if old.is_none() {
            return self.conclude_silence(waited, silent);
        }
        let detail = format!("no record of the new revision came within {waited} s{beside}{}", self.unnamed());
        match self.on_silence {
            Silence::Pass => {
                self.conclude(VerificationStatus::Passed, format!("{detail}, which `on_silence = \"pass\"` takes"));
            }
            Silence::Inconclusive | Silence::Fail => self.conclude(VerificationStatus::Failed, detail),
        }
    }

    /// A service that had no traffic and prints nothing proves neither that it works nor that it does not: the
    /// configuration says what then.
    fn conclude_silence(&mut self, waited: u64, silent: &[String]) {
        let records = self.evidence.counted().records;
        let seen = match records {
            0 => format!("no record came within {waited} s"),
            1 => format!("only 1 record came within {waited} s; missing: {}", silent.join(", ")),
            _ => format!("only {records} records came within {waited} s; missing: {}", silent.join(", ")),
        };
        let seen = seen + &self.unnamed();
        match self.on_silence {
            Silence::Pass => {
                self.conclude(VerificationStatus::Passed, format!("{seen}, which `on_silence = \"pass\"` takes"));
            }
            Silence::Fail => self.conclude(VerificationStatus::Failed, format!("{seen} (`on_silence = \"fail\"`)")),
            Silence::Inconclusive => self.conclude(
                VerificationStatus::Inconclusive,
                format!("{seen}: nobody can tell whether it works (`on_silence` says what that means)"),
            ),
        }
    }

    /// What lies there and was not read, if anything.
    fn unread(&self) -> Option<String> {
        let Evidence { unread, cut, .. } = &self.evidence;
        self.evidence.is_partial().then(|| match unread + cut {
            1 => "1 object was not read to its end".to_owned(),
            objects => format!("{objects} objects were not read to their end"),
        })
    }

    /// A hint at records that may be the revision's, and do not say so.
    fn unnamed(&self) -> String {
        match self.evidence.unnamed {
            0 => String::new(),
            records => format!(
                "; {records} records lie there that name no revision (does a filter of the log router drop \
                 `ecs_task_definition`?)"
            ),
        }
    }

    /// How the old revision's records were counted, where they were.
    fn old_levels(&self) -> Option<LevelCounts> {
        let old = self.old.as_ref().filter(|old| self.comparison.is_some() || old.evidence.records > 0);
        old.map(|old| old.evidence.levels)
    }

    fn old_evidence(&self) -> Option<&Evidence> {
        self.old.as_ref().map(|old| &old.evidence).filter(|evidence| evidence.records > 0)
    }

    fn compare(&self, checks: &Checks) -> Option<Comparison> {
        let nothing = LevelCounts::default();
        let before = self.old.as_ref().map_or(&nothing, |old| &old.evidence.levels);
        checks.compare.map(|compare| compare.judge(&self.evidence.levels, before))
    }

    fn conclude(&mut self, status: VerificationStatus, detail: impl Into<Text>) {
        self.verdict = Some((status, detail.into()));
    }

    /// What the logs proved.
    pub(crate) fn verification(&self) -> Verification {
        let evidence = self.evidence.counted();
        let not_reached = || (VerificationStatus::NotReached, "the release ended before its logs were there".into());
        let (status, detail) = self.verdict.clone().unwrap_or_else(not_reached);
        let first = evidence.first.as_ref();
        Verification {
            status,
            detail: Some(detail).filter(|detail| !detail.is_empty()),
            records: evidence.records,
            object: first.map(|first| first.url().into()),
            record: first.map(|first| first.text.clone()),
            levels: (evidence.records > 0).then_some(evidence.levels),
            previous_levels: self.old_levels(),
            comparison: self.comparison,
            errors: evidence.errors.iter().map(|error| error.text.clone()).collect(),
            tasks: Vec::new(),
            error_row: evidence.errors.first().and_then(|error| error.row.clone()).map(Text::from),
            problems: self.evidence.flaws.iter().map(|flaw| format!("{}: {}", flaw.key, flaw.problem).into()).collect(),
        }
    }
}

/// Whether every container of the new revision has an output of the old one that writes to the same place in the same
/// way, so that both are read with the same permission.
fn writes_alike(new: &[S3Output], old: &[S3Output]) -> bool {
    let place = |output: &S3Output| {
        let S3Output { container, bucket, region, key_format, lines, .. } = output.clone();
        (container, bucket, region, key_format, lines)
    };
    new.iter().all(|output| old.iter().any(|other| place(other) == place(output)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::task_definition::TaskDefinition;
    use crate::verify::compare::Compare;
    use crate::verify::expect_logs;

    fn log_watch(verify: &Verify) -> LogWatch {
        let definition = include_bytes!("../../events/task-definitions/firelens.json");
        let definition = TaskDefinition::parse(definition).unwrap();
        LogWatch::new(&expect_logs(&definition, "Main", &[]), verify)
    }

    fn one_task() -> BTreeMap<String, Option<Timestamp>> {
        BTreeMap::from([("arn:aws:ecs:r:1:task/default/1f2e".to_owned(), None)])
    }

    fn verify(on_silence: Silence) -> Verify {
        Verify { timeout: 60, on_silence, ..Verify::default() }
    }

    fn evidence(records: u64, errors: u64) -> Evidence {
        let levels = LevelCounts { error: errors, info: records - errors, ..LevelCounts::default() };
        let first = (records > 0).then(|| crate::verify::evidence::Sample {
            bucket: "b".into(),
            key: "k".into(),
            text: "t".into(),
            date: None,
            row: None,
        });
        let mut evidence = Evidence::default();
        (evidence.records, evidence.levels, evidence.first, evidence.objects) = (records, levels, first, 1);
        evidence
    }

    fn read(evidence: Evidence) -> SeenLogs {
        SeenLogs::Read { evidence: Box::new(evidence), old: None, tasks: one_task() }
    }

    const CANARY: LookTime =
        LookTime { elapsed: 0, is_canary: true, is_through: false, bake: Some(180), shifted: None };

    fn at(elapsed: u64) -> LookTime {
        LookTime { elapsed, ..CANARY }
    }

    /// The verdict after the same look at each of these moments.
    fn verdict(verify: &Verify, seen: &SeenLogs, moments: &[LookTime]) -> Option<VerificationStatus> {
        let mut watch = log_watch(verify);
        let checks = verify.checks().unwrap();
        for moment in moments {
            if watch.is_open() {
                watch.observe(seen.clone(), &checks, *moment);
            }
        }
        watch.verdict().map(|(status, _)| status)
    }

    #[test]
    fn what_silence_means_is_the_configurations_choice() {
        let silence = read(evidence(0, 0));
        let through = LookTime { elapsed: 30, is_canary: false, is_through: true, bake: None, shifted: None };
        for (on_silence, early, late) in [
            (Silence::Inconclusive, None, Some(VerificationStatus::Inconclusive)),
            (Silence::Fail, None, Some(VerificationStatus::Failed)),
            (Silence::Pass, Some(VerificationStatus::Passed), Some(VerificationStatus::Passed)),
        ] {
            assert_eq!(verdict(&verify(on_silence), &silence, &[at(0), at(30)]), None, "{on_silence:?}");
            assert_eq!(verdict(&verify(on_silence), &silence, &[at(0), through]), early, "{on_silence:?}");
            assert_eq!(verdict(&verify(on_silence), &silence, &[at(0), at(700)]), late, "{on_silence:?}");
        }
    }

    #[test]
    fn an_expected_record_that_does_not_come_is_a_failure_whatever_silence_means() {
        for on_silence in [Silence::Inconclusive, Silence::Pass] {
            let verify = Verify { expect: vec!["Starting".into()], ..verify(on_silence) };
            for seen in [evidence(0, 0), evidence(9, 0)] {
                let failed = verdict(&verify, &read(seen), &[at(0), at(700)]);
                assert_eq!(failed, Some(VerificationStatus::Failed));
            }
        }
    }

    #[test]
    fn too_few_records_are_as_good_as_none() {
        let verify = Verify { min_records: 10, ..verify(Silence::Inconclusive) };
        assert_eq!(verdict(&verify, &read(evidence(9, 0)), &[at(0), at(700)]), Some(VerificationStatus::Inconclusive));
        assert_eq!(verdict(&verify, &read(evidence(10, 0)), &[at(0)]), Some(VerificationStatus::Passed));
    }

    #[test]
    fn a_canary_that_passes_is_watched_as_long_as_it_can_still_fail() {
        let plain = verify(Silence::Inconclusive);
        let watching = Verify { forbid: vec!["panic".into()], ..plain.clone() };
        let good = read(evidence(5, 0));
        assert_eq!(verdict(&plain, &good, &[at(0)]), Some(VerificationStatus::Passed));
        assert_eq!(verdict(&watching, &good, &[at(0), at(30)]), None);
        let shifted = |since| LookTime { elapsed: 40, is_canary: false, is_through: false, bake: None, shifted: since };
        assert_eq!(verdict(&watching, &good, &[at(0), shifted(Some(0))]), None, "the canary's last lines may come");
        assert_eq!(verdict(&watching, &good, &[at(0), shifted(Some(50))]), None);
        assert_eq!(verdict(&watching, &good, &[at(0), shifted(Some(51))]), Some(VerificationStatus::Passed));
        assert_eq!(verdict(&watching, &good, &[at(0), shifted(None)]), Some(VerificationStatus::Passed));
        assert_eq!(verdict(&watching, &good, &[at(0), at(700)]), None);
    }

    #[test]
    fn too_many_errors_fail_and_a_few_records_do_not_decide() {
        let verify = Verify { max_error_ratio: Some(0.1), ..verify(Silence::Inconclusive) };
        assert_eq!(verdict(&verify, &read(evidence(20, 3)), &[at(0)]), Some(VerificationStatus::Failed));
        assert_eq!(verdict(&verify, &read(evidence(20, 2)), &[at(0)]), None);
        assert_eq!(verdict(&verify, &read(evidence(19, 19)), &[at(0)]), None);
    }

    #[test]
    fn a_revision_that_logs_worse_than_the_old_one_fails() {
        let verify = Verify { compare: Some(Compare::default()), ..verify(Silence::Inconclusive) };
        let look = |new: Evidence, old: Evidence| {
            let mut watch = log_watch(&verify);
            watch.old = Some(Baseline {
                task_definition_arn: "web:5".into(),
                outputs: Vec::new(),
                evidence: Evidence::default(),
            });
            let seen = SeenLogs::Read { evidence: Box::new(new), old: Some(Box::new(old)), tasks: one_task() };
            watch.observe(seen, &verify.checks().unwrap(), LookTime { is_canary: false, ..CANARY });
            watch.verification()
        };
        let worse = look(evidence(100, 30), evidence(1000, 10));
        assert_eq!(worse.status, VerificationStatus::Failed);
        assert!(worse.detail.unwrap().contains("worse by more than the margin"));
        let same = look(evidence(100, 1), evidence(1000, 10));
        assert_eq!(same.status, VerificationStatus::Passed);
        assert_eq!(same.comparison.unwrap().decision, CompareVerdict::NotWorse);
        let few = look(evidence(10, 10), evidence(1000, 0));
        assert_eq!(
            (few.status, few.comparison.unwrap().decision),
            (VerificationStatus::Passed, CompareVerdict::TooFew)
        );
    }

    /// A watch that knows where the old revision logs, after a look at which the new one was silent and the old one had
    /// so many records.
    fn silent_beside(
        verify: &Verify,
        old_outputs: impl Fn(&mut S3Output),
        records: u64,
    ) -> (VerificationStatus, String) {
        let mut watch = log_watch(verify);
        let mut outputs = watch.outputs.clone();
        outputs.iter_mut().for_each(old_outputs);
        watch.old = Some(Baseline { task_definition_arn: "web:5".into(), outputs, evidence: Evidence::default() });
        let checks = verify.checks().unwrap();
        watch.observe(read(evidence(0, 0)), &checks, at(0));
        let old = Some(Box::new(evidence(records, 0)));
        let seen = SeenLogs::Read { evidence: Box::new(evidence(0, 0)), old, tasks: one_task() };
        watch.observe(seen, &checks, at(700));
        watch.verdict().map(|(status, detail)| (status, detail.to_owned())).unwrap()
    }

    #[test]
    fn silence_beside_an_old_revision_that_goes_on_logging_is_a_failure() {
        let same = |_: &mut S3Output| {};
        let (status, detail) = silent_beside(&verify(Silence::Inconclusive), same, 20);
        assert_eq!(status, VerificationStatus::Failed);
        assert!(
            detail.contains("no record of the new revision came within 700 s, while 20 records of the old"),
            "{detail}"
        );
        assert_eq!(silent_beside(&verify(Silence::Pass), same, 20).0, VerificationStatus::Passed);
        // Too few to tell, or through an output that is another one: then nobody can.
        assert_eq!(silent_beside(&verify(Silence::Inconclusive), same, 19).0, VerificationStatus::Inconclusive);
        let other = |output: &mut S3Output| output.bucket = "another".to_owned();
        let (status, detail) = silent_beside(&verify(Silence::Inconclusive), other, 0);
        assert!(status == VerificationStatus::Inconclusive && !detail.contains("old revision"), "{detail}");
    }

    #[test]
    fn the_old_revision_is_only_asked_when_the_new_one_is_silent_at_the_end() {
        let verify = verify(Silence::Inconclusive);
        let mut watch = log_watch(&verify);
        let (outputs, evidence_of_old) = (watch.outputs.clone(), Evidence::default());
        watch.old = Some(Baseline { task_definition_arn: "web:5".into(), outputs, evidence: evidence_of_old });
        let checks = verify.checks().unwrap();
        watch.observe(read(evidence(0, 0)), &checks, at(0));
        assert_eq!(watch.interest_in_old(&checks, &evidence(0, 0), 30), None);
        assert_eq!(watch.interest_in_old(&checks, &evidence(1, 0), 700), None);
        assert!(matches!(watch.interest_in_old(&checks, &evidence(0, 0), 700), Some(Interest::Silence { after: 30 })));
        watch.old.as_mut().unwrap().outputs[0].bucket = "another".to_owned();
        assert_eq!(watch.interest_in_old(&checks, &evidence(0, 0), 700), None);
    }

    #[test]
    fn a_service_that_is_scaled_to_zero_is_not_watched_for_hours() {
        let mut watch = log_watch(&verify(Silence::Fail));
        let checks = Checks::default();
        let through = |elapsed| LookTime { elapsed, is_canary: false, is_through: true, bake: None, shifted: None };
        watch.observe(SeenLogs::NoTask, &checks, at(0));
        watch.observe(SeenLogs::NoTask, &checks, at(7_000));
        assert!(watch.is_open(), "the deployment may still start one");
        watch.observe(SeenLogs::NoTask, &checks, through(7_010));
        assert!(watch.is_open());
        watch.observe(SeenLogs::NoTask, &checks, through(7_080));
        let (status, detail) = watch.verdict().unwrap();
        assert_eq!(status, VerificationStatus::Inconclusive);
        assert!(detail.contains("no task of the new revision has run"), "{detail}");
    }

    #[test]
    fn nothing_follows_from_the_absence_of_what_was_not_read_and_what_was_read_stands() {
        let verify = Verify { expect: vec!["Starting".into()], forbid: vec!["^panic".into()], ..verify(Silence::Fail) };
        let partial = |records| {
            let mut evidence = evidence(records, 0);
            evidence.unread = 3;
            evidence
        };
        let late = [at(0), at(700)];
        assert_eq!(verdict(&verify, &read(partial(5)), &late), Some(VerificationStatus::Inconclusive));
        assert_eq!(verdict(&verify, &read(evidence(5, 0)), &late), Some(VerificationStatus::Failed));
        let mut proven = partial(5);
        proven.expected = vec![true];
        let through = LookTime { elapsed: 700, is_canary: false, is_through: true, bake: None, shifted: None };
        assert_eq!(verdict(&verify, &read(proven), &[at(0), through]), Some(VerificationStatus::Passed));
    }

    #[test]
    fn it_tells_what_it_waits_for_and_what_came() {
        let mut watch = log_watch(&verify(Silence::Inconclusive));
        let checks = Checks::default();
        let told = watch.observe(read(evidence(0, 0)), &checks, at(0));
        assert!(told[0].0 == "waiting for logs" && told[0].1.contains("within 51 s of the first line"), "{told:?}");
        let hasty = LookTime { bake: Some(30), ..at(0) };
        let told = log_watch(&verify(Silence::Inconclusive)).observe(read(evidence(0, 0)), &checks, hasty);
        assert!(told[0].1.ends_with("perhaps after the 30 s for which the canary bakes"), "{told:?}");
        assert_eq!(watch.observe(read(evidence(0, 0)), &checks, at(10)), []);
        let told = watch.observe(read(evidence(1, 0)), &checks, at(20));
        assert_eq!(told.iter().map(|(what, _)| *what).collect::<Vec<_>>(), ["logs", "verified"]);
    }
}
