//! Keeps a document from running images of registries that the service's configuration does not list. Without a list
//! every registry may be used.

use wildmatch::WildMatch;

use crate::image::ImageRef;
use crate::validate::{Findings, Rule, Severity, Subject, quoted};

pub(super) static RULE: Rule = Rule {
    id: "forbidden-registry",
    severity: Severity::Error,
    summary: "an image is from a registry that `[service.guard]` does not allow",
    why: "Whoever may upload a task definition could otherwise run any image with the roles of the service. The \
        configuration draws the line, before anything is registered.",
    source: "deployer.example.toml",
    check,
    looks_beyond_the_document: true,
    ..Rule::OF_DOCUMENTS
};

fn check(subject: &Subject<'_>, report: &mut Findings<'_>) {
    let Some(allowed) = subject.allowed_registries else { return };
    for container in subject.definition.containers() {
        let Some(image) = container.image().filter(|image| !image.is_empty()) else { continue };
        let source = Source::of(image);
        if allowed.iter().any(|entry| source.is_below(entry)) {
            continue;
        }
        report.add(
            container.pointer() + "/image",
            format!("images from {} are not allowed for this service", quoted(&source.shown())),
            "use an image from an allowed registry, or add this one to `registries` in `[service.guard]`",
        );
    }
}

/// Docker Hub's registry, which image references leave out.
const DOCKER_HUB: &str = "docker.io";

/// Where an image comes from, with what Docker fills in.
struct Source {
    host: String,
    repository: String,
}

impl Source {
    fn of(image: &str) -> Self {
        let image = ImageRef::parse(image);
        let host = image.registry.unwrap_or(DOCKER_HUB).to_ascii_lowercase();
        // Docker Hub keeps official images below `library`.
        let is_official = host == DOCKER_HUB && !image.repository.contains('/');
        let namespace = if is_official { "library/" } else { "" };
        Self { host, repository: format!("{namespace}{}", image.repository) }
    }

    /// Whether an entry of the configuration covers the image: its host and, when it has a path, a leading part of the
    /// repository. Globs in the host cannot reach into the path.
    fn is_below(&self, entry: &str) -> bool {
        let (host, path) = entry.split_once('/').unwrap_or((entry, ""));
        if !WildMatch::new(&host.to_ascii_lowercase()).matches(&self.host) {
            return false;
        }
        let path = path.trim_end_matches('/');
        if path.is_empty() {
            return true;
        }
        let glob = WildMatch::new(path);
        let ends = self.repository.match_indices('/').map(|(end, _)| end).chain([self.repository.len()]);
        ends.filter_map(|end| self.repository.get(..end)).any(|leading| glob.matches(leading))
    }

    fn shown(&self) -> String {
        match self.repository.split_once('/') {
            Some((namespace, _)) => format!("{}/{namespace}", self.host),
            None => self.host.clone(),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_entry_covers_its_host_and_what_lies_below_its_path() {
        let below = |image: &str, entry: &str| Source::of(image).is_below(entry);
        assert!(below("nginx", "docker.io"));
        assert!(below("nginx:1.27", "docker.io/library"));
        assert!(!below("someone/nginx", "docker.io/library"));
        assert!(below("public.ecr.aws/datadog/agent:latest", "public.ecr.aws"));
        assert!(below("Public.ECR.aws/datadog/agent", "public.ecr.aws/datadog/"));
        assert!(!below("public.ecr.aws/datadogger/agent", "public.ecr.aws/datadog"));
        assert!(below(
            "123456789012.dkr.ecr.eu-west-1.amazonaws.com/team-a/web",
            "123456789012.dkr.ecr.*.amazonaws.com/team-*"
        ));
        assert!(!below(
            "123456789012.dkr.ecr.eu-west-1.amazonaws.com/web",
            "123456789012.dkr.ecr.*.amazonaws.com/team-*"
        ));
        assert!(!below("evil.example/x.amazonaws.com/web", "*.amazonaws.com"));
        assert!(!below("public.ecr.aws.evil.example/web", "public.ecr.aws"));
        assert!(!below("localhost:5000/web", "localhost"));
        assert!(!below("nginx", "public.ecr.aws"));
    }
}
