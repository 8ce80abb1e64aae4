//! ECR with one repository of seeded images. The manifests are real files with true digests; nothing can be pushed.

use std::collections::BTreeMap;

use serde_json::{Value, json};
use sha2::{Digest as _, Sha256};

use super::cloud::Refusal;

/// The seeded repository.
pub(super) const REPOSITORY: &str = "express-mode-custom-td";

const INDEX: &str = "application/vnd.oci.image.index.v1+json";
const IMAGE: &str = "application/vnd.oci.image.manifest.v1+json";

macro_rules! seed {
    ($file:literal) => {
        include_str!(concat!("seed/images/", $file))
    };
}

/// The manifests: tags, media type, text.
const MANIFESTS: [(&[&str], &str, &str); 8] = [
    (&["v5"], IMAGE, seed!("v5.manifest.json")),
    (&["v6", "latest"], INDEX, seed!("v6.index.json")),
    (&[], IMAGE, seed!("v6.arm64.manifest.json")),
    (&[], IMAGE, seed!("v6.amd64.manifest.json")),
    (&[], IMAGE, seed!("v6.attestation.manifest.json")),
    (&["v7"], IMAGE, seed!("v7.manifest.json")),
    (&["amd64-only"], INDEX, seed!("amd64-only.index.json")),
    (&[], IMAGE, seed!("amd64-only.amd64.manifest.json")),
];

const CONFIGS: [&str; 6] = [
    seed!("v5.config.json"),
    seed!("v6.arm64.config.json"),
    seed!("v6.amd64.config.json"),
    seed!("v6.attestation.config.json"),
    seed!("v7.config.json"),
    seed!("amd64-only.amd64.config.json"),
];

/// The registry.
#[derive(Debug)]
pub(super) struct Ecr {
    endpoint: String,
    /// Digest to media type and manifest.
    manifests: BTreeMap<String, (&'static str, &'static str)>,
    tags: BTreeMap<&'static str, String>,
    blobs: BTreeMap<String, &'static str>,
}

impl Ecr {
    /// The seeded registry. With `without_arm64` the digest that the push event names holds an index without ARM64: the same event, a bad day.
    pub(super) fn seeded(endpoint: &str, without_arm64: bool) -> Self {
        let mut manifests = BTreeMap::new();
        let mut tags = BTreeMap::new();
        for (names, kind, text) in MANIFESTS {
            let digest = digest(text);
            tags.extend(names.iter().map(|name| (*name, digest.clone())));
            let is_pushed = names.contains(&"v6");
            let text = if without_arm64 && is_pushed { seed!("amd64-only.index.json") } else { text };
            manifests.insert(digest, (kind, text));
        }
        let blobs = CONFIGS.iter().map(|text| (digest(text), *text)).collect();
        Self { endpoint: endpoint.to_owned(), manifests, tags, blobs }
    }

    /// The reference of the image that is live at first.
    pub(super) fn live_reference() -> String {
        format!("123456789012.dkr.ecr.ap-northeast-1.amazonaws.com/{REPOSITORY}@{}", digest(seed!("v5.manifest.json")))
    }

    /// The bytes behind a download URL.
    pub(super) fn blob(&self, digest: &str) -> Option<Vec<u8>> {
        self.blobs.get(digest).map(|text| text.as_bytes().to_vec())
    }

    /// The architectures of an image reference in this registry; `None` for images that it does not hold.
    pub(super) fn architectures(&self, reference: &str) -> Option<Vec<String>> {
        let (_, name) = reference.rsplit_once('/')?;
        let digest = match name.split_once('@') {
            Some((_, digest)) => digest,
            None => self.tags.get(name.split_once(':').map_or("latest", |(_, tag)| tag))?,
        };
        let manifest: Value = serde_json::from_str(self.manifests.get(digest)?.1).ok()?;
        let config = manifest["config"]["digest"].as_str().and_then(|digest| self.blobs.get(digest));
        let own = config
            .and_then(|text| serde_json::from_str::<Value>(text).ok())
            .map(|config| config["architecture"].clone());
        let children = manifest["manifests"]
            .as_array()
            .into_iter()
            .flatten()
            .map(|child| child["platform"]["architecture"].clone());
        Some(own.into_iter().chain(children).filter_map(|value| value.as_str().map(str::to_owned)).collect())
    }

    pub(super) fn act(&self, operation: &str, request: &Value) -> Result<Value, Refusal> {
        let repository = request["repositoryName"].as_str().unwrap_or_default();
        if repository != REPOSITORY {
            let message = format!(
                "The repository with name '{repository}' does not exist in the registry with id '123456789012'"
            );
            return Err((400, "RepositoryNotFoundException", message));
        }
        match operation {
            "BatchGetImage" => Ok(self.batch_get_image(request)),
            "DescribeImages" => self.describe_images(request),
            "GetDownloadUrlForLayer" => self.download_url(request),
            other => Err((400, "UnknownOperationException", format!("{other} is not played here"))),
        }
    }

    /// The digest that an image id means, if it is here.
    fn resolve(&self, id: &Value) -> Result<String, &'static str> {
        let by_tag = id["imageTag"].as_str().map(|tag| self.tags.get(tag));
        match (id["imageDigest"].as_str(), by_tag) {
            (None, None) => Err("MissingDigestAndTag"),
            (Some(digest), None) => self.manifests.get(digest).map(|_| digest.to_owned()).ok_or("ImageNotFound"),
            (None, Some(tagged)) => tagged.cloned().ok_or("ImageNotFound"),
            (Some(digest), Some(tagged)) => {
                tagged.filter(|tagged| *tagged == digest).cloned().ok_or("ImageTagDoesNotMatchDigest")
            }
        }
    }

    fn batch_get_image(&self, request: &Value) -> Value {
        let (mut images, mut failures) = (Vec::new(), Vec::new());
        for id in request["imageIds"].as_array().into_iter().flatten() {
            match self.resolve(id) {
                Ok(digest) => {
                    let (kind, text) = self.manifests.get(&digest).copied().unwrap_or_default();
                    let mut image_id = json!({"imageDigest": digest});
                    if let Some(tag) = id.get("imageTag") {
                        image_id["imageTag"] = tag.clone();
                    }
                    images
                        .push(json!({"registryId": "123456789012", "repositoryName": REPOSITORY, "imageId": image_id,
                        "imageManifest": text, "imageManifestMediaType": kind}));
                }
                Err(code) => failures
                    .push(json!({"imageId": id, "failureCode": code, "failureReason": "Requested image not found"})),
            }
        }
        json!({"images": images, "failures": failures})
    }

    fn describe_images(&self, request: &Value) -> Result<Value, Refusal> {
        let missing = |_| {
            (400, "ImageNotFoundException", "The image requested does not exist in the specified repository".to_owned())
        };
        let ids = request["imageIds"].as_array().into_iter().flatten();
        let digests: Vec<String> = ids.map(|id| self.resolve(id).map_err(missing)).collect::<Result<_, _>>()?;
        let details = digests.iter().map(|digest| {
            let tags: Vec<&str> =
                self.tags.iter().filter(|(_, tagged)| *tagged == digest).map(|(tag, _)| *tag).collect();
            let kind = self.manifests.get(digest).map_or("", |(kind, _)| kind);
            json!({"registryId": "123456789012", "repositoryName": REPOSITORY, "imageDigest": digest, "imageTags": tags,
                "imageManifestMediaType": kind, "imageStatus": "ACTIVE"})
        });
        Ok(json!({"imageDetails": details.collect::<Vec<_>>()}))
    }

    fn download_url(&self, request: &Value) -> Result<Value, Refusal> {
        let digest = request["layerDigest"].as_str().unwrap_or_default();
        if !self.blobs.contains_key(digest) {
            let message = format!("The layer with digest '{digest}' was not found");
            return Err((400, "LayersNotFoundException", message));
        }
        let url = format!("{}/_sandbox/layers/{digest}?X-Amz-Signature=sandbox", self.endpoint);
        Ok(json!({"downloadUrl": url, "layerDigest": digest}))
    }
}

fn digest(text: &str) -> String {
    format!("sha256:{:x}", Sha256::digest(text.as_bytes()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_events_name_images_that_are_here() {
        let ecr = Ecr::seeded("http://127.0.0.1", false);
        for (event, tag) in [
            (include_str!("../../events/ecr-image-push.json"), "v6"),
            (include_str!("../../events/ecr-image-push-single-manifest.json"), "v7"),
        ] {
            let event: Value = serde_json::from_str(event).unwrap();
            assert_eq!(event["detail"]["image-digest"], Value::from(ecr.tags[tag].clone()));
            assert_eq!(event["detail"]["image-tag"], tag);
        }
    }

    #[test]
    fn every_manifest_names_blobs_and_children_that_are_here() {
        let ecr = Ecr::seeded("http://127.0.0.1", false);
        for (_, text) in ecr.manifests.values() {
            let manifest: Value = serde_json::from_str(text).unwrap();
            if let Some(config) = manifest["config"]["digest"].as_str() {
                assert_eq!(ecr.blobs[config].len() as u64, manifest["config"]["size"].as_u64().unwrap(), "{config}");
            }
            for child in manifest["manifests"].as_array().into_iter().flatten() {
                assert!(ecr.manifests.contains_key(child["digest"].as_str().unwrap()), "{child}");
            }
        }
    }

    #[test]
    fn the_live_image_runs_on_arm64() {
        let ecr = Ecr::seeded("http://127.0.0.1", false);
        assert_eq!(ecr.architectures(&Ecr::live_reference()), Some(vec!["arm64".to_owned()]));
    }
}
