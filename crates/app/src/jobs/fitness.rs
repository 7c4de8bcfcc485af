//! Whether data can be served: what a start does with it, done beforehand.

use bosbase_backup::{DataDir, DatabaseFormat};
use bosbase_disk::{Disk as _, FileKind, RealDisk};
use bosbase_store::Store;

use crate::error::{Error, Result};
use crate::lockout;
use crate::settings;

/// Opens the databases in `dir`, which nobody else uses, as a start does, and closes them again.
///
/// # Errors
///
/// What would keep a start from serving them.
pub(super) fn prove_staged(dir: &DataDir, key: Option<&str>) -> Result<()> {
    let options = bosbase_store::StoreOptions {
        readers: 1,
        ..bosbase_store::StoreOptions::new(dir.to_path_buf())
    };
    match Store::open(&options) {
        // The start sets a damaged log aside: the data is tried with a new one, which does not stay.
        Err(error) if error.kind() == bosbase_store::ErrorKind::CorruptLog => {
            move_log(dir, "", ASIDE)?;
            let store = Store::open(&options)?;
            prove_store(dir, key, store)?;
            for name in &DatabaseFormat::files(DataDir::LOG) {
                if RealDisk.exists(&dir.join(name)).map_err(Error::internal)? {
                    RealDisk.remove_file(&dir.join(name)).map_err(Error::internal)?;
                }
            }
            move_log(dir, ASIDE, "")
        }
        store => prove_store(dir, key, store?),
    }
}

/// Put behind the names of the log's files while the data is tried without them. A staging folder whose check fails, or
/// dies, is removed as a whole.
const ASIDE: &str = ".aside";

fn move_log(dir: &DataDir, from: &str, to: &str) -> Result<()> {
    for name in DatabaseFormat::files(DataDir::LOG) {
        let path = dir.join(format!("{name}{from}"));
        if RealDisk.exists(&path).map_err(Error::internal)? {
            let moved = RealDisk.rename_new(&path, &dir.join(format!("{name}{to}")));
            moved.map_err(Error::internal)?;
        }
    }
    Ok(())
}

fn prove_store(dir: &DataDir, key: Option<&str>, store: Store) -> Result<()> {
    let proven = settings::load(&store, key)
        .map(drop)
        .and_then(|()| lockout::prove(&store))
        .and_then(|()| lockout::prove_logins(&store))
        .and_then(|()| lockout::prove_writes(&store))
        .and_then(|()| prove_storage(dir, &store));
    let closed = store.close();
    proven?;
    Ok(closed?)
}

/// Makes sure that uploaded files have folders to lie in.
pub(crate) fn prove_storage(dir: &DataDir, store: &Store) -> Result<()> {
    let storage = dir.storage();
    let schema = store.schema();
    let folders = schema.all().iter().map(|collection| storage.join(&collection.id));
    for folder in std::iter::once(storage.clone()).chain(folders) {
        match RealDisk.metadata(&folder) {
            Ok(found) if found.kind == FileKind::File => {
                let name = folder.strip_prefix(&**dir).unwrap_or(&folder).display().to_string();
                return Err(Error::invalid(format!(
                    "{name} is a file, where the folder of uploaded files has to be."
                )));
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotADirectory => {}
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(Error::internal(error)),
            _ => {}
        }
    }
    Ok(())
}
