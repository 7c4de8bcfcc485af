//! Files that appear whole and durable, or not at all.

use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{SystemTime, UNIX_EPOCH};

use crate::disk::{Disk, DiskFile, Whom};

/// Writes a small file so that after any crash it holds all of the old or all of the new bytes; durable when it
/// returns.
///
/// Temporary file → sync → rename → sync of the directory. A leftover of a killed one starts with `.` and ends in
/// `.tmp`.
///
/// # Errors
/// Any error of the file system. After a failure before the rename the old contents stand; after one of the last sync
/// either may.
pub fn write_atomically(disk: &dyn Disk, path: &Path, bytes: &[u8]) -> io::Result<()> {
    let mut new = NewFile::create(disk, path)?;
    new.write_all(bytes)?;
    new.replace()
}

/// Reads a small file whole.
///
/// # Errors
/// `NotFound`; `FileTooLarge` if it is longer than `limit` bytes.
pub fn read_all(disk: &dyn Disk, path: &Path, limit: u64) -> io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    disk.open(path)?.take(limit.saturating_add(1)).read_to_end(&mut bytes)?;
    if bytes.len() as u64 > limit {
        return Err(io::Error::new(
            io::ErrorKind::FileTooLarge,
            format!("longer than {limit} bytes"),
        ));
    }
    Ok(bytes)
}

/// A file in the making: written under a hidden temporary name beside its place; dropping it removes it.
#[derive(Debug)]
pub struct NewFile<'a> {
    disk: &'a dyn Disk,
    target: PathBuf,
    temporary: PathBuf,
    file: Option<Box<dyn DiskFile>>,
}

impl<'a> NewFile<'a> {
    /// Starts a file that will stand at `target`, whose directory must exist.
    ///
    /// # Errors
    /// Any error of the file system.
    pub fn create(disk: &'a dyn Disk, target: &Path) -> io::Result<Self> {
        Self::create_for(Whom::All, disk, target)
    }

    /// As [`NewFile::create`]; the file is never open to others than those it is for.
    ///
    /// # Errors
    /// As [`NewFile::create`].
    pub fn create_for(whom: Whom, disk: &'a dyn Disk, target: &Path) -> io::Result<Self> {
        let temporary = temporary_beside(target)?;
        let file = disk.create_new_for(whom, &temporary)?;
        Ok(Self {
            disk,
            target: target.to_owned(),
            temporary,
            file: Some(file),
        })
    }

    /// The open file, for what `Write` does not cover.
    ///
    /// # Panics
    /// Never: the file is only taken by the two methods that consume `self`.
    #[must_use]
    pub fn file(&self) -> &dyn DiskFile {
        self.file.as_deref().expect("held until published")
    }

    /// Makes it durable under its name, which must be free.
    ///
    /// # Errors
    /// `AlreadyExists` if the name is taken; any other error of the file system.
    pub fn publish(self) -> io::Result<()> {
        self.finish(|disk, from, to| disk.rename_new(from, to))
    }

    /// Makes it durable under its name, in place of what stood there.
    ///
    /// # Errors
    /// Any error of the file system.
    pub fn replace(self) -> io::Result<()> {
        self.finish(|disk, from, to| disk.rename(from, to))
    }

    fn finish(mut self, rename: impl FnOnce(&dyn Disk, &Path, &Path) -> io::Result<()>) -> io::Result<()> {
        self.file().sync()?;
        rename(self.disk, &self.temporary, &self.target)?;
        self.file = None;
        self.disk.sync_dir(parent_of(&self.target)?)
    }
}

impl Write for NewFile<'_> {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.file.as_mut().expect("held until published").write(buf)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.as_mut().expect("held until published").flush()
    }
}

impl Drop for NewFile<'_> {
    fn drop(&mut self) {
        if self.file.take().is_some() {
            // Best effort: a leftover is hidden by its name and cleaned at the next start.
            let _ = self.disk.remove_file(&self.temporary);
        }
    }
}

fn parent_of(path: &Path) -> io::Result<&Path> {
    match path.parent() {
        Some(p) if p.as_os_str().is_empty() => Ok(Path::new(".")),
        Some(p) => Ok(p),
        None => Err(io::Error::new(
            io::ErrorKind::InvalidInput,
            "a path without a directory",
        )),
    }
}

/// `.<name>.<unique>.tmp`; unique among the processes and threads of this machine, and `create_new` decides in the end.
fn temporary_beside(target: &Path) -> io::Result<PathBuf> {
    static COUNTER: AtomicU64 = AtomicU64::new(0);
    let name = target
        .file_name()
        .ok_or_else(|| io::Error::new(io::ErrorKind::InvalidInput, "a path without a name"))?;
    // The name is shortened: with the additions it must stay within 255 bytes.
    let short: String = name.to_string_lossy().chars().take(50).collect();
    let nanos = SystemTime::now()
        .duration_since(UNIX_EPOCH)
        .map_or(0, |d| d.as_nanos() as u64);
    let unique = format!(
        "{:x}{nanos:x}{:x}",
        std::process::id(),
        COUNTER.fetch_add(1, Ordering::Relaxed)
    );
    Ok(parent_of(target)?.join(format!(".{short}.{unique}.tmp")))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::RealDisk;

    /// The umask of the process was changed for a moment, for all of its threads.
    #[test]
    fn what_is_for_the_user_alone_is_open_to_nobody_else_whatever_the_umask_says() {
        let dir = tempfile::tempdir().unwrap();
        let deep = dir.path().join("a/b");
        RealDisk.create_dir_all_for(Whom::UserAlone, &deep).unwrap();
        let mut new = NewFile::create_for(Whom::UserAlone, &RealDisk, &deep.join("c")).unwrap();
        assert_eq!(
            new.file().metadata().unwrap().mode,
            0o600,
            "before it has its name, too"
        );
        new.write_all(b"x").unwrap();
        new.publish().unwrap();
        let mode = |path: &Path| RealDisk.metadata(path).unwrap().mode;
        assert_eq!(
            (mode(&deep.join("c")), mode(&deep), mode(&dir.path().join("a"))),
            (0o600, 0o700, 0o700)
        );
    }

    #[test]
    fn an_abandoned_file_leaves_nothing_behind() {
        let dir = tempfile::tempdir().unwrap();
        let mut new = NewFile::create(&RealDisk, &dir.path().join("a")).unwrap();
        new.write_all(b"half").unwrap();
        drop(new);
        assert_eq!(RealDisk.list(dir.path()).unwrap().count(), 0);
    }

    #[test]
    fn publishing_never_replaces_but_replacing_does() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("a");
        write_atomically(&RealDisk, &path, b"one").unwrap();
        let mut new = NewFile::create(&RealDisk, &path).unwrap();
        new.write_all(b"two").unwrap();
        assert_eq!(new.publish().unwrap_err().kind(), io::ErrorKind::AlreadyExists);
        assert_eq!(read_all(&RealDisk, &path, 10).unwrap(), b"one");
        write_atomically(&RealDisk, &path, b"three").unwrap();
        assert_eq!(read_all(&RealDisk, &path, 10).unwrap(), b"three");
        assert_eq!(
            RealDisk.list(dir.path()).unwrap().count(),
            1,
            "no temporary file is left"
        );
    }
}
