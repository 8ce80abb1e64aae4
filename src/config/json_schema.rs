//! A JSON Schema of the configuration, for editors that know one for TOML. It refuses nothing that `Config::parse`
//! takes; what needs more than one key to see, and whether a pattern compiles, is left to that.

use serde_json::{Value, json};

use super::OWN_PREFIXES;
use super::read::{MAX_PATTERNS, MAX_RECORDS, MAX_SERVICES};
use crate::task_definition::references::ReferenceKind;
use crate::validate::Rule;
use crate::validate::rules::TABLE;
use crate::verify::compare::Compare;

/// The schema, in draft 7.
pub fn deployer() -> Value {
    json!({
        "$schema": "http://json-schema.org/draft-07/schema#",
        "title": "Configuration of express-deployer",
        "$comment": "Made from the rules of express-deployer and its reading of the file: UPDATE_DOCS=1 cargo test --test it docs",
        "type": "object",
        "additionalProperties": false,
        "required": ["state_bucket", "service"],
        "properties": {
            "state_bucket": {
                "description": "The bucket for heads (`services/`) and reports (`releases/`).",
                "type": "string",
                "pattern": "^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$",
            },
            "bucket_owners": {
                "description": "Buckets that another account than the service's owns, and that account.",
                "type": "object",
                "propertyNames": {"pattern": "^[a-z0-9][a-z0-9.-]{1,61}[a-z0-9]$"},
                "additionalProperties": {"type": "string", "pattern": "^[0-9]{12}$"},
            },
            "service": {
                "description": "The Express Mode services, each with what releases it and how a release is proven.",
                "type": "array",
                "minItems": 1,
                "maxItems": MAX_SERVICES,
                "items": service(),
            },
        },
        "definitions": {"rule": rule(|_| true), "allowableRule": rule(|rule| !rule.is_final)},
    })
}

fn service() -> Value {
    let name = "[A-Za-z0-9_-]{1,255}";
    json!({
        "type": "object",
        "additionalProperties": false,
        "required": ["arn"],
        "anyOf": [{"required": ["repository"]}, {"required": ["uploads"]}],
        "properties": {
            "arn": {
                "description": "The service's ARN, as `aws ecs describe-express-gateway-service` shows it.",
                "type": "string",
                "pattern": format!("^arn:aws[^:]*:ecs:{name}:[0-9]{{12}}:service/{name}/{name}$"),
            },
            "repository": {
                "description": "Pushes to this ECR repository release the service: its name, or \
                    ACCOUNT.dkr.ecr.REGION.amazonaws.com/NAME for another account or region; without a tag.",
                "type": "string",
                "minLength": 1,
                "not": {"pattern": "[:@]"},
            },
            "tags": texts("Globs of the tags that count; without the list any tag does.", &json!({"minItems": 1})),
            "container": {
                "description": "The container that gets a pushed image.",
                "type": "string",
                "default": "Main",
            },
            "uploads": {
                "description": "Uploads of task definitions release the service: below a key prefix that ends in a \
                    slash, or to one key; s3://BUCKET/ before it names another bucket than the state bucket.",
                "type": "string",
                "pattern": "^[^/]",
                "not": {"pattern": format!("^({})", OWN_PREFIXES.join("|"))},
            },
            "on_failure": {
                "description": "What a failed verification leads to: back to the previous revision, or a report alone.",
                "enum": ["rollback", "notify"],
                "default": "rollback",
            },
            "verify": verify(),
            "rules": rules(),
            "guard": guard(),
        },
    })
}

fn guard() -> Value {
    let mut properties = json!({
        "require_way_back": {
            "description": "Whether nothing is deployed while the revision that serves cannot be started anew.",
            "type": "boolean",
            "default": false,
        },
    });
    let lists = ReferenceKind::ALL.map(|(kind, key, _)| {
        let description = format!("{}; without the list only what the live revision names.", entries(kind));
        (key.to_owned(), texts(&description, &json!({})))
    });
    if let Some(properties) = properties.as_object_mut() {
        properties.extend(lists);
    }
    json!({
        "description": "What a task definition may name.",
        "type": "object",
        "additionalProperties": false,
        "properties": properties,
    })
}

/// What stands in a list of the guard.
fn entries(kind: ReferenceKind) -> &'static str {
    match kind {
        ReferenceKind::ExecutionRoles => "Globs of ARNs of roles with which ECS may pull images and read secrets",
        ReferenceKind::TaskRoles => "Globs of ARNs of roles with which the containers may act",
        ReferenceKind::Registries => "Registries, with or without a path, that images may come from",
        ReferenceKind::Families => "Globs of families that an upload may change to",
        ReferenceKind::Secrets => {
            "Globs of secrets and parameters, without the key and the version that are read of them"
        }
        ReferenceKind::EnvironmentFiles => "Globs of ARNs of environment files",
        ReferenceKind::Volumes => {
            "Globs of file systems, with `,accessPointId=` and `,rootDirectory=` where a volume has them"
        }
        ReferenceKind::LogDestinations => "Globs of options of log drivers and log routers, as `option=value`",
        ReferenceKind::Capabilities => {
            "Globs of kernel capabilities, of `privileged`, and of `member:value` for what else opens a task"
        }
        ReferenceKind::Tags => "Globs of keys of tags",
    }
}

fn verify() -> Value {
    let bounded = json!({"maxItems": MAX_PATTERNS});
    let compare = Compare::default();
    json!({
        "description": "The proof of a release: log records of the new revision.",
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "logs": {
                "description": "`required` rejects a task definition whose logs cannot be verified, `if-configured` verifies \
                    where it writes logs to S3, `off` never looks.",
                "enum": ["required", "if-configured", "off"],
                "default": "if-configured",
            },
            "timeout": {
                "description": "How long to wait for proof, from the first task of the new revision: from 30s to 1h.",
                "type": "string",
                "pattern": "^[0-9]+[smh]$",
                "default": "10m",
            },
            "expect": texts(
                "Regular expressions; each must match a record. With `at = \"start\"` where its message begins.",
                &json!({"maxItems": MAX_PATTERNS, "items": {"anyOf": [
                    {"type": "string"},
                    {
                        "type": "object",
                        "additionalProperties": false,
                        "required": ["pattern"],
                        "properties": {"pattern": {"type": "string"}, "at": {"enum": ["start"]}},
                    },
                ]}}),
            ),
            "forbid": texts("Regular expressions; none may match a record.", &bounded),
            "containers": texts("Containers beside the one that gets the image whose logs are verified, too.", &json!({})),
            "on_silence": {
                "description": "What it means when no records, or too few, come within the time: nobody can tell (`inconclusive`), verified, \
                    or failed.",
                "enum": ["inconclusive", "pass", "fail"],
                "default": "inconclusive",
            },
            "min_records": whole("Records that make a proof.", 1),
            "ignore_levels": texts(
                "Rows of docs/log-levels.md by which no level is read of this service's records: a way out where one takes for an error what is none.",
                &json!({}),
            ),
            "samples": {
                "description": "What reports show of records: the beginnings of a few, secrets masked, or no text at all.",
                "enum": ["masked", "none"],
                "default": "masked",
            },
            "max_error_ratio": share("The largest share of errors among the records.", 0.0, 1.0, None),
            "compare": {
                "description": "Fails a release whose records hold a larger share of errors than those of the old revision in the same time.",
                "type": "object",
                "additionalProperties": false,
                "properties": {
                    "margin": share("By how much the share may be larger.", 0.0, 1.0, Some(compare.margin)),
                    "confidence": share("How sure the test must be.", 0.5, 0.9999, Some(compare.confidence)),
                    "min_records": whole("Below this many records of either revision nothing is decided.", compare.min_records),
                },
            },
        },
    })
}

fn rules() -> Value {
    let ids =
        |description: &str, kind: &str| json!({"description": description, "type": "array", "items": {"$ref": kind}});
    json!({
        "description": "Rules that this service takes otherwise than docs/rules.md says.",
        "type": "object",
        "additionalProperties": false,
        "properties": {
            "allow": ids("Ids of rules whose findings are let pass.", "#/definitions/allowableRule"),
            "deny": ids("Ids of rules whose findings reject a release.", "#/definitions/rule"),
        },
    })
}

/// The ids of the rules that may stand in a list.
fn rule(may_stand: fn(&Rule) -> bool) -> Value {
    let mut ids: Vec<&str> = TABLE.iter().filter(|rule| may_stand(rule)).map(|rule| rule.id).collect();
    ids.sort_unstable();
    json!({"enum": ids})
}

fn whole(description: &str, default: u64) -> Value {
    json!({"description": description, "type": "integer", "minimum": 1, "maximum": MAX_RECORDS, "default": default})
}

fn share(description: &str, least: f64, most: f64, default: Option<f64>) -> Value {
    let mut schema = json!({"description": description, "type": "number", "minimum": least, "maximum": most});
    if let (Some(schema), Some(default)) = (schema.as_object_mut(), default) {
        schema.insert("default".to_owned(), json!(default));
    }
    schema
}

/// A list of texts.
fn texts(description: &str, bounds: &Value) -> Value {
    let mut schema = json!({"description": description, "type": "array", "items": {"type": "string"}});
    if let (Some(schema), Some(bounds)) = (schema.as_object_mut(), bounds.as_object()) {
        schema.extend(bounds.clone());
    }
    schema
}
