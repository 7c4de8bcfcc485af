//! A record's files for somebody who asks for one.

use bosbase_store::{Field, FieldKind, ReadTx, Record};
use serde_json::Map;

use super::rules;
use crate::app::App;
use crate::caller::Caller;
use crate::error::{Error, ErrorKind, Result};
use crate::files::{Sought, StoredFile, is_of_bucket};

/// What is known of a record's file once who asks was found to be allowed to.
#[derive(Debug)]
pub enum RecordFile {
    /// It is there, in the data directory.
    Here(StoredFile),
    /// It may be in the bucket.
    Elsewhere(RemoteFile),
}

/// A record's file to be looked for in the bucket.
#[derive(Debug)]
pub struct RemoteFile(Sought);

impl RemoteFile {
    /// Looks for it. Asynchronous: whoever waits for a bucket holds no thread. Answers within ten seconds.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`], [`ErrorKind::Unavailable`] where the bucket can't tell.
    pub async fn find(self) -> Result<StoredFile> {
        let found = self
            .0
            .find()
            .await
            .map_err(|error| unreachable_bucket().caused_by(error))?;
        found.ok_or_else(Error::not_found)
    }
}

fn unreachable_bucket() -> Error {
    Error::new(
        ErrorKind::Unavailable,
        "The storage of uploaded files can't be reached; try again later.",
    )
}

impl App {
    /// Opens a file of a record, or says where else it has to be looked for. A protected one is for those only who may view the record by `token`, a file token; the
    /// request's own authorisation does not count.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] where there is no such file or it is not for this caller.
    pub fn open_record_file(
        &self,
        collection: &str,
        record: &str,
        name: &str,
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
                self.authenticate_file_token(token, &caller.ip)?
            },
            ..caller.clone()
        };
        let owner = self.store().read(|tx| {
            let record = tx.record(collection, record)?.ok_or_else(Error::not_found)?;
            let field = field_of(&record, name).ok_or_else(Error::not_found)?;
            if matches!(field.kind, FieldKind::File { protected: true, .. }) && !may_view(tx, &record, &asking)? {
                return Err(Error::not_found());
            }
            if collection.is_view() {
                return owner(tx, &record, name)?.ok_or_else(Error::not_found);
            }
            Ok(record)
        })?;
        let absent = match self.files().open(&owner.collection.id, owner.id(), name) {
            Ok(file) => return Ok(RecordFile::Here(file)),
            Err(error) if error.kind() == std::io::ErrorKind::NotFound => error,
            Err(error) => return Err(Error::internal(error)),
        };
        match self.files().seek(&owner.collection.id, owner.id(), name) {
            Ok(Some(sought)) => Ok(RecordFile::Elsewhere(RemoteFile(sought))),
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
