//! Where databases of backups are opened to prove them.

use std::path::Path;
use std::sync::Arc;

use bosbase_backup::{Archive, CheckFailure, DataDir, DatabaseOpener, Progress, Room, UnpackedDatabase};
use bosbase_store::{ErrorKind as Stored, StillDatabase};
use parking_lot::Mutex;

use super::backups::Backups;
use super::content::Inside;
use super::engine::path_of;
use super::found::Found;
use crate::error::{Error, Result};
use crate::settings::{self, SettingsPrints};

impl Backups {
    /// Reads a backup from end to end and opens its databases, where there is room, for the job of this id.
    pub(super) fn examine(
        &self,
        archive: &Archive,
        job: &str,
        progress: &dyn Progress,
    ) -> bosbase_backup::Result<Found> {
        let databases = Databases {
            inside: Arc::default(),
            encryption_key: self.options().encryption_key.clone(),
        };
        let room = Room {
            disk: self.disk().as_ref(),
            dir: self.opened().join(job),
            databases: &databases,
        };
        let examined = bosbase_backup::examine(archive, &room, progress)?;
        Ok(Found::examined(examined, databases.inside.lock().take()))
    }

    /// Removes what killed processes left unpacked; while nobody else can be at it.
    pub(super) fn clean_opened(&self) -> Result<()> {
        self.disk().remove_dir_all(&self.opened()).map_err(Error::internal)
    }

    fn opened(&self) -> std::path::PathBuf {
        self.options().data_dir.state().opened()
    }
}

/// Opens those of one backup.
struct Databases {
    /// What that of the application holds, once it was checked.
    inside: InsideSlot,
    encryption_key: Option<String>,
}

type InsideSlot = Arc<Mutex<Option<Inside>>>;

impl DatabaseOpener for Databases {
    fn names(&self) -> &[&str] {
        &DataDir::DATABASES
    }

    fn open(&self, path: &Path) -> std::result::Result<Box<dyn UnpackedDatabase>, CheckFailure> {
        let name = path.file_name().unwrap_or_default().to_string_lossy().into_owned();
        let database = StillDatabase::open(path, &name).map_err(failure)?;
        Ok(Box::new(Opened {
            database,
            inside: (name == DataDir::DATABASE).then(|| self.inside.clone()),
            encryption_key: self.encryption_key.clone(),
        }))
    }
}

struct Opened {
    database: StillDatabase,
    /// Of the application's: where to say what it holds.
    inside: Option<InsideSlot>,
    encryption_key: Option<String>,
}

impl UnpackedDatabase for Opened {
    fn check(&mut self, files: &mut dyn FnMut(&str)) -> std::result::Result<(), CheckFailure> {
        self.database.integrity_check().map_err(failure)?;
        let Some(inside) = &self.inside else {
            return Ok(());
        };
        self.database.check_application().map_err(failure)?;
        for reference in self.database.file_references().map_err(failure)? {
            files(&path_of(&reference.map_err(failure)?));
        }
        let counts = self.database.record_counts().map_err(failure)?;
        let settings = settings_of(&self.database, self.encryption_key.as_deref());
        *inside.lock() = Some(Inside { counts, settings });
        Ok(())
    }

    fn interrupter(&self) -> Box<dyn Fn() + Send + Sync> {
        Box::new(self.database.interrupter())
    }
}

/// What its settings are; nothing where they can't be read, as where they are encrypted with another key.
pub(super) fn settings_of(database: &StillDatabase, encryption_key: Option<&str>) -> Option<SettingsPrints> {
    let read = settings::of_param(|name| database.param(name), encryption_key);
    read.ok().map(|settings| SettingsPrints::of(&settings, encryption_key))
}

/// What is no database of an application could not be restored, as one that is damaged.
fn failure(error: bosbase_store::Error) -> CheckFailure {
    match error.kind() {
        Stored::Corrupt | Stored::InvalidSchema => CheckFailure::Damaged(error.into()),
        _ => CheckFailure::Unchecked(error.into()),
    }
}
