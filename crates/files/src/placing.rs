//! Files put beside a record whose commit is still to come.

use std::io;
use std::sync::Arc;

use bosbase_bucket::{Bucket, Label};

use super::attributes::Attributes;
use super::in_flight::InFlight;
use super::local::{LocalFiles, component};
use super::objects::ObjectRemoval;
use super::owner::Owner;
use super::pending::{self, Removal};
use super::place::{BucketInForce, key};
use super::slots::Slots;
use super::upload::Upload;

/// Puts uploaded files where new ones belong.
pub(super) struct Placing {
    local: Arc<LocalFiles>,
    bucket: Arc<BucketInForce>,
    owner: Arc<Owner>,
    /// For what was put and is not to stay.
    objects: ObjectRemoval,
    slots: Slots,
}

impl Placing {
    pub(super) fn new(
        local: Arc<LocalFiles>,
        bucket: Arc<BucketInForce>,
        owner: Arc<Owner>,
        objects: ObjectRemoval,
    ) -> Self {
        Self {
            local,
            bucket,
            owner,
            objects,
            slots: Slots::default(),
        }
    }

    /// Puts uploads beside the record that `in_flight` stands for, in the data directory or in the bucket in force;
    /// durable when it returns. Those that are there already stay. Blocks for as long as a bucket takes.
    ///
    /// # Errors
    ///
    /// Any error of the file system or the bucket ([`super::is_of_bucket`]), `ResourceBusy` where too many wait for
    /// the bucket already; then none of them is left there.
    pub(super) fn place(&self, in_flight: &mut InFlight, uploads: &[&Upload]) -> io::Result<()> {
        if uploads.is_empty() {
            return Ok(());
        }
        let (collection, record) = in_flight.key();
        let removal = Removal::Files {
            collection: collection.to_owned(),
            record: record.to_owned(),
            names: uploads.iter().map(|upload| upload.name().to_owned()).collect(),
        };
        if let Some(bucket) = self.bucket.open()? {
            return self.place_in(&bucket, in_flight, uploads, &removal);
        }
        in_flight.note(
            uploads,
            None,
            pending::remember(self.local.disk(), &self.local.state().undecided_files(), &removal)?,
        );
        let (collection, record) = in_flight.key();
        let dir = self.local.record_dir(collection, record)?;
        self.local.make_dir(&dir)?;
        for (done, upload) in uploads.iter().enumerate() {
            if let Err(error) = self.local.place_one(&dir, upload) {
                for placed in &uploads[..=done] {
                    self.local.remove_one(&dir, placed.name())?;
                }
                return Err(error);
            }
        }
        self.local.disk().sync_dir(&dir)
    }

    fn place_in(
        &self,
        bucket: &Bucket,
        in_flight: &mut InFlight,
        uploads: &[&Upload],
        removal: &Removal,
    ) -> io::Result<()> {
        let _slot = self.slots.take()?;
        self.owner.mark_before_filling(bucket);
        let place = bucket.place();
        let noted = Removal::InBucket {
            place: place.clone(),
            removal: Box::new(removal.clone()),
        };
        let note = pending::remember(self.local.disk(), &self.local.state().undecided_files(), &noted)?;
        in_flight.note(uploads, Some(place.clone()), note);
        let (collection, record) = in_flight.key();
        let put = uploads
            .iter()
            .try_for_each(|upload| self.put(bucket, collection, record, upload));
        if put.is_err() {
            let postponed = self.objects.postpone(&place, removal);
            in_flight.forget_last(postponed.is_ok());
            // The note stays instead, for the next start.
            if let Err(error) = postponed {
                tracing::warn!(%error, "objects of a record that was not saved are still to be removed");
            }
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
        let note = self.local.notes().note(&place, &key);
        let mut sending = bucket.upload(&key, Some(upload.len()), &label);
        sending.keep_in(Box::new(note.clone()));
        let mut file = self.local.disk().open(upload.path())?;
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

    /// Gives up what processes before this one left half sent, in a thread of its own. For a process that is alone in
    /// the data directory and sends nothing yet.
    ///
    /// # Errors
    ///
    /// Where the notes of it can't be read.
    pub(super) fn give_up_leftovers(&self) -> io::Result<()> {
        if self.bucket.deletes_nothing() {
            return Ok(());
        }
        let leftovers = self.local.notes().leftovers().map_err(io::Error::other)?;
        let Some(config) = self.bucket.config().filter(|_| !leftovers.is_empty()) else {
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
}
