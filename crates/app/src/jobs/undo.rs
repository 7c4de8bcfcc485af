//! Brings back the data that a restore replaced.

use bosbase_backup::restore::{self, RestoreKind, UndoRecord};
use jiff::Timestamp;

use super::backup_jobs::BackupJobs;
use super::backups::Backups;
use super::directory::require_directory;
use super::engine::refuse;
use super::kept::holds_data;
use super::registry::Ticket;
use super::release::release_or_warn;
use super::restore::{NextStart, alone, see_through};
use super::status::JobKind;
use crate::error::{Error, Result};
use crate::moment;
use crate::options::AppOptions;
use crate::settings;

/// The data that can be had back, as the status endpoint shows it.
#[derive(Debug, Clone, PartialEq, Eq, serde::Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Undoable {
    /// What would be undone: `restore`, or `undo` for an undo itself.
    pub kind: JobKind,
    /// The backup that the restore was of.
    pub key: String,
    /// When it was put in place, `2023-05-19T16:25:57.542Z`.
    pub restored: String,
    /// Until when the data that it replaced is kept.
    pub expires: String,
}

impl Undoable {
    fn of(record: UndoRecord, expires: Timestamp) -> Self {
        Self {
            kind: match record.replaced_by {
                RestoreKind::Restore => JobKind::Restore,
                RestoreKind::Undo => JobKind::Undo,
            },
            key: record.key,
            restored: moment::wire(record.replaced),
            expires: moment::wire(expires),
        }
    }
}

impl BackupJobs {
    /// Begins to bring back the data that the last restore replaced. As after a restore,
    /// [`super::JobRegistry::restart_wanted`] resolves, and the next process puts it in place; the data served now is
    /// then itself kept for an undo.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::Invalid`] where there is nothing to undo, and while another job runs. Nothing has changed
    /// then.
    pub fn start_undo(&self) -> Result<Ticket> {
        let lease = self.jobs().lease()?;
        let record = self.backups().undo_record()?.ok_or_else(nothing)?;
        let running = self.jobs().begin(lease, JobKind::Undo, &record.key)?;
        let ticket = running.ticket();
        if let Err(error) = running.decide(|| self.backups().decide_undo()) {
            return running.end(Err(error));
        }
        self.jobs().stop_proofs(None, "the server restarts to undo a restore");
        self.jobs().keep(running.hand_over());
        self.jobs().want_restart();
        Ok(ticket)
    }

    /// Gives up the data kept for an undo whose time is over, as every start does; a server may run for months.
    pub(crate) fn expire_undo(&self) -> Result<()> {
        let site = self.backups().site();
        let Some(record) = restore::available_undo(&site).map_err(Error::internal)? else {
            return Ok(());
        };
        // Asked each minute, so that the time is counted while the server runs.
        if !restore::has_expired(&site, &record).map_err(Error::internal)? {
            return Ok(());
        }
        // Where a job runs, the next minute will do.
        let Ok(_lease) = self.jobs().lease() else { return Ok(()) };
        release_or_warn(&self.backups().site(), self.options());
        restore::expire_undo(&self.backups().site()).map_err(Error::internal)?;
        self.files().purge_objects();
        Ok(())
    }
}

impl Backups {
    /// What an undo would bring back, `None` where there is nothing.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::Internal`] where the record can't be read.
    pub fn undoable(&self) -> Result<Option<Undoable>> {
        let Some(record) = self.undo_record()? else {
            return Ok(None);
        };
        let expires = restore::expiry(&self.site(), &record).map_err(Error::internal)?;
        Ok(Some(Undoable::of(record, expires)))
    }

    /// Where the data lies that an undo would bring back; `None` where there is nothing.
    pub(super) fn undo_folder(&self) -> Result<Option<std::path::PathBuf>> {
        let record = self.undo_record()?;
        let folder = record.as_ref().and_then(UndoRecord::folder);
        Ok(folder.map(|folder| self.data_dir().join(folder)))
    }

    /// Past this point the undo is done by the next process that opens the data.
    fn decide_undo(&self) -> Result<()> {
        let _decided = restore::undo(&self.site()).map_err(refuse)?;
        Ok(())
    }
}

/// Brings back what the last restore replaced in a data directory that nobody serves, and says in a sentence how it
/// ended.
///
/// # Errors
///
/// [`crate::ErrorKind::Invalid`] while a server uses the data directory, where there was no data before the restore or
/// it is an undo that would be undone, and that is not what was `wanted`, and as [`BackupJobs::start_undo`]. The data is
/// then as it was.
pub(crate) fn undo_offline(options: &AppOptions, wanted: Undoing, next: NextStart) -> Result<String> {
    require_directory(&options.data_dir)?;
    let backups = Backups::open(options.clone())?;
    let serve_lock = alone(options, "Undo through it (POST /api/backups/undo-restore)", "", next)?;
    let lease = backups.jobs().lease()?;
    let record = backups.undo_record()?.ok_or_else(nothing)?;
    let dir = options.data_dir.display();
    let leads_to_nothing = !holds_data(&options.data_dir, &record)?;
    if leads_to_nothing && wanted == Undoing::Data {
        return Err(Error::invalid(format!(
            "There was no data.db before the restore of {}, so an undo leaves an empty application. To have that: bosbase \
             backup undo --yes --dir {dir}.",
            record.key
        )));
    }
    // Without the key of its settings it could not be opened, and the undo would be a failed one.
    if let Some(folder) = record.folder() {
        settings::require_key(&options.data_dir.join(folder), options.encryption_key.as_deref())?;
    }
    // Twice in a row by mistake, the wrong backup would be back, and what it replaced be the next to make way.
    if record.replaced_by == RestoreKind::Undo && wanted == Undoing::Data {
        return Err(Error::invalid(format!(
            "The last thing that was done here is an undo, after the restore of {}. If the data here now is the right one, \
             leave it so; to restore another backup then: bosbase backup restore KEY --yes --dir {dir}. If it is not, undo \
             the undo: bosbase backup undo --yes --dir {dir}.",
            record.key
        )));
    }
    let running = backups.jobs().begin(lease, JobKind::Undo, &record.key)?;
    if let Err(error) = backups.decide_undo() {
        return running.end(Err(error));
    }
    let done = see_through(&backups, &serve_lock, running, next)?;
    let key = &record.key;
    let now = match record.replaced_by {
        _ if leads_to_nothing => format!("The application is empty again, as before the restore of {key}."),
        RestoreKind::Restore => format!("The data before the restore of {key} is back."),
        RestoreKind::Undo => "The last undo is undone: the data that it took away is back.".to_owned(),
    };
    Ok(done.told(format!(
        "{now} What it replaced is kept for a week; to have that back: bosbase backup undo --yes --dir {dir}."
    )))
}

/// What an undo may lead to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Undoing {
    /// Data.
    Data,
    /// Also an empty application, where there was no data before the restore, and what the last undo took away.
    Anything,
}

fn nothing() -> Error {
    Error::invalid("There is nothing to undo: no restore has replaced data that is still kept.")
}

#[cfg(test)]
mod tests {
    use bosbase_disk::{Disk as _, RealDisk};

    use super::*;
    use crate::app::App;
    use crate::jobs::{JobState, Replaced};
    use crate::start::restore_offline;

    /// A server that ran for months kept what a restore had replaced until somebody started it anew.
    #[test]
    fn what_is_kept_goes_when_its_time_is_over_without_a_restart() {
        let dir = tempfile::tempdir().unwrap();
        let options = AppOptions::at(dir.path().join("pb_data"));
        let app = App::open(options.clone()).unwrap();
        let ticket = app.backup_jobs().start_backup("a.zip").unwrap();
        while ticket.job().state == JobState::Running {
            std::thread::sleep(std::time::Duration::from_millis(5));
        }
        app.close().unwrap();
        restore_offline(&options, "a.zip", Replaced::Stays, &|_, _| {}).unwrap();
        let app = App::open(options.clone()).unwrap();
        let private = options.data_dir.state();
        let folders = || {
            let names = RealDisk.list(&private).unwrap().map(|entry| entry.unwrap().name);
            names.filter(|name| name.to_string_lossy().starts_with("undo-")).count()
        };
        app.backup_jobs().expire_undo().unwrap();
        assert!(app.backups().undoable().unwrap().is_some());
        assert_eq!(folders(), 1);
        let path = private.undo_record();
        let record = String::from_utf8(bosbase_disk::read_all(&RealDisk, &path, 1 << 20).unwrap()).unwrap();
        let until = app.backups().undo_record().unwrap().unwrap().until.to_string();
        let over = record.replace(&until, "2020-01-01T00:00:00Z");
        assert_ne!(record, over);
        bosbase_disk::write_atomically(&RealDisk, &path, over.as_bytes()).unwrap();
        // A clock that was set ahead of time makes nothing old.
        app.backup_jobs().expire_undo().unwrap();
        assert_eq!((app.backups().undoable().unwrap().is_some(), folders()), (true, 1));
        let week = br#"{"seconds": 604800, "boot": "another", "uptime": 0}"#;
        bosbase_disk::write_atomically(&RealDisk, &private.elapsed(), week).unwrap();
        assert!(
            app.backups().undoable().unwrap().is_none(),
            "it is over, even where it still lies there"
        );
        assert!(app.backup_jobs().start_undo().is_err());
        let lease = app.jobs().lease().unwrap();
        app.backup_jobs().expire_undo().unwrap();
        assert_eq!(folders(), 1, "somebody may be using them");
        drop(lease);
        app.backup_jobs().expire_undo().unwrap();
        assert_eq!(folders(), 0);
        app.close().unwrap();
    }
}
