//! Proves a backup in depth: reads all of it, then opens its databases, one at a time, where there is room to unpack
//! them.

use std::path::{Path, PathBuf};
use std::thread;
use std::time::Duration;

use bosbase_background::{LAST, WORKER, behind, step_back};
use bosbase_disk::Disk;
use serde::{Deserialize, Serialize};

use crate::archive::{Archive, Checked, Part};
use crate::create::Names;
use crate::error::{Context as _, Error, ErrorKind, Result};
use crate::inventory::Inventory;
use crate::packed::PackedNames;
use crate::progress::{Progress, cancelled};
use crate::sources::CheckFailure;
use crate::unpacked::{PIECE, Packed, Unpacking};

/// How long it takes at most until a check notices that nobody waits for it any more.
const NOTICED_WITHIN: Duration = Duration::from_millis(20);

/// What a proof went by.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Depth {
    /// Every byte is what was written.
    Bytes,
    /// The databases were opened besides, and found themselves whole.
    Databases,
}

/// Opens databases, which this crate knows nothing of.
pub trait DatabaseOpener: Sync {
    /// The names of their files at the root of a backup; that of the application comes first.
    fn names(&self) -> &[&str];

    /// Opens the one at `path`, in a folder that nobody else uses.
    ///
    /// # Errors
    /// Whether it is none, or only could not be opened.
    fn open(&self, path: &Path) -> Result<Box<dyn UnpackedDatabase>, CheckFailure>;
}

/// A database that was unpacked.
pub trait UnpackedDatabase: Send {
    /// Lets it check itself, as long as reading all of it takes, then tells `files` of each file that its records name,
    /// as paths below the data directory.
    ///
    /// # Errors
    /// Whether it is damaged, or only could not be checked.
    fn check(&mut self, files: &mut dyn FnMut(&str)) -> Result<(), CheckFailure>;

    /// As [`crate::DatabaseSnapshot::interrupter`].
    fn interrupter(&self) -> Box<dyn Fn() + Send + Sync>;
}

/// Where databases are unpacked, and who opens them.
pub struct Room<'a> {
    /// The disk.
    pub disk: &'a dyn Disk,
    /// A folder that is made, and removed again. What a crash leaves of it is for the caller to remove.
    pub dir: PathBuf,
    /// Who opens them.
    pub databases: &'a dyn DatabaseOpener,
}

/// What examining a backup showed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Examined {
    /// What reading it found.
    pub checked: Checked,
    /// How deep the proof went: there may have been no room to unpack the databases.
    pub depth: Depth,
    /// Files that records name and the archive lacks: they were missing when it was made, or it was made by another
    /// program. Known only where the databases were opened.
    pub missing: Names,
    /// What it holds.
    pub inventory: Inventory,
}

/// Reads a whole archive as [`crate::verify`] does, then unpacks one database after the other, lets it check itself,
/// and looks for the files that its records name. It takes as much room as the largest of them, leaves 256 MiB to
/// others, and does without where there is less.
///
/// # Errors
/// [`ErrorKind::InvalidArchive`]; [`ErrorKind::InvalidDatabase`] if a database in it is damaged or none;
/// [`ErrorKind::Io`], [`ErrorKind::Cancelled`].
pub fn examine(archive: &Archive, room: &Room<'_>, progress: &dyn Progress) -> Result<Examined> {
    let examined = behind("backup-examine", WORKER, || look_into(archive, room, progress))
        .context(|| "starting a thread".to_owned())
        .flatten();
    if let Err(error) = room.disk.remove_dir_all(&room.dir) {
        tracing::warn!(%error, dir = %room.dir.display(), "unpacked databases could not be removed yet");
    }
    examined
}

fn look_into(archive: &Archive, room: &Room<'_>, progress: &dyn Progress) -> Result<Examined> {
    let databases = Packed::all(archive, room.databases.names())?;
    let Some((first, others)) = databases.split_first() else {
        return Err(Error::archive("the archive holds no database"));
    };
    // The largest is unpacked while everything is read: it need not be read twice.
    let unpacking = Unpacking::of(first, room.disk, &room.dir)?;
    let checked = archive.read_all_at_once(
        Part::All,
        progress,
        || vec![0; PIECE],
        |buf, entry, contents| {
            if first.holds(entry) {
                unpacking.take(entry, contents, buf)?;
            }
            Ok(())
        },
    )?;
    let mut inventory = Inventory::default();
    inventory.describe(checked.manifest.as_ref());
    let present = PackedNames::of(archive, |entry| inventory.add(entry, room.databases.names()))?;
    let mut examined = Examined {
        checked,
        depth: Depth::Databases,
        missing: Names::default(),
        inventory,
    };
    check(&unpacking, room, &present, progress, &mut examined)?;
    for database in others {
        let unpacking = Unpacking::of(database, room.disk, &room.dir)?;
        let mut buf = vec![0; PIECE];
        for entry in &database.entries {
            archive.read_one(entry, |contents| unpacking.take(entry, contents, &mut buf))?;
            if progress.cancelled() {
                return Err(cancelled());
            }
        }
        check(&unpacking, room, &present, progress, &mut examined)?;
    }
    Ok(examined)
}

/// Checks an unpacked database, and adds to what is known; removes it.
fn check(
    unpacking: &Unpacking<'_>,
    room: &Room<'_>,
    present: &PackedNames,
    progress: &dyn Progress,
    examined: &mut Examined,
) -> Result<()> {
    let name = &unpacking.database().name;
    if !unpacking.has_room() {
        examined.depth = Depth::Bytes;
        return Ok(());
    }
    let opened = room.databases.open(&unpacking.path(name));
    let mut database = opened.map_err(|failure| failed(name, failure))?;
    let interrupt = database.interrupter();
    let missing = &mut examined.missing;
    let outcome = thread::scope(|scope| {
        let checking = thread::Builder::new()
            .name("backup-check".to_owned())
            .spawn_scoped(scope, move || {
                step_back(LAST);
                database.check(&mut |file| {
                    if !present.has(file) {
                        missing.add(file.to_owned());
                    }
                })
            })
            .context(|| "starting the check of a database".to_owned())?;
        while !checking.is_finished() {
            if progress.cancelled() {
                // One between two statements is missed by both, so it is repeated.
                interrupt();
            }
            thread::sleep(NOTICED_WITHIN);
        }
        let ended = |_| Error::new(ErrorKind::Io, "the check of a database ended without an outcome");
        checking.join().map_err(ended)
    })?;
    if progress.cancelled() {
        return Err(cancelled());
    }
    outcome.map_err(|failure| failed(name, failure))?;
    unpacking.remove()
}

fn failed(name: &str, failure: CheckFailure) -> Error {
    match failure {
        CheckFailure::Damaged(why) => Error::with(ErrorKind::InvalidDatabase, format!("its {name} is damaged"), why),
        CheckFailure::Unchecked(why) => Error::with(ErrorKind::Io, format!("checking its {name}"), why),
    }
}
