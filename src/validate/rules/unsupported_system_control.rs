//! Holds `systemControls` to the kernel parameters that a task has of its own. It knows no values.

use serde_json::Value;

use crate::validate::{Findings, Rule, RuleEvidence, Severity, Subject, label, quoted};

pub(super) static RULE: Rule = Rule {
    id: "unsupported-system-control",
    severity: Severity::Warning,
    summary: "a kernel parameter is none that a task on Fargate can set",
    why: "ECS takes the parameters of the namespaces of a task: those of System V messages and memory, `fs.mqueue.*` and \
          `net.*`. With another one, or with one of `net.core` that belongs to the whole machine, the task does not start \
          (runc: \"open /proc/sys/net/core/rmem_max: no such file or directory\").",
    source: "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_SystemControl.html",
    evidence: RuleEvidence::Documented,
    check,
    ..Rule::OF_DOCUMENTS
};

/// Parameters of System V that ECS lists.
const KERNEL: [&str; 8] = [
    "kernel.msgmax",
    "kernel.msgmnb",
    "kernel.msgmni",
    "kernel.sem",
    "kernel.shmall",
    "kernel.shmmax",
    "kernel.shmmni",
    "kernel.shm_rmid_forced",
];

/// Of `net.core` a network namespace has these; the others are the machine's (`net/core/sysctl_net_core.c` of Linux).
const NET_CORE: [&str; 3] = ["net.core.somaxconn", "net.core.optmem_max", "net.core.txrehash"];

fn check(subject: &Subject<'_>, report: &mut Findings<'_>) {
    for container in subject.definition.containers() {
        for (index, control) in container.list("systemControls").iter().enumerate() {
            let Some(name) = control.get("namespace").and_then(Value::as_str) else { continue };
            let is_own = KERNEL.contains(&name)
                || name.starts_with("fs.mqueue.")
                || NET_CORE.contains(&name)
                || (name.starts_with("net.") && !name.starts_with("net.core."));
            if !is_own {
                report.add(
                    format!("{}/systemControls/{index}/namespace", container.pointer()),
                    format!("{} sets {}, which a task does not have of its own", label(container), quoted(name)),
                    "remove it: Fargate sets it for the machine",
                );
            }
        }
    }
}
