//! What Fargate offers for Windows. What it offers for Linux is `invalid-fargate-size`'s.

use crate::validate::{Findings, Rule, RuleEvidence, Severity, Subject};

pub(super) static RULE: Rule = Rule {
    id: "unsupported-windows-task",
    severity: Severity::Error,
    summary: "Fargate does not offer this processor or CPU for Windows",
    why: "Windows containers on Fargate run on X86_64, with 1, 2 or 4 vCPU; ECS refuses the registration of others.",
    source: "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_RegisterTaskDefinition.html",
    evidence: RuleEvidence::Refused {
        words: "No Fargate configuration exists for given values",
        seen: "https://github.com/badmintoncryer/cdk-preflight/blob/main/docs/rules.md",
    },
    check,
    ..Rule::OF_DOCUMENTS
};

fn check(subject: &Subject<'_>, report: &mut Findings<'_>) {
    let platform = subject.definition.platform();
    if platform.os != "windows" {
        return;
    }
    if platform.architecture == "arm64" {
        report.add(
            "/runtimePlatform/cpuArchitecture",
            "Windows containers do not run on ARM64",
            "set `cpuArchitecture` to `X86_64`",
        );
    }
    let cpu = subject.definition.text("cpu").and_then(|text| crate::task_definition::size::in_units(text, "vCPU"));
    if cpu.is_some_and(|cpu| !matches!(cpu, 1024 | 2048 | 4096)) {
        report.add("/cpu", "Windows on Fargate has 1, 2 or 4 vCPU", "set `cpu` to 1024, 2048 or 4096");
    }
}
