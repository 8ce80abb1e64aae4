//! ECR: images by tag and digest, and the download of a configuration.

use aws_sdk_ecr::types::ImageIdentifier;
use serde_json::Value;

use super::stage::{FAMILY, Stage, request};

#[tokio::test]
async fn images_are_found_by_tag_and_digest_and_their_configuration_can_be_downloaded() {
    let stage = Stage::good().await;
    let id = |tag: &str| ImageIdentifier::builder().image_tag(tag).build();
    let got = stage
        .ecr
        .batch_get_image()
        .repository_name(FAMILY)
        .image_ids(id("v6"))
        .image_ids(id("nope"))
        .send()
        .await
        .unwrap();
    assert_eq!(
        got.failures()[0].failure_code().map(aws_sdk_ecr::types::ImageFailureCode::as_str),
        Some("ImageNotFound")
    );
    let index: Value = serde_json::from_str(got.images()[0].image_manifest().unwrap()).unwrap();
    assert_eq!(index["manifests"].as_array().unwrap().len(), 3);
    let described = stage.ecr.describe_images().repository_name(FAMILY).image_ids(id("latest")).send().await.unwrap();
    assert_eq!(described.image_details()[0].image_digest(), got.images()[0].image_id().unwrap().image_digest());

    let single = stage.ecr.batch_get_image().repository_name(FAMILY).image_ids(id("v7")).send().await.unwrap();
    let manifest: Value = serde_json::from_str(single.images()[0].image_manifest().unwrap()).unwrap();
    let layer = manifest["config"]["digest"].as_str().unwrap();
    let url = stage.ecr.get_download_url_for_layer().repository_name(FAMILY).layer_digest(layer).send().await.unwrap();
    let url = url.download_url().unwrap();
    let (status, config) = request("GET", url, "").await;
    let config: Value = serde_json::from_slice(&config).unwrap();
    assert_eq!(status, 200);
    assert_eq!(config["architecture"], "arm64");
    assert_eq!(stage.operations().last().unwrap(), "DownloadLayer");
    let unsigned = url.split_once('?').unwrap().0;
    assert_eq!(request("GET", unsigned, "").await.0, 403);

    let unknown = stage.ecr.describe_images().repository_name("other").send().await.unwrap_err().into_service_error();
    assert!(unknown.is_repository_not_found_exception());
    let missing = stage.ecr.describe_images().repository_name(FAMILY).image_ids(id("nope")).send().await.unwrap_err();
    assert!(missing.into_service_error().is_image_not_found_exception());
}
