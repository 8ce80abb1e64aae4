//! The desired task definition of a service, and what serves until it is there: the base of a draft, and where a
//! rollback goes. Pure: no I/O.

use crate::rollout::Status;

/// The first running deployment's target, or the active configuration: the desired task definition of the service.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Desired {
    /// A task definition, by ARN.
    TaskDefinition(String),
    /// A service revision whose task definition has to be looked up.
    Revision(String),
    /// The service has no configuration at all.
    Nothing,
}

/// A service's configurations and deployments, as far as they say what is live.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ServiceState {
    /// `activeConfigurations`: service revision and task definition. More than one while a deployment runs.
    pub configurations: Vec<(String, String)>,
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
}

/// The task definition that serves while another one is on its way.
pub fn serving(state: &ServiceState) -> Option<String> {
    let desired = state.deployments.iter().find(|deployment| deployment.status.goes_to_target())?;
    state.configurations.iter().find(|(arn, _)| *arn != desired.target).map(|(_, definition)| definition.clone())
}

/// What a draft starts from, so that nothing in flight is dropped: the target of the running deployment; while that is
/// rolled back, its source; else the active configuration.
pub fn desired(state: &ServiceState) -> Desired {
    let configured = |revision: &str| {
        state.configurations.iter().find(|(arn, _)| arn == revision).map(|(_, definition)| definition.clone())
    };
    for ListedDeployment { status, target, .. } in &state.deployments {
        if status.goes_to_target() {
            return configured(target).map_or_else(|| Desired::Revision(target.clone()), Desired::TaskDefinition);
        }
        if status.is_rolling_back()
            && let Some((_, source)) = state.configurations.iter().find(|(arn, _)| arn != target)
        {
            return Desired::TaskDefinition(source.clone());
        }
    }
    state.configurations.first().map_or(Desired::Nothing, |(_, definition)| Desired::TaskDefinition(definition.clone()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_draft_starts_from_the_desired_task_definition() {
        let pair = |revision: &str| (revision.to_owned(), format!("definition-of-{revision}"));
        let state = |deployments: Vec<(&str, &str)>| ServiceState {
            configurations: vec![pair("old"), pair("new")],
            deployments: deployments
                .into_iter()
                .map(|(status, target)| ListedDeployment {
                    status: Status::from_word(status),
                    target: target.to_owned(),
                    arn: String::new(),
                })
                .collect(),
        };
        let definition = |text: &str| Desired::TaskDefinition(text.to_owned());
        assert_eq!(desired(&state(vec![("SUCCESSFUL", "old")])), definition("definition-of-old"));
        assert_eq!(
            desired(&state(vec![("IN_PROGRESS", "new"), ("SUCCESSFUL", "old")])),
            definition("definition-of-new")
        );
        assert_eq!(desired(&state(vec![("ROLLBACK_IN_PROGRESS", "new")])), definition("definition-of-old"));
        assert_eq!(desired(&state(vec![("PENDING", "unlisted")])), Desired::Revision("unlisted".to_owned()));
        assert_eq!(desired(&ServiceState::default()), Desired::Nothing);
    }
}
