//! What checking task definitions costs beside parsing them: one document of the largest size, a thousand typical ones
//! in a row, and a thousand files through the real tool, with the memory that it takes. It prints and judges nothing.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    reason = "a benchmark prints what it measured by the real clock, and ends at the first thing that is not as expected"
)]

use std::fmt::Write as _;
use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::{Duration, Instant};

use express_deployer::task_definition::{MAX_DOCUMENT, TaskDefinition};
use express_deployer::validate::{Origin, Subject, validate};

fn main() {
    let (largest, typical) = (largest(), std::fs::read("tests/fixtures/task-definitions/firelens-s3.json").unwrap());
    println!("                                    parse      parse and check    ratio    at most");
    report("a document of 64 KiB", &largest, 1, "2 ms, ratio 10");
    report("1,000 documents of 2 kB", &typical, 1_000, "1 s, ratio 10");
    let folder = tempfile::tempdir().unwrap();
    for count in [100, 1_000] {
        let files = files(folder.path(), count);
        check_with_the_tool(&files);
        let (time, peak) = check_with_the_tool(&files);
        let peak = peak.map_or("?".to_owned(), |peak| peak.to_string());
        println!("the tool, {count:5} files {:31.2} ms    peak {peak} kB    at most 1 s", time.as_secs_f64() * 1e3);
    }
}

/// Files as people have them: every document among the fixtures that passes or fails a rule, again and again.
fn files(folder: &Path, count: usize) -> Vec<PathBuf> {
    let found =
        walkdir::WalkDir::new("tests/fixtures/rules").sort_by_file_name().into_iter().map(|entry| entry.unwrap());
    let is_document = |entry: &walkdir::DirEntry| {
        let name = entry.file_name().to_str().unwrap();
        (name.starts_with("bad") || name.starts_with("good"))
            && Path::new(name).extension().is_some_and(|end| end == "json")
    };
    let known: Vec<PathBuf> = found.filter(is_document).map(walkdir::DirEntry::into_path).collect();
    let copy = |number: usize| {
        let to = folder.join(format!("{number:05}.json"));
        std::fs::copy(&known[number % known.len()], &to).unwrap();
        to
    };
    (0..count).map(copy).collect()
}

/// The time from the start of the process to its end, and the most memory that it was seen to have, in kB (Linux only).
fn check_with_the_tool(files: &[PathBuf]) -> (Duration, Option<u64>) {
    let began = Instant::now();
    let mut command = Command::new(env!("CARGO_BIN_EXE_express-deployer"));
    let mut child = command.arg("check").args(files).stdout(Stdio::null()).stderr(Stdio::null()).spawn().unwrap();
    let mut peak = None;
    loop {
        let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap_or_default();
        let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:"));
        peak = line.and_then(|line| line.split_whitespace().next()?.parse().ok()).or(peak);
        if child.try_wait().unwrap().is_some() {
            return (began.elapsed(), peak);
        }
        std::thread::sleep(Duration::from_millis(1));
    }
}

fn report(what: &str, text: &[u8], documents: u32, bound: &str) {
    let parsing = median(|| {
        for _ in 0..documents {
            black_box(TaskDefinition::parse(text).unwrap());
        }
    });
    let checking = median(|| {
        for _ in 0..documents {
            let definition = TaskDefinition::parse(text).unwrap();
            black_box(validate(&subject(&definition)));
        }
    });
    let (parse, check) = (parsing.as_secs_f64() * 1e3, checking.as_secs_f64() * 1e3);
    println!("{what:26}{parse:12.2} ms{check:17.2} ms{:9.1}    {bound}", check / parse);
}

/// The median of several runs, after one that warms up.
fn median(mut run: impl FnMut()) -> Duration {
    run();
    let mut times: Vec<Duration> = (0..15)
        .map(|_| {
            let began = Instant::now();
            run();
            began.elapsed()
        })
        .collect();
    times.sort_unstable();
    times[times.len() / 2]
}

fn subject(definition: &TaskDefinition) -> Subject<'_> {
    Subject {
        definition,
        container: "Main",
        images: &[],
        origin: Origin::Uploaded,
        guard: None,
        verify_timeout: Some(600),
        verify_containers: &[],
    }
}

/// Ten containers with as many variables as fit.
fn largest() -> Vec<u8> {
    let mut text = String::from(
        r#"{"family":"web","requiresCompatibilities":["FARGATE"],"networkMode":"awsvpc","cpu":"256","memory":"512","executionRoleArn":"arn:aws:iam::123456789012:role/ecsTaskExecutionRole","containerDefinitions":["#,
    );
    for container in 0..10 {
        let name = if container == 0 { "Main".to_owned() } else { format!("sidecar-{container}") };
        let before = if container == 0 { "" } else { "," };
        write!(
            text,
            r#"{before}{{"name":"{name}","image":"123456789012.dkr.ecr.eu-west-1.amazonaws.com/web:1.{container}","portMappings":[{{"containerPort":{port},"name":"p{container}"}}],"logConfiguration":{{"logDriver":"awslogs","options":{{"awslogs-group":"/web","awslogs-region":"eu-west-1","awslogs-stream-prefix":"{name}"}}}},"environment":["#,
            port = 8080 + container
        )
        .unwrap();
        for variable in 0.. {
            if text.len() > MAX_DOCUMENT * (container + 1) / 10 - 200 {
                break;
            }
            let before = if variable == 0 { "" } else { "," };
            write!(text, r#"{before}{{"name":"SETTING_{variable}","value":"a value of some length {variable:04}"}}"#)
                .unwrap();
        }
        text.push_str("]}");
    }
    text.push_str("]}");
    assert!(text.len() <= MAX_DOCUMENT && text.len() > MAX_DOCUMENT - 2_000, "{}", text.len());
    text.into_bytes()
}
