//! Objects of data that is about to go, written down in batches.

use std::io;
use std::path::PathBuf;

use bosbase_backup::StateDir;
use bosbase_disk::Disk;

use super::pending::{self, Removal};

/// Records of one batch.
const BATCH: usize = 500;

/// Writes down which objects of a bucket may be removed once nobody names them.
pub struct RemovalBatch<'a> {
    disk: &'a dyn Disk,
    dir: PathBuf,
    place: String,
    batch: Vec<Removal>,
}

impl<'a> RemovalBatch<'a> {
    /// For objects of the bucket `place`; `state` is the folder of the data directory that is ours alone.
    pub fn begin(disk: &'a dyn Disk, state: &StateDir, place: String) -> Self {
        Self {
            disk,
            dir: state.pending_objects(),
            place,
            batch: Vec::new(),
        }
    }

    /// Adds one; those of one record are best added one after the other.
    ///
    /// # Errors
    ///
    /// Any error of the file system.
    pub fn add(&mut self, collection: String, record: String, name: String) -> io::Result<()> {
        if let Some(Removal::Files {
            collection: of,
            record: last,
            names,
        }) = self.batch.last_mut()
            && *of == collection
            && *last == record
        {
            names.push(name);
            return Ok(());
        }
        if self.batch.len() >= BATCH {
            self.write()?;
        }
        self.batch.push(Removal::Files {
            collection,
            record,
            names: vec![name],
        });
        Ok(())
    }

    /// All of it is durable when this returns.
    ///
    /// # Errors
    ///
    /// Any error of the file system.
    pub fn end(mut self) -> io::Result<()> {
        self.write()
    }

    fn write(&mut self) -> io::Result<()> {
        if self.batch.is_empty() {
            return Ok(());
        }
        let removal = Removal::InBucket {
            place: self.place.clone(),
            removal: Box::new(Removal::All(std::mem::take(&mut self.batch))),
        };
        pending::remember(self.disk, &self.dir, &removal).map(drop)
    }
}
