//! A sandbox with real SDK clients, and the words that the tests are written in.

#![cfg(test)]

use std::io::Read as _;
use std::time::Duration;

use aws_sdk_ecs::error::{ProvideErrorMetadata, SdkError};
use aws_sdk_ecs::types::{ServiceDeployment, ServiceDeploymentStatus as Status};
use sandbox::{Fault, FaultKind, Moment, Options, Sandbox, Scenario};
use serde_json::{Value, json};

pub(super) const SERVICE: &str = "arn:aws:ecs:ap-northeast-1:123456789012:service/default/express-mode-custom-td-f9de";
pub(super) const FAMILY: &str = "express-mode-custom-td";
pub(super) const LOGS: &str = "your-log-bucket";

pub(super) struct Stage {
    pub(super) sandbox: Sandbox,
    pub(super) ecs: aws_sdk_ecs::Client,
    pub(super) ecr: aws_sdk_ecr::Client,
}

impl Stage {
    pub(super) async fn on(scenario: Scenario) -> Self {
        Self::with(Options { scenario, ..Options::default() }).await
    }

    pub(super) async fn with(options: Options) -> Self {
        Self::of(Sandbox::start(options).await.unwrap())
    }

    pub(super) fn of(sandbox: Sandbox) -> Self {
        let config = sandbox.sdk_config();
        Self { ecs: aws_sdk_ecs::Client::new(&config), ecr: aws_sdk_ecr::Client::new(&config), sandbox }
    }

    pub(super) async fn good() -> Self {
        Self::on(Scenario::Good).await
    }

    pub(super) fn wait(&self, seconds: u64) {
        self.sandbox.clock().advance(Duration::from_secs(seconds));
    }

    pub(super) fn inject(&self, operation: &str, moment: Moment, kind: FaultKind) {
        self.sandbox.inject(Fault { operation: operation.to_owned(), nth: 1, times: 1, moment, kind });
    }

    /// Registers a document as it is, and gives the ARN or the error's name and message.
    pub(super) async fn register(&self, document: &Value) -> Result<String, (String, String)> {
        let body = document.to_string();
        let sent = self
            .ecs
            .register_task_definition()
            .family("replaced")
            .customize()
            .mutate_request(move |request| {
                request.headers_mut().insert("content-length", body.len().to_string());
                *request.body_mut() = body.clone().into();
            })
            .send()
            .await;
        sent.map(|output| output.task_definition.unwrap().task_definition_arn.unwrap()).map_err(|error| named(&error))
    }

    /// A revision that runs another image.
    pub(super) async fn next_revision(&self, image: &str) -> String {
        let mut document = article();
        document["containerDefinitions"][0]["image"] = json!(image);
        self.register(&document).await.unwrap()
    }

    pub(super) async fn update(&self, definition: &str) -> Result<String, (String, String)> {
        let sent =
            self.ecs.update_express_gateway_service().service_arn(SERVICE).task_definition_arn(definition).send().await;
        sent.map(|output| output.service.unwrap().target_configuration.unwrap().service_revision_arn.unwrap())
            .map_err(|error| named(&error))
    }

    /// Registers the pushed image and begins its rollout; gives the deployment's ARN.
    pub(super) async fn roll_out(&self) -> String {
        let definition = self.next_revision(&pushed("v6")).await;
        let revision = self.update(&definition).await.unwrap();
        let listed = self.ecs.list_service_deployments().service(SERVICE).send().await.unwrap();
        let newest = listed.service_deployments().first().unwrap();
        assert_eq!(newest.target_service_revision_arn(), Some(revision.as_str()));
        newest.service_deployment_arn().unwrap().to_owned()
    }

    pub(super) async fn deployment(&self, arn: &str) -> ServiceDeployment {
        let described = self.ecs.describe_service_deployments().service_deployment_arns(arn).send().await.unwrap();
        described.service_deployments.unwrap().remove(0)
    }

    pub(super) async fn status(&self, arn: &str) -> Status {
        self.deployment(arn).await.status.unwrap()
    }

    pub(super) async fn live_definition(&self) -> String {
        let described = self.ecs.describe_express_gateway_service().service_arn(SERVICE).send().await.unwrap();
        described.service.unwrap().active_configurations()[0].task_definition_arn().unwrap().to_owned()
    }

    pub(super) fn operations(&self) -> Vec<String> {
        self.sandbox.calls().into_iter().map(|call| call.operation).collect()
    }
}

fn named<E: ProvideErrorMetadata, R>(error: &SdkError<E, R>) -> (String, String) {
    let meta = error.as_service_error().map(ProvideErrorMetadata::meta);
    meta.map_or_else(
        || ("no answer".to_owned(), String::new()),
        |meta| (meta.code().unwrap_or_default().to_owned(), meta.message().unwrap_or_default().to_owned()),
    )
}

pub(super) fn pushed(tag: &str) -> String {
    format!("123456789012.dkr.ecr.ap-northeast-1.amazonaws.com/{FAMILY}:{tag}")
}

pub(super) fn article() -> Value {
    serde_json::from_str(include_str!("../../../src/seed/express-mode-custom-td.json")).unwrap()
}

pub(super) fn unpack(body: &[u8]) -> Vec<Value> {
    let mut text = String::new();
    flate2::read::GzDecoder::new(body).read_to_string(&mut text).unwrap();
    text.lines().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// Status and body of a request, by the plainest client there is.
pub(super) async fn request(method: &str, url: &str, body: &str) -> (u16, Vec<u8>) {
    request_with(method, url, "", body).await
}

pub(super) async fn request_with(method: &str, url: &str, headers: &str, body: &str) -> (u16, Vec<u8>) {
    use tokio::io::{AsyncReadExt as _, AsyncWriteExt as _};
    let address = url.strip_prefix("http://").unwrap();
    let (host, path) = address.split_once('/').unwrap_or((address, ""));
    let mut stream = tokio::net::TcpStream::connect(host).await.unwrap();
    let length = body.len();
    let request = format!(
        "{method} /{path} HTTP/1.1\r\nhost: {host}\r\nconnection: close\r\n{headers}content-length: {length}\r\n\r\n{body}"
    );
    stream.write_all(request.as_bytes()).await.unwrap();
    let mut answer = Vec::new();
    stream.read_to_end(&mut answer).await.unwrap();
    let status = std::str::from_utf8(&answer[9..12]).unwrap().parse().unwrap();
    let body = answer.windows(4).position(|bytes| bytes == b"\r\n\r\n").unwrap() + 4;
    (status, answer.split_off(body))
}
