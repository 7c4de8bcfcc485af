//! Files put beside a record whose commit is still to come.

use std::io;
use std::path::{Path, PathBuf};

use bosbase_disk::{NewFile, write_atomically};

use super::attributes::Attributes;
use super::pending::{self, Removal};
use super::store::FileStore;
use super::upload::Upload;

/// A record whose files are being written. While it lives, nobody takes its folder for a leftover.
pub struct InFlight {
    files: FileStore,
    key: (String, String),
    /// Where it is written down what to remove should this process not get to decide about the commit.
    intent: Option<PathBuf>,
    counted: bool,
}

impl InFlight {
    /// Takes back the files called `names` after the commit did not happen.
    ///
    /// # Errors
    ///
    /// As [`FileStore::remove_files`].
    pub fn abandon(mut self, names: Vec<String>) -> io::Result<()> {
        self.release();
        self.files.remove_files(&self.key.0, &self.key.1, names)
    }

    fn release(&mut self) {
        if !std::mem::take(&mut self.counted) {
            return;
        }
        let mut in_flight = self.files.in_flight();
        if let Some(count) = in_flight.get_mut(&self.key) {
            *count -= 1;
            if *count == 0 {
                in_flight.remove(&self.key);
            }
        }
    }
}

impl Drop for InFlight {
    fn drop(&mut self) {
        self.release();
        if let Some(intent) = self.intent.take() {
            // One that stays is held against the database at the next start, and then finds its files named or gone.
            let _ = self.files.disk().remove_file(&intent);
        }
    }
}

impl FileStore {
    /// Announces that files of this record are about to be put in place; to be kept until its commit is decided.
    #[must_use]
    pub fn begin(&self, collection: &str, record: &str) -> InFlight {
        let key = (collection.to_owned(), record.to_owned());
        *self.in_flight().entry(key.clone()).or_default() += 1;
        InFlight {
            files: self.clone(),
            key,
            intent: None,
            counted: true,
        }
    }

    /// Puts uploads beside the record that `in_flight` stands for; durable when it returns. Those that are there already stay.
    ///
    /// # Errors
    ///
    /// Whatever the file system says; then none of them is left there.
    pub fn place(&self, in_flight: &mut InFlight, uploads: &[&Upload]) -> io::Result<()> {
        if uploads.is_empty() {
            return Ok(());
        }
        let removal = Removal::Files {
            collection: in_flight.key.0.clone(),
            record: in_flight.key.1.clone(),
            names: uploads.iter().map(|upload| upload.name().to_owned()).collect(),
        };
        in_flight.intent = Some(pending::remember(self.disk(), &self.undecided(), &removal)?);
        let (collection, record) = &in_flight.key;
        let dir = self.record_dir(collection, record)?;
        self.make_dir(&dir)?;
        for (done, upload) in uploads.iter().enumerate() {
            if let Err(error) = self.place_one(&dir, upload) {
                for placed in &uploads[..=done] {
                    self.remove_one(&dir, placed.name())?;
                }
                return Err(error);
            }
        }
        self.disk().sync_dir(&dir)
    }

    fn place_one(&self, dir: &Path, upload: &Upload) -> io::Result<()> {
        let disk = self.disk();
        let target = dir.join(upload.name());
        // A change that starts over, since somebody else changed the record meanwhile, has placed it before: the name is no
        // other upload's.
        if disk.exists(&target)? {
            return Ok(());
        }
        let attributes = Attributes::new(upload.content_type(), upload.original_name());
        write_atomically(
            disk,
            &dir.join(format!("{}{}", upload.name(), Attributes::SUFFIX)),
            &serde_json::to_vec(&attributes)?,
        )?;
        match disk.rename_new(upload.path(), &target) {
            // `storage` may be a mount of its own.
            Err(error) if error.kind() == io::ErrorKind::CrossesDevices => {
                let mut copy = NewFile::create(disk, &target)?;
                io::copy(&mut disk.open(upload.path())?, &mut copy)?;
                copy.publish()
            }
            other => other,
        }
    }

    /// Makes the folder of a record, durable up to the data directory.
    fn make_dir(&self, dir: &Path) -> io::Result<()> {
        let disk = self.disk();
        if disk.exists(dir)? {
            return Ok(());
        }
        disk.create_dir_all(dir)?;
        let data_dir = self.storage().parent();
        for parent in dir.ancestors().skip(1) {
            disk.sync_dir(parent)?;
            if Some(parent) == data_dir {
                break;
            }
        }
        Ok(())
    }
}
