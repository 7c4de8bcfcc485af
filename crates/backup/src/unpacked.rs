//! One database of an archive, unpacked beside the data directory's own for as long as somebody looks at it.

use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicBool, Ordering};

use bosbase_background::{WORKER, behind};
use bosbase_disk::Disk;

use crate::archive::{Archive, ArchiveEntry, Part};
use crate::database_format::DatabaseFormat;
use crate::error::{Context as _, Error, ErrorKind, Result};
use crate::progress::Progress;

/// Kept free beside what is unpacked, bytes: the application goes on writing.
const MARGIN: u64 = 256 << 20;
/// Bytes copied at a time.
pub(crate) const PIECE: usize = 256 << 10;

/// Unpacks the database called `name` into the folder `dir`, which is made, and proves it by what the archive says of
/// it. What it leaves behind after an error is for the caller to remove.
///
/// # Errors
/// [`ErrorKind::InvalidArchive`] where it is damaged, or there is none; [`ErrorKind::NoSpace`] where less than 256 MiB
/// would be left to others; [`ErrorKind::Io`], [`ErrorKind::Cancelled`].
pub fn unpack_database(
    archive: &Archive,
    name: &str,
    (disk, dir): (&dyn Disk, &Path),
    progress: &dyn Progress,
) -> Result<()> {
    let unpacked = behind("backup-unpack", WORKER, || {
        let database = Packed::all(archive, &[name])?.pop();
        let database = database.ok_or_else(|| Error::archive(format!("the archive holds no {name}")))?;
        let unpacking = Unpacking::of(&database, disk, dir)?;
        archive.read_all_at_once(
            Part::RootFiles,
            progress,
            || vec![0; PIECE],
            |buf, entry, contents| match database.holds(entry) {
                true => unpacking.take(entry, contents, buf),
                false => Ok(()),
            },
        )?;
        if unpacking.has_room() {
            return Ok(());
        }
        let needed = database.len().saturating_add(MARGIN) >> 20;
        let text = format!("unpacking {name} takes {needed} MiB of disk, and there is less");
        Err(Error::new(ErrorKind::NoSpace, text))
    });
    unpacked.context(|| "starting a thread".to_owned()).flatten()
}

/// Writes the contents of one file of an archive to `to`. When it returns, its length and checksum are proven; its
/// digest is not looked at.
///
/// # Errors
/// [`ErrorKind::InvalidArchive`] where it is damaged; [`ErrorKind::NoSpace`], [`ErrorKind::Io`].
pub fn unpack_file(archive: &Archive, entry: &ArchiveEntry, to: &mut dyn Write) -> Result<()> {
    let mut buf = vec![0; 64 << 10];
    archive.read_one(entry, |contents| {
        copy(contents, to, &mut buf, || format!("unpacking {}", entry.path))
    })
}

/// Copies all there is to read; a reader of an entry that is read to its end has proven it.
fn copy(from: &mut dyn Read, to: &mut dyn Write, buf: &mut [u8], attempted: impl Fn() -> String) -> Result<()> {
    loop {
        match from.read(buf) {
            Ok(0) => return to.flush().context(&attempted),
            Ok(n) => to.write_all(&buf[..n]).context(&attempted)?,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e).context(&attempted),
        }
    }
}

/// A database in an archive, with the files that stood beside it.
pub(crate) struct Packed {
    pub(crate) name: String,
    pub(crate) entries: Vec<ArchiveEntry>,
}

impl Packed {
    pub(crate) fn all(archive: &Archive, names: &[&str]) -> Result<Vec<Self>> {
        let mut databases: Vec<_> = names
            .iter()
            .map(|name| Self {
                name: (*name).to_owned(),
                entries: Vec::new(),
            })
            .collect();
        for entry in archive.entries() {
            let entry = entry?;
            if let Some(database) = databases.iter_mut().find(|database| database.holds(&entry)) {
                database.entries.push(entry);
            }
        }
        databases.retain(|database| {
            database
                .entries
                .iter()
                .any(|entry| entry.path.as_str() == database.name)
        });
        Ok(databases)
    }

    pub(crate) fn holds(&self, entry: &ArchiveEntry) -> bool {
        entry.is_root_file() && DatabaseFormat::holds_content(&self.name, entry.path.as_str())
    }

    fn len(&self) -> u64 {
        self.entries.iter().map(|entry| entry.len).sum()
    }
}

/// A database on its way out of the archive.
pub(crate) struct Unpacking<'a> {
    database: &'a Packed,
    disk: &'a dyn Disk,
    dir: &'a Path,
    has_room: AtomicBool,
}

impl<'a> Unpacking<'a> {
    pub(crate) fn of(database: &'a Packed, disk: &'a dyn Disk, dir: &'a Path) -> Result<Self> {
        let attempted = || format!("making room for {} in {}", database.name, dir.display());
        let made = disk.create_dir_all(dir).context(attempted);
        let has_room = match made {
            Ok(()) => disk.space_left(dir).context(attempted)? >= database.len().saturating_add(MARGIN),
            Err(e) if e.kind() == ErrorKind::NoSpace => false,
            Err(e) => return Err(e),
        };
        Ok(Self {
            database,
            disk,
            dir,
            has_room: AtomicBool::new(has_room),
        })
    }

    /// The database that it is about.
    pub(crate) fn database(&self) -> &Packed {
        self.database
    }

    /// Whether there was room for all of it until now.
    pub(crate) fn has_room(&self) -> bool {
        self.has_room.load(Ordering::Relaxed)
    }

    /// Where the file called `name` is unpacked.
    pub(crate) fn path(&self, name: &str) -> PathBuf {
        self.dir.join(name)
    }

    /// Unpacks one of its files, unless there is no room.
    pub(crate) fn take(&self, entry: &ArchiveEntry, contents: &mut dyn Read, buf: &mut [u8]) -> Result<()> {
        if !self.has_room() {
            return Ok(());
        }
        match self.unpack(entry, contents, buf) {
            // Somebody else took the room. The rest is read for the proof of its bytes.
            Err(e) if e.kind() == ErrorKind::NoSpace => {
                self.has_room.store(false, Ordering::Relaxed);
                self.remove()
            }
            other => other,
        }
    }

    fn unpack(&self, entry: &ArchiveEntry, contents: &mut dyn Read, buf: &mut [u8]) -> Result<()> {
        let attempted = || format!("unpacking {}", entry.path);
        let mut file = self
            .disk
            .create_streamed(&self.path(entry.path.as_str()))
            .context(attempted)?;
        // It holds what only the application should see.
        file.set_mode(0o600).context(attempted)?;
        copy(contents, &mut file, buf, attempted)
    }

    /// Makes room for the next.
    pub(crate) fn remove(&self) -> Result<()> {
        let removed = self.disk.remove_dir_all(self.dir);
        removed.context(|| format!("removing {}", self.dir.display()))
    }
}
