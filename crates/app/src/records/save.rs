//! Creating and changing records.

use std::collections::BTreeMap;
use std::sync::Arc;

use bosbase_store::{Collection, ErrorKind as StoreErrorKind, FieldKind, Record, WriteTx, now};
use serde_json::{Map, Value};

use super::body::Body;
use super::draft::{Draft, blank};
use super::present::present;
use super::references::file_names;
use super::validate::Check;
use super::{account, rules, writable};
use crate::app::App;
use crate::caller::Caller;
use crate::error::{Error, ErrorKind, FieldErrors, Result};
use crate::files::{InFlight, Intent, Upload, is_of_bucket};
use crate::realtime::RecordAction;

const NOT_CREATED: &str = "Failed to create record.";
const NOT_UPDATED: &str = "Failed to update record.";
/// How often a change starts over because somebody else changed the record meanwhile.
const ATTEMPTS: usize = 10;
/// bcrypt's work factor where the field does not choose one.
const DEFAULT_COST: u32 = 10;

impl App {
    /// Creates a record out of what was sent, and shows it with the relations that `expand` names. Durable when it returns.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] without such a collection, [`ErrorKind::Forbidden`] where only superusers may create,
    /// [`ErrorKind::Invalid`] where the rule denies it or values are not acceptable (with what is wrong by field).
    pub fn create_record(
        &self,
        collection: &str,
        body: &Body,
        expand: &str,
        caller: &Caller,
    ) -> Result<Map<String, Value>> {
        let collection = self.collection_of_records(collection)?;
        writable(&collection)?;
        let rule = rules::applied(collection.rules.create_rule.as_ref(), caller)?;
        let mut draft = self.draft(blank(&collection), None, body, caller);
        let manager = self.may_create(&draft, rule, caller)?;
        account::check(&draft, manager).into_result(NOT_CREATED)?;
        draft.generate();
        self.validate(&draft, &body.uploads(), NOT_CREATED)?;
        let hashes = self.hashes(&draft)?;
        set_hashes(&mut draft.record, &hashes);
        if collection.is_superusers() {
            draft.record.values.insert("verified".to_owned(), true.into());
        }
        let record = self.store_with_files(&draft.record.clone(), &body.named_by(&draft), move |tx| {
            let mut record = draft.record.clone();
            stamp(&mut record, true);
            if account::id_taken_elsewhere(tx, &record)? {
                let message = "Invalid or duplicated auth record id.";
                let errors = FieldErrors::one("id", "validation_invalid_auth_id", message);
                return Err(Error::validation(NOT_CREATED, errors));
            }
            tx.insert_record(&record)
                .map_err(|error| refused(error, &record.collection, NOT_CREATED))?;
            Ok(record)
        })?;
        self.hub().record_saved(self, RecordAction::Create, &record);
        self.shown(&record, expand, caller)
    }

    /// Changes a record as was sent, and shows it with the relations that `expand` names. Durable when it returns.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] where there is no such record or the rule denies it, [`ErrorKind::Forbidden`] where only
    /// superusers may update, [`ErrorKind::Invalid`] where values are not acceptable (with what is wrong by field).
    pub fn update_record(
        &self,
        collection: &str,
        id: &str,
        body: &Body,
        expand: &str,
        caller: &Caller,
    ) -> Result<Map<String, Value>> {
        let collection = self.collection_of_records(collection)?;
        writable(&collection)?;
        let mut placed = false;
        let changed = self.change_record(&collection, id, body, expand, caller, &mut placed);
        if placed && changed.is_err() {
            // An attempt had put them beside the record before it started over; what a commit names stays.
            let names = body.uploads().iter().map(|upload| upload.name().to_owned()).collect();
            if let Err(error) = self.files().remove_files(&collection.id, id, names) {
                tracing::error!(%error, collection = collection.name, record = id, "files could not be removed");
            }
        }
        changed
    }

    fn change_record(
        &self,
        collection: &Arc<Collection>,
        id: &str,
        body: &Body,
        expand: &str,
        caller: &Caller,
        placed: &mut bool,
    ) -> Result<Map<String, Value>> {
        let rule = rules::applied(collection.rules.update_rule.as_ref(), caller)?;
        let mut hashes = None;
        let mut turn = Some(self.record_locks().turn(&collection.id, id));
        for _ in 0..ATTEMPTS {
            let original = self
                .store()
                .read(|tx| Ok::<_, Error>(tx.record(collection, id)?))?
                .ok_or_else(Error::not_found)?;
            let mut draft = self.draft(original.clone(), Some(original.clone()), body, caller);
            let manager = self.may_update(&draft, &original, rule, caller)?;
            account::check(&draft, manager).into_result(NOT_UPDATED)?;
            self.validate(&draft, &body.uploads(), NOT_UPDATED)?;
            account::renew_token_key(&mut draft);
            let hashes = match &hashes {
                Some(known) => known,
                None => hashes.insert(self.hashes(&draft)?),
            };
            set_hashes(&mut draft.record, hashes);
            if collection.is_superusers() {
                draft.record.values.insert("verified".to_owned(), true.into());
            }
            let kept = file_names(&draft.record);
            let mut gone = file_names(&original);
            gone.retain(|name| !kept.contains(name));
            let removal = self
                .files()
                .intend(vec![(collection.id.clone(), id.to_owned(), gone)], Vec::new())
                .map_err(disk_error)?;
            let before = original.clone();
            let uploads = body.named_by(&draft);
            let away = !*placed && !uploads.is_empty() && self.files().is_elsewhere();
            if away {
                // Others need not wait for a bucket. What they change meanwhile is found below, and the next attempt finds the
                // files there already.
                turn = None;
            }
            let in_flight = self.place_files(&draft.record, &uploads)?;
            if turn.is_none() {
                turn = Some(self.record_locks().turn(&collection.id, id));
            }
            let written = self.store_placed(in_flight, &draft.record.clone(), &uploads, move |tx| {
                match tx.record(&before.collection, before.id())? {
                    None => return Err(Error::not_found()),
                    Some(current) if current.values != before.values => return Ok(None),
                    Some(_) => {}
                }
                let mut record = draft.record.clone();
                stamp(&mut record, false);
                tx.update_record(&record)
                    .map_err(|error| refused(error, &record.collection, NOT_UPDATED))?;
                if record.collection.is_auth() && record.text("password") != before.text("password") {
                    account::delete_origins(tx, &record)?;
                }
                Ok(Some(record))
            })?;
            if let Some(record) = written {
                carry_out(removal);
                self.hub().record_saved(self, RecordAction::Update, &record);
                return self.shown(&record, expand, caller);
            }
            *placed = true;
        }
        drop(turn);
        Err(Error::new(
            ErrorKind::Unavailable,
            "The record is being changed by others all the time; try again.",
        ))
    }

    fn draft(&self, blank: Record, original: Option<Record>, body: &Body, caller: &Caller) -> Draft {
        let mut draft = Draft::new(blank, original);
        let names: Vec<_> = body
            .files
            .iter()
            .map(|(key, upload)| (key.clone(), upload.name().to_owned()))
            .collect();
        draft.apply(&body.values, &names);
        if !caller.is_superuser() {
            draft.forget_hidden();
        }
        draft
    }

    /// Lets the create rule decide; says whether the caller may set what is a manager's to set.
    fn may_create(&self, draft: &Draft, rule: Option<&str>, caller: &Caller) -> Result<bool> {
        if caller.is_superuser() {
            return Ok(true);
        }
        let collection = &draft.record.collection;
        let context = caller.context("default", draft.body.clone());
        self.store().read(|tx| {
            let passes = |rule| rules::or_deny(tx.candidate_matches(&draft.record, rule, &context), collection);
            if let Some(rule) = rule
                && !passes(rule)?
            {
                return Err(Error::invalid(NOT_CREATED));
            }
            match rules::manage_rule(collection) {
                Some(rule) if caller.auth.is_some() => passes(rule),
                _ => Ok(false),
            }
        })
    }

    /// Lets the update rule decide; says whether the caller may change what is a manager's to change.
    fn may_update(&self, draft: &Draft, original: &Record, rule: Option<&str>, caller: &Caller) -> Result<bool> {
        let collection = &original.collection;
        let context = caller.context("default", draft.body.clone());
        self.store().read(|tx| {
            if let Some(rule) = rule
                && !rules::or_deny(tx.record_matches(collection, original.id(), rule, &context), collection)?
            {
                return Err(Error::not_found());
            }
            rules::manages(tx, original, caller, &context)
        })
    }

    fn validate(&self, draft: &Draft, uploads: &[&Upload], message: &str) -> Result<()> {
        let errors = self.store().read(|tx| {
            let check = Check {
                draft,
                uploads,
                tx,
                patterns: self.patterns(),
            };
            check.all()
        })?;
        errors.into_result(message)
    }

    /// The hashes of newly set passwords by field; empty where one was cleared.
    fn hashes(&self, draft: &Draft) -> Result<BTreeMap<String, String>> {
        let mut hashes = BTreeMap::new();
        for (field, plain) in &draft.passwords {
            let hash = match draft.record.collection.field(field).map(|field| &field.kind) {
                Some(FieldKind::Password { cost, .. }) if !plain.is_empty() => {
                    let cost = u32::try_from(*cost)
                        .ok()
                        .filter(|cost| *cost > 0)
                        .unwrap_or(DEFAULT_COST);
                    bcrypt::hash_with_result(plain, cost.clamp(4, 31))
                        .map_err(Error::internal)?
                        .format_for_version(bcrypt::Version::TwoA)
                }
                _ => String::new(),
            };
            hashes.insert(field.clone(), hash);
        }
        Ok(hashes)
    }

    /// Commits with `write` once the uploads lie durably beside the record; takes them back where it does not happen.
    fn store_with_files<T: Send + 'static>(
        &self,
        record: &Record,
        uploads: &[&Upload],
        write: impl FnOnce(&mut WriteTx<'_>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let in_flight = self.place_files(record, uploads)?;
        self.store_placed(in_flight, record, uploads, write)
    }

    /// Puts the uploads durably beside the record.
    fn place_files(&self, record: &Record, uploads: &[&Upload]) -> Result<InFlight> {
        let mut in_flight = self.files().begin(&record.collection.id, record.id());
        self.files().place(&mut in_flight, uploads).map_err(disk_error)?;
        Ok(in_flight)
    }

    /// Commits with `write`; takes the uploads back where it does not happen.
    fn store_placed<T: Send + 'static>(
        &self,
        in_flight: InFlight,
        record: &Record,
        uploads: &[&Upload],
        write: impl FnOnce(&mut WriteTx<'_>) -> Result<T> + Send + 'static,
    ) -> Result<T> {
        let written = self.store().write(write);
        if written.is_err() {
            let names = uploads.iter().map(|upload| upload.name().to_owned()).collect();
            if let Err(error) = in_flight.abandon(names) {
                let collection = &record.collection.name;
                tracing::error!(%error, collection, record = record.id(), "files could not be removed");
            }
        }
        written
    }

    fn shown(&self, record: &Record, expand: &str, caller: &Caller) -> Result<Map<String, Value>> {
        let shown = present(self, std::slice::from_ref(record), caller, expand)?;
        shown.into_iter().next().ok_or_else(Error::not_found)
    }
}

/// Removes files that a commit no longer names. What the caller asked for has happened all the same, so a failure is only
/// logged; the files are removed at the next start.
pub(crate) fn carry_out(removal: Intent) {
    if let Err(error) = removal.carry_out() {
        tracing::error!(%error, "files could not be removed");
    }
}

impl Body {
    fn uploads(&self) -> Vec<&Upload> {
        self.files.iter().map(|(_, upload)| upload).collect()
    }

    /// The uploads that `draft` names in the end.
    fn named_by(&self, draft: &Draft) -> Vec<&Upload> {
        let mut uploads = self.uploads();
        uploads.retain(|upload| draft.names(upload));
        uploads
    }
}

fn set_hashes(record: &mut Record, hashes: &BTreeMap<String, String>) {
    for (field, hash) in hashes {
        record.values.insert(field.clone(), hash.as_str().into());
    }
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
fn refused(error: bosbase_store::Error, collection: &Collection, message: &str) -> Error {
    if error.kind() != StoreErrorKind::Unique {
        return error.into();
    }
    let mut errors = FieldErrors::new();
    for column in error.columns() {
        if collection.field(column).is_some() {
            errors.add(column, "validation_not_unique", "Value must be unique.");
        }
    }
    Error::validation(message, errors).caused_by(error)
}

pub(crate) fn disk_error(error: std::io::Error) -> Error {
    if is_of_bucket(&error) {
        let text = "The storage of uploaded files failed; nothing was saved. Try again later.";
        return Error::new(ErrorKind::Unavailable, text).caused_by(error);
    }
    match error.kind() {
        std::io::ErrorKind::ResourceBusy => {
            let text =
                "Too many files are on their way to the storage of uploaded files; nothing was saved. Try again later.";
            Error::new(ErrorKind::Unavailable, text).caused_by(error)
        }
        std::io::ErrorKind::StorageFull | std::io::ErrorKind::QuotaExceeded => {
            Error::new(ErrorKind::Unavailable, "The server's disk is full.").caused_by(error)
        }
        _ => Error::internal(error),
    }
}
