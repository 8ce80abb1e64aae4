//! A service: its revisions, its deployments, and what follows from them at a given time. The API's shapes are
//! elsewhere.

use jiff::Timestamp;
use serde_json::Value;

use super::super::rollout::{Phase, Rollout, TaskLife};
use super::{CLUSTER, arn, seeded};

/// One configuration of a service.
#[derive(Clone, Debug)]
pub(crate) struct Revision {
    pub(crate) id: String,
    pub(crate) definition_arn: String,
    pub(crate) created: Timestamp,
    /// Container name, image and digest, where it is known.
    pub(crate) images: Vec<(String, String, Option<String>)>,
    /// Members of the update beside the task definition: health check path, network, scaling.
    pub(crate) settings: Value,
    /// Whether it was live before the sandbox's scenario began.
    pub(crate) proven: bool,
}

/// One deployment: from which revisions to which.
#[derive(Clone, Debug)]
pub(crate) struct Deployment {
    pub(crate) id: String,
    pub(crate) sources: Vec<usize>,
    pub(crate) target: usize,
    pub(crate) rollout: Rollout,
}

/// A task of a service, as it will have been.
#[derive(Clone, Debug)]
pub(crate) struct Task {
    pub(crate) id: String,
    pub(crate) revision: usize,
    pub(crate) deployment: usize,
    pub(crate) life: TaskLife,
}

impl Task {
    pub(crate) fn arn(&self) -> String {
        arn(&format!("task/{CLUSTER}/{}", self.id))
    }
}

/// An Express Mode service.
#[derive(Clone, Debug)]
pub(crate) struct Service {
    pub(crate) name: String,
    /// `ACTIVE`, `DRAINING` or `INACTIVE`.
    pub(crate) status: String,
    pub(crate) created: Timestamp,
    pub(crate) updated: Timestamp,
    pub(crate) revisions: Vec<Revision>,
    /// In order of time; the first one made the service live.
    pub(crate) deployments: Vec<Deployment>,
}

impl Service {
    pub(crate) fn arn(&self) -> String {
        arn(&format!("service/{CLUSTER}/{}", self.name))
    }

    pub(crate) fn is(&self, reference: &str) -> bool {
        reference == self.name || reference == self.arn()
    }

    pub(crate) fn deployment_arn(&self, deployment: &Deployment) -> String {
        arn(&format!("service-deployment/{CLUSTER}/{}/{}", self.name, deployment.id))
    }

    pub(crate) fn revision_arn(&self, revision: &Revision) -> String {
        arn(&format!("service-revision/{CLUSTER}/{}/{}", self.name, revision.id))
    }

    /// The revision that serves at `now`, the target of the last deployment that took over.
    pub(crate) fn live(&self, now: Timestamp) -> Option<usize> {
        self.deployments
            .iter()
            .rev()
            .find(|deployment| deployment.rollout.taken_over().is_some_and(|at| at <= now))
            .map(|deployment| deployment.target)
    }

    /// The desired revision of the service: the target of the deployment under way, else the one that serves.
    pub(crate) fn desired(&self, now: Timestamp) -> Option<usize> {
        self.running(now).map(|deployment| deployment.target).or(self.live(now))
    }

    /// The deployment under way at `now`.
    pub(crate) fn running(&self, now: Timestamp) -> Option<&Deployment> {
        self.deployments.last().filter(|deployment| !deployment.rollout.phase(now).status.is_final())
    }

    /// All tasks of all deployments. The tasks of a deployment that succeeded end when a later one has succeeded.
    pub(crate) fn tasks(&self) -> Vec<Task> {
        let mut tasks = Vec::new();
        for (number, deployment) in self.deployments.iter().enumerate() {
            let replaced = self.replaced(number);
            for (index, life) in deployment.rollout.tasks().into_iter().enumerate() {
                let life = match replaced {
                    Some(end) => life.ended_at(end),
                    None => life,
                };
                let id = seeded(&format!("task {} {index}", deployment.id));
                tasks.push(Task { id, revision: deployment.target, deployment: number, life });
            }
        }
        tasks
    }

    /// When the tasks of the `number`th deployment have to go because another one took over.
    fn replaced(&self, number: usize) -> Option<Timestamp> {
        self.deployments.iter().skip(number + 1).find_map(|later| later.rollout.taken_over())
    }

    /// Requested, running and pending tasks of a revision at `now`.
    pub(crate) fn counts(&self, revision: usize, now: Timestamp) -> (usize, usize, usize) {
        let alive = |task: &Task| {
            task.revision == revision
                && task.life.created <= now
                && task.life.stop.as_ref().is_none_or(|(stopping, ..)| *stopping > now)
        };
        let tasks: Vec<Task> = self.tasks().into_iter().filter(alive).collect();
        let running = tasks.iter().filter(|task| task.life.started.is_some_and(|started| started <= now)).count();
        (tasks.len(), running, tasks.len() - running)
    }

    /// The phase of a deployment at `now`.
    pub(crate) fn phase(deployment: &Deployment, now: Timestamp) -> Phase {
        deployment.rollout.phase(now)
    }
}
