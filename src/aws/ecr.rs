//! ECR in our own types: is an image there, what does its tag point to, and which platforms does it have.

use aws_sdk_ecr::operation::batch_get_image::BatchGetImageOutput;
use aws_sdk_ecr::types::{ImageFailureCode, ImageIdentifier};
use aws_smithy_http_client::tls::{Provider, rustls_provider::CryptoMode};
use aws_smithy_runtime_api::client::http::{HttpConnector as _, SharedHttpConnector};
use aws_smithy_runtime_api::client::orchestrator::HttpRequest;

use super::{Aws, CALL, Failure, FailureKind, failure, in_short};
use crate::image::{Digest, ImageRef, Manifest, PrivateEcr, platform_of_config};
use crate::plan::way_back::{ImageId, Repository, Seen};
use crate::plan::{ImageContent, ImageEvidence};

/// An image in a private registry.
#[derive(Clone, Copy, Debug)]
pub struct ImageQuery<'a> {
    /// The registry.
    pub registry: PrivateEcr<'a>,
    /// The repository.
    pub repository: &'a str,
    /// The digest, where it is known.
    pub digest: Option<&'a Digest>,
    /// The tag, where there is one.
    pub tag: Option<&'a str>,
}

/// The formats of manifests that are understood (OCI image specification; Docker image manifest version 2, schema 2).
const MEDIA_TYPES: [&str; 4] = [
    "application/vnd.oci.image.index.v1+json",
    "application/vnd.docker.distribution.manifest.list.v2+json",
    "application/vnd.oci.image.manifest.v1+json",
    "application/vnd.docker.distribution.manifest.v2+json",
];

const BATCH_GET_IMAGE: &str = "ecr:BatchGetImage";
const GET_LAYER: &str = "ecr:GetDownloadUrlForLayer";

/// What a failure names: the registry's account and the repository.
fn resource_of(registry: PrivateEcr<'_>, repository: &str) -> String {
    format!("{}/{repository}", registry.account)
}

impl Aws {
    /// Looks an image up, by digest and tag in one call; a single-platform image costs two more requests for its
    /// configuration.
    pub async fn inspect_image(&self, wanted: &ImageQuery<'_>) -> Result<ImageEvidence, Failure> {
        let resource = resource_of(wanted.registry, wanted.repository);
        let by_digest = wanted.digest.map(|digest| ImageIdentifier::builder().image_digest(digest.as_str()).build());
        let by_tag = wanted.tag.map(|tag| ImageIdentifier::builder().image_tag(tag).build());
        let ids = by_digest.into_iter().chain(by_tag).collect();
        let _turn = self.manifests().await;
        let Some(answer) = self.batch_get_image(wanted.registry, wanted.repository, ids).await? else {
            return Ok(ImageEvidence::Missing);
        };
        // A failure that is not «not found» (a key that may not be used, an upstream that does not answer) says nothing
        // about the image.
        for trouble in answer.failures() {
            if !matches!(
                trouble.failure_code(),
                Some(ImageFailureCode::ImageNotFound | ImageFailureCode::ImageTagDoesNotMatchDigest)
            ) {
                let code = trouble.failure_code().map_or("", ImageFailureCode::as_str);
                let passes = ["UpstreamUnavailable", "UpstreamTooManyRequests"].contains(&code);
                let kind = if passes { FailureKind::Throttled } else { FailureKind::Rejected };
                let message = format!("{code}: {}", trouble.failure_reason().unwrap_or_default());
                return Err(Failure::new(BATCH_GET_IMAGE, &resource, kind, message));
            }
        }
        let mut tag_digest = None;
        let mut found: Option<(Digest, &str)> = None;
        for image in answer.images() {
            let Some(digest) = image.image_id().and_then(ImageIdentifier::image_digest).and_then(Digest::parse) else {
                continue;
            };
            let tag = image.image_id().and_then(ImageIdentifier::image_tag);
            if tag.is_some() && tag == wanted.tag {
                tag_digest = Some(digest.clone());
            }
            if found.is_none() && wanted.digest.is_none_or(|wanted| *wanted == digest) {
                found = image.image_manifest().map(|manifest| (digest, manifest));
            }
        }
        let Some((digest, manifest)) = found else { return Ok(ImageEvidence::Missing) };
        let manifest = Manifest::parse(manifest.as_bytes());
        drop(answer);
        let content = match manifest {
            Manifest::Index(platforms) => ImageContent::Platforms(platforms),
            Manifest::NotAnImage(reason) => ImageContent::Artifact(reason),
            Manifest::Broken(reason) => ImageContent::Broken(reason),
            Manifest::Image { config, size } => self.platform_of(wanted, &resource, &config, size).await?,
        };
        Ok(ImageEvidence::Found { digest, tag_digest, content })
    }

    /// Whether an index names this manifest; `None` where nobody can tell.
    pub async fn index_names(&self, index: &ImageRef<'_>, manifest: &Digest) -> Option<bool> {
        let (registry, digest) = (index.private_ecr()?, index.digest?);
        let id = ImageIdentifier::builder().image_digest(digest).build();
        let _turn = self.manifests().await;
        let answer = self.batch_get_image(registry, index.repository, vec![id]).await.ok()??;
        let text = answer.images().iter().find_map(aws_sdk_ecr::types::Image::image_manifest)?;
        Some(text.contains(manifest.as_str()))
    }

    /// Whether a repository has these images, in one call: an answer for each, in their order. A repository that is
    /// gone has none of them.
    pub async fn present(&self, repository: &Repository, images: &[&ImageId]) -> Result<Vec<Seen>, Failure> {
        let Repository { account, region, name } = repository;
        let ids = images.iter().map(|id| match id {
            ImageId::Digest(digest) => ImageIdentifier::builder().image_digest(digest.as_str()).build(),
            ImageId::Tag(tag) => ImageIdentifier::builder().image_tag(tag).build(),
        });
        let _turn = self.manifests().await;
        let Some(answer) = self.batch_get_image(PrivateEcr { account, region }, name, ids.collect()).await? else {
            return Ok(vec![Seen::Gone; images.len()]);
        };
        let seen = images.iter().map(|wanted| {
            let is_wanted = |id: Option<&ImageIdentifier>| match wanted {
                ImageId::Digest(digest) => id.and_then(ImageIdentifier::image_digest) == Some(digest.as_str()),
                ImageId::Tag(tag) => id.and_then(ImageIdentifier::image_tag) == Some(tag),
            };
            if answer.images().iter().any(|image| is_wanted(image.image_id())) {
                return Seen::There;
            }
            let trouble = answer.failures().iter().find(|trouble| is_wanted(trouble.image_id()));
            match trouble.and_then(|trouble| trouble.failure_code()) {
                Some(ImageFailureCode::ImageNotFound) => Seen::Gone,
                code => {
                    Seen::NotLookedAt(code.map_or("the registry does not say", ImageFailureCode::as_str).to_owned())
                }
            }
        });
        Ok(seen.collect())
    }

    /// Asks for images of one repository; `None` where there is no such repository.
    async fn batch_get_image(
        &self,
        registry: PrivateEcr<'_>,
        repository: &str,
        ids: Vec<ImageIdentifier>,
    ) -> Result<Option<BatchGetImageOutput>, Failure> {
        let request = self.ecr(registry.region).batch_get_image().registry_id(registry.account);
        let mut request = request.repository_name(repository).set_image_ids(Some(ids));
        for media_type in MEDIA_TYPES {
            request = request.accepted_media_types(media_type);
        }
        let resource = resource_of(registry, repository);
        match request.send().await.map_err(failure(BATCH_GET_IMAGE, &resource)) {
            Ok(answer) => Ok(Some(answer)),
            Err(failure) if failure.kind == FailureKind::NotFound => Ok(None),
            Err(failure) => Err(failure),
        }
    }

    async fn platform_of(
        &self,
        wanted: &ImageQuery<'_>,
        resource: &str,
        config: &Digest,
        size: usize,
    ) -> Result<ImageContent, Failure> {
        let request = self
            .ecr(wanted.registry.region)
            .get_download_url_for_layer()
            .registry_id(wanted.registry.account)
            .repository_name(wanted.repository);
        let answer = request.layer_digest(config.as_str()).send().await.map_err(failure(GET_LAYER, resource))?;
        let blob = self.download(answer.download_url().unwrap_or_default(), resource, size).await?;
        if blob.len() > size {
            let reason = format!("its configuration is longer than the {size} bytes that its manifest says");
            return Ok(ImageContent::Broken(reason));
        }
        if Digest::of(&blob) != *config {
            return Err(Failure::new(
                GET_LAYER,
                resource,
                FailureKind::OutcomeUnknown,
                "the image's configuration arrived damaged",
            ));
        }
        Ok(match platform_of_config(&blob) {
            Ok(platform) => ImageContent::Platforms(vec![platform]),
            Err(reason) => ImageContent::Broken(reason),
        })
    }

    /// Fetches a presigned URL: at most one byte more than there should be, which tells a blob that is too long. The
    /// URL is a secret while it is valid: it is in no message. A function in a VPC without a gateway endpoint for S3
    /// hangs here, so the time is bounded.
    async fn download(&self, url: &str, resource: &str, size: usize) -> Result<Vec<u8>, Failure> {
        let trouble = |kind, message: String| Failure::new(GET_LAYER, resource, kind, message);
        if url.is_empty() {
            return Err(trouble(FailureKind::OutcomeUnknown, "the answer has no URL".to_owned()));
        }
        let hidden = |error: &dyn std::error::Error| in_short(error).replace(url, "the download URL");
        let fetched = tokio::time::timeout(CALL, async {
            let connector = self.downloads.clone().unwrap_or_else(|| {
                let builder = aws_smithy_http_client::Connector::builder();
                SharedHttpConnector::new(builder.tls_provider(Provider::Rustls(CryptoMode::AwsLc)).build())
            });
            let request = HttpRequest::get(url).map_err(|error| trouble(FailureKind::Rejected, hidden(&error)))?;
            let answer =
                connector.call(request).await.map_err(|error| trouble(FailureKind::OutcomeUnknown, hidden(&error)))?;
            let status = answer.status();
            if !status.is_success() {
                let kind = if status.is_server_error() { FailureKind::OutcomeUnknown } else { FailureKind::Rejected };
                return Err(trouble(kind, format!("the registry's storage answered {}", status.as_u16())));
            }
            let body = super::s3::read_bounded(answer.into_body().into(), size + 1).await;
            body.map_err(|error| trouble(FailureKind::OutcomeUnknown, hidden(&*error)))
        });
        let unreachable = "the registry's storage does not answer: a function in a VPC needs a gateway endpoint for S3";
        fetched.await.map_err(|_| trouble(FailureKind::OutcomeUnknown, unreachable.to_owned()))?
    }
}
