//! What must hold when an event is recognised, whatever its bytes are: it ends, and what is asked of AWS for it lies where
//! the configuration says. It makes no bytes.

use std::sync::LazyLock;

use express_deployer::config::Config;
use express_deployer::trigger::{Trigger, recognise};

static CONFIG: LazyLock<Option<Config>> =
    LazyLock::new(|| Config::parse(include_str!("../deployer.example.toml")).ok());

/// Recognises an event and gives how many releases it asks for.
pub(super) fn read(data: &[u8]) -> usize {
    let (Ok(text), Some(config)) = (std::str::from_utf8(data), CONFIG.as_ref()) else { return 0 };
    let recognition = recognise(text);
    assert!(recognition.triggers.len() <= 100, "more triggers than an event may have");
    assert!(recognition.ignored.len() + recognition.unrecognised.len() <= 200, "more reasons than are kept");
    let mut releases = 0;
    for trigger in recognition.triggers {
        for service in config.takers(&trigger) {
            releases += 1;
            match &trigger {
                Trigger::ImagePush(push) => {
                    assert!(service.has_name_of(push), "a repository or a tag that the configuration does not name");
                    let is_ours = push.account == service.arn.account() && push.region == service.arn.region();
                    assert_eq!(service.has_repository_of(push), is_ours, "a registry that nobody names is asked");
                    assert!(!push.tag.contains(char::is_control) && push.tag.len() <= 128, "a tag that is none");
                }
                Trigger::Upload(upload) => {
                    let Some(uploads) = &service.uploads else { panic!("a service without `uploads` takes one") };
                    assert_eq!(upload.bucket, uploads.bucket, "a bucket that the configuration does not name");
                    assert_eq!(upload.region, service.arn.region(), "a region that the configuration does not name");
                    assert!(uploads.has(&upload.key), "a key outside its prefix");
                    assert!(!upload.key.contains(char::is_control), "a key with control characters");
                }
            }
        }
    }
    releases
}
