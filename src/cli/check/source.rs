//! The texts to check: files, patterns, standard input, one at a time. It does not look into them.

use std::io::Read as _;
use std::path::Path;

use crate::task_definition::MAX_DOCUMENT;

/// The bytes of a file that are read: enough to say that it is too long.
const MAX_READ: u64 = MAX_DOCUMENT as u64 + 1;

/// A text and what it is called.
#[derive(Clone, Debug)]
pub(super) struct Source {
    /// The path as it was given, or `<stdin>`.
    pub(super) name: String,
    pub(super) text: String,
}

/// Reads the sources one after another.
pub(super) struct Sources;

impl Sources {
    /// The sources that arguments name; what cannot be read is an error in its place, and the others follow.
    pub(super) fn of(arguments: &[String]) -> impl Iterator<Item = Result<Source, String>> + '_ {
        arguments.iter().flat_map(|argument| match argument.as_str() {
            "-" => vec![read_input()].into_iter().boxed(),
            path => paths(path),
        })
    }
}

/// An iterator of any kind.
type Boxed = Box<dyn Iterator<Item = Result<Source, String>>>;

trait Boxing: Iterator<Item = Result<Source, String>> + Sized + 'static {
    fn boxed(self) -> Boxed {
        Box::new(self)
    }
}

impl<I: Iterator<Item = Result<Source, String>> + 'static> Boxing for I {}

/// A path, or what a pattern matches. A file whose name looks like a pattern is that file.
fn paths(argument: &str) -> Boxed {
    if Path::new(argument).exists() || !argument.contains(['*', '?', '[']) {
        return std::iter::once(read_file(argument)).boxed();
    }
    match glob::glob(argument) {
        Err(error) => std::iter::once(Err(format!("{argument}: {error}"))).boxed(),
        Ok(found) => {
            let mut found = found.filter_map(Result::ok).filter(|path| path.is_file()).peekable();
            if found.peek().is_none() {
                return std::iter::once(Err(format!("{argument}: no file has such a name"))).boxed();
            }
            found.map(|path| read_file(&path.display().to_string())).boxed()
        }
    }
}

fn read_file(path: &str) -> Result<Source, String> {
    if Path::new(path).is_dir() {
        return Err(format!(
            "{path}: a directory; name its files, for instance '{}/*.json'",
            path.trim_end_matches('/')
        ));
    }
    let file = std::fs::File::open(path).map_err(|error| format!("{path}: {error}"))?;
    read(path, file)
}

fn read_input() -> Result<Source, String> {
    read("<stdin>", std::io::stdin())
}

fn read(name: &str, from: impl std::io::Read) -> Result<Source, String> {
    let mut bytes = Vec::new();
    from.take(MAX_READ).read_to_end(&mut bytes).map_err(|error| format!("{name}: {error}"))?;
    // A file that is cut in the middle of a character is too long anyway.
    let text = match String::from_utf8(bytes) {
        Ok(text) => text,
        Err(error) if error.as_bytes().len() > MAX_DOCUMENT => String::from_utf8_lossy(error.as_bytes()).into_owned(),
        Err(error) => return Err(format!("{name}: not UTF-8 at byte {}", error.utf8_error().valid_up_to())),
    };
    Ok(Source { name: name.to_owned(), text })
}
