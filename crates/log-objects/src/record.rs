//! One log record: the members of a JSON line that a verification reads, borrowed from the line where they can be. It
//! judges nothing.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

mod flat;
mod pieces;
mod template;

#[cfg(test)]
pub(super) use pieces::CUT;
pub use pieces::Pieces;
pub(super) use template::Templates;

/// What a record says about itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record<'a> {
    /// The member `log`, or the whole line where there is none or where it is an object or an array: a filter, a parser
    /// or the application shaped it. Without the line's own end.
    pub message: Cow<'a, str>,
    /// `ecs_task_definition`: `family:revision`.
    pub task_definition: Option<Cow<'a, str>>,
    /// `ecs_task_arn`: the task that wrote it.
    pub task_arn: Option<Cow<'a, str>>,
    /// `container_name`: the name in the task definition on Fargate, Docker's own name on EC2.
    pub container_name: Option<Cow<'a, str>>,
    /// `container_id`: on Fargate it begins with the task's id.
    pub container_id: Option<Cow<'a, str>>,
    /// `source`: `stdout` or `stderr`.
    pub source: Option<Cow<'a, str>>,
    /// `date`, in whatever form `json_date_format` gives; absent when `json_date_key` names it otherwise.
    pub date: Option<Cow<'a, str>>,
}

impl Record<'_> {
    fn into_owned(self) -> Record<'static> {
        let own = |text: Option<Cow<'_, str>>| text.map(|text| Cow::Owned(text.into_owned()));
        Record {
            message: Cow::Owned(self.message.into_owned()),
            task_definition: own(self.task_definition),
            task_arn: own(self.task_arn),
            container_name: own(self.container_name),
            container_id: own(self.container_id),
            source: own(self.source),
            date: own(self.date),
        }
    }
}

/// Reads one line, which must hold a JSON object.
pub(super) fn parse<'a>(line: &'a str, templates: &mut Templates) -> Result<Members<'a>, serde_json::Error> {
    match templates.read(line) {
        Some(members) => Ok(members),
        None => serde_json::from_str(line),
    }
}

/// The members that are read. Of doubled members the last counts: the `ecs_*` that FireLens appends win over what an
/// application writes.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Members<'a> {
    log: Option<Cow<'a, str>>,
    /// Whether `log` is an object or an array.
    is_nested: bool,
    task_definition: Option<Cow<'a, str>>,
    task_arn: Option<Cow<'a, str>>,
    container_name: Option<Cow<'a, str>>,
    container_id: Option<Cow<'a, str>>,
    source: Option<Cow<'a, str>>,
    date: Option<Cow<'a, str>>,
    partial_id: Option<Cow<'a, str>>,
    partial_ordinal: Option<Cow<'a, str>>,
    partial_last: Option<Cow<'a, str>>,
}

impl<'a> Members<'a> {
    /// Where the value of a member goes; `None` for one that nobody reads.
    fn place(&mut self, key: &str) -> Option<&mut Option<Cow<'a, str>>> {
        match key {
            "log" => Some(&mut self.log),
            "ecs_task_definition" => Some(&mut self.task_definition),
            "ecs_task_arn" => Some(&mut self.task_arn),
            "container_name" => Some(&mut self.container_name),
            "container_id" => Some(&mut self.container_id),
            "source" => Some(&mut self.source),
            "date" => Some(&mut self.date),
            "partial_id" => Some(&mut self.partial_id),
            "partial_ordinal" => Some(&mut self.partial_ordinal),
            "partial_last" => Some(&mut self.partial_last),
            _ => None,
        }
    }
}

impl<'a> Members<'a> {
    /// The record, of the line or the part of one that holds it, and which piece of a longer one it is.
    pub(super) fn record(self, line: &'a str) -> (Record<'a>, Option<Piece<'a>>) {
        let message = match self.log {
            Some(log) if !self.is_nested => without_end(log),
            _ => Cow::Borrowed(line.trim_ascii()),
        };
        let record = Record {
            message,
            task_definition: self.task_definition,
            task_arn: self.task_arn,
            container_name: self.container_name,
            container_id: self.container_id,
            source: self.source,
            date: self.date,
        };
        let is_last = self.partial_last.as_deref() == Some("true");
        let ordinal = self.partial_ordinal.as_deref().and_then(|ordinal| ordinal.parse().ok());
        (record, self.partial_id.map(|id| Piece { id, ordinal, is_last }))
    }
}

/// Which piece of a line a record is, by the members of the log driver.
#[derive(Debug)]
pub(super) struct Piece<'a> {
    /// `partial_id`.
    id: Cow<'a, str>,
    /// `partial_ordinal`, from 1.
    ordinal: Option<u32>,
    /// `partial_last` is `true`.
    is_last: bool,
}

/// A message without the end of the line that it was: programs on other systems write `\r\n`.
pub(super) fn without_end(message: Cow<'_, str>) -> Cow<'_, str> {
    let is_ended = |message: &str| message.ends_with(['\r', '\n']);
    match message {
        Cow::Borrowed(text) if is_ended(text) => Cow::Borrowed(text.trim_end_matches(['\r', '\n'])),
        Cow::Owned(mut text) if is_ended(&text) => {
            text.truncate(text.trim_end_matches(['\r', '\n']).len());
            Cow::Owned(text)
        }
        message => message,
    }
}

/// The name of a member, borrowed where nothing in it is escaped.
#[derive(serde::Deserialize)]
pub(super) struct Key<'a>(#[serde(borrow)] pub(super) Cow<'a, str>);

impl<'de> Deserialize<'de> for Members<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Members<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members<'de>, A::Error> {
                let mut members = Members::default();
                while let Some(Key(key)) = map.next_key::<Key<'de>>()? {
                    match members.place(&key) {
                        Some(place) => {
                            let Text { text, is_nested } = map.next_value()?;
                            *place = Some(text);
                            members.is_nested = if key == "log" { is_nested } else { members.is_nested };
                        }
                        None => drop(map.next_value::<IgnoredAny>()?),
                    }
                }
                Ok(members)
            }
        }
        deserializer.deserialize_map(Object)
    }
}

/// Any JSON value as text: a string as it is, an object or an array as nothing, everything else as its JSON.
struct Text<'a> {
    text: Cow<'a, str>,
    is_nested: bool,
}

impl<'de> Deserialize<'de> for Text<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        fn written<'a>(value: &Value) -> Text<'a> {
            Text { text: Cow::Owned(value.to_string()), is_nested: false }
        }
        const NESTED: Text<'static> = Text { text: Cow::Borrowed(""), is_nested: true };
        impl<'de> Visitor<'de> for Any {
            type Value = Text<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON value")
            }
            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Text<'de>, E> {
                Ok(Text { text: Cow::Borrowed(text), is_nested: false })
            }
            fn visit_str<E>(self, text: &str) -> Result<Text<'de>, E> {
                Ok(Text { text: Cow::Owned(text.to_owned()), is_nested: false })
            }
            fn visit_unit<E>(self) -> Result<Text<'de>, E> {
                Ok(written(&Value::Null))
            }
            fn visit_bool<E>(self, value: bool) -> Result<Text<'de>, E> {
                Ok(written(&Value::Bool(value)))
            }
            fn visit_i64<E>(self, value: i64) -> Result<Text<'de>, E> {
                Ok(written(&value.into()))
            }
            fn visit_u64<E>(self, value: u64) -> Result<Text<'de>, E> {
                Ok(written(&value.into()))
            }
            fn visit_f64<E>(self, value: f64) -> Result<Text<'de>, E> {
                Ok(written(&value.into()))
            }
            fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Text<'de>, A::Error> {
                IgnoredAny.visit_seq(list).map(|_| NESTED)
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Text<'de>, A::Error> {
                IgnoredAny.visit_map(map).map(|_| NESTED)
            }
        }
        deserializer.deserialize_any(Any)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(line: &str) -> Record<'_> {
        parse(line, &mut Templates::default()).unwrap().record(line).0
    }

    #[test]
    fn a_record_is_read_without_copying_what_needs_no_decoding() {
        let line = r#"{"date":"2026-11-23T06:32:46.0Z","log":"hello","container_name":"Main","x":{"y":[1]},
            "ecs_task_arn":"arn:aws:ecs:r:1:task/default/1f2e","ecs_task_definition":"web:6"}"#;
        let read = record(line);
        assert!(matches!(read.message, Cow::Borrowed("hello")));
        assert_eq!(read.task_definition.as_deref(), Some("web:6"));
        assert_eq!(read.task_arn.as_deref(), Some("arn:aws:ecs:r:1:task/default/1f2e"));
        assert_eq!(
            (read.container_name.as_deref(), read.date.as_deref()),
            (Some("Main"), Some("2026-11-23T06:32:46.0Z"))
        );
    }

    #[test]
    fn a_message_that_is_no_text_is_its_json_and_a_missing_or_nested_one_the_whole_line() {
        for nested in [r#" {"log": {"b": 1, "a": [true, null, -2, 0.5]}, "message": "ready"}"#, r#"{"log":["a"]}"#] {
            assert_eq!(record(nested).message, nested.trim(), "what else the record says counts as well");
        }
        assert_eq!(record(r#"{"log":"ready\r\n"}"#).message, "ready");
        assert_eq!(record(r#"{"log":42}"#).message, "42");
        assert_eq!(record(r#" {"level":"info"}"#).message, r#"{"level":"info"}"#);
        assert_eq!(record(r#"{"log":"\u65e5 \ud83d\ude80"}"#).message, "日 🚀");
    }

    #[test]
    fn appended_metadata_wins_over_what_the_application_wrote() {
        let read = record(r#"{"ecs_task_definition":"forged:9","log":"a","ecs_task_definition":"web:6"}"#);
        assert_eq!(read.task_definition.as_deref(), Some("web:6"));
    }

    #[test]
    fn what_is_no_object_is_no_record() {
        for line in ["42", "\"text\"", "[1]", "{\"log\":", "plain text", "", "{} {}"] {
            assert!(parse(line, &mut Templates::default()).is_err(), "{line}");
        }
        let deep = format!("{{\"log\":{}", "[".repeat(100_000));
        assert!(parse(&deep, &mut Templates::default()).is_err());
    }

    /// Whatever a line looks like, and whatever lines came before it, the short ways read what the full parser reads.
    #[test]
    fn every_way_to_read_a_line_gives_the_same_members() {
        let metadata = r#""ecs_cluster":"default","ecs_task_arn":"arn:aws:ecs:r:1:task/default/1f2e","ecs_task_definition":"web:6"}"#;
        let fronts = [
            r#"{"date":"2026-11-23T06:32:46.0Z","container_name":"Main","source":"stdout","log":""#,
            r#"{"date":"2026-11-23T06:32:47.0Z","source":"stderr","container_name":"worker","log":""#,
            r#"{"date":1795428000.5,"container_name":"Main","log":""#,
            r#"{"date":"a\"b","container_name":"Main","log":""#,
            r#"{"container_name":"Main","x":{"log":"no"},"log":""#,
            r#"{"date":"d","log":"first","log":""#,
            r#"{"date":"d","date":"e","log":""#,
            r#"{"log":""#,
            r#"{"date":"d","lo\u0067":"escaped","log":""#,
        ];
        let messages = [
            "hello",
            "",
            r#"{\"level\":\"info\"}"#,
            r"a\\b\n\t\/",
            r"\u65e5 \ud83d\ude80",
            "日本語",
            r"\x",
            "broken\"quote",
            r"\ud800",
        ];
        let backs = [
            metadata.to_owned(),
            metadata.replace("web:6", "web:7"),
            metadata.replace("web:6", r"web\u003a8"),
            metadata.replace("web:6", r"web\/8"),
            r#""log":"last"}"#.to_owned(),
            r#""date":"later","partial_id":"p","partial_last":"true"}"#.to_owned(),
            r#""n":1}"#.to_owned(),
            r#""n":[{}],"container_name":null}"#.to_owned(),
            "\"open".to_owned(),
            "}".to_owned(),
        ];
        let mut templates = Templates::default();
        let (mut compared, mut known) = (0, 0);
        for _ in 0..2 {
            let pairs = fronts.iter().flat_map(|front| messages.map(|message| format!("{front}{message}")));
            for (start, back) in pairs.flat_map(|start| backs.iter().map(move |back| (start.clone(), back))) {
                let line = format!("{start}\",{back}");
                let full: Result<Members<'_>, _> = serde_json::from_str(&line);
                if let Some(record) = templates.record(&line) {
                    let full = full.unwrap();
                    let expected = Record {
                        message: without_end(full.log.unwrap()),
                        task_definition: full.task_definition,
                        task_arn: full.task_arn,
                        container_name: full.container_name,
                        container_id: full.container_id,
                        source: full.source,
                        date: full.date,
                    };
                    assert_eq!(record, expected, "{line}");
                    assert!(full.partial_id.is_none() && !full.is_nested, "{line}");
                    known += 1;
                    continue;
                }
                match (templates.read(&line), full) {
                    (Some(short), Ok(full)) => assert_eq!(short, full, "{line}"),
                    (Some(short), Err(error)) => panic!("{line}: {error}, and yet {short:?}"),
                    (None, _) => {}
                }
                compared += 1;
            }
        }
        assert!(compared > 1_000 && known > 50 && templates.len() > 3, "{compared} {known} {}", templates.len());
    }
}
