//! A Lambda function that answers every event with null. It does nothing, so that what it costs is the runtime's share.
//! It panics when the event asks it to, so that .ci/panic.py can see what becomes of a function that does.

use lambda_runtime::{Error, LambdaEvent, run, service_fn, tracing};
use serde_json::Value;

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    tracing::init_default_subscriber();
    run(service_fn(async |event: LambdaEvent<Value>| {
        assert!(event.payload != "panic", "the event asked for a panic");
        Ok::<_, Error>(Value::Null)
    }))
    .await
}
