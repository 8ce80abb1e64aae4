//! Reads where volumes and `tmpfs` are mounted and where a program starts. Whether the image has the folder is not asked.

use serde_json::Value;

use crate::validate::{Findings, Rule, RuleEvidence, Severity, Subject, label, quoted};

pub(super) static RULE: Rule = Rule {
    id: "relative-container-path",
    severity: Severity::Error,
    summary: "a path in the container is missing or not absolute",
    why: "The container does not start: \"invalid mount path: … mount path must be absolute\", \"the working directory … is \
        invalid, it needs to be an absolute path\".",
    source: "https://github.com/moby/moby/blob/master/volume/mounts/linux_parser.go",
    evidence: RuleEvidence::Observed { seen: "moby/moby volume/mounts/linux_parser.go" },
    check,
    ..Rule::OF_DOCUMENTS
};

fn check(subject: &Subject<'_>, report: &mut Findings<'_>) {
    // On Windows a path may begin with the letter of a drive.
    if subject.definition.platform().os == "windows" {
        return;
    }
    for container in subject.definition.containers() {
        let pointer = container.pointer();
        for (index, mount) in container.list("mountPoints").iter().enumerate().filter(|(_, mount)| mount.is_object()) {
            let problem = match mount.get("containerPath") {
                None | Some(Value::Null) => "no path in the container".to_owned(),
                Some(Value::String(path)) if !path.starts_with('/') => format!("the path {}", quoted(path)),
                Some(_) => continue,
            };
            report.add(
                format!("{pointer}/mountPoints/{index}/containerPath"),
                format!("a mount point of {} has {problem}", label(container)),
                "write the whole path in the container, from `/`",
            );
        }
        if let Some(folder) =
            container.text("workingDirectory").filter(|folder| !folder.is_empty() && !folder.starts_with('/'))
        {
            report.add(
                format!("{pointer}/workingDirectory"),
                format!("{} starts in {}, which is not a whole path", label(container), quoted(folder)),
                "write the whole path in the container, from `/`",
            );
        }
        let linux = container.members.get("linuxParameters").and_then(|linux| linux.get("tmpfs"));
        for (index, mount) in linux.and_then(Value::as_array).into_iter().flatten().enumerate() {
            // One without a path is `missing-member`'s.
            let path = mount.get("containerPath").and_then(Value::as_str);
            if let Some(path) = path.filter(|path| !path.starts_with('/')) {
                report.add(
                    format!("{pointer}/linuxParameters/tmpfs/{index}/containerPath"),
                    format!("a `tmpfs` of {} has the path {}", label(container), quoted(path)),
                    "write the whole path in the container, from `/`",
                );
            }
        }
    }
}
