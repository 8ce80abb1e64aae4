//! Finds containers that wait for themselves, directly or through others.

use serde_json::Value;

use crate::task_definition::Container;
use crate::validate::{Findings, Rule, RuleEvidence, Severity, Subject, label, quoted};

pub(super) static RULE: Rule = Rule {
    id: "circular-dependency",
    severity: Severity::Error,
    summary: "containers wait for each other in a circle",
    why: "ECS refuses the registration: no container of the circle could ever be the first to start.",
    source: "https://docs.aws.amazon.com/AmazonECS/latest/APIReference/API_ContainerDependency.html",
    evidence: RuleEvidence::Observed { seen: "aws/amazon-ecs-agent agent/engine/dependencygraph/graph.go" },
    check,
    ..Rule::OF_DOCUMENTS
};

fn check(subject: &Subject<'_>, report: &mut Findings<'_>) {
    let containers: Vec<Container<'_>> = subject.definition.containers().collect();
    let mut is_told = vec![false; containers.len()];
    for start in 0..containers.len() {
        if is_told.get(start) == Some(&true) {
            continue;
        }
        if let Some(circle) = circle_from(&containers, start) {
            let names: Vec<String> = circle
                .iter()
                .filter_map(|index| containers.get(*index))
                .map(|container| quoted(container.name().unwrap_or_default()))
                .collect();
            for index in &circle {
                if let Some(told) = is_told.get_mut(*index) {
                    *told = true;
                }
            }
            let Some(first) = circle.first().and_then(|index| containers.get(*index)) else { continue };
            let message = match names.len() {
                1 => format!("{} waits for itself", label(*first)),
                _ => format!("these containers wait for each other: {}", names.join(", ")),
            };
            report.add(format!("{}/dependsOn", first.pointer()), message, "remove one of the dependencies");
        }
    }
}

/// The circle that leads from a container back to it, if there is one.
fn circle_from(containers: &[Container<'_>], start: usize) -> Option<Vec<usize>> {
    let mut came_from: Vec<Option<usize>> = vec![None; containers.len()];
    let mut open = vec![start];
    while let Some(at) = open.pop() {
        for next in dependencies(containers, at) {
            if next == start {
                let mut circle = vec![at];
                while let Some(before) = came_from.get(*circle.last()?).copied().flatten() {
                    circle.push(before);
                }
                circle.reverse();
                return Some(circle);
            }
            if let Some(seen @ None) = came_from.get_mut(next) {
                *seen = Some(at);
                open.push(next);
            }
        }
    }
    None
}

fn dependencies<'a>(containers: &'a [Container<'_>], at: usize) -> impl Iterator<Item = usize> + 'a {
    let waits = containers.get(at).map_or(&[][..], |container| container.list("dependsOn"));
    waits.iter().filter_map(|dependency| {
        let name = dependency.get("containerName").and_then(Value::as_str)?;
        containers.iter().position(|container| container.name() == Some(name))
    })
}
