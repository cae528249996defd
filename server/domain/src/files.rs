//! Files that are complete or absent, also after a power cut: they are written under another name, synced, renamed in
//! one step, and their folder is synced. Only the owner can read them.

use std::fs::{File, OpenOptions};
use std::io::{self, ErrorKind, Write};
use std::path::{Path, PathBuf};

/// Writes a new file.
///
/// # Errors
/// [`ErrorKind::AlreadyExists`] when there is one, which stays unchanged.
pub fn create(path: &Path, content: &[u8]) -> io::Result<()> {
    let written = written_beside(path, content)?;
    publish(&written, path)
}

/// Writes a file, replacing any existing one.
///
/// # Errors
/// Those of the file system; the old file is then still there.
pub fn replace(path: &Path, content: &[u8]) -> io::Result<()> {
    let written = written_beside(path, content)?;
    std::fs::rename(&written, path).inspect_err(|_| drop(std::fs::remove_file(&written)))?;
    sync_folder(path)
}

/// Renames a file that was written and synced beside `path`. The other name is removed, also after an error.
///
/// # Errors
/// [`ErrorKind::AlreadyExists`] when the name is taken; that file stays unchanged.
pub fn publish(written: &Path, path: &Path) -> io::Result<()> {
    // A link, unlike a rename, fails when the name is taken.
    let named = match std::fs::hard_link(written, path) {
        Err(error) if error.kind() != ErrorKind::AlreadyExists && !path.try_exists()? => {
            // Not every file system has links.
            std::fs::rename(written, path)
        }
        other => other,
    };
    drop(std::fs::remove_file(written));
    named?;
    sync_folder(path)
}

/// A name beside `path` that no other process uses.
pub fn beside(path: &Path) -> PathBuf {
    let mut name = path.file_name().unwrap_or_default().to_owned();
    name.push(format!(".{}.new", std::process::id()));
    path.with_file_name(name)
}

/// Makes the entry of this path in its folder survive a power cut.
///
/// # Errors
/// Those of the file system.
pub fn sync_folder(path: &Path) -> io::Result<()> {
    match path.parent() {
        Some(parent) if parent.as_os_str().is_empty() => File::open(".")?.sync_all(),
        Some(parent) => File::open(parent)?.sync_all(),
        None => Ok(()),
    }
}

fn written_beside(path: &Path, content: &[u8]) -> io::Result<PathBuf> {
    let written = beside(path);
    let mut options = OpenOptions::new();
    options.write(true).create(true).truncate(true);
    #[cfg(unix)]
    std::os::unix::fs::OpenOptionsExt::mode(&mut options, 0o600);
    let done = options.open(&written).and_then(|mut file| {
        file.write_all(content)?;
        file.sync_all()
    });
    match done {
        Ok(()) => Ok(written),
        Err(error) => {
            drop(std::fs::remove_file(&written));
            Err(error)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::testing::TestDir;

    #[test]
    fn a_file_is_made_once_and_replaced_in_one_step() {
        let dir = TestDir::new();
        let path = dir.path().join("file");
        create(&path, b"first").unwrap();
        assert_eq!(create(&path, b"second").unwrap_err().kind(), ErrorKind::AlreadyExists);
        assert_eq!(std::fs::read(&path).unwrap(), b"first");
        replace(&path, b"third").unwrap();
        assert_eq!(std::fs::read(&path).unwrap(), b"third");
        let names: Vec<_> = std::fs::read_dir(dir.path()).unwrap().collect();
        assert_eq!(names.len(), 1, "nothing else is left behind: {names:?}");
        #[cfg(unix)]
        {
            use std::os::unix::fs::PermissionsExt;
            assert_eq!(std::fs::metadata(&path).unwrap().permissions().mode() & 0o777, 0o600);
        }
    }

    #[test]
    fn what_cannot_be_put_in_its_place_leaves_nothing() {
        let dir = TestDir::new();
        let path = dir.path().join("taken");
        std::fs::create_dir(&path).unwrap();
        assert!(create(&path, b"content").is_err());
        assert!(replace(&path, b"content").is_err());
        assert!(create(&dir.path().join("missing/file"), b"content").is_err());
        assert_eq!(std::fs::read_dir(dir.path()).unwrap().count(), 1);
    }
}
