//! What tells a folder from a copy of it.
#![allow(
    clippy::disallowed_methods,
    reason = "this is one of the places that the rest of the program goes through"
)]

use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt as _;
use std::path::Path;
use std::time::UNIX_EPOCH;

/// A text that stays the same for as long as the folder at `path` is there, also under another name; a copy of it has
/// another: its number in its file system and, where that is known, when it was made, in nanoseconds. What copies a
/// whole block device copies both.
///
/// # Errors
/// `NotFound`; any other error of the file system.
pub fn birthmark(path: &Path) -> io::Result<String> {
    let metadata = fs::metadata(path)?;
    let born = metadata.created().ok();
    let born = born.and_then(|at| at.duration_since(UNIX_EPOCH).ok());
    Ok(format!("{}-{}", metadata.ino(), born.unwrap_or_default().as_nanos()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_folder_keeps_it_when_it_is_renamed_and_filled_and_a_copy_has_another() {
        let dir = tempfile::tempdir().unwrap();
        let (here, there) = (dir.path().join("here"), dir.path().join("there"));
        fs::create_dir(&here).unwrap();
        let mark = birthmark(&here).unwrap();
        fs::write(here.join("a"), b"a").unwrap();
        fs::rename(&here, &there).unwrap();
        assert_eq!(birthmark(&there).unwrap(), mark);
        fs::create_dir(&here).unwrap();
        assert_ne!(birthmark(&here).unwrap(), mark);
        assert_eq!(
            birthmark(&dir.path().join("nowhere")).unwrap_err().kind(),
            io::ErrorKind::NotFound
        );
    }
}
