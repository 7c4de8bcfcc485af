//! Symbolic links in the place of what a restore replaces: a rename would put a folder or a file there, and leave what
//! they point to behind.

use std::collections::HashSet;

use bosbase_disk::FileKind;

use super::Site;
use crate::archive::Archive;
use crate::data_dir::{self, DataDir, STORAGE_DIR};
use crate::error::{Context as _, Error, ErrorKind, Result};

/// What every data directory may hold, and a restore replaces in any case.
const ALWAYS: [&str; 3] = [DataDir::DATABASE, DataDir::LOG, STORAGE_DIR];

/// Fails if one of the names that a restore is about to replace stands for a symbolic link: those in the data directory
/// itself, and the folders of the collections; those of `archive`, where there is one.
///
/// # Errors
/// [`ErrorKind::Unsupported`] with the name; [`ErrorKind::Io`].
pub(super) fn refuse(site: &Site<'_>, archive: Option<&Archive>) -> Result<()> {
    for name in ALWAYS {
        refuse_one(site, name)?;
    }
    let Some(archive) = archive else { return Ok(()) };
    let mut looked: HashSet<String> = HashSet::new();
    for entry in archive.entries() {
        let entry = entry?;
        if data_dir::is_not_installed(&entry.path) {
            continue;
        }
        let mut parts = entry.path.as_str().splitn(3, '/');
        let (Some(first), second) = (parts.next(), parts.next()) else {
            continue;
        };
        let name = match second {
            Some(second) if first == STORAGE_DIR => format!("{first}/{second}"),
            _ => first.to_owned(),
        };
        if looked.insert(name.clone()) {
            refuse_one(site, &name)?;
        }
    }
    Ok(())
}

fn refuse_one(site: &Site<'_>, name: &str) -> Result<()> {
    let path = site.path(name);
    let is_link = match site.disk.metadata(&path) {
        Ok(found) => found.kind == FileKind::Symlink,
        Err(e)
            if matches!(
                e.kind(),
                std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory
            ) =>
        {
            false
        }
        Err(e) => return Err(e).context(|| format!("looking at {}", path.display())),
    };
    if !is_link {
        return Ok(());
    }
    Err(Error::new(
        ErrorKind::Unsupported,
        format!(
            "{} is a symbolic link, and a restore would put something else in its place. Put what it points to there itself, or \
             mount it there (mount --bind)",
            path.display()
        ),
    ))
}
