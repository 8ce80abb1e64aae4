//! The desired task definition of a service, and what serves until it is there: the base of a draft, and where a
//! rollback goes. Pure: no I/O.

use crate::rollout::Status;

/// One of `activeConfigurations`, or the target of a deployment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Configuration {
    /// The service revision, by ARN.
    pub revision: String,
    /// The ARN of its task definition. ECS may leave it out: the SDK has the member, and the published page of the API
    /// does not list it. The service revision names it in any case.
    pub task_definition: Option<String>,
}

/// A service's configurations and deployments, as far as they say what is live.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServiceState {
    /// `activeConfigurations`. More than one while a deployment runs.
    pub configurations: Vec<Configuration>,
    /// Deployments, newest first.
    pub deployments: Vec<ListedDeployment>,
}

/// A deployment in ECS's list.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ListedDeployment {
    /// Its status.
    pub status: Status,
    /// The service revision that it brings.
    pub target: String,
    /// Its ARN.
    pub arn: String,
}

impl ServiceState {
    /// The newest deployment that has not ended, whichever way it goes.
    pub fn running(&self) -> Option<&ListedDeployment> {
        self.deployments.iter().find(|deployment| deployment.status.end().is_none())
    }

    fn other_than(&self, revision: &str) -> Option<&Configuration> {
        self.configurations.iter().find(|configuration| configuration.revision != revision)
    }
}

/// The configuration that serves while another one is on its way.
pub fn serving(state: &ServiceState) -> Option<Configuration> {
    let desired = state.deployments.iter().find(|deployment| deployment.status.goes_to_target())?;
    state.other_than(&desired.target).cloned()
}

/// What a draft starts from, so that nothing in flight is dropped: the target of the running deployment; while that is
/// rolled back, its source; else the active configuration. `None` where the service has no configuration at all.
pub fn desired(state: &ServiceState) -> Option<Configuration> {
    for ListedDeployment { status, target, .. } in &state.deployments {
        if status.goes_to_target() {
            let configured = state.configurations.iter().find(|configuration| configuration.revision == *target);
            let unlisted = || Configuration { revision: target.clone(), task_definition: None };
            return Some(configured.cloned().unwrap_or_else(unlisted));
        }
        if status.is_rolling_back()
            && let Some(source) = state.other_than(target)
        {
            return Some(source.clone());
        }
    }
    state.configurations.first().cloned()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn configuration(revision: &str, is_named: bool) -> Configuration {
        let task_definition = is_named.then(|| format!("definition-of-{revision}"));
        Configuration { revision: revision.to_owned(), task_definition }
    }

    fn state(is_named: bool, deployments: &[(&str, &str)]) -> ServiceState {
        let listed = deployments.iter().map(|(status, target)| ListedDeployment {
            status: Status::from_word(status),
            target: (*target).to_owned(),
            arn: String::new(),
        });
        let configurations = vec![configuration("old", is_named), configuration("new", is_named)];
        ServiceState { configurations, deployments: listed.collect() }
    }

    #[test]
    fn a_draft_starts_from_the_desired_task_definition() {
        for is_named in [true, false] {
            let desired = |deployments: &[(&str, &str)]| desired(&state(is_named, deployments)).unwrap();
            assert_eq!(desired(&[("SUCCESSFUL", "old")]), configuration("old", is_named));
            assert_eq!(desired(&[("IN_PROGRESS", "new"), ("SUCCESSFUL", "old")]), configuration("new", is_named));
            assert_eq!(desired(&[("ROLLBACK_IN_PROGRESS", "new")]), configuration("old", is_named));
            assert_eq!(desired(&[("PENDING", "unlisted")]), configuration("unlisted", false));
        }
        assert_eq!(desired(&ServiceState::default()), None);
    }

    #[test]
    fn what_serves_while_another_one_is_on_its_way_is_not_the_target() {
        for is_named in [true, false] {
            let serving = |deployments: &[(&str, &str)]| serving(&state(is_named, deployments));
            assert_eq!(serving(&[("IN_PROGRESS", "new")]), Some(configuration("old", is_named)));
            assert_eq!(serving(&[("ROLLBACK_IN_PROGRESS", "new")]), None, "what is rolled back to is desired");
        }
    }
}
