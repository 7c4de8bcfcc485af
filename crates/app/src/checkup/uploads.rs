//! The files that records name: whether they are there.

use bosbase_backup::{DataDir, EntryPath};
use bosbase_disk::{Disk as _, FileKind, RealDisk};
use bosbase_store::StillDatabase;

use super::report::Report;
use crate::error::{Error, Result};

/// So many of the missing ones are named.
const NAMED: usize = 5;

/// Looks in `data_dir` for each file that a record in the database of `copy` names, which nobody else has open.
///
/// # Errors
///
/// Where the database, or a folder, can't be read.
pub(super) fn look(copy: &DataDir, data_dir: &DataDir, report: &mut Report) -> Result<()> {
    let database = StillDatabase::open(&copy.database(), DataDir::DATABASE)?;
    let (mut named, mut missing, mut first) = (0_u64, 0_u64, Vec::new());
    let mut is_all = true;
    for reference in database.file_references()? {
        let reference = match reference {
            Ok(reference) => reference,
            // A collection without its table: a start serves the others.
            Err(error) => {
                report.mend(
                    "files",
                    format!("Not all records could be asked for their files: {}.", error.detail()),
                );
                is_all = false;
                break;
            }
        };
        named += 1;
        let name = format!(
            "{}/{}/{}",
            reference.collection_id, reference.record_id, reference.file_name
        );
        if is_there(data_dir, &name)? {
            continue;
        }
        missing += 1;
        if first.len() < NAMED {
            first.push(name);
        }
    }
    let folder = data_dir.storage();
    if missing > 0 {
        let more = if missing > NAMED as u64 { ", …" } else { "" };
        report.mend(
            "files",
            format!(
                "{missing} of {named} uploaded files that records name are not in {}: {}{more}. Bring them back, or clear \
                 the fields.",
                folder.display(),
                first.join(", ")
            ),
        );
    } else if is_all {
        report.works(
            "files",
            format!("Uploaded files that records name: {named}; all of them are there."),
        );
    }
    Ok(())
}

fn is_there(data_dir: &DataDir, name: &str) -> Result<bool> {
    // A name that leads elsewhere is none of a file here.
    let Ok(path) = EntryPath::new(name) else {
        return Ok(false);
    };
    match RealDisk.metadata(&path.below(&data_dir.storage())) {
        Ok(found) => Ok(found.kind != FileKind::Directory),
        Err(error)
            if matches!(
                error.kind(),
                std::io::ErrorKind::NotFound | std::io::ErrorKind::NotADirectory
            ) =>
        {
            Ok(false)
        }
        Err(error) => Err(Error::internal(error)),
    }
}
