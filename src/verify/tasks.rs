//! Proof by the tasks themselves: on what processor they run, which image, and how healthy. It asks ECS nothing; what
//! is absent proves nothing and fails nothing.

use serde::{Deserialize, Serialize};

use super::verification::VerificationStatus;
use crate::image::Digest;
use crate::task_definition::TaskDefinition;
use crate::text::Text;

/// What ECS says of a task of the new revision.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct TaskProof {
    /// The task's id.
    pub task: Text,
    /// Its attribute `ecs.cpu-architecture`: `arm64` or `x86_64`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub architecture: Option<Text>,
    /// Its containers.
    pub containers: Vec<ContainerProof>,
}

/// What ECS says of a container.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct ContainerProof {
    /// Its name.
    pub name: Text,
    /// `lastStatus`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub status: Option<Text>,
    /// `healthStatus`, where the container has a health check.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub health: Option<Text>,
    /// The digest of the image that really runs.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_digest: Option<Text>,
    /// Whether that is the image that the definition is pinned to, or one of its index; `None` where the container is
    /// not pinned or nobody can tell.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub is_planned: Option<bool>,
}

/// What a task definition says that its tasks must be.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct ExpectedTasks {
    /// The processor, as `ecs.cpu-architecture` names it.
    architecture: Option<Text>,
    /// The containers with a health check.
    checked: Vec<String>,
}

impl ExpectedTasks {
    /// What a definition says.
    pub fn of(definition: &TaskDefinition) -> Self {
        let architecture = match definition.platform().architecture.as_str() {
            "arm64" => Some("arm64"),
            "amd64" => Some("x86_64"),
            _ => None,
        };
        let checked = definition.containers().filter(|container| container.members.contains_key("healthCheck"));
        let checked = checked.filter_map(|container| container.name().map(str::to_owned)).collect();
        Self { architecture: architecture.map(Text::from), checked }
    }

    /// Whether a container has a health check.
    pub fn is_checked(&self, container: &str) -> bool {
        self.checked.iter().any(|name| name == container)
    }

    /// What speaks against the tasks. An image or a processor that is another one speaks at once, a health when the
    /// patience with its task is over, which `late` says in the order of the tasks, or when the deployment is through.
    /// By then a task that has just been started is still UNKNOWN, and is no worse for it than the healthy one beside
    /// it.
    pub fn judge(&self, tasks: &[TaskProof], late: &[bool], is_through: bool) -> Option<(VerificationStatus, String)> {
        let other = tasks.iter().find_map(|task| self.is_other(task));
        if let Some(other) = other {
            return Some((VerificationStatus::Failed, other));
        }
        let is_healthy = |name: &str| {
            let mut containers = tasks.iter().flat_map(|task| &task.containers);
            containers.any(|other| other.name == *name && other.health.as_deref() == Some("HEALTHY"))
        };
        let with = |health: &str, is_due: &dyn Fn(bool, &ContainerProof) -> bool| {
            let late = late.iter().copied().chain(std::iter::repeat(false));
            tasks.iter().zip(late).find_map(|(task, late)| {
                let is_meant = |container: &&ContainerProof| {
                    container.health.as_deref() == Some(health) && is_due(late, container)
                };
                let container = task.containers.iter().find(is_meant)?;
                Some(format!("container `{}` of task {} is {health} by its health check", container.name, task.task))
            })
        };
        let unhealthy = with("UNHEALTHY", &|late, _| late || is_through);
        let unknown = || with("UNKNOWN", &|late, container| late || (is_through && !is_healthy(&container.name)));
        let unhealthy = unhealthy.map(|detail| (VerificationStatus::Failed, detail));
        unhealthy.or_else(|| unknown().map(|detail| (VerificationStatus::Inconclusive, detail)))
    }

    fn is_other(&self, task: &TaskProof) -> Option<String> {
        if let (Some(runs), Some(wanted)) = (&task.architecture, &self.architecture)
            && runs != wanted
        {
            return Some(format!("task {} runs on {runs}, and its task definition says {wanted}", task.task));
        }
        let other = task.containers.iter().find(|container| container.is_planned == Some(false))?;
        let digest = other.image_digest.as_deref().unwrap_or_default();
        Some(format!(
            "container `{}` of task {} runs the image {digest}, which is neither the planned one nor in its index",
            other.name, task.task
        ))
    }

    /// Whether the tasks have proven all that they can.
    pub fn are_proven(tasks: &[TaskProof]) -> bool {
        let is_proven = |container: &ContainerProof| {
            let is_healthy = container.health.as_deref().is_none_or(|health| health == "HEALTHY");
            is_healthy && container.status.as_deref() == Some("RUNNING")
        };
        !tasks.is_empty() && tasks.iter().all(|task| task.containers.iter().all(is_proven))
    }
}

/// Whether a digest is the planned one; where it is not, an index has to tell.
pub fn is_planned(planned: Option<&Digest>, runs: Option<&Digest>) -> Option<bool> {
    match (planned, runs) {
        (Some(planned), Some(runs)) if planned == runs => Some(true),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn expected() -> ExpectedTasks {
        let document = br#"{"runtimePlatform":{"cpuArchitecture":"ARM64"},"containerDefinitions":[
            {"name":"Main","image":"web:1","healthCheck":{"command":["CMD","true"]}},{"name":"router","image":"r:1"}]}"#;
        ExpectedTasks::of(&TaskDefinition::parse(document).unwrap())
    }

    fn task(architecture: &str, health: &str, is_planned: Option<bool>) -> TaskProof {
        let container = |name: &str, health: Option<&str>| ContainerProof {
            name: name.into(),
            status: Some("RUNNING".into()),
            health: health.map(Text::from),
            image_digest: Some("sha256:1f2e".into()),
            is_planned,
        };
        let containers = vec![container("Main", Some(health)), container("router", None)];
        TaskProof { task: "1f2e".into(), architecture: Some(architecture.into()), containers }
    }

    #[test]
    fn another_image_or_processor_fails_at_once_and_a_health_when_the_time_is_over() {
        let expected = expected();
        let judge = |task: TaskProof, is_late| expected.judge(&[task], &[is_late], false);
        assert_eq!(judge(task("arm64", "HEALTHY", Some(true)), true), None);
        assert_eq!(judge(task("arm64", "HEALTHY", None), true), None, "what is not known fails nothing");
        let (status, detail) = judge(task("x86_64", "HEALTHY", Some(true)), false).unwrap();
        assert_eq!(status, VerificationStatus::Failed);
        assert_eq!(detail, "task 1f2e runs on x86_64, and its task definition says arm64");
        let (status, detail) = judge(task("arm64", "HEALTHY", Some(false)), false).unwrap();
        assert_eq!(status, VerificationStatus::Failed);
        assert!(detail.contains("runs the image sha256:1f2e, which is neither"), "{detail}");
        for (health, status) in
            [("UNHEALTHY", VerificationStatus::Failed), ("UNKNOWN", VerificationStatus::Inconclusive)]
        {
            assert_eq!(judge(task("arm64", health, None), false), None, "{health}");
            assert_eq!(judge(task("arm64", health, None), true).unwrap().0, status);
        }
        let started = [task("arm64", "HEALTHY", None), task("arm64", "UNKNOWN", None)];
        assert_eq!(expected.judge(&started, &[true, false], false), None, "a task has its own patience");
        assert_eq!(expected.judge(&started, &[true, false], true), None, "and its like is healthy");
        assert!(expected.judge(&started, &[true, true], false).is_some());
        assert!(expected.judge(&started[1..], &[false], true).is_some(), "nothing was ever healthy");
        let are_proven = |tasks: &[TaskProof]| ExpectedTasks::are_proven(tasks);
        assert!(are_proven(&[task("arm64", "HEALTHY", None)]) && !are_proven(&[]));
        assert!(!are_proven(&[task("arm64", "UNKNOWN", None)]));
    }
}
