//! Durable executions on a whole sandbox: stopped at a call or at a checkpoint, asked for, and forgotten.

#![cfg(test)]

use aws_durable_execution_sdk::{BoxError, DurableContext, LambdaClient, Options as DurableOptions, wrap};
use aws_sdk_lambda::types::ExecutionStatus;
use sandbox::executions::{Execution, ExecutionOutcome};
use sandbox::{Fault, FaultKind, Moment, Options, Sandbox};
use serde_json::{Value, json};

struct Stage {
    sandbox: Sandbox,
    lambda: aws_sdk_lambda::Client,
}

impl Stage {
    async fn new() -> Self {
        let sandbox = Sandbox::start(Options::default()).await.unwrap();
        let lambda = aws_sdk_lambda::Client::new(&sandbox.sdk_config());
        Self { sandbox, lambda }
    }

    fn stop_at(&self, operation: &str, nth: u32, moment: Moment) {
        let operation = operation.to_owned();
        self.sandbox.inject(Fault { operation, nth, times: 1, moment, kind: FaultKind::Stop });
    }

    /// Runs executions that store one object each, named like them.
    async fn run(&self, names: &[&str]) -> Vec<Execution> {
        let s3 = aws_sdk_s3::Client::new(&self.sandbox.sdk_config());
        let handler = move |event: Value, ctx: DurableContext| {
            let s3 = s3.clone();
            async move {
                let key = event["key"].as_str().unwrap_or_default().to_owned();
                let put = ctx.step(move |_| async move {
                    s3.put_object().bucket("your-log-bucket").key(key).send().await?;
                    Ok(())
                });
                put.name("put").await?;
                Ok::<_, BoxError>(json!("done"))
            }
        };
        let client = LambdaClient::new(&self.sandbox.sdk_config());
        let service = wrap(handler, DurableOptions::builder().lambda_client(client).build().unwrap());
        let events = names.iter().map(|name| ((*name).to_owned(), json!({ "key": name }).to_string())).collect();
        self.sandbox.executions().run(&service, events).await.unwrap()
    }

    async fn status(&self, name: &str) -> Option<ExecutionStatus> {
        let arn = Sandbox::execution_arn(name);
        let call = self.lambda.get_durable_execution().durable_execution_arn(arn).include_execution_data(false);
        call.send().await.ok().map(|output| output.status)
    }

    fn is_stored(&self, key: &str) -> bool {
        self.sandbox.object("your-log-bucket", key).is_some()
    }
}

#[tokio::test]
async fn an_execution_is_stopped_for_good_at_a_call_before_or_after_it_acted() {
    for (operation, moment, acted) in
        [("PutObject", Moment::Before, false), ("PutObject", Moment::After, true), ("*", Moment::After, true)]
    {
        let stage = Stage::new().await;
        stage.stop_at(operation, 1, moment);
        let execution = stage.run(&["one"]).await.remove(0);
        assert_eq!((&execution.outcome, execution.invocations), (&ExecutionOutcome::Stopped, 1));
        assert_eq!(stage.is_stored("one"), acted, "{operation} {moment:?}");
        assert_eq!(stage.status("one").await, Some(ExecutionStatus::Stopped));
        let next = stage.run(&["two"]).await.remove(0);
        assert_eq!((next.invocations, stage.status("two").await), (1, Some(ExecutionStatus::Succeeded)));
    }
}

#[tokio::test]
async fn an_execution_is_stopped_for_good_at_a_checkpoint_before_or_after_it_is_stored() {
    for (moment, stored) in [(Moment::Before, "STARTED"), (Moment::After, "SUCCEEDED")] {
        let stage = Stage::new().await;
        stage.stop_at("CheckpointDurableExecution", 2, moment);
        let execution = stage.run(&["one"]).await.remove(0);
        assert_eq!(execution.outcome, ExecutionOutcome::Stopped);
        assert!(stage.is_stored("one"));
        assert_eq!(execution.operations[0].status, stored);
    }
}

#[tokio::test]
async fn a_checkpoint_says_which_of_several_executions_is_stopped() {
    let stage = Stage::new().await;
    stage.stop_at("CheckpointDurableExecution", 3, Moment::Before);
    let ended = stage.run(&["one", "two", "three"]).await;
    let stopped = ended.iter().filter(|execution| execution.outcome == ExecutionOutcome::Stopped).count();
    assert_eq!(stopped, 1);
    let done = ExecutionOutcome::Succeeded("\"done\"".to_owned());
    assert_eq!(ended.iter().filter(|execution| execution.outcome == done).count(), 2);
}

#[tokio::test]
async fn an_execution_is_found_until_its_retention_is_over() {
    let stage = Stage::new().await;
    assert_eq!(stage.status("one").await, None);
    stage.run(&["one"]).await;
    assert_eq!(stage.status("one").await, Some(ExecutionStatus::Succeeded));
    assert!(!stage.sandbox.stop_execution("one") && !stage.sandbox.time_out_execution("one"));
    assert!(stage.sandbox.forget_execution("one") && !stage.sandbox.forget_execution("one"));
    assert_eq!(stage.status("one").await, None);
    let last = stage.sandbox.calls().pop().unwrap();
    assert_eq!((last.service, last.operation.as_str(), last.status), ("lambda", "GetDurableExecution", 404));
}
