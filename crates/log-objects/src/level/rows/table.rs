//! The rows. Their order is the order in which they are asked; an id, once released, keeps its meaning, since
//! configurations name it.

use super::super::Level::{Debug, Error, Info, Warn};
use super::{Entry, Features as F, Shape};
use Shape::{Member, Number, Pair, Present, Start, Text, Word};

/// What a row of the documentation and of the tests says.
#[cfg(test)]
pub(in super::super) struct Example {
    pub(in super::super) id: &'static str,
    /// What the row reads, in a sentence.
    pub(in super::super) what: &'static str,
    /// Where the shape is documented.
    pub(in super::super) source: &'static str,
    /// Lines, each with its level.
    pub(in super::super) yes: &'static [(&'static str, super::super::Level)],
    /// Lines of which this row reads nothing.
    pub(in super::super) no: &'static [&'static str],
}

macro_rules! rows {
    ($({ $id:literal: $shape:expr, $what:literal, $source:literal, yes: $yes:tt, no: $no:tt })*) => {
        pub(in super::super) const ROWS: &[Entry] = &[$(Entry { id: $id, shape: $shape }),*];

        #[cfg(test)]
        pub(in super::super) static EXAMPLES: &[Example] =
            &[$(Example { id: $id, what: $what, source: $source, yes: &$yes, no: &$no }),*];
    };
}

#[expect(clippy::indexing_slicing, reason = "the compiler runs it")]
const fn all<const N: usize>(features: [F; N]) -> F {
    let (mut all, mut at) = (F::NOTHING, 0);
    while at < N {
        all = all.with(features[at]);
        at += 1;
    }
    all
}

/// Never a level: what is counted, listed or described.
const NO: F = all([F::DATA, F::LETTER, F::SQUARE, F::ANGLE, F::ROUND, F::INNER, F::DOTTED, F::COLONED]);

rows! {
    {
        "json-level": Member(&["level"], &[]),
        "the member `level`, a word",
        "https://pkg.go.dev/log/slog",
        yes: [
            (r#"{"time":"2026-11-23T06:32:46Z","level":"ERROR","msg":"x"}"#, Error),
            (r#"{"level":"WARN+1","msg":"slow"}"#, Warn),
        ],
        no: [r#"{"event":"player_up","level":55}"#]
    }
    {
        "json-log-level": Member(
            &[
                "loglevel", "log.level", "levelname", "levelstr", "leveltext", "levellabel", "levellevelstr", "lvl",
                "lev", "loglvl", "@level", "@l", "@fieldslevel", "recordlevelname", "level.name",
            ],
            &[],
        ),
        "`loglevel`, `log.level` (dotted or nested), `levelname`, `lvl`, `@level`, `@l`, \
         `record.level.name` and their kin, in any case, with or without `_`",
        "https://www.elastic.co/docs/reference/ecs/ecs-log",
        yes: [
            (r#"{"log":{"level":"error","logger":"x"},"message":"x"}"#, Error),
            (r#"{"@t":"2026-11-23T06:32:46Z","@l":"Fatal"}"#, Error),
            (r#"{"text":"x","record":{"level":{"icon":"x","name":"ERROR","no":40}}}"#, Error),
        ],
        no: [r#"{"log":{"file":"error"}}"#]
    }
    {
        "json-severity": Member(
            &[
                "severity", "severitytext", "severitylabel", "severityname", "logseverity", "errorseverity", "sev",
                "severitylevel",
            ],
            &[],
        ),
        "`severity`, `severityText`, `error_severity` and their kin, where no `level` stands beside it",
        "https://cloud.google.com/logging/docs/structured-logging",
        yes: [
            (r#"{"message":"x","severity":"EMERGENCY"}"#, Error),
            (r#"{"pid":42,"error_severity":"FATAL","message":"x"}"#, Error),
        ],
        no: [r#"{"event":"incident","severity":"critical","level":"info"}"#]
    }
    {
        "json-l": Member(&["l"], &[]),
        "`L` of zap's development configuration",
        "https://pkg.go.dev/go.uber.org/zap#NewDevelopmentEncoderConfig",
        yes: [(r#"{"L":"ERROR","T":"2026-11-23T06:32:46Z","M":"x"}"#, Error)],
        no: [r#"{"L":"left"}"#]
    }
    {
        "json-s": Member(&["s"], &["ctx", "c"]),
        "`s` of MongoDB: a letter",
        "https://www.mongodb.com/docs/manual/reference/log-messages/",
        yes: [(r#"{"t":{"$date":"2026-11-23T06:32:46Z"},"s":"E","c":"NETWORK","ctx":"conn12","msg":"x"}"#, Error)],
        no: [r#"{"s":"E","unit":"W"}"#]
    }
    {
        "json-status": Member(&["status"], &["ddsource", "ddtags", "service", "ddservice"]),
        "`status` of Datadog, beside `service` or `ddsource`",
        "https://docs.datadoghq.com/logs/log_configuration/attributes_naming_convention/",
        yes: [(r#"{"ddsource":"nodejs","service":"shop","status":"error","message":"x"}"#, Error)],
        no: [r#"{"status":"error","code":7}"#]
    }
    {
        "json-pino": Number(
            &["level", "lvl"],
            &["msg", "pid", "hostname"],
            &[(50, 69, Error), (40, 49, Warn), (30, 39, Info), (1, 29, Debug)],
        ),
        "`level` of pino and bunyan, a number, beside `msg`, `pid` or `hostname`",
        "https://github.com/pinojs/pino/blob/main/docs/api.md#logger-level",
        yes: [(r#"{"level":50,"time":1795415566123,"pid":1,"hostname":"h","msg":"x"}"#, Error)],
        no: [r#"{"player":"p9","level":55}"#]
    }
    {
        "json-gelf": Number(
            &["level"],
            &["shortmessage"],
            &[(0, 3, Error), (4, 4, Warn), (5, 6, Info), (7, 7, Debug)],
        ),
        "`level` of GELF: syslog's number, beside `short_message`",
        "https://go2docs.graylog.org/current/getting_in_log_data/gelf.html",
        yes: [(r#"{"version":"1.1","host":"shop","short_message":"x","level":3}"#, Error)],
        no: [r#"{"version":"1.1","level":3}"#]
    }
    {
        "json-monolog": Number(
            &["level"],
            &["channel", "context", "extra"],
            &[(400, 699, Error), (300, 399, Warn), (200, 299, Info), (100, 199, Debug)],
        ),
        "`level` of Monolog, beside `channel`, `context` or `extra`",
        "https://github.com/Seldaek/monolog/blob/main/doc/01-usage.md#log-levels",
        yes: [(r#"{"message":"x","context":{},"level":500,"channel":"app"}"#, Error)],
        no: [r#"{"level":500,"player":"p9"}"#]
    }
    {
        "json-gcp": Number(
            &["severity"],
            &[],
            &[(500, 899, Error), (400, 499, Warn), (200, 399, Info), (100, 199, Debug)],
        ),
        "`severity` of Google Cloud, a number",
        "https://cloud.google.com/logging/docs/reference/v2/rest/v2/LogEntry#logseverity",
        yes: [(r#"{"severity":500,"message":"x"}"#, Error)],
        no: [r#"{"severity":17,"x":[]}"#]
    }
    {
        "json-syslog": Number(
            &["severity", "priority", "syslogseverity", "syslogseveritycode", "level"],
            &["facility", "facilitylabel", "syslogidentifier", "syslogfacility", "program", "appname", "transport"],
            &[(0, 3, Error), (4, 4, Warn), (5, 6, Info), (7, 7, Debug)],
        ),
        "syslog's number, beside a facility, a program or an identifier",
        "https://www.freedesktop.org/software/systemd/man/latest/systemd.journal-fields.html",
        yes: [(r#"{"PRIORITY":"3","SYSLOG_IDENTIFIER":"shop","MESSAGE":"x"}"#, Error)],
        no: [r#"{"priority":1,"job":"mail"}"#]
    }
    {
        "json-otlp": Number(
            &["severitynumber"],
            &[],
            &[(17, 24, Error), (13, 16, Warn), (9, 12, Info), (1, 8, Debug)],
        ),
        "`severityNumber` of OpenTelemetry",
        "https://opentelemetry.io/docs/specs/otel/logs/data-model/#field-severitynumber",
        yes: [(r#"{"timeUnixNano":"1795415566123","severityNumber":17,"body":{"stringValue":"x"}}"#, Error)],
        no: [r#"{"severityNumber":0}"#]
    }
    {
        "json-python": Number(
            &["levelno", "levelnumber", "recordlevelno"],
            &[],
            &[(40, 60, Error), (30, 39, Warn), (20, 29, Info), (1, 19, Debug)],
        ),
        "`levelno` of Python",
        "https://docs.python.org/3/library/logging.html#logging-levels",
        yes: [(r#"{"event":"x","levelno":40}"#, Error)],
        no: [r#"{"levelno":0}"#]
    }
    {
        "json-logback": Number(
            &["levelvalue", "levelint", "levellevel"],
            &[],
            &[(40000, 60000, Error), (30000, 39999, Warn), (20000, 29999, Info), (1, 19999, Debug)],
        ),
        "`level_value` of Logback",
        "https://github.com/logfellow/logstash-logback-encoder",
        yes: [(r#"{"message":"x","level_value":40000}"#, Error)],
        no: [r#"{"level_value":0}"#]
    }
    {
        "json-dotnet": Number(
            &["loglevel"],
            &["eventid", "category", "state"],
            &[(4, 5, Error), (3, 3, Warn), (2, 2, Info), (0, 1, Debug)],
        ),
        "`LogLevel` of .NET, a number",
        "https://learn.microsoft.com/dotnet/api/microsoft.extensions.logging.loglevel",
        yes: [(r#"{"EventId":13,"LogLevel":4,"Category":"Shop","Message":"x"}"#, Error)],
        no: [r#"{"LogLevel":4}"#]
    }
    {
        "json-insights": Number(&["severitylevel"], &[], &[(3, 4, Error), (2, 2, Warn), (1, 1, Info), (0, 0, Debug)]),
        "`severityLevel` of Application Insights",
        "https://learn.microsoft.com/azure/azure-monitor/app/data-model-complete",
        yes: [(r#"{"severityLevel":3,"message":"x"}"#, Error)],
        no: [r#"{"severityLevel":9}"#]
    }
    {
        "json-lambda-error": Present(&["errortype", "errormessage"]),
        "an error object of an AWS runtime: `errorType` and `errorMessage`",
        "https://docs.aws.amazon.com/lambda/latest/dg/nodejs-exceptions.html",
        yes: [(r#"{"errorType":"TypeError","errorMessage":"x is not a function","stack":[]}"#, Error)],
        no: [r#"{"errorType":"none"}"#]
    }
    {
        "logfmt": Pair(&["level", "lvl", "loglevel", "log_level", "log.level", "levelname"]),
        "`level=` or its kin in a line that begins with `key=value`",
        "https://pkg.go.dev/github.com/go-kit/log#NewLogfmtLogger",
        yes: [
            (r#"time=2026-11-23T06:32:46Z level=ERROR msg="x""#, Error), (r#"lvl=eror msg="x""#, Error),
            (r#"time=2026-11-23T06:32:46Z msg="incident opened" severity=critical level=info"#, Info),
        ],
        no: ["starting shop env=prod level=error port=8080", "LOG_LEVEL=ERROR", "ERROR=0"]
    }
    {
        "logfmt-severity": Pair(&["severity", "sev", "at"]),
        "`severity=` or `at=`, where no `level=` stands beside it",
        "https://devcenter.heroku.com/articles/heroku-error-codes",
        yes: [(r#"at=error code=H12 desc="Request timeout""#, Error)],
        no: ["2026/11/23 06:32:46 logging: severity=error and above"]
    }
    {
        "syslog-priority": Start,
        "the priority in front of a line: `<3>`, `<131>1`",
        "https://www.rfc-editor.org/rfc/rfc5424#section-6.2.1",
        yes: [("<131>1 2026-11-23T06:32:46.123Z ip-10-0-1-7 shop 12 - - x", Error), ("<3>Shop.Orders[0] x", Error)],
        no: ["<999>x", "<0.123.0> x"]
    }
    {
        "glog": Start,
        "a letter, a date and a time glued together",
        "https://github.com/kubernetes/klog",
        yes: [
            ("E1123 06:32:46.123456       1 sync.go:42] x", Error),
            ("I261123 06:32:46.123456 87 server.go:12 x", Info),
        ],
        no: ["E1001 order accepted", "F1040 form received"]
    }
    {
        "labelled": Start,
        "a level behind a label in brackets that is one as well",
        "https://github.com/winstonjs/logform#timestamp",
        yes: [
            ("2026-11-23T06:32:46.123Z [trace] error: exporter down", Error),
            ("2026-11-23T06:32:46Z [error] INFO topic subscribed", Info),
        ],
        no: ["[error] x"]
    }
    {
        "brackets": Word(F::SQUARE, all([F::DATA, F::LETTER])),
        "alone in `[]`",
        "https://github.com/gabime/spdlog/wiki/3.-Custom-formatting",
        yes: [
            ("[2026-11-23 06:32:46.123] [orders] [error] x", Error), ("2026-11-23 06:32:46 [error    ] x", Error),
            ("[t][1][warning][config] x", Warn),
        ],
        no: ["[ERROR] 0 [WARN] 0 [OK] 41", "[error-handler] ready"]
    }
    {
        "angles": Word(F::ANGLE, all([F::DATA, F::LETTER])),
        "alone in `<>`",
        "https://swiftpackageindex.com/apple/swift-log",
        yes: [("<warn> x", Warn)],
        no: ["Sent mail to <alert@example.com>"]
    }
    {
        "parentheses": Word(F::ROUND, all([F::DATA, F::LETTER])),
        "alone in `()`",
        "https://docs.python.org/3/library/logging.html#formatter-objects",
        yes: [("2026-11-23 06:32:46 (error) x", Error)],
        no: ["request done (error 0)"]
    }
    {
        "brackets-capitals": Word(all([F::INNER, F::UPPER]), all([F::DATA, F::COLONED, F::SLASHED])),
        "in capitals in `[]`, first or behind a time",
        "https://docs.rs/env_logger",
        yes: [
            ("[2026-11-23T06:32:46Z ERROR web] x", Error), ("[06:32:46 INF] x", Info),
            ("[2026-11-23 06:32:46,123: ERROR/MainProcess] x", Error),
        ],
        no: ["[web ERROR handler] x"]
    }
    {
        "brackets-time": Word(all([F::INNER, F::INNER_TIME]), all([F::DATA, F::COLONED, F::SLASHED, F::LETTER])),
        "in small letters in `[]`, behind a time",
        "https://github.com/serilog/serilog-sinks-console",
        yes: [("[06:32:46 Error] x", Error)],
        no: ["[the error] x"]
    }
    {
        "brackets-channel": Word(all([F::INNER, F::COLONED, F::LOWER]), F::DATA),
        "behind a module's name and a colon in `[]`",
        "https://httpd.apache.org/docs/2.4/mod/core.html#errorlogformat",
        yes: [("[Mon Nov 23 06:32:46.123456 2026] [proxy:error] [pid 12:tid 140] x", Error)],
        no: ["[a b:error] x"]
    }
    {
        "brackets-thread": Word(all([F::INNER, F::SLASHED, F::UPPER]), F::DATA),
        "behind a thread's name and a slash in `[]`",
        "https://minecraft.wiki/w/Server.properties",
        yes: [("[06:32:46] [Server thread/ERROR]: x", Error)],
        no: ["[on/off ERROR x]"]
    }
    {
        "brackets-letter": Word(all([F::INNER, F::LETTER]), F::DATA),
        "one letter beside a date in `[]`",
        "https://www.tornadoweb.org/en/stable/log.html",
        yes: [("[E 261123 06:32:46 web:1407] 500 GET / (10.0.1.7) 2.1ms", Error)],
        no: ["[E coli] x"]
    }
    {
        "brackets-one-letter": Word(all([F::SQUARE, F::LETTER]), F::DATA),
        "one letter alone in `[]`",
        "https://github.com/ai/nanoid",
        yes: [("2026-11-23 06:32:46 [E] x", Error)],
        no: ["[X] x"]
    }
    {
        "ruby": Word(all([F::LETTER, F::COMMA, F::FIRST]), F::NOTHING),
        "Ruby's letter, comma and time",
        "https://docs.ruby-lang.org/en/master/Logger.html",
        yes: [("E, [2026-11-23T06:32:46.123456 #1] ERROR -- : x", Error)],
        no: ["E, the vowel"]
    }
    {
        "letter-bang": Word(all([F::LETTER, F::BANG, F::FIELDS]), F::NOTHING),
        "a letter and `!`",
        "https://github.com/influxdata/telegraf",
        yes: [("2026-11-23T06:32:46Z E! [agent] x", Error)],
        no: ["X! x"]
    }
    {
        "letter-time": Word(all([F::LETTER, F::SPACE, F::TIME, F::FIELDS]), F::NOTHING),
        "a letter behind a time",
        "https://developer.android.com/tools/logcat",
        yes: [
            ("2026-11-23 06:32:46.123456 E [1:puma 001] Rails -- x", Error),
            ("11-23 06:32:46.123  1234  1234 E Tag: x", Error),
        ],
        no: ["E is a vowel"]
    }
    {
        "letter-columns": Word(all([F::LETTER, F::PIPE, F::TIME, F::FIELDS]), F::NOTHING),
        "a letter behind a time and before `|`",
        "https://pkg.go.dev/github.com/coreos/pkg/capnslog",
        yes: [("2026-11-23 06:32:46.123456 C | etcdmain: x", Error)],
        no: ["C | a vitamin"]
    }
    {
        "letter-slash": Word(all([F::LETTER, F::SLASH, F::FIELDS]), F::NOTHING),
        "a letter, a slash and a tag",
        "https://developer.android.com/tools/logcat",
        yes: [("E/Shop( 1234): x", Error)],
        no: ["A/B test on"]
    }
    {
        "letter-first": Word(all([F::LETTER, F::FIRST, F::TIME_NEXT]), F::NOTHING),
        "a letter before a time",
        "https://developer.android.com/tools/logcat",
        yes: [("E 2026-11-23 06:32:46 no config", Error)],
        no: ["E 5 items"]
    }
    {
        "letter-bracket": Word(all([F::LETTER, F::SPACE, F::BRACKET, F::FIRST]), F::NOTHING),
        "a letter and a number in parentheses",
        "https://docs.espressif.com/projects/esp-idf/en/stable/esp32/api-reference/system/log.html",
        yes: [("E (1234) wifi: x", Error)],
        no: ["A (1) x"]
    }
    {
        "colon": Word(all([F::COLON, F::FIELDS]), NO),
        "before a colon, with nothing but fields in front",
        "https://github.com/winstonjs/winston",
        yes: [
            ("error: x", Error), ("fail: Microsoft.AspNetCore.Server.Kestrel[13]", Error),
            ("2026-11-23T06:32:46.123Z error: x", Error), ("ERROR:root:x", Error),
        ],
        no: ["alert: 12 rules loaded", "errors: 3", "ERROR: 0"]
    }
    {
        "colon-named": Word(all([F::COLON, F::NAMED, F::TIME]), all([F::UNSURE]).with(NO)),
        "before a colon, behind a time and names",
        "https://www.postgresql.org/docs/current/runtime-config-logging.html",
        yes: [("2026-11-23 06:32:46.123 UTC [42] app@shop FATAL:  x", Error)],
        no: ["2026-11-23 06:32:46 no error: x"]
    }
    {
        "colon-capitals": Word(all([F::COLON, F::NAMED, F::TIME, F::UPPER]), NO),
        "in capitals before a colon, behind a time and a name",
        "https://www.krakend.io/docs/logging/",
        yes: [("2026/11/23 06:32:46 KRAKEND ERROR: x", Error)],
        no: ["2026/11/23 06:32:46 last ERROR: none"]
    }
    {
        "colon-program": Word(all([F::COLON, F::NAMED, F::COLON_BEFORE]), NO),
        "before a colon, behind a program's name and a colon",
        "https://www.gnu.org/prep/standards/html_node/Errors.html",
        yes: [("psql: error: connection refused", Error), ("s6-rc: info: service shop: starting", Info)],
        no: ["psql: errors: 3"]
    }
    {
        "error-doing": Word(F::DOING, all([F::NAMED, F::NOUN]).with(NO)),
        "`error` and what was being done, before a colon and the cause",
        "https://pkg.go.dev/log",
        yes: [
            ("Error initializing core: Failed to lock memory", Error),
            ("2026/11/23 06:32:46 error opening store: timeout", Error),
        ],
        no: ["Error handling is switched on: yes", "error handling: on"]
    }
    {
        "capitals": Word(all([F::UPPER, F::FIELDS, F::FIELD]), all([F::NOUN]).with(NO)),
        "in capitals, with nothing but fields in front",
        "https://docs.spring.io/spring-boot/reference/features/logging.html",
        yes: [
            ("2026-11-23T06:32:46.123Z ERROR 1 --- [shop] [main] x.App : x", Error), ("10:00AM FTL x", Error),
            ("[req 7] [user 9] ERROR x.App - x", Error),
        ],
        no: ["| ERROR | 0 |"]
    }
    {
        "capitals-time": Word(all([F::UPPER, F::FIELDS, F::TIME]), NO),
        "in capitals behind a time",
        "https://pkg.go.dev/log/slog",
        yes: [("2026/11/23 06:32:46 ERROR handler gone", Error)],
        no: ["PANIC mode is off"]
    }
    {
        "capitals-first": Word(all([F::UPPER, F::FIRST]), all([F::NOUN, F::PIPE_BEFORE]).with(NO)),
        "in capitals at the start",
        "https://docs.python.org/3/library/logging.html",
        yes: [
            ("ERROR cannot apply level=info", Error), ("WARN  [main] o.s.b.Application - x", Warn),
            ("ERRO[0000] x", Error), ("🔥 ERROR no stock", Error),
        ],
        no: [
            "✅ ERROR tracking is on", "CRITICAL CSS inlined for /index.html", "   FATAL, ERROR, WARN, INFO are the levels that you can set",
            "ERROR_COUNT=0",
        ]
    }
    {
        "capitals-named": Word(all([F::UPPER, F::NAMED, F::FIELD]), all([F::NOUN, F::UNSURE]).with(NO)),
        "in capitals behind names and a field",
        "https://docs.python.org/3/library/logging.html",
        yes: [
            ("2026-11-23 06:32:46,123 shop.db.connect:41 [MainThread] [pid 12] ERROR x", Error),
            ("2026-11-23 06:32:46,123 - shop - ERROR - x", Error),
        ],
        no: ["2026-11-23 06:32:46 set level ERROR", "* Debugger is active! * ERROR pages on"]
    }
    {
        "capitals-unsure": Word(all([F::UPPER, F::NAMED, F::TIME, F::BRACKET]), all([F::NOUN]).with(NO)),
        "in capitals behind a time and a name, before brackets",
        "https://github.com/taoensso/timbre",
        yes: [("2026-11-23T06:32:46.123Z shop ERROR [shop.db:41] - x", Error)],
        no: ["2026-11-23 06:32:46 set ERROR on"]
    }
    {
        "capitals-columns": Word(all([F::UPPER, F::NAMED, F::PIPE_BEFORE]), all([F::NOUN]).with(NO)),
        "in capitals behind a name and `|`",
        "https://docs.docker.com/reference/cli/docker/compose/logs/",
        yes: [("web-1  | ERROR x", Error)],
        no: ["a sentence | ERROR | 0 |"]
    }
    {
        "channel": Word(all([F::DOTTED, F::UPPER, F::COLON]), all([F::DATA, F::NAMED])),
        "behind a channel's name and a dot",
        "https://github.com/Seldaek/monolog/blob/main/doc/01-usage.md",
        yes: [
            ("[2026-11-23 06:32:46] production.ERROR: x", Error),
            ("[2026-11-23T06:32:46.123456+00:00] request.CRITICAL: x", Error),
        ],
        no: ["see config.ERROR for more"]
    }
    {
        "channel-colon": Word(all([F::COLONED, F::UPPER]), all([F::DATA, F::NAMED])),
        "behind a logger's name and a colon",
        "https://docs.python.org/3/library/logging.html",
        yes: [("shop.db:ERROR:x", Error)],
        no: ["see shop:ERROR"]
    }
    {
        "channel-small": Word(all([F::COLONED, F::LOWER, F::FIRST, F::SPACE]), F::DATA),
        "in small letters behind a name and a colon, at the start",
        "https://www.prisma.io/docs/",
        yes: [("prisma:error Can't reach database server", Error)],
        no: ["see prisma:error for more"]
    }
    {
        "tabs": Word(all([F::TAB, F::FIELDS, F::FIELD]), NO),
        "between tabs",
        "https://pkg.go.dev/go.uber.org/zap/zapcore",
        yes: [("2026-11-23T06:32:46.123Z\terror\texporterhelper/queue_sender.go:50\tx", Error)],
        no: ["a sentence\terror\tx"]
    }
    {
        "columns": Word(all([F::PIPE, F::FIELD]), NO),
        "before `|`, behind a field",
        "https://github.com/Delgan/loguru",
        yes: [("2026-11-23 06:32:46.123 | error    | shop:main:41 - x", Error)],
        no: ["| error | 0 |"]
    }
    {
        "dashes": Word(all([F::DASH, F::FIELD]), NO),
        "before a dash, behind a field",
        "https://docs.python.org/3/library/logging.html",
        yes: [("2026-11-23 06:32:46,123 - shop - error - x", Error)],
        no: ["an error - x"]
    }
    {
        "small-time": Word(all([F::SPACE, F::FIELDS, F::TIME]), all([F::NOUN, F::UPPER]).with(NO)),
        "in small letters behind a time",
        "https://github.com/winstonjs/logform#printf",
        yes: [("2026-11-23T06:32:46.123Z error x", Error)],
        no: ["2026/11/23 06:32:46 error handling is switched on"]
    }
    {
        "small-first": Word(all([F::LOWER, F::FIRST, F::SPACE, F::CAPITAL_NEXT]), all([F::NOUN]).with(NO)),
        "in small letters at the start, before a sentence",
        "https://classic.yarnpkg.com/en/docs/cli/run",
        yes: [("error Command \"start\" not found.", Error)],
        no: ["error handling is switched on"]
    }
    {
        "small-bracket": Word(all([F::LOWER, F::FIRST, F::SPACE, F::BRACKET]), all([F::NOUN]).with(NO)),
        "in small letters at the start, before brackets",
        "https://docs.mattermost.com/manage/logging.html",
        yes: [("error [2026-11-23 06:32:46.123 Z] x", Error)],
        no: ["errors [3]"]
    }
    {
        "small-wide": Word(all([F::LOWER, F::FIRST, F::SPACE, F::WIDE]), all([F::NOUN]).with(NO)),
        "in small letters at the start, before a gap",
        "https://github.com/klaudiosinani/signale",
        yes: [("error  no config", Error)],
        no: ["error handling  is on"]
    }
    {
        "small-dash": Word(all([F::LOWER, F::FIRST, F::DASH]), NO),
        "in small letters at the start, before a dash",
        "https://nextjs.org/docs",
        yes: [("error - no config", Error)],
        no: ["an error - x"]
    }
    {
        "bang": Word(all([F::BANG, F::FIELDS]), all([F::LOWER, F::NOUN]).with(NO)),
        "before `!`, with nothing but fields in front",
        "https://www.gnu.org/software/bash/manual/bash.html",
        yes: [("Error! no config", Error)],
        no: ["errors! many"]
    }
    {
        "coloured": Word(all([F::COLOUR]), all([F::NOUN]).with(NO)),
        "in a colour of its own",
        "https://docs.rs/tracing-subscriber",
        yes: [("\u{1b}[31merror\u{1b}[0m x", Error), ("\u{1b}[1;33mwarn\u{1b}[39m x", Warn)],
        no: ["error x"]
    }
    {
        "go-crash": Text(
            Error,
            &[
                "panic: ~", "goroutine %n [running]:~", "fatal error: ~", "http: panic serving ~", "runtime: out of memory~",
                "SIGSEGV: segmentation violation~", "[signal SIG~", "unexpected fault address ~",
                "panic during panic~",
            ],
        ),
        "Go's last words",
        "https://pkg.go.dev/runtime",
        yes: [
            ("panic: runtime error: index out of range", Error), ("fatal error: concurrent map writes", Error),
            ("2026/11/23 06:32:46 http: panic serving 10.0.1.7:41532: boom", Error),
        ],
        no: ["panic button pressed", "2026/11/23 06:32:46 http: TLS handshake from 10.0.1.7:41532 ended: EOF"]
    }
    {
        "rust-crash": Text(
            Error,
            &[
                "thread '~' panicked at ~", "thread '~' (%n) panicked at ~", "thread '~' has overflowed its stack~",
                "thread '~' (%n) has overflowed its stack~", "fatal runtime error: ~",
                "memory allocation of %n bytes failed~", "The application panicked (crashed).~",
            ],
        ),
        "Rust's last words",
        "https://doc.rust-lang.org/std/macro.panic.html",
        yes: [
            ("thread 'main' panicked at src/main.rs:1:1:", Error),
            ("thread 'main' (12345) panicked at src/main.rs:1:1:", Error),
        ],
        no: ["thread 'main' started"]
    }
    {
        "python-crash": Text(Error, &["Traceback (most recent call last)~", "Fatal Python error: ~", "%p: No module named ~"]),
        "a traceback",
        "https://docs.python.org/3/library/traceback.html",
        yes: [
            ("Traceback (most recent call last):", Error), ("/usr/bin/python3: No module named gunicorn", Error),
        ],
        no: ["Traceback is switched off"]
    }
    {
        "jvm-crash": Text(
            Error,
            &[
                "Exception in thread ~", "Error occurred during initialization of ~",
                "# A fatal error has been detected by the Java Runtime Environment~",
                "Terminating due to java.lang.OutOfMemoryError~", "Aborting due to java.lang.OutOfMemoryError~",
                "Exception: ~ thrown from the UncaughtExceptionHandler~",
                "# There is insufficient memory for the Java Runtime Environment~", "Unrecognized VM option ~",
                "Invalid maximum heap size: ~", "APPLICATION FAILED TO START~", "Execution error (~) at ~",
                "Error: Could not ~", "Error: Unable to ~",
            ],
        ),
        "the JVM's last words",
        "https://docs.oracle.com/en/java/javase/21/troubleshoot/",
        yes: [
            ("Error occurred during initialization of VM", Error),
            ("Exception in thread \"main\" java.lang.IllegalStateException: x", Error),
        ],
        no: ["Exception handling is on"]
    }
    {
        "error-name": Text(
            Error,
            &[
                "Uncaught %e~", "Uncaught (in promise) %e~", "Uncaught app exception~", "Uncaught exception: ~", "Uncaught exception in ~", "Unexpected error~: ~",
                "Unexpected exception~: ~", "Unhandled rejection %e~", "unhandledRejection: %e~",
                "uncaughtException: %e~", "%e: ~", "%e:", "%e [~]:~", "%e [~]", "%e", "[%e~", "** (%e)~",
                "Caused by: %e~", "%e (~):~", "%e (~)", "Internal Server Error: ~", "Internal server error: ~", "(%e) ~", "[ERR_~]: ~", "Errno::~: ~", "ActiveRecord::~ (~", "PG::~: ~",
            ],
        ),
        "the name of an error or exception before its message",
        "https://nodejs.org/api/errors.html",
        yes: [
            ("TypeError: Cannot read properties of undefined (reading 'id')", Error),
            ("java.lang.OutOfMemoryError: Java heap space", Error), ("TypeError [ERR_INVALID_ARG_TYPE]: x", Error),
            ("Uncaught TypeError: x is not a function", Error), ("** (RuntimeError) boom", Error),
        ],
        no: ["Uncaught exception handler installed", "TypeError handler: ready", "lastError: none", "HttpError: 0"]
    }
    {
        "error-kind": Text(
            Error,
            &[
                "Critical error: ~", "Unhandled error: ~", "Uncaught error: ~", "Internal error: ~", "Runtime error: ~",
                "Startup error: ~", "Server error: ~", "Unknown error: ~", "Connection error: ~", "Configuration error: ~",
                "Config error: ~", "Database error: ~", "Syntax error: ~", "Initialization error: ~", "Exception in ~: ~",
                "An exception occurred~: ~", "An unhandled exception~: ~", "An error occurred: ~", "An error occurred ~: ~",
                "An unhandled error~: ~", "An unexpected error~: ~", "Fatal error, can't ~", "AH%n: Syntax error ~",
            ],
        ),
        "a kind of error before its cause",
        "https://docs.python.org/3/library/exceptions.html",
        yes: [
            ("Startup error: no config", Error), ("An unhandled exception occurred: x", Error),
            ("AH00526: Syntax error on line 12 of /etc/apache2/apache2.conf:", Error),
        ],
        no: ["Startup errors are shown", "An error occurred once"]
    }
    {
        "node-crash": Text(
            Error,
            &[
                "FATAL ERROR: ~", "Module not found: ~", "~.ts(~): error TS~", "<--- Last few GCs --->~", "(node:%n) UnhandledPromiseRejectionWarning: ~",
                "[UnhandledPromiseRejection~", "npm ERR! ~", "npm error ~", "[nodemon] app crashed~", "node:internal/~", "node:events:%n",
                "triggerUncaughtException(~", "Unhandled rejection ~", "unhandledRejection~", "uncaughtException: ~",
            ],
        ),
        "Node's last words",
        "https://nodejs.org/api/process.html#event-uncaughtexception",
        yes: [
            ("FATAL ERROR: Reached heap limit Allocation failed - JavaScript heap out of memory", Error),
            ("unhandledRejection at: Promise", Error),
            ("[nodemon] app crashed - waiting for file changes before starting...", Error),
        ],
        no: ["node:22 starts"]
    }
    {
        "next-mark": Text(Error, &["⨯ ~", "✖ ~", "❌ ~", "✗ ~"]),
        "the mark that Next.js puts before an error",
        "https://github.com/vercel/next.js/blob/canary/packages/next/src/build/output/log.ts",
        yes: [(" ⨯ Failed to start server", Error)],
        no: [" ✓ Ready in 2s"]
    }
    {
        "deno-bun-crash": Text(
            Error,
            &["panic(~): ~", "Deno has panicked.~", "Bun has crashed~", "oh no: Bun has crashed~"],
        ),
        "Deno's and Bun's last words",
        "https://docs.deno.com/runtime/",
        yes: [("panic(main thread): Segmentation fault at address 0x0", Error)],
        no: ["panic(off)"]
    }
    {
        "dotnet-crash": Text(
            Error,
            &[
                "Unhandled exception. ~", "Unhandled exception:~", "Unhandled Exception: ~",
                "Unhandled exception at ~", "Process terminated.~", "Fatal error. ~", "Stack overflow.~",
                "Unhandled exception in ~", "FailFast:~", "You must install or update .NET ~",
                "The application ~ does not exist~", "Unhandled exception rendering component~",
            ],
        ),
        ".NET's last words",
        "https://learn.microsoft.com/dotnet/standard/exceptions/",
        yes: [("Unhandled exception. System.InvalidOperationException: x", Error)],
        no: ["Unhandled exception filter registered"]
    }
    {
        "php-crash": Text(
            Error,
            &[
                "PHP Fatal error: ~", "In ~.php line %n:", "WordPress database error ~", "PHP Parse error: ~", "PHP Recoverable fatal error: ~", "PHP Core error: ~",
                "PHP Compile error: ~", "PHP Startup: Unable ~", "PHP Catchable fatal error: ~", "PHP Exception ~",
                "Fatal error: ~", "Parse error: ~", "Recoverable fatal error: ~",
            ],
        ),
        "PHP's errors",
        "https://www.php.net/manual/en/errorfunc.constants.php",
        yes: [
            ("[23-Nov-2026 06:32:46 UTC] PHP Fatal error:  Uncaught Error: x in /srv/index.php:3", Error),
            ("PHP Parse error:  syntax error", Error),
        ],
        no: ["PHP Fatal errors are shown"]
    }
    {
        "php-warning": Text(
            Warn,
            &[
                "PHP Warning: ~", "PHP Deprecated: ~", "PHP User Warning: ~", "PHP User Deprecated: ~",
                "PHP Strict Standards: ~",
            ],
        ),
        "PHP's warnings",
        "https://www.php.net/manual/en/errorfunc.constants.php",
        yes: [("PHP Warning:  Undefined variable $x in /srv/index.php on line 3", Warn)],
        no: ["PHP Warnings are shown"]
    }
    {
        "php-notice": Text(Info, &["PHP Notice: ~", "PHP User Notice: ~"]),
        "PHP's notices",
        "https://www.php.net/manual/en/errorfunc.constants.php",
        yes: [("PHP Notice:  x in /srv/index.php on line 3", Info)],
        no: ["PHP Notices are shown"]
    }
    {
        "ruby-crash": Text(
            Error,
            &[
                "~.rb:%n:in ~(%e)", "~.ru:%n:in ~(%e)", "~.rb:%n: ~ (%e)", "#<Thread:~ terminated with exception~",
                "bundler: failed to load command: ~", "! Unable to ~", "--- no python application found~", "rake aborted!~",
                "bin/rails aborted!~", "~.rb:%n: [BUG] ~",
            ],
        ),
        "Ruby's last words",
        "https://docs.ruby-lang.org/en/master/Exception.html",
        yes: [("app.rb:3:in `boot': undefined method `x' for nil (NoMethodError)", Error), ("rake aborted!", Error)],
        no: ["app.rb:3: starting"]
    }
    {
        "erlang-crash": Text(
            Error,
            &[
                "** (EXIT~", "** (exit)~", "** (stop)~", "=ERROR REPORT====~", "=CRASH REPORT====~",
                "=SUPERVISOR REPORT====~", "Crash dump is being written to: ~", "Kernel pid terminated ~",
                "init terminating in do_boot~", "Runtime terminating during boot ~",
                "{\"init terminating in do_boot\"~", "{\"Kernel pid terminated\"~",
                "** Generic server ~ terminating~", "** (~Error) ~", "** (Mix) ~", "=ERROR REPORT~", "escript: exception ~",
            ],
        ),
        "Erlang's and Elixir's last words",
        "https://www.erlang.org/doc/system/error_logging.html",
        yes: [
            ("** (EXIT from #PID<0.98.0>) shutdown", Error),
            ("Crash dump is being written to: erl_crash.dump...done", Error),
            ("escript: exception error: undefined function shop:run/0", Error),
        ],
        no: ["** ready **"]
    }
    {
        "swift-crash": Text(
            Error,
            &[
                "~.swift:%n: Fatal error~", "~.swift:%n: Precondition failed~", "~.swift:%n: Assertion failed~",
                "*** Program crashed: ~", "Precondition failed: ~", "Assertion failed: ~", "*** Signal %n: ~",
                "Swift/~: Fatal error: ~", "Thread %n ~ crashed:~", "Thread %n crashed:~",
            ],
        ),
        "Swift's last words",
        "https://docs.swift.org/swift-book/",
        yes: [("Shop/App.swift:12: Fatal error: no config", Error)],
        no: ["Shop/App.swift:12: ready"]
    }
    {
        "native-crash": Text(
            Error,
            &[
                "terminate called ~", "libc++abi: ~", "terminating due to uncaught exception~",
                "terminating with uncaught exception~", "*** stack smashing detected ***~",
                "*** buffer overflow detected ***~", "double free or corruption~", "free(): ~", "malloc(): ~",
                "munmap_chunk(): ~", "realloc(): ~", "malloc_consolidate(): ~", "corrupted size vs. prev_size~",
                "pure virtual method called~", "Aborted", "Aborted (core dumped)~", "==%n==ERROR: ~",
                "%p: ~: Assertion `~' failed.~", "%p: Assertion `~' failed.~", "%p:%n: ~Assertion `~' failed.~",
                "Assertion `~' failed.~", "Fatal glibc error: ~", "*** Error in `~", "*** FATAL ~", "std::bad_alloc~",
                "thread %n panic: ~", "CallStack (from HasCallStack):~", "%p: uncaught exception~",
                "%p: user error ~", "%p: Prelude.~",
            ],
        ),
        "what C and C++ libraries write when a program breaks",
        "https://en.cppreference.com/w/cpp/error/terminate",
        yes: [
            ("terminate called after throwing an instance of 'std::runtime_error'", Error),
            ("shop: main.cpp:12: void run(): Assertion `ready' failed.", Error),
            ("shop: Prelude.head: empty list", Error),
        ],
        no: ["terminate was not called"]
    }
    {
        "signal": Text(
            Error,
            &[
                "Segmentation fault~", "%p: line %n: ~",
                "Killed", "Bus error~", "Illegal instruction~", "Trace/breakpoint trap~", "Floating point exception~",
                "Stack overflow", "SIGSEGV~", "SIGABRT~", "signal: killed~", "signal: segmentation fault~",
                "Fatal signal ~", "Received signal 11~", "Caught signal 11~", "[1]    %n segmentation fault~",
            ],
        ),
        "how a shell says that a signal ended a program",
        "https://man7.org/linux/man-pages/man7/signal.7.html",
        yes: [
            ("Segmentation fault (core dumped)", Error),
            ("/entrypoint.sh: line 3:    12 Segmentation fault      (core dumped) ./app", Error),
        ],
        no: ["Killed 3 idle workers"]
    }
    {
        "aws-sdk": Text(Error, &["Unable to locate credentials~"]),
        "an error of AWS's API, as its CLI prints it",
        "https://docs.aws.amazon.com/cli/latest/userguide/cli-usage-returncodes.html",
        yes: [("Unable to locate credentials. You can configure credentials by running \"aws configure\".", Error)],
        no: ["Unable to locate the cache, so it is made"]
    }
    {
        "out-of-memory": Text(
            Error,
            &[
                "Out of memory", "Out of memory:~", "Out of memory ~rror~", "out of memory", "out of memory:~", "OutOfMemoryError~", "MemoryError", "java.lang.OutOfMemoryError~",
                "runtime: cannot allocate memory~", "Cannot allocate memory~", "%p: ~annot allocate memory",
                "Allocation failed~", "OOMKilled~", "oom-kill:~", "Memory cgroup out of memory~",
            ],
        ),
        "no memory is left",
        "https://man7.org/linux/man-pages/man5/proc.5.html",
        yes: [("Out of memory: Killed process 12 (shop)", Error), ("oom-kill: constraint=CONSTRAINT_MEMCG", Error)],
        no: ["Memory limit is 512 MiB"]
    }
    {
        "exec": Text(
            Error,
            &[
                "exec ~: exec format error~", "exec ~: no such file or directory~", "exec ~: permission denied~",
                "exec user process caused~", "standard_init_linux.go:%n: ~", "%p: ~xec format error~",
                "%p: ~: command not found", "%p: %n: ~: not found~", "/bin/sh: ~: not found", "sh: ~: not found",
                "/bin/bash: ~: not found", "%p: not found", "%p: error while loading shared libraries: ~",
                "%p: symbol lookup error: ~", "Error loading shared library ~", "Error relocating ~",
                "%p: ~version `~' not found~", "%p: ~: cannot execute~", "env: ~o such file or directory",
                "/bin/sh: ~o such file or directory", "sh: ~o such file or directory", "python: can't open file ~",
                "python3: can't open file ~", "sh: can't open ~", "/bin/sh: ~: Permission denied",
                "exec: ~not found~", "OCI runtime ~", "bash: ~: Permission denied", "bash: ~o such file or directory",
            ],
        ),
        "a program that cannot be started",
        "https://docs.aws.amazon.com/AmazonECS/latest/developerguide/troubleshooting.html",
        yes: [
            ("exec /srv/app: exec format error", Error), ("/bin/sh: 1: serve: not found", Error),
            ("bash: /srv/run.sh: Permission denied", Error),
            ("./app: error while loading shared libraries: libx.so.1: cannot open shared object file", Error),
        ],
        no: ["exec /srv/app"]
    }
    {
        "warning-name": Text(
            Warn,
            &[
                "(node:%n) ~Warning: ~", "(node:%n) [~] ~Warning: ~", "npm warn ~", "npm WARN ~",
                "~.py:%n: ~Warning: ~", "<~>:%n: ~Warning: ~", "OpenJDK ~ warning: ~", "Java HotSpot~ warning: ~",
                "⚠ ~",
            ],
        ),
        "Node's and Python's warnings",
        "https://nodejs.org/api/process.html#event-warning",
        yes: [("(node:1) [DEP0040] DeprecationWarning: x", Warn)],
        no: ["(node:1) x"]
    }
}
