//! Unpacks and proves an archive beside the data, and commits to it.

use std::io::{self, Read, Write as _};
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::mpsc;
use std::thread;
use std::time::SystemTime;

use super::journal::{Journal, Phase};
use super::outcome::RestoreKind;
use super::places::{self, Place};
use super::{Site, undo};
use crate::archive::{Archive, ArchiveEntry, Checked, EntryKind};
use crate::error::{Context as _, Error, ErrorKind, Result};
use crate::key::BackupKey;
use crate::layout;
use crate::progress::Progress;

/// Kept free beside what is unpacked, bytes: for folders, the journal, and what upgrading the databases adds.
const MARGIN: u64 = 32 << 20;

/// What a file takes on disk is rounded up to this.
const BLOCK: u64 = 4096;

/// Proves the databases of unpacked data, which this crate knows nothing of.
pub trait StagedCheck: Send + Sync {
    /// Checks the databases in a folder that nobody else uses and brings them up to date, so that the next start finds
    /// nothing to do; leaves none of SQLite's side files there.
    ///
    /// # Errors
    /// Why the data cannot be served.
    fn check_and_upgrade(&self, staged_dir: &Path) -> Result<(), Box<dyn std::error::Error + Send + Sync>>;
}

/// Fails unless there is room to unpack the archive beside the data.
///
/// # Errors
/// [`ErrorKind::NoSpace`] with the numbers; [`ErrorKind::Unsupported`] for mount points that cannot be switched.
pub fn check_room(site: &Site<'_>, archive: &Archive) -> Result<()> {
    check_room_in(site, archive, places::find(site, "x")?)
}

fn check_room_in(site: &Site<'_>, archive: &Archive, places: Vec<Place>) -> Result<()> {
    let mut per_place: Vec<(Place, u64)> = places.into_iter().map(|p| (p, 0)).collect();
    for entry in archive.entries() {
        let entry = entry?;
        if layout::is_not_installed(&entry.path) {
            continue;
        }
        let (live, _) = per_place
            .iter()
            .enumerate()
            .filter(|(_, (place, _))| is_below(&place.live, entry.path.as_str()))
            .max_by_key(|(_, (place, _))| place.live.len())
            .expect("everything is below the data directory");
        per_place[live].1 += entry.len.div_ceil(BLOCK).saturating_mul(BLOCK);
    }
    for (path, bytes) in places::needs(site, &per_place)?.into_values() {
        let needed = bytes.saturating_add(MARGIN);
        let left = site
            .disk
            .space_left(&path)
            .context(|| format!("asking for the room left in {}", path.display()))?;
        if left < needed {
            return Err(Error::new(
                ErrorKind::NoSpace,
                format!(
                    "the restore needs {needed} bytes of free space in {}, there are {left}",
                    path.display()
                ),
            ));
        }
    }
    Ok(())
}

fn is_below(folder: &str, path: &str) -> bool {
    folder.is_empty()
        || path
            .strip_prefix(folder)
            .is_some_and(|rest| rest.is_empty() || rest.starts_with('/'))
}

/// Unpacked, proven and durable, but not yet decided on: dropping it leaves debris that the next start removes,
/// [`Staged::abandon`] removes it at once.
#[must_use = "nothing is restored before it is committed"]
pub struct Staged<'a> {
    site: Site<'a>,
    journal: Journal,
    checked: Checked,
}

/// Decided: the next start does it.
#[derive(Debug)]
#[must_use = "the process must start anew"]
pub struct Journaled {
    /// Tells this restore from others, also in its [`super::RestoreOutcome`].
    pub id: String,
}

/// Unpacks the whole archive beside the data and proves it: lengths, checksums, hashes, then the databases. The data is
/// untouched and served meanwhile.
///
/// # Errors
/// [`ErrorKind::InvalidArchive`], [`ErrorKind::InvalidDatabase`], [`ErrorKind::NoSpace`], [`ErrorKind::Cancelled`],
/// [`ErrorKind::WrongState`] if a restore is under way already, [`ErrorKind::Unsupported`], [`ErrorKind::Io`]. In all cases
/// what was unpacked is gone again.
pub fn stage<'a>(
    site: Site<'a>,
    archive: &Archive,
    key: &BackupKey,
    check: &dyn StagedCheck,
    progress: &dyn Progress,
) -> Result<Staged<'a>> {
    require_idle(&site)?;
    site.disk
        .create_dir_all(&site.private())
        .and_then(|()| site.disk.sync_dir(site.data_dir))
        .context(|| format!("making {}", site.private().display()))?;
    let id = new_id(&site);
    let places = places::find(&site, &id)?;
    if let Err(e) = check_room_in(&site, archive, places.clone()) {
        // The data kept for an undo lasts until the next restore, and this is it.
        if e.kind() != ErrorKind::NoSpace || !undo::discard(&site)? {
            return Err(e);
        }
        check_room_in(&site, archive, places.clone())?;
    }
    let journal = Journal::new(id, RestoreKind::Restore, key.to_string(), site.now, places);
    journal.write(&site)?;
    site.steps.reached("restore-begun");
    let mut staged = Staged {
        site,
        journal,
        checked: Checked {
            entries: 0,
            bytes: 0,
            manifest: None,
        },
    };
    match staged.fill(archive, check, progress) {
        Ok(checked) => {
            staged.checked = checked;
            Ok(staged)
        }
        Err(e) => {
            // Whatever cannot be removed now is removed by the next start; the first error is the one that matters.
            let _ = staged.abandon();
            Err(e)
        }
    }
}

/// Fails if a restore is under way.
pub(super) fn require_idle(site: &Site<'_>) -> Result<()> {
    match Journal::read(site)? {
        None => Ok(()),
        Some(journal) => Err(Error::new(
            ErrorKind::WrongState,
            format!("the restore of {} is under way and waits for a restart", journal.key),
        )),
    }
}

/// Unique among the restores of one data directory: the time to the nanosecond.
pub(super) fn new_id(site: &Site<'_>) -> String {
    let wall = SystemTime::now()
        .duration_since(SystemTime::UNIX_EPOCH)
        .map_or(0, |d| d.subsec_nanos());
    format!("{:x}-{wall:x}", site.now.as_microsecond())
}

/// Makes the folders of a switch, durably, so that a missing one later means a missing file system.
pub(super) fn make_folders(site: &Site<'_>, places: &[Place]) -> Result<()> {
    for place in places {
        for folder in [&place.staging, &place.undo] {
            let path = site.path(folder);
            site.disk
                .create_dir_all(&path)
                .context(|| format!("making {}", path.display()))?;
        }
        let parent = if place.live.is_empty() {
            site.private()
        } else {
            site.path(&place.live)
        };
        site.disk
            .sync_dir(&parent)
            .context(|| format!("syncing {}", parent.display()))?;
    }
    site.disk
        .sync_dir(site.data_dir)
        .context(|| format!("syncing {}", site.data_dir.display()))
}

impl Staged<'_> {
    /// What unpacking proved.
    #[must_use]
    pub fn checked(&self) -> &Checked {
        &self.checked
    }

    /// Decides: makes the journal durable. After this the data must not be written any more; the process starts anew.
    ///
    /// # Errors
    /// [`ErrorKind::Io`], [`ErrorKind::NoSpace`]; the restore is then called off and what was unpacked is removed. Only if
    /// the disk refuses that as well, which the message says, the next start may still do it.
    pub fn commit(mut self) -> Result<Journaled> {
        let site = self.site;
        if let Err(e) = self.journal.enter(&site, Phase::Staged) {
            // The write may have come through although it failed.
            return match self.abandon() {
                Ok(()) => Err(e),
                Err(again) => Err(Error::with(
                    e.kind(),
                    format!("{e}; calling the restore off failed too, the next start decides"),
                    again,
                )),
            };
        }
        site.steps.reached("restore-journaled");
        Ok(Journaled { id: self.journal.id })
    }

    /// Removes what was unpacked.
    ///
    /// # Errors
    /// [`ErrorKind::Io`]; the next start tries again.
    pub fn abandon(self) -> Result<()> {
        // The journal goes first: staging without one is debris, a journal without staging would be a riddle.
        Journal::remove(&self.site)?;
        super::clean(&self.site).map(drop)
    }

    fn fill(&mut self, archive: &Archive, check: &dyn StagedCheck, progress: &dyn Progress) -> Result<Checked> {
        let site = self.site;
        make_folders(&site, &self.journal.places)?;
        let places = &self.journal.places;
        let root = site.path(&places[0].staging);
        let left = AtomicUsize::new(archive.root_files());
        let (checked, verdict) = thread::scope(|scope| {
            // The databases come first in our archives: they are checked while the files are unpacked. Not before all that lies
            // beside them is there, be it what SQLite would take for theirs.
            let (ready, begin) = mpsc::sync_channel::<()>(1);
            let staged = root.as_path();
            let checking = thread::Builder::new()
                .name("restore-check".to_owned())
                .spawn_scoped(scope, move || {
                    begin.recv().is_ok().then(|| check.check_and_upgrade(staged))
                })
                .context(|| "starting the check of the databases".to_owned())?;
            // Each thread remembers the folder it made last, and has a buffer.
            let state = || (None, vec![0; 256 << 10]);
            let checked = archive.read_all_at_once(progress, state, |(folder, buf), entry, contents| {
                install(&site, places, folder, buf, entry, contents)?;
                if entry.is_root_file() && left.fetch_sub(1, Ordering::AcqRel) == 1 {
                    // It takes one; there is room for it.
                    let _ = ready.try_send(());
                }
                Ok(())
            })?;
            site.steps.reached("restore-extracted");
            drop(ready);
            let verdict = match checking.join() {
                Ok(Some(verdict)) => verdict,
                Ok(None) => check.check_and_upgrade(staged),
                Err(_) => Err("the check ended without an outcome".into()),
            };
            Ok((checked, verdict))
        })?;
        verdict.map_err(|e| Error::with(ErrorKind::InvalidDatabase, "the archive's databases cannot be used", e))?;
        site.steps.reached("restore-checked");
        self.sync(&root)?;
        site.steps.reached("restore-synced");
        Ok(checked)
    }

    fn sync(&self, root: &Path) -> Result<()> {
        let disk = self.site.disk;
        for place in &self.journal.places {
            let path = self.site.path(&place.staging);
            disk.sync_tree(&path)
                .context(|| format!("syncing {}", path.display()))?;
        }
        // The databases once more by themselves, for file systems whose tree-wide sync promises less.
        for entry in disk.list(root).context(|| format!("listing {}", root.display()))? {
            let entry = entry.context(|| format!("listing {}", root.display()))?;
            if entry.kind == bosbase_disk::FileKind::File {
                let path = root.join(entry.name);
                disk.open(&path)
                    .and_then(|f| f.sync())
                    .context(|| format!("syncing {}", path.display()))?;
            }
        }
        disk.sync_dir(root).context(|| format!("syncing {}", root.display()))
    }
}

/// Puts an entry into the staging folder of its place; `folder` is the one that was made last.
fn install(
    site: &Site<'_>,
    places: &[Place],
    folder: &mut Option<PathBuf>,
    buf: &mut [u8],
    entry: &ArchiveEntry,
    contents: &mut dyn Read,
) -> Result<()> {
    if layout::is_not_installed(&entry.path) {
        return Ok(());
    }
    let (place, rest) = places::of(places, &entry.path);
    match (entry.kind, rest) {
        (EntryKind::Directory, "") => Ok(()),
        (EntryKind::File, "") => Err(Error::new(
            ErrorKind::Unsupported,
            format!("{} is a file in the archive and a mount point here", entry.path),
        )),
        (EntryKind::Directory, rest) => make_folder(site, &site.path(&place.staging).join(rest)),
        (EntryKind::File, rest) => {
            let target = site.path(&place.staging).join(rest);
            let parent = target.parent().map(Path::to_owned);
            if parent != *folder {
                if let Some(parent) = &parent {
                    make_folder(site, parent)?;
                }
                *folder = parent;
            }
            unpack(site, entry, contents, &target, buf)
        }
    }
}

fn make_folder(site: &Site<'_>, path: &Path) -> Result<()> {
    site.disk
        .create_dir_all(path)
        .context(|| format!("making {}", path.display()))
}

fn unpack(site: &Site<'_>, entry: &ArchiveEntry, contents: &mut dyn Read, target: &Path, buf: &mut [u8]) -> Result<()> {
    let attempted = || format!("unpacking {}", entry.path);
    let mut file = site.disk.create_new(target).context(attempted)?;
    loop {
        match contents.read(buf) {
            Ok(0) => break,
            Ok(n) => file.write_all(&buf[..n]).context(attempted)?,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e).context(attempted),
        }
    }
    if let Some(mode) = entry.mode {
        // Whatever the archive says: nobody but the owner writes, and the owner, who serves it, can read and write it.
        file.set_mode(mode & 0o755 | 0o600).context(attempted)?;
    }
    if let Some(modified) = entry.modified {
        file.set_modified(SystemTime::from(modified)).context(attempted)?;
    }
    Ok(())
}
