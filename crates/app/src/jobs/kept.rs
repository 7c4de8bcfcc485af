//! The data that a restore or an undo replaced, for as long as it is kept.

use bosbase_backup::DataDir;
use bosbase_backup::restore::{self, RestoreKind, UndoRecord};
use bosbase_disk::{Disk as _, RealDisk};

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

    /// The data that an earlier restore or undo replaced, in words, where it is kept no longer than until the next
    /// restore is done; nothing where no data is kept.
    pub(super) fn makes_way(&self) -> Result<Option<String>> {
        let Some(record) = self.undo_record()? else {
            return Ok(None);
        };
        if !holds_data(self.data_dir(), &record)? {
            return Ok(None);
        }
        let by = match record.replaced_by {
            RestoreKind::Restore => format!("the restore of {}", record.key),
            RestoreKind::Undo => "the last undo".to_owned(),
        };
        let at = crate::moment::wire(record.replaced);
        Ok(Some(format!("The data that {by} replaced at {at}")))
    }

    /// Says what makes way for this restore.
    pub(super) fn warn_of_what_makes_way(&self, running: &RunningJob) -> Result<()> {
        if let Some(kept) = self.makes_way()? {
            running.warn(&format!(
                "{kept} can't be brought back any more: what this restore replaces is kept in its place."
            ));
        }
        Ok(())
    }
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
