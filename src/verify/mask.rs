//! Taking secrets out of text that a report shows. It knows well-known shapes only, and rather hides too much than too
//! little.

use std::sync::LazyLock;

use regex::Regex;

/// Shapes and what stands for them afterwards. Earlier ones win: a presigned URL is cut before its parameters are
/// looked at.
const SHAPES: [(&str, &str); 13] = [
    // The query of a presigned URL is the permission itself.
    (r#"(?i)(https?://[^\s"'?]+)\?[^\s"']*(?:X-Amz-|Signature=|AWSAccessKeyId=)[^\s"']*"#, "$1?***"),
    (r"(?i)\b(X-Amz-(?:Signature|Credential|Security-Token))=[^&\s]+", "$1=***"),
    (r"\b(?:AKIA|ASIA)[A-Z0-9]{12,}", "***"),
    (r"\beyJ[A-Za-z0-9_-]{6,}\.[A-Za-z0-9_-]{6,}(?:\.[A-Za-z0-9_-]*)?", "***"),
    // A header's value may have several words, whatever the scheme is called.
    (r#"(?i)\b((?:authorization|cookie)\\*["']?\s*(?:=>|[:=])\s*\\*["']?)[^"'\\]+"#, "$1***"),
    (r"(?i)\b(bearer|basic)\s+[A-Za-z0-9._~+/=-]{6,}", "$1 ***"),
    (
        r"\b(?:gh[opsur]_|github_pat_|glpat-|npm_|xox[a-z]-|[srp]k_(?:live|test)_|sk-|whsec_|AIza|SG\.)[A-Za-z0-9_-]{10,}",
        "***",
    ),
    (r"(https://hooks\.slack\.com/services)/[A-Za-z0-9/]+", "$1/***"),
    (r"(?s)-----BEGIN [A-Z ]*PRIVATE KEY-----.*", "***"),
    (r#"([A-Za-z][A-Za-z0-9+.-]*://[^\s/:@"']*):[^\s"']+@"#, "$1:***@"),
    (r"(?i)(--?(?:password|passphrase|secret|token|api-key)\s+)[^\s]+", "$1***"),
    (r"(?i)(<(?:password|secret|token)>)[^<]+", "$1***"),
    // What stands behind the name is quoted, perhaps as JSON within JSON, a list or an object, or one word.
    (
        r#"(?i)((?:password|passwd|passphrase|pwd|secret|token|signature|api[_-]?key|access[_-]?key|account[_-]?key|private[_-]?key|credentials?|(?:\b|_)(?:pass|auth|sig)\b)[A-Za-z0-9_-]*\\*["']?\s*(?:=>|[:=]+)\s*)(?:\\+"[^"]*"?|"(?:[^"\\]|\\.)*"?|'[^']*'?|\[[^\]]*\]?|\{[^}]*\}?|[A-Za-z]+\([^)]*\)?|[^\s"',;&}]+)"#,
        "$1***",
    ),
];

static PATTERNS: LazyLock<Vec<(Regex, &str)>> =
    LazyLock::new(|| SHAPES.iter().filter_map(|(shape, instead)| Some((Regex::new(shape).ok()?, *instead))).collect());

/// The text with `***` where a secret may stand, and without control characters (a log line can carry terminal
/// commands).
pub fn mask(text: &str) -> String {
    let mut masked: String = text.chars().map(|letter| if letter.is_control() { ' ' } else { letter }).collect();
    for (pattern, instead) in PATTERNS.iter() {
        if let std::borrow::Cow::Owned(changed) = pattern.replace_all(&masked, *instead) {
            masked = changed;
        }
    }
    masked
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_shape_compiles() {
        assert_eq!(PATTERNS.len(), SHAPES.len());
    }

    #[test]
    fn secrets_of_known_shapes_are_hidden() {
        for (text, masked) in [
            ("key AKIAIOSFODNN7EXAMPLE used", "key *** used"),
            ("Authorization: Bearer abc.DEF-123456", "Authorization: ***"),
            (r#"{"Authorization":"Token 0123456789abcdef","n":1}"#, r#"{"Authorization":"***","n":1}"#),
            ("Cookie: theme=dark; session=abcdef123456", "Cookie: ***"),
            ("sent bearer abcdef123456", "sent bearer ***"),
            (r#"{"password":"hunter2 and more","user":"a"}"#, r#"{"password":***,"user":"a"}"#),
            (r#"{"log":"{\"api_key\":\"k1\",\"n\":1}"}"#, r#"{"log":"{\"api_key\":***,\"n\":1}"}"#),
            ("DB_PASSWORD=hunter2 ok", "DB_PASSWORD=*** ok"),
            ("postgres://app:hunter2@db:5432/x", "postgres://app:***@db:5432/x"),
            ("got eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl!", "got ***!"),
            (
                "GET https://b.s3.amazonaws.com/k?X-Amz-Expires=9&X-Amz-Signature=ab 200",
                "GET https://b.s3.amazonaws.com/k?*** 200",
            ),
            ("ghp_0123456789abcdef", "***"),
            ("sk_test_0123456789abcdef", "***"),
            ("https://hooks.slack.com/services/T000/B000/XXXXXXXXXXXX", "https://hooks.slack.com/services/***"),
            (r#"{"password":"hun\"ter2","n":1}"#, r#"{"password":***,"n":1}"#),
            (r#"{\\\"password\\\":\\\"hunter2\\\"}"#, r#"{\\\"password\\\":***}"#),
            (r#"Parameters: {"password"=>"hunter2"}"#, r#"Parameters: {"password"=>***}"#),
            (r#"{"password":["hunter2"],"n":1}"#, r#"{"password":***,"n":1}"#),
            (r#"password=Some("hunter2")"#, "password=***"),
            ("DB_PASS=hunter2 x", "DB_PASS=*** x"),
            ("psql --password hunter2 x", "psql --password *** x"),
            ("<password>hunter2</password>", "<password>***</password>"),
            ("AccountKey=abc123==;x", "AccountKey=***;x"),
            ("postgres://app:p@ss/w@db/x", "postgres://app:***@db/x"),
        ] {
            assert_eq!(mask(text), masked);
        }
    }

    #[test]
    fn ordinary_lines_stay_as_they_are() {
        for text in [
            "Starting server on :8080",
            "GET https://a.example/b?c=d 200",
            "tokens per second: high",
            "10 passed, 0 failed: bypass=on author=me",
            "http://a:8080/b and http://c:8080/d",
            "12:30:00 level=info",
        ] {
            assert_eq!(mask(text), text);
        }
        assert_eq!(mask("a\u{1b}[32mb\0c"), "a [32mb c");
    }
}
