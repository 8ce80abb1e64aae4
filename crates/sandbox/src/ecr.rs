//! The registry: images, tags and blobs of the sandbox's ECR, and the three operations that read them. Nothing can be
//! pushed over the wire; digests are true SHA-256 sums of the bytes, except where a scenario replaces an image under
//! its digest.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::{Value, json};
use sha2::{Digest, Sha256};

use super::api::{ACCOUNT, ApiError, REGION, epoch, optional_text, text};

/// `sha256:` and 64 hex digits.
pub(crate) fn digest_of(bytes: &[u8]) -> String {
    format!("sha256:{}", hex(&Sha256::digest(bytes)))
}

/// Lower-case hex digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::with_capacity(bytes.len() * 2), |mut text, byte| {
        // Writing to a String cannot fail.
        let _ = write!(text, "{byte:02x}");
        text
    })
}

/// What became of a pull by Fargate.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(crate) enum Pull {
    /// The image runs; the digest is known where it lies in this registry.
    Runs(Option<String>),
    /// There is no such image.
    Missing,
    /// The index has no manifest for the platform.
    NoPlatform,
    /// It can be pulled, but its programs are for another processor.
    WrongArchitecture,
}

#[derive(Debug)]
struct Image {
    digest: String,
    manifest: Vec<u8>,
    media_type: String,
    tags: Vec<String>,
    pushed_at: Timestamp,
}

#[derive(Debug, Default)]
struct Repository {
    images: Vec<Image>,
    blobs: BTreeMap<String, Vec<u8>>,
}

/// All repositories of the account.
#[derive(Debug, Default)]
pub(crate) struct Registry {
    repositories: BTreeMap<String, Repository>,
}

impl Registry {
    /// Stores a manifest and moves `tags` to it. The media type is the one that the manifest states.
    pub(crate) fn put_image(&mut self, repository: &str, tags: &[&str], manifest: &[u8], now: Timestamp) -> String {
        let digest = digest_of(manifest);
        let repository = self.repositories.entry(repository.to_owned()).or_default();
        for image in &mut repository.images {
            image.tags.retain(|tag| !tags.contains(&tag.as_str()));
        }
        let tags = tags.iter().map(|&tag| tag.to_owned());
        if let Some(image) = repository.images.iter_mut().find(|image| image.digest == digest) {
            image.tags.extend(tags);
        } else {
            let media_type = media_type_of(manifest);
            repository.images.push(Image {
                digest: digest.clone(),
                manifest: manifest.to_vec(),
                media_type,
                tags: tags.collect(),
                pushed_at: now,
            });
        }
        digest
    }

    /// Stores a blob (an image configuration).
    pub(crate) fn put_blob(&mut self, repository: &str, blob: &[u8]) -> String {
        let digest = digest_of(blob);
        self.repositories.entry(repository.to_owned()).or_default().blobs.insert(digest.clone(), blob.to_vec());
        digest
    }

    /// Serves other bytes under the digest of a stored image.
    pub(crate) fn replace(&mut self, digest: &str, manifest: &[u8]) {
        for image in self.repositories.values_mut().flat_map(|repository| &mut repository.images) {
            if image.digest == digest {
                image.media_type = media_type_of(manifest);
                manifest.clone_into(&mut image.manifest);
            }
        }
    }

    /// Deletes the image that a tag or a digest names, as a lifecycle policy does; false where there is none.
    pub(crate) fn delete(&mut self, repository: &str, tag_or_digest: &str) -> bool {
        let Some(Repository { images, .. }) = self.repositories.get_mut(repository) else { return false };
        let before = images.len();
        images.retain(|image| image.digest != tag_or_digest && image.tags.iter().all(|tag| tag != tag_or_digest));
        images.len() < before
    }

    /// The bytes of a blob, whichever repository it lies in.
    pub(crate) fn blob(&self, digest: &str) -> Option<&[u8]> {
        self.repositories.values().find_map(|repository| repository.blobs.get(digest)).map(Vec::as_slice)
    }

    /// What happens when a task of `architecture` (`arm64`, `amd64`) pulls `reference`. Other registries are taken to
    /// have everything.
    pub(crate) fn pull(&self, reference: &str, architecture: &str) -> Pull {
        let host = format!("{ACCOUNT}.dkr.ecr.{REGION}.amazonaws.com/");
        let Some(rest) = reference.strip_prefix(&host) else { return Pull::Runs(None) };
        let (name, digest) = rest.split_once('@').map_or((rest, None), |(name, digest)| (name, Some(digest)));
        let (name, tag) = name.split_once(':').map_or((name, "latest"), |(name, tag)| (name, tag));
        let Some(repository) = self.repositories.get(name) else { return Pull::Missing };
        let image = match digest {
            Some(digest) => repository.images.iter().find(|image| image.digest == digest),
            None => repository.images.iter().find(|image| image.tags.iter().any(|candidate| candidate == tag)),
        };
        image.map_or(Pull::Missing, |image| repository.pull(image, architecture))
    }

    /// Runs one operation of the API.
    pub(crate) fn handle(&self, operation: &str, input: &Value, endpoint: &str) -> Result<Value, ApiError> {
        match operation {
            "BatchGetImage" => self.batch_get_image(input),
            "DescribeImages" => self.describe_images(input),
            "GetDownloadUrlForLayer" => self.download_url(input, endpoint),
            _ => Err(ApiError::new("UnknownOperationException", "")),
        }
    }

    fn repository(&self, input: &Value) -> Result<(&str, &Repository), ApiError> {
        let name = text(input, "repositoryName")?;
        let registry = optional_text(input, "registryId")?.unwrap_or(ACCOUNT);
        self.repositories
            .get_key_value(name)
            .filter(|_| registry == ACCOUNT)
            .map(|(name, repository)| (name.as_str(), repository))
            .ok_or_else(|| {
                ApiError::new(
                    "RepositoryNotFoundException",
                    format!("The repository with name '{name}' does not exist in the registry with id '{registry}'"),
                )
            })
    }

    fn batch_get_image(&self, input: &Value) -> Result<Value, ApiError> {
        let (name, repository) = self.repository(input)?;
        let ids = image_ids(input)?;
        if ids.is_empty() {
            return Err(ApiError::parameter("Invalid parameter at 'imageIds': must contain between 1 and 100 images"));
        }
        let (mut images, mut failures) = (Vec::new(), Vec::new());
        for id in ids {
            match repository.find(id) {
                Ok((image, tag)) => images.push(json!({
                    "registryId": ACCOUNT, "repositoryName": name, "imageId": image_id(&image.digest, tag),
                    "imageManifest": String::from_utf8_lossy(&image.manifest), "imageManifestMediaType": image.media_type,
                })),
                Err((code, reason)) => {
                    failures.push(json!({"imageId": id, "failureCode": code, "failureReason": reason}));
                }
            }
        }
        Ok(json!({"images": images, "failures": failures}))
    }

    fn describe_images(&self, input: &Value) -> Result<Value, ApiError> {
        let (name, repository) = self.repository(input)?;
        let ids = image_ids(input)?;
        let mut chosen = Vec::new();
        for id in &ids {
            let Ok((image, _)) = repository.find(id) else {
                let member = |key: &str| id.get(key).and_then(Value::as_str).unwrap_or("null").to_owned();
                return Err(ApiError::new(
                    "ImageNotFoundException",
                    format!(
                        "The image with imageId {{imageDigest:'{}', imageTag:'{}'}} does not exist within the repository with name '{name}' in the registry with id '{ACCOUNT}'",
                        member("imageDigest"),
                        member("imageTag")
                    ),
                ));
            };
            chosen.push(image);
        }
        if ids.is_empty() {
            chosen = repository.images.iter().collect();
        }
        let details: Vec<Value> = chosen.into_iter().map(|image| image.describe(name)).collect();
        Ok(json!({"imageDetails": details}))
    }

    fn download_url(&self, input: &Value, endpoint: &str) -> Result<Value, ApiError> {
        let (name, repository) = self.repository(input)?;
        let digest = text(input, "layerDigest")?;
        if !repository.blobs.contains_key(digest) {
            return Err(ApiError::new(
                "LayersNotFoundException",
                format!("The layer with digest '{digest}' does not exist within the repository with name '{name}'"),
            ));
        }
        let signature = digest_of(format!("signature of {digest}").as_bytes());
        let url = format!(
            "{endpoint}/_sandbox/layers/{digest}?X-Amz-Algorithm=AWS4-HMAC-SHA256&X-Amz-Expires=3600&X-Amz-Signature={}",
            signature.trim_start_matches("sha256:")
        );
        Ok(json!({"downloadUrl": url, "layerDigest": digest}))
    }
}

impl Repository {
    /// The image that an image id names and the tag it was asked by, or the failure code and reason.
    fn find<'a>(&self, id: &'a Value) -> Result<(&Image, Option<&'a str>), (&'static str, &'static str)> {
        let digest = id.get("imageDigest").and_then(Value::as_str);
        let tag = id.get("imageTag").and_then(Value::as_str);
        if digest.is_some_and(|digest| !is_digest(digest)) {
            return Err(("InvalidImageDigest", "Invalid image digest"));
        }
        if tag.is_some_and(|tag| !is_tag(tag)) {
            return Err(("InvalidImageTag", "Invalid image tag"));
        }
        let not_found = ("ImageNotFound", "Requested image not found");
        let by_digest = |digest: &str| self.images.iter().find(|image| image.digest == digest).ok_or(not_found);
        let by_tag = |tag: &str| {
            self.images.iter().find(|image| image.tags.iter().any(|candidate| candidate == tag)).ok_or(not_found)
        };
        match (digest, tag) {
            (None, None) => Err(("MissingDigestAndTag", "Image ID requires either a digest or a tag")),
            (Some(digest), None) => Ok((by_digest(digest)?, None)),
            (None, Some(tag)) => Ok((by_tag(tag)?, Some(tag))),
            (Some(digest), Some(tag)) => {
                let image = by_tag(tag)?;
                if image.digest == digest {
                    Ok((image, Some(tag)))
                } else {
                    Err(("ImageTagDoesNotMatchDigest", "Image tag does not match the given digest"))
                }
            }
        }
    }

    fn pull(&self, image: &Image, architecture: &str) -> Pull {
        let Ok(manifest) = serde_json::from_slice::<Value>(&image.manifest) else { return Pull::Missing };
        if let Some(children) = manifest.get("manifests").and_then(Value::as_array) {
            let fits = children.iter().any(|child| {
                child.pointer("/platform/architecture").and_then(Value::as_str) == Some(architecture)
                    && child.pointer("/platform/os").and_then(Value::as_str) == Some("linux")
            });
            return if fits { Pull::Runs(Some(image.digest.clone())) } else { Pull::NoPlatform };
        }
        let config = manifest
            .pointer("/config/digest")
            .and_then(Value::as_str)
            .and_then(|digest| self.blobs.get(digest))
            .and_then(|blob| serde_json::from_slice::<Value>(blob).ok());
        match config.as_ref().and_then(|config| config.get("architecture")).and_then(Value::as_str) {
            Some(built_for) if built_for != architecture => Pull::WrongArchitecture,
            Some(_) => Pull::Runs(Some(image.digest.clone())),
            None => Pull::Missing,
        }
    }
}

impl Image {
    fn describe(&self, repository: &str) -> Value {
        let mut detail = json!({
            "registryId": ACCOUNT, "repositoryName": repository, "imageDigest": self.digest, "imageSizeInBytes": self.size(),
            "imagePushedAt": epoch(self.pushed_at), "imageManifestMediaType": self.media_type, "imageStatus": "ACTIVE",
        });
        if !self.tags.is_empty() {
            detail["imageTags"] = json!(self.tags);
        }
        detail
    }

    /// The layers' sizes, or those of the child manifests.
    fn size(&self) -> u64 {
        let manifest: Value = serde_json::from_slice(&self.manifest).unwrap_or_default();
        ["/layers", "/manifests"]
            .iter()
            .filter_map(|pointer| manifest.pointer(pointer).and_then(Value::as_array))
            .flatten()
            .filter_map(|part| part.get("size").and_then(Value::as_u64))
            .sum()
    }
}

fn image_ids(input: &Value) -> Result<Vec<&Value>, ApiError> {
    match input.get("imageIds") {
        None | Some(Value::Null) => Ok(Vec::new()),
        Some(Value::Array(ids)) if ids.len() <= 100 => Ok(ids.iter().collect()),
        Some(_) => {
            Err(ApiError::parameter("Invalid parameter at 'imageIds': must be a list of at most 100 image identifiers"))
        }
    }
}

fn image_id(digest: &str, tag: Option<&str>) -> Value {
    tag.map_or_else(|| json!({"imageDigest": digest}), |tag| json!({"imageDigest": digest, "imageTag": tag}))
}

fn media_type_of(manifest: &[u8]) -> String {
    serde_json::from_slice::<Value>(manifest)
        .ok()
        .and_then(|manifest| manifest.get("mediaType").and_then(Value::as_str).map(str::to_owned))
        .unwrap_or_else(|| "application/vnd.oci.image.manifest.v1+json".to_owned())
}

fn is_digest(text: &str) -> bool {
    text.strip_prefix("sha256:").is_some_and(|hex| {
        hex.len() == 64 && hex.bytes().all(|byte| byte.is_ascii_digit() || (b'a'..=b'f').contains(&byte))
    })
}

fn is_tag(text: &str) -> bool {
    (1..=128).contains(&text.len())
        && text.bytes().all(|byte| byte.is_ascii_alphanumeric() || b"_.-".contains(&byte))
        && !text.starts_with(['.', '-'])
}

/// What a call is about: the repository and the images or the layer.
pub(crate) fn resource(input: &Value) -> String {
    let mut words: Vec<&str> = ["repositoryName", "layerDigest"]
        .iter()
        .filter_map(|member| input.get(*member).and_then(Value::as_str))
        .collect();
    let ids = input.get("imageIds").and_then(Value::as_array).into_iter().flatten();
    words.extend(ids.filter_map(|id| id.get("imageDigest").or(id.get("imageTag")).and_then(Value::as_str)));
    words.join(" ").chars().take(512).collect()
}
