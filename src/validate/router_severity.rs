//! How bad it is when a log router stops, or lacks what an option needs. It reads nothing of its own.

use super::Severity;
use crate::firelens::router::{FluentBit, Version};
use crate::task_definition::Container;

/// How bad it is when the router stops: an essential one takes the task with it, another one only the logs.
pub(super) fn severity_of_death(router: Container<'_>) -> Severity {
    if router.is_essential() { Severity::Error } else { Severity::Warning }
}

/// How bad it is that the router's Fluent Bit lacks what came with a version: nothing, where it may know it.
pub(super) fn severity_of_lacking(router: Container<'_>, version: Version) -> Option<Severity> {
    let fluent_bit = FluentBit::of(router);
    if fluent_bit.newest >= version {
        return None;
    }
    Some(if fluent_bit.is_certain { severity_of_death(router) } else { Severity::Warning })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::firelens::s3_output::LogOutput;
    use crate::task_definition::TaskDefinition;

    #[test]
    fn a_router_that_is_not_essential_takes_only_the_logs_with_it() {
        let severity = |essential: &str| {
            let text = format!(
                r#"{{"containerDefinitions": [{{"name": "Main", "logConfiguration": {{"logDriver": "awsfirelens"}}}},
                    {{"name": "router", "firelensConfiguration": {{"type": "fluentbit"}}{essential}}}]}}"#
            );
            let definition = TaskDefinition::parse(text.as_bytes()).unwrap();
            severity_of_death(LogOutput::all(&definition).next().unwrap().router)
        };
        assert_eq!(severity(""), Severity::Error);
        assert_eq!(severity(r#", "essential": false"#), Severity::Warning);
    }
}
