//! Members that stand twice in one object of a text that is JSON. Readers of JSON keep the last one without a word; this
//! finds it and judges nothing.

use std::collections::HashSet;

use super::pointer::escape;

/// A member whose name stands in its object before.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Repeated {
    /// The place, as a JSON pointer.
    pub pointer: String,
    /// The line of its name, counted from 1.
    pub line: usize,
    /// The column of its name in bytes, counted from 1.
    pub column: usize,
}

/// The most that are listed.
const MAX_LISTED: usize = 20;

/// What stands twice, in the order of the text, which has to be JSON.
pub(super) fn repeated(text: &[u8]) -> Vec<Repeated> {
    let mut scan = Scan { text, at: 0, open: Vec::new(), found: Vec::new() };
    while scan.found.len() < MAX_LISTED && scan.step() {}
    scan.found
}

/// An object or a list that is open.
enum Open {
    Object {
        names: HashSet<String>,
        /// The member whose value is read.
        member: String,
        /// Whether a name comes next.
        awaits_name: bool,
    },
    List(usize),
}

struct Scan<'a> {
    text: &'a [u8],
    at: usize,
    open: Vec<Open>,
    found: Vec<Repeated>,
}

impl Scan<'_> {
    /// Goes on by one token; `false` at the end.
    fn step(&mut self) -> bool {
        let Some(byte) = self.text.get(self.at) else { return false };
        match byte {
            b'{' => {
                self.open.push(Open::Object { names: HashSet::new(), member: String::new(), awaits_name: true });
            }
            b'[' => self.open.push(Open::List(0)),
            b'}' | b']' => {
                self.open.pop();
            }
            b',' => match self.open.last_mut() {
                Some(Open::Object { awaits_name, .. }) => *awaits_name = true,
                Some(Open::List(index)) => *index += 1,
                None => {}
            },
            b'"' => {
                let start = self.at;
                self.skip_string();
                self.note(start);
                return true;
            }
            _ => {}
        }
        self.at += 1;
        true
    }

    fn skip_string(&mut self) {
        self.at += 1;
        while let Some(byte) = self.text.get(self.at) {
            self.at += match byte {
                b'\\' => 2,
                b'"' => break,
                _ => 1,
            };
        }
        self.at += 1;
    }

    /// Takes in the string that ends here, if it is a name.
    fn note(&mut self, start: usize) {
        let Some(Open::Object { names, member, awaits_name }) = self.open.last_mut() else { return };
        if !std::mem::take(awaits_name) {
            return;
        }
        let name = self.text.get(start..self.at).and_then(|name| serde_json::from_slice::<String>(name).ok());
        member.clone_from(&name.unwrap_or_default());
        if names.insert(member.clone()) {
            return;
        }
        let before = self.text.get(..start).unwrap_or_default();
        let line = before.split(|byte| *byte == b'\n').count();
        let column = before.iter().rev().take_while(|byte| **byte != b'\n').count() + 1;
        let pointer = self.open.iter().fold(String::new(), |pointer, open| match open {
            Open::Object { member, .. } => pointer + "/" + &escape(member),
            Open::List(index) => pointer + "/" + &index.to_string(),
        });
        self.found.push(Repeated { pointer, line, column });
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_member_that_stands_twice_is_found_at_its_second_place() {
        let text = br#"{"a": {"b": [1, {"c": "x,\"c\":", "d": 1,
  "\u0063": [], "d/e": 1, "d/e": 2}]}, "b": "a", "a": 1}"#;
        assert!(serde_json::from_slice::<serde_json::Value>(text).is_ok());
        let found: Vec<(String, usize, usize)> =
            repeated(text).into_iter().map(|one| (one.pointer, one.line, one.column)).collect();
        assert_eq!(
            found,
            [("/a/b/1/c".into(), 2, 3), ("/a/b/1/d~1e".into(), 2, 27), ("/a".into(), 2, 50)],
            "of objects beside each other, of values and of quotes nothing is found"
        );
        assert_eq!(repeated(br#"[{"a": 1}, {"a": 2}]"#), []);
        assert_eq!(repeated(format!("{{{}}}", [r#""a":1"#; 500].join(",")).as_bytes()).len(), MAX_LISTED);
    }
}
