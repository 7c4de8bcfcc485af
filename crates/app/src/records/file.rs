//! A record's files for somebody who asks for one.

use bosbase_store::at_once::{self, Missed};
use bosbase_store::{Field, FieldKind, ReadTx, Record};
use serde_json::Map;

use super::{Records, rules};
use crate::caller::Caller;
use crate::error::{Error, ErrorKind, Result};
use crate::files::{FileStore, Sought, StoredFile, Thumb, is_of_bucket};

/// The size of thumbnail that every field of files offers.
const EVERYWHERE: &str = "100x100";

/// What is known of a record's file once who asks was found to be allowed to.
#[derive(Debug)]
pub enum RecordFile {
    /// It is there, in the data directory, or its thumbnail is.
    Here(Found),
    /// It may be in the bucket, or it is to be made small.
    Later(Wanted),
}

/// A record's file, or its thumbnail.
#[derive(Debug)]
pub struct Found {
    /// Its contents.
    pub file: StoredFile,
    /// The name to serve it under.
    pub name: String,
}

/// A record's file to be looked for in the bucket, or to be made small.
#[derive(Debug)]
pub struct Wanted {
    files: FileStore,
    place: Place,
    name: String,
    thumb: Option<Thumb>,
}

#[derive(Debug)]
enum Place {
    Here(StoredFile),
    Bucket(Sought),
}

impl Wanted {
    /// Looks for it. Asynchronous: waiting for a bucket or a thumbnail holds no thread. A bucket answers within ten
    /// seconds, a thumbnail is waited for half a minute.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`], [`ErrorKind::Unavailable`] where the bucket can't tell.
    pub async fn find(self) -> Result<Found> {
        let file = match self.place {
            Place::Here(file) => file,
            Place::Bucket(sought) => sought
                .find()
                .await
                .map_err(|error| unreachable_bucket().caused_by(error))?
                .ok_or_else(Error::not_found)?,
        };
        let name = self.name;
        let Some(thumb) = self.thumb else {
            return Ok(Found { file, name });
        };
        Ok(match self.files.thumbnail(file, &thumb).await {
            Ok(file) => Found {
                file,
                name: thumb.name(),
            },
            Err(file) => Found { file: *file, name },
        })
    }
}

fn unreachable_bucket() -> Error {
    Error::new(
        ErrorKind::Unavailable,
        "The storage of uploaded files can't be reached; try again later.",
    )
}

impl Records {
    /// Opens a file of a record, or says where else it has to be looked for. A protected one is for those only who may
    /// view the record by `token`, a file token; the request's own authorisation does not count. `thumb` names the size
    /// of a thumbnail; one that the field does not offer counts as none.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] where there is no such file or it is not for this caller.
    pub fn open_file(
        &self,
        collection: &str,
        record: &str,
        name: &str,
        thumb: &str,
        token: &str,
        caller: &Caller,
    ) -> Result<RecordFile> {
        let schema = self.store().schema();
        let collection = schema
            .find(collection)
            .ok_or_else(|| Error::new(ErrorKind::NotFound, "Missing or invalid collection context."))?;
        let asking = Caller {
            auth: if token.is_empty() {
                None
            } else {
                self.inner.sessions.authenticate_file_token(token, &caller.ip)?
            },
            ..caller.clone()
        };
        let (owner, is_offered) = self.store().read(|tx| {
            let record = tx.record(collection, record)?.ok_or_else(Error::not_found)?;
            let field = field_of(&record, name).ok_or_else(Error::not_found)?;
            if matches!(field.kind, FieldKind::File { protected: true, .. }) && !may_view(tx, &record, &asking)? {
                return Err(Error::not_found());
            }
            let is_offered = offers(field, thumb);
            if collection.is_view() {
                let owner = owner(tx, &record, name)?.ok_or_else(Error::not_found)?;
                return Ok((owner, is_offered));
            }
            Ok((record, is_offered))
        })?;
        let thumb = is_offered
            .then(|| Thumb::of(&owner.collection.id, owner.id(), name, thumb))
            .flatten();
        let wanted = |place| {
            RecordFile::Later(Wanted {
                files: self.files().clone(),
                place,
                name: name.to_owned(),
                thumb: thumb.clone(),
            })
        };
        let absent = match self.files().open(&owner.collection.id, owner.id(), name) {
            Ok(file) => {
                let Some(thumb) = &thumb else {
                    let name = name.to_owned();
                    return Ok(RecordFile::Here(Found { file, name }));
                };
                return Ok(match self.files().open_thumbnail(thumb) {
                    Ok(file) => RecordFile::Here(Found {
                        file,
                        name: thumb.name(),
                    }),
                    Err(_) => wanted(Place::Here(file)),
                });
            }
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => error,
            Err(error) => return Err(Error::internal(error)),
        };
        if at_once::is_wanted() {
            // A person who opens the bucket reads more than a file's name.
            at_once::miss(Missed::Waits);
            return Err(Error::not_found().caused_by(absent));
        }
        match self.files().seek(&owner.collection.id, owner.id(), name) {
            Ok(Some(sought)) => Ok(wanted(Place::Bucket(sought))),
            Ok(None) => Err(Error::not_found().caused_by(absent)),
            Err(error) if is_of_bucket(&error) => Err(unreachable_bucket().caused_by(error)),
            Err(error) => Err(Error::not_found().caused_by(error)),
        }
    }
}

fn field_of<'a>(record: &'a Record, name: &str) -> Option<&'a Field> {
    let fields = record.collection.fields.iter();
    fields
        .filter(|field| matches!(field.kind, FieldKind::File { .. }))
        .find(|field| record.texts(&field.name).contains(&name))
}

/// Whether thumbnails of that size are made of the field's files: one size of all, and those that the field names.
fn offers(field: &Field, thumb: &str) -> bool {
    match &field.kind {
        FieldKind::File { thumbs, .. } => thumb == EVERYWHERE || thumbs.iter().any(|size| size == thumb),
        _ => false,
    }
}

fn may_view(tx: &ReadTx<'_>, record: &Record, caller: &Caller) -> Result<bool> {
    let Ok(rule) = rules::applied(record.collection.rules.view_rule.as_ref(), caller) else {
        return Ok(false);
    };
    let Some(rule) = rule else { return Ok(true) };
    let context = caller.context("protectedFile", Map::new());
    rules::or_deny(
        tx.record_matches(&record.collection, record.id(), rule, &context),
        &record.collection,
    )
}

/// The record that a file shown by a view belongs to: mostly the one with the view record's id.
fn owner(tx: &ReadTx<'_>, shown: &Record, name: &str) -> Result<Option<Record>> {
    let schema = tx.schema().clone();
    let tables = || schema.all().iter().filter(|collection| !collection.is_view());
    for collection in tables() {
        if let Some(record) = tx.record(collection, shown.id())?
            && field_of(&record, name).is_some()
        {
            return Ok(Some(record));
        }
    }
    for collection in tables() {
        for field in collection
            .fields
            .iter()
            .filter(|field| matches!(field.kind, FieldKind::File { .. }))
        {
            if let Some(record) = tx.records_referencing(collection, field, name, 1)?.pop() {
                return Ok(Some(record));
            }
        }
    }
    Ok(None)
}
