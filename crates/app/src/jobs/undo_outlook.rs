//! What an undo of the last restore would change: the data that is kept for it against what is there now.

use std::path::Path;
use std::sync::Arc;
use std::sync::mpsc::{RecvTimeoutError, channel};
use std::time::Duration;

use bosbase_backup::DataDir;
use bosbase_store::{Collection, StillDatabase};

use super::backup_jobs::BackupJobs;
use super::comparison::Comparison;
use super::content::{Content, Counts, Inside};
use super::opened::settings_of;
use super::undo::Undoable;
use crate::error::{Error, Result};

/// How long the kept records may be counted.
const COUNTING: Duration = Duration::from_secs(3);
/// How often counting is asked to end then: it may just have begun with the next table.
const AGAIN: Duration = Duration::from_millis(20);

/// An undo that is possible.
#[derive(Debug, Clone)]
pub struct UndoOutlook {
    /// What would be undone.
    pub undo: Undoable,
    /// What that would change; nothing where the kept data can't be read.
    pub comparison: Option<Comparison>,
}

impl BackupJobs {
    /// What an undo would change; `None` where there is nothing to undo. Takes some seconds at the most, and keeps no
    /// writer waiting. One asker looks at the kept data at a time. The kept files are not counted.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::Unavailable`] where others look for longer than one waits for them; where the data of now, or
    /// what is known of the undo, can't be read.
    pub fn foresee_undo(&self) -> Result<Option<UndoOutlook>> {
        let backups = self.backups();
        let (Some(undo), Some(folder)) = (backups.undoable()?, backups.undo_folder()?) else {
            return Ok(None);
        };
        let turn = self.looking_at_kept().take()?;
        let kept = self.kept(&folder, &undo.restored);
        drop(turn);
        let kept = match kept {
            Ok(kept) => Some(kept),
            // It may be removed meanwhile, by the next restore.
            Err(error) => {
                tracing::warn!(
                    error = error.with_causes(),
                    "the data that is kept for an undo can't be read"
                );
                None
            }
        };
        let comparison = kept.map(|(content, is_complete)| {
            let mut comparison = self.compare(&content)?;
            comparison.complete &= is_complete;
            for one in &mut comparison.collections {
                one.files = None;
            }
            Ok::<_, Error>(comparison)
        });
        Ok(Some(UndoOutlook {
            undo,
            comparison: comparison.transpose()?,
        }))
    }

    /// What the database in `folder` holds, and whether there was time to count all of it. A restore into an empty
    /// directory kept none.
    fn kept(&self, folder: &Path, restored: &str) -> Result<(Content, bool)> {
        let path = folder.join(DataDir::DATABASE);
        if !self.disk().exists(&path).map_err(Error::internal)? {
            let inside = Inside {
                counts: Counts::new(),
                settings: None,
            };
            return Ok((Content::of_database(inside, restored.to_owned()), true));
        }
        let database = StillDatabase::open(&path, DataDir::DATABASE)?;
        let settings = settings_of(&database, self.options().encryption_key.as_deref());
        let counted = count(&database);
        let is_complete = counted.is_some();
        let counts = match counted {
            Some(counts) => counts,
            None => database.collections()?.into_iter().map(uncounted).collect(),
        };
        let content = Content::of_database(Inside { counts, settings }, restored.to_owned());
        Ok((content, is_complete))
    }
}

fn uncounted(collection: Arc<Collection>) -> (Arc<Collection>, Option<u64>) {
    (collection, None)
}

/// Nothing where there is no time for it, or where it can't be counted.
fn count(database: &StillDatabase) -> Option<Counts> {
    let interrupt = database.interrupter();
    let (done, ended) = channel::<()>();
    std::thread::scope(|scope| {
        scope.spawn(move || {
            let mut patience = COUNTING;
            while ended.recv_timeout(patience) == Err(RecvTimeoutError::Timeout) {
                interrupt();
                patience = AGAIN;
            }
        });
        let counted = database.record_counts();
        drop(done);
        counted.ok()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::app::App;
    use crate::error::ErrorKind;
    use crate::jobs::JobState;
    use crate::jobs::Replaced;
    use crate::options::AppOptions;
    use crate::start::restore_offline;

    /// Each of many who asked at once read the kept database from the disk.
    #[test]
    fn one_at_a_time_looks_at_what_is_kept() {
        let dir = tempfile::tempdir().unwrap();
        let options = AppOptions::at(dir.path().join("pb_data"));
        let app = App::open(options.clone()).unwrap();
        let ticket = app.backup_jobs().start_backup("a.zip").unwrap();
        while ticket.job().state == JobState::Running {
            std::thread::sleep(Duration::from_millis(5));
        }
        app.close().unwrap();
        restore_offline(&options, "a.zip", Replaced::Stays, &|_, _| {}).unwrap();
        let app = App::open(options).unwrap();
        let turn = app.backup_jobs().looking_at_kept().take().unwrap();
        let refused = app.backup_jobs().foresee_undo().unwrap_err();
        assert_eq!(refused.kind(), ErrorKind::Unavailable);
        drop(turn);
        let outlook = app.backup_jobs().foresee_undo().unwrap().unwrap();
        assert!(outlook.comparison.unwrap().complete);
        app.close().unwrap();
    }
}
