//! The key of a log object, in the order in which `flb_get_s3_key` and `s3_put_object` build it.

use jiff::fmt::strtime;
use jiff::{Timestamp, tz::TimeZone};
use sha2::{Digest, Sha256};

use super::output::Output;

const LETTERS: &[u8; 62] = b"0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/// The key of the `index`th object of an output in a task, without the slash that separates it from the bucket.
pub(super) fn build(output: &Output, task_id: &str, first_record: Timestamp, index: usize) -> String {
    let tag = format!("{}-firelens-{task_id}", output.container);
    let random = random(&format!("{tag} {index}"));
    let mut key = output.key_format.clone();
    let parts = tag.split(|character| output.delimiters.contains(character)).filter(|part| !part.is_empty());
    for (number, part) in parts.take(10).enumerate() {
        key = key.replace(&format!("$TAG[{number}]"), part);
    }
    key = key.replace("$TAG", &tag).replace("$INDEX", &index.to_string()).replace("$UUID", &random);
    key = format_time(&key, first_record);
    let named = output.key_format.contains("$UUID") || output.key_format.contains("$INDEX");
    if !named && !output.static_file_path && key.len() + 16 <= 1024 {
        key.push_str("-object");
        key.push_str(&random);
    }
    key.strip_prefix('/').map_or(key.clone(), str::to_owned)
}

/// `strftime` in UTC; codes that it does not know stay as they are.
fn format_time(text: &str, time: Timestamp) -> String {
    let config = strtime::Config::new().lenient(true);
    let mut formatted = String::new();
    let broken_down = strtime::BrokenDownTime::from(&time.to_zoned(TimeZone::UTC));
    match broken_down.format_with_config(&config, text, &mut formatted) {
        Ok(()) => formatted,
        Err(_) => text.to_owned(),
    }
}

/// Eight characters of `[0-9A-Za-z]`, always the same for the same seed.
fn random(seed: &str) -> String {
    Sha256::digest(seed.as_bytes())
        .iter()
        .take(8)
        .filter_map(|byte| LETTERS.get(usize::from(*byte) % LETTERS.len()).copied().map(char::from))
        .collect()
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::super::output::outputs;
    use super::*;

    fn key(options: &serde_json::Value) -> String {
        let definition = json!({"containerDefinitions": [
            {"name": "app", "logConfiguration": {"logDriver": "awsfirelens", "options": options}},
            {"name": "router", "firelensConfiguration": {}},
        ]});
        build(&outputs(&definition)[0], "707e0a68", "2026-07-02T01:04:33.4Z".parse().unwrap(), 2)
    }

    #[test]
    fn the_default_key_ends_in_object_and_eight_characters() {
        let key = key(&json!({"Name": "s3", "bucket": "b"}));
        let (head, tail) = key.split_at_checked(key.len() - 8).unwrap();
        assert_eq!(head, "fluent-bit-logs/app-firelens-707e0a68/2026/07/02/01/04/33-object");
        assert!(tail.bytes().all(|byte| byte.is_ascii_alphanumeric()));
    }

    #[test]
    fn parts_index_and_unknown_codes_follow_fluent_bit() {
        let format = "/x/$TAG[0]/$TAG[2]/$TAG[7]/%F/$INDEX";
        let options =
            json!({"Name": "s3", "bucket": "b", "s3_key_format": format, "s3_key_format_tag_delimiters": "-"});
        assert_eq!(key(&options), "x/app/707e0a68/app-firelens-707e0a68[7]/2026-07-02/2");
    }

    #[test]
    fn a_static_path_gets_no_suffix_and_only_one_slash_is_eaten() {
        let options = json!({"Name": "s3", "bucket": "b", "s3_key_format": "//logs/$TAG", "static_file_path": "On"});
        assert_eq!(key(&options), "/logs/app-firelens-707e0a68");
    }
}
