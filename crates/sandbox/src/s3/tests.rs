//! S3's rules asked of the sandbox, first request by request, then through the real SDK client over a socket.

use aws_sdk_s3::error::ProvideErrorMetadata;
use aws_sdk_s3::primitives::ByteStream;
use futures_util::future::join_all;
use hyper::header::{HeaderMap, HeaderName, HeaderValue};
use jiff::Timestamp;

use super::*;
use crate::loopback;

const BUCKET: &str = "state";

fn buckets() -> Buckets {
    let buckets = Buckets::new(VirtualClock::at("2026-11-23T10:05:07Z".parse::<Timestamp>().unwrap()));
    buckets.create(BUCKET);
    buckets
}

fn request(method: &str, path: &str, query: &[(&str, &str)], headers: &[(&str, &str)], body: &str) -> Request {
    let mut map = HeaderMap::new();
    for (name, value) in headers {
        map.append(HeaderName::try_from(*name).unwrap(), HeaderValue::from_str(value).unwrap());
    }
    Request {
        method: method.to_owned(),
        path: path.to_owned(),
        query: query.iter().map(|(key, value)| ((*key).to_owned(), (*value).to_owned())).collect(),
        headers: map,
        body: body.as_bytes().to_vec(),
    }
}

fn header<'a>(reply: &'a Reply, name: &str) -> Option<&'a str> {
    reply.headers.iter().find(|(own, _)| *own == name).map(|(_, value)| value.as_str())
}

fn text(reply: &Reply) -> &str {
    std::str::from_utf8(&reply.body).unwrap()
}

fn put(buckets: &Buckets, key: &str, headers: &[(&str, &str)], body: &str) -> Reply {
    buckets.handle(&request("PUT", &format!("/{BUCKET}/{key}"), &[("x-id", "PutObject")], headers, body))
}

fn get(buckets: &Buckets, key: &str, query: &[(&str, &str)], headers: &[(&str, &str)]) -> Reply {
    buckets.handle(&request("GET", &format!("/{BUCKET}/{key}"), query, headers, ""))
}

fn delete(buckets: &Buckets, key: &str, query: &[(&str, &str)]) -> Reply {
    buckets.handle(&request("DELETE", &format!("/{BUCKET}/{key}"), query, &[], ""))
}

fn list(buckets: &Buckets, query: &[(&str, &str)]) -> String {
    let query = [&[("list-type", "2")], query].concat();
    text(&buckets.handle(&request("GET", &format!("/{BUCKET}"), &query, &[], ""))).to_owned()
}

fn values(document: &str, element: &str) -> Vec<String> {
    let (open, close) = (format!("<{element}>"), format!("</{element}>"));
    document.split(&open).skip(1).map(|rest| rest.split(&close).next().unwrap().to_owned()).collect()
}

#[test]
fn an_object_comes_back_as_it_was_stored() {
    let buckets = buckets();
    let sent = [
        ("content-type", "application/json"),
        ("content-encoding", "gzip,aws-chunked"),
        ("x-amz-meta-release", "r1"),
        ("x-amz-checksum-crc32", "AAAAAA=="),
    ];
    let stored = put(&buckets, "a/b c.json", &sent, "{}");
    assert_eq!(stored.status, 200);
    let read = get(&buckets, "a/b c.json", &[("x-id", "GetObject")], &[]);
    assert_eq!((read.status, text(&read)), (200, "{}"));
    assert_eq!(header(&read, "content-type"), Some("application/json"));
    assert_eq!(header(&read, "content-encoding"), Some("gzip"));
    assert_eq!(header(&read, "x-amz-meta-release"), Some("r1"));
    assert_eq!(header(&read, "last-modified"), Some("Mon, 23 Nov 2026 10:05:07 GMT"));
    assert_eq!(header(&read, "etag"), header(&stored, "etag"));
    assert_eq!(header(&read, "x-amz-version-id"), header(&stored, "x-amz-version-id"));
    assert_eq!(header(&read, "x-amz-checksum-crc32"), None, "a checksum that was not computed is not claimed");
    assert!(header(&read, "x-amz-request-id").is_some());
}

#[test]
fn an_entity_tag_is_32_quoted_hex_digits_and_follows_the_content() {
    let buckets = buckets();
    let tag = |body| header(&put(&buckets, "key", &[], body), "etag").unwrap().to_owned();
    let (first, second, again) = (tag("one"), tag("two"), tag("one"));
    assert!(first.len() == 34 && first.trim_matches('"').bytes().all(|byte| byte.is_ascii_hexdigit()));
    assert_ne!(first, second);
    assert_eq!(first, again);
}

#[test]
fn a_create_only_write_loses_to_an_object_but_not_to_a_delete_marker() {
    let buckets = buckets();
    let only_new = [("if-none-match", "*")];
    assert_eq!(put(&buckets, "head", &only_new, "1").status, 200);
    let second = put(&buckets, "head", &only_new, "2");
    assert_eq!(second.status, 412);
    assert!(text(&second).contains("<Code>PreconditionFailed</Code>"));
    assert_eq!(delete(&buckets, "head", &[]).status, 204);
    assert_eq!(put(&buckets, "head", &only_new, "3").status, 200);
    assert_eq!(buckets.get(BUCKET, "head").as_deref(), Some(&b"3"[..]));
    assert_eq!(put(&buckets, "head", &[("if-none-match", "\"tag\"")], "4").status, 501);
}

#[test]
fn a_swap_needs_the_tag_of_the_current_object() {
    let buckets = buckets();
    let absent = put(&buckets, "head", &[("if-match", "\"00\"")], "1");
    assert_eq!(absent.status, 404);
    assert!(text(&absent).contains("<Code>NoSuchKey</Code>"));
    let tag = header(&put(&buckets, "head", &[], "1"), "etag").unwrap().to_owned();
    assert_eq!(put(&buckets, "head", &[("if-match", &tag)], "2").status, 200);
    assert_eq!(put(&buckets, "head", &[("if-match", &tag)], "3").status, 412);
    assert_eq!(buckets.get(BUCKET, "head").as_deref(), Some(&b"2"[..]));
}

#[test]
fn a_deleted_key_is_gone_but_its_versions_stay() {
    let buckets = buckets();
    let version = header(&put(&buckets, "key", &[], "old"), "x-amz-version-id").unwrap().to_owned();
    let deleted = delete(&buckets, "key", &[]);
    assert_eq!(header(&deleted, "x-amz-delete-marker"), Some("true"));
    let marker = header(&deleted, "x-amz-version-id").unwrap().to_owned();

    let gone = get(&buckets, "key", &[], &[]);
    assert_eq!((gone.status, header(&gone, "x-amz-delete-marker")), (404, Some("true")));
    assert!(list(&buckets, &[]).contains("<KeyCount>0</KeyCount>"));
    assert_eq!(text(&get(&buckets, "key", &[("versionId", &version)], &[])), "old");
    assert_eq!(get(&buckets, "key", &[("versionId", &marker)], &[]).status, 405);
    let unknown = get(&buckets, "key", &[("versionId", "v0")], &[]);
    assert_eq!((unknown.status, text(&unknown).contains("NoSuchVersion")), (404, true));

    assert_eq!(delete(&buckets, "key", &[("versionId", &marker)]).status, 204);
    assert_eq!(text(&get(&buckets, "key", &[], &[])), "old");
}

#[test]
fn reads_heed_conditions_and_ranges() {
    let buckets = buckets();
    let tag = header(&put(&buckets, "key", &[], "0123456789"), "etag").unwrap().to_owned();
    let read = |name, value: &str| get(&buckets, "key", &[], &[(name, value)]);
    assert_eq!(read("if-none-match", &tag).status, 304);
    assert_eq!(read("if-none-match", "\"other\"").status, 200);
    assert_eq!(read("if-match", "\"other\"").status, 412);
    assert_eq!(read("if-match", &tag).status, 200);
    for (range, content, bytes) in [
        ("bytes=2-4", "bytes 2-4/10", "234"),
        ("bytes=8-", "bytes 8-9/10", "89"),
        ("bytes=-3", "bytes 7-9/10", "789"),
        ("bytes=5-99", "bytes 5-9/10", "56789"),
    ] {
        let part = read("range", range);
        assert_eq!((part.status, header(&part, "content-range"), text(&part)), (206, Some(content), bytes));
    }
    assert_eq!(read("range", "bytes=10-").status, 416);
    assert_eq!(read("range", "bytes=0-1,3-4").status, 200);
    assert_eq!(read("range", "lines=1-2").status, 200);
}

#[test]
fn what_is_not_served_is_refused_and_changes_nothing() {
    let buckets = buckets();
    assert_eq!(put(&buckets, "copy", &[("x-amz-copy-source", "/state/key")], "").status, 501);
    assert_eq!(buckets.handle(&request("POST", "/state/key", &[("uploads", "")], &[], "")).status, 501);
    assert_eq!(buckets.handle(&request("PUT", "/state/key", &[("partNumber", "1")], &[], "x")).status, 501);
    assert_eq!(buckets.handle(&request("GET", "/state", &[("acl", "")], &[], "")).status, 501);
    assert_eq!(put(&buckets, &"k".repeat(1_025), &[], "").status, 400);
    let many = "m".repeat(2_049);
    assert_eq!(put(&buckets, "key", &[("x-amz-meta-a", &many)], "").status, 400);
    assert_eq!(buckets.keys(BUCKET), Vec::<String>::new());
}

#[test]
fn a_bucket_of_another_account_is_refused_where_its_owner_is_expected() {
    let buckets = buckets();
    let expecting = |account| [(EXPECTED_OWNER, account)];
    assert_eq!(put(&buckets, "key", &expecting("123456789012"), "a").status, 200);
    buckets.give(BUCKET, "210987654321");
    let refused = get(&buckets, "key", &[], &expecting("123456789012"));
    assert!(refused.status == 403 && text(&refused).contains("<Code>AccessDenied</Code>"), "{refused:?}");
    assert_eq!(put(&buckets, "key", &expecting("123456789012"), "b").status, 403);
    assert_eq!(text(&get(&buckets, "key", &[], &expecting("210987654321"))), "a", "nothing was written");
}

#[test]
fn errors_escape_what_the_caller_sent() {
    let missing = buckets().handle(&request("GET", "/nowhere/<&>\"", &[], &[], ""));
    assert_eq!(missing.status, 404);
    assert!(text(&missing).contains("<Code>NoSuchBucket</Code>"));
    assert!(text(&missing).contains("<Resource>/nowhere/&lt;&amp;&gt;&quot;</Resource>"));
}

#[test]
fn buckets_are_made_named_and_located() {
    let buckets = buckets();
    let make = |name: &str| buckets.handle(&request("PUT", &format!("/{name}"), &[], &[], "")).status;
    assert_eq!((make("logs"), make("logs"), make("No_Name")), (200, 409, 400));
    let all = buckets.handle(&request("GET", "/", &[("x-id", "ListBuckets")], &[], ""));
    assert_eq!(values(text(&all), "Name"), ["logs", "state"]);
    let signed = [("authorization", "AWS4-HMAC-SHA256 Credential=AK/20261123/eu-west-1/s3/aws4_request, Signature=0")];
    let place = buckets.handle(&request("GET", "/logs", &[("location", "")], &signed, ""));
    assert!(text(&place).ends_with(">eu-west-1</LocationConstraint>"));
    assert_eq!(buckets.handle(&request("HEAD", "/logs", &[], &[], "")).status, 200);
    assert_eq!(buckets.handle(&request("HEAD", "/nowhere", &[], &[], "")).status, 404);
}

#[test]
fn operations_are_named_for_the_record_of_calls() {
    let named = |method, path, query: &[(&str, &str)]| Buckets::operation(&request(method, path, query, &[], ""));
    assert_eq!(named("PUT", "/state/a/b", &[]), ("PutObject", "state/a/b".to_owned()));
    assert_eq!(named("GET", "/state/", &[("list-type", "2")]), ("ListObjectsV2", "state/".to_owned()));
    assert_eq!(named("POST", "/state/a", &[("uploads", "")]), ("NotImplemented", "state/a".to_owned()));
}

#[test]
fn a_listing_is_in_binary_order_and_in_pages() {
    let buckets = buckets();
    for key in ["logs/b", "logs/é", "logs/Z", "logs/a", "other"] {
        assert!(buckets.put(BUCKET, key, Vec::new(), None));
    }
    let first = list(&buckets, &[("prefix", "logs/"), ("max-keys", "3")]);
    assert_eq!(values(&first, "Key"), ["logs/Z", "logs/a", "logs/b"]);
    assert_eq!(
        (values(&first, "KeyCount"), values(&first, "IsTruncated")),
        (vec!["3".to_owned()], vec!["true".to_owned()])
    );
    let token = values(&first, "NextContinuationToken").remove(0);
    let rest = list(&buckets, &[("prefix", "logs/"), ("continuation-token", &token), ("encoding-type", "url")]);
    assert_eq!(values(&rest, "Key"), ["logs/%C3%A9"]);
    assert_eq!(values(&rest, "IsTruncated"), ["false"]);
    let after = list(&buckets, &[("prefix", "logs/"), ("start-after", "logs/aa")]);
    assert_eq!(values(&after, "Key"), ["logs/b", "logs/é"]);
    assert!(list(&buckets, &[("continuation-token", "nonsense")]).contains("InvalidArgument"));
    assert!(list(&buckets, &[("max-keys", "-1")]).contains("InvalidArgument"));
    assert_eq!(values(&list(&buckets, &[("max-keys", "0")]), "IsTruncated"), ["false"]);
}

#[test]
fn a_delimiter_rolls_keys_up_and_pages_go_on_behind_a_rolled_up_prefix() {
    let buckets = buckets();
    for key in ["a/1", "a/2", "b", "c/1", "c/2/3"] {
        buckets.put(BUCKET, key, Vec::new(), None);
    }
    let all = list(&buckets, &[("delimiter", "/")]);
    assert_eq!(values(&all, "Key"), ["b"]);
    assert_eq!(values(&all, "CommonPrefixes"), ["<Prefix>a/</Prefix>", "<Prefix>c/</Prefix>"]);
    let mut seen = Vec::new();
    let mut token = None;
    loop {
        let mut query = vec![("delimiter", "/"), ("max-keys", "1")];
        query.extend(token.as_deref().map(|token| ("continuation-token", token)));
        let page = list(&buckets, &query);
        seen.extend(values(&page, "CommonPrefixes"));
        seen.extend(values(&page, "Key"));
        token = values(&page, "NextContinuationToken").into_iter().next();
        if token.is_none() {
            break;
        }
    }
    assert_eq!(seen, ["<Prefix>a/</Prefix>", "b", "<Prefix>c/</Prefix>"]);
}

#[test]
fn a_prefix_is_found_among_100_000_keys() {
    let buckets = buckets();
    for number in 0..100_000 {
        buckets.put(BUCKET, &format!("noise/{number:06}"), Vec::new(), None);
    }
    buckets.put(BUCKET, "task/1", Vec::new(), None);
    let found = list(&buckets, &[("prefix", "task/"), ("start-after", "task/0")]);
    assert_eq!(values(&found, "Key"), ["task/1"]);
    let rolled_up = list(&buckets, &[("delimiter", "/")]);
    assert_eq!(values(&rolled_up, "CommonPrefixes"), ["<Prefix>noise/</Prefix>", "<Prefix>task/</Prefix>"]);
}

#[tokio::test]
async fn the_sdk_stores_reads_and_lists() {
    let buckets = std::sync::Arc::new(buckets());
    let client = loopback::s3(&loopback::serve(move |request| buckets.handle(request)).await);
    for key in ["logs/a b+c.gz", "logs/<x>&", "logs/z"] {
        let body = ByteStream::from_static(b"content");
        let stored = client.put_object().bucket(BUCKET).key(key).body(body).metadata("by", "test");
        stored.content_encoding("gzip").send().await.unwrap();
    }
    let read = client.get_object().bucket(BUCKET).key("logs/<x>&").send().await.unwrap();
    assert_eq!(read.content_encoding(), Some("gzip"));
    assert_eq!(read.metadata().unwrap()["by"], "test");
    assert_eq!(&read.body.collect().await.unwrap().into_bytes()[..], b"content");
    let head = client.head_object().bucket(BUCKET).key("logs/z").send().await.unwrap();
    assert_eq!(head.content_length(), Some(7));

    let mut keys = Vec::new();
    let mut pages = client.list_objects_v2().bucket(BUCKET).prefix("logs/").max_keys(2).into_paginator().send();
    while let Some(page) = pages.next().await {
        keys.extend(page.unwrap().contents().iter().map(|object| object.key().unwrap().to_owned()));
    }
    assert_eq!(keys, ["logs/<x>&", "logs/a b+c.gz", "logs/z"]);
    let missing = client.get_object().bucket(BUCKET).key("none").send().await.unwrap_err();
    assert!(missing.into_service_error().is_no_such_key());
    let located = client.get_bucket_location().bucket(BUCKET).send().await.unwrap();
    assert_eq!(located.location_constraint().unwrap().as_str(), "ap-northeast-1");
    assert_eq!(client.list_buckets().send().await.unwrap().buckets().len(), 1);
}

#[tokio::test]
async fn the_versions_of_a_key_are_listed_the_newest_first() {
    let buckets = std::sync::Arc::new(buckets());
    let client = loopback::s3(&loopback::serve(move |request| buckets.handle(request)).await);
    for (key, body) in [("a", "1"), ("a", "22"), ("a2", "3"), ("b", "4")] {
        client.put_object().bucket(BUCKET).key(key).body(body.as_bytes().to_vec().into()).send().await.unwrap();
    }
    client.delete_object().bucket(BUCKET).key("a").send().await.unwrap();
    let list = || client.list_object_versions().bucket(BUCKET).prefix("a");
    let listed = list().send().await.unwrap();
    let sizes: Vec<_> =
        listed.versions().iter().map(|version| (version.key().unwrap(), version.size().unwrap())).collect();
    assert_eq!(sizes, [("a", 2), ("a", 1), ("a2", 1)]);
    let latest: Vec<_> = listed.versions().iter().map(|version| version.is_latest().unwrap()).collect();
    assert_eq!(latest, [false, false, true]);
    assert_eq!(listed.delete_markers().len(), 1);
    let first = list().max_keys(2).send().await.unwrap();
    assert!(first.is_truncated().unwrap() && first.versions().len() == 1);
}

#[tokio::test]
async fn one_of_many_racing_swaps_wins() {
    let buckets = std::sync::Arc::new(buckets());
    let client = loopback::s3(&loopback::serve(move |request| buckets.handle(request)).await);
    let put = |body: String| client.put_object().bucket(BUCKET).key("head").body(body.into_bytes().into());
    let created = join_all((0..8).map(|racer| put(racer.to_string()).if_none_match("*").send())).await;
    let (won, lost): (Vec<_>, Vec<_>) = created.into_iter().partition(Result::is_ok);
    assert_eq!((won.len(), lost.len()), (1, 7));
    for error in lost.into_iter().map(Result::unwrap_err) {
        assert_eq!(error.raw_response().map(|raw| raw.status().as_u16()), Some(412));
        assert_eq!(error.code(), Some("PreconditionFailed"));
    }
    let tag = won.into_iter().next().unwrap().unwrap().e_tag().unwrap().to_owned();
    let swapped = join_all((8..16).map(|racer| put(racer.to_string()).if_match(&tag).send())).await;
    assert_eq!(swapped.iter().filter(|swap| swap.is_ok()).count(), 1);
}
