//! What goes into a backup: the databases as the caller pinned them, and the files of the data directory.

use std::error::Error as StdError;
use std::io;
use std::path::{Path, PathBuf};

use bosbase_disk::{Disk, Entry, FileKind};

use crate::data_dir;
use crate::entry_path::EntryPath;
use crate::error::{Context as _, Result};

/// A database at one point in time, as the bytes of its file. This crate knows no more of databases.
pub trait DatabaseSnapshot: Send {
    /// Its file's name in the data directory, such as `data.db`.
    fn name(&self) -> &str;
    /// Length of its file in bytes.
    fn len(&self) -> u64;
    /// `true` if it has no bytes.
    fn is_empty(&self) -> bool {
        self.len() == 0
    }
    /// Length in pages.
    fn page_count(&self) -> u32;
    /// Reads on where the last read ended; 0 only at the end.
    ///
    /// # Errors
    /// Any error of the database.
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize>;
    /// Lets the database check itself, as it was at that point; takes as long as reading all of it.
    ///
    /// # Errors
    /// Whether it is damaged, or only could not be checked.
    fn integrity_check(&mut self) -> Result<(), CheckFailure>;
    /// What makes a check that is under way in another thread end soon, as [`CheckFailure::Unchecked`]; calling it at
    /// any other time does nothing. By default nothing does: the check is waited for.
    fn interrupter(&self) -> Box<dyn Fn() + Send + Sync> {
        Box::new(|| ())
    }
}

/// How a database's own check failed.
#[derive(Debug)]
pub enum CheckFailure {
    /// The database is damaged, and so is every copy of it.
    Damaged(Box<dyn StdError + Send + Sync>),
    /// It could not be checked; nothing is known.
    Unchecked(Box<dyn StdError + Send + Sync>),
}

/// One thing found in the data directory.
#[derive(Debug)]
pub(crate) enum Found {
    /// A file to back up.
    File(EntryPath, PathBuf),
    /// Something that cannot be in an archive: its path, and why.
    LeftOut(String, String),
}

/// Whether an error of opening something is about that alone: no right to it, a link, a damaged place on the disk. Too
/// few descriptors, or too little memory, are about everything.
pub(crate) fn is_of_one_file(error: &io::Error) -> bool {
    use rustix::io::Errno;
    matches!(
        error.kind(),
        io::ErrorKind::PermissionDenied | io::ErrorKind::InvalidInput | io::ErrorKind::NotADirectory
    ) || matches!(
        Errno::from_io_error(error),
        Some(Errno::LOOP | Errno::IO | Errno::NXIO | Errno::BADMSG | Errno::OVERFLOW | Errno::UCLEAN)
    )
}

/// Says why something was left out that `error` keeps from being read.
pub(crate) fn unreadable(error: &io::Error) -> String {
    format!("it can't be read ({error})")
}

/// Walks the files of a data directory, holding no more than one open folder per level.
pub(crate) struct Walk<'a> {
    disk: &'a dyn Disk,
    databases: Vec<String>,
    stack: Vec<Level>,
}

struct Level {
    /// Path below the data directory, with a slash at its end unless empty.
    prefix: String,
    dir: PathBuf,
    entries: Box<dyn Iterator<Item = io::Result<Entry>> + Send>,
}

impl<'a> Walk<'a> {
    /// Starts at the data directory; the databases' files are not among what is found.
    pub(crate) fn new(disk: &'a dyn Disk, data_dir: &Path, databases: Vec<String>) -> Result<Self> {
        let entries = disk
            .list(data_dir)
            .context(|| format!("listing {}", data_dir.display()))?;
        let stack = vec![Level {
            prefix: String::new(),
            dir: data_dir.to_owned(),
            entries,
        }];
        Ok(Self { disk, databases, stack })
    }

    fn visit(&mut self, entry: &Entry) -> Result<Option<Found>> {
        let Some(level) = self.stack.last() else {
            return Ok(None);
        };
        let at_root = self.stack.len() == 1;
        let shown = format!("{}{}", level.prefix, entry.name.to_string_lossy());
        let on_disk = level.dir.join(&entry.name);
        if data_dir::is_private(&entry.name, entry.kind, at_root)
            || (at_root && data_dir::belongs_to_database(&entry.name, &self.databases))
        {
            return Ok(None);
        }
        let Some(name) = entry.name.to_str() else {
            return Ok(Some(Found::LeftOut(shown, "its name is not UTF-8".to_owned())));
        };
        let path = match EntryPath::new(format!("{}{name}", level.prefix)) {
            Ok(path) => path,
            Err(why) => return Ok(Some(Found::LeftOut(shown, format!("its name {why}")))),
        };
        match entry.kind {
            FileKind::File => Ok(Some(Found::File(path, on_disk))),
            FileKind::Directory => {
                match self.disk.list(&on_disk) {
                    Ok(entries) => self.stack.push(Level {
                        prefix: format!("{path}/"),
                        dir: on_disk,
                        entries,
                    }),
                    // Deleted since its name was read, with all in it.
                    Err(e) if e.kind() == io::ErrorKind::NotFound => {}
                    Err(e) if is_of_one_file(&e) => return Ok(Some(Found::LeftOut(shown, unreadable(&e)))),
                    Err(e) => return Err(e).context(|| format!("listing {}", on_disk.display())),
                }
                Ok(None)
            }
            FileKind::Symlink => Ok(Some(Found::LeftOut(shown, "it is a symbolic link".to_owned()))),
            FileKind::Other => Ok(Some(Found::LeftOut(
                shown,
                "it is neither a file nor a folder".to_owned(),
            ))),
        }
    }
}

impl Iterator for Walk<'_> {
    type Item = Result<Found>;

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            let level = self.stack.last_mut()?;
            match level.entries.next() {
                None => {
                    self.stack.pop();
                }
                Some(Err(e)) => {
                    let dir = level.dir.display().to_string();
                    self.stack.clear();
                    return Some(Err(e).context(|| format!("listing {dir}")));
                }
                Some(Ok(entry)) => match self.visit(&entry) {
                    Ok(None) => {}
                    Ok(Some(found)) => return Some(Ok(found)),
                    Err(e) => {
                        self.stack.clear();
                        return Some(Err(e));
                    }
                },
            }
        }
    }
}
