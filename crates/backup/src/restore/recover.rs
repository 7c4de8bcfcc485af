//! What every start does before it opens a database.

use std::collections::BTreeSet;
use std::io;

use bosbase_disk::FileKind;

use super::journal::{Journal, Phase};
use super::outcome::RestoreOutcome;
use super::{MAX_BOOTS, Site, places, rollback, switch, undo};
use crate::data_dir::{self, STAGING_PREFIX, UNDO_PREFIX};
use crate::error::{Context as _, Error, Result};
use crate::state_dir;

/// What a start found, and what it could not tidy up.
#[must_use = "a switched restore must be confirmed or rolled back"]
pub struct Recovery<'a> {
    /// What the data directory holds now.
    pub state: Recovered<'a>,
    /// Why debris is still there. It is harmless, takes room, and is tried again at the next start.
    pub uncleaned: Option<Error>,
}

/// What the data directory holds now.
pub enum Recovered<'a> {
    /// The data it held before; no restore was under way.
    Clean,
    /// The data it held before: a restore was given up.
    RolledBack(RestoreOutcome),
    /// The new data, on probation.
    Switched(Switched<'a>),
}

/// New data that stands in place of the old and is not known to be good yet.
#[must_use = "it must be confirmed or rolled back"]
pub struct Switched<'a> {
    site: Site<'a>,
    journal: Journal,
}

/// Finishes or takes back what the journal says, and removes debris. To be called before any database is opened, by the
/// one process that holds the data directory's lock.
///
/// # Errors
/// If the disk fails in a way that lets neither direction be completed, or a file system that is part of the restore is
/// not mounted: then nothing may be served, and the next start tries again.
pub fn recover(site: Site<'_>) -> Result<Recovery<'_>> {
    let state = match Journal::read(&site)? {
        None => Recovered::Clean,
        Some(journal) => drive(site, journal)?,
    };
    // While new data is on probation its predecessor's folders are in use: `clean` sees the journal and lets them be.
    let uncleaned = remove_temporaries(&site)
        .and_then(|()| undo::begin_to_count(&site))
        .and_then(|()| undo::expire_undo(&site))
        .and_then(|_| clean(&site))
        .err();
    Ok(Recovery { state, uncleaned })
}

fn drive(site: Site<'_>, mut journal: Journal) -> Result<Recovered<'_>> {
    match journal.phase {
        Phase::Staging => {
            let reason = "it was interrupted before the data was touched";
            return rollback::run(&site, journal, reason).map(Recovered::RolledBack);
        }
        Phase::RemovingNew | Phase::RestoringOld => {
            return rollback::run(&site, journal, "it was given up").map(Recovered::RolledBack);
        }
        Phase::Staged | Phase::MovedOut | Phase::Switched => {}
    }
    places::require(&site, &journal.places)?;
    if journal.phase == Phase::Switched && journal.boots >= MAX_BOOTS {
        let reason = format!("the restored data could not be opened in {MAX_BOOTS} starts");
        return rollback::run(&site, journal, &reason).map(Recovered::RolledBack);
    }
    if let Err(e) = switch::run(&site, &mut journal).and_then(|()| count_boot(&site, &mut journal)) {
        return rollback::run(&site, journal, &format!("the data could not be switched: {e}"))
            .map(Recovered::RolledBack);
    }
    Ok(Recovered::Switched(Switched { site, journal }))
}

fn count_boot(site: &Site<'_>, journal: &mut Journal) -> Result<()> {
    journal.boots += 1;
    journal.enter(site, Phase::Switched)
}

/// The new data that a start found, or put in place, and that nobody has confirmed yet; `None` where there is none.
///
/// # Errors
/// [`crate::ErrorKind::Io`] if the journal cannot be read.
pub fn on_probation(site: Site<'_>) -> Result<Option<Switched<'_>>> {
    let journal = Journal::read(&site)?.filter(|journal| journal.phase == Phase::Switched);
    Ok(journal.map(|journal| Switched { site, journal }))
}

impl Switched<'_> {
    /// The backup that was restored.
    #[must_use]
    pub fn key(&self) -> &str {
        &self.journal.key
    }

    /// Says that the new data is good: a start has done with it all that it does before it serves. Records it and ends
    /// the restore. To be called before the first write to the new data is acknowledged. The old data is kept for
    /// [`super::UNDO_KEPT`].
    ///
    /// # Errors
    /// [`crate::ErrorKind::Io`], [`crate::ErrorKind::NoSpace`]: the restore is still on probation. The process must not
    /// serve it; it ends, and the next start tries again.
    pub fn confirm(self) -> Result<RestoreOutcome> {
        let Self { site, journal } = self;
        site.steps.reached("confirm-begun");
        let mut outcome = RestoreOutcome::of(&journal, site.now);
        outcome.undo_until = Some(undo::offer(&site, &journal)?);
        outcome.write(&site)?;
        site.steps.reached("confirm-recorded");
        Journal::remove(&site)?;
        site.steps.reached("confirm-done");
        // What is left over takes room and does no harm; the next start tries again.
        let _ = clean(&site);
        Ok(outcome)
    }

    /// Decides that the new data is not good, while it may still be open: the next start puts the old data back and
    /// says `reason`. The process must not serve the new data any more; it ends.
    ///
    /// # Errors
    /// [`crate::ErrorKind::Io`], [`crate::ErrorKind::NoSpace`]: the new data is still on probation.
    pub fn condemn(self, reason: &str) -> Result<()> {
        let Self { site, mut journal } = self;
        journal.error.get_or_insert_with(|| reason.to_owned());
        journal.enter(&site, Phase::RemovingNew)
    }

    /// Says that the new data is not good, and puts the old data back. Everything that was opened must be closed.
    ///
    /// # Errors
    /// As [`recover`].
    pub fn roll_back(self, reason: &str) -> Result<RestoreOutcome> {
        let outcome = rollback::run(&self.site, self.journal, reason)?;
        // As above.
        let _ = clean(&self.site);
        Ok(outcome)
    }
}

/// Removes staging and undo folders that neither a restore under way nor the offered undo uses; returns how many.
///
/// # Errors
/// [`crate::ErrorKind::Io`]; some may be gone then.
pub fn clean(site: &Site<'_>) -> Result<usize> {
    if Journal::read(site)?.is_some() {
        return Ok(0);
    }
    sweep(
        site,
        &undo::available_undo(site)?.map(|u| u.folders()).unwrap_or_default(),
    )
}

/// Removes all staging and undo folders but those that are used; returns how many.
pub(super) fn sweep(site: &Site<'_>, used: &BTreeSet<String>) -> Result<usize> {
    let mut removed = 0;
    for (folder, prefixes) in private_folders(site)? {
        let path = site.path(&folder);
        let entries = match site.disk.list(&path) {
            Err(e) if matches!(e.kind(), io::ErrorKind::NotFound | io::ErrorKind::PermissionDenied) => continue,
            other => other.context(|| format!("listing {}", path.display()))?,
        };
        for entry in entries {
            let entry = entry.context(|| format!("listing {}", path.display()))?;
            let Some(name) = entry.name.to_str() else { continue };
            let relative = format!("{folder}{}{name}", if folder.is_empty() { "" } else { "/" });
            let path = site.path(&relative);
            let attempted = || format!("removing {}", path.display());
            if entry.kind == FileKind::Directory
                && prefixes.iter().any(|p| name.starts_with(p))
                && !used.contains(&relative)
            {
                site.disk.remove_dir_all(&path).context(attempted)?;
                removed += 1;
            }
        }
    }
    Ok(removed)
}

/// Removes what interrupted atomic writes left. Only at a start: later another thread may be in the middle of one.
fn remove_temporaries(site: &Site<'_>) -> Result<()> {
    let dir = site.state();
    let entries = match site.disk.list(&dir) {
        Err(e) if e.kind() == io::ErrorKind::NotFound => return Ok(()),
        other => other.context(|| format!("listing {}", dir.display()))?,
    };
    for entry in entries {
        let entry = entry.context(|| format!("listing {}", dir.display()))?;
        if data_dir::is_temporary(&entry.name, entry.kind) {
            let path = dir.join(entry.name);
            site.disk
                .remove_file(&path)
                .context(|| format!("removing {}", path.display()))?;
        }
    }
    Ok(())
}

/// The folders that may hold folders of ours, with what those are called.
fn private_folders(site: &Site<'_>) -> Result<Vec<(String, &'static [&'static str])>> {
    const OURS: &[&str] = &[state_dir::STAGING_PREFIX, state_dir::UNDO_PREFIX];
    const WITHIN: &[&str] = &[STAGING_PREFIX, UNDO_PREFIX];
    if !site
        .disk
        .exists(&site.state())
        .context(|| format!("looking for {}", site.state().display()))?
    {
        return Ok(Vec::new());
    }
    let mut folders: BTreeSet<String> = BTreeSet::new();
    // A file system that was mounted then may be part of its parent now, so all top-level folders are looked at too.
    for entry in site
        .disk
        .list(site.data_dir)
        .context(|| format!("listing {}", site.data_dir.display()))?
    {
        let entry = entry.context(|| format!("listing {}", site.data_dir.display()))?;
        if let (FileKind::Directory, Some(name)) = (entry.kind, entry.name.to_str())
            && !data_dir::is_kept(name, entry.kind, true)
        {
            folders.insert(name.to_owned());
        }
    }
    // A mount point that no switch can handle is no reason not to start.
    if let Ok(places) = places::find(site, "x") {
        folders.extend(places.into_iter().map(|p| p.live).filter(|live| !live.is_empty()));
    }
    let mut all: Vec<(String, &'static [&'static str])> = folders.into_iter().map(|f| (f, WITHIN)).collect();
    all.push((data_dir::STATE.to_owned(), OURS));
    Ok(all)
}
