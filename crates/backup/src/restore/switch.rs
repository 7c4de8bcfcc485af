//! Puts the new in place of the old, by renames that can each be repeated.

use std::collections::BTreeSet;
use std::io;

use super::Site;
use super::journal::{Journal, Phase};
use super::places::Place;
use crate::error::{Context as _, Result};

/// Goes on from wherever the journal is until all new things are in. Every step looks at what is on disk, so that it
/// does not matter how often a process died on the way.
pub(super) fn run(site: &Site<'_>, journal: &mut Journal) -> Result<()> {
    if journal.phase == Phase::Staged {
        site.steps.reached("switch-started");
        for place in &journal.places {
            let new = names_in(site, &place.staging)?;
            empty_into(site, place, &place.undo, &new, "switch-moving-out")?;
        }
        sync(site, &journal.places)?;
        // Before this is durable nothing new moves in: so no new database ever meets an old write-ahead log.
        journal.enter(site, Phase::MovedOut)?;
        site.steps.reached("switch-moved-out");
    }
    if journal.phase == Phase::MovedOut {
        for place in &journal.places {
            fill_from(site, place, &place.staging, "switch-moving-in")?;
        }
        sync(site, &journal.places)?;
        site.steps.reached("switch-moved-in");
        journal.boots = 0;
        journal.enter(site, Phase::Switched)?;
        site.steps.reached("switch-done");
    }
    Ok(())
}

/// Moves a place's children to one of its folders. One that cannot be moved for lack of permission, or since it is in
/// use as a mount point, stays if nothing of its name is among `needed`: it is somebody else's.
pub(super) fn empty_into(
    site: &Site<'_>,
    place: &Place,
    folder: &str,
    needed: &BTreeSet<String>,
    step: &'static str,
) -> Result<()> {
    let (from, to) = (site.path(&place.live), site.path(folder));
    for name in place.children(site).context(|| format!("listing {}", from.display()))? {
        match site.disk.rename_new(&from.join(&name), &to.join(&name)) {
            Ok(()) => site.steps.reached(step),
            Err(e) if is_refusal(&e) && !needed.contains(&name) && !is_of_a_database(&name) => {}
            Err(e) => return Err(e).context(|| format!("moving {} away", from.join(&name).display())),
        }
    }
    Ok(())
}

/// Moves the children of one of a place's folders to the place.
pub(super) fn fill_from(site: &Site<'_>, place: &Place, folder: &str, step: &'static str) -> Result<()> {
    let (from, to) = (site.path(folder), site.path(&place.live));
    for name in names_in(site, folder)? {
        site.disk
            .rename_new(&from.join(&name), &to.join(&name))
            .context(|| format!("moving {} in", to.join(&name).display()))?;
        site.steps.reached(step);
    }
    Ok(())
}

/// The names in a folder of ours.
pub(super) fn names_in(site: &Site<'_>, folder: &str) -> Result<BTreeSet<String>> {
    let path = site.path(folder);
    let collect = || -> io::Result<BTreeSet<String>> {
        site.disk
            .list(&path)?
            .map(|entry| entry?.name.into_string().map_err(|_| io::ErrorKind::InvalidData.into()))
            .collect()
    };
    collect().context(|| format!("listing {}", path.display()))
}

/// Makes all names that a switch touched durable.
pub(super) fn sync(site: &Site<'_>, places: &[Place]) -> Result<()> {
    for folder in places.iter().flat_map(|p| [&p.live, &p.staging, &p.undo]) {
        let path = site.path(folder);
        site.disk
            .sync_dir(&path)
            .context(|| format!("syncing {}", path.display()))?;
    }
    Ok(())
}

fn is_refusal(e: &io::Error) -> bool {
    matches!(e.kind(), io::ErrorKind::PermissionDenied | io::ErrorKind::ResourceBusy)
}

/// A database or one of its side files: leaving an old one behind could destroy new data.
fn is_of_a_database(name: &str) -> bool {
    name.ends_with(".db") || name.contains(".db-")
}
