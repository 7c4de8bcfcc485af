//! The folders whose children are switched: the data directory, and every mount point below it with the folders on the
//! way.
//!
//! A rename reaches nothing beyond its own file system, and a mount point itself cannot be renamed. So each mount point
//! gets its own staging and its own undo folder within itself, and its children move instead of it.

use std::collections::{BTreeMap, BTreeSet};
use std::io;

use bosbase_disk::FileKind;
use serde::{Deserialize, Serialize};

use super::Site;
use crate::data_dir::{self, STAGING_PREFIX, UNDO_PREFIX};
use crate::entry_path::EntryPath;
use crate::error::{Context as _, Error, ErrorKind, Result};
use crate::state_dir;

/// One folder whose children are switched. Paths are relative to the data directory.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Place {
    /// The folder; empty for the data directory itself.
    pub live: String,
    /// Where its new children wait.
    pub staging: String,
    /// Where its old children go.
    pub undo: String,
    /// Children that are places themselves and stay where they are.
    pub through: BTreeSet<String>,
}

impl Place {
    fn new(live: &str, id: &str, all: &BTreeSet<String>) -> Self {
        let (staging, undo) = if live.is_empty() {
            (
                data_dir::in_state(&format!("{}{id}", state_dir::STAGING_PREFIX)),
                data_dir::in_state(&format!("{}{id}", state_dir::UNDO_PREFIX)),
            )
        } else {
            (
                format!("{live}/{STAGING_PREFIX}{id}"),
                format!("{live}/{UNDO_PREFIX}{id}"),
            )
        };
        let child = |other: &String| {
            let rest = if live.is_empty() {
                Some(other.as_str())
            } else {
                other.strip_prefix(live)?.strip_prefix('/')
            };
            rest.filter(|r| !r.is_empty() && !r.contains('/')).map(str::to_owned)
        };
        Self {
            live: live.to_owned(),
            staging,
            undo,
            through: all.iter().filter_map(child).collect(),
        }
    }

    /// The same place for another restore, whose new children are this one's old ones.
    pub(super) fn reversed(&self, id: &str) -> Self {
        let fresh = Self::new(&self.live, id, &BTreeSet::new());
        Self {
            live: self.live.clone(),
            staging: self.undo.clone(),
            undo: fresh.undo,
            through: self.through.clone(),
        }
    }

    /// The children that a switch moves, out of those that stand in the folder.
    pub(super) fn children(&self, site: &Site<'_>) -> io::Result<Vec<String>> {
        let mut names = Vec::new();
        for entry in site.disk.list(&site.path(&self.live))? {
            let entry = entry?;
            let name = entry.name.into_string().map_err(|name| {
                io::Error::new(
                    io::ErrorKind::InvalidData,
                    format!("the name {} is not UTF-8", name.display()),
                )
            })?;
            if !self.through.contains(&name) && !data_dir::is_kept(&name, entry.kind, self.live.is_empty()) {
                names.push(name);
            }
        }
        Ok(names)
    }
}

/// The places of a data directory as it is mounted now.
pub(super) fn find(site: &Site<'_>, id: &str) -> Result<Vec<Place>> {
    let attempted = || format!("looking for mount points in {}", site.data_dir.display());
    let unsupported = |what: String| Error::new(ErrorKind::Unsupported, what);
    let mut folders = BTreeSet::from([String::new()]);
    for mount in site.disk.mounts_below(site.data_dir).context(attempted)? {
        let Some(relative) = mount.strip_prefix(site.data_dir).ok().and_then(|p| p.to_str()) else {
            return Err(unsupported(format!(
                "the mount point {} has no usable name",
                mount.display()
            )));
        };
        let path = EntryPath::new(relative)
            .map_err(|why| unsupported(format!("the name of the mount point {} {why}", mount.display())))?;
        if data_dir::is_state(&path) {
            return Err(unsupported(format!(
                "{} is a mount point; a restore needs it beside the data",
                mount.display()
            )));
        }
        if data_dir::is_not_installed(&path) {
            continue;
        }
        if site.disk.metadata(&mount).context(attempted)?.kind != FileKind::Directory {
            return Err(unsupported(format!(
                "{} is a mount point of its own; a restore cannot replace it",
                mount.display()
            )));
        }
        folders.extend(path.ancestors().map(str::to_owned));
        folders.insert(relative.to_owned());
    }
    Ok(folders.iter().map(|live| Place::new(live, id, &folders)).collect())
}

/// The place an entry belongs to, and its path below that place.
pub(super) fn of<'a>(places: &'a [Place], path: &'a EntryPath) -> (&'a Place, &'a str) {
    let below = |place: &'a Place| {
        if place.live.is_empty() {
            return Some((place, path.as_str()));
        }
        // A directory entry for the place itself has nothing left below it.
        let rest = path.as_str().strip_prefix(place.live.as_str())?;
        if rest.is_empty() {
            Some((place, ""))
        } else {
            rest.strip_prefix('/').map(|rest| (place, rest))
        }
    };
    places
        .iter()
        .filter_map(below)
        .max_by_key(|(place, _)| place.live.len())
        .expect("the data directory itself is always a place, and everything is below it")
}

/// Fails if one of the folders that a switch needs is not there: its file system is not mounted, and to go on would
/// leave a part of the data behind.
pub(super) fn require(site: &Site<'_>, places: &[Place]) -> Result<()> {
    for folder in places.iter().flat_map(|p| [&p.staging, &p.undo]) {
        let path = site.path(folder);
        match site.disk.metadata(&path) {
            Ok(m) if m.kind == FileKind::Directory => {}
            Err(e) if e.kind() != io::ErrorKind::NotFound => {
                return Err(e).context(|| format!("looking at {}", path.display()));
            }
            _ => {
                return Err(Error::new(
                    ErrorKind::Unsupported,
                    format!(
                        "a restore is under way and {} is not there: is its file system mounted?",
                        path.display()
                    ),
                ));
            }
        }
    }
    Ok(())
}

/// Bytes needed per file system: its number, a folder on it, and how many.
pub(super) type Needs = BTreeMap<u64, (std::path::PathBuf, u64)>;

/// Adds up what each place needs on its file system.
pub(super) fn needs(site: &Site<'_>, per_place: &[(Place, u64)]) -> Result<Needs> {
    let mut needs = Needs::new();
    for (place, bytes) in per_place {
        let path = site.path(&place.live);
        let device = site
            .disk
            .metadata(&path)
            .context(|| format!("looking at {}", path.display()))?
            .device;
        needs.entry(device).or_insert((path, 0)).1 += bytes;
    }
    Ok(needs)
}
