//! Fluent Bit's S3 plugin keeps what it has not uploaded yet in files, and the `init-` images write their start script.
//! Which directories an unknown image makes writable is not guessed.

use serde_json::Value;

use crate::firelens::router::{self, Builder};
use crate::firelens::s3_output::{LogOutput, Setting};
use crate::task_definition::Container;
use crate::validate::router_severity::severity_of_death;
use crate::validate::{Findings, Rule, RuleEvidence, Severity, Subject, label};

pub(super) static RULE: Rule = Rule {
    id: "read-only-log-router",
    severity: Severity::Error,
    summary: "the log router cannot write the files that it needs",
    why: "Fluent Bit's S3 output buffers in `store_dir`, by default /tmp/fluent-bit/s3, and stops with exit code 255 \
          when it cannot create it. With a read-only root filesystem that takes a volume. The `init-` images of \
          aws-for-fluent-bit also write to /init, where a volume would hide what they start from (issue 824 of \
          aws-for-fluent-bit).",
    source: "https://github.com/fluent/fluent-bit/issues/7308",
    evidence: RuleEvidence::Observed { seen: "https://github.com/fluent/fluent-bit/issues/7308" },
    check,
    ..Rule::OF_DOCUMENTS
};

/// `store_dir` when it is not set.
const DEFAULT_STORE: &str = "/tmp/fluent-bit/s3";

fn check(subject: &Subject<'_>, report: &mut Findings<'_>) {
    let Some(router) = router::find(subject.definition) else { return };
    if router.members.get("readonlyRootFilesystem").and_then(Value::as_bool) != Some(true) {
        return;
    }
    let pointer = router.pointer() + "/readonlyRootFilesystem";
    let router_name = label(router);
    if matches!(Builder::of(router), Builder::Aws(tag) if tag.starts_with("init-")) {
        report.add_as(
            Severity::Warning,
            pointer,
            format!("the root filesystem of the log router {router_name} is read-only, but its image writes to /init"),
            "set `readonlyRootFilesystem` to false, or use a tag without `init-`",
        );
    } else if LogOutput::to_s3(subject.definition).any(|output| lacks_store(&output)) {
        // Somebody's own image may declare a volume there.
        let is_known = matches!(Builder::of(router), Builder::Aws(_) | Builder::Fluent(_));
        report.add_as(
            if is_known { severity_of_death(router) } else { Severity::Warning },
            pointer,
            format!(
                "the root filesystem of the log router {router_name} is read-only, and no volume is mounted on the \
                 `store_dir` of its S3 output"
            ),
            "mount a volume on /tmp in the router, or set `readonlyRootFilesystem` to false",
        );
    }
}

/// Whether the output's `store_dir` is surely not on something writable.
fn lacks_store(output: &LogOutput<'_>) -> bool {
    let store = match output.setting("store_dir") {
        Setting::Hidden => return false,
        Setting::Absent => DEFAULT_STORE,
        Setting::Given(_, store) => store,
    };
    // Volumes of another container come with unknown paths.
    output.router.list("volumesFrom").is_empty() && !writable(output.router).any(|path| holds(path, store))
}

/// The directories that are writable in spite of a read-only root.
fn writable(container: Container<'_>) -> impl Iterator<Item = &str> {
    let mounts = container.list("mountPoints").iter();
    let mounts = mounts.filter(|mount| mount.get("readOnly").and_then(Value::as_bool) != Some(true));
    let linux = container.members.get("linuxParameters").and_then(|linux| linux.get("tmpfs")?.as_array());
    mounts.chain(linux.into_iter().flatten()).filter_map(|mount| mount.get("containerPath")?.as_str())
}

fn holds(directory: &str, path: &str) -> bool {
    let directory = directory.trim_end_matches('/');
    path.strip_prefix(directory).is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}
