//! What `[service.guard]` lets a task definition name. Each kind of reference has a list; a kind without one may only
//! name what the live revision names.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use wildmatch::WildMatch;

use super::{Findings, Origin, Subject, quoted_within};
use crate::image::PrivateRepository;
use crate::task_definition::references::{Reference, ReferenceKind, references};
use crate::task_definition::{RELEASE_TAG, TaskDefinition};

/// The characters of a reference that messages show: ARNs of secrets and files are longer than other names.
const MAX_SHOWN: usize = 300;

/// The lists of `[service.guard]`; a kind without a list has none here.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub struct GuardLists(pub BTreeMap<ReferenceKind, Vec<String>>);

/// What a document is compared with.
#[derive(Clone, Copy, Debug)]
pub struct Guarded<'a> {
    /// The lists.
    pub lists: &'a GuardLists,
    /// The repository of the service's configuration, which needs no list.
    pub repository: Option<PrivateRepository<'a>>,
    /// The revision that the service is to run; `None` where nobody knows it, and only the lists count.
    pub live: Option<&'a TaskDefinition>,
}

/// Whether the configuration, or the function itself, names it.
pub(crate) fn is_given(reference: &Reference, repository: Option<PrivateRepository<'_>>) -> bool {
    match reference.kind {
        ReferenceKind::Registries => repository.is_some_and(|repository| repository.is(&reference.value)),
        ReferenceKind::Tags => reference.value == RELEASE_TAG,
        _ => false,
    }
}

/// A reference as messages show it.
pub(crate) fn shown(reference: &Reference) -> String {
    quoted_within(&reference.shown, MAX_SHOWN)
}

/// The references of a document that the live revision does not have, nor the configuration.
pub(crate) fn new_references(
    live: &TaskDefinition,
    next: &TaskDefinition,
    repository: Option<PrivateRepository<'_>>,
) -> Vec<Reference> {
    let before = references(live);
    let is_old = |reference: &Reference| before.iter().any(|old| old.is_same(reference));
    let mut found = references(next);
    found.retain(|reference| !is_old(reference) && !is_given(reference, repository));
    found
}

impl Guarded<'_> {
    /// The references of a document that nothing allows, in its order. Whether the family may change is for planning
    /// to say, guard or not.
    ///
    /// A push chooses an image and nothing else, so only roles and registries that were taken out of their lists keep
    /// it back. Of an upload, the function carries the live revision's tags over, whatever the document says.
    pub fn refused(&self, definition: &TaskDefinition, origin: Origin) -> Vec<Reference> {
        use ReferenceKind::{ExecutionRoles, Families, Registries, Tags, TaskRoles};
        let live = self.live.map(references);
        let is_live = |one: &Reference| live.as_ref().map(|live| live.iter().any(|other| other.is_same(one)));
        let is_allowed = |one: &Reference| match (one.kind, self.lists.0.get(&one.kind)) {
            (Families, _) => true,
            (_, None) => is_live(one) != Some(false),
            (ExecutionRoles | TaskRoles | Registries, Some(list)) => covers(list, one),
            (kind, Some(list)) => {
                let is_carried_over = origin == Origin::Live || kind == Tags;
                covers(list, one) || is_carried_over && is_live(one) == Some(true)
            }
        };
        let mut found = references(definition);
        found.retain(|one| !is_given(one, self.repository) && !is_allowed(one));
        found
    }
}

/// Whether a list allows a reference. No pattern covers control characters: they would begin another line where options
/// of log routers become lines of a file.
fn covers(list: &[String], reference: &Reference) -> bool {
    let value = reference.value.as_str();
    let covered = |entry: &String| match reference.kind {
        ReferenceKind::Registries => is_below(value, entry),
        _ => WildMatch::new(entry).matches(value),
    };
    !value.contains(char::is_control) && list.iter().any(covered)
}

/// Whether an entry covers a repository: its host and, when it has a path, a leading part of the repository. Globs in
/// the host cannot reach into the path.
fn is_below(repository: &str, entry: &str) -> bool {
    let (host, path) = entry.split_once('/').unwrap_or((entry, ""));
    let (own_host, own_path) = repository.split_once('/').unwrap_or((repository, ""));
    if !WildMatch::new(&host.to_ascii_lowercase()).matches(own_host) {
        return false;
    }
    let path = path.trim_end_matches('/');
    if path.is_empty() {
        return true;
    }
    let glob = WildMatch::new(path);
    let ends = own_path.match_indices('/').map(|(end, _)| end).chain([own_path.len()]);
    ends.filter_map(|end| own_path.get(..end)).any(|leading| glob.matches(leading))
}

/// Reports the references of some kinds that the guard refuses.
pub(super) fn report_refused(
    subject: &Subject<'_>,
    is_concerned: fn(ReferenceKind) -> bool,
    report: &mut Findings<'_>,
) {
    let Some(guard) = subject.guard else { return };
    for reference in report.refused().iter().filter(|reference| is_concerned(reference.kind)) {
        let (noun, key, name) = (reference.kind.noun(), reference.kind.key(), shown(reference));
        let is_role = matches!(reference.kind, ReferenceKind::ExecutionRoles | ReferenceKind::TaskRoles);
        let (message, help) = if guard.lists.0.contains_key(&reference.kind) {
            let help = match is_role && !reference.value.starts_with("arn:") {
                true => format!("write the role's full ARN: `{key}` in `[service.guard]` is compared with it"),
                false => format!("use what is allowed, or add this one to `{key}` in `[service.guard]`"),
            };
            (format!("the {noun} {name} is not allowed for this service"), help)
        } else {
            (
                format!("the live revision does not name the {noun} {name}, and the guard allows no other"),
                format!(
                    "use one that the live revision names, or list all that may be named in `{key}` in `[service.guard]`"
                ),
            )
        };
        report.add(reference.pointer.as_str(), message, help);
    }
}

#[cfg(test)]
mod tests {
    use serde_json::{Value, json};

    use super::*;

    fn document(value: &Value) -> TaskDefinition {
        TaskDefinition::parse(value.to_string().as_bytes()).unwrap()
    }

    fn refused(lists: &[(ReferenceKind, &str)], live: Option<&Value>, next: &Value) -> Vec<String> {
        let lists = lists.iter().map(|(kind, entry)| (*kind, vec![(*entry).to_owned()])).collect();
        let live = live.map(document);
        let guard = Guarded { lists: &GuardLists(lists), repository: None, live: live.as_ref() };
        guard.refused(&document(next), Origin::Uploaded).into_iter().map(|reference| reference.value).collect()
    }

    #[test]
    fn an_entry_covers_its_host_and_what_lies_below_its_path() {
        assert!(is_below("docker.io/library/nginx", "docker.io"));
        assert!(is_below("docker.io/library/nginx", "docker.io/library"));
        assert!(!is_below("docker.io/someone/nginx", "docker.io/library"));
        assert!(is_below("public.ecr.aws/datadog/agent", "Public.ECR.aws/datadog/"));
        assert!(!is_below("public.ecr.aws/datadogger/agent", "public.ecr.aws/datadog"));
        let ecr = "123456789012.dkr.ecr.eu-west-1.amazonaws.com";
        assert!(is_below(&format!("{ecr}/team-a/web"), "123456789012.dkr.ecr.*.amazonaws.com/team-*"));
        assert!(!is_below(&format!("{ecr}/web"), "123456789012.dkr.ecr.*.amazonaws.com/team-*"));
        assert!(!is_below("evil.example/x.amazonaws.com/web", "*.amazonaws.com"));
        assert!(!is_below("public.ecr.aws.evil.example/web", "public.ecr.aws"));
        assert!(!is_below("localhost:5000/web", "localhost"));
        assert!(!is_below("docker.io/library/nginx", "public.ecr.aws"));
    }

    #[test]
    fn a_kind_with_a_list_is_decided_by_it_and_one_without_by_the_live_revision() {
        let (live, next) = (json!({"taskRoleArn": "a", "pidMode": "task"}), json!({"taskRoleArn": "b"}));
        let list = [(ReferenceKind::TaskRoles, "b")];
        assert_eq!(refused(&list, Some(&live), &next), [""; 0]);
        assert_eq!(refused(&list, Some(&live), &live), ["a"], "the list counts for what is carried over, too");
        assert_eq!(refused(&[], Some(&live), &next), ["b"]);
        assert_eq!(refused(&[], Some(&live), &live), [""; 0]);
        assert_eq!(refused(&[], None, &next), [""; 0], "nothing is known to compare it with");
    }

    #[test]
    fn what_a_push_carries_over_is_refused_for_roles_and_registries_alone() {
        let live = document(&json!({"taskRoleArn": "t", "pidMode": "task", "containerDefinitions": [{"image": "x"}]}));
        let lists = GuardLists(ReferenceKind::ALL.map(|(kind, ..)| (kind, Vec::new())).into());
        let refused = |origin| {
            let refused = Guarded { lists: &lists, repository: None, live: Some(&live) }.refused(&live, origin);
            refused.into_iter().map(|reference| reference.value).collect::<Vec<_>>()
        };
        assert_eq!(refused(Origin::Live), ["t", "docker.io/library/x"]);
        assert_eq!(refused(Origin::Uploaded), ["t", "pidMode:task", "docker.io/library/x"]);
    }

    #[test]
    fn a_role_counts_by_its_use() {
        let live = json!({"executionRoleArn": "e", "taskRoleArn": "t"});
        assert_eq!(refused(&[], Some(&live), &json!({"executionRoleArn": "t", "taskRoleArn": "e"})), ["t", "e"]);
    }

    #[test]
    fn tags_that_are_live_are_allowed_beside_their_list_as_they_are_carried_over() {
        let tags = |keys: &[&str]| json!({"tags": keys.iter().map(|key| json!({"key": key, "value": "v"})).collect::<Vec<_>>()});
        let list = [(ReferenceKind::Tags, "team-*")];
        let next = tags(&["old", "team-a", "cost", RELEASE_TAG]);
        assert_eq!(refused(&list, Some(&tags(&["old"])), &next), ["cost"]);
    }

    #[test]
    fn no_pattern_covers_a_line_break() {
        let option =
            |bucket: &str| json!({"containerDefinitions": [{"logConfiguration": {"options": {"bucket": bucket}}}]});
        let list = [(ReferenceKind::LogDestinations, "bucket=shop-*")];
        assert_eq!(refused(&list, None, &option("shop-logs")), [""; 0]);
        assert_eq!(refused(&list, None, &option("shop-logs\n  Host x")), ["bucket=shop-logs\n  Host x"]);
    }
}
