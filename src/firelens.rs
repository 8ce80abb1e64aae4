//! The one reading of FireLens: how the ECS agent and Fluent Bit read a log router and the options of its S3 output,
//! and how long they hold records back. Whether a value is a mistake is for `validate` to say, what a release makes of
//! the logs for `verify`.
//!
//! Sources: amazon-ecs-agent, `agent/taskresource/firelens/firelens_unix.go` (`parseOptions`); Fluent Bit,
//! `plugins/out_s3/s3.c`.

pub mod key_format;
pub(crate) mod obstacle;
pub(crate) mod router;
pub(crate) mod s3_output;

/// `upload_timeout` when it is not set, in seconds (`config_map` in Fluent Bit's `plugins/out_s3/s3.c`).
pub const DEFAULT_UPLOAD_TIMEOUT: u64 = 600;

/// What may pass on top of the output's own timing, in seconds: the router's start, a flush (1 s), the upload, two
/// clocks.
const MARGIN: u64 = 15;

/// A duration in seconds (`flb_utils_time_to_seconds`): the leading digits, and a unit in the very last character, so
/// `10 minutes` is 10 s.
pub fn seconds(text: &str) -> u64 {
    let digits: String = text.trim_start().chars().take_while(char::is_ascii_digit).collect();
    let unit = match text.chars().last() {
        Some('d' | 'D') => 86_400,
        Some('h' | 'H') => 3_600,
        Some('m' | 'M') => 60,
        _ => 1,
    };
    digits.parse::<u64>().unwrap_or_default().saturating_mul(unit)
}

/// After how many seconds from the first line an object must have landed: Fluent Bit looks at the age of its buffers at
/// ticks of a sixth of `upload_timeout`, at least 6 and at most 60 s apart (`plugins/out_s3/s3.c`).
pub fn first_object_after(upload_timeout: u64) -> u64 {
    upload_timeout.saturating_add((upload_timeout / 6).clamp(6, 60) + MARGIN)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn durations_are_read_as_fluent_bit_reads_them() {
        let cases = [
            ("30s", 30),
            ("1m", 60),
            ("2H", 7200),
            ("1d", 86_400),
            ("90", 90),
            ("10 minutes", 10),
            ("5 min", 5),
            ("m", 0),
            ("", 0),
        ];
        for (text, expected) in cases {
            assert_eq!(seconds(text), expected, "{text}");
        }
        assert_eq!(seconds("99999999999999999999d"), 0);
        assert_eq!(seconds("9999999999999999999d"), u64::MAX);
    }

    #[test]
    fn the_first_object_waits_for_the_timer() {
        assert_eq!([30, 60, 600].map(first_object_after), [51, 85, 675]);
        assert_eq!(first_object_after(u64::MAX), u64::MAX);
    }
}
