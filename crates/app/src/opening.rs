//! Opens the databases of a data directory, and says what was found in them.

use std::path::PathBuf;

use bosbase_backup::{DataDir, DatabaseFormat};
use bosbase_disk::Disk;
use bosbase_store::{ErrorKind as Stored, Store, StoreOptions};
use jiff::Timestamp;

use crate::error::{Error, ErrorKind, Result};
use crate::moment;
use crate::options::AppOptions;

/// Connections that read at the same time.
const READERS: usize = 8;

/// An open store, and what the operator of the server should know of it, a sentence each.
pub(crate) struct Opened {
    pub(crate) store: Store,
    pub(crate) findings: Vec<String>,
}

/// Opens the databases for one who is alone in the data directory. A damaged log is set aside and a new one begun: it
/// must keep nobody from the data.
///
/// # Errors
///
/// [`ErrorKind::Internal`] where they can't be opened.
pub(crate) fn open_alone(options: &AppOptions, disk: &dyn Disk) -> Result<Opened> {
    let data_dir = &options.data_dir;
    let mut findings = Vec::new();
    let store = match open(options, true) {
        Err(error) if error.kind() == Stored::CorruptLog => {
            let kept = set_aside(data_dir, disk).map_err(Error::internal)?;
            findings.push(format!(
                "The log (auxiliary.db) was damaged: {}. It is kept as {}, and a new one was begun.",
                error.detail(),
                kept.display()
            ));
            open(options, true)
        }
        opened => opened,
    };
    finish(store, findings, data_dir)
}

/// Opens the databases beside a server that may have them open, and mends nothing in them.
///
/// # Errors
///
/// As [`open_alone`], and where the log is damaged.
pub(crate) fn open_beside(options: &AppOptions) -> Result<Opened> {
    finish(open(options, false), Vec::new(), &options.data_dir)
}

fn open(options: &AppOptions, mends: bool) -> bosbase_store::Result<Store> {
    Store::open(&StoreOptions {
        dir: options.data_dir.to_path_buf(),
        readers: READERS,
        mends,
        query_timeout: options.query_timeout,
    })
}

fn finish(store: bosbase_store::Result<Store>, mut findings: Vec<String>, data_dir: &DataDir) -> Result<Opened> {
    let store = store.map_err(|error| explain(error, data_dir))?;
    let agreement = store.agreement();
    findings.extend(agreement.mended.iter().cloned());
    findings.extend(agreement.disagreements.iter().map(ToString::to_string));
    for finding in &findings {
        tracing::warn!("{finding}");
    }
    Ok(Opened { store, findings })
}

/// Moves the damaged log to where it is in nobody's way, and says where that is.
fn set_aside(data_dir: &DataDir, disk: &dyn Disk) -> std::io::Result<PathBuf> {
    // The database comes last: without the others it is what a crash between two renames would leave, while a new one
    // must never find the others.
    let files = DatabaseFormat::files(DataDir::LOG);
    let dir = data_dir.state().damaged();
    disk.create_dir_all(&dir)?;
    let begun = moment::compact(Timestamp::now());
    let mut number = 0;
    let prefix = loop {
        let prefix = match number {
            0 => format!("{begun}-"),
            _ => format!("{begun}-{number}-"),
        };
        if !files.iter().try_fold(false, |taken, name| {
            disk.exists(&dir.join(format!("{prefix}{name}")))
                .map(|there| taken || there)
        })? {
            break prefix;
        }
        number += 1;
    };
    for name in &files {
        let from = data_dir.join(name);
        if disk.exists(&from)? {
            disk.rename_new(&from, &dir.join(format!("{prefix}{name}")))?;
        }
    }
    disk.sync_dir(&dir)?;
    disk.sync_dir(&data_dir.state())?;
    disk.sync_dir(data_dir)?;
    Ok(dir.join(format!("{prefix}{}", DataDir::LOG)))
}

/// Says of a database that can't be read what helps.
fn explain(error: bosbase_store::Error, data_dir: &DataDir) -> Error {
    let dir = data_dir.display();
    let text = match error.kind() {
        Stored::Corrupt => {
            format!("A database in {dir} is damaged. Restore a backup: bosbase backup list --dir {dir}")
        }
        Stored::CorruptLog => format!(
            "The log in {dir} (auxiliary.db) is damaged, and another process serves the directory: start that anew; \
             it sets the log aside."
        ),
        _ => return error.into(),
    };
    Error::new(ErrorKind::Internal, text).caused_by(error)
}

#[cfg(test)]
mod tests {
    use bosbase_disk::RealDisk;

    use super::*;
    use crate::app::App;
    use crate::options::AppOptions;

    /// A broken log stopped the start, and the advice was to restore a backup: newer data would have gone for a log.
    #[test]
    fn a_damaged_log_is_set_aside_and_the_data_is_served() {
        let dir = tempfile::tempdir().unwrap();
        let options = AppOptions::at(dir.path().join("pb_data"));
        App::open(options.clone()).unwrap().close().unwrap();
        let log = options.data_dir.join("auxiliary.db");
        let whole = bosbase_disk::read_all(&RealDisk, &log, 1 << 20).unwrap();
        let mut torn = whole.clone();
        torn[4096..].fill(0x5a);
        let damages = [
            vec![0x5a; 8192],
            b"SQLite format 3\0".to_vec(),
            torn,
            whole[..5000].to_vec(),
        ];
        for (count, damage) in damages.iter().enumerate() {
            bosbase_disk::write_atomically(&RealDisk, &log, damage).unwrap();
            let app = App::open(options.clone()).unwrap();
            let found = app.findings();
            assert_eq!(found.len(), 1, "{found:?}");
            assert!(found[0].contains("(auxiliary.db) was damaged"), "{found:?}");
            let kept = RealDisk.list(&options.data_dir.state().damaged()).unwrap();
            let kept: Vec<_> = kept.map(|entry| entry.unwrap().name).collect();
            let kept = kept
                .iter()
                .filter(|name| name.to_string_lossy().ends_with("auxiliary.db"));
            assert_eq!(kept.count(), count + 1);
            app.logs().list(&crate::logs::ListLogs::default()).unwrap();
            app.close().unwrap();
        }
        let app = App::open(options).unwrap();
        assert!(app.findings().is_empty());
        app.close().unwrap();
    }
}
