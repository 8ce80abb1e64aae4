//! What every sandbox holds at its start: the files of `seed/`. Their digests are true, so the files must not be
//! reformatted.

use jiff::Timestamp;
use serde_json::Value;

use super::Error;
use super::ecr::Registry;
use super::scenario::Scenario;
use super::state::World;

/// The service, its task definition family and its ECR repository all have this name; the service's own has a suffix.
pub(crate) const REPOSITORY: &str = "express-mode-custom-td";
/// The name of the seeded service in the cluster `default`.
pub(crate) const SERVICE: &str = "express-mode-custom-td-f9de";
/// The bucket of heads, reports and uploads.
pub(crate) const STATE_BUCKET: &str = "deployer-state-123456789012-ap-northeast-1";
/// The bucket that the log routers write to.
pub(crate) const LOG_BUCKET: &str = "your-log-bucket";
/// The seeded live revision.
const LIVE_REVISION: u32 = 5;

macro_rules! image_file {
    ($name:literal) => {
        include_str!(concat!("seed/images/", $name))
    };
}

/// Manifests and their tags; a `latest` further down moves it.
const MANIFESTS: [(&str, &[&str], &str); 8] = [
    ("v5", &["v5", "latest"], image_file!("v5.manifest.json")),
    ("v6.amd64", &[], image_file!("v6.amd64.manifest.json")),
    ("v6.arm64", &[], image_file!("v6.arm64.manifest.json")),
    ("v6.attestation", &[], image_file!("v6.attestation.manifest.json")),
    ("v6", &["v6", "latest"], image_file!("v6.index.json")),
    ("v7", &["v7"], image_file!("v7.manifest.json")),
    ("amd64-only.amd64", &[], image_file!("amd64-only.amd64.manifest.json")),
    ("amd64-only", &["amd64-only"], image_file!("amd64-only.index.json")),
];

const BLOBS: [&str; 6] = [
    image_file!("v5.config.json"),
    image_file!("v6.amd64.config.json"),
    image_file!("v6.arm64.config.json"),
    image_file!("v6.attestation.config.json"),
    image_file!("v7.config.json"),
    image_file!("amd64-only.amd64.config.json"),
];

/// The documents that lie in the upload bucket, in the versions that the upload events name.
const UPLOADS: [(&str, &str, &str); 5] = [
    ("plain-arm64", "v-plain-arm64", include_str!("seed/task-definitions/plain-arm64.json")),
    ("datadog-sidecar", "v-datadog-sidecar", include_str!("seed/task-definitions/datadog-sidecar.json")),
    ("health-check", "v-health-check", include_str!("seed/task-definitions/health-check.json")),
    ("firelens", "IYV3p45BT0ac8hjHg1houSdS1a.Mro8e", include_str!("seed/task-definitions/firelens.json")),
    ("health check (v2+)", "096fKKXTRTtl3on89fVOnFD9rkXS1Nxq", include_str!("seed/task-definitions/health-check.json")),
];

pub(crate) const TASK_DEFINITION: &str = include_str!("seed/express-mode-custom-td.json");

fn manifest(name: &str) -> &'static [u8] {
    MANIFESTS.iter().find(|(of, ..)| *of == name).map(|(_, _, text)| text.as_bytes()).unwrap_or_default()
}

/// Fills an empty world.
pub(crate) fn fill(world: &World, scenario: Scenario) -> Result<(), Error> {
    let now = world.clock.now();
    for bucket in [STATE_BUCKET, LOG_BUCKET] {
        world.buckets.create(bucket);
    }
    for (name, version, document) in UPLOADS {
        let key = format!("task-definitions/{REPOSITORY}/{name}.json");
        world.buckets.put(STATE_BUCKET, &key, document.as_bytes().to_vec(), None);
        world.buckets.name_version(STATE_BUCKET, &key, version);
    }
    push_images(&mut world.registry(), scenario, now);
    let document: Value = serde_json::from_str(TASK_DEFINITION).map_err(|error| Error::Document(error.to_string()))?;
    let mut ecs = world.ecs();
    let arn = ecs
        .definitions
        .store(&document, now, Some(LIVE_REVISION))
        .map(super::ecs::Definition::arn)
        .map_err(Error::from)?;
    ecs.set_live(SERVICE, &arn, &world.registry(), now).map_err(Error::from)
}

fn push_images(registry: &mut Registry, scenario: Scenario, now: Timestamp) {
    for blob in BLOBS {
        registry.put_blob(REPOSITORY, blob.as_bytes());
    }
    let digests: Vec<(&str, String)> = MANIFESTS
        .iter()
        .map(|(name, tags, text)| (*name, registry.put_image(REPOSITORY, tags, text.as_bytes(), now)))
        .collect();
    if scenario != Scenario::Amd64Only {
        return;
    }
    // The events name the digests of good images, so those digests stay and lead to images for AMD64 alone.
    for (name, replacement) in [("v6", "amd64-only"), ("v7", "amd64-only.amd64")] {
        if let Some((_, digest)) = digests.iter().find(|(of, _)| *of == name) {
            registry.replace(digest, manifest(replacement));
        }
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use super::super::ecr::digest_of;
    use super::*;

    /// Every descriptor in a manifest that points to a seeded file must state its true digest and size.
    #[test]
    fn descriptors_state_true_digests_and_sizes() {
        let texts = MANIFESTS.iter().map(|(_, _, text)| *text).chain(BLOBS);
        let sizes: BTreeMap<String, usize> = texts.map(|text| (digest_of(text.as_bytes()), text.len())).collect();
        for (name, _, text) in MANIFESTS {
            let manifest: Value = serde_json::from_str(text).unwrap();
            let children = manifest["manifests"].as_array().cloned().unwrap_or_default();
            for descriptor in children.iter().chain(manifest.get("config")) {
                let size = sizes.get(descriptor["digest"].as_str().unwrap());
                assert_eq!(size.map(|size| *size as u64), descriptor["size"].as_u64(), "{name}: {descriptor}");
            }
        }
    }

    #[test]
    fn the_live_revision_runs_a_seeded_image() {
        let document: Value = serde_json::from_str(TASK_DEFINITION).unwrap();
        let image = document["containerDefinitions"][0]["image"].as_str().unwrap();
        assert_eq!(image.split_once('@').unwrap().1, digest_of(manifest("v5")));
    }
}
