//! Records of a backup for somebody who has no use for the database: as JSON, or in a folder with their files.

use std::collections::{BTreeMap, HashSet};
use std::path::Path;

use bosbase_disk::{Disk, NewFile, Whom};
use serde_json::{Map, Value};

use super::choice::{Choice, Chosen};
use super::files::{PackedFiles, path};
use crate::error::{Error, Result};
use crate::jobs::{Backups, Looked};
use crate::records::{file_names, present_own};

/// What was written.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Exported {
    /// Records.
    pub records: usize,
    /// Files.
    pub files: usize,
    /// Files that records name and the backup lacks.
    pub missing: usize,
    /// Records that a cascade deletes with them and that nobody asked for; nothing where they were not counted.
    pub children_left: Option<usize>,
}

/// Records as a superuser sees them.
#[derive(Debug)]
pub struct ExportedJson {
    /// The records, each with its collection's name.
    pub records: Vec<Map<String, Value>>,
    /// As [`Exported::children_left`].
    pub children_left: Option<usize>,
}

/// The chosen records as a superuser sees them.
///
/// # Errors
///
/// Those of [`Backups::look`], and as [`super::Recovery::recover`] for what can't be chosen.
pub fn export_json(backups: &Backups, key: &str, choice: &Choice) -> Result<ExportedJson> {
    let looked = backups.look(key)?;
    let (chosen, children_left) = read(&looked, choice)?;
    let records = chosen.iter().map(|one| present_own(&one.record)).collect();
    Ok(ExportedJson { records, children_left })
}

/// Writes the chosen records into the folder `to`, which is made or empty: a file of JSON for each collection, and
/// `COLLECTION/ID/FILE` for their files. They are whose process it is, also where root looks into another's backup.
///
/// # Errors
///
/// As [`export_json`]; [`crate::ErrorKind::Invalid`] where the folder is not empty; where it can't be written.
pub fn export_directory(backups: &Backups, key: &str, choice: &Choice, to: &Path) -> Result<Exported> {
    let disk = backups.disk().as_ref();
    make_empty(disk, to)?;
    let looked = backups.look_as_owner(key)?;
    let (chosen, children_left) = read(&looked, choice)?;
    let mut paths = HashSet::new();
    let mut by_collection: BTreeMap<&str, Vec<&Chosen>> = BTreeMap::new();
    for one in &chosen {
        let record = &one.record;
        by_collection.entry(&record.collection.name).or_default().push(one);
        paths.extend(
            file_names(record)
                .iter()
                .map(|name| path(&record.collection.id, record.id(), name)),
        );
    }
    let packed = PackedFiles::find(&looked, &paths)?;
    let mut exported = Exported {
        children_left,
        ..Exported::default()
    };
    for (name, chosen) in by_collection {
        let name = component(name)?;
        let records: Vec<_> = chosen.iter().map(|one| present_own(&one.record)).collect();
        let text = serde_json::to_vec_pretty(&records).map_err(Error::internal)?;
        write(disk, &to.join(format!("{name}.json")), |file| {
            file.write_all(&text).map_err(Error::internal)
        })?;
        exported.records += records.len();
        for one in chosen {
            let record = &one.record;
            let dir = to.join(name).join(component(record.id())?);
            for file in file_names(record) {
                let from = path(&record.collection.id, record.id(), &file);
                if packed.len(&from).is_none() {
                    exported.missing += 1;
                    continue;
                }
                disk.create_dir_all_for(Whom::UserAlone, &dir)
                    .map_err(|error| unwritable(&dir, error))?;
                write(disk, &dir.join(component(&file)?), |to| packed.write(&from, to))?;
                exported.files += 1;
            }
        }
    }
    Ok(exported)
}

fn read(looked: &Looked, choice: &Choice) -> Result<(Vec<Chosen>, Option<usize>)> {
    // Without the data of now, all that a cascade would take along comes along.
    choice.read(looked, &|_, _| Ok(false))
}

fn make_empty(disk: &dyn Disk, to: &Path) -> Result<()> {
    disk.create_dir_all_for(Whom::UserAlone, to)
        .map_err(|error| unwritable(to, error))?;
    let mut entries = disk.list(to).map_err(|error| unwritable(to, error))?;
    match entries.next() {
        None => Ok(()),
        Some(_) => Err(Error::invalid(format!(
            "{} is not empty. Name a folder that is new or empty.",
            to.display()
        ))),
    }
}

fn write(disk: &dyn Disk, to: &Path, fill: impl FnOnce(&mut dyn std::io::Write) -> Result<()>) -> Result<()> {
    let mut file = NewFile::create_for(Whom::UserAlone, disk, to).map_err(|error| unwritable(to, error))?;
    fill(&mut file)?;
    file.publish().map_err(|error| unwritable(to, error))
}

fn unwritable(path: &Path, error: std::io::Error) -> Error {
    Error::invalid(format!("{} can't be written: {error}.", path.display())).caused_by(error)
}

/// A name out of a database, which may say anything.
fn component(name: &str) -> Result<&str> {
    let is_name = !name.contains('/') && bosbase_backup::EntryPath::new(name.to_owned()).is_ok();
    match is_name {
        true => Ok(name),
        false => Err(Error::invalid("A name in this backup can't be the name of a file.")),
    }
}
