//! Unpacks and proves an archive beside the data, and commits to it.

use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, SystemTime};

use bosbase_background::{WORKER, step_back};
use bosbase_disk::FileKind;

use super::begin::{Journaled, make_folders, new_id, require_idle};
use super::journal::{Journal, Phase};
use super::kind::RestoreKind;
use super::places::{self, Place};
use super::uploads::{self, Uploads};
use super::write_back::WriteBack;
use super::{Site, links, undo};
use crate::archive::{Archive, ArchiveEntry, Behind, Checked, EntryKind, Part};
use crate::data_dir;
use crate::error::{Context as _, Error, ErrorKind, Result};
use crate::key::BackupKey;
use crate::progress::{Progress, cancelled};
use crate::remote_files::{self, Target};

/// Kept free beside what is unpacked, bytes: for folders, the journal, and what upgrading the databases adds.
const MARGIN: u64 = 32 << 20;

/// What a file takes on disk is rounded up to this.
const BLOCK: u64 = 4096;

/// Files from this length on are on the disk, or nearly, by the time they are unpacked, so that no commit of the
/// application, which is served meanwhile, waits for hundreds of MB of them.
const STREAMED_FROM: u64 = 1 << 20;

/// How soon the end of the databases' check is noticed, and that nobody wants it.
const NOTICED_WITHIN: Duration = Duration::from_millis(2);

/// Proves the databases of unpacked data, which this crate knows nothing of.
pub trait StagedCheck: Send + Sync {
    /// Checks the databases in a folder that nobody else uses and brings them up to date, so that the next start finds
    /// nothing to do; leaves none of SQLite's side files there. Ends soon, with an error, when `given_up` becomes true.
    ///
    /// # Errors
    /// Why the data cannot be served.
    fn check_and_upgrade(
        &self,
        staged_dir: &Path,
        given_up: &Arc<AtomicBool>,
    ) -> Result<(), Box<dyn std::error::Error + Send + Sync>>;

    /// Tells where the unpacked data keeps its uploaded files, if not on the disk; by default it is there. Asked when
    /// all files of the archive's root are unpacked into the folder and before they are checked; nobody else uses them
    /// meanwhile, and they must be left as they are. `id` is the restore's, as in [`super::RestoreOutcome`].
    ///
    /// # Errors
    /// [`ErrorKind::InvalidDatabase`] where the data does not tell; what else keeps files from being put there.
    fn files_elsewhere(&self, staged_dir: &Path, id: &str) -> Result<Option<Box<dyn Target>>> {
        let _ = (staged_dir, id);
        Ok(None)
    }
}

/// Fails unless there is room to unpack the archive beside the data; uploaded files count unless its manifest says that
/// they are kept elsewhere. [`stage`] finds out for certain, and asks again.
///
/// # Errors
/// [`ErrorKind::NoSpace`] with the numbers; [`ErrorKind::Unsupported`] for mount points that cannot be switched, and
/// symbolic links in the place of what would be replaced.
pub fn check_room(site: &Site<'_>, archive: &Archive) -> Result<()> {
    links::refuse(site, Some(archive))?;
    let remote_files = archive.hints_at_elsewhere();
    let stays = |entry: &ArchiveEntry| !remote_files || uploads::of(entry).is_none();
    check_room_for(site, archive, &places::find(site, "x")?, &stays)
}

/// Sees to it that there is room for some entries of an archive. The data kept for an undo lasts until the next
/// restore, and this is it.
fn make_room_for(
    site: &Site<'_>,
    archive: &Archive,
    places: &[Place],
    wanted: &dyn Fn(&ArchiveEntry) -> bool,
) -> Result<()> {
    match check_room_for(site, archive, places, wanted) {
        Err(e) if e.kind() == ErrorKind::NoSpace && undo::discard(site, places)? => {
            check_room_for(site, archive, places, wanted)
        }
        checked => checked,
    }
}

fn check_room_for(
    site: &Site<'_>,
    archive: &Archive,
    places: &[Place],
    wanted: &dyn Fn(&ArchiveEntry) -> bool,
) -> Result<()> {
    let mut per_place: Vec<(Place, u64)> = places.iter().map(|p| (p.clone(), 0)).collect();
    for entry in archive.entries() {
        let entry = entry?;
        if data_dir::is_not_installed(&entry.path) || !wanted(&entry) {
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
    remote_files: Option<Box<dyn Target>>,
}

/// Unpacks the whole archive beside the data and proves it: lengths, checksums, hashes, then the databases. The data is
/// untouched and served meanwhile. Uploaded files go where [`StagedCheck::files_elsewhere`] says.
///
/// # Errors
/// [`ErrorKind::InvalidArchive`], [`ErrorKind::InvalidDatabase`], [`ErrorKind::NoSpace`], [`ErrorKind::Cancelled`],
/// [`ErrorKind::WrongState`] if a restore is under way already, [`ErrorKind::Unsupported`], [`ErrorKind::Io`];
/// [`ErrorKind::AlreadyExists`] if another file lies elsewhere under the name of an uploaded one, and what [`Target`]
/// says. In all cases what was unpacked is gone again, and the target was asked to remove what was put.
pub fn stage<'a>(
    site: Site<'a>,
    archive: &Archive,
    key: &BackupKey,
    check: &dyn StagedCheck,
    progress: &dyn Progress,
) -> Result<Staged<'a>> {
    require_idle(&site)?;
    links::refuse(&site, Some(archive))?;
    site.disk
        .create_dir_all(&site.state())
        .and_then(|()| site.disk.sync_dir(site.data_dir))
        .context(|| format!("making {}", site.state().display()))?;
    let id = new_id(&site);
    let places = places::find(&site, &id)?;
    // Where uploaded files go is only known when the databases are there.
    make_room_for(&site, archive, &places, &|entry| uploads::of(entry).is_none())?;
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
        remote_files: None,
    };
    match staged.fill(archive, check, progress) {
        Ok(checked) => {
            staged.checked = checked;
            Ok(staged)
        }
        Err(e) => {
            // What cannot be removed now is removed by the next start; the first error is the one that matters.
            let _ = staged.abandon();
            Err(e)
        }
    }
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
    /// [`ErrorKind::Io`], [`ErrorKind::NoSpace`]; the restore is then called off and what was unpacked is removed. Only
    /// if the disk refuses that as well, which the message says, the next start may still do it.
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

    /// Removes what was unpacked, and what was put elsewhere.
    ///
    /// # Errors
    /// [`ErrorKind::Io`], what [`Target::abandon`] says; the next start tries again.
    pub fn abandon(self) -> Result<()> {
        // The journal goes first: staging without one is debris, a journal without staging would be a riddle.
        Journal::remove(&self.site)?;
        let cleaned = super::clean(&self.site).map(drop);
        self.remote_files.map_or(Ok(()), |target| target.abandon()).and(cleaned)
    }

    fn fill(&mut self, archive: &Archive, check: &dyn StagedCheck, progress: &dyn Progress) -> Result<Checked> {
        let site = self.site;
        make_folders(&site, &self.journal.places)?;
        let places = &self.journal.places;
        let root = site.path(&places[0].staging);
        let databases = self.unpack(archive, Part::RootFiles, None, progress)?;
        self.remote_files = check.files_elsewhere(&root, &self.journal.id)?;
        let goes_elsewhere = |entry: &ArchiveEntry| self.remote_files.is_some() && uploads::of(entry).is_some();
        make_room_for(&site, archive, &self.journal.places, &|entry| {
            !entry.is_root_file() && !goes_elsewhere(entry)
        })?;
        let (checked, verdict) = thread::scope(|scope| {
            // All that lies beside the databases is there, be it what SQLite would take for theirs: they are checked
            // while the rest is unpacked.
            let staged = root.as_path();
            let given_up = Arc::<AtomicBool>::default();
            let _at_the_end = GivenUp(Arc::clone(&given_up));
            let checking = thread::Builder::new()
                .name("restore-check".to_owned())
                .spawn_scoped(scope, move || {
                    step_back(WORKER);
                    check.check_and_upgrade(staged, &given_up)
                })
                .context(|| "starting the check of the databases".to_owned())?;
            let rest = match self.remote_files.as_deref() {
                None => self.unpack(archive, Part::Rest, None, progress)?,
                Some(target) => {
                    let rest = remote_files::putting(target, progress, |putters| {
                        self.unpack(archive, Part::Rest, Some(&Uploads::new(archive, putters)?), progress)
                    })?;
                    target.settle()?;
                    rest
                }
            };
            site.steps.reached("restore-extracted");
            while !checking.is_finished() {
                if progress.cancelled() {
                    return Err(cancelled());
                }
                thread::sleep(NOTICED_WITHIN);
            }
            let ended = |_| Err("the check ended without an outcome".into());
            Ok((databases.and(rest), checking.join().unwrap_or_else(ended)))
        })?;
        verdict.map_err(|e| Error::with(ErrorKind::InvalidDatabase, "the archive's databases cannot be used", e))?;
        site.steps.reached("restore-checked");
        self.sync(&root)?;
        site.steps.reached("restore-synced");
        Ok(checked)
    }

    /// Unpacks a part of the archive into the staging folders, but for what goes elsewhere.
    fn unpack(
        &self,
        archive: &Archive,
        part: Part,
        remote_files: Option<&Uploads<'_, '_, '_>>,
        progress: &dyn Progress,
    ) -> Result<Checked> {
        // Each thread remembers the folder it made last, and has a buffer.
        let state = || (None, vec![0; 256 << 10], remote_files.map(Uploads::note_reader));
        archive.read_all_at_once(part, progress, state, |(folder, buf, notes), entry, contents| {
            match (remote_files, notes, uploads::of(entry)) {
                (Some(remote_files), Some(notes), Some(file)) => remote_files.put(file, entry, contents, notes),
                _ => install(&self.site, &self.journal.places, folder, buf, entry, contents),
            }
        })
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
            if entry.kind == FileKind::File {
                let path = root.join(entry.name);
                disk.open(&path)
                    .and_then(|f| f.sync())
                    .context(|| format!("syncing {}", path.display()))?;
            }
        }
        disk.sync_dir(root).context(|| format!("syncing {}", root.display()))
    }
}

/// Dropped, it tells the check of the databases that nobody waits for it any more.
struct GivenUp(Arc<AtomicBool>);

impl Drop for GivenUp {
    fn drop(&mut self) {
        self.0.store(true, Ordering::Relaxed);
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
    if data_dir::is_not_installed(&entry.path) {
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
    let file = if entry.len < STREAMED_FROM {
        let mut file = site.disk.create_new(target).context(attempted)?;
        copy(contents, &mut file, buf).context(attempted)?;
        file
    } else if entry.is_root_file() {
        // A database is about to be checked, page by page: it had better be in the cache.
        let mut file = site.disk.create_new(target).context(attempted)?;
        thread::scope(|scope| {
            let mut out = WriteBack::start(scope, site.disk, target, &mut file)?;
            copy(contents, &mut out, buf)?;
            out.finish()
        })
        .context(attempted)?;
        file
    } else {
        let mut file = site.disk.create_streamed(target).context(attempted)?;
        thread::scope(|scope| {
            // The next bytes are unpacked and hashed while the disk takes these.
            let mut behind = Behind::start(scope, &mut file)?;
            copy(contents, &mut behind, buf)?;
            behind.finish()
        })
        .context(attempted)?;
        file
    };
    if let Some(mode) = entry.mode {
        let created = file.metadata().context(attempted)?.mode;
        file.set_mode(restored_mode(mode, created)).context(attempted)?;
    }
    if let Some(modified) = entry.modified {
        file.set_modified(SystemTime::from(modified)).context(attempted)?;
    }
    Ok(())
}

/// The mode of a file that has `archived` in its archive and was `created` as what this process makes is. With any
/// archive the owner, who serves it, can read and write it, and nobody else can do more than with what is made
/// here. Whom the archive lets read nothing gets nothing, and who may execute it there, may here.
fn restored_mode(archived: u32, created: u32) -> u32 {
    let others = [0o070, 0o007].into_iter().map(|class| match archived & 0o444 & class {
        0 => 0,
        _ if created & class == 0 => 0,
        _ => (created & 0o666 | archived & 0o111) & class,
    });
    0o600 | archived & 0o100 | others.sum::<u32>()
}

fn copy(contents: &mut dyn Read, out: &mut dyn Write, buf: &mut [u8]) -> io::Result<()> {
    loop {
        match contents.read(buf) {
            Ok(0) => return Ok(()),
            Ok(n) => out.write_all(&buf[..n])?,
            Err(e) if e.kind() == io::ErrorKind::Interrupted => {}
            Err(e) => return Err(e),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::restored_mode;

    #[test]
    fn an_archive_opens_a_file_to_nobody() {
        for (archived, created, restored) in [
            (0o644, 0o600, 0o600),
            (0o777, 0o600, 0o700),
            (0o755, 0o640, 0o750),
            (0o644, 0o660, 0o660),
            (0o600, 0o660, 0o600),
            (0o400, 0o644, 0o600),
            (0o644, 0o644, 0o644),
            (0o755, 0o644, 0o755),
        ] {
            assert_eq!(
                restored_mode(archived, created),
                restored,
                "{archived:o} as {created:o}"
            );
        }
    }
}
