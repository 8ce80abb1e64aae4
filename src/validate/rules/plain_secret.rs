//! Looks for values in `environment` that are secrets by their shape or by their name. The value itself is never part
//! of a finding.

use serde_json::Value;

use crate::validate::{Findings, Rule, RuleEvidence, Severity, Subject, label, quoted};

pub(super) static RULE: Rule = Rule {
    id: "plain-secret",
    severity: Severity::Warning,
    summary: "a value in `environment` looks like a secret",
    why: "Whoever may describe the task definition can read it, and so can everything that keeps a copy: consoles, logs of \
        deployments, drift reports.",
    source: "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/specifying-sensitive-data.html",
    evidence: RuleEvidence::Documented,
    check,
    ..Rule::OF_DOCUMENTS
};

/// What well-known tokens begin with, and the least length that they have.
const SHAPES: [(&str, usize, &str); 17] = [
    ("AKIA", 20, "an AWS access key id"),
    ("ASIA", 20, "an AWS access key id"),
    ("ghp_", 36, "a GitHub token"),
    ("gho_", 36, "a GitHub token"),
    ("ghs_", 36, "a GitHub token"),
    ("github_pat_", 40, "a GitHub token"),
    ("glpat-", 20, "a GitLab token"),
    ("xoxb-", 20, "a Slack token"),
    ("xoxp-", 20, "a Slack token"),
    ("sk_live_", 20, "a Stripe key"),
    ("rk_live_", 20, "a Stripe key"),
    ("SG.", 40, "a SendGrid key"),
    ("sk-ant-", 20, "an Anthropic key"),
    ("sk-proj-", 20, "an OpenAI key"),
    ("npm_", 36, "an npm token"),
    ("-----BEGIN ", 30, "a private key or certificate"),
    ("eyJ", 60, "a JSON web token"),
];

/// Words at the end of a variable's name that say that its value is secret.
const NAMES: [&str; 8] =
    ["PASSWORD", "PASSWD", "SECRET", "SECRET_KEY", "API_KEY", "APIKEY", "PRIVATE_KEY", "ACCESS_TOKEN"];

fn check(subject: &Subject<'_>, report: &mut Findings<'_>) {
    for container in subject.definition.containers() {
        for (index, variable) in container.list("environment").iter().enumerate() {
            let text = |member: &str| variable.get(member).and_then(Value::as_str).unwrap_or_default();
            if let Some(what) = secret_in(text("name"), text("value")) {
                report.add(
                    format!("{}/environment/{index}/value", container.pointer()),
                    format!("the variable {} of {} looks like {what}", quoted(text("name")), label(container)),
                    "keep it in Secrets Manager or in an SSM parameter, and refer to it in `secrets`",
                );
            }
        }
    }
}

/// What kind of secret a value seems to be.
fn secret_in(name: &str, value: &str) -> Option<&'static str> {
    let value = value.trim();
    let is_shape = |(start, length, _): &&(&str, usize, &str)| value.len() >= *length && value.starts_with(start);
    let shape = SHAPES.iter().find(is_shape);
    if let Some((_, _, what)) = shape {
        let is_certificate = value.starts_with("-----BEGIN ") && !value.contains("PRIVATE KEY");
        return (!is_certificate).then_some(*what);
    }
    if has_password(value) {
        return Some("a URL with a password");
    }
    (NAMES.iter().any(|word| ends_with_word(name, word)) && !is_harmless(value)).then_some("a secret, by its name")
}

/// Whether a name is the word, or ends with it after an underscore, in upper or lower case.
fn ends_with_word(name: &str, word: &str) -> bool {
    let (name, word) = (name.as_bytes(), word.as_bytes());
    let start = name.len().checked_sub(word.len());
    let Some((before, last)) = start.and_then(|at| name.split_at_checked(at)) else { return false };
    last.eq_ignore_ascii_case(word) && before.last().is_none_or(|byte| *byte == b'_')
}

/// Whether a value is a URL with a user and a password.
fn has_password(value: &str) -> bool {
    if !value.contains('@') {
        return false; // The usual value, and sooner said than by a search for the scheme.
    }
    let Some((scheme, rest)) = value.split_once("://") else { return false };
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let password = authority.rsplit_once('@').and_then(|(user, _)| user.split_once(':')).map(|(_, password)| password);
    !scheme.contains(char::is_whitespace) && password.is_some_and(|password| !is_harmless(password))
}

/// Whether a value cannot be the secret itself: nothing, a switch, a number, a placeholder, a reference to somewhere
/// else, or a path.
fn is_harmless(value: &str) -> bool {
    let lower = value.to_ascii_lowercase();
    value.len() < 4
        || matches!(
            lower.as_str(),
            "true" | "false" | "none" | "null" | "changeme" | "required" | "optional" | "disabled"
        )
        || value.bytes().all(|b| b.is_ascii_digit())
        || value.starts_with(['$', '<', '/', '{', '*'])
        || lower.starts_with("arn:")
        || lower.starts_with("ssm:")
        || lower.contains("://")
}
