//! The level of a message that is a JSON object. It looks no deeper than the object's own members.

use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

use super::Level;
use crate::record::Key;

/// The level of a JSON object.
///
/// # Errors
/// When the message is none, although it may begin as one.
pub(super) fn read(message: &str) -> serde_json::Result<Option<Level>> {
    match message.strip_prefix('{').and_then(|members| of_first_members(members.as_bytes())) {
        Some(level) => Ok(Some(level)),
        None => serde_json::from_str(message).map(|Members(level)| level),
    }
}

/// The level of a JSON object in which only members with plain values come before it, as nearly always; the rest is not
/// looked at.
fn of_first_members(members: &[u8]) -> Option<Level> {
    let mut rest = members;
    loop {
        let (key, after) = rest.trim_ascii_start().strip_prefix(b"\"").and_then(string)?;
        let value = after.trim_ascii_start().strip_prefix(b":")?.trim_ascii_start();
        let (value, after) = match value.strip_prefix(b"\"") {
            Some(text) => string(text)?,
            None => value.split_at_checked(value.iter().position(|byte| matches!(byte, b',' | b'}' | b'{' | b'['))?)?,
        };
        if is_level(key) {
            let number = || std::str::from_utf8(value).ok().filter(|_| key == b"level")?.trim_ascii_end().parse().ok();
            if let Some(level) = Level::from_word(value).or_else(|| Level::from_number(number()?)) {
                return Some(level);
            }
        }
        rest = after.trim_ascii_start().strip_prefix(b",")?;
    }
}

/// The text up to the closing quote and what follows it; `None` where something in it is escaped.
fn string(text: &[u8]) -> Option<(&[u8], &[u8])> {
    let (text, after) = text.split_at_checked(memchr::memchr2(b'"', b'\\', text)?)?;
    Some((text, after.strip_prefix(b"\"")?))
}

/// Whether a member of a JSON message has this name because it is its level.
fn is_level(key: &[u8]) -> bool {
    matches!(
        key,
        b"level" | b"severity" | b"lvl" | b"log.level" | b"levelname" | b"Level" | b"LogLevel" | b"Severity" | b"@l"
    )
}

/// What a JSON message says of its level.
struct Members(Option<Level>);

impl<'de> Deserialize<'de> for Members {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Object;
        impl<'de> Visitor<'de> for Object {
            type Value = Members;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Members, A::Error> {
                let mut level = None;
                while let Some(Key(key)) = map.next_key::<Key<'de>>()? {
                    match is_level(key.as_bytes()) {
                        true => {
                            let value = match map.next_value()? {
                                Value::Number(number) if key == "level" => Level::from_number(number),
                                Value::Word(level) => level,
                                Value::Number(_) | Value::Other => None,
                            };
                            level = level.or(value);
                        }
                        false => drop(map.next_value::<IgnoredAny>()?),
                    }
                }
                Ok(Members(level))
            }
        }
        deserializer.deserialize_map(Object)
    }
}

/// The value of a member that is named as a level is.
enum Value {
    Word(Option<Level>),
    Number(u64),
    Other,
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Any;
        impl<'de> Visitor<'de> for Any {
            type Value = Value;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a JSON value")
            }
            fn visit_str<E>(self, word: &str) -> Result<Value, E> {
                Ok(Value::Word(Level::from_word(word.as_bytes())))
            }
            fn visit_u64<E>(self, number: u64) -> Result<Value, E> {
                Ok(Value::Number(number))
            }
            fn visit_i64<E>(self, _: i64) -> Result<Value, E> {
                Ok(Value::Other)
            }
            fn visit_f64<E>(self, _: f64) -> Result<Value, E> {
                Ok(Value::Other)
            }
            fn visit_bool<E>(self, _: bool) -> Result<Value, E> {
                Ok(Value::Other)
            }
            fn visit_unit<E>(self) -> Result<Value, E> {
                Ok(Value::Other)
            }
            fn visit_seq<A: SeqAccess<'de>>(self, list: A) -> Result<Value, A::Error> {
                IgnoredAny.visit_seq(list).map(|_| Value::Other)
            }
            fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Value, A::Error> {
                IgnoredAny.visit_map(map).map(|_| Value::Other)
            }
        }
        deserializer.deserialize_any(Any)
    }
}
