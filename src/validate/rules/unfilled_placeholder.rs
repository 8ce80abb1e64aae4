//! Finds what a template has left to fill in, where the value is a name that AWS has to know. It leaves alone what may hold
//! any text: variables, commands, and what Fluent Bit fills in itself.

use serde_json::Value;

use crate::task_definition::pointer::{escape, unescape};
use crate::task_definition::{Container, TaskDefinition};
use crate::validate::{Findings, Rule, RuleEvidence, Severity, Subject, quoted};

pub(super) static RULE: Rule = Rule {
    id: "unfilled-placeholder",
    severity: Severity::Error,
    summary: "a value still has a placeholder of a template",
    why: "Nothing replaces it on the way to ECS, which refuses the registration: \"Role is not valid\", \"Container.image \
        contains invalid characters\", \"The Systems Manager parameter name specified for secret … is invalid\".",
    source: "https://github.com/aws-samples/aws-modern-application-workshop/issues/9",
    evidence: RuleEvidence::Refused {
        words: "Role is not valid",
        seen: "https://github.com/aws-samples/aws-modern-application-workshop/issues/9",
    },
    check,
    ..Rule::OF_DOCUMENTS
};

fn check(subject: &Subject<'_>, report: &mut Findings<'_>) {
    for place in places(subject.definition) {
        let Some(placeholder) = find(place.text, place.also_short) else { continue };
        let name = place.pointer.rsplit('/').find(|part| part.parse::<usize>().is_err()).unwrap_or_default();
        let name = quoted(&unescape(name));
        report.add_unfilled(
            place.pointer,
            format!("{name} still has the placeholder {}", quoted(placeholder)),
            "put the value in its place",
        );
    }
}

/// A text that names something.
struct Place<'a> {
    pointer: String,
    text: &'a str,
    /// Whether `$NAME` can be nothing else than a placeholder, too.
    also_short: bool,
}

impl<'a> Place<'a> {
    fn of(pointer: String, value: Option<&'a Value>, also_short: bool) -> Option<Self> {
        value.and_then(Value::as_str).map(|text| Self { pointer, text, also_short })
    }
}

/// The texts that can only be a name, in the order of the document's members.
fn places(definition: &TaskDefinition) -> Vec<Place<'_>> {
    let of_task = ["family", "taskRoleArn", "executionRoleArn"];
    let mut places: Vec<Place<'_>> = of_task
        .iter()
        .filter_map(|name| Place::of(format!("/{name}"), definition.members().get(*name), true))
        .collect();
    for container in definition.containers() {
        of_container(container, &mut places);
    }
    let volumes = definition.list("volumes");
    for (index, volume) in volumes.iter().enumerate() {
        for member in ["fileSystemId", "authorizationConfig/accessPointId"] {
            let value = volume.pointer(&format!("/efsVolumeConfiguration/{member}"));
            places.extend(Place::of(format!("/volumes/{index}/efsVolumeConfiguration/{member}"), value, true));
        }
    }
    places
}

fn of_container<'a>(container: Container<'a>, places: &mut Vec<Place<'a>>) {
    let pointer = container.pointer();
    for name in ["name", "image"] {
        places.extend(Place::of(format!("{pointer}/{name}"), container.members.get(name), true));
    }
    // The key of an object in S3 may have a `$`.
    for (list, member, also_short) in [("secrets", "valueFrom", true), ("environmentFiles", "value", false)] {
        for (index, entry) in container.list(list).iter().enumerate() {
            places.extend(Place::of(format!("{pointer}/{list}/{index}/{member}"), entry.get(member), also_short));
        }
    }
    let is_filled_later = |value: &Value| value.as_str().is_some_and(|text| text.contains('$'));
    for (option, value) in container.log_options().into_iter().flatten() {
        let is_name = match container.log_driver() {
            Some("awslogs") => matches!(option.as_str(), "awslogs-group" | "awslogs-region"),
            // Fluent Bit fills in `${NAME}` from the log router's environment.
            Some("awsfirelens") => {
                let names = ["region", "bucket", "role_arn", "log_group_name", "endpoint"];
                names.iter().any(|name| option.eq_ignore_ascii_case(name)) && !is_filled_later(value)
            }
            _ => false,
        };
        if is_name {
            let step = escape(option);
            places.extend(Place::of(format!("{pointer}/logConfiguration/options/{step}"), Some(value), true));
        }
    }
}

/// The first placeholder: `<NAME>`, `{{ name }}`, `${NAME}`, `{name}`, and `$NAME` where that is asked for, too.
fn find(text: &str, also_short: bool) -> Option<&str> {
    text.char_indices().find_map(|(at, letter)| {
        let rest = text.get(at..)?;
        let length = match letter {
            '<' => enclosed(rest, "<", ">"),
            '{' => enclosed(rest, "{{", "}}").or_else(|| enclosed(rest, "{", "}")),
            '$' => enclosed(rest, "${", "}").or_else(|| short(rest).filter(|_| also_short)),
            _ => None,
        };
        length.and_then(|length| rest.get(..length))
    })
}

/// The longest text between brackets that is taken for a name.
const MAX_NAME: usize = 64;

fn enclosed(text: &str, open: &str, close: &str) -> Option<usize> {
    let inner = text.strip_prefix(open)?;
    let end = inner.find(close).filter(|end| *end <= MAX_NAME)?;
    let is_name = inner.get(..end)?.bytes().any(|b| b.is_ascii_alphanumeric());
    is_name.then_some(open.len() + end + close.len())
}

fn short(text: &str) -> Option<usize> {
    let name = text.strip_prefix('$')?;
    let length = name.bytes().take_while(|b| b.is_ascii_uppercase() || b.is_ascii_digit() || *b == b'_').count();
    (length >= 2).then_some(1 + length)
}

#[cfg(test)]
mod tests {
    use super::find;

    #[test]
    fn what_templates_leave_is_found_and_names_are_not() {
        for (text, placeholder) in [
            ("<ACCOUNT_ID>.dkr.ecr.eu-west-1.amazonaws.com/web", "<ACCOUNT_ID>"),
            ("<your image>", "<your image>"),
            ("arn:aws:iam::{{ account }}:role/web", "{{ account }}"),
            ("arn:aws:iam::${AWS::AccountId}:role/web", "${AWS::AccountId}"),
            ("{image}", "{image}"),
            ("$IMAGE", "$IMAGE"),
        ] {
            assert_eq!(find(text, true), Some(placeholder), "{text}");
        }
        for text in ["web:1", "a<b", "<>", "{}", "$", "$1", "arn:aws:iam::123456789012:role/a+b=c,d.e@f_g-h", "{{}}"] {
            assert_eq!(find(text, true), None, "{text}");
        }
        assert_eq!(find("arn:aws:s3:::files/$NAME.env", false), None);
    }
}
