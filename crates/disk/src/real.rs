//! The operating system's file system.
#![allow(
    clippy::disallowed_methods,
    reason = "this is the one place that the rest of the program goes through"
)]

use std::fs::{self, File, OpenOptions};
use std::io::{self, IoSliceMut, Read, Write};
use std::num::NonZeroU64;
use std::os::unix::fs::{DirBuilderExt, FileExt, MetadataExt, OpenOptionsExt, PermissionsExt};
use std::path::{Path, PathBuf};
use std::time::SystemTime;

use rustix::fs::{CWD, RenameFlags};

use crate::disk::{Disk, DiskFile, Entries, Entry, FileKind, Metadata, Whom};
use crate::mounts;
use crate::streamed::StreamedFile;

/// The operating system's file system.
#[derive(Debug, Clone, Copy, Default)]
pub struct RealDisk;

impl Disk for RealDisk {
    fn create_new_for(&self, whom: Whom, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let mut options = OpenOptions::new();
        options.read(true).write(true).create_new(true).mode(whom.file());
        let file = options.open(path)?;
        Ok(Box::new(RealFile(file)))
    }

    fn create_streamed(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let file = OpenOptions::new().read(true).write(true).create_new(true).open(path)?;
        Ok(Box::new(StreamedFile::new(file)?))
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        // NONBLOCK: opening a named pipe must not wait for somebody to write to it.
        let flags = rustix::fs::OFlags::NOFOLLOW | rustix::fs::OFlags::NONBLOCK;
        let file = OpenOptions::new()
            .read(true)
            .custom_flags(flags.bits() as i32)
            .open(path)?;
        if !file.metadata()?.is_file() {
            return Err(io::Error::new(io::ErrorKind::InvalidInput, "not a regular file"));
        }
        Ok(Box::new(RealFile(file)))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        fs::rename(from, to)
    }

    fn rename_new(&self, from: &Path, to: &Path) -> io::Result<()> {
        match rustix::fs::renameat_with(CWD, from, CWD, to, RenameFlags::NOREPLACE) {
            Err(rustix::io::Errno::INVAL | rustix::io::Errno::NOSYS) => rename_by_link(from, to),
            other => Ok(other?),
        }
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        fs::remove_file(path)
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        fs::remove_dir(path)
    }

    fn remove_dir_all(&self, path: &Path) -> io::Result<()> {
        match fs::remove_dir_all(path) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => Ok(()),
            other => other,
        }
    }

    fn create_dir_for(&self, whom: Whom, path: &Path) -> io::Result<()> {
        fs::DirBuilder::new().mode(whom.directory()).create(path)
    }

    fn list(&self, dir: &Path) -> io::Result<Entries> {
        Ok(Box::new(fs::read_dir(dir)?.map(|entry| {
            let entry = entry?;
            Ok(Entry {
                kind: kind_of(entry.file_type()?),
                name: entry.file_name(),
            })
        })))
    }

    fn metadata(&self, path: &Path) -> io::Result<Metadata> {
        fs::symlink_metadata(path).and_then(|m| describe(&m))
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        File::open(dir)?.sync_all()
    }

    #[cfg(target_os = "linux")]
    fn sync_tree(&self, dir: &Path) -> io::Result<()> {
        Ok(rustix::fs::syncfs(File::open(dir)?)?)
    }

    #[cfg(not(target_os = "linux"))]
    fn sync_tree(&self, dir: &Path) -> io::Result<()> {
        for entry in self.list(dir)? {
            let entry = entry?;
            let path = dir.join(&entry.name);
            match entry.kind {
                FileKind::Directory => self.sync_tree(&path)?,
                FileKind::File => File::open(&path)?.sync_all()?,
                _ => {}
            }
        }
        self.sync_dir(dir)
    }

    fn space_left(&self, path: &Path) -> io::Result<u64> {
        let stat = rustix::fs::statvfs(path)?;
        Ok(stat.f_bavail.saturating_mul(stat.f_frsize))
    }

    fn mounts_below(&self, dir: &Path) -> io::Result<Vec<PathBuf>> {
        let real = fs::canonicalize(dir)?;
        let Ok(table) = fs::read("/proc/self/mountinfo") else {
            return self.other_devices_in(dir);
        };
        // Told by the caller's own spelling of the directory, which may pass through links.
        Ok(mounts::parse(&table)
            .filter_map(|mount| Some(dir.join(mount.strip_prefix(&real).ok().filter(|p| !p.as_os_str().is_empty())?)))
            .collect())
    }
}

impl RealDisk {
    /// Where no mount table can be read: the directories right in `dir` that lie on another device.
    fn other_devices_in(self, dir: &Path) -> io::Result<Vec<PathBuf>> {
        let home = fs::metadata(dir)?.dev();
        let mut found = Vec::new();
        for entry in self.list(dir)? {
            let path = dir.join(entry?.name);
            if self.metadata(&path)?.device != home {
                found.push(path);
            }
        }
        Ok(found)
    }
}

/// For file systems without `RENAME_NOREPLACE`: a hard link never replaces either. Only files can be had that way.
fn rename_by_link(from: &Path, to: &Path) -> io::Result<()> {
    fs::hard_link(from, to)?;
    fs::remove_file(from)
}

fn kind_of(t: fs::FileType) -> FileKind {
    if t.is_file() {
        FileKind::File
    } else if t.is_dir() {
        FileKind::Directory
    } else if t.is_symlink() {
        FileKind::Symlink
    } else {
        FileKind::Other
    }
}

fn describe(m: &fs::Metadata) -> io::Result<Metadata> {
    Ok(Metadata {
        kind: kind_of(m.file_type()),
        len: m.len(),
        modified: m.modified()?,
        device: m.dev(),
        inode: m.ino(),
        mode: m.mode() & 0o777,
    })
}

#[derive(Debug)]
pub(crate) struct RealFile(File);

impl RealFile {
    pub(crate) fn new(file: File) -> Self {
        Self(file)
    }

    /// Forgets what the cache holds from `offset` on, as far as it is on the medium.
    pub(crate) fn forget_cached(&self, offset: u64) {
        #[cfg(target_os = "linux")]
        self.advise(offset, None, rustix::fs::Advice::DontNeed);
    }

    /// Begins to read a part into the cache.
    pub(crate) fn fetch(&self, offset: u64, len: NonZeroU64) {
        #[cfg(target_os = "linux")]
        self.advise(offset, Some(len), rustix::fs::Advice::WillNeed);
    }

    /// A hint: a file system that does not know it does as it always does, which is no error.
    #[cfg(target_os = "linux")]
    fn advise(&self, offset: u64, len: Option<NonZeroU64>, hint: rustix::fs::Advice) {
        let _ = rustix::fs::fadvise(&self.0, offset, len, hint);
    }
}

impl Read for RealFile {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        self.0.read(buf)
    }
}

impl Write for RealFile {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        self.0.write(buf)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.0.flush()
    }
}

impl DiskFile for RealFile {
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        self.0.read_at(buf, offset)
    }

    #[cfg(target_os = "linux")]
    fn read_cached_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<Option<usize>> {
        use rustix::io::{Errno, ReadWriteFlags, preadv2};
        match preadv2(&self.0, &mut [IoSliceMut::new(buf)], offset, ReadWriteFlags::NOWAIT) {
            Ok(read) => Ok(Some(read)),
            // Some file systems can't tell.
            Err(Errno::AGAIN | Errno::OPNOTSUPP | Errno::INVAL | Errno::NOSYS) => Ok(None),
            Err(error) => Err(error.into()),
        }
    }

    fn sync(&self) -> io::Result<()> {
        self.0.sync_all()
    }

    fn metadata(&self) -> io::Result<Metadata> {
        self.0.metadata().and_then(|m| describe(&m))
    }

    fn set_mode(&self, mode: u32) -> io::Result<()> {
        self.0.set_permissions(fs::Permissions::from_mode(mode & 0o777))
    }

    fn set_modified(&self, time: SystemTime) -> io::Result<()> {
        self.0.set_modified(time)
    }

    fn read_from_medium(&self) {
        self.forget_cached(0);
        self.read_in_portions();
    }

    fn read_in_portions(&self) {
        #[cfg(target_os = "linux")]
        self.advise(0, None, rustix::fs::Advice::Random);
    }
}
