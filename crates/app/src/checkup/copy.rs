//! A copy of the databases of a data directory, made without SQLite: reading a database in WAL mode writes to its
//! `-shm` file, and makes one where there is none.

use std::io::{self, Read as _, Write as _};
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use bosbase_backup::DataDir;
use bosbase_disk::{Disk as _, DiskFile, RealDisk};
use bosbase_store::new_id;

use crate::error::{Error, Result};

/// So much stays free where the copy is made, bytes.
const KEPT_FREE: u64 = 256 << 20;
/// How often a copy is tried while another program writes.
const TRIES: u32 = 8;
/// What lies between two tries.
const PAUSE: Duration = Duration::from_millis(250);
/// Bytes read at a time.
const PIECE: usize = 1 << 20;
/// The length of a write-ahead log's header; its salts change when the log begins anew
/// (<https://sqlite.org/fileformat.html#the_write_ahead_log>).
const LOG_HEADER: usize = 32;

/// The private folder that a copy is made in. It holds all that the databases do, so it must not stay.
#[derive(Debug, Clone)]
pub struct Scratch(PathBuf);

impl Scratch {
    /// A folder that is not there yet, within that for temporary files.
    #[must_use]
    pub fn new() -> Self {
        Self(std::env::temp_dir().join(format!("bosbase-check-{}", new_id())))
    }

    /// Removes the folder with all that is in it, also while a copy is being made; that fails then.
    pub fn discard(&self) {
        match RealDisk.remove_dir_all(&self.0) {
            Err(error) if error.kind() != io::ErrorKind::NotFound => {
                let dir = self.0.display();
                tracing::warn!(%error, "the copy of the databases in {dir} could not be removed");
            }
            _ => {}
        }
    }
}

impl Default for Scratch {
    fn default() -> Self {
        Self::new()
    }
}

/// Copies of both databases, as far as they are there. Dropped, they are removed.
pub(super) struct Copy {
    scratch: Scratch,
    dir: DataDir,
    /// Bytes that were copied.
    pub(super) bytes: u64,
}

impl Copy {
    /// Copies the databases of `data_dir`, in use or not, to `scratch`. Changes nothing there.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::Invalid`] where there is no room, they can't be read, or another program writes so much
    /// that no copy is of one moment.
    pub(super) fn of(data_dir: &DataDir, scratch: &Scratch) -> Result<Self> {
        let temporary = scratch.0.parent().unwrap_or(&scratch.0);
        let unusable = |error| {
            Error::invalid(format!(
                "The databases can't be copied to {}: {error}. Name another folder in the variable TMPDIR.",
                temporary.display()
            ))
        };
        require_room(data_dir, temporary, unusable)?;
        RealDisk.create_dir(&scratch.0).map_err(unusable)?;
        let mut copy = Self {
            scratch: scratch.clone(),
            dir: DataDir::at(scratch.0.clone()),
            bytes: 0,
        };
        for name in DataDir::DATABASES {
            copy.bytes += copy_settled(data_dir, name, &copy.dir).map_err(|error| {
                let path = data_dir.join(name);
                Error::invalid(format!("{} can't be copied: {error}.", path.display()))
            })?;
        }
        Ok(copy)
    }

    /// Where the copies lie.
    pub(super) fn dir(&self) -> &DataDir {
        &self.dir
    }

    /// Removes the copy of the log's database.
    ///
    /// # Errors
    ///
    /// Any of the file system.
    pub(super) fn remove_log(&self) -> Result<()> {
        for name in bosbase_backup::DatabaseFormat::files(DataDir::LOG) {
            let path = self.dir.join(name);
            if RealDisk.exists(&path).map_err(Error::internal)? {
                RealDisk.remove_file(&path).map_err(Error::internal)?;
            }
        }
        Ok(())
    }
}

impl Drop for Copy {
    fn drop(&mut self) {
        self.scratch.discard();
    }
}

/// What a database consists of: where its file really is, and beside that the logs that may hold some of its commits.
struct Files {
    database: PathBuf,
    wal: PathBuf,
    journal: PathBuf,
}

impl Files {
    /// Those of the database at `path`; `None` where there is none.
    fn at(path: &Path) -> io::Result<Option<Self>> {
        let database = match path.canonicalize() {
            Ok(database) => database,
            Err(error) if error.kind() == io::ErrorKind::NotFound => return Ok(None),
            Err(error) => return Err(error),
        };
        let beside = |suffix: &str| {
            let mut name = database.clone().into_os_string();
            name.push(suffix);
            PathBuf::from(name)
        };
        Ok(Some(Self {
            wal: beside("-wal"),
            journal: beside("-journal"),
            database,
        }))
    }

    fn bytes(&self) -> io::Result<u64> {
        let each = [&self.database, &self.wal, &self.journal].map(|path| state(path));
        each.into_iter()
            .try_fold(0, |sum, state| Ok(sum + state?.map_or(0, |found| found.len)))
    }

    fn moment(&self) -> io::Result<Moment> {
        Ok(Moment {
            wal: header(&self.wal)?,
            journal: state(&self.journal)?,
            database: state(&self.database)?,
        })
    }
}

/// By what it is told that a copy is of one moment.
#[derive(PartialEq, Eq)]
struct Moment {
    wal: Option<Vec<u8>>,
    journal: Option<State>,
    database: Option<State>,
}

impl Moment {
    /// Whether what was copied between the two moments, the database before its write-ahead log, is as good as copied
    /// at once. What is moved from a log into the database meanwhile is in the copy of that log, too, as long as it is
    /// the same log; so the database may change then, and must not without one.
    fn is_one_with(&self, later: &Self) -> bool {
        match (&self.wal, &later.wal) {
            (Some(log), Some(later_log)) => {
                let inode = |moment: &Self| moment.database.as_ref().map(|state| state.inode);
                log == later_log && self.journal == later.journal && inode(self) == inode(later)
            }
            _ => self == later,
        }
    }
}

#[derive(PartialEq, Eq)]
struct State {
    len: u64,
    modified: SystemTime,
    inode: u64,
}

fn state(path: &Path) -> io::Result<Option<State>> {
    match RealDisk.metadata(path) {
        Ok(found) => Ok(Some(State {
            len: found.len,
            modified: found.modified,
            inode: found.inode,
        })),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

/// The header of a write-ahead log; `None` where there is no log, or an empty one.
fn header(path: &Path) -> io::Result<Option<Vec<u8>>> {
    let Some(file) = open(path)? else {
        return Ok(None);
    };
    let mut header = vec![0; LOG_HEADER];
    let read = file.read_at(0, &mut header)?;
    header.truncate(read);
    Ok((read > 0).then_some(header))
}

fn open(path: &Path) -> io::Result<Option<Box<dyn DiskFile>>> {
    match RealDisk.open(path) {
        Ok(file) => Ok(Some(file)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}

fn require_room(data_dir: &DataDir, temporary: &Path, unusable: impl Fn(io::Error) -> Error) -> Result<()> {
    let mut needed: u64 = 0;
    for name in DataDir::DATABASES {
        let bytes = Files::at(&data_dir.join(name)).and_then(|files| files.map_or(Ok(0), |files| files.bytes()));
        needed += bytes.map_err(|error| Error::invalid(format!("{name} can't be read: {error}.")))?;
    }
    // The copy is upgraded as a start would: some of it is written once more.
    let left = RealDisk.space_left(temporary).map_err(&unusable)?;
    if needed.saturating_add(KEPT_FREE) <= left {
        return Ok(());
    }
    let mib = |bytes: u64| bytes.div_ceil(1 << 20);
    Err(unusable(io::Error::new(
        io::ErrorKind::StorageFull,
        format!(
            "they take {} MiB, {} MiB have to stay free, and there are {} MiB",
            mib(needed),
            mib(KEPT_FREE),
            mib(left)
        ),
    )))
}

/// Copies the database `name` as it is at one moment, and says how many bytes that are; 0 where there is none.
fn copy_settled(from: &DataDir, name: &str, to: &DataDir) -> io::Result<u64> {
    let Some(files) = Files::at(&from.join(name))? else {
        return Ok(0);
    };
    let targets = ["", "-journal", "-wal"].map(|suffix| to.join(format!("{name}{suffix}")));
    for attempt in 0..TRIES {
        if attempt > 0 {
            std::thread::sleep(PAUSE);
        }
        let before = files.moment()?;
        let mut bytes = 0;
        // In this order: see `Moment`.
        for (source, target) in [&files.database, &files.journal, &files.wal].into_iter().zip(&targets) {
            if RealDisk.exists(target)? {
                RealDisk.remove_file(target)?;
            }
            bytes += copy(source, target)?;
        }
        if before.is_one_with(&files.moment()?) {
            return Ok(bytes);
        }
    }
    Err(io::Error::new(
        io::ErrorKind::ResourceBusy,
        "another program writes to it all the time; stop that, or try again",
    ))
}

/// Copies a file as long as it is now, and says how long that is; nothing where there is none.
fn copy(from: &Path, to: &Path) -> io::Result<u64> {
    let Some(mut source) = open(from)? else {
        return Ok(0);
    };
    let len = source.metadata()?.len;
    let mut source = (&mut source).take(len);
    let mut target = RealDisk.create_streamed(to)?;
    target.set_mode(0o600)?;
    let mut piece = vec![0; PIECE];
    loop {
        let read = source.read(&mut piece)?;
        if read == 0 {
            break;
        }
        target.write_all(&piece[..read])?;
    }
    target.flush()?;
    Ok(len)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn moment(log: Option<u8>, seconds: u64, inode: u64) -> Moment {
        Moment {
            wal: log.map(|salt| vec![salt; LOG_HEADER]),
            journal: None,
            database: Some(State {
                len: 4096,
                modified: SystemTime::UNIX_EPOCH + Duration::from_secs(seconds),
                inode,
            }),
        }
    }

    #[test]
    fn what_was_copied_is_of_one_moment_while_the_same_log_holds_what_moved() {
        let with_log = moment(Some(1), 1, 1);
        assert!(with_log.is_one_with(&moment(Some(1), 1, 1)));
        assert!(with_log.is_one_with(&moment(Some(1), 2, 1)), "frames were moved");
        assert!(!with_log.is_one_with(&moment(Some(2), 1, 1)), "the log began anew");
        assert!(!with_log.is_one_with(&moment(None, 2, 1)), "the log is gone");
        assert!(!with_log.is_one_with(&moment(Some(1), 1, 2)), "another database");
        let without = moment(None, 1, 1);
        assert!(without.is_one_with(&moment(None, 1, 1)));
        assert!(!without.is_one_with(&moment(None, 2, 1)), "it was written to");
        assert!(!without.is_one_with(&moment(Some(1), 1, 1)), "somebody has opened it");
    }

    #[test]
    fn a_copy_is_private_and_goes_with_its_owner() {
        let dir = tempfile::tempdir().unwrap();
        let data_dir = DataDir::at(dir.path().join("pb_data"));
        RealDisk.create_dir(&data_dir).unwrap();
        bosbase_disk::write_atomically(&RealDisk, &data_dir.database(), b"database").unwrap();
        bosbase_disk::write_atomically(&RealDisk, &data_dir.join("data.db-wal"), &[7; 100]).unwrap();
        let copy = Copy::of(&data_dir, &Scratch::new()).unwrap();
        assert_eq!(copy.bytes, 108);
        let copied = copy.dir().to_owned();
        let database = RealDisk.metadata(&copied.database()).unwrap();
        assert_eq!((database.len, database.mode), (8, 0o600));
        assert!(!RealDisk.exists(&copied.join("auxiliary.db")).unwrap());
        drop(copy);
        assert!(!RealDisk.exists(&copied).unwrap());
    }
}
