//! Why a text is not JSON, in words of those who write it: what other notations allow is named. It repairs nothing.

use super::Unreadable;

/// The encoding of a text that is not UTF-8, where its first bytes tell.
pub fn encoding(text: &[u8]) -> Option<&'static str> {
    match text {
        [0xff, 0xfe, 0, 0, ..] | [0, 0, 0xfe, 0xff, ..] => Some("UTF-32"),
        [0xff, 0xfe, ..] | [0xfe, 0xff, ..] | [0, b'{' | b'[', ..] | [b'{' | b'[', 0, ..] => Some("UTF-16"),
        _ => None,
    }
}

/// The least bytes that a text in JSON has without its spaces, whether it is JSON or not: a long text of many small values
/// takes thirty times its length once it is read, so it is measured before.
pub(super) fn least_size(text: &[u8]) -> usize {
    let (mut size, mut at, mut is_string) = (0, 0, false);
    while let Some(byte) = text.get(at) {
        let is_escape = is_string && *byte == b'\\';
        // A letter that is written as `\u0041` may be sent as itself.
        let (read, sent) = match text.get(at + 1) {
            Some(b'u') if is_escape => (6, 1),
            Some(_) if is_escape => (2, 1),
            _ if !is_string && byte.is_ascii_whitespace() => (1, 0),
            _ => (1, 1),
        };
        is_string ^= *byte == b'"';
        at += read;
        size += sent;
    }
    size
}

/// What the parser did not understand.
pub(super) fn explain(text: &[u8], error: &serde_json::Error) -> Unreadable {
    // At the end of a text without lines the parser counts from 0.
    let (line, column) = (error.line().max(1), error.column().max(1));
    let start =
        text.split(|byte| *byte == b'\n').take(line.saturating_sub(1)).map(|line| line.len() + 1).sum::<usize>();
    let rest = text.get(start + column.saturating_sub(1)..).unwrap_or_default();
    let said = error.to_string();
    let said = said.split_once(" at line ").map_or(said.as_str(), |(said, _)| said);
    let (message, help) = match rest {
        [b'/', b'/' | b'*', ..] | [b'#', ..] => ("comments are not JSON", "remove the comment"),
        [b'\'', ..] => ("single quotes are not JSON", "write names and texts in double quotes"),
        [b'N', b'a', b'N', ..] | [b'I', b'n', b'f', ..] => ("JSON has no such number", "write digits"),
        _ if said == "trailing comma" => ("a comma stands before the bracket", "remove the comma"),
        _ if text.trim_ascii().is_empty() => ("the text is empty", "write a task definition into it"),
        _ => (said, "correct the syntax there"),
    };
    Unreadable::NotJson { line, column, message: message.to_owned(), help }
}

#[cfg(test)]
mod tests {
    use super::super::TaskDefinition;
    use super::*;

    #[test]
    fn what_other_notations_allow_is_named() {
        for (text, says) in [
            ("// x\n{}", "line 1, column 1: comments are not JSON"),
            ("{\"a\": 1, /* x */ \"b\": 2}", "line 1, column 10: comments are not JSON"),
            ("{\n# x\n}", "line 2, column 1: comments are not JSON"),
            ("{\"a\": 1,}", "line 1, column 9: a comma stands before the bracket"),
            ("[1,\n]", "line 2, column 1: a comma stands before the bracket"),
            ("{'a': 1}", "line 1, column 2: single quotes are not JSON"),
            ("{\"a\": NaN}", "line 1, column 7: JSON has no such number"),
            (" \n ", "line 2, column 1: the text is empty"),
            ("{\"a\" 1}", "line 1, column 6: expected `:`"),
        ] {
            assert_eq!(TaskDefinition::parse(text.as_bytes()).unwrap_err().to_string(), says, "{text}");
        }
    }

    #[test]
    fn a_text_is_measured_without_what_is_not_sent() {
        assert_eq!(least_size(br#" { "a b" : [ 1 , 2 ] } "#), r#"{"a b":[1,2]}"#.len());
        assert_eq!(least_size(br#"{"a\"  b": "\u0041\n"}"#), r#"{"a"  b":"AN"}"#.len());
        assert_eq!(least_size(b"\"\\"), 2, "a text that breaks off");
        let many = format!("[{}0]", "0, ".repeat(100_000));
        assert!(matches!(TaskDefinition::parse(many.as_bytes()), Err(Unreadable::TooLarge(200_003))));
    }

    #[test]
    fn an_encoding_is_named_and_a_mark_of_utf_8_is_none() {
        let wide: Vec<u8> = "\u{feff}{}".encode_utf16().flat_map(u16::to_le_bytes).collect();
        assert_eq!(TaskDefinition::parse(&wide), Err(Unreadable::Encoded("UTF-16")));
        let unmarked: Vec<u8> = "{}".encode_utf16().flat_map(u16::to_be_bytes).collect();
        assert_eq!(encoding(&unmarked), Some("UTF-16"));
        assert_eq!(encoding(b"\xef\xbb\xbf{}"), None);
    }
}
