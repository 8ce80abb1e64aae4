//! Image references and image manifests: what a reference names, and which platforms a manifest can run on.
//! It never asks a registry; the bytes come from outside.

use std::fmt;

use serde::{Deserialize, Serialize};
use serde_json::Value;

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
        let account =
            labels.next().filter(|account| account.len() == 12 && account.bytes().all(|b| b.is_ascii_digit()))?;
        match labels.next()? {
            "dkr" => labels.next().filter(|label| matches!(*label, "ecr" | "ecr-fips"))?,
            label => Some(label).filter(|label| matches!(*label, "dkr-ecr" | "dkr-ecr-fips"))?,
        };
        let region = labels.next()?;
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

/// What a manifest turned out to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Manifest {
    /// An image index (or Docker manifest list): the platforms of its runnable children.
    Index(Vec<Platform>),
    /// A single image: its platform stands in the configuration blob with this digest, of at most this many bytes.
    Image {
        /// The configuration blob's digest.
        config: Digest,
        /// Its size by the manifest, in bytes.
        size: u64,
    },
    /// Something that is stored like an image but does not run: the reason, for people.
    NotAnImage(String),
}

/// The largest manifest or configuration blob that is read, in bytes. OCI registries accept manifests of up to 4 MiB.
pub const MAX_BLOB: usize = 4 * 1024 * 1024;

/// The children of an index that are looked at; an index of real images has a handful.
const MAX_CHILDREN: usize = 1_000;

impl Manifest {
    /// Reads a manifest in any of the four image formats (OCI image specification 1.1; Docker image manifest version 2,
    /// schema 2).
    pub fn parse(bytes: &[u8]) -> Self {
        if bytes.len() > MAX_BLOB {
            return Self::NotAnImage(format!(
                "its manifest has {} bytes, more than the {MAX_BLOB} that a registry accepts",
                bytes.len()
            ));
        }
        let manifest: Value = match serde_json::from_slice(bytes) {
            Ok(manifest) => manifest,
            Err(error) => return Self::NotAnImage(format!("its manifest is not JSON ({error})")),
        };
        if let Some(kind) = manifest.get("artifactType").and_then(Value::as_str) {
            return Self::NotAnImage(format!("it is an artifact of type {kind}"));
        }
        if let Some(children) = manifest.get("manifests").and_then(Value::as_array) {
            return Self::Index(children.iter().take(MAX_CHILDREN).filter_map(runnable_platform).collect());
        }
        let config = |member: &str| manifest.get("config").and_then(|config| config.get(member));
        match config("mediaType").and_then(Value::as_str) {
            Some(kind) if is_image_configuration(kind) => {}
            Some(kind) => return Self::NotAnImage(format!("its configuration is of type {kind}")),
            None => return Self::NotAnImage("its manifest names no configuration".to_owned()),
        }
        if let Some(kind) = foreign_layer(&manifest) {
            return Self::NotAnImage(format!("its layers are of type {kind}"));
        }
        match config("digest").and_then(Value::as_str).and_then(Digest::parse) {
            Some(digest) => Self::Image { config: digest, size: config("size").and_then(Value::as_u64).unwrap_or(0) },
            None => Self::NotAnImage("the digest of its configuration is not a sha256 digest".to_owned()),
        }
    }
}

/// The type of a manifest's first layer, where none of the layers is part of a file system: signatures and attestations
/// come with the configuration of an image (cosign; `BuildKit`'s in-toto statements).
fn foreign_layer(manifest: &Value) -> Option<&str> {
    let layers = manifest["layers"].as_array()?;
    let mut kinds = layers.iter().filter_map(|layer| layer["mediaType"].as_str());
    let is_part_of_an_image = |kind: &str| {
        kind.starts_with("application/vnd.oci.image.layer.") || kind.starts_with("application/vnd.docker.image.rootfs.")
    };
    if kinds.clone().any(is_part_of_an_image) { None } else { kinds.next() }
}

/// Whether the configuration of a manifest, by its media type, is that of an image and not of a chart, a signature or
/// another artifact.
pub fn is_image_configuration(media_type: &str) -> bool {
    matches!(media_type, "application/vnd.docker.container.image.v1+json" | "application/vnd.oci.image.config.v1+json")
}

/// The platform of an index's child, unless the child is an attestation (platform `unknown`) or an index of its own.
fn runnable_platform(child: &Value) -> Option<Platform> {
    let platform = read_platform(&child["platform"])?;
    (platform.os != "unknown" && platform.architecture != "unknown").then_some(platform)
}

/// Reads `os` and `architecture`, which an index's child and a configuration blob spell alike.
fn read_platform(value: &Value) -> Option<Platform> {
    Some(Platform { os: value["os"].as_str()?.to_owned(), architecture: value["architecture"].as_str()?.to_owned() })
}

/// The platform in a configuration blob (OCI image specification, `config.md`).
pub fn platform_of_config(bytes: &[u8]) -> Option<Platform> {
    serde_json::from_slice::<Value>(bytes).ok().as_ref().and_then(read_platform)
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
    fn attestations_are_no_platforms_of_an_index() {
        let index = br#"{"manifests":[{"platform":{"architecture":"arm64","os":"linux"}},{"platform":{"architecture":"unknown","os":"unknown"}}]}"#;
        let arm = Platform { os: "linux".into(), architecture: "arm64".into() };
        assert_eq!(Manifest::parse(index), Manifest::Index(vec![arm]));
    }

    #[test]
    fn an_artifact_is_not_an_image() {
        let chart = br#"{"config":{"mediaType":"application/vnd.cncf.helm.config.v1+json","digest":"sha256:00"}}"#;
        assert!(matches!(Manifest::parse(chart), Manifest::NotAnImage(reason) if reason.contains("helm")));
        assert!(matches!(Manifest::parse(b"{}"), Manifest::NotAnImage(_)));
        assert!(matches!(Manifest::parse(b"["), Manifest::NotAnImage(_)));
    }

    #[test]
    fn a_digest_has_64_lower_case_hex_digits() {
        assert!(Digest::parse(&format!("sha256:{}", "a".repeat(64))).is_some());
        assert!(Digest::parse(&format!("sha256:{}", "A".repeat(64))).is_none());
        assert!(Digest::parse("sha256:abc").is_none());
        assert_eq!(Digest::of(b"").short(), "sha256:e3b0c44298fc");
    }
}
