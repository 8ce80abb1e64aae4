//! What reading log objects costs: records decoded, read and matched, beside the decompression alone and beside a plain
//! JSON parse of each line, and the memory that a very large object takes. It prints and judges nothing.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::panic,
    clippy::cast_precision_loss,
    clippy::disallowed_methods,
    reason = "a benchmark prints what it measured by the real clock, and ends at the first thing that is not as expected"
)]

use std::fmt::Write as _;
use std::hint::black_box;
use std::io::{BufRead, Read as _, Write as _};
use std::time::{Duration, Instant};

use express_deployer::config::Config;
use express_deployer::task_definition::TaskDefinition;
use express_deployer::verify::checks::Checks;
use express_deployer::verify::evidence::{Evidence, Object};
use express_deployer::verify::reading::Reading;
use express_deployer::verify::{Expectation, Revision, S3Output, Writers, expect_logs};
use flate2::Compression;
use flate2::write::GzEncoder;
use serde_json::Value;

const TASK: &str = "1f2e3d4c5b6a79880123456789abcdef";
/// Decoded bytes of the object that is timed.
const DECODED: usize = 48 << 20;
/// How much is inflated at a time where nothing else is done, as much as by the reader.
const WINDOW: usize = 128 << 10;
/// The bytes in which an object arrives.
const CHUNK: usize = 16 << 10;

fn main() {
    let text = records(DECODED);
    let zipped = gzip(&text);
    println!("{} MB of records, {} kB as gzip", text.len() >> 20, zipped.len() >> 10);
    let zstd = ruzstd::encoding::compress_to_vec(text.as_slice(), ruzstd::encoding::CompressionLevel::Fastest);
    let snappy = snap::raw::Encoder::new().compress_vec(&text).unwrap();
    let [alone, ours, .., simple] = measure(
        text.len(),
        [
            ("gzip, decompression alone", &|| decompress(&zipped)),
            ("gzip, decoded, read and matched", &|| verify(&zipped)),
            ("plain, read and matched", &|| verify(&text)),
            ("zstd, decoded, read and matched", &|| verify(&zstd)),
            ("snappy, decoded, read and matched", &|| verify(&snappy)),
            ("plain, a JSON value for each line", &|| parse(text.as_slice())),
            ("gzip, a JSON value for each line", &|| {
                parse(std::io::BufReader::new(flate2::read::GzDecoder::new(zipped.as_slice())))
            }),
        ],
    );
    println!(
        "decoded, read and matched: {:.2} of decompression alone (at least 0.45), {:.1} times a JSON value for each line (at least 3), \
         {:.0} MB/s (at least 250)",
        alone.as_secs_f64() / ours.as_secs_f64(),
        simple.as_secs_f64() / ours.as_secs_f64(),
        text.len() as f64 / 1e6 / ours.as_secs_f64()
    );
    drop((zipped, zstd, snappy, text));
    measure_mixed();
    let before = memory("VmRSS");
    reset_peak();
    let gone = large_object();
    if let (Some(before), Some(peak)) = (before, memory("VmHWM")) {
        println!(
            "an object of {} MB: {} kB of memory at the most (at most 32 MB)",
            gone >> 20,
            peak.saturating_sub(before)
        );
    }
}

/// The same for an object into which ten frameworks log, with their errors and stack traces.
fn measure_mixed() {
    let text = envelopes(DECODED, mixed_line);
    let zipped = gzip(&text);
    println!("{} MB of ten frameworks' records, {} kB as gzip", text.len() >> 20, zipped.len() >> 10);
    let [alone, ours, simple] = measure(
        text.len(),
        [
            ("gzip, decompression alone", &|| decompress(&zipped)),
            ("gzip, decoded, read and matched", &|| verify(&zipped)),
            ("gzip, a JSON value for each line", &|| {
                parse(std::io::BufReader::new(flate2::read::GzDecoder::new(zipped.as_slice())))
            }),
        ],
    );
    println!(
        "ten frameworks: {:.2} of decompression alone (at least 0.25), {:.1} times a JSON value for each line (at least 1.5)",
        alone.as_secs_f64() / ours.as_secs_f64(),
        simple.as_secs_f64() / ours.as_secs_f64(),
    );
}

/// A line of one of ten frameworks.
fn mixed_line(number: u64, mixed: u64) -> String {
    let (second, path) = (number / 40 % 60, mixed >> 40);
    match number % 20 {
        0 | 1 => format!(
            r#"{{\"level\":30,\"time\":1795415566{:03},\"pid\":1,\"hostname\":\"ip-10-0-1-7\",\"reqId\":\"{mixed:016x}\",\"msg\":\"request completed\"}}"#,
            number % 1000
        ),
        2 | 3 => format!(
            "2026-11-23T06:32:{second:02}.{:03}Z  INFO 1 --- [shop] [nio-8080-exec-{}] o.s.web.OrderController : order {path} was paid",
            number % 1000,
            mixed >> 60
        ),
        4 | 5 => format!("[2026-11-23 06:32:{second:02} +0000] [{}] [INFO] worker took job {path}", mixed >> 58),
        6 | 7 => format!(
            r#"time=2026-11-23T06:32:{second:02}Z level=INFO msg=\"cache refreshed\" entries={path} trace={mixed:016x}"#
        ),
        8 | 9 => format!("I1123 06:32:{second:02}.{:06}       1 sync.go:42] synced {path}", mixed % 1_000_000),
        10 | 11 => format!(
            "[Nest] 1  - 11/23/2026, 6:32:{second:02} AM     LOG [Orders] order {path} was paid +{}ms",
            mixed >> 58
        ),
        12 | 13 => format!(
            "[2026-11-23 06:32:{second:02}] production.INFO: order {path} was paid {{\\\"user\\\":{}}}",
            mixed >> 52
        ),
        14 => format!(
            "10.0.{}.7 - - [23/Nov/2026:06:32:{second:02} +0000] \\\"GET /orders/{path} HTTP/1.1\\\" 200 12",
            mixed >> 58
        ),
        15 | 16 => format!("info: Microsoft.Hosting.Lifetime[{}] order {path} was paid", mixed >> 60),
        17 => format!("TypeError: Cannot read properties of undefined (reading 'id{}')", mixed >> 60),
        18 => "    at Orders.pay (/srv/orders.js:41:9)".to_owned(),
        _ => format!("E, [2026-11-23T06:32:{second:02}.123456 #1] ERROR -- : order {path} failed"),
    }
}

/// The fastest of several runs of each, printed as MB of decoded text in a second. They take turns, so that a slow
/// moment of the machine does not fall on one of them alone.
fn measure<const N: usize>(bytes: usize, runs: [(&str, &dyn Fn() -> u64); N]) -> [Duration; N] {
    let mut fastest = [Duration::MAX; N];
    for _ in 0..15 {
        for ((_, run), fastest) in runs.iter().zip(&mut fastest) {
            let began = Instant::now();
            black_box(run());
            *fastest = began.elapsed().min(*fastest);
        }
    }
    for ((what, _), time) in runs.iter().zip(fastest) {
        println!("{what:34}{:8.0} MB/s", bytes as f64 / 1e6 / time.as_secs_f64());
    }
    fastest
}

/// Records as FireLens writes them, from a service that does several things. The log driver packs a Go map, whose order
/// is another one for each record; the date comes first, and last what FireLens adds.
fn records(bytes: usize) -> Vec<u8> {
    envelopes(bytes, usual_line)
}

/// A line of a service that does several things.
fn usual_line(number: u64, mixed: u64) -> String {
    let (second, path) = (number / 40 % 60, mixed >> 40);
    match number % 8 {
        0 => format!(
            r#"{{\"level\":\"info\",\"msg\":\"request\",\"path\":\"/orders/{path}\",\"status\":200,\"ms\":{},\"trace_id\":\"{mixed:016x}\"}}"#,
            mixed >> 56
        ),
        1 => format!("2026-11-23T06:32:{second:02}.{:03}Z  INFO web::orders: order {path} was paid", number % 1000),
        2 => format!(r#"level=info msg=\"cache refreshed\" entries={path} took={}ms trace={mixed:016x}"#, mixed >> 58),
        3 => format!("10.0.{}.{} - - \\\"GET /orders/{path} HTTP/1.1\\\" 200 {}", mixed >> 58, mixed >> 57, path),
        4 => format!("[2026-11-23 06:32:{second:02}] [info] worker {} took job {path} from the queue", mixed >> 60),
        _ => {
            format!("GET /healthz 200 in {} us, {path} open connections, pool of {} idle", mixed >> 52, mixed >> 59)
        }
    }
}

/// Lines in records as FireLens writes them, up to a size.
fn envelopes(bytes: usize, line: impl Fn(u64, u64) -> String) -> Vec<u8> {
    let mut text = String::with_capacity(bytes + 1024);
    let mut number = 0_u64;
    while text.len() < bytes {
        let mixed = number.wrapping_mul(0x9e37_79b9_7f4a_7c15);
        let second = number / 40 % 60;
        let log = line(number, mixed);
        let members = [
            format!(r#""container_id":"{TASK}-3141592653""#),
            r#""container_name":"Main""#.to_owned(),
            r#""source":"stdout""#.to_owned(),
            format!(r#""log":"{log}""#),
        ];
        write!(text, r#"{{"date":"2026-11-23T06:32:{second:02}.{:06}Z""#, mixed % 1_000_000).unwrap();
        let (mut open, mut order) = (members.to_vec(), (mixed >> 32) as usize);
        while !open.is_empty() {
            let next = order % open.len();
            order /= open.len();
            write!(text, ",{}", open.remove(next)).unwrap();
        }
        writeln!(
            text,
            r#","ecs_cluster":"default","ecs_task_arn":"arn:aws:ecs:ap-northeast-1:123456789012:task/default/{TASK}","ecs_task_definition":"web:6"}}"#
        )
        .unwrap();
        number += 1;
    }
    text.into_bytes()
}

fn gzip(text: &[u8]) -> Vec<u8> {
    let mut encoder = GzEncoder::new(Vec::new(), Compression::default());
    encoder.write_all(text).unwrap();
    encoder.finish().unwrap()
}

fn decompress(zipped: &[u8]) -> u64 {
    let (mut decoder, mut window) = (flate2::read::GzDecoder::new(zipped), vec![0; WINDOW]);
    let mut read = 0;
    loop {
        match decoder.read(&mut window).unwrap() {
            0 => return read,
            bytes => read += bytes as u64,
        }
    }
}

fn output() -> S3Output {
    let definition = include_bytes!("../events/task-definitions/firelens.json");
    match expect_logs(&TaskDefinition::parse(definition).unwrap(), "Main", &[]) {
        Expectation::Logs(mut outputs) => outputs.remove(0),
        other => panic!("{other:?}"),
    }
}

/// The patterns of the example configuration, with one that only comes late, so that every record is held against all
/// of them.
fn checks() -> Checks {
    let config = Config::parse(include_str!("../deployer.example.toml")).unwrap();
    let mut verify = config.services[0].verify.clone();
    verify.expect = vec!["order 11111111 was paid".to_owned()];
    verify.checks().unwrap()
}

/// An object through everything that a verification does with it.
fn verify(body: &[u8]) -> u64 {
    let evidence = read(body.chunks(CHUNK));
    assert!(evidence.flaws.is_empty() && evidence.records > 100_000, "{evidence:?}");
    evidence.records
}

fn read(chunks: impl Iterator<Item = impl AsRef<[u8]>>) -> Evidence {
    let (output, checks, revision) = (output(), checks(), Revision::parse("web:6").unwrap());
    let tasks = [format!("arn:aws:ecs:ap-northeast-1:123456789012:task/default/{TASK}")];
    let writers = Writers { revision: &revision, tasks: &tasks };
    let mut evidence = Evidence::default();
    let key = format!("logs/Main-firelens-{TASK}/2026/11/23/06/32/a1B2c3D4.gz");
    let object = Object { task: TASK, key: &key, etag: "etag" };
    let mut reading = Reading::new(&mut evidence, &checks, &output, &writers, object);
    for chunk in chunks {
        reading.push(chunk.as_ref());
    }
    reading.finish();
    evidence
}

/// What somebody would write first.
fn parse(text: impl BufRead) -> u64 {
    let mut found = 0;
    for line in text.lines() {
        let record: Value = serde_json::from_str(&line.unwrap()).unwrap();
        let log = record["log"].as_str().unwrap_or_default();
        found += u64::from(record["ecs_task_definition"] == "web:6" && !log.contains("panicked at"));
    }
    found
}

/// Reads an object of half a gigabyte that is made as it is read; the verification stops at its own limit and takes the
/// rest unread.
fn large_object() -> u64 {
    let part = gzip(&records(1 << 20));
    let parts = 512;
    read((0..parts).map(|_| &part));
    parts << 20
}

/// A line of `/proc/self/status` in kB (Linux only).
fn memory(line: &str) -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status.lines().find_map(|text| text.strip_prefix(line)?.strip_prefix(':'))?;
    line.split_whitespace().next()?.parse().ok()
}

/// Lets the kernel forget the peak so far.
fn reset_peak() {
    let _ = std::fs::write("/proc/self/clear_refs", "5");
}
