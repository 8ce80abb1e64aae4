//! `verify`: checks a live service against its own logs, as a release would. It changes nothing in AWS.

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::{Duration, Instant};

use aws_config::SdkConfig;
use aws_sdk_ecs::config::ProvideCredentials as _;
use clap::Args;
use jiff::{SignedDuration, Timestamp};

use super::progress::line;
use super::{Unusable, configured_service, printable, runtime};
use crate::aws::{Aws, Failure};
use crate::config::{BucketOwners, Service, ServiceArn, Verify, parse_duration};
use crate::observe::live::read_live;
use crate::observe::logs::{self, Look};
use crate::plan::Live;
use crate::rollout::course::Course;
use crate::verify::checks::Checks;
use crate::verify::evidence::Evidence;
use crate::verify::verification::VerificationStatus;
use crate::verify::{Expectation, Proof, S3Output, expect_logs};
use crate::watch::logs::{Baseline, LogWatch, LookTime, SeenLogs};

/// Seconds between two looks.
const PAUSE: u64 = 10;
/// Seconds that one look may take where it alone decides.
const ONE_LOOK: u64 = 15;

#[derive(Debug, Args)]
pub(super) struct Arguments {
    /// The service: its ARN, or its name in the configuration.
    service: String,
    /// The configuration with the service's patterns, times and limits.
    #[arg(long, value_name = "FILE")]
    config: Option<PathBuf>,
    /// Only what was written since so long ago, such as `15m`; without it everything since the tasks began.
    #[arg(long, value_name = "DURATION", value_parser = seconds)]
    since: Option<u64>,
    /// How long to wait for what is missing; without it as long as the configuration and the output need, with `0s` one
    /// look decides.
    #[arg(long, value_name = "DURATION", value_parser = seconds)]
    timeout: Option<u64>,
    /// A regular expression that a record must match, beside those of the configuration.
    #[arg(long, value_name = "REGEX")]
    expect: Vec<String>,
    /// A regular expression that no record may match.
    #[arg(long, value_name = "REGEX")]
    forbid: Vec<String>,
    /// The container, where there is no configuration.
    #[arg(long, value_name = "NAME", default_value = "Main")]
    container: String,
    /// Show where it looks, and why there; what lies there is read once and judged by nobody.
    #[arg(long)]
    explain: bool,
    /// Print the verification as JSON.
    #[arg(long, conflicts_with = "explain")]
    json: bool,
}

fn seconds(text: &str) -> Result<u64, String> {
    let seconds = parse_duration(text).filter(|seconds| *seconds <= 24 * 3600);
    seconds.ok_or_else(|| "a whole number with a unit, such as `90s` or `15m`, up to `24h`".to_owned())
}

/// What is verified, and how.
struct Asked {
    arn: ServiceArn,
    container: String,
    verify: Verify,
    owners: BucketOwners,
}

pub(super) fn run(arguments: &Arguments) -> Result<ExitCode, Unusable> {
    let asked = Asked::of(arguments)?;
    #[expect(clippy::disallowed_methods, reason = "a person waits here, not a release")]
    let began = Instant::now();
    runtime()?.block_on(Box::pin(async {
        let aws = Aws::in_region(asked.arn.region()).await.expecting(asked.owners.clone());
        credentials(aws.config()).await?;
        let preparing = async {
            let live = read_live(&aws, &asked.arn).await?;
            let logs = expect(&aws, &live, &asked).await?;
            Ok::<_, Failure>((live, logs))
        };
        if !arguments.json && !arguments.explain {
            say!("{}", line(0, "reading", &format!("what {} runs", asked.arn.name())))?;
        }
        let limit = within(arguments.timeout.unwrap_or(asked.verify.timeout)).min(ANSWER);
        let prepared = tokio::time::timeout(Duration::from_secs(limit), preparing).await;
        let (live, mut logs) = prepared.map_err(|_| format!("AWS has not answered within {limit} s"))??;
        logs.timeout = arguments.timeout.unwrap_or(logs.timeout);
        if arguments.explain {
            return explain(&aws, arguments, &asked, &live, &logs).await;
        }
        let mut checks = asked.verify.checks()?;
        checks.require(&logs.outputs);
        follow(&aws, arguments, &asked, &live, &mut logs, &checks, began).await;
        let verification = logs.verification();
        match arguments.json {
            true => say!("{}", serde_json::to_string_pretty(&verification)?)?,
            false => say!("{} runs {}{verification}", asked.arn.name(), live.task_definition_arn)?,
        }
        Ok(match verification.status {
            VerificationStatus::Passed => ExitCode::SUCCESS,
            VerificationStatus::Failed | VerificationStatus::Inconclusive => ExitCode::from(1),
            _ => ExitCode::from(2),
        })
    }))
}

/// The seconds that whoever has the credentials may take.
const CREDENTIALS: Duration = Duration::from_secs(2);

/// The seconds that AWS may take to say what is live.
const ANSWER: u64 = 10;

/// Whether there are credentials; where there are none, the error says what was looked for.
async fn credentials(config: &SdkConfig) -> Result<(), Unusable> {
    let Some(provider) = config.credentials_provider() else { return Ok(()) };
    let reason = match tokio::time::timeout(CREDENTIALS, provider.provide_credentials()).await {
        Ok(Ok(_)) => return Ok(()),
        Ok(Err(error)) => reason(&error),
        Err(_) => format!("no answer within {} s", CREDENTIALS.as_secs()),
    };
    #[expect(clippy::disallowed_methods, reason = "which profile the SDK was told to use")]
    let profile = std::env::var("AWS_PROFILE").ok().filter(|profile| !profile.is_empty());
    let what = profile.map_or_else(
        || "there are no credentials".to_owned(),
        |profile| format!("the profile `{}` gives no credentials", printable(&profile)),
    );
    Err(format!(
        "{what} ({reason}); log in with `aws login` or `aws sso login`, or set AWS_PROFILE, or AWS_ACCESS_KEY_ID and \
         AWS_SECRET_ACCESS_KEY"
    )
    .into())
}

/// The last cause of an error, which is what somebody can do something about.
fn reason(error: &dyn std::error::Error) -> String {
    let causes = std::iter::successors(Some(error), |error| error.source());
    printable(&causes.last().map_or_else(String::new, ToString::to_string))
}

impl Asked {
    fn of(arguments: &Arguments) -> Result<Self, Unusable> {
        let mut asked = if let Some(path) = &arguments.config {
            let (service, owners) = configured_service(path, Some(&arguments.service))?;
            let Service { arn, container, verify, .. } = service;
            Self { arn, container, verify, owners }
        } else {
            let arn = ServiceArn::parse(&arguments.service)
                .map_err(|reason| format!("{reason}; a name alone needs --config"))?;
            let owners = BucketOwners { account: arn.account().to_owned(), ..BucketOwners::default() };
            Self { arn, container: arguments.container.clone(), verify: Verify::default(), owners }
        };
        asked.verify.expect.extend(arguments.expect.iter().cloned());
        asked.verify.forbid.extend(arguments.forbid.iter().cloned());
        Ok(asked)
    }
}

/// What to look for; while a deployment is on, also in the logs of the revision that still serves, by its own
/// definition.
async fn expect(aws: &Aws, live: &Live, asked: &Asked) -> Result<LogWatch, Failure> {
    let expected = |definition| expect_logs(definition, &asked.container, &asked.verify.containers);
    let mut logs = LogWatch::new(&expected(&live.definition), &asked.verify);
    logs.bound(Course::default().longest_timeout());
    if let (true, Some(_), Some(serving)) = (logs.is_open(), asked.verify.compare, &live.serving) {
        let definition = aws.task_definition(asked.arn.region(), serving).await?;
        if let Expectation::Logs(outputs) = expected(&definition) {
            let (task_definition_arn, evidence) = (serving.clone(), Evidence::default());
            logs.old = Some(Baseline { task_definition_arn, outputs, evidence });
        }
    }
    Ok(logs)
}

/// Looks until there is a verdict or the time is over, whatever AWS does meanwhile.
async fn follow(
    aws: &Aws,
    arguments: &Arguments,
    asked: &Asked,
    live: &Live,
    logs: &mut LogWatch,
    checks: &Checks,
    began: Instant,
) {
    let since = since(aws, arguments);
    let say = |elapsed: u64, what: &str, detail: &str| {
        if !arguments.json {
            // The verdict at the end tells that nothing can be printed.
            say!("{}", line(elapsed, what, detail)).unwrap_or_default();
        }
    };
    let mut is_first = true;
    while logs.is_open() {
        let elapsed = began.elapsed().as_secs();
        let left = logs.timeout.saturating_sub(elapsed);
        let look = Look { logs, task_definition_arn: &live.task_definition_arn, since, elapsed };
        let limit = Duration::from_secs(if logs.timeout == 0 { ONE_LOOK } else { left.max(1) });
        let looked = tokio::time::timeout(limit, logs::look(aws, &asked.arn, look, checks)).await;
        let elapsed = began.elapsed().as_secs();
        let seen = match looked {
            Ok(seen) => seen,
            Err(_) if is_first => return logs.give_up(format!("AWS has not answered within {elapsed} s")),
            // What was seen before decides.
            Err(_) => logs.seen_before(),
        };
        is_first = false;
        // Somebody sits here who can do something about it now.
        if let SeenLogs::Trouble { reason, needs_somebody: true, .. } = seen {
            say(elapsed, "logs unreadable", &reason);
            return logs.give_up(reason);
        }
        let has_no_task = matches!(seen, SeenLogs::NoTask);
        if has_no_task && elapsed >= logs.timeout {
            let definition = &live.task_definition_arn;
            return logs.give_up(format!("no task of {definition} has started within {elapsed} s"));
        }
        let trouble = if let SeenLogs::Trouble { reason, .. } = &seen { Some(reason.clone()) } else { None };
        let moment = LookTime { elapsed, is_canary: false, is_through: true, bake: None, shifted: Some(u64::MAX) };
        let changes = logs.observe(seen, checks, moment);
        logs.count_from_start();
        for (what, detail) in &changes {
            say(elapsed, what, detail);
        }
        if !logs.is_open() {
            return;
        }
        let left = logs.timeout.saturating_sub(elapsed);
        if left == 0 {
            return logs.give_up(match trouble {
                Some(reason) => format!("the logs could not be looked at within {elapsed} s: {reason}"),
                None if has_no_task => {
                    format!("no task of {} has started within {elapsed} s", live.task_definition_arn)
                }
                None => format!("nothing was decided within {elapsed} s"),
            });
        }
        if changes.is_empty() {
            let seen =
                trouble.unwrap_or_else(|| if has_no_task { "no task runs yet".to_owned() } else { logs.progress() });
            say(elapsed, "waiting", &format!("{seen}; {left} s left"));
        }
        #[expect(clippy::disallowed_methods, reason = "a person waits here, not a release")]
        tokio::time::sleep(Duration::from_secs(PAUSE.min(left))).await;
    }
}

/// The time in which AWS has to answer: with `0s` one look decides, and gets the time that it needs.
fn within(timeout: u64) -> u64 {
    if timeout == 0 { ONE_LOOK } else { timeout }
}

fn since(aws: &Aws, arguments: &Arguments) -> Option<Timestamp> {
    let ago = SignedDuration::from_secs(i64::try_from(arguments.since?).ok()?);
    aws.clock().now().checked_sub(ago).ok()
}

async fn explain(
    aws: &Aws,
    arguments: &Arguments,
    asked: &Asked,
    live: &Live,
    logs: &LogWatch,
) -> Result<ExitCode, Unusable> {
    say!("{} runs {}", asked.arn.name(), live.task_definition_arn)?;
    if let Some((_, reason)) = logs.verdict() {
        say!("nothing can be looked for: {reason}")?;
        return Ok(ExitCode::from(2));
    }
    let tasks = aws.tasks(&asked.arn).await?;
    let since = since(aws, arguments);
    let look = Look { logs, task_definition_arn: &live.task_definition_arn, since, elapsed: 0 };
    let places = look.target(&tasks).places(aws.clock().now());
    for output in &logs.outputs {
        explain_output(output)?;
        let ours = places.iter().filter(|place| std::ptr::eq(place.output, output));
        let mut count = 0;
        for place in ours {
            count += 1;
            let behind = place.search.start_after.as_ref().map_or_else(String::new, |key| format!(" behind {key}"));
            say!("  look at  s3://{}/{}{behind}", output.bucket, place.search.prefix)?;
        }
        if count == 0 {
            say!("  no task of this revision runs, so there is nowhere to look yet")?;
        }
    }
    let checks = asked.verify.checks()?;
    if let SeenLogs::Read { evidence, .. } = logs::look(aws, &asked.arn, look, &checks).await {
        explain_records(evidence.counted(), &asked.verify)?;
    }
    Ok(ExitCode::SUCCESS)
}

fn explain_output(output: &S3Output) -> io::Result<()> {
    let format = output.key_format.as_str();
    say!("container {}: bucket {} in {}, keys {format}", output.container, output.bucket, output.region)?;
    let why = if output.key_format.names_task(&output.container) {
        "the key names the task, so its objects are its own"
    } else {
        "the key does not name the task, so every object of the time is opened and its records decide"
    };
    say!("  why      {why}")?;
    let proof = match output.proof {
        Proof::ByMetadata => "records name their revision (`ecs_task_definition`)",
        Proof::ByKey => "the task id in the key; the records name no revision",
    };
    say!("  proof    {proof}")?;
    let (timeout, after) = (output.upload_timeout, output.first_object_after());
    say!("  when     within {after} s of a line: Fluent Bit uploads after {timeout} s at the latest")
}

/// What lies there now, and by which row of the table the first error is one.
fn explain_records(evidence: &Evidence, verify: &Verify) -> io::Result<()> {
    say!("records    {}", evidence.levels)?;
    if let Some(error) = evidence.errors.first() {
        let row = error.row.as_deref().unwrap_or_default();
        say!("  error    by row `{row}` of docs/log-levels.md: {}", error.text)?;
    }
    if !verify.ignore_levels.is_empty() {
        say!("  ignored  the rows {}", verify.ignore_levels.join(", "))?;
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::aws::Clock;
    use crate::aws::ecs::Task;
    use crate::observe::logs::{Target, read};
    use crate::task_definition::TaskDefinition;
    use crate::verify::compare::Compare;
    use sandbox::{Options, Sandbox};

    const DEFINITION: &str = "arn:aws:ecs:ap-northeast-1:123456789012:task-definition/web:6";

    #[tokio::test]
    async fn a_hundred_tasks_are_read_with_at_most_16_requests_in_flight_and_each_object_once() {
        let options = Options { latency: Duration::from_millis(3), ..Options::default() };
        let sandbox = Sandbox::start(options).await.unwrap();
        let clock = sandbox.clock();
        let aws = Aws::new(sandbox.sdk_config(), Clock::from_fn(move || clock.now()));
        let definition = include_bytes!("../../events/task-definitions/firelens.json");
        let Expectation::Logs(outputs) = expect_logs(&TaskDefinition::parse(definition).unwrap(), "Main", &[]) else {
            panic!("the definition logs to S3");
        };
        let tasks: Vec<Task> = (0..100).map(|number| task(number, aws.clock().now())).collect();
        for task in &tasks {
            let key = format!("logs/Main-firelens-{}/2026/11/23/10/00/a1B2c3D4.gz", task.id);
            let record = br#"{"log":"hello","ecs_task_definition":"web:6"}"#;
            sandbox.put_object("your-log-bucket", &key, record.to_vec());
        }
        let target =
            Target { outputs: &outputs, task_definition_arn: DEFINITION, tasks: &tasks, since: None, elapsed: 0 };
        let checks = Checks::default().counting();
        let mut evidence = read(&aws, target, &checks, Evidence::default()).await.unwrap();
        assert_eq!((evidence.records, evidence.objects), (100, 100));
        assert!((8..=16).contains(&sandbox.most_under_way()), "{}", sandbox.most_under_way());

        evidence = read(&aws, target, &checks, evidence).await.unwrap();
        let count = |operation: &str| sandbox.calls().iter().filter(|call| call.operation == operation).count();
        assert_eq!((count("ListObjectsV2"), count("GetObject")), (200, 100));
        assert_eq!(evidence.records, 100);
    }

    #[tokio::test]
    async fn the_old_revision_is_read_by_its_own_definition() {
        let sandbox = Sandbox::start(Options::default()).await.unwrap();
        let clock = sandbox.clock();
        let aws = Aws::new(sandbox.sdk_config(), Clock::from_fn(move || clock.now()));
        let verify = Verify { compare: Some(Compare::default()), ..Verify::default() };
        let arn = "arn:aws:ecs:ap-northeast-1:123456789012:service/default/express-mode-custom-td-f9de";
        let asked = Asked {
            arn: ServiceArn::parse(arn).unwrap(),
            container: "Main".to_owned(),
            verify,
            owners: BucketOwners::default(),
        };
        let live = read_live(&aws, &asked.arn).await.unwrap();
        assert_eq!(expect(&aws, &live, &asked).await.unwrap().old, None, "nothing is on its way");

        let text = live.definition.to_json().replace("/logs/$TAG", "/moved/$TAG");
        let moved = TaskDefinition::parse(text.as_bytes()).unwrap();
        let next = aws.register(asked.arn.region(), &moved).await.unwrap();
        aws.update(&asked.arn, &next).await.unwrap();
        let live = read_live(&aws, &asked.arn).await.unwrap();
        let logs = expect(&aws, &live, &asked).await.unwrap();
        let baseline = logs.old.unwrap();
        let formats = [&logs.outputs, &baseline.outputs].map(|outputs| outputs[0].key_format.as_str().to_owned());
        assert!(formats[0].starts_with("/moved/$TAG") && formats[1].starts_with("/logs/$TAG"), "{formats:?}");
        assert_ne!(baseline.task_definition_arn, live.task_definition_arn);
    }

    fn task(number: u32, now: Timestamp) -> Task {
        Task {
            definition_arn: DEFINITION.to_owned(),
            arn: format!("arn:aws:ecs:ap-northeast-1:123456789012:task/default/{number:032x}"),
            id: format!("{number:032x}"),
            has_started: true,
            created: Some(now),
        }
    }
}
