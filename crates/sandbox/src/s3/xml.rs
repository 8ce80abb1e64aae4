//! The few lines of XML that S3's answers need. It writes elements and escapes text; it reads nothing.

use std::fmt::Write;

/// The name space of S3's documents.
const NAMESPACE: &str = "http://s3.amazonaws.com/doc/2006-03-01/";

/// One element around text, which is escaped.
pub(super) fn text(name: &str, value: &str) -> String {
    format!("<{name}>{}</{name}>", escape(value))
}

/// One element around elements, which are taken as they are.
pub(super) fn element(name: &str, inner: &str) -> String {
    format!("<{name}>{inner}</{name}>")
}

/// A whole document in S3's name space.
pub(super) fn document(root: &str, inner: &str) -> String {
    format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<{root} xmlns=\"{NAMESPACE}\">{inner}</{root}>")
}

/// A whole error document, which S3 sends without a name space.
pub(super) fn error_document(inner: &str) -> String {
    format!("<?xml version=\"1.0\" encoding=\"UTF-8\"?>\n<Error>{inner}</Error>")
}

/// Control characters become references too: a bare carriage return would be read back as a line feed.
fn escape(value: &str) -> String {
    let mut escaped = String::with_capacity(value.len());
    for character in value.chars() {
        match character {
            '&' => escaped.push_str("&amp;"),
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '"' => escaped.push_str("&quot;"),
            plain if !plain.is_control() => escaped.push(plain),
            control => {
                // Writing to a text cannot fail.
                let _ = write!(escaped, "&#x{:x};", u32::from(control));
            }
        }
    }
    escaped
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn markup_and_line_ends_in_text_are_escaped() {
        assert_eq!(text("Key", "a<b>&\"\r'é"), "<Key>a&lt;b&gt;&amp;&quot;&#xd;'é</Key>");
    }
}
