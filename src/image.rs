//! Image references, digests and platforms: what a reference names. It never asks a registry; what a manifest can run
//! on is said below (`manifest`).

use std::fmt;

use serde::{Deserialize, Serialize};

mod manifest;

pub use manifest::{MAX_BLOB, Manifest, is_image_configuration, platform_of_config};

/// A parsed image reference: `[registry/]repository[:tag][@digest]`.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct ImageRef<'a> {
    /// The registry's host; `None` means Docker Hub.
    pub registry: Option<&'a str>,
    /// The repository below the registry.
    pub repository: &'a str,
    /// The tag, without its colon.
    pub tag: Option<&'a str>,
    /// The digest, `sha256:` and 64 hex digits when well formed.
    pub digest: Option<&'a str>,
}

impl<'a> ImageRef<'a> {
    /// Splits a reference by the grammar of the OCI distribution specification: the first component is a registry only
    /// when it has a dot or a colon, or is `localhost`.
    pub fn parse(reference: &'a str) -> Self {
        let (rest, digest) = match reference.split_once('@') {
            Some((rest, digest)) => (rest, Some(digest)),
            None => (reference, None),
        };
        let (rest, tag) = match rest.rsplit_once(':') {
            Some((before, tag)) if !tag.contains('/') => (before, Some(tag)),
            _ => (rest, None),
        };
        let (registry, repository) = match rest.split_once('/') {
            Some((first, repository)) if first.contains(['.', ':']) || first == "localhost" => {
                (Some(first), repository)
            }
            _ => (None, rest),
        };
        Self { registry, repository, tag, digest }
    }

    /// The account and region of a private ECR registry, `None` for every other registry.
    ///
    /// Hosts: `<account>.dkr.ecr[-fips].<region>.<suffix>` and the dual-stack
    /// `<account>.dkr-ecr[-fips].<region>.on.aws` (Amazon ECR user guide, "Making requests over IPv6").
    pub fn private_ecr(&self) -> Option<PrivateEcr<'a>> {
        let mut labels = self.registry?.split('.');
        let account = labels.next().filter(|account| is_account(account))?;
        match labels.next()? {
            "dkr" => labels.next().filter(|label| matches!(*label, "ecr" | "ecr-fips"))?,
            label => Some(label).filter(|label| matches!(*label, "dkr-ecr" | "dkr-ecr-fips"))?,
        };
        let region = labels.next().filter(|region| is_dns_label(region))?;
        labels.next().map(|_| PrivateEcr { account, region })
    }

    /// Which image of a private ECR registry this is, or why it is none.
    pub fn in_private_ecr(&self) -> Result<EcrImage<'a>, String> {
        let Some(registry) = self.private_ecr() else {
            return Err(format!("{} is not a private ECR registry", self.registry.unwrap_or("docker.io")));
        };
        let digest = match self.digest.map(Digest::parse) {
            Some(None) => return Err("its digest is not a sha256 digest".to_owned()),
            Some(digest) => digest,
            None => None,
        };
        let tag = self.tag.or_else(|| digest.is_none().then_some("latest"));
        Ok(EcrImage { registry, repository: self.repository, digest, tag })
    }

    /// The same repository, pinned to `digest`; a tag is dropped, because `repository@digest` is the documented form.
    pub fn pinned(&self, digest: &Digest) -> String {
        match self.registry {
            Some(registry) => format!("{registry}/{}@{digest}", self.repository),
            None => format!("{}@{digest}", self.repository),
        }
    }
}

/// An image in a private ECR registry, as a reference names it: by digest, by tag, or by both.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct EcrImage<'a> {
    /// The registry.
    pub registry: PrivateEcr<'a>,
    /// The repository.
    pub repository: &'a str,
    /// The digest.
    pub digest: Option<Digest>,
    /// The tag; `latest` where the reference names neither.
    pub tag: Option<&'a str>,
}

/// The host of a private registry (Amazon ECR user guide, "Private registries"; China regions have a suffix of their
/// own).
pub fn registry_host(account: &str, region: &str) -> String {
    let suffix = if region.starts_with("cn-") { "amazonaws.com.cn" } else { "amazonaws.com" };
    format!("{account}.dkr.ecr.{region}.{suffix}")
}

/// Whether a text is the id of an AWS account: twelve digits.
pub(crate) fn is_account(text: &str) -> bool {
    text.len() == 12 && text.bytes().all(|byte| byte.is_ascii_digit())
}

/// Whether a region can be a label of the address of an endpoint (RFC 1035, section 2.3.1, in lower case).
pub(crate) fn is_dns_label(text: &str) -> bool {
    (1..=63).contains(&text.len())
        && !text.starts_with('-')
        && !text.ends_with('-')
        && text.bytes().all(|byte| byte.is_ascii_lowercase() || byte.is_ascii_digit() || byte == b'-')
}

/// The owner of a private ECR registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PrivateEcr<'a> {
    /// The 12-digit account id.
    pub account: &'a str,
    /// The region, as in the host name.
    pub region: &'a str,
}

/// A repository in a private ECR registry.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PrivateRepository<'a> {
    /// The registry.
    pub registry: PrivateEcr<'a>,
    /// The name.
    pub name: &'a str,
}

impl PrivateRepository<'_> {
    /// Whether a text, such as `123456789012.dkr.ecr.eu-west-1.amazonaws.com/web`, is this repository. Both hosts of
    /// the registry count, and no other: any domain can have a host that begins like them.
    pub fn is(&self, text: &str) -> bool {
        let PrivateEcr { account, region } = self.registry;
        let dual_stack = format!("{account}.dkr-ecr.{region}.on.aws");
        let parts = text.split_once('/');
        parts.is_some_and(|(host, name)| {
            name == self.name && (host == registry_host(account, region) || host == dual_stack)
        })
    }
}

/// A content digest: `sha256:` and 64 lower-case hex digits.
#[derive(Clone, Debug, PartialEq, Eq, Hash, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(try_from = "String", into = "String")]
pub struct Digest(String);

impl Digest {
    /// Checks the form.
    pub fn parse(text: &str) -> Option<Self> {
        let hex = text.strip_prefix("sha256:")?;
        let well_formed = hex.len() == 64 && hex.bytes().all(|b| b.is_ascii_digit() || (b'a'..=b'f').contains(&b));
        well_formed.then(|| Self(text.to_owned()))
    }

    /// The digest of `bytes`.
    pub fn of(bytes: &[u8]) -> Self {
        use sha2::Digest as _;
        Self(format!("sha256:{:x}", sha2::Sha256::digest(bytes)))
    }

    /// The whole text, with the algorithm.
    pub fn as_str(&self) -> &str {
        &self.0
    }

    /// `sha256:` and the first 12 digits, for people.
    pub fn short(&self) -> &str {
        self.0.get(..19).unwrap_or(&self.0)
    }
}

impl fmt::Display for Digest {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

impl TryFrom<String> for Digest {
    type Error = String;
    fn try_from(text: String) -> Result<Self, String> {
        Self::parse(&text).ok_or_else(|| format!("`{text}` is not a sha256 digest"))
    }
}

impl From<Digest> for String {
    fn from(digest: Digest) -> Self {
        digest.0
    }
}

/// An operating system and a processor architecture in the words of OCI images (`linux`, `arm64`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Platform {
    /// `linux` or `windows`.
    pub os: String,
    /// `arm64`, `amd64`, …
    pub architecture: String,
}

impl Platform {
    /// The platform that a task definition asks for, given its `runtimePlatform` members (Amazon ECS developer guide,
    /// "Task definition parameters": absent means `X86_64` and `LINUX`).
    pub fn of_runtime(cpu_architecture: Option<&str>, operating_system_family: Option<&str>) -> Self {
        let architecture = match cpu_architecture {
            Some("ARM64") => "arm64",
            Some("X86_64") | None => "amd64",
            Some(other) => other,
        };
        let os = match operating_system_family {
            Some("LINUX") | None => "linux",
            Some(family) if family.starts_with("WINDOWS") => "windows",
            Some(other) => other,
        };
        Self { os: os.to_owned(), architecture: architecture.to_owned() }
    }
}

impl fmt::Display for Platform {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}/{}", self.os, self.architecture)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parts(text: &str) -> (Option<&str>, &str, Option<&str>, Option<&str>) {
        let ImageRef { registry, repository, tag, digest } = ImageRef::parse(text);
        (registry, repository, tag, digest)
    }

    #[test]
    fn a_reference_splits_into_registry_repository_tag_and_digest() {
        assert_eq!(parts("nginx"), (None, "nginx", None, None));
        assert_eq!(parts("library/nginx:1.27"), (None, "library/nginx", Some("1.27"), None));
        assert_eq!(parts("localhost:5000/web"), (Some("localhost:5000"), "web", None, None));
        assert_eq!(
            parts("public.ecr.aws/a/b:c@sha256:d"),
            (Some("public.ecr.aws"), "a/b", Some("c"), Some("sha256:d"))
        );
    }

    #[test]
    fn private_ecr_hosts_are_told_from_others() {
        let owner = |text: &'static str| ImageRef::parse(text).private_ecr().map(|ecr| (ecr.account, ecr.region));
        let tokyo = Some(("123456789012", "ap-northeast-1"));
        assert_eq!(owner("123456789012.dkr.ecr.ap-northeast-1.amazonaws.com/web:1"), tokyo);
        assert_eq!(owner("123456789012.dkr-ecr.ap-northeast-1.on.aws/web"), tokyo);
        assert_eq!(
            owner("123456789012.dkr.ecr-fips.us-gov-west-1.amazonaws.com/web"),
            Some(("123456789012", "us-gov-west-1"))
        );
        assert_eq!(owner("public.ecr.aws/web"), None);
        assert_eq!(owner("123456789012.dkr.ecr.ap-northeast-1/web"), None);
        assert_eq!(owner("web"), None);
    }

    #[test]
    fn a_repository_is_known_by_its_two_hosts_and_no_other() {
        let registry = PrivateEcr { account: "123456789012", region: "eu-west-1" };
        let is = |text: &str| PrivateRepository { registry, name: "team/web" }.is(text);
        assert!(is("123456789012.dkr.ecr.eu-west-1.amazonaws.com/team/web"));
        assert!(is("123456789012.dkr-ecr.eu-west-1.on.aws/team/web"));
        for other in [
            "123456789012.dkr.ecr.eu-west-1.amazonaws.com.example/team/web",
            "123456789012.dkr.ecr.eu-west-2.amazonaws.com/team/web",
            "999999999999.dkr.ecr.eu-west-1.amazonaws.com/team/web",
            "123456789012.dkr.ecr.eu-west-1.amazonaws.com/team/web/more",
            "docker.io/team/web",
            "team/web",
        ] {
            assert!(!is(other), "{other}");
        }
    }

    #[test]
    fn a_digest_has_64_lower_case_hex_digits() {
        assert!(Digest::parse(&format!("sha256:{}", "a".repeat(64))).is_some());
        assert!(Digest::parse(&format!("sha256:{}", "A".repeat(64))).is_none());
        assert!(Digest::parse("sha256:abc").is_none());
        assert_eq!(Digest::of(b"").short(), "sha256:e3b0c44298fc");
    }
}
