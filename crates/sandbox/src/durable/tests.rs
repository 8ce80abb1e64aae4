//! The two calls of a running function, made by the real Lambda client over a socket.

use aws_sdk_lambda::error::DisplayErrorContext;
use aws_sdk_lambda::operation::checkpoint_durable_execution::CheckpointDurableExecutionOutput;
use aws_sdk_lambda::types::{
    ExecutionStatus, Operation as WireOperation, OperationAction, OperationStatus, OperationType, OperationUpdate,
};

use super::calls::PATH;
use super::*;
use crate::loopback;

struct World {
    service: DurableService,
    client: aws_sdk_lambda::Client,
    arn: String,
}

impl World {
    async fn new() -> Self {
        let service = DurableService::new(VirtualClock::at("2026-11-23T10:00:00Z".parse().unwrap()));
        let served = service.clone();
        let client = loopback::lambda(&loopback::serve(move |request| served.handle(request)).await);
        let arn = service.start("release", "{}".to_owned()).unwrap();
        Self { service, client, arn }
    }

    fn invoke(&self) -> String {
        self.service.invoke(&self.arn).unwrap().payload["CheckpointToken"].as_str().unwrap().to_owned()
    }

    async fn checkpoint(
        &self,
        token: &str,
        client_token: &str,
        updates: Vec<OperationUpdate>,
    ) -> Result<CheckpointDurableExecutionOutput, String> {
        let call = self.client.checkpoint_durable_execution().durable_execution_arn(&self.arn).checkpoint_token(token);
        let sent = call.client_token(client_token).set_updates(Some(updates)).send().await;
        sent.map_err(|error| DisplayErrorContext(error).to_string())
    }
}

fn update(id: &str, action: OperationAction) -> OperationUpdate {
    OperationUpdate::builder().id(id).r#type(OperationType::Step).action(action).build().unwrap()
}

#[tokio::test]
async fn a_checkpoint_changes_the_token_and_tells_what_changed() {
    let world = World::new().await;
    let first = world.invoke();
    let answer = world.checkpoint(&first, "a", vec![update("1", OperationAction::Start)]).await.unwrap();
    let second = answer.checkpoint_token().unwrap().to_owned();
    assert_ne!(first, second);
    let operations = answer.new_execution_state().unwrap().operations();
    assert_eq!(operations.len(), 1);
    assert_eq!((operations[0].id(), operations[0].status()), ("1", &OperationStatus::Started));
    assert_eq!(operations[0].start_timestamp().secs(), 1_795_428_000);

    let stale = world.checkpoint(&first, "b", vec![update("1", OperationAction::Succeed)]).await.unwrap_err();
    assert!(stale.contains("Invalid Checkpoint Token"), "{stale}");
    world.checkpoint(&second, "c", vec![update("1", OperationAction::Succeed)]).await.unwrap();
}

#[tokio::test]
async fn a_lost_answer_is_given_again_and_nothing_is_stored_twice() {
    let world = World::new().await;
    let token = world.invoke();
    let first = world.checkpoint(&token, "same", vec![update("1", OperationAction::Start)]).await.unwrap();
    let again = world.checkpoint(&token, "same", vec![update("1", OperationAction::Start)]).await.unwrap();
    assert_eq!(first.checkpoint_token(), again.checkpoint_token());
    assert_eq!((world.service.checkpoints(), world.service.summaries(&world.arn).len()), (1, 1));
}

#[tokio::test]
async fn only_the_newest_invocation_may_checkpoint() {
    let world = World::new().await;
    let (old, new) = (world.invoke(), world.invoke());
    assert!(world.checkpoint(&old, "a", vec![update("1", OperationAction::Start)]).await.is_err());
    world.checkpoint(&new, "b", vec![update("1", OperationAction::Start)]).await.unwrap();
    world.service.release(&world.arn);
    let released = world.checkpoint(&new, "b", vec![update("1", OperationAction::Start)]).await.unwrap_err();
    assert!(released.contains("Invalid Checkpoint Token"), "{released}");
}

#[tokio::test]
async fn the_state_comes_in_pages_and_only_to_the_newest_token() {
    let world = World::new().await;
    let token = world.invoke();
    let starts = (0..5).map(|number| update(&number.to_string(), OperationAction::Start)).collect();
    let token = world.checkpoint(&token, "a", starts).await.unwrap().checkpoint_token().unwrap().to_owned();
    let call = || world.client.get_durable_execution_state().durable_execution_arn(&world.arn).max_items(4);
    let first = call().checkpoint_token(&token).send().await.unwrap();
    assert_eq!(first.operations()[0].r#type(), &OperationType::Execution);
    assert_eq!(first.operations()[0].execution_details().unwrap().input_payload(), Some("{}"));
    let rest = call().checkpoint_token(&token).marker(first.next_marker().unwrap()).send().await.unwrap();
    let ids: Vec<&str> = first.operations().iter().skip(1).chain(rest.operations()).map(WireOperation::id).collect();
    assert_eq!((ids, rest.next_marker()), (vec!["0", "1", "2", "3", "4"], None));
    assert!(call().checkpoint_token("0.0").send().await.is_err());
}

#[tokio::test]
async fn a_long_record_begins_in_the_payload_and_goes_on_behind_its_marker() {
    let world = World::new().await;
    let token = world.invoke();
    let starts = (0..LARGEST_PAGE + 2).map(|number| update(&number.to_string(), OperationAction::Start)).collect();
    world.checkpoint(&token, "a", starts).await.unwrap();
    let payload = world.service.invoke(&world.arn).unwrap().payload;
    let state = &payload["InitialExecutionState"];
    assert_eq!(state["Operations"].as_array().unwrap().len(), LARGEST_PAGE + 1);
    assert_eq!(state["Operations"][LARGEST_PAGE]["Id"], json!("999"));
    let call = world.client.get_durable_execution_state().durable_execution_arn(&world.arn);
    let call = call.checkpoint_token(payload["CheckpointToken"].as_str().unwrap());
    let rest = call.marker(state["NextMarker"].as_str().unwrap()).send().await.unwrap();
    assert_eq!(rest.operations().iter().map(WireOperation::id).collect::<Vec<_>>(), ["1000", "1001"]);
}

#[test]
fn calls_are_named_for_the_record_of_calls() {
    let named = |method: &str, path: &str| {
        let (query, headers, body) = (Vec::new(), hyper::HeaderMap::new(), Vec::new());
        DurableService::operation(&Request { method: method.to_owned(), path: path.to_owned(), query, headers, body })
    };
    let arn = "arn:aws:lambda:r:1:function:f:1/durable-execution/n/i";
    assert_eq!(named("POST", &format!("{PATH}{arn}/checkpoint")), ("CheckpointDurableExecution", arn.to_owned()));
    assert_eq!(named("GET", &format!("{PATH}{arn}/state")), ("GetDurableExecutionState", arn.to_owned()));
    assert_eq!(named("GET", &format!("{PATH}{arn}")), ("GetDurableExecution", arn.to_owned()));
    assert_eq!(named("GET", &format!("{PATH}{arn}/history")).0, "NotImplemented");
    assert_eq!(named("DELETE", "/x"), ("NotImplemented", "/x".to_owned()));
}

#[tokio::test]
async fn what_is_not_served_is_refused_by_name() {
    let world = World::new().await;
    let token = world.invoke();
    let callback = OperationUpdate::builder().id("1").r#type(OperationType::Callback).action(OperationAction::Start);
    let refused = world.checkpoint(&token, "a", vec![callback.build().unwrap()]).await.unwrap_err();
    assert!(refused.contains("unknown variant `CALLBACK`"), "{refused}");
    assert!(world.service.summaries(&world.arn).is_empty());
}

#[test]
fn a_name_starts_one_execution() {
    let service = DurableService::new(VirtualClock::at(Timestamp::UNIX_EPOCH));
    assert!(service.start("a", "{}".to_owned()).is_some());
    assert!(service.start("b", "{}".to_owned()).is_some());
    assert!(service.start("a", "{}".to_owned()).is_none());
}

#[tokio::test]
async fn an_execution_can_be_asked_for_until_its_retention_is_over() {
    let world = World::new().await;
    let get = || world.client.get_durable_execution().durable_execution_arn(&world.arn);
    let running = get().send().await.unwrap();
    assert_eq!((running.status(), running.durable_execution_name()), (&ExecutionStatus::Running, "release"));
    assert_eq!((running.function_arn(), running.version()), (FUNCTION, Some("1")));
    assert_eq!((running.input_payload(), running.execution_data_included()), (Some("{}"), Some(true)));
    assert_eq!((running.start_timestamp().secs(), running.end_timestamp()), (1_795_428_000, None));
    assert!(!world.service.forget("release"), "retention begins at the end");

    world.service.clock.advance(std::time::Duration::from_mins(1));
    world.service.end(&world.arn, ExecutionOutcome::Succeeded("42".to_owned()));
    let ended = get().include_execution_data(false).send().await.unwrap();
    assert_eq!((ended.status(), ended.end_timestamp().unwrap().secs()), (&ExecutionStatus::Succeeded, 1_795_428_060));
    assert_eq!((ended.input_payload(), ended.result(), ended.execution_data_included()), (None, None, Some(false)));
    assert_eq!(get().send().await.unwrap().result(), Some("42"));

    assert!(world.service.forget("release"));
    assert!(get().send().await.unwrap_err().into_service_error().is_resource_not_found_exception());
    let odd = world.client.get_durable_execution().durable_execution_arn("x").send().await;
    assert!(odd.unwrap_err().into_service_error().is_invalid_parameter_value_exception());
}

#[tokio::test]
async fn an_execution_that_was_stopped_checkpoints_no_more_and_is_not_invoked_again() {
    let world = World::new().await;
    let token = world.invoke();
    assert!(world.service.cut_off("release", ExecutionOutcome::Stopped));
    assert!(!world.service.cut_off("release", ExecutionOutcome::TimedOut), "it has ended");
    assert!(!world.service.cut_off("nobody", ExecutionOutcome::Stopped));
    let refused = world.checkpoint(&token, "a", vec![update("1", OperationAction::Start)]).await.unwrap_err();
    assert!(refused.contains("Invalid Checkpoint Token"), "{refused}");
    assert!(world.service.invoke(&world.arn).is_none());
    let late = ExecutionOutcome::Succeeded(String::new());
    assert_eq!(world.service.end(&world.arn, late), ExecutionOutcome::Stopped, "what somebody did stands");
    let got = world.client.get_durable_execution().durable_execution_arn(&world.arn).send().await.unwrap();
    assert_eq!(got.status(), &ExecutionStatus::Stopped);
}
