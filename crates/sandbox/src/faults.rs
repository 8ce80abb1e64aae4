//! Faults that are scripted into the sandbox: which call fails, when and how. Nothing fails at random.

use std::sync::Arc;

use serde::Deserialize;
use tokio::sync::Semaphore;

use super::api::{ApiError, INFRASTRUCTURE_ROLE};
use super::wire::Reply;

/// One scripted fault: calls `nth` to `nth + times - 1` of an operation, counted from the moment it was injected.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
pub struct Fault {
    /// The operation as AWS names it: `RegisterTaskDefinition`, `PutObject`, `DownloadLayer` (the URL that ECR hands
    /// out), `CheckpointDurableExecution`. `*` is every call that the list of calls shows.
    pub operation: String,
    /// The first call that is hit; 1 is the next one.
    #[serde(default = "one")]
    pub nth: u32,
    /// How many calls in a row are hit.
    #[serde(default = "one")]
    pub times: u32,
    /// Whether the server has acted by then.
    #[serde(default)]
    pub moment: Moment,
    /// What the caller sees.
    pub kind: FaultKind,
}

fn one() -> u32 {
    1
}

/// Whether the server acts on a call that fails.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum Moment {
    /// The call is refused; nothing has happened.
    #[default]
    Before,
    /// The server acted, and its answer is lost.
    After,
}

/// What the caller of a failing operation sees.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub enum FaultKind {
    /// `ThrottlingException`; for S3, `SlowDown`.
    Throttle,
    /// Status 500.
    ServerError,
    /// The connection is closed without a reply.
    Drop,
    /// `AccessDeniedException`, worded as IAM words it.
    AccessDenied,
    /// The caller dies while it waits: no reply ever, and the driver of executions drops the running invocation.
    Crash,
    /// Like `Crash`, and the execution of the caller is stopped for good, as by `StopDurableExecution`. A checkpoint
    /// names its execution; of any other call with several executions side by side, the one counts as the caller that
    /// checkpointed last.
    Stop,
    /// `ListServiceDeployments` does not show the newest deployment yet; other operations answer as always. The moment
    /// does not matter.
    Stale,
    /// `DescribeServiceDeployments` and `DescribeServiceRevisions` do not know what they are asked for yet, and say
    /// `MISSING` among their failures; other operations answer as always. The moment does not matter.
    Missing,
    /// Somebody else did the same at that moment: `ClientException` of `RegisterTaskDefinition` about the family; for
    /// S3, `ConditionalRequestConflict`.
    Contention,
    /// A role that IAM has not spread yet: `AccessDeniedException` about assuming it.
    RoleNotReady,
    /// A refusal (`ClientException`, for S3 `InvalidRequest`) whose message has five kilobytes, escape sequences, line
    /// breaks and a workflow command: what somebody else may have written into a name that AWS repeats.
    OddWords,
    /// A role that the caller may not pass to ECS: `AccessDeniedException` about `iam:PassRole`.
    RoleNotPassed,
    /// A person deploys a copy of each service's desired task definition, just before the call acts; the call itself
    /// answers as always. The moment does not matter.
    ByHand,
}

impl FaultKind {
    /// Whether the service answers, and only sees less than there is.
    pub(crate) fn is_blindness(self) -> bool {
        matches!(self, Self::Stale | Self::Missing)
    }
}

/// What happens to one call.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct NextFault {
    /// How it fails.
    pub(crate) fault: Option<(Moment, FaultKind)>,
    /// A person deploys before it acts.
    pub(crate) by_hand: bool,
}

/// The scripted faults and how often each has seen its operation.
#[derive(Debug, Default)]
pub(crate) struct FaultPlan(Vec<(Fault, u32)>);

impl FaultPlan {
    pub(crate) fn add(&mut self, fault: Fault) {
        self.0.push((fault, 0));
    }

    /// Counts one call of `operation` and says which fault it has, and whether a person acts before it.
    pub(crate) fn next_fault(&mut self, operation: &str) -> NextFault {
        let mut next = NextFault::default();
        // The calls of a running function are not in the list of calls.
        let listed = !matches!(operation, "CheckpointDurableExecution" | "GetDurableExecutionState");
        let meant = |fault: &Fault| fault.operation == operation || fault.operation == "*" && listed;
        for (fault, seen) in self.0.iter_mut().filter(|(fault, _)| meant(fault)) {
            *seen = seen.saturating_add(1);
            if *seen >= fault.nth && *seen - fault.nth < fault.times {
                match fault.kind {
                    FaultKind::ByHand => next.by_hand = true,
                    kind => next.fault = next.fault.or(Some((fault.moment, kind))),
                }
            }
        }
        next
    }
}

/// Tells the driver of executions that the running invocation has died. Each crash is counted, so that none is lost.
#[derive(Clone, Debug)]
pub(crate) struct CrashSignal(Arc<Semaphore>);

impl CrashSignal {
    pub(crate) fn new() -> Self {
        Self(Arc::new(Semaphore::new(0)))
    }

    /// Reports one crash.
    pub(crate) fn raise(&self) {
        self.0.add_permits(1);
    }

    /// Waits for one crash and takes it.
    pub(crate) async fn raised(&self) {
        if let Ok(permit) = self.0.acquire().await {
            permit.forget();
        }
    }
}

/// The refusal of a JSON service (ECS, ECR, Lambda), or none where the kind is not an answer. Lambda has names and
/// statuses of its own for some.
pub(crate) fn json_refusal(kind: FaultKind, service: &str, operation: &str, resource: &str) -> Option<Reply> {
    let busy = "Service Unavailable. Please try again later.";
    let denied = || denial(service, operation, resource);
    let error = match (kind, service) {
        (FaultKind::Throttle, "lambda") => ApiError::new("TooManyRequestsException", "Rate Exceeded.").with_status(429),
        (FaultKind::Throttle, _) => ApiError::new("ThrottlingException", "Rate exceeded"),
        (FaultKind::ServerError, "lambda") => ApiError::new("ServiceException", busy).with_status(500),
        (FaultKind::ServerError, _) => ApiError::server(busy),
        (FaultKind::AccessDenied, "lambda") => ApiError::new("AccessDeniedException", denied()).with_status(403),
        (FaultKind::AccessDenied, _) => ApiError::new("AccessDeniedException", denied()),
        (FaultKind::Contention, _) => {
            ApiError::client("Too many concurrent attempts to create a new revision of the specified family.")
        }
        (FaultKind::RoleNotReady, _) => ApiError::new("AccessDeniedException", ROLE_NOT_READY),
        (FaultKind::OddWords, _) => ApiError::client(format!("\u{1b}[31m\r\n{}", odd_words())),
        (FaultKind::RoleNotPassed, _) => {
            ApiError::new("AccessDeniedException", denial("iam", "PassRole", INFRASTRUCTURE_ROLE))
        }
        (
            FaultKind::Drop
            | FaultKind::Crash
            | FaultKind::Stop
            | FaultKind::Stale
            | FaultKind::Missing
            | FaultKind::ByHand,
            _,
        ) => {
            return None;
        }
    };
    Some(error.reply())
}

/// As far as XML can carry it.
fn odd_words() -> String {
    format!("\n::error::x\u{202e}\u{2028}{}", "A".repeat(5_000))
}

/// What ECS says while IAM has not spread the infrastructure role, or its trust.
const ROLE_NOT_READY: &str = "Cannot assume role arn:aws:iam::123456789012:role/ecsInfrastructureRoleForExpressServices. Verify that the role exists and has the required trust policy.";

/// The refusal of S3, or none where the kind is not an answer.
pub(crate) fn s3_refusal(kind: FaultKind, operation: &str, resource: &str) -> Option<Reply> {
    let (status, code, message) = match kind {
        FaultKind::Throttle => (503, "SlowDown", "Please reduce your request rate.".to_owned()),
        FaultKind::ServerError => {
            (500, "InternalError", "We encountered an internal error. Please try again.".to_owned())
        }
        FaultKind::AccessDenied | FaultKind::RoleNotReady | FaultKind::RoleNotPassed => {
            (403, "AccessDenied", denial("s3", operation, resource))
        }
        FaultKind::Contention => {
            let message =
                "The conditional request cannot succeed due to a conflicting operation against this resource.";
            (409, "ConditionalRequestConflict", message.to_owned())
        }
        FaultKind::OddWords => (400, "InvalidRequest", odd_words()),
        FaultKind::Drop
        | FaultKind::Crash
        | FaultKind::Stop
        | FaultKind::Stale
        | FaultKind::Missing
        | FaultKind::ByHand => return None,
    };
    let body = format!(
        "<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error><Code>{code}</Code><Message>{message}</Message><RequestId>SANDBOX</RequestId></Error>"
    );
    Some(Reply { status, headers: vec![("content-type", "application/xml".to_owned())], body: body.into_bytes() })
}

fn denial(service: &str, operation: &str, resource: &str) -> String {
    let resource = if resource.is_empty() { "*" } else { resource };
    format!(
        "User: arn:aws:sts::123456789012:assumed-role/deployer/deployer is not authorized to perform: {service}:{operation} on resource: {resource} because no identity-based policy allows the {service}:{operation} action"
    )
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fault(nth: u32, times: u32) -> Fault {
        Fault { operation: "PutObject".to_owned(), nth, times, moment: Moment::Before, kind: FaultKind::Throttle }
    }

    #[test]
    fn a_fault_hits_exactly_its_calls() {
        let mut plan = FaultPlan::default();
        plan.add(fault(2, 2));
        let hits: Vec<bool> = (0..5).map(|_| plan.next_fault("PutObject").fault.is_some()).collect();
        assert_eq!(hits, [false, true, true, false, false]);
        assert!(plan.next_fault("GetObject").fault.is_none());
    }

    #[test]
    fn a_star_hits_every_call_that_is_listed() {
        let mut plan = FaultPlan::default();
        plan.add(Fault { operation: "*".to_owned(), ..fault(2, 1) });
        let calls = ["GetObject", "CheckpointDurableExecution", "GetDurableExecution", "PutObject"];
        assert_eq!(calls.map(|call| plan.next_fault(call).fault.is_some()), [false, false, true, false]);
    }

    #[test]
    fn an_injected_fault_counts_from_its_injection() {
        let mut plan = FaultPlan::default();
        plan.next_fault("PutObject");
        plan.add(fault(1, 1));
        assert_eq!(plan.next_fault("PutObject").fault, Some((Moment::Before, FaultKind::Throttle)));
    }

    #[tokio::test]
    async fn no_crash_is_lost() {
        let signal = CrashSignal::new();
        signal.raise();
        signal.raise();
        signal.raised().await;
        signal.raised().await;
        assert_eq!(signal.0.available_permits(), 0);
    }
}
