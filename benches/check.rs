//! What checking task definitions costs beside parsing them: one document of the largest size, and a thousand typical ones in a row. It prints
//! and judges nothing.

#![expect(
    clippy::print_stdout,
    clippy::unwrap_used,
    clippy::disallowed_methods,
    reason = "a benchmark prints what it measured by the real clock, and ends at the first thing that is not as expected"
)]

use std::fmt::Write as _;
use std::hint::black_box;
use std::time::{Duration, Instant};

use express_deployer::task_definition::{MAX_DOCUMENT, TaskDefinition};
use express_deployer::validate::{Origin, Subject, validate};

fn main() {
    let (largest, typical) = (largest(), std::fs::read("tests/fixtures/task-definitions/firelens-s3.json").unwrap());
    println!("                                    parse      parse and check    ratio    at most");
    report("a document of 64 KiB", &largest, 1, "2 ms, ratio 10");
    report("1,000 documents of 2 kB", &typical, 1_000, "1 s, ratio 10");
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
        allowed_roles: None,
        allowed_registries: None,
        verify_timeout: Some(600),
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
