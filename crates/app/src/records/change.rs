//! A planned change, and how it happens within a write.

use std::sync::Arc;

use bosbase_store::{
    Collection, ErrorKind as StoreErrorKind, FieldKind, ReadTx, Record, Revision, Subject, WriteTx, now,
};

use super::account;
use super::delete::{self, Deleted, reachable_files};
use super::link;
use super::plan::{NOT_CREATED, NOT_UPDATED};
use super::rules::Judge;
use super::save::token_ended;
use super::validate;
use crate::error::{Error, FieldErrors, Result};
use crate::files::Removals;
use crate::lockout;

/// What will happen to a record. Nothing of it has happened yet.
#[derive(Debug)]
pub(super) struct Change {
    pub(super) kind: Kind,
    /// Files that nobody names any more once it happened.
    pub(super) removals: Removals,
    /// The link of an account that is stored with it.
    pub(super) link: Option<Record>,
    /// Whether all other links of the account end.
    pub(super) ends_links: bool,
    /// By whose token the first superuser is made: it makes one.
    pub(super) installer: Option<Record>,
    /// The data that it was planned on.
    seen: Revision,
    judge: Judge,
}

/// What happens, with the record as it was planned.
#[derive(Debug)]
pub(super) enum Kind {
    /// A new one is stored.
    Create { record: Record },
    /// The stored one, which is `before`, becomes `record`.
    Update { before: Record, record: Record },
    /// The stored one goes, with what can't be without it.
    Delete { before: Record },
}

/// What came of performing a change.
#[derive(Debug)]
pub(super) enum Performed {
    /// The record is stored like this, and the link of an account that came with it.
    Saved(Record, Option<Record>),
    /// It is gone, with these.
    Deleted(Deleted),
    /// Nothing happened: what the plan builds on is no longer so. A new plan finds out what follows.
    Stale,
}

impl Change {
    pub(super) fn new(tx: &ReadTx<'_>, kind: Kind, judge: Judge, removals: Removals) -> Self {
        Self {
            kind,
            removals,
            link: None,
            ends_links: false,
            installer: None,
            seen: tx.revision(),
            judge,
        }
    }

    /// The record as it will be stored, or as it is before it goes.
    pub(super) fn record(&self) -> &Record {
        match &self.kind {
            Kind::Create { record } | Kind::Update { record, .. } => record,
            Kind::Delete { before } => before,
        }
    }

    /// The record to be stored, where there is one.
    pub(super) fn stored_mut(&mut self) -> Option<&mut Record> {
        match &mut self.kind {
            Kind::Create { record } | Kind::Update { record, .. } => Some(record),
            Kind::Delete { .. } => None,
        }
    }

    /// Whether all that the plan found in the data is still so. Where nobody wrote since, it is.
    fn stands(&self, tx: &WriteTx<'_>) -> Result<bool> {
        if tx.revision() == self.seen {
            return Ok(true);
        }
        let record = self.record();
        let collection = &record.collection;
        if !is_same(collection, tx.schema().find(&collection.id)) {
            return Ok(false);
        }
        let holds = match &self.kind {
            Kind::Create { record } => validate::holds(tx, record, None)? && !account::id_taken_elsewhere(tx, record)?,
            Kind::Update { before, record } => is_stored(tx, before)? && validate::holds(tx, record, Some(before))?,
            Kind::Delete { before } => {
                let reachable = reachable_files(tx.schema(), collection);
                is_stored(tx, before)? && reachable.iter().all(|id| self.removals.collections.contains(id))
            }
        };
        Ok(holds && self.judge.stands(tx)?)
    }
}

/// Does what was planned, in a transaction of the caller's. Writes rows and nothing else; run again, it does the same.
///
/// # Errors
///
/// [`crate::ErrorKind::Invalid`] where the database refuses the values, where the installer that asks for it is gone,
/// where another record requires the one that would go, and for the last superuser; otherwise where the database can't
/// be written.
pub(super) fn perform(tx: &mut WriteTx<'_>, change: &Change) -> Result<Performed> {
    if !change.stands(tx)? {
        return Ok(Performed::Stale);
    }
    match &change.kind {
        Kind::Create { record } => {
            if let Some(installer) = &change.installer
                && tx.record(&installer.collection, installer.id())?.is_none()
            {
                return Err(token_ended());
            }
            let record = stamped(record, true);
            tx.insert_record(&record)
                .map_err(|error| refused(error, &record.collection, NOT_CREATED))?;
            account::delete_installer(tx, &record)?;
            let link = store_link(tx, change)?;
            Ok(Performed::Saved(record, link))
        }
        Kind::Update { before, record } => {
            let mut record = stamped(record, false);
            let is_auth = record.collection.is_auth();
            let is_confirmed = !before.flag("verified") && record.flag("verified");
            if is_auth && (is_confirmed || change.ends_links) && link::has_links(tx, &record)? {
                // A stranger may have linked the account before its address was confirmed.
                account::delete_links(tx, &record, change.link.as_ref())?;
                account::end_tokens(&mut record, before);
            }
            tx.update_record(&record)
                .map_err(|error| refused(error, &record.collection, NOT_UPDATED))?;
            if is_auth && record.text("password") != before.text("password") {
                account::delete_sessions(tx, &record)?;
            }
            let link = store_link(tx, change)?;
            Ok(Performed::Saved(record, link))
        }
        Kind::Delete { before } => {
            if before.collection.is_superusers() && lockout::is_last_superuser(tx, before)? {
                return Err(Error::invalid("You can't delete the only existing superuser."));
            }
            Ok(Performed::Deleted(delete::delete(tx, before.clone())?))
        }
    }
}

/// Stores the link that comes with a change, unless the account has it already.
fn store_link(tx: &mut WriteTx<'_>, change: &Change) -> Result<Option<Record>> {
    match &change.link {
        Some(link) if !link::is_stored(tx, link)? => link::store(tx, link).map(Some),
        _ => Ok(None),
    }
}

/// Whether a collection is still defined as it was.
fn is_same(planned: &Arc<Collection>, current: Option<&Arc<Collection>>) -> bool {
    current.is_some_and(|current| Arc::ptr_eq(planned, current) || planned == current)
}

/// Whether a record is still stored as it was.
fn is_stored(tx: &ReadTx<'_>, before: &Record) -> Result<bool> {
    let stored = tx.record(&before.collection, before.id())?;
    Ok(stored.is_some_and(|stored| stored.values == before.values))
}

pub(super) fn stamped(record: &Record, new: bool) -> Record {
    let mut record = record.clone();
    stamp(&mut record, new);
    record
}

/// Sets the fields that hold the time of creation or change.
pub(super) fn stamp(record: &mut Record, new: bool) {
    let moment = now();
    let collection = record.collection.clone();
    for field in &collection.fields {
        if let FieldKind::Autodate {
            on_create, on_update, ..
        } = field.kind
            && ((new && on_create) || (!new && on_update))
        {
            record.values.insert(field.name.clone(), moment.as_str().into());
        }
    }
}

/// The answer to a write that the database refused.
pub(super) fn refused(error: bosbase_store::Error, collection: &Collection, message: &str) -> Error {
    if error.kind() != StoreErrorKind::Unique {
        return error.into();
    }
    let mut errors = FieldErrors::new();
    let Some(Subject::Columns(columns)) = error.subject() else {
        return Error::validation(message, errors).caused_by(error);
    };
    for column in columns {
        // SQLite tells the column's spelling, which need not be the field's.
        let mut fields = collection.fields.iter();
        if let Some(field) = fields.find(|field| field.name.eq_ignore_ascii_case(column)) {
            errors.add(&field.name, "validation_not_unique", "Value must be unique.");
        }
    }
    Error::validation(message, errors).caused_by(error)
}
