//! Task definitions as public bug reports show them, with what AWS answered. What is right was written down before the
//! product was asked.

#![cfg(test)]

use std::path::Path;
use std::process::Command;

use serde_json::Value;

/// What `check` says of a file that has nothing to do with the case.
const OTHERS: [&str; 4] = ["health-check-tool", "mutable-image", "silent-log-router", "log-group-that-nobody-makes"];

/// The findings of a file above hints, as `severity[rule] pointer`; `None` where it cannot be used.
fn check(case: &str) -> Option<Vec<String>> {
    let file = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/fixtures/field-checks").join(format!("{case}.json"));
    let output = Command::new(env!("CARGO_BIN_EXE_express-deployer"))
        .args(["check", "--format", "json"])
        .arg(file)
        .output()
        .unwrap();
    if output.status.code() == Some(2) {
        return None;
    }
    let report: Value = serde_json::from_slice(&output.stdout).unwrap();
    let text = |finding: &Value, member: &str| finding[member].as_str().unwrap().to_owned();
    let findings = report.pointer("/files/0/findings").and_then(Value::as_array).unwrap().iter();
    let findings = findings
        .filter(|finding| text(finding, "severity") != "hint" && !OTHERS.contains(&text(finding, "rule").as_str()))
        .map(|finding| {
            format!("{}[{}] {}", text(finding, "severity"), text(finding, "rule"), text(finding, "pointer"))
        });
    Some(findings.collect())
}

#[test]
fn what_aws_took_is_taken_and_what_it_refused_is_said() {
    let cases: [(&str, &[&str]); 14] = [
        ("01-health-check-without-cmd", &["warning[invalid-health-check] /containerDefinitions/1/healthCheck/command"]),
        ("02-secret-listed-twice", &["error[duplicate-variable]"]),
        ("03-variable-without-a-name", &["error[blank-variable-name]", "error[blank-variable-name]"]),
        ("04-sysctl-outside-the-namespace", &["warning[unsupported-system-control]"]),
        ("05-sysctl-that-ecs-does-not-list", &["warning[unsupported-system-control]"]),
        ("06-digest-in-the-place-of-a-tag", &["error[invalid-image]", "error[invalid-image]"]),
        ("09-log-router-with-a-user-name", &["error[invalid-log-router-user]"]),
        ("10-ebs-volume-on-express-mode", &["warning[unconfigured-volume]"]),
        ("11-ephemeral-storage-of-20", &["warning[out-of-range-ephemeral-storage]"]),
        ("12-hard-limits-above-reservations", &[]),
        (
            "13-windows-on-arm-with-a-quarter-cpu",
            &["error[unsupported-windows-task]", "error[unsupported-windows-task]"],
        ),
        ("20-described-definition-fed-back", &[]),
        ("22-same-port-over-tcp-and-udp", &[]),
        ("28-roles-still-to-be-filled-in", &["error[unfilled-placeholder]", "error[unfilled-placeholder]"]),
    ];
    let mut wrong = Vec::new();
    for (case, right) in cases {
        let found = check(case).unwrap_or_else(|| panic!("{case} cannot be used"));
        let fits = found.len() == right.len() && found.iter().zip(right).all(|(found, right)| found.starts_with(right));
        if !fits {
            wrong.push(format!("{case}: {right:?}, but {found:#?}"));
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(check("23-task-definition-saved-by-powershell").is_none(), "UTF-16 is no JSON");
    assert!(
        check("24-properties-copied-from-cloudformation")
            .unwrap()
            .iter()
            .any(|one| one.starts_with("error[unknown-member]"))
    );
    assert!(
        check("21-attributes-pasted-among-the-containers")
            .unwrap()
            .iter()
            .any(|one| one.starts_with("error[invalid-container-name]"))
    );
}
