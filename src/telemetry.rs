//! What the function writes to standard output, which is where CloudWatch Logs reads: log lines and metric lines. It
//! decides nothing about their contents.

use std::io::Write as _;

use lambda_runtime::tracing::{self, subscriber::filter::LevelFilter};

/// Logs in the format and from the level that the function's logging configuration says (`AWS_LAMBDA_LOG_FORMAT`,
/// `AWS_LAMBDA_LOG_LEVEL`), as the runtime's own default does, but by level alone: that default takes directives per
/// module too, and carries regular expressions for them.
pub fn write_logs() {
    #[expect(clippy::disallowed_methods, reason = "the environment is read once, at the start")]
    let variable = |name: &str| std::env::var(name).ok();
    let level = variable("AWS_LAMBDA_LOG_LEVEL").or_else(|| variable("RUST_LOG"));
    let level = level.and_then(|level| level.parse().ok()).unwrap_or(LevelFilter::INFO);
    let subscriber = tracing::subscriber::fmt().with_target(false).without_time().with_max_level(level);
    if variable("AWS_LAMBDA_LOG_FORMAT").is_some_and(|format| format.eq_ignore_ascii_case("json")) {
        subscriber.json().init();
    } else {
        subscriber.init();
    }
}

/// Writes one metric line as it is, so that the embedded metric format is found.
pub fn write_metric(line: &str) {
    let written = writeln!(std::io::stdout().lock(), "{line}");
    if let Err(error) = written {
        ::tracing::warn!(%error, "a metric line could not be written");
    }
}
