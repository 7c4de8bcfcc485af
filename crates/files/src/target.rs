//! The bucket as the place where a restore puts uploaded files. It only adds.

use std::io::{self, Write};
use std::sync::Arc;

use bosbase_backup::remote_files::{About, Put, Putting, Target, UploadedFile};
use bosbase_backup::{Error, ErrorKind, Note, Notes, Result, StateDir};
use bosbase_bucket::{Bucket, ErrorKind as Cause, Interrupt, Label, Object, Upload};
use bosbase_disk::Disk;
use md5::Md5;
use sha2::{Digest as _, Sha256};

use super::attributes::Attributes;
use super::journal::RestoreNotes;
use super::local::uploads_in;
use super::sniff;
use super::source::failed;

/// Puts the files of one restore.
pub struct BucketTarget {
    bucket: Bucket,
    notes: RestoreNotes,
    uploads: Notes,
    interrupt: Interrupt,
}

impl BucketTarget {
    /// For the restore `id`; `state` is the folder of the data directory that is ours alone.
    ///
    /// # Errors
    ///
    /// Any error of the file system.
    pub fn begin(disk: Arc<dyn Disk>, state: &StateDir, id: &str, bucket: &Bucket) -> io::Result<Self> {
        let uploads = uploads_in(disk.clone(), state);
        let notes = RestoreNotes::begin(disk, state, id, &bucket.place())?;
        let interrupt = Interrupt::default();
        Ok(Self {
            bucket: bucket.interrupted_by(&interrupt),
            notes,
            uploads,
            interrupt,
        })
    }

    fn find(&self, file: &UploadedFile) -> Result<Option<Object>> {
        match self.bucket.head(file.key()) {
            Ok(object) => Ok(Some(object)),
            Err(error) if error.kind() == Cause::NotFound => Ok(None),
            Err(error) => Err(failed(error, &format!("looking for {file} in the bucket"))),
        }
    }

    fn going_on(&self, file: &UploadedFile) -> Result<()> {
        if self.interrupt.has_fired() {
            return Err(Error::new(
                ErrorKind::Cancelled,
                format!("restoring {file} was given up"),
            ));
        }
        Ok(())
    }
}

impl Target for BucketTarget {
    fn begin(&self, file: &UploadedFile, about: &About) -> Result<Box<dyn Putting + '_>> {
        self.going_on(file)?;
        let there = self.find(file)?;
        let [collection, record, name] = file.parts();
        if there.is_none() {
            self.notes
                .note([collection, record, name])
                .map_err(|error| Error::with(ErrorKind::Io, format!("noting down that {file} is restored"), error))?;
        }
        Ok(Box::new(Sending {
            target: self,
            file: file.clone(),
            about: about.clone(),
            there,
            sending: None,
            md5: Md5::new(),
            sha256: Sha256::new(),
        }))
    }

    fn abandon(&self) -> Result<()> {
        self.notes
            .give_up()
            .map_err(|error| Error::with(ErrorKind::Io, "noting down what the restore put in the bucket", error))
    }

    fn interrupt(&self) {
        self.interrupt.fire();
    }
}

/// One file on its way, or being compared with what is there.
struct Sending<'a> {
    target: &'a BucketTarget,
    file: UploadedFile,
    about: About,
    /// What was there when it began.
    there: Option<Object>,
    sending: Option<(Upload, Note)>,
    md5: Md5,
    sha256: Sha256,
}

impl Sending<'_> {
    /// Begins the upload of what starts with `head`.
    fn send(&mut self, head: &[u8]) -> &mut (Upload, Note) {
        let (target, file, about) = (self.target, &self.file, &self.about);
        self.sending.get_or_insert_with(|| {
            let noted = about.note.as_deref().and_then(Attributes::read).unwrap_or_default();
            let content_type = if noted.content_type.is_empty() {
                sniff::detect(head, about.len <= head.len() as u64).mime
            } else {
                noted.content_type.clone()
            };
            let label = Label {
                content_type,
                original_name: noted.original_name().to_owned(),
            };
            let note = target.uploads.note(&target.bucket.place(), file.key());
            let mut upload = target.bucket.upload(file.key(), Some(about.len), &label);
            upload.keep_in(Box::new(note.clone()));
            (upload, note)
        })
    }

    /// Whether the object there is the one that was written.
    fn is_same(&self, there: &Object) -> Result<bool> {
        if there.size != self.about.len {
            return Ok(false);
        }
        let md5 = hex(&self.md5.clone().finalize());
        if there.etag.trim_matches('"').eq_ignore_ascii_case(&md5) {
            return Ok(true);
        }
        // Not every ETag is a digest: those of parts and of what is encrypted are not.
        let mut sha256 = Sha256::new();
        let mut reader = self.target.bucket.reader(there, 0..there.size);
        let mut buffer = vec![0; 64 << 10];
        loop {
            self.target.going_on(&self.file)?;
            match io::Read::read(&mut reader, &mut buffer) {
                Ok(0) => break,
                Ok(read) => sha256.update(&buffer[..read]),
                Err(error) => {
                    let attempted = format!("comparing {} with what lies in the bucket", self.file);
                    return Err(Error::with(ErrorKind::Unreachable, attempted, error));
                }
            }
        }
        Ok(sha256.finalize() == self.sha256.clone().finalize())
    }

    fn compare(&self, there: &Object) -> Result<Put> {
        Ok(if self.is_same(there)? {
            Put::Same
        } else {
            Put::Different
        })
    }
}

impl Write for Sending<'_> {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        self.target.going_on(&self.file)?;
        let written = if self.there.is_some() {
            bytes.len()
        } else {
            self.send(bytes).0.write(bytes)?
        };
        self.md5.update(&bytes[..written]);
        self.sha256.update(&bytes[..written]);
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Putting for Sending<'_> {
    fn finish(mut self: Box<Self>) -> Result<Put> {
        self.target.going_on(&self.file)?;
        if let Some(there) = &self.there {
            return self.compare(there);
        }
        let (upload, note) = self.send(&[]);
        match upload.finish(true) {
            Ok(_) => {
                note.remove();
                self.sending = None;
                Ok(Put::New)
            }
            // Somebody was faster, or an answer got lost.
            Err(error) if error.kind() == Cause::AlreadyExists => match self.target.find(&self.file)? {
                Some(there) => self.compare(&there),
                None => Err(failed(error, &format!("restoring {}", self.file))),
            },
            Err(error) => Err(failed(error, &format!("restoring {}", self.file))),
        }
    }
}

impl Drop for Sending<'_> {
    fn drop(&mut self) {
        let Some((upload, note)) = self.sending.take() else {
            return;
        };
        match upload.give_up() {
            Ok(()) => note.remove(),
            // The note stays, and the next start tries again.
            Err(error) => tracing::warn!(%error, "parts of an upload could not be removed yet"),
        }
    }
}

fn hex(bytes: &[u8]) -> String {
    use std::fmt::Write as _;
    bytes.iter().fold(String::new(), |mut text, byte| {
        // Writing to a string never fails.
        let _ = write!(text, "{byte:02x}");
        text
    })
}
