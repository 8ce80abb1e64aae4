//! Puts a new text into a file, and keeps what else the file is: its permissions, its owner, and the other names that it
//! has. It does not know what the text is.

use std::io::{self, Write as _};
use std::path::Path;

/// Replaces a file at once, so that whoever reads it sees the old text or the new one; where a new file could not be
/// what the old one is, it is written over.
pub(super) fn rewrite(path: &Path, text: &str) -> io::Result<()> {
    // A link stays a link: what it leads to is replaced.
    let path = path.canonicalize()?;
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.tmp", std::process::id()));
    let beside = path.with_file_name(name);
    let written = (|| {
        let mut file = std::fs::File::create_new(&beside)?;
        let old = std::fs::metadata(&path)?;
        if !can_replace(&old, &file.metadata()?) {
            std::fs::remove_file(&beside)?;
            return write_over(&path, text);
        }
        // First of all, so that nobody reads what the file itself would not let them.
        file.set_permissions(old.permissions())?;
        file.write_all(text.as_bytes())?;
        file.sync_all()?;
        std::fs::rename(&beside, &path)
    })();
    if written.is_err() {
        // What is left of an attempt is in nobody's way; the first error is the one to tell.
        let _ = std::fs::remove_file(&beside);
    }
    written
}

/// Whether a new file in the place of the old one loses neither its owner nor another of its names.
#[cfg(unix)]
fn can_replace(old: &std::fs::Metadata, new: &std::fs::Metadata) -> bool {
    use std::os::unix::fs::MetadataExt as _;
    old.nlink() == 1 && (old.uid(), old.gid()) == (new.uid(), new.gid())
}

#[cfg(not(unix))]
fn can_replace(_: &std::fs::Metadata, _: &std::fs::Metadata) -> bool {
    true
}

fn write_over(path: &Path, text: &str) -> io::Result<()> {
    let mut file = std::fs::OpenOptions::new().write(true).truncate(true).open(path)?;
    file.write_all(text.as_bytes())?;
    file.sync_all()
}

#[cfg(all(test, unix))]
mod tests {
    use std::os::unix::fs::{MetadataExt as _, PermissionsExt as _};

    use super::*;

    #[test]
    fn a_file_keeps_its_permissions_and_its_other_names() {
        let folder = tempfile::tempdir().unwrap();
        let (one, other) = (folder.path().join("one.json"), folder.path().join("other.json"));
        std::fs::write(&one, "old and longer").unwrap();
        std::fs::set_permissions(&one, std::fs::Permissions::from_mode(0o640)).unwrap();
        rewrite(&one, "new").unwrap();
        assert_eq!(std::fs::metadata(&one).unwrap().permissions().mode() & 0o777, 0o640);
        std::fs::hard_link(&one, &other).unwrap();
        rewrite(&one, "newer").unwrap();
        assert_eq!(std::fs::read_to_string(&other).unwrap(), "newer");
        assert_eq!(std::fs::metadata(&one).unwrap().nlink(), 2);
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 2, "nothing else is left");
    }
}
