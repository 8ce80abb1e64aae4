//! Manifests and configuration blobs, as registries hand them out: which platforms they can run on. Whoever may push
//! writes them, so they are read in constant memory: what is not asked for is skipped, and what is kept is bounded.

use std::fmt;

use serde::Deserialize;
use serde::de::{Deserializer, IgnoredAny, SeqAccess, Visitor};

use super::{Digest, Platform};

/// The largest manifest or configuration blob that is read, in bytes. OCI registries accept manifests of up to 4 MiB.
pub const MAX_BLOB: usize = 4 * 1024 * 1024;

/// The children of an index that are looked at; an index of real images has a handful.
const MAX_CHILDREN: usize = 1_000;

/// How deep a manifest or a configuration may nest; real ones nest six deep. The parser keeps a byte for each level.
const MAX_DEPTH: usize = 64;

/// The longest text with escapes, in bytes: the parser keeps a decoded copy of such a text, and none of others.
const MAX_ESCAPED: usize = 64 * 1024;

/// The bytes of a media type, a system or an architecture that are kept.
const MAX_WORD: usize = 128;

/// What a manifest turned out to be.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Manifest {
    /// An image index (or Docker manifest list): the platforms of its runnable children.
    Index(Vec<Platform>),
    /// A single image: its platform stands in the configuration blob with this digest.
    Image {
        /// The configuration blob's digest.
        config: Digest,
        /// Its size by the manifest, in bytes.
        size: usize,
    },
    /// Something that is stored like an image but does not run: the reason, for people.
    NotAnImage(String),
    /// Something that cannot be read, or says what cannot be true: the reason, for people.
    Broken(String),
}

impl Manifest {
    /// Reads a manifest in any of the four image formats (OCI image specification 1.1; Docker image manifest version 2,
    /// schema 2).
    pub fn parse(bytes: &[u8]) -> Self {
        let Written { artifact_type, manifests, config, layers } = match read(bytes, "manifest") {
            Ok(written) => written,
            Err(reason) => return Self::Broken(reason),
        };
        if let Some(Word(kind)) = artifact_type {
            return Self::NotAnImage(format!("it is an artifact of type {kind}"));
        }
        if let Some(Children(platforms)) = manifests {
            return Self::Index(platforms);
        }
        let Descriptor { media_type, digest, size } = config.unwrap_or_default();
        match media_type {
            Some(Word(kind)) if is_image_configuration(&kind) => {}
            Some(Word(kind)) => return Self::NotAnImage(format!("its configuration is of type {kind}")),
            None => return Self::NotAnImage("its manifest names no configuration".to_owned()),
        }
        if let Some(Layers { foreign: Some(Word(kind)) }) = layers {
            return Self::NotAnImage(format!("its layers are of type {kind}"));
        }
        let Some(config) = digest.and_then(|Word(digest)| Digest::parse(&digest)) else {
            return Self::Broken("the digest of its configuration is not a sha256 digest".to_owned());
        };
        match size.and_then(|size| usize::try_from(size).ok()) {
            Some(size) if size <= MAX_BLOB => Self::Image { config, size },
            Some(size) => Self::Broken(format!("its configuration has {size} bytes; at most {MAX_BLOB} are read")),
            None => Self::Broken("its manifest does not say how large its configuration is".to_owned()),
        }
    }
}

/// Whether the configuration of a manifest, by its media type, is that of an image and not of a chart, a signature or
/// another artifact.
pub fn is_image_configuration(media_type: &str) -> bool {
    matches!(media_type, "application/vnd.docker.container.image.v1+json" | "application/vnd.oci.image.config.v1+json")
}

/// The platform in a configuration blob (OCI image specification, `config.md`), or why there is none.
pub fn platform_of_config(bytes: &[u8]) -> Result<Platform, String> {
    let platform: WrittenPlatform = read(bytes, "configuration")?;
    platform.known().ok_or_else(|| "its configuration names no platform".to_owned())
}

/// Reads what is asked for; `what` is the document's name in the reason why it cannot be read.
fn read<'a, T: Deserialize<'a>>(bytes: &'a [u8], what: &str) -> Result<T, String> {
    if bytes.len() > MAX_BLOB {
        return Err(format!("its {what} has {} bytes; at most {MAX_BLOB} are read", bytes.len()));
    }
    check_shape(bytes).map_err(|reason| format!("its {what} {reason}"))?;
    serde_json::from_slice(bytes).map_err(|error| format!("its {what} cannot be read ({error})"))
}

/// Refuses what would make the parser keep much, in one pass that keeps nothing. Only well-formed JSON is measured
/// right; the parser refuses the rest where it stops being JSON.
fn check_shape(bytes: &[u8]) -> Result<(), String> {
    let (mut depth, mut text_at, mut is_escaped, mut is_behind_backslash) = (0_usize, None, false, false);
    for (at, byte) in bytes.iter().enumerate() {
        match (text_at, byte) {
            (Some(_), _) if is_behind_backslash => is_behind_backslash = false,
            (Some(_), b'\\') => (is_escaped, is_behind_backslash) = (true, true),
            (Some(_), b'"') => (text_at, is_escaped) = (None, false),
            (None, b'"') => text_at = Some(at),
            (None, b'[' | b'{') => depth += 1,
            (None, b']' | b'}') => depth = depth.saturating_sub(1),
            _ => {}
        }
        if depth > MAX_DEPTH {
            return Err(format!("nests more than {MAX_DEPTH} deep"));
        }
        if is_escaped && text_at.is_some_and(|began| at - began > MAX_ESCAPED) {
            return Err(format!("has a text of more than {MAX_ESCAPED} bytes with escapes"));
        }
    }
    Ok(())
}

/// The members of a manifest, or of an index, that are asked for.
#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Written {
    #[serde(default)]
    artifact_type: Option<Word>,
    #[serde(default)]
    manifests: Option<Children>,
    #[serde(default)]
    config: Option<Descriptor>,
    #[serde(default)]
    layers: Option<Layers>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "camelCase", default)]
struct Descriptor {
    media_type: Option<Word>,
    digest: Option<Word>,
    size: Option<u64>,
}

/// `os` and `architecture`, which an index's child and a configuration blob spell alike.
#[derive(Default, Deserialize)]
#[serde(default)]
struct WrittenPlatform {
    os: Option<Word>,
    architecture: Option<Word>,
}

impl WrittenPlatform {
    fn known(self) -> Option<Platform> {
        Some(Platform { os: self.os?.0, architecture: self.architecture?.0 })
    }
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct Child {
    platform: Option<WrittenPlatform>,
}

impl Child {
    /// Its platform, unless it is an attestation (platform `unknown`) or an index of its own.
    fn runnable_platform(self) -> Option<Platform> {
        let platform = self.platform?.known()?;
        (platform.os != "unknown" && platform.architecture != "unknown").then_some(platform)
    }
}

/// The beginning of a text: whatever is longer than a media type may be is cut.
struct Word(String);

impl<'de> Deserialize<'de> for Word {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Cut;
        impl Visitor<'_> for Cut {
            type Value = Word;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a text")
            }
            fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<Word, E> {
                let end = text.floor_char_boundary(MAX_WORD);
                text.get(..end).map(|text| Word(text.to_owned())).ok_or_else(|| E::custom("no text"))
            }
        }
        deserializer.deserialize_str(Cut)
    }
}

/// The platforms of an index's first children, each once.
struct Children(Vec<Platform>);

impl<'de> Deserialize<'de> for Children {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct First;
        impl<'de> Visitor<'de> for First {
            type Value = Children;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of descriptors")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Children, A::Error> {
                let mut platforms = Vec::new();
                for _ in 0..MAX_CHILDREN {
                    let Some(child) = list.next_element::<Child>()? else { return Ok(Children(platforms)) };
                    platforms.extend(child.runnable_platform().filter(|platform| !platforms.contains(platform)));
                }
                while list.next_element::<IgnoredAny>()?.is_some() {}
                Ok(Children(platforms))
            }
        }
        deserializer.deserialize_seq(First)
    }
}

/// The type of a manifest's first layer, where none of the layers is part of a file system: signatures and attestations
/// come with the configuration of an image (cosign; `BuildKit`'s in-toto statements).
struct Layers {
    foreign: Option<Word>,
}

impl<'de> Deserialize<'de> for Layers {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Kinds;
        impl<'de> Visitor<'de> for Kinds {
            type Value = Layers;
            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a list of descriptors")
            }
            fn visit_seq<A: SeqAccess<'de>>(self, mut list: A) -> Result<Layers, A::Error> {
                let (mut first, mut is_an_image) = (None, false);
                while let Some(Descriptor { media_type, .. }) = list.next_element()? {
                    is_an_image |= media_type.as_ref().is_some_and(|Word(kind)| is_file_system(kind));
                    first = first.or(media_type);
                }
                Ok(Layers { foreign: first.filter(|_| !is_an_image) })
            }
        }
        deserializer.deserialize_seq(Kinds)
    }
}

/// Whether a layer, by its media type, is part of an image's file system.
fn is_file_system(media_type: &str) -> bool {
    media_type.starts_with("application/vnd.oci.image.layer.")
        || media_type.starts_with("application/vnd.docker.image.rootfs.")
}

#[cfg(test)]
mod tests {
    use super::*;

    const OCI: &str = "application/vnd.oci.image.config.v1+json";

    #[test]
    fn attestations_are_no_platforms_of_an_index() {
        let index = br#"{"manifests":[{"platform":{"architecture":"arm64","os":"linux"}},{"platform":{"architecture":"unknown","os":"unknown"}}]}"#;
        let arm = Platform { os: "linux".into(), architecture: "arm64".into() };
        assert_eq!(Manifest::parse(index), Manifest::Index(vec![arm]));
    }

    #[test]
    fn an_artifact_is_not_an_image_and_what_cannot_be_read_is_neither() {
        let chart = br#"{"config":{"mediaType":"application/vnd.cncf.helm.config.v1+json","digest":"sha256:00"}}"#;
        assert!(matches!(Manifest::parse(chart), Manifest::NotAnImage(reason) if reason.contains("helm")));
        assert!(matches!(Manifest::parse(b"{}"), Manifest::NotAnImage(_)));
        assert!(matches!(Manifest::parse(b"["), Manifest::Broken(_)));
    }

    #[test]
    fn a_configuration_has_a_digest_and_a_size_that_can_be_read() {
        let manifest = |digest: &str, size: &str| {
            let text = format!(r#"{{"config":{{"mediaType":"{OCI}","digest":"{digest}"{size}}},"layers":[]}}"#);
            Manifest::parse(text.as_bytes())
        };
        let digest = Digest::of(b"");
        let whole = Manifest::Image { config: digest.clone(), size: 7 };
        assert_eq!(manifest(digest.as_str(), r#","size":7"#), whole);
        let is_broken = |manifest| matches!(manifest, Manifest::Broken(_));
        assert!(is_broken(manifest("sha256:00", r#","size":7"#)));
        assert!(is_broken(manifest(digest.as_str(), "")));
        assert!(is_broken(manifest(digest.as_str(), r#","size":-1"#)));
        assert!(is_broken(manifest(digest.as_str(), &format!(r#","size":{}"#, MAX_BLOB + 1))));
    }

    #[test]
    fn layers_of_another_kind_are_no_image() {
        let digest = Digest::of(b"");
        let manifest = |layers: &str| {
            let text =
                format!(r#"{{"config":{{"mediaType":"{OCI}","digest":"{digest}","size":2}},"layers":{layers}}}"#);
            Manifest::parse(text.as_bytes())
        };
        let signature = r#"{"mediaType":"application/vnd.dev.cosign.simplesigning.v1+json"}"#;
        let layer = r#"{"mediaType":"application/vnd.oci.image.layer.v1.tar+gzip"}"#;
        assert!(matches!(manifest(&format!("[{signature}]")), Manifest::NotAnImage(_)));
        assert!(matches!(manifest(&format!("[{signature},{layer}]")), Manifest::Image { .. }));
    }

    #[test]
    fn what_would_take_memory_is_refused_wherever_it_stands() {
        let deep = [b"{\"annotations\":".repeat(MAX_DEPTH + 1), b"1".to_vec()].concat();
        assert!(matches!(Manifest::parse(&deep), Manifest::Broken(reason) if reason.contains("nests")));
        let long = format!("{{\"{}\":1}}", "\\n".repeat(MAX_ESCAPED));
        assert!(matches!(Manifest::parse(long.as_bytes()), Manifest::Broken(reason) if reason.contains("escapes")));
        let plain = format!("{{\"{}\":1,\"manifests\":[]}}", "n".repeat(2 * MAX_ESCAPED));
        assert_eq!(Manifest::parse(plain.as_bytes()), Manifest::Index(Vec::new()));
        let in_text = format!("{{\"a\":\"{}\",\"manifests\":[]}}", "[".repeat(MAX_DEPTH + 1));
        assert_eq!(Manifest::parse(in_text.as_bytes()), Manifest::Index(Vec::new()));
    }

    #[test]
    fn words_are_cut_and_platforms_counted_once() {
        let child = r#"{"platform":{"architecture":"arm64","os":"linux"}}"#;
        let index = format!("{{\"manifests\":[{}]}}", [child; 3].join(","));
        assert!(matches!(Manifest::parse(index.as_bytes()), Manifest::Index(platforms) if platforms.len() == 1));
        let config = format!(r#"{{"os":"linux","architecture":"{}"}}"#, "é".repeat(MAX_WORD));
        assert_eq!(platform_of_config(config.as_bytes()).unwrap().architecture.len(), MAX_WORD);
        assert!(platform_of_config(br#"{"os":"linux"}"#).is_err());
    }
}
