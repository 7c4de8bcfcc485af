//! A disk for tests: it counts its operations, fails the n-th, or loses power at it.
//!
//! It works on a real directory. Beside doing what it is told it keeps a list of what is not durable yet; after
//! [`Fault::PowerCut`] the caller asks [`FaultDisk::lose_unsynced`] to take all of that back: contents written since
//! the last [`DiskFile::sync`] become an empty file, names made, moved or removed since the last [`Disk::sync_dir`] of
//! *every* directory concerned are as before. That is harsher than journaling file systems are, on purpose.

use std::ffi::OsStr;
use std::fmt;
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::SystemTime;

use parking_lot::{Mutex, MutexGuard};

use crate::disk::{Disk, DiskFile, Entries, Metadata, Whom};
use crate::real::RealDisk;

/// What happens at the chosen operation.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Fault {
    /// It fails once with this error, as `EIO` (5) or `ENOSPC` (28) would; later ones work.
    Errno(i32),
    /// From it on every operation that writes fails with this error, as on a full disk.
    ErrnoFromThenOn(i32),
    /// A write takes a single byte, as a signal or a nearly full disk may cause; anything else works.
    ShortWrite,
    /// It and all later ones fail: the process is gone, or the power.
    PowerCut,
}

/// A disk that works until its fault.
#[derive(Clone)]
pub struct FaultDisk {
    state: Arc<Mutex<State>>,
}

impl fmt::Debug for FaultDisk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("FaultDisk")
            .field("operations", &self.operations())
            .finish_non_exhaustive()
    }
}

#[derive(Debug)]
struct State {
    count: u64,
    fault: Option<(u64, Fault)>,
    dead: bool,
    last: String,
    graveyard: PathBuf,
    graves: u64,
    mounts: Vec<PathBuf>,
    space: Option<u64>,
    pending: Vec<Change>,
    dirty: Vec<PathBuf>,
}

/// A change of names that a power cut may still take back.
#[derive(Debug)]
enum Change {
    Made {
        path: PathBuf,
    },
    Removed {
        path: PathBuf,
        grave: PathBuf,
    },
    Renamed {
        from: PathBuf,
        to: PathBuf,
        replaced: Option<PathBuf>,
        from_synced: bool,
        to_synced: bool,
    },
}

impl FaultDisk {
    /// A disk without a fault yet. Removed files rest in `graveyard`, an existing directory on the same file system and
    /// outside of what is tested.
    #[must_use]
    pub fn new(graveyard: &Path) -> Self {
        Self {
            state: Arc::new(Mutex::new(State {
                count: 0,
                fault: None,
                dead: false,
                last: String::new(),
                graveyard: graveyard.to_owned(),
                graves: 0,
                mounts: Vec::new(),
                space: None,
                pending: Vec::new(),
                dirty: Vec::new(),
            })),
        }
    }

    /// Makes operation number `at` (the first is 1) meet the fault, counting from now.
    pub fn arm(&self, at: u64, fault: Fault) {
        let mut state = self.lock();
        state.count = 0;
        state.fault = Some((at, fault));
    }

    /// Works without a fault again, as after a restart; what was not durable is forgotten or kept by
    /// [`FaultDisk::lose_unsynced`], which must come first.
    pub fn disarm(&self) {
        let mut state = self.lock();
        state.fault = None;
        state.dead = false;
        state.pending.clear();
        state.dirty.clear();
    }

    /// Pretends that these directories are mount points: renames of them or across them fail as they would.
    pub fn set_mounts(&self, mounts: Vec<PathBuf>) {
        self.lock().mounts = mounts;
    }

    /// Pretends that so many bytes are left on every file system.
    pub fn set_space_left(&self, bytes: Option<u64>) {
        self.lock().space = bytes;
    }

    /// How many operations were asked for since the start or since [`FaultDisk::arm`].
    #[must_use]
    pub fn operations(&self) -> u64 {
        self.lock().count
    }

    /// The last operation in words, for a failing test's message.
    #[must_use]
    pub fn last(&self) -> String {
        self.lock().last.clone()
    }

    /// Takes back all that was not made durable.
    ///
    /// # Errors
    /// Any error of the file system underneath.
    pub fn lose_unsynced(&self) -> io::Result<()> {
        let mut state = self.lock();
        for path in std::mem::take(&mut state.dirty) {
            if RealDisk.exists(&path)? {
                truncate(&path)?;
            }
        }
        for change in std::mem::take(&mut state.pending).into_iter().rev() {
            match change {
                Change::Made { path } => bury(&mut state, &path).map(drop)?,
                Change::Removed { path, grave } => RealDisk.rename(&grave, &path)?,
                Change::Renamed { from, to, replaced, .. } => {
                    RealDisk.rename(&to, &from)?;
                    if let Some(grave) = replaced {
                        RealDisk.rename(&grave, &to)?;
                    }
                }
            }
        }
        Ok(())
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }

    fn step(&self, what: &str, path: &Path) -> io::Result<MutexGuard<'_, State>> {
        let mut state = self.lock();
        state.tick(what, path)?;
        Ok(state)
    }
}

impl State {
    /// Counts an operation and meets the fault if it is its turn; `true`: write short.
    fn tick(&mut self, what: &str, path: &Path) -> io::Result<bool> {
        self.count += 1;
        self.last = format!("{what} {}", path.display());
        let Some((at, fault)) = self.fault else {
            return Ok(false);
        };
        if self.dead {
            return Err(power_cut());
        }
        match fault {
            Fault::PowerCut if self.count >= at => {
                self.dead = true;
                Err(power_cut())
            }
            Fault::Errno(code) if self.count == at => Err(io::Error::from_raw_os_error(code)),
            Fault::ErrnoFromThenOn(code)
                if self.count >= at
                    && matches!(what, "write" | "create" | "mkdir" | "sync" | "sync_dir" | "sync_tree") =>
            {
                Err(io::Error::from_raw_os_error(code))
            }
            Fault::ShortWrite => Ok(self.count == at && what == "write"),
            _ => Ok(false),
        }
    }

    /// The pretended file system that a path lies on.
    fn mount_of(&self, path: &Path) -> Option<&PathBuf> {
        self.mounts
            .iter()
            .filter(|m| path.starts_with(m))
            .max_by_key(|m| m.components().count())
    }

    fn check_rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        if self.mounts.iter().any(|m| m.starts_with(from) || m.starts_with(to)) {
            return Err(io::Error::from_raw_os_error(16)); // EBUSY
        }
        if self.mount_of(from) != self.mount_of(to) {
            return Err(io::Error::from_raw_os_error(18)); // EXDEV
        }
        Ok(())
    }

    /// A directory's names are durable: nothing about them can be taken back any more.
    fn names_durable(&mut self, durable: impl Fn(&Path) -> bool) {
        let mut index = 0;
        while index < self.pending.len() {
            let settled = match &mut self.pending[index] {
                Change::Made { path } | Change::Removed { path, .. } => durable(path),
                Change::Renamed {
                    from,
                    to,
                    from_synced,
                    to_synced,
                    ..
                } => {
                    *from_synced |= durable(from);
                    *to_synced |= durable(to);
                    *from_synced && *to_synced
                }
            };
            if !settled {
                index += 1;
                continue;
            }
            if let Change::Renamed { from, to, .. } = self.pending.remove(index) {
                // Older changes below the moved name are taken back where it is now.
                for older in &mut self.pending[..index] {
                    match older {
                        Change::Made { path } | Change::Removed { path, .. } => moved(path, &from, &to),
                        Change::Renamed { from: f, to: t, .. } => {
                            moved(f, &from, &to);
                            moved(t, &from, &to);
                        }
                    }
                }
            }
        }
    }
}

/// Rewrites a path whose beginning was renamed.
fn moved(path: &mut PathBuf, from: &Path, to: &Path) {
    if let Ok(rest) = path.strip_prefix(from) {
        *path = if rest.as_os_str().is_empty() {
            to.to_owned()
        } else {
            to.join(rest)
        };
    }
}

/// Moves what stands at `path` to the graveyard.
fn bury(state: &mut State, path: &Path) -> io::Result<PathBuf> {
    state.graves += 1;
    let grave = state.graveyard.join(OsStr::new(&state.graves.to_string()));
    RealDisk.rename(path, &grave)?;
    Ok(grave)
}

#[allow(clippy::disallowed_methods, reason = "a power cut is simulated below the trait")]
fn truncate(path: &Path) -> io::Result<()> {
    std::fs::OpenOptions::new().write(true).open(path)?.set_len(0)
}

fn power_cut() -> io::Error {
    io::Error::other("the power is gone")
}

impl Disk for FaultDisk {
    fn create_new_for(&self, whom: Whom, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let mut state = self.step("create", path)?;
        let inner = RealDisk.create_new_for(whom, path)?;
        state.pending.push(Change::Made { path: path.to_owned() });
        Ok(Box::new(FaultFile {
            disk: self.clone(),
            path: path.to_owned(),
            inner,
        }))
    }

    fn open(&self, path: &Path) -> io::Result<Box<dyn DiskFile>> {
        let _state = self.step("open", path)?;
        let inner = RealDisk.open(path)?;
        Ok(Box::new(FaultFile {
            disk: self.clone(),
            path: path.to_owned(),
            inner,
        }))
    }

    fn rename(&self, from: &Path, to: &Path) -> io::Result<()> {
        let mut state = self.step("rename", from)?;
        state.check_rename(from, to)?;
        RealDisk.metadata(from)?;
        let replaced = if RealDisk.exists(to)? {
            Some(bury(&mut state, to)?)
        } else {
            None
        };
        RealDisk.rename(from, to)?;
        for dirty in &mut state.dirty {
            moved(dirty, from, to);
        }
        state.pending.push(Change::Renamed {
            from: from.to_owned(),
            to: to.to_owned(),
            replaced,
            from_synced: false,
            to_synced: false,
        });
        Ok(())
    }

    fn rename_new(&self, from: &Path, to: &Path) -> io::Result<()> {
        if RealDisk.exists(to)? {
            return Err(io::ErrorKind::AlreadyExists.into());
        }
        self.rename(from, to)
    }

    fn remove_file(&self, path: &Path) -> io::Result<()> {
        let mut state = self.step("remove", path)?;
        if RealDisk.metadata(path)?.kind == crate::FileKind::Directory {
            return Err(io::ErrorKind::IsADirectory.into());
        }
        let grave = bury(&mut state, path)?;
        state.dirty.retain(|d| d != path);
        state.pending.push(Change::Removed {
            path: path.to_owned(),
            grave,
        });
        Ok(())
    }

    fn remove_dir(&self, path: &Path) -> io::Result<()> {
        let mut state = self.step("rmdir", path)?;
        if RealDisk.list(path)?.next().is_some() {
            return Err(io::ErrorKind::DirectoryNotEmpty.into());
        }
        let grave = bury(&mut state, path)?;
        state.pending.push(Change::Removed {
            path: path.to_owned(),
            grave,
        });
        Ok(())
    }

    fn remove_dir_all(&self, path: &Path) -> io::Result<()> {
        let entries = match self.list(path) {
            Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
            other => other?,
        };
        for entry in entries {
            let entry = entry?;
            match entry.kind {
                crate::FileKind::Directory => self.remove_dir_all(&path.join(entry.name))?,
                _ => self.remove_file(&path.join(entry.name))?,
            }
        }
        self.remove_dir(path)
    }

    fn create_dir_for(&self, whom: Whom, path: &Path) -> io::Result<()> {
        let mut state = self.step("mkdir", path)?;
        RealDisk.create_dir_for(whom, path)?;
        state.pending.push(Change::Made { path: path.to_owned() });
        Ok(())
    }

    fn list(&self, dir: &Path) -> io::Result<Entries> {
        let _state = self.step("list", dir)?;
        // Read whole, so that what the caller does meanwhile changes nothing, and sorted, so that runs are comparable.
        let mut entries = RealDisk.list(dir)?.collect::<io::Result<Vec<_>>>()?;
        entries.sort_by(|a, b| a.name.cmp(&b.name));
        Ok(Box::new(entries.into_iter().map(Ok)))
    }

    fn metadata(&self, path: &Path) -> io::Result<Metadata> {
        let _state = self.step("stat", path)?;
        RealDisk.metadata(path)
    }

    fn sync_dir(&self, dir: &Path) -> io::Result<()> {
        let mut state = self.step("sync_dir", dir)?;
        state.names_durable(|path| path.parent() == Some(dir));
        Ok(())
    }

    fn sync_tree(&self, dir: &Path) -> io::Result<()> {
        let mut state = self.step("sync_tree", dir)?;
        state.names_durable(|path| path.starts_with(dir) && path != dir);
        state.dirty.retain(|path| !path.starts_with(dir));
        Ok(())
    }

    fn space_left(&self, path: &Path) -> io::Result<u64> {
        let state = self.step("space", path)?;
        state.space.map_or_else(|| RealDisk.space_left(path), Ok)
    }

    fn mounts_below(&self, dir: &Path) -> io::Result<Vec<PathBuf>> {
        let state = self.step("mounts", dir)?;
        Ok(state
            .mounts
            .iter()
            .filter(|m| m.starts_with(dir) && *m != dir)
            .cloned()
            .collect())
    }
}

#[derive(Debug)]
struct FaultFile {
    disk: FaultDisk,
    path: PathBuf,
    inner: Box<dyn DiskFile>,
}

impl Read for FaultFile {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let _state = self.disk.step("read", &self.path)?;
        self.inner.read(buf)
    }
}

impl Write for FaultFile {
    fn write(&mut self, buf: &[u8]) -> io::Result<usize> {
        let mut state = self.disk.lock();
        let short = state.tick("write", &self.path)?;
        if !state.dirty.contains(&self.path) {
            state.dirty.push(self.path.clone());
        }
        self.inner.write(if short { &buf[..buf.len().min(1)] } else { buf })
    }

    fn flush(&mut self) -> io::Result<()> {
        self.inner.flush()
    }
}

impl DiskFile for FaultFile {
    fn read_at(&self, offset: u64, buf: &mut [u8]) -> io::Result<usize> {
        let _state = self.disk.step("read", &self.path)?;
        self.inner.read_at(offset, buf)
    }

    fn sync(&self) -> io::Result<()> {
        let mut state = self.disk.step("sync", &self.path)?;
        state.dirty.retain(|path| *path != self.path);
        Ok(())
    }

    fn metadata(&self) -> io::Result<Metadata> {
        let _state = self.disk.step("fstat", &self.path)?;
        self.inner.metadata()
    }

    fn set_mode(&self, mode: u32) -> io::Result<()> {
        let _state = self.disk.step("chmod", &self.path)?;
        self.inner.set_mode(mode)
    }

    fn set_modified(&self, time: SystemTime) -> io::Result<()> {
        let _state = self.disk.step("utime", &self.path)?;
        self.inner.set_modified(time)
    }

    fn read_from_medium(&self) {}

    fn read_in_portions(&self) {}
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::{read_all, write_atomically};

    fn fixture() -> (tempfile::TempDir, PathBuf, FaultDisk) {
        let root = tempfile::tempdir().unwrap();
        RealDisk.create_dir(&root.path().join("graves")).unwrap();
        RealDisk.create_dir(&root.path().join("data")).unwrap();
        let (data, disk) = (root.path().join("data"), FaultDisk::new(&root.path().join("graves")));
        (root, data, disk)
    }

    #[test]
    fn an_atomic_write_leaves_old_or_new_after_a_power_cut_at_every_operation() {
        for at in 1.. {
            let (_root, data, disk) = fixture();
            let path = data.join("file");
            write_atomically(&disk, &path, b"old").unwrap();
            disk.arm(at, Fault::PowerCut);
            let done = write_atomically(&disk, &path, b"new");
            disk.lose_unsynced().unwrap();
            let found = read_all(&RealDisk, &path, 10).unwrap();
            if done.is_ok() {
                assert_eq!(found, b"new");
                assert!(at > 4, "it takes a create, a write and two syncs");
                return;
            }
            assert!(found == b"old" || found == b"new", "operation {at}: {found:?}");
        }
    }

    #[test]
    fn a_rename_without_syncing_the_contents_is_caught() {
        let (_root, data, disk) = fixture();
        disk.create_new(&data.join("t")).unwrap().write_all(b"new").unwrap();
        disk.rename(&data.join("t"), &data.join("file")).unwrap();
        disk.sync_dir(&data).unwrap();
        disk.lose_unsynced().unwrap();
        assert_eq!(
            read_all(&RealDisk, &data.join("file"), 10).unwrap(),
            b"",
            "the name survived, the contents did not"
        );
    }

    #[test]
    fn a_rename_without_syncing_the_directory_is_taken_back() {
        let (_root, data, disk) = fixture();
        write_atomically(&disk, &data.join("a"), b"1").unwrap();
        disk.create_dir(&data.join("sub")).unwrap();
        disk.sync_dir(&data).unwrap();
        disk.rename(&data.join("a"), &data.join("sub/a")).unwrap();
        disk.sync_dir(&data.join("sub")).unwrap();
        disk.lose_unsynced().unwrap();
        assert!(
            RealDisk.exists(&data.join("a")).unwrap(),
            "both directories must be synced"
        );
    }
}
