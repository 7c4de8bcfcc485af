//! Where databases of backups are opened to prove them.

use std::path::Path;

use bosbase_backup::{Archive, CheckFailure, DataDir, DatabaseOpener, Examined, Progress, Room, UnpackedDatabase};
use bosbase_store::{ErrorKind as Stored, StillDatabase};

use super::backups::Backups;
use super::engine::path_of;
use crate::error::{Error, Result};

impl Backups {
    /// Reads a backup from end to end and opens its databases, where there is room, for the job of this id.
    pub(super) fn examine(
        &self,
        archive: &Archive,
        job: &str,
        progress: &dyn Progress,
    ) -> bosbase_backup::Result<Examined> {
        let room = Room {
            disk: self.disk().as_ref(),
            dir: self.opened().join(job),
            databases: &Databases,
        };
        bosbase_backup::examine(archive, &room, progress)
    }

    /// Removes what killed processes left unpacked; while nobody else can be at it.
    pub(super) fn clean_opened(&self) -> Result<()> {
        self.disk().remove_dir_all(&self.opened()).map_err(Error::internal)
    }

    fn opened(&self) -> std::path::PathBuf {
        self.options().data_dir.state().opened()
    }
}

struct Databases;

impl DatabaseOpener for Databases {
    fn names(&self) -> &[&str] {
        &DataDir::DATABASES
    }

    fn open(&self, path: &Path) -> std::result::Result<Box<dyn UnpackedDatabase>, CheckFailure> {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let database = StillDatabase::open(path, &name).map_err(failure)?;
        Ok(Box::new(Opened {
            database,
            is_application: name == DataDir::DATABASE,
        }))
    }
}

struct Opened {
    database: StillDatabase,
    is_application: bool,
}

impl UnpackedDatabase for Opened {
    fn check(&mut self, files: &mut dyn FnMut(&str)) -> std::result::Result<(), CheckFailure> {
        self.database.integrity_check().map_err(failure)?;
        if !self.is_application {
            return Ok(());
        }
        self.database.check_application().map_err(failure)?;
        for reference in self.database.file_references().map_err(failure)? {
            files(&path_of(&reference.map_err(failure)?));
        }
        Ok(())
    }

    fn interrupter(&self) -> Box<dyn Fn() + Send + Sync> {
        Box::new(self.database.interrupter())
    }
}

/// What is no database of an application could not be restored, as one that is damaged.
fn failure(error: bosbase_store::Error) -> CheckFailure {
    match error.kind() {
        Stored::Corrupt | Stored::InvalidSchema => CheckFailure::Damaged(error.into()),
        _ => CheckFailure::Unchecked(error.into()),
    }
}
