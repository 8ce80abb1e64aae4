//! The Lambda function: reads its configuration once, then hands every durable invocation to the flow. It decides
//! nothing about releases.

use std::sync::Arc;

use aws_durable_execution_sdk::lambda_runtime::{self, Error, LambdaEvent, service_fn};
use express_deployer::aws::Aws;
use express_deployer::config::BucketOwners;
use express_deployer::release::{self, Configured, Deployer};
use express_deployer::telemetry;
use serde_json::Value;

/// What an invocation that is not durable is told.
const NOT_DURABLE: &str = "this function only runs as a durable function: deploy it with `DurableConfig` (template.yaml has it) and invoke its \
    alias or a version, not the bare function name with a plain event";

/// Where the configuration is: the text itself, or the object that it lies in.
const SOURCE: &str = "DEPLOYER_CONFIG";

/// The account that has to own the bucket of that object.
const OWNER: &str = "DEPLOYER_CONFIG_OWNER";

#[tokio::main(flavor = "current_thread")]
async fn main() -> Result<(), Error> {
    telemetry::write_logs();
    let aws = Aws::from_environment().await;
    let aws = match variable(OWNER) {
        Some(account) => aws.expecting(BucketOwners { account, ..BucketOwners::default() }),
        None => aws,
    };
    let given = variable(SOURCE).ok_or("DEPLOYER_CONFIG is not set: give it the configuration, or s3://bucket/key")?;
    let config = Configured::from_source(&aws, given).await;
    let service = Arc::new(release::handler(Deployer { config, aws, metrics: telemetry::write_metric })?);
    lambda_runtime::run(service_fn(move |event: LambdaEvent<Value>| {
        let service = Arc::clone(&service);
        async move {
            let (payload, context) = event.into_parts();
            if payload.get("DurableExecutionArn").is_none() {
                return Err(Error::from(NOT_DURABLE));
            }
            service(LambdaEvent::new(serde_json::from_value(payload)?, context)).await
        }
    }))
    .await
}

/// An environment variable that is set and not empty.
fn variable(name: &str) -> Option<String> {
    #[expect(clippy::disallowed_methods, reason = "the environment is read once, here")]
    let given = std::env::var(name);
    given.ok().filter(|value| !value.is_empty())
}
