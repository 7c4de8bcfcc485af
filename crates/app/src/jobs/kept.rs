//! The data that a restore or an undo replaced, for as long as it is kept.

use std::io;
use std::path::Path;

use bosbase_backup::DataDir;
use bosbase_backup::restore::{self, RestoreKind, UndoRecord};
use bosbase_disk::{Disk as _, FileKind, RealDisk};

use super::backups::Backups;
use super::registry::RunningJob;
use crate::error::{Error, Result};

impl Backups {
    /// What is kept and has not expired.
    pub(super) fn undo_record(&self) -> Result<Option<UndoRecord>> {
        let site = self.site();
        let Some(record) = restore::available_undo(&site).map_err(Error::internal)? else {
            return Ok(None);
        };
        let is_over = restore::has_expired(&site, &record).map_err(Error::internal)?;
        Ok((!is_over).then_some(record))
    }

    /// The data that an earlier restore or undo replaced, where it is kept no longer than until the next restore is
    /// done; nothing where nothing is kept.
    fn makes_way(&self) -> Result<Option<MakesWay>> {
        let Some(record) = self.undo_record()? else {
            return Ok(None);
        };
        if !holds_anything(self.data_dir(), &record)? {
            return Ok(None);
        }
        let at = crate::moment::wire(record.replaced);
        Ok(Some(match record.replaced_by {
            RestoreKind::Restore => MakesWay {
                what: format!("The data that the restore of {} replaced at {at}", record.key),
                by_undo: false,
            },
            RestoreKind::Undo => MakesWay {
                what: format!("The data that the last undo took away at {at}"),
                by_undo: true,
            },
        }))
    }

    /// Says what makes way for this restore.
    pub(super) fn warn_of_what_makes_way(&self, running: &RunningJob) -> Result<()> {
        if let Some(MakesWay { what, .. }) = self.makes_way()? {
            running.warn(&format!(
                "{what} can't be brought back any more: what this restore replaces is kept in its place."
            ));
        }
        Ok(())
    }

    /// What a restore through the server would end, in a sentence; empty where that is nothing.
    pub(super) fn told_what_makes_way(&self) -> Result<String> {
        let told = self.makes_way()?.map(|MakesWay { what, by_undo }| {
            let way = match by_undo {
                true => "",
                false => " To have it back first, undo through the server (POST /api/backups/undo-restore).",
            };
            format!(" {what} is still kept, and a restore would end that for good.{way}")
        });
        Ok(told.unwrap_or_default())
    }

    /// Refuses to restore the backup called `name` where data would make way for it.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::Invalid`] with what would be lost, and the ways on.
    pub(super) fn require_nothing_makes_way(&self, name: &str) -> Result<()> {
        let Some(MakesWay { what, by_undo }) = self.makes_way()? else {
            return Ok(());
        };
        let dir = self.data_dir().display();
        let go_on = format!("bosbase backup restore {name} --yes --dir {dir}");
        let undo = format!("bosbase backup undo --dir {dir}");
        let ways = match by_undo {
            // Whether that was of the wrong backup or of an undo, only who looks at the data can tell.
            true => format!(
                "If the data here now is the right one, go on: {go_on}. If it is not, have that back first: {undo} --yes."
            ),
            false => format!("To have it back first: {undo}. To give it up: {go_on}."),
        };
        Err(Error::invalid(format!(
            "{what} is still kept, and this restore would end that for good. {ways}"
        )))
    }
}

/// Data that would be lost by a restore.
struct MakesWay {
    /// Which, as the beginning of a sentence.
    what: String,
    /// Whether an undo took it away.
    by_undo: bool,
}

/// Whether anything is kept: also uploaded files without a database, which may be newer than any backup. A restore into
/// an empty directory keeps empty folders.
fn holds_anything(data_dir: &DataDir, record: &UndoRecord) -> Result<bool> {
    for folder in record.folders() {
        if holds_a_file(&data_dir.join(&folder)).map_err(Error::internal)? {
            return Ok(true);
        }
    }
    Ok(false)
}

/// Whether there is a file in `folder` or below it.
fn holds_a_file(folder: &Path) -> io::Result<bool> {
    let mut waiting = vec![folder.to_owned()];
    while let Some(folder) = waiting.pop() {
        let entries = match RealDisk.list(&folder) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => continue,
            entries => entries?,
        };
        for entry in entries {
            let entry = entry?;
            match entry.kind {
                FileKind::Directory => waiting.push(folder.join(&entry.name)),
                _ => return Ok(true),
            }
        }
    }
    Ok(false)
}

/// Whether the data that is kept has a database. A restore into an empty directory keeps none.
pub(super) fn holds_data(data_dir: &DataDir, record: &UndoRecord) -> Result<bool> {
    match record.folder() {
        Some(folder) => RealDisk
            .exists(&data_dir.join(folder).join(DataDir::DATABASE))
            .map_err(Error::internal),
        None => Ok(false),
    }
}
