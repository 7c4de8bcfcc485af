//! What may be done to a file system: the one seam between the program and the disk.

use std::ffi::OsString;
use std::fmt::Debug;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

/// What a name in a directory stands for; links are never followed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum FileKind {
    /// A regular file.
    File,
    /// A directory.
    Directory,
    /// A symbolic link to anything or nothing.
    Symlink,
    /// A socket, pipe or device.
    Other,
}

/// Who may open a file or folder that is made. The umask of the process can only take more away.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Whom {
    /// All whom the umask leaves (666, directories 777).
    All,
    /// This process's user alone (600, directories 700): copies of the data that lie outside of the data directory.
    UserAlone,
}

impl Whom {
    /// The mode of a file.
    pub(crate) fn file(self) -> u32 {
        match self {
            Self::All => 0o666,
            Self::UserAlone => 0o600,
        }
    }

    /// The mode of a directory.
    pub(crate) fn directory(self) -> u32 {
        match self {
            Self::All => 0o777,
            Self::UserAlone => 0o700,
        }
    }
}

/// What is known of a file without opening it.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Metadata {
    /// What it is.
    pub kind: FileKind,
    /// Length in bytes; meaningless for anything but a regular file.
    pub len: u64,
    /// Time of the last change of its contents.
    pub modified: SystemTime,
    /// The file system it lies on.
    pub device: u64,
    /// Its number within that file system.
    pub inode: u64,
    /// Permission bits (`0o777` at most).
    pub mode: u32,
}

/// One name in a directory.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Entry {
    /// The name, without its directory.
    pub name: OsString,
    /// What it stands for.
    pub kind: FileKind,
}

/// Names of a directory, as the file system hands them out: unsorted, read as they are asked for.
pub type Entries = Box<dyn Iterator<Item = io::Result<Entry>> + Send>;

/// The operations on a file system that this program is built from; all block.
///
/// None of them is durable by itself except those named `sync…`.
pub trait Disk: Send + Sync + Debug {
    /// Makes a new, empty file open for reading and writing.
    ///
    /// # Errors
    /// `AlreadyExists` if the name is taken, by a file or anything else.
    fn create_new(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        self.create_new_for(Whom::All, path)
    }

    /// As [`Disk::create_new`]; the file is never open to others than those it is for.
    ///
    /// # Errors
    /// As [`Disk::create_new`].
    fn create_new_for(&self, whom: Whom, path: &Path) -> io::Result<Box<dyn DiskFile>>;

    /// Makes a new file for a long write front to back, which passes the system's cache by where it can, so that no
    /// sync of another file waits for it. All of it is in the file after [`Write::flush`], without which reading and
    /// syncing fail.
    ///
    /// # Errors
    /// As [`Disk::create_new`].
    fn create_streamed(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        self.create_new(path)
    }

    /// Opens an existing regular file for reading; a symbolic link as the last component is refused.
    ///
    /// # Errors
    /// `NotFound`; `InvalidInput` for what is no regular file; any other error of the file system.
    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>>;

    /// Renames within one file system, replacing a file of the target's name; atomic.
    ///
    /// # Errors
    /// `CrossesDevices` between file systems, `ResourceBusy` for a mount point.
    fn rename(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Renames within one file system, never replacing anything; atomic.
    ///
    /// # Errors
    /// `AlreadyExists` if the target's name is taken.
    fn rename_new(&self, from: &Path, to: &Path) -> io::Result<()>;

    /// Removes a name that is not a directory.
    ///
    /// # Errors
    /// `NotFound`; any other error of the file system.
    fn remove_file(&self, path: &Path) -> io::Result<()>;

    /// Removes an empty directory.
    ///
    /// # Errors
    /// `NotFound`, `DirectoryNotEmpty`.
    fn remove_dir(&self, path: &Path) -> io::Result<()>;

    /// Removes a directory and all in it, following no links; not atomic. A missing one is fine.
    ///
    /// # Errors
    /// Any error of the file system; then part of the tree may be gone.
    fn remove_dir_all(&self, path: &Path) -> io::Result<()>;

    /// Makes a directory.
    ///
    /// # Errors
    /// `AlreadyExists`, `NotFound` if its parent is missing.
    fn create_dir(&self, path: &Path) -> io::Result<()> {
        self.create_dir_for(Whom::All, path)
    }

    /// As [`Disk::create_dir`]; the directory is never open to others than those it is for.
    ///
    /// # Errors
    /// As [`Disk::create_dir`].
    fn create_dir_for(&self, whom: Whom, path: &Path) -> io::Result<()>;

    /// Makes a directory and those above it; one that is there is fine.
    ///
    /// # Errors
    /// `NotADirectory` if a file is in the way.
    fn create_dir_all(&self, path: &Path) -> io::Result<()> {
        self.create_dir_all_for(Whom::All, path)
    }

    /// As [`Disk::create_dir_all`]; of the directories those that are made are for `whom`.
    ///
    /// # Errors
    /// As [`Disk::create_dir_all`].
    fn create_dir_all_for(&self, whom: Whom, path: &Path) -> io::Result<()> {
        match self.create_dir_for(whom, path) {
            Ok(()) => Ok(()),
            Err(e) if e.kind() == io::ErrorKind::NotFound => {
                if let Some(parent) = path.parent().filter(|p| !p.as_os_str().is_empty()) {
                    self.create_dir_all_for(whom, parent)?;
                    match self.create_dir_for(whom, path) {
                        Err(e) if e.kind() == io::ErrorKind::AlreadyExists => Ok(()),
                        other => other,
                    }
                } else {
                    Err(e)
                }
            }
            Err(e) if e.kind() == io::ErrorKind::AlreadyExists => match self.metadata(path)?.kind {
                FileKind::Directory => Ok(()),
                FileKind::Symlink => self.list(path).map(drop), // a link to a directory serves
                _ => Err(io::Error::new(io::ErrorKind::NotADirectory, e)),
            },
            Err(e) => Err(e),
        }
    }

    /// Lists a directory without `.` and `..`.
    ///
    /// # Errors
    /// `NotFound`, `NotADirectory`; each entry may fail by itself.
    fn list(&self, dir: &Path) -> io::Result<Entries>;

    /// Tells what a name stands for, not following a link.
    ///
    /// # Errors
    /// `NotFound`.
    fn metadata(&self, path: &Path) -> io::Result<Metadata>;

    /// Makes the names in a directory durable.
    ///
    /// # Errors
    /// Any error of the file system; then nothing is known of what is durable.
    fn sync_dir(&self, dir: &Path) -> io::Result<()>;

    /// Makes a whole tree durable, contents and names; on Linux by `syncfs`, else file by file.
    ///
    /// # Errors
    /// As [`Disk::sync_dir`]. `syncfs` reports write-back errors since Linux 5.8.
    fn sync_tree(&self, dir: &Path) -> io::Result<()>;

    /// Bytes that an unprivileged process may still write to the file system that holds `path`.
    ///
    /// # Errors
    /// Any error of the file system.
    fn space_left(&self, path: &Path) -> io::Result<u64>;

    /// The mount points strictly below `dir`, also those of one and the same file system (bind mounts), in no order.
    ///
    /// # Errors
    /// Any error of the file system.
    fn mounts_below(&self, dir: &Path) -> io::Result<Vec<PathBuf>>;

    /// `true` if something stands at `path`, be it a dangling link.
    ///
    /// # Errors
    /// Any error of the file system but `NotFound`.
    fn exists(&self, path: &Path) -> io::Result<bool> {
        match self.metadata(path) {
            Ok(_) => Ok(true),
            Err(e) if matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => Ok(false),
            Err(e) => Err(e),
        }
    }
}

/// An open file; closing it (by dropping) makes nothing durable.
pub trait DiskFile: Read + Write + Send + Sync + Debug {
    /// Reads at a byte offset, leaving the position alone; fewer bytes than asked for are possible, 0 only at the end.
    ///
    /// # Errors
    /// Any error of the file system.
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize>;

    /// As [`DiskFile::read_at`], as far as that takes no waiting for a disk: fewer bytes than asked for are what the
    /// system has in its memory. `None` where it has none of them, or can't tell.
    ///
    /// # Errors
    /// Any error of the file system.
    fn read_cached_at(&self, _offset: u64, _buf: &mut [u8]) -> io::Result<Option<usize>> {
        Ok(None)
    }

    /// Makes the contents durable, not the name.
    ///
    /// # Errors
    /// Any error of the file system; the write is then lost for good, a second try proves nothing.
    fn sync(&self) -> io::Result<()>;

    /// What is known of the open file.
    ///
    /// # Errors
    /// Any error of the file system.
    fn metadata(&self) -> io::Result<Metadata>;

    /// Sets the permission bits (`0o777` at most).
    ///
    /// # Errors
    /// Any error of the file system.
    fn set_mode(&self, mode: u32) -> io::Result<()>;

    /// Sets the time of the last change.
    ///
    /// # Errors
    /// Any error of the file system.
    fn set_modified(&self, time: SystemTime) -> io::Result<()>;

    /// Asks for what is read from now on to come from the medium, and in the portions that are read: what is cached is
    /// forgotten, and nothing is read ahead, behind which a commit of the application would wait. A hint, no more.
    fn read_from_medium(&self);

    /// Asks for reads in the portions that are read, with nothing read ahead, from the cache or the medium. A hint.
    fn read_in_portions(&self);

    /// Asks for what is written from now on to be read back into the cache as soon as it is on the medium: the next
    /// reader finds there what the medium holds, not what was written. A hint, which only a file of
    /// [`Disk::create_streamed`] knows.
    fn read_back(&mut self) {}
}
