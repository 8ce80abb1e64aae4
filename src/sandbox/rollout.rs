//! A simulated deployment as a function of its age: what ECS would say of it, and which tasks it would have started. It keeps no state of its
//! own; two looks at the same age see the same.

use jiff::{SignedDuration, Timestamp};
use serde_json::{Value, json};

/// How a deployment would go by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Course {
    /// The canary works.
    Works,
    /// The canary works and raises an alarm.
    Alarm,
    /// No task stays up.
    Crashes,
}

/// What ended a deployment early.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Stop {
    /// Another deployment took its place.
    Superseded,
    /// It was rolled back: the reason.
    RolledBack(String),
}

/// A deployment and what is known of it beside its age.
#[derive(Clone, Debug)]
pub(super) struct Rollout {
    pub(super) created: Timestamp,
    pub(super) course: Course,
    /// When and why it was stopped from outside.
    pub(super) stopped: Option<(Timestamp, Stop)>,
}

/// A task's life, in seconds since the deployment began.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct TaskLife {
    pub(super) created: i64,
    pub(super) started: Option<i64>,
    pub(super) stopped: Option<i64>,
}

/// The canary has its traffic, in seconds since the deployment began.
const CANARY: i64 = 60;
/// The canary has baked: three minutes (Amazon ECS developer guide, "Express Mode services: how they work").
const SHIFTED: i64 = CANARY + 180;
/// All traffic has baked: three more minutes.
const CLEAN_UP: i64 = SHIFTED + 180;
const DONE: i64 = CLEAN_UP + 30;
/// The alarm goes off.
const ALARM: i64 = CANARY + 90;
/// Tasks that crash: when each attempt begins, and how long it lasts.
const ATTEMPT: i64 = 40;
const THRESHOLD: i64 = 3;
/// How long a rollback takes.
const ROLLBACK: i64 = 45;

impl Rollout {
    fn age(&self, at: Timestamp) -> i64 {
        at.duration_since(self.created).as_secs()
    }

    /// When it was stopped, by whom ever: by age and reason.
    fn stop(&self) -> Option<(i64, Stop)> {
        let own = match self.course {
            Course::Works => None,
            Course::Alarm => Some((ALARM, "Service deployment rolled back because of CloudWatch alarms.".to_owned())),
            Course::Crashes => {
                let reason =
                    "Service deployment rolled back because the circuit breaker threshold was exceeded.".to_owned();
                Some((10 + ATTEMPT * THRESHOLD, reason))
            }
        };
        let own = own.map(|(age, reason)| (age, Stop::RolledBack(reason)));
        let asked = self.stopped.as_ref().map(|(at, stop)| (self.age(*at), stop.clone()));
        match (own, asked) {
            (Some(own), Some(asked)) => Some(if asked.0 < own.0 { asked } else { own }),
            (own, asked) => asked.or(own),
        }
    }

    /// The word of ECS for its status.
    pub(super) fn status(&self, now: Timestamp) -> &'static str {
        let age = self.age(now);
        match self.stop().filter(|(since, _)| age >= *since) {
            Some((since, Stop::Superseded)) => {
                if age < since + 5 {
                    "STOP_REQUESTED"
                } else {
                    "STOPPED"
                }
            }
            Some((since, Stop::RolledBack(_))) if age >= since + ROLLBACK => "ROLLBACK_SUCCESSFUL",
            Some((since, Stop::RolledBack(_))) if age < since + 5 && self.stopped.is_some() => "ROLLBACK_REQUESTED",
            Some((_, Stop::RolledBack(_))) => "ROLLBACK_IN_PROGRESS",
            None if age < 5 => "PENDING",
            None if age < DONE => "IN_PROGRESS",
            None => "SUCCESSFUL",
        }
    }

    pub(super) fn is_over(&self, now: Timestamp) -> bool {
        matches!(self.status(now), "SUCCESSFUL" | "STOPPED" | "ROLLBACK_SUCCESSFUL")
    }

    pub(super) fn is_successful(&self, now: Timestamp) -> bool {
        self.status(now) == "SUCCESSFUL"
    }

    /// The share of production traffic that the target has, in percent.
    fn traffic(&self, now: Timestamp) -> f64 {
        let age = self.age(now);
        let is_going_back = self.stop().is_some_and(|(since, _)| age >= since);
        match age {
            _ if is_going_back || self.course == Course::Crashes => 0.0,
            CANARY..SHIFTED => 5.0,
            SHIFTED.. => 100.0,
            _ => 0.0,
        }
    }

    fn stage(&self, now: Timestamp) -> &'static str {
        match self.age(now) {
            ..10 => "PRE_SCALE_UP",
            10..CANARY => "SCALE_UP",
            CANARY..SHIFTED => "PRODUCTION_TRAFFIC_SHIFT",
            SHIFTED..CLEAN_UP => "BAKE_TIME",
            _ => "CLEAN_UP",
        }
    }

    /// The tasks that it starts; `replaced` is when a later deployment makes them stop.
    pub(super) fn tasks(&self, replaced: Option<Timestamp>) -> Vec<TaskLife> {
        let ends = self.stop().map(|(since, _)| since + 20);
        let replaced = replaced.map(|at| self.age(at));
        let end = match (ends, replaced) {
            (Some(one), Some(other)) => Some(one.min(other)),
            (one, other) => one.or(other),
        };
        let attempts = if self.course == Course::Crashes { THRESHOLD } else { 1 };
        let lives = (0..attempts).map(|attempt| {
            let created = 10 + attempt * ATTEMPT;
            match self.course {
                Course::Crashes => TaskLife { created, started: Some(created + 25), stopped: Some(created + 30) },
                Course::Works | Course::Alarm => TaskLife { created, started: Some(created + 35), stopped: end },
            }
        });
        // Stopped before it could be created, a task never is.
        lives.filter(|life| end.is_none_or(|end| life.created < end)).collect()
    }

    /// When all of its target's tasks of before have to go: it is successful then.
    pub(super) fn takes_over(&self) -> Option<Timestamp> {
        let at = self.created.checked_add(SignedDuration::from_secs(CLEAN_UP)).ok()?;
        self.stop().is_none_or(|(since, _)| since > CLEAN_UP).then_some(at)
    }

    /// What `DescribeServiceDeployments` says beside the ARNs.
    pub(super) fn describe(&self, now: Timestamp, running: usize) -> Value {
        let age = self.age(now);
        let stop = self.stop().filter(|(since, _)| age >= *since);
        let failures = if self.course == Course::Crashes { ((age - 10) / ATTEMPT).clamp(0, THRESHOLD) } else { 0 };
        let alarm = self.course == Course::Alarm && age >= ALARM;
        let monitor = |is_triggered: bool| match (is_triggered, self.is_over(now)) {
            (true, _) => "TRIGGERED",
            (false, true) => "MONITORING_COMPLETE",
            (false, false) => "MONITORING",
        };
        let names: &[&str] = if alarm { &["express-mode-custom-td-f9de-5xx-errors"] } else { &[] };
        let mut described = json!({
            "createdAt": self.created.as_second(),
            "startedAt": self.created.as_second() + 5,
            "updatedAt": now.as_second(),
            "status": self.status(now),
            "lifecycleStage": self.stage(now),
            "targetServiceRevision": {
                "requestedTaskCount": 1, "runningTaskCount": running, "pendingTaskCount": 0,
                "requestedProductionTrafficWeight": self.traffic(now), "requestedTestTrafficWeight": 0.0,
            },
            "deploymentConfiguration": {
                "strategy": "CANARY", "bakeTimeInMinutes": 3,
                "canaryConfiguration": {"canaryPercent": 5.0, "canaryBakeTimeInMinutes": 3},
                "deploymentCircuitBreaker": {"enable": true, "rollback": true},
            },
            "deploymentCircuitBreaker": {"status": monitor(failures >= THRESHOLD), "failureCount": failures, "threshold": THRESHOLD},
            "alarms": {"status": monitor(alarm), "alarmNames": ["express-mode-custom-td-f9de-5xx-errors"], "triggeredAlarmNames": names},
        });
        match stop {
            Some((since, Stop::RolledBack(reason))) => {
                described["statusReason"] = json!(reason);
                described["rollback"] = json!({"reason": reason, "startedAt": self.created.as_second() + since});
            }
            Some((_, Stop::Superseded)) => {
                described["statusReason"] = json!("Service deployment stopped because a new deployment was started.");
            }
            None => {}
        }
        if self.is_over(now) {
            described["finishedAt"] = json!(now.as_second());
        }
        described
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn at(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    fn rollout(course: Course) -> Rollout {
        Rollout { created: at(0), course, stopped: None }
    }

    #[test]
    fn a_canary_that_works_takes_about_eight_minutes() {
        let rollout = rollout(Course::Works);
        let seen: Vec<(&str, f64)> =
            [0, 30, 100, 300, 450].into_iter().map(|age| (rollout.status(at(age)), rollout.traffic(at(age)))).collect();
        let expected = [
            ("PENDING", 0.0),
            ("IN_PROGRESS", 0.0),
            ("IN_PROGRESS", 5.0),
            ("IN_PROGRESS", 100.0),
            ("SUCCESSFUL", 100.0),
        ];
        assert_eq!(seen, expected);
    }

    #[test]
    fn an_alarm_rolls_back_while_the_canary_has_its_share() {
        let rollout = rollout(Course::Alarm);
        assert_eq!(rollout.status(at(ALARM - 1)), "IN_PROGRESS");
        assert_eq!(rollout.status(at(ALARM)), "ROLLBACK_IN_PROGRESS");
        assert_eq!(rollout.status(at(ALARM + ROLLBACK)), "ROLLBACK_SUCCESSFUL");
    }

    #[test]
    fn a_request_to_stop_is_honoured_in_steps() {
        let stopped = Some((at(100), Stop::RolledBack("asked".into())));
        let rollout = Rollout { stopped, ..rollout(Course::Works) };
        assert_eq!(rollout.status(at(101)), "ROLLBACK_REQUESTED");
        assert_eq!(rollout.status(at(110)), "ROLLBACK_IN_PROGRESS");
        assert_eq!(rollout.status(at(145)), "ROLLBACK_SUCCESSFUL");
        assert_eq!(rollout.tasks(None)[0].stopped, Some(120));
    }

    #[test]
    fn crashing_tasks_are_counted_to_the_threshold() {
        let rollout = rollout(Course::Crashes);
        assert_eq!(rollout.tasks(None).len(), 3);
        assert_eq!(rollout.describe(at(95), 0)["deploymentCircuitBreaker"]["failureCount"], 2);
        assert_eq!(rollout.describe(at(130), 0)["status"], "ROLLBACK_IN_PROGRESS");
    }
}
