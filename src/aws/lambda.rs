//! Lambda: whether another durable execution of this function has ended.

use super::{Aws, Failure, FailureKind, failure};

/// What is known of an execution.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ExecutionState {
    /// It runs, or waits.
    Running,
    /// It has ended: of itself, by a failure, by its time, or because somebody stopped it; or nothing is kept of it any
    /// more.
    Ended,
    /// The function may not ask.
    NotAllowed,
}

impl Aws {
    /// Asks for an execution, by its ARN; its event and result are left out.
    pub async fn execution_state(&self, arn: &str) -> Result<ExecutionState, Failure> {
        let request = self.lambda().get_durable_execution().durable_execution_arn(arn).include_execution_data(false);
        match request.send().await.map_err(failure("lambda:GetDurableExecution", arn)) {
            Ok(answer) if answer.status().as_str() == "RUNNING" => Ok(ExecutionState::Running),
            Ok(_) => Ok(ExecutionState::Ended),
            Err(gone) if gone.kind == FailureKind::NotFound => Ok(ExecutionState::Ended),
            Err(denied) if denied.kind == FailureKind::Denied => Ok(ExecutionState::NotAllowed),
            Err(failure) => Err(failure),
        }
    }
}
