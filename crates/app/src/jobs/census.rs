//! What the data holds now, to be held against a backup: counted within bounds, so that it keeps nobody from anything.

use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bosbase_backup::inventory::is_note;
use bosbase_backup::{DataDir, EntryPath};
use bosbase_disk::{Disk, Entry, FileKind};
use bosbase_store::{Collection, ErrorKind as Stored, ReadTx, Store, Version, format_timestamp};
use jiff::Timestamp;

use super::content::{DatabaseSize, FileTotals};
use super::turn::Turn;
use crate::error::{Error, Result};
use crate::moment;

/// How long the records may be counted, and the files. A reader keeps no writer waiting, but the write-ahead log grows
/// while it reads.
const COUNTING: Duration = Duration::from_secs(3);
/// How many files are looked at, at the most.
const MOST_FILES: u64 = 200_000;

/// One collection as it is now.
#[derive(Debug, Clone)]
pub(super) struct CollectionNow {
    pub collection: Arc<Collection>,
    /// Nothing for a view, for one without a table, and where there was no time to count them.
    pub records: Option<u64>,
    /// Made since the moment that was asked about; nothing where that is not known.
    pub created_since: Option<u64>,
    /// Made before it, and changed since.
    pub changed_since: Option<u64>,
    /// Nothing where they were not counted.
    pub files: Option<FileTotals>,
}

/// The data as it is now.
#[derive(Debug, Clone)]
pub(super) struct Counted {
    /// When it was counted.
    pub at: String,
    /// Whether there was time to count all records.
    pub is_complete: bool,
    pub databases: Vec<DatabaseSize>,
    pub collections: Vec<CollectionNow>,
}

/// Counts the data, one asker after the other; what was counted is told again until the data changes.
#[derive(Default)]
pub(super) struct Census {
    last: Turn<Option<Known>>,
}

struct Known {
    version: Version,
    since: String,
    counted: Arc<Counted>,
}

/// What is counted.
pub(super) struct Ground<'a> {
    pub store: &'a Store,
    pub disk: &'a dyn Disk,
    pub data_dir: &'a DataDir,
    /// Whether all uploaded files lie in the data directory: those in a bucket are not counted.
    pub has_files: bool,
}

impl Census {
    /// The data as it is now; of what was made and changed after `since` it tells how much, where that is named.
    ///
    /// # Errors
    ///
    /// Where the data can't be read.
    pub(super) fn take(&self, ground: &Ground<'_>, since: Option<Timestamp>) -> Result<Arc<Counted>> {
        // Nobody counts the same twice at a time.
        let mut last = self.last.take()?;
        let since = since.map(format_timestamp).unwrap_or_default();
        let version = ground.store.version();
        let is_as_before = |known: &&Known| Some(known.version) == version && known.since == since;
        if let Some(known) = last.as_ref().filter(is_as_before) {
            return Ok(known.counted.clone());
        }
        let counted = Arc::new(count(ground, &since)?);
        // The next may find the time that this one lacked.
        *last = version.filter(|_| counted.is_complete).map(|version| Known {
            version,
            since,
            counted: counted.clone(),
        });
        Ok(counted)
    }
}

fn count(ground: &Ground<'_>, since: &str) -> Result<Counted> {
    let Ground {
        store, disk, data_dir, ..
    } = ground;
    let mut collections: Vec<CollectionNow> = Vec::new();
    let mut data_len = 0;
    let counted = store.read_within(COUNTING, |tx| {
        data_len = tx.database_len()?;
        count_records(tx, since, &mut collections)
    });
    let is_complete = match counted {
        Ok(()) => true,
        Err(error) if error.kind() == Stored::TimedOut && !collections.is_empty() => false,
        Err(error) => return Err(Error::from(error)),
    };
    if ground.has_files {
        let until = Instant::now() + COUNTING;
        let mut left = MOST_FILES;
        for one in collections.iter_mut().filter(|one| !one.collection.is_view()) {
            let Some(folder) = folder_of(data_dir, &one.collection.id) else {
                continue;
            };
            one.files = count_files(*disk, &folder, until, &mut left).map_err(Error::internal)?;
        }
    }
    let mut databases = vec![DatabaseSize {
        name: DataDir::DATABASE.to_owned(),
        size: data_len,
    }];
    // It is not opened: SQLite alone does that.
    match disk.metadata(&data_dir.join(DataDir::LOG)) {
        Ok(found) => databases.push(DatabaseSize {
            name: DataDir::LOG.to_owned(),
            size: found.len,
        }),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
        Err(error) => return Err(Error::internal(error)),
    }
    Ok(Counted {
        at: moment::wire_now(),
        is_complete,
        databases,
        collections,
    })
}

/// Where a collection's uploaded files lie; nothing for an id that leads elsewhere: a restored database says anything.
fn folder_of(data_dir: &DataDir, id: &str) -> Option<PathBuf> {
    let is_name = !id.contains('/') && EntryPath::new(id.to_owned()).is_ok();
    is_name.then(|| data_dir.storage().join(id))
}

/// All numbers first, which an index tells; what was touched since is found by reading the tables.
fn count_records(
    tx: &ReadTx<'_>,
    since: &str,
    collections: &mut Vec<CollectionNow>,
) -> std::result::Result<(), bosbase_store::Error> {
    let schema = tx.schema().clone();
    collections.extend(schema.all().iter().map(|collection| CollectionNow {
        collection: collection.clone(),
        records: None,
        created_since: None,
        changed_since: None,
        files: None,
    }));
    let tables = |one: &&mut CollectionNow| !one.collection.is_view();
    for one in collections.iter_mut().filter(tables) {
        one.records = known(tx.count_records(&one.collection))?;
    }
    if since.is_empty() {
        return Ok(());
    }
    for one in collections.iter_mut().filter(|one| one.records.is_some()) {
        let touched = known(tx.touched_since(&one.collection, since))?;
        (one.created_since, one.changed_since) = touched.unwrap_or_default();
        if one.records == Some(0) {
            (one.created_since, one.changed_since) = (Some(0), Some(0));
        }
    }
    Ok(())
}

/// What was told; nothing of a collection that has no table, or another than it says.
fn known<T>(
    told: std::result::Result<T, bosbase_store::Error>,
) -> std::result::Result<Option<T>, bosbase_store::Error> {
    match told {
        Ok(told) => Ok(Some(told)),
        Err(error) if matches!(error.kind(), Stored::Database) => Ok(None),
        Err(error) => Err(error),
    }
}

/// The uploaded files in the folder of a collection; nothing where there are too many to be looked at now.
fn count_files(disk: &dyn Disk, folder: &Path, until: Instant, left: &mut u64) -> std::io::Result<Option<FileTotals>> {
    let mut files = FileTotals::default();
    let Some(records) = listed(disk, folder)? else {
        return Ok(Some(files));
    };
    for record in records {
        let record = record?;
        if *left == 0 || Instant::now() > until {
            return Ok(None);
        }
        *left -= 1;
        if record.kind != FileKind::Directory {
            continue;
        }
        let folder = folder.join(&record.name);
        for file in listed(disk, &folder)?.into_iter().flatten() {
            let file = file?;
            if *left == 0 || Instant::now() > until {
                return Ok(None);
            }
            *left -= 1;
            if file.kind != FileKind::File {
                continue;
            }
            match disk.metadata(&folder.join(&file.name)) {
                Ok(found) if !is_note(&file.name.to_string_lossy(), found.len) => {
                    files.count += 1;
                    files.bytes = files.bytes.saturating_add(found.len);
                }
                // A note, or removed since its name was read.
                Ok(_) => {}
                Err(error) if error.kind() == std::io::ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
    }
    Ok(Some(files))
}

type Names = Box<dyn Iterator<Item = std::io::Result<Entry>> + Send>;

/// What is in a folder; nothing where there is none.
fn listed(disk: &dyn Disk, folder: &Path) -> std::io::Result<Option<Names>> {
    match disk.list(folder) {
        Ok(entries) => Ok(Some(entries)),
        Err(error) if error.kind() == std::io::ErrorKind::NotFound => Ok(None),
        Err(error) => Err(error),
    }
}
