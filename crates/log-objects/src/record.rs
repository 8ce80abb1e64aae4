//! One log record: the members of a JSON line that a verification reads, borrowed from the line where they can be. It
//! judges nothing.

use std::borrow::Cow;
use std::fmt;

use serde::de::value::{MapAccessDeserializer, SeqAccessDeserializer};
use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};
use serde_json::Value;

mod flat;
mod template;

pub(super) use template::Templates;

/// What a record says about itself.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Record<'a> {
    /// The member `log` (JSON when it is not a text), or the whole line where there is none: a filter or the
    /// application shaped it.
    pub message: Cow<'a, str>,
    /// `ecs_task_definition`: `family:revision`.
    pub task_definition: Option<Cow<'a, str>>,
    /// `ecs_task_arn`: the task that wrote it.
    pub task_arn: Option<Cow<'a, str>>,
    /// `container_name`: the name in the task definition on Fargate, Docker's own name on EC2.
    pub container_name: Option<Cow<'a, str>>,
    /// `container_id`: on Fargate it begins with the task's id.
    pub container_id: Option<Cow<'a, str>>,
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
            date: own(self.date),
        }
    }
}

/// A record as it stands in an object: whole, or a piece of a line that the log driver split at 16 KiB.
#[derive(Debug)]
pub(super) struct Line<'a> {
    record: Record<'a>,
    /// `partial_id`, present on pieces.
    piece_of: Option<Cow<'a, str>>,
    /// `partial_last` is `true`.
    is_last_piece: bool,
}

impl<'a> Line<'a> {
    /// Reads one line, which must hold a JSON object.
    pub(super) fn parse(line: &'a str, templates: &mut Templates) -> Result<Self, serde_json::Error> {
        let members = match templates.read(line) {
            Some(members) => members,
            None => serde_json::from_str(line)?,
        };
        let message = members.log.unwrap_or_else(|| Cow::Borrowed(line.trim_ascii()));
        let record = Record {
            message,
            task_definition: members.task_definition,
            task_arn: members.task_arn,
            container_name: members.container_name,
            container_id: members.container_id,
            date: members.date,
        };
        let is_last_piece = members.partial_last.as_deref() == Some("true");
        Ok(Self { record, piece_of: members.partial_id, is_last_piece })
    }
}

/// Puts split lines together again, so that a pattern finds text across the cut. Pieces of one line keep their order
/// within an object; what is still open at its end is handed out as it is.
#[derive(Debug, Default)]
pub(super) struct Joiner {
    open: Vec<(String, Record<'static>)>,
}

impl Joiner {
    /// Lines that may be open at once; standard output and standard error make two. Each can hold a few MiB, so few may
    /// be open.
    const MAX_OPEN: usize = 4;

    /// The record that `line` completes, or nothing while more pieces must come. A joined message ends at `limit`
    /// bytes.
    pub(super) fn take<'a>(&mut self, line: Line<'a>, limit: usize) -> Option<Record<'a>> {
        let Some(id) = line.piece_of else { return Some(line.record) };
        let known = self.open.iter_mut().enumerate().find(|(_, (open, _))| *open == *id);
        let Some((place, (_, joined))) = known else {
            if line.is_last_piece || self.open.len() >= Self::MAX_OPEN {
                return Some(line.record);
            }
            self.open.push((id.into_owned(), line.record.into_owned()));
            return None;
        };
        let message = joined.message.to_mut();
        message.push_str(&line.record.message);
        (line.is_last_piece || message.len() >= limit).then(|| self.open.swap_remove(place).1)
    }

    /// What never got its last piece.
    pub(super) fn rest(&mut self) -> impl Iterator<Item = Record<'static>> + '_ {
        self.open.drain(..).map(|(_, record)| record)
    }
}

/// The members that are read. Of doubled members the last counts: the `ecs_*` that FireLens appends win over what an
/// application writes.
#[derive(Debug, Default, PartialEq, Eq)]
struct Members<'a> {
    log: Option<Cow<'a, str>>,
    task_definition: Option<Cow<'a, str>>,
    task_arn: Option<Cow<'a, str>>,
    container_name: Option<Cow<'a, str>>,
    container_id: Option<Cow<'a, str>>,
    date: Option<Cow<'a, str>>,
    partial_id: Option<Cow<'a, str>>,
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
            "date" => Some(&mut self.date),
            "partial_id" => Some(&mut self.partial_id),
            "partial_last" => Some(&mut self.partial_last),
            _ => None,
        }
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
                        Some(place) => *place = Some(map.next_value::<Text<'de>>()?.0),
                        None => drop(map.next_value::<IgnoredAny>()?),
                    }
                }
                Ok(members)
            }
        }
        deserializer.deserialize_map(Object)
    }
}

/// Any JSON value as text: a string as it is, everything else as its JSON.
struct Text<'a>(Cow<'a, str>);

impl<'de> Deserialize<'de> for Text<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        fn written<'a>(value: &Value) -> Text<'a> {
            Text(Cow::Owned(value.to_string()))
        }
        impl<'de> Visitor<'de> for Any {
            type Value = Text<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON value")
            }
            fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Borrowed(text)))
            }
            fn visit_str<E>(self, text: &str) -> Result<Text<'de>, E> {
                Ok(Text(Cow::Owned(text.to_owned())))
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
                Value::deserialize(SeqAccessDeserializer::new(list)).map(|value| written(&value))
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Text<'de>, A::Error> {
                Value::deserialize(MapAccessDeserializer::new(map)).map(|value| written(&value))
            }
        }
        deserializer.deserialize_any(Any)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn record(line: &str) -> Record<'_> {
        Line::parse(line, &mut Templates::default()).unwrap().record
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
    fn a_message_that_is_no_text_is_its_json_and_a_missing_one_the_whole_line() {
        assert_eq!(
            record(r#"{"log": {"b": 1, "a": [true, null, -2, 0.5]}}"#).message,
            r#"{"b":1,"a":[true,null,-2,0.5]}"#
        );
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
            assert!(Line::parse(line, &mut Templates::default()).is_err(), "{line}");
        }
        let deep = format!("{{\"log\":{}", "[".repeat(100_000));
        assert!(Line::parse(&deep, &mut Templates::default()).is_err());
    }

    #[test]
    fn pieces_of_a_line_are_joined_and_others_pass_between_them() {
        let piece = |id: &str, last: bool, log: &str| {
            format!(r#"{{"partial_message":"true","partial_id":"{id}","partial_last":"{last}","log":"{log}"}}"#)
        };
        let lines = [
            piece("a", false, "one "),
            r#"{"log":"between"}"#.to_owned(),
            piece("b", false, "open"),
            piece("a", true, "two"),
        ];
        let mut joiner = Joiner::default();
        let mut seen: Vec<String> = Vec::new();
        for line in &lines {
            seen.extend(
                joiner
                    .take(Line::parse(line, &mut Templates::default()).unwrap(), 100)
                    .map(|record| record.message.into_owned()),
            );
        }
        seen.extend(joiner.rest().map(|record| record.message.into_owned()));
        assert_eq!(seen, ["between", "one two", "open"]);
    }

    #[test]
    fn a_joined_message_is_bounded() {
        let line = r#"{"partial_id":"a","partial_last":"false","log":"0123456789"}"#;
        let mut joiner = Joiner::default();
        let lengths: Vec<usize> = (0..100)
            .filter_map(|_| {
                joiner
                    .take(Line::parse(line, &mut Templates::default()).unwrap(), 50)
                    .map(|record| record.message.len())
            })
            .collect();
        assert_eq!(lengths, [50; 20]);
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
                        message: full.log.unwrap(),
                        task_definition: full.task_definition,
                        task_arn: full.task_arn,
                        container_name: full.container_name,
                        container_id: full.container_id,
                        date: full.date,
                    };
                    assert_eq!(record, expected, "{line}");
                    assert_eq!(full.partial_id, None, "{line}");
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
