//! Services that Express Mode makes from a bare image: ECS registers a task definition of its own for them. The family,
//! the name of the port and the log group are as they were seen on AWS; the calls themselves are not served.

use jiff::Timestamp;
use serde_json::{Value, json};

use super::super::api::{ACCOUNT, ApiError, REGION};
use super::super::ecr::Registry;
use super::{CLUSTER, Context, Ecs, service_not_found};

impl Ecs {
    /// Makes a service from an image, as if a person had done so a day ago; gives the ARN of ECS's own task definition.
    pub(crate) fn make_from_image(
        &mut self,
        name: &str,
        image: &str,
        registry: &Registry,
        now: Timestamp,
    ) -> Result<String, ApiError> {
        let definition = self.definitions.store(&own_definition(name, image), now, None)?.arn();
        self.set_live(name, &definition, registry, now)?;
        Ok(definition)
    }

    /// An update of such a service to another image by a person; gives the ARN of ECS's own task definition.
    pub(crate) fn deploy_image_by_hand(
        &mut self,
        name: &str,
        image: &str,
        context: Context<'_>,
    ) -> Result<String, ApiError> {
        let service = self.service(name).ok_or_else(service_not_found)?.name.clone();
        let definition = self.definitions.store(&own_definition(&service, image), context.now, None)?.arn();
        self.deploy_by_hand(&service, &definition, context)?;
        Ok(definition)
    }
}

/// The task definition that ECS makes of an image and Express Mode's defaults.
fn own_definition(service: &str, image: &str) -> Value {
    json!({
        "family": format!("{CLUSTER}-{service}"), "networkMode": "awsvpc", "requiresCompatibilities": ["FARGATE"],
        "cpu": "1024", "memory": "2048",
        "runtimePlatform": {"cpuArchitecture": "ARM64", "operatingSystemFamily": "LINUX"},
        "executionRoleArn": format!("arn:aws:iam::{ACCOUNT}:role/ecsTaskExecutionRole"),
        "containerDefinitions": [{
            "name": "Main", "image": image, "essential": true,
            "portMappings": [{"containerPort": 8080, "protocol": "tcp", "name": "main-8080-tcp"}],
            "logConfiguration": {"logDriver": "awslogs", "options": {
                "awslogs-group": format!("/aws/ecs/{CLUSTER}/{service}-1f0c"), "awslogs-region": REGION,
                "awslogs-stream-prefix": "ecs",
            }},
        }],
    })
}
