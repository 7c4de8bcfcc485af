//! Files put beside a record whose commit is still to come.

use std::io;
use std::path::{Path, PathBuf};

use bosbase_bucket::{Bucket, Label};
use bosbase_disk::{NewFile, write_atomically};

use super::attributes::Attributes;
use super::pending::{self, Removal};
use super::place::key;
use super::store::{FileStore, component};
use super::upload::Upload;

/// A record whose files are being written. While it lives, nobody takes its folder for a leftover.
pub struct InFlight {
    files: FileStore,
    key: (String, String),
    /// Where it is written down what to remove should this process not get to decide about the commit.
    intent: Option<PathBuf>,
    /// The bucket that they were put in, if they were.
    place: Option<String>,
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
        let (collection, record) = self.key.clone();
        let abandoned = match self.place.take() {
            // Whatever is set by now.
            Some(place) => self.files.postpone(
                &place,
                &Removal::Files {
                    collection,
                    record,
                    names,
                },
            ),
            None => self.files.remove_files(&collection, &record, names),
        };
        if abandoned.is_err() {
            // Not to be forgotten when this is dropped.
            self.intent = None;
        }
        abandoned
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
            place: None,
            counted: true,
        }
    }

    /// Puts uploads beside the record that `in_flight` stands for, in the data directory or in the bucket in force; durable when it
    /// returns. Those that are there already stay. Blocks for as long as a bucket takes.
    ///
    /// # Errors
    ///
    /// Whatever the file system or the bucket says ([`super::is_of_bucket`]), `ResourceBusy` where too many wait for the bucket
    /// already; then none of them is left there.
    pub fn place(&self, in_flight: &mut InFlight, uploads: &[&Upload]) -> io::Result<()> {
        if uploads.is_empty() {
            return Ok(());
        }
        let removal = Removal::Files {
            collection: in_flight.key.0.clone(),
            record: in_flight.key.1.clone(),
            names: uploads.iter().map(|upload| upload.name().to_owned()).collect(),
        };
        if let Some(bucket) = self.bucket()? {
            return self.place_in(&bucket, in_flight, uploads, &removal);
        }
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

    fn place_in(
        &self,
        bucket: &Bucket,
        in_flight: &mut InFlight,
        uploads: &[&Upload],
        removal: &Removal,
    ) -> io::Result<()> {
        let _slot = self.slots().take()?;
        self.mark_before_filling(bucket);
        let place = bucket.place();
        let noted = Removal::InBucket {
            place: place.clone(),
            removal: Box::new(removal.clone()),
        };
        in_flight.intent = Some(pending::remember(self.disk(), &self.undecided(), &noted)?);
        in_flight.place = Some(place.clone());
        let (collection, record) = &in_flight.key;
        let put = uploads
            .iter()
            .try_for_each(|upload| self.put(bucket, collection, record, upload));
        if put.is_err()
            && let Err(error) = self.postpone(&place, removal)
        {
            // The note stays instead, for the next start.
            tracing::warn!(%error, "objects of a record that was not saved are still to be removed");
            in_flight.intent = None;
        }
        put
    }

    /// Puts one upload in the bucket; acknowledged when it returns.
    fn put(&self, bucket: &Bucket, collection: &str, record: &str, upload: &Upload) -> io::Result<()> {
        let place = bucket.place();
        // As below: it may have been put there by an attempt before.
        if upload.lies_in(&place) {
            return Ok(());
        }
        let key = key(component(collection)?, component(record)?, component(upload.name())?);
        let label = Label {
            content_type: upload.content_type().to_owned(),
            original_name: Attributes::shortened(upload.original_name()).to_owned(),
        };
        let note = self.notes().note(&place, &key);
        let mut sending = bucket.upload(&key, Some(upload.len()), &label);
        sending.keep_in(Box::new(note.clone()));
        let mut file = self.disk().open(upload.path())?;
        let sent = io::copy(&mut file, &mut sending).and_then(|_| {
            if sending.written() == upload.len() {
                // Its name is nobody else's.
                Ok(sending.finish(false)?)
            } else {
                Err(io::ErrorKind::UnexpectedEof.into())
            }
        });
        match sent {
            Ok(_) => {
                note.remove();
                upload.set_place(place);
                Ok(())
            }
            Err(error) => {
                match sending.give_up() {
                    Ok(()) => note.remove(),
                    // The note stays, and the next start tries again.
                    Err(error) => tracing::warn!(%error, "parts of an upload could not be removed yet"),
                }
                Err(error)
            }
        }
    }

    /// Gives up what processes before this one left half sent, in a thread of its own. For whoever is alone in the data
    /// directory and sends nothing yet.
    ///
    /// # Errors
    ///
    /// Where the notes of it can't be read.
    pub fn give_up_leftovers(&self) -> io::Result<()> {
        let leftovers = self.notes().leftovers().map_err(io::Error::other)?;
        let Some(config) = self.elsewhere().bucket().filter(|_| !leftovers.is_empty()) else {
            return Ok(());
        };
        let thread = std::thread::Builder::new().name("files-clean".to_owned());
        thread.spawn(move || {
            for leftover in leftovers {
                if let Err(error) = leftover.give_up(&config) {
                    tracing::warn!(%error, "parts of a file that was half sent could not be removed yet");
                }
            }
        })?;
        Ok(())
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
