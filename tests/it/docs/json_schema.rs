//! As much of JSON Schema (draft 7) as the schemas in docs/schema/ use; any other keyword fails the test that meets it.
//! `.ci/check_schemas.py` holds a complete validator against the same fixtures. A crate would switch on more of `regex`
//! and `serde` in tests than the release has.

use regex::Regex;
use serde_json::{Map, Value};

/// Where a document departs from a schema, as `pointer: keyword`.
pub(super) fn problems(schema: &Value, document: &Value) -> Vec<String> {
    let mut found = Vec::new();
    Walk { root: schema }.check(schema, document, "", &mut found);
    found
}

struct Walk<'a> {
    root: &'a Value,
}

impl Walk<'_> {
    fn passes(&self, schema: &Value, value: &Value) -> bool {
        let mut found = Vec::new();
        self.check(schema, value, "", &mut found);
        found.is_empty()
    }

    fn check(&self, schema: &Value, value: &Value, pointer: &str, found: &mut Vec<String>) {
        let keywords = schema.as_object().unwrap_or_else(|| panic!("{schema} is not a schema"));
        for (keyword, wanted) in keywords {
            let is_met = match keyword.as_str() {
                // These belong to the keyword beside them; the others say nothing about a value.
                "then" | "additionalItems" | "$schema" | "$comment" | "title" | "description" | "default"
                | "readOnly" | "definitions" => true,
                "$ref" => {
                    let place = wanted.as_str().unwrap().strip_prefix('#').unwrap();
                    self.passes(self.root.pointer(place).unwrap(), value)
                }
                "allOf" => {
                    for schema in schemas(wanted) {
                        self.check(schema, value, pointer, found);
                    }
                    true
                }
                "anyOf" => schemas(wanted).iter().any(|schema| self.passes(schema, value)),
                "not" => !self.passes(wanted, value),
                "if" => {
                    if self.passes(wanted, value) {
                        self.check(&keywords["then"], value, pointer, found);
                    }
                    true
                }
                "properties" | "additionalProperties" => self.members(keywords, keyword, value, pointer, found),
                "items" => self.items(keywords, value, pointer, found),
                "contains" => items(value).is_none_or(|items| items.iter().any(|item| self.passes(wanted, item))),
                _ => is_met(keyword, wanted, value),
            };
            if !is_met {
                found.push(format!("{pointer}: {keyword}"));
            }
        }
    }

    fn members(
        &self,
        keywords: &Map<String, Value>,
        keyword: &str,
        value: &Value,
        pointer: &str,
        found: &mut Vec<String>,
    ) -> bool {
        let properties = keywords.get("properties");
        for (name, member) in value.as_object().into_iter().flatten() {
            let pointer = format!("{pointer}/{name}");
            match (keyword, properties.and_then(|properties| properties.get(name))) {
                ("properties", Some(schema)) => self.check(schema, member, &pointer, found),
                ("additionalProperties", None) => match &keywords["additionalProperties"] {
                    Value::Bool(false) => found.push(format!("{pointer}: additionalProperties")),
                    schema => self.check(schema, member, &pointer, found),
                },
                _ => {}
            }
        }
        true
    }

    fn items(&self, keywords: &Map<String, Value>, value: &Value, pointer: &str, found: &mut Vec<String>) -> bool {
        for (index, item) in items(value).into_iter().flatten().enumerate() {
            let schema = match &keywords["items"] {
                Value::Array(first) => first.get(index).unwrap_or(&keywords["additionalItems"]),
                schema => schema,
            };
            self.check(schema, item, &format!("{pointer}/{index}"), found);
        }
        true
    }
}

fn schemas(value: &Value) -> &[Value] {
    value.as_array().unwrap()
}

fn items(value: &Value) -> Option<&Vec<Value>> {
    value.as_array()
}

/// The keywords that look at one value alone.
fn is_met(keyword: &str, wanted: &Value, value: &Value) -> bool {
    let length = || value.as_str().map(|text| text.chars().count());
    let count = || items(value).map(Vec::len);
    let bound = || usize::try_from(wanted.as_u64().unwrap()).unwrap();
    match keyword {
        "type" => match wanted {
            Value::Array(kinds) => kinds.iter().any(|kind| is_of(value, kind.as_str().unwrap())),
            kind => is_of(value, kind.as_str().unwrap()),
        },
        "enum" => schemas(wanted).contains(value),
        "const" => wanted == value,
        "required" => value
            .as_object()
            .is_none_or(|members| schemas(wanted).iter().all(|name| members.contains_key(name.as_str().unwrap()))),
        "minItems" => count().is_none_or(|count| count >= bound()),
        "maxItems" => count().is_none_or(|count| count <= bound()),
        "minLength" => length().is_none_or(|length| length >= bound()),
        "maxLength" => length().is_none_or(|length| length <= bound()),
        "minimum" => value.as_f64().is_none_or(|number| number >= wanted.as_f64().unwrap()),
        "maximum" => value.as_f64().is_none_or(|number| number <= wanted.as_f64().unwrap()),
        "pattern" => value.as_str().is_none_or(|text| Regex::new(wanted.as_str().unwrap()).unwrap().is_match(text)),
        _ => panic!("the keyword {keyword} is not known to these tests"),
    }
}

fn is_of(value: &Value, kind: &str) -> bool {
    match kind {
        "null" => value.is_null(),
        "boolean" => value.is_boolean(),
        "string" => value.is_string(),
        "array" => value.is_array(),
        "object" => value.is_object(),
        "number" => value.is_number(),
        "integer" => value.as_f64().is_some_and(|number| number.fract() == 0.0),
        _ => panic!("{kind} is not a type"),
    }
}
