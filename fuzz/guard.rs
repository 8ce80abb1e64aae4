//! What must hold when a task definition is uploaded to a service with a guard, whatever its bytes are: what is
//! registered names nothing that neither the guard nor the live revision names. It makes no bytes.
//!
//! It looks at the draft in its own way, by lists of its own, and does not ask what the guard looked at.

use std::sync::LazyLock;

use express_deployer::config::Config;
use express_deployer::plan::{Asked, ImageEvidence, Inputs, Live, Request, Uploaded, ask};
use express_deployer::task_definition::TaskDefinition;
use express_deployer::trigger::{Trigger, recognise};
use serde_json::Value;

/// The guard: some kinds have a list, the others only what is live.
pub(super) const GUARD: &str = r#"
state_bucket = "deployer-state-123456789012-ap-northeast-1"
[[service]]
arn = "arn:aws:ecs:ap-northeast-1:123456789012:service/default/express-mode-custom-td-f9de"
repository = "express-mode-custom-td"
uploads = "task-definitions/express-mode-custom-td/"
[service.guard]
task_roles = ["arn:aws:iam::123456789012:role/shop-*"]
registries = ["public.ecr.aws/shop", "public.ecr.aws/aws-observability"]
secrets = [
    "arn:aws:ssm:ap-northeast-1:123456789012:parameter/shop/*",
    "arn:aws:secretsmanager:ap-northeast-1:123456789012:secret:shop-token-*",
]
log_destinations = ["bucket=shop-*", "region=ap-northeast-1", "name=s3", "s3_key_format=/logs/*", "awslogs-*"]
"#;

/// The revision that is live.
pub(super) const LIVE: &str = include_str!("live.json");

static REQUEST: LazyLock<Option<Request>> = LazyLock::new(|| {
    let config = Config::parse(GUARD).ok()?;
    let trigger = recognise(include_str!("../events/s3-object-created.json")).triggers.pop()?;
    Some(Request::of(&config, config.services.first()?, trigger))
});

static BEFORE: LazyLock<Option<Live>> = LazyLock::new(|| {
    let definition = TaskDefinition::parse(LIVE.as_bytes()).ok()?;
    Some(Live { task_definition_arn: "arn:live".to_owned(), definition, serving: None })
});

static NAMED_BEFORE: LazyLock<Vec<(String, String)>> =
    LazyLock::new(|| BEFORE.as_ref().map(|live| names_of(&live.definition)).unwrap_or_default());

fn names_of(definition: &TaskDefinition) -> Vec<(String, String)> {
    let mut found = Vec::new();
    definition.members().iter().for_each(|(name, value)| names(value, name, &mut found));
    found
}

/// Uploads a document; whether it would be registered.
pub(super) fn read(data: &[u8]) -> bool {
    let (Ok(document), Some(request), Some(live)) = (TaskDefinition::parse(data), &*REQUEST, &*BEFORE) else {
        return false;
    };
    let Trigger::Upload(upload) = &request.trigger else { return false };
    let image = ImageEvidence::Unread(String::new());
    let Asked::Draft(draft) = ask(request, live, &Inputs::Upload(upload.clone(), Uploaded::Document(document), image))
    else {
        return false;
    };
    for (path, name) in names_of(&draft.definition) {
        let is_live = NAMED_BEFORE.iter().any(|(place, known)| *place == path && *known == name);
        assert!(is_live || is_listed(&path, &name), "{path} names {name:?}\n{}", draft.definition.to_json());
    }
    true
}

/// The members, and the options of log drivers and routers, that lead to nothing outside of the task, wherever they
/// stand.
const FREE: [&str; 53] = [
    "Compression",
    "appProtocol",
    "command",
    "compression",
    "condition",
    "containerName",
    "containerPath",
    "containerPortRange",
    "cpu",
    "cpuArchitecture",
    "dockerLabels",
    "drop",
    "enable-ecs-log-metadata",
    "entryPoint",
    "environment",
    "essential",
    "format",
    "healthCheck",
    "hostname",
    "iam",
    "initProcessEnabled",
    "interactive",
    "labels",
    "links",
    "logDriver",
    "log_key",
    "memory",
    "mountOptions",
    "operatingSystemFamily",
    "portMappings",
    "protocol",
    "pseudoTerminal",
    "readOnly",
    "readonlyRootFilesystem",
    "requiresCompatibilities",
    "restartPolicy",
    "sourceContainer",
    "sourceVolume",
    "systemControls",
    "total_file_size",
    "transitEncryption",
    "ulimits",
    "upload_chunk_size",
    "upload_timeout",
    "use_put_object",
    "user",
    "versionConsistency",
    "volumesFrom",
    "workingDirectory",
    "awslogs-create-group",
    "mode",
    "enableFaultInjection",
    "disableNetworking",
];

/// Every text, and every switch that is on, that may lead outside, with its place.
fn names(value: &Value, path: &str, found: &mut Vec<(String, String)>) {
    let member = path.rsplit('/').next().unwrap_or_default();
    let is_option = path.contains("/options/");
    // What a container's own code makes of its text is not looked at; a line break in an option is.
    let has_lines = is_option && value.as_str().is_some_and(|text| text.contains(char::is_control));
    let is_own_name = member == "name" && !path.contains("proxyConfiguration") && !is_option;
    let is_inner = is_own_name
        || ["firelensConfiguration/type", "environmentFiles/type", "tags/value"].iter().any(|end| path.ends_with(end));
    let is_host = path.contains("extraHosts");
    if (FREE.contains(&member) || is_inner) && !has_lines && !is_host {
        return;
    }
    match value {
        // A file system is one thing with its access point and its folder.
        Value::Object(members) if path.ends_with("VolumeConfiguration") || is_host || path.ends_with("devices") => {
            let mut parts: Vec<String> = Vec::new();
            for (name, part) in members {
                let mut below = Vec::new();
                names(part, name, &mut below);
                parts.extend(below.into_iter().map(|(place, text)| format!("{place}={text}")));
            }
            parts.retain(|part| part != "rootDirectory=/");
            parts.sort();
            found.push((path.to_owned(), parts.join(" ")));
        }
        Value::Object(members) => {
            for (name, value) in members {
                let name =
                    if is_option || path.ends_with("/options") { name.to_ascii_lowercase() } else { name.clone() };
                names(value, &format!("{path}/{name}"), found);
            }
        }
        Value::Array(items) => items.iter().for_each(|item| names(item, path, found)),
        Value::String(text) if !text.is_empty() => {
            let name = match member {
                "image" => {
                    let place = text.split('@').next().unwrap_or_default();
                    let start = place.rfind('/').map_or(0, |slash| slash + 1);
                    let tag = place.get(start..).and_then(|last| last.rfind(':')).map(|colon| start + colon);
                    let repository = tag.and_then(|tag| place.get(..tag)).unwrap_or(place);
                    // The name of a host has no case.
                    let (host, rest) = repository.split_once('/').unwrap_or((repository, ""));
                    format!("{}/{rest}", host.to_ascii_lowercase())
                }
                "valueFrom" if text.contains(":secretsmanager:") => {
                    text.split(':').take(7).collect::<Vec<_>>().join(":")
                }
                _ => text.clone(),
            };
            found.push((path.to_owned(), name));
        }
        Value::Bool(true) => found.push((path.to_owned(), "true".to_owned())),
        _ => {}
    }
}

/// What the lists of the guard, and the repository of the service, allow.
fn is_listed(path: &str, name: &str) -> bool {
    let own = [
        "123456789012.dkr.ecr.ap-northeast-1.amazonaws.com/express-mode-custom-td",
        "123456789012.dkr-ecr.ap-northeast-1.on.aws/express-mode-custom-td",
    ];
    let has = |start: &str| name.starts_with(start);
    match path {
        "taskRoleArn" => has("arn:aws:iam::123456789012:role/shop-"),
        "containerDefinitions/image" => {
            own.contains(&name) || has("public.ecr.aws/shop/") || has("public.ecr.aws/aws-observability/")
        }
        "containerDefinitions/secrets/valueFrom"
        | "containerDefinitions/logConfiguration/secretOptions/valueFrom"
        | "containerDefinitions/repositoryCredentials/credentialsParameter" => {
            has("arn:aws:ssm:ap-northeast-1:123456789012:parameter/shop/")
                || has("arn:aws:secretsmanager:ap-northeast-1:123456789012:secret:shop-token-")
        }
        "containerDefinitions/logConfiguration/options/bucket" => has("shop-") && !name.contains(char::is_control),
        "containerDefinitions/logConfiguration/options/region" => name == "ap-northeast-1",
        "containerDefinitions/logConfiguration/options/name" => name == "s3",
        "containerDefinitions/logConfiguration/options/s3_key_format" => {
            has("/logs/") && !name.contains(char::is_control)
        }
        _ => path.contains("/logConfiguration/options/awslogs-") && !name.contains(char::is_control),
    }
}
