//! What images are made for, from files: a manifest, an index or an image configuration. It asks no registry.

use std::fs::File;
use std::io::Read as _;

use crate::cli::{Unusable, printable};
use crate::image::{MAX_BLOB, Manifest, Platform, platform_of_config};

/// The platforms for each container that an argument `[CONTAINER=]FILE` names.
pub(super) fn read(arguments: &[String], main: &str) -> Result<Vec<(String, Vec<Platform>)>, Unusable> {
    arguments.iter().map(|argument| read_one(argument, main)).collect()
}

fn read_one(argument: &str, main: &str) -> Result<(String, Vec<Platform>), Unusable> {
    let (container, path) = argument.split_once('=').unwrap_or((main, argument));
    let wrong = |what: &str| format!("{}: {what}", if path == "-" { "<stdin>".into() } else { printable(path) });
    let mut text = Vec::new();
    let bound = MAX_BLOB as u64 + 1;
    let read = match path {
        "-" => std::io::stdin().take(bound).read_to_end(&mut text),
        path => File::open(path).and_then(|file| file.take(bound).read_to_end(&mut text)),
    };
    read.map_err(|error| wrong(&error.to_string()))?;
    if text.len() > MAX_BLOB {
        return Err(wrong("over 4 MiB, which no manifest has").into());
    }
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
