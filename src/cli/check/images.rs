//! What images are made for, from files: a manifest, an index or an image configuration. It asks no registry.

use crate::cli::Unusable;
use crate::image::{MAX_BLOB, Manifest, Platform, platform_of_config};

/// The platforms for each container that an argument `[CONTAINER=]FILE` names.
pub(super) fn read(arguments: &[String], main: &str) -> Result<Vec<(String, Vec<Platform>)>, Unusable> {
    arguments.iter().map(|argument| read_one(argument, main)).collect()
}

fn read_one(argument: &str, main: &str) -> Result<(String, Vec<Platform>), Unusable> {
    let (container, path) = argument.split_once('=').unwrap_or((main, argument));
    let wrong = |what: &str| format!("{path}: {what}");
    let length = std::fs::metadata(path).map_err(|error| wrong(&error.to_string()))?.len();
    if length > MAX_BLOB as u64 {
        return Err(wrong("over 4 MiB, which no manifest has").into());
    }
    let text = std::fs::read(path).map_err(|error| wrong(&error.to_string()))?;
    if let Ok(platform) = platform_of_config(&text) {
        return Ok((container.to_owned(), vec![platform]));
    }
    match Manifest::parse(&text) {
        Manifest::Index(platforms) => Ok((container.to_owned(), platforms)),
        Manifest::Image { .. } => Err(wrong(
            "the manifest of one image does not say its platform; give the image's configuration, as \
             `docker buildx imagetools inspect --format '{{json .Image}}'` prints it",
        )
        .into()),
        Manifest::NotAnImage(reason) | Manifest::Broken(reason) => Err(wrong(&reason).into()),
    }
}
