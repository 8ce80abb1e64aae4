//! The texts to check: files, patterns, standard input, one at a time. It does not look into them.

use std::fmt;
use std::io::Read as _;
use std::path::Path;

use fast_glob::glob_match;
use walkdir::WalkDir;

use crate::cli::printable;
use crate::task_definition::{MAX_TEXT, encoding};

/// The bytes of a file that are read: enough to say that it is too long.
const MAX_READ: u64 = MAX_TEXT as u64 + 1;

/// What editors on Windows put in front of a text.
const BYTE_ORDER_MARK: char = '\u{feff}';

/// A text and what it is called.
#[derive(Clone, Debug)]
pub(super) struct Source {
    /// The path as it was given, or `<stdin>`.
    pub(super) name: String,
    /// The text without a byte order mark, which no place counts.
    pub(super) text: String,
    /// Whether the file begins with a byte order mark.
    pub(super) is_marked: bool,
}

impl Source {
    fn new(name: &str, text: String) -> Self {
        let name = name.to_owned();
        match text.strip_prefix(BYTE_ORDER_MARK) {
            Some(rest) => Self { name, text: rest.to_owned(), is_marked: true },
            None => Self { name, text, is_marked: false },
        }
    }

    /// The same source with another text.
    pub(super) fn with_text(&self, text: String) -> Self {
        Self { name: self.name.clone(), text, is_marked: self.is_marked }
    }

    /// Whether it came from standard input, so that nothing can be written back.
    pub(super) fn is_input(&self) -> bool {
        self.name == INPUT
    }

    /// The text as the file holds it.
    pub(super) fn file_text(&self) -> String {
        if self.is_marked { format!("{BYTE_ORDER_MARK}{}", self.text) } else { self.text.clone() }
    }
}

/// What standard input is called.
const INPUT: &str = "<stdin>";

/// A file that could not be read.
#[derive(Debug)]
pub(super) struct Unread {
    /// What the argument names.
    pub(super) name: String,
    /// Why, and what to do where that is clear.
    pub(super) reason: String,
}

impl Unread {
    pub(super) fn new(name: &str, reason: impl fmt::Display) -> Self {
        Self { name: name.to_owned(), reason: reason.to_string() }
    }
}

impl fmt::Display for Unread {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "{}: {}", printable(&self.name), printable(&self.reason))
    }
}

/// The sources that arguments name, read one after another; what cannot be read is an error in its place, and the
/// others follow.
pub(super) fn sources(arguments: &[String]) -> impl Iterator<Item = Result<Source, Unread>> + '_ {
    arguments.iter().flat_map(|argument| match argument.as_str() {
        "-" => boxed(std::iter::once_with(|| read(INPUT, std::io::stdin()))),
        path => paths(path),
    })
}

/// Sources of one argument.
type Boxed = Box<dyn Iterator<Item = Result<Source, Unread>>>;

fn boxed(sources: impl Iterator<Item = Result<Source, Unread>> + 'static) -> Boxed {
    Box::new(sources)
}

/// What makes a path a pattern.
const PATTERN: [char; 4] = ['*', '?', '[', '{'];

/// A path, or what a pattern matches. A file whose name looks like a pattern is that file.
fn paths(argument: &str) -> Boxed {
    if Path::new(argument).exists() || !argument.contains(PATTERN) {
        return boxed(std::iter::once(read_file(argument)));
    }
    let pattern = argument.to_owned();
    // Only what lies below the folders that are written out can match.
    let folder = argument.find(PATTERN).and_then(|at| argument.get(..at)?.rfind('/')).map(|end| end + 1);
    let folder = folder.and_then(|end| argument.get(..end)).unwrap_or_default();
    let none = || boxed(std::iter::once(Err(Unread::new(argument, "no file has such a name"))));
    if !folder.is_empty() && !Path::new(folder).is_dir() {
        return none();
    }
    // Links to folders are not followed: they may lead around in a circle.
    let walk = WalkDir::new(if folder.is_empty() { "." } else { folder }).sort_by_file_name();
    let has_folder = !folder.is_empty();
    let mut found = walk
        .into_iter()
        .filter_map(move |entry| {
            let path = match entry {
                Err(error) => {
                    let name = error.path().map_or_else(String::new, |path| path.display().to_string());
                    let reason = error.io_error().map_or_else(|| error.to_string(), ToString::to_string);
                    return Some(Err(Unread::new(&name, reason)));
                }
                Ok(entry) if entry.file_type().is_dir() => return None,
                Ok(entry) => entry.into_path(),
            };
            let path = if has_folder { path } else { path.strip_prefix(".").map_or(path.clone(), Path::to_owned) };
            // A link may lead to a file.
            let is_match = glob_match(&pattern, path.as_os_str().as_encoded_bytes());
            (is_match && path.is_file()).then(|| match path.to_str() {
                Some(path) => read_file(path),
                None => Err(Unread::new(&path.display().to_string(), "the name is not UTF-8")),
            })
        })
        .peekable();
    if found.peek().is_none() {
        return none();
    }
    boxed(found)
}

fn read_file(path: &str) -> Result<Source, Unread> {
    if Path::new(path).is_dir() {
        let folder = path.trim_end_matches('/');
        return Err(Unread::new(path, format!("a directory; name its files, for instance '{folder}/*.json'")));
    }
    let file = std::fs::File::open(path).map_err(|error| Unread::new(path, error))?;
    read(path, file)
}

fn read(name: &str, from: impl std::io::Read) -> Result<Source, Unread> {
    let mut bytes = Vec::new();
    from.take(MAX_READ).read_to_end(&mut bytes).map_err(|error| Unread::new(name, error))?;
    if let Some(encoding) = encoding(&bytes) {
        let help = "in Windows PowerShell, write it with `| Out-File -Encoding utf8` instead of `>`";
        return Err(Unread::new(name, format!("the file is {encoding}; save it as UTF-8: {help}")));
    }
    // A file that is cut in the middle of a character is too long anyway.
    let text = match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) if error.as_bytes().len() > MAX_TEXT => String::from_utf8_lossy(error.as_bytes()).into_owned(),
        Err(error) => {
            let place = error.utf8_error().valid_up_to();
            return Err(Unread::new(name, format!("not UTF-8 at byte {place}; task definitions are")));
        }
    };
    Ok(Source::new(name, text))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_byte_order_mark_is_kept_beside_the_text() {
        let source = Source::new("web.json", "\u{feff}{}".to_owned());
        assert_eq!((source.text.as_str(), source.file_text().as_str()), ("{}", "\u{feff}{}"));
        assert_eq!(source.with_text("[]".to_owned()).file_text(), "\u{feff}[]");
    }

    #[test]
    fn a_text_over_the_limit_is_read_as_far_as_it_takes_to_say_so() {
        let long = "é".repeat(MAX_TEXT);
        let source = read("web.json", long.as_bytes()).unwrap();
        assert!(source.text.len() > MAX_TEXT && source.text.len() < MAX_TEXT + 10, "{}", source.text.len());
        assert!(read("web.json", &b"\xff{}"[..]).unwrap_err().to_string().contains("not UTF-8 at byte 0"));
    }
}
