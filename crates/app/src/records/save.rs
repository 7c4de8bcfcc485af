//! How a planned change happens: files in place, commit, files away, and those who listen are told. One way for all
//! changes.

use std::sync::Arc;
use std::time::Duration;

use bosbase_store::{Collection, LONG_WRITE, ReadTx, Record, Store};
use serde_json::{Map, Value};

use super::body::Body;
use super::change::{self, Kind, Performed};
use super::delete::{Deleted, Told, doomed};
use super::link::Extras;
use super::list::wanted;
use super::plan::{Action, Fixed, Request};
use super::present::present;
use super::references::file_names;
use super::{Audience, Farewell, RecordAction, Records, writable};
use crate::caller::Caller;
use crate::error::{Error, ErrorKind, FieldErrors, Result};
use crate::files::{InFlight, Intent, Removals, Upload, is_of_bucket};
use crate::form::VALIDATING;

/// How often a change starts over because somebody else changed meanwhile what it builds on.
pub(super) const ATTEMPTS: usize = 10;
/// How long it may take to find out what a deletion takes along.
const EXPECTED_WITHIN: Duration = Duration::from_secs(3);

impl Records {
    /// Creates a record out of what was sent, and shows it with the relations that `expand` names. Durable when it
    /// returns.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] without such a collection, [`ErrorKind::Forbidden`] where only superusers may create,
    /// [`ErrorKind::Invalid`] where the rule denies it or values are not acceptable (with what is wrong by field).
    pub fn create(&self, collection: &str, body: &Body, expand: &str, caller: &Caller) -> Result<Map<String, Value>> {
        let record = self.save(collection, Action::Create(body), body, caller)?;
        self.audience().saved(RecordAction::Create, &record);
        self.shown(&record, expand, caller)
    }

    /// Changes a record as was sent, and shows it with the relations that `expand` names. Durable when it returns.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] where there is no such record or the rule denies it, [`ErrorKind::Forbidden`] where only
    /// superusers may update, [`ErrorKind::Invalid`] where values are not acceptable (with what is wrong by field).
    pub fn update(
        &self,
        collection: &str,
        id: &str,
        body: &Body,
        expand: &str,
        caller: &Caller,
    ) -> Result<Map<String, Value>> {
        let record = self.save(collection, Action::Update(id, body), body, caller)?;
        self.audience().saved(RecordAction::Update, &record);
        self.shown(&record, expand, caller)
    }

    /// Creates a record as the application has decided. Durable when it returns.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Invalid`] where a value is not acceptable.
    pub(crate) fn create_for_application(&self, collection: &Collection, values: Map<String, Value>) -> Result<Record> {
        let body = Body::from_values(values);
        let caller = Caller::application();
        let record = self.save(&collection.id, Action::Create(&body), &body, &caller)?;
        self.audience().saved(RecordAction::Create, &record);
        Ok(record)
    }

    /// Changes a record as the application has decided, and not because of a rule. Durable when it returns.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Invalid`] with `message` where a value is not acceptable; also where `record` is an account that
    /// has changed its key or address since; [`ErrorKind::NotFound`] where it is gone.
    pub(crate) fn save_for_application(
        &self,
        record: &Record,
        values: Map<String, Value>,
        message: &str,
    ) -> Result<()> {
        let body = Body::from_values(values);
        let action = Action::Update(record.id(), &body);
        let saved = self.save_checked(
            &record.collection.id,
            action,
            &body,
            (&Caller::application(), Extras::default()),
            Some(record),
        );
        let record = saved.map_err(|error| match error.kind() {
            ErrorKind::Invalid if !error.data().contains_key("token") => error.saying(message),
            _ => error,
        })?;
        self.audience().saved(RecordAction::Update, &record);
        Ok(())
    }

    /// Creates an account as a login with a provider wants it, under the collection's rule for new records. Durable
    /// when it returns.
    ///
    /// # Errors
    ///
    /// As [`Records::create`]; [`ErrorKind::Invalid`] with `providerId` where the person is linked already.
    pub(crate) fn create_by_login(
        &self,
        collection: &Collection,
        body: &Body,
        caller: &Caller,
        extras: Extras<'_>,
    ) -> Result<Record> {
        let record = self.save_checked(&collection.id, Action::Create(body), body, (caller, extras), None)?;
        self.audience().saved(RecordAction::Create, &record);
        Ok(record)
    }

    /// Changes an account as a login with a provider wants it. Durable when it returns.
    ///
    /// # Errors
    ///
    /// As [`Records::save_for_application`]; [`ErrorKind::Invalid`] with `provider` where the account, or with
    /// `providerId` where the person is linked already.
    pub(crate) fn change_by_login(
        &self,
        account: &Record,
        values: Map<String, Value>,
        extras: Extras<'_>,
        message: &str,
    ) -> Result<Record> {
        let body = Body::from_values(values);
        let (action, caller) = (Action::Update(account.id(), &body), Caller::application());
        let saved = self.save_checked(&account.collection.id, action, &body, (&caller, extras), Some(account));
        let record = saved.map_err(|error| match error.kind() {
            ErrorKind::Invalid => error.saying(message),
            _ => error,
        })?;
        self.audience().saved(RecordAction::Update, &record);
        Ok(record)
    }

    /// Deletes a record, the records that can't be without it (`cascadeDelete`), and its mention in others. All of it
    /// happens or none; files go once it is durable.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] where there is no such record or the rule denies it, [`ErrorKind::Forbidden`] where
    /// only superusers may delete, [`ErrorKind::Invalid`] where another record requires it or it is the last superuser.
    pub fn delete(&self, collection: &str, id: &str, caller: &Caller) -> Result<()> {
        self.inner.reserve.spend(|| self.delete_once(collection, id, caller))
    }

    /// Creates or changes a record, with the files of `body`.
    fn save(&self, collection: &str, action: Action<'_>, body: &Body, caller: &Caller) -> Result<Record> {
        self.save_checked(collection, action, body, (caller, Extras::default()), None)
    }

    /// The same, unless the key or address of the account is another than that of `checked`.
    fn save_checked(
        &self,
        collection: &str,
        action: Action<'_>,
        body: &Body,
        (caller, extras): (&Caller, Extras<'_>),
        checked: Option<&Record>,
    ) -> Result<Record> {
        let collection = self.collection_of_records(collection)?;
        writable(&collection)?;
        let mut coming = None;
        let request = Request {
            collection: &collection.id,
            action,
            caller,
            extras,
        };
        let saved = self.save_with(&collection, &request, body, checked, &mut coming);
        if let Some(coming) = coming {
            let kept = saved.as_ref().map(file_names).unwrap_or_default();
            settle(coming, &kept);
        }
        saved
    }

    fn save_with(
        &self,
        collection: &Arc<Collection>,
        request: &Request<'_>,
        body: &Body,
        checked: Option<&Record>,
        coming: &mut Option<InFlight>,
    ) -> Result<Record> {
        let turn_of = match request.action {
            Action::Update(id, _) | Action::Delete(id) => Some(id.to_owned()),
            Action::Create(_) => None,
        };
        let mut fixed = Fixed::default();
        let take_turn = || turn_of.as_deref().map(|id| self.inner.locks.turn(&collection.id, id));
        let mut turn = take_turn();
        for _ in 0..ATTEMPTS {
            let mut change = self.decide(request, &mut fixed)?;
            if let (Some(checked), Kind::Update { before, .. }) = (checked, &change.kind) {
                still_as(checked, before)?;
            }
            let removal = self
                .files()
                .intend(std::mem::take(&mut change.removals))
                .map_err(disk_error)?;
            let uploads = body.named_by(change.record());
            if !uploads.is_empty() {
                let is_first = coming.as_ref().is_none_or(InFlight::is_empty);
                if is_first && self.files().is_elsewhere() {
                    // Others need not wait for a bucket. What they change meanwhile is found by the commit, and the
                    // next attempt finds the files there already.
                    turn = None;
                }
                self.place(coming, change.record(), &uploads)?;
                if turn.is_none() {
                    turn = take_turn();
                }
            }
            match self.store().write(move |tx| change::perform(tx, &change))? {
                Performed::Saved(record, link) => {
                    carry_out(removal);
                    if let Some(link) = link {
                        self.audience().saved(RecordAction::Create, &link);
                    }
                    return Ok(record);
                }
                // A saved record is never a deleted one.
                Performed::Stale | Performed::Deleted(_) => {}
            }
        }
        drop(turn);
        Err(contended())
    }

    fn delete_once(&self, collection: &str, id: &str, caller: &Caller) -> Result<()> {
        let collection = self.collection_of_records(collection)?;
        writable(&collection)?;
        let request = Request {
            collection: &collection.id,
            action: Action::Delete(id),
            caller,
            extras: Extras::default(),
        };
        let mut fixed = Fixed::default();
        let _turn = self.inner.locks.turn(&collection.id, id);
        for _ in 0..ATTEMPTS {
            let change = self.decide(&request, &mut fixed)?;
            // Who may hear of it is decided on what is there before it happens.
            let farewell = if self.audience().is_listening() {
                let before = change.record().clone();
                let leaving = expected(self.store(), |tx| doomed(tx, Told::of(before)))?;
                Some(self.audience().before_deletion(leaving.records))
            } else {
                None
            };
            let noted = change.removals.clone();
            let removal = self.files().intend(noted).map_err(disk_error)?;
            let performed = self
                .store()
                .write_within(LONG_WRITE, move |tx| change::perform(tx, &change))?;
            if let Performed::Deleted(deleted) = performed {
                after_deletion(self.audience(), deleted, farewell, removal, Vec::new());
                return Ok(());
            }
        }
        Err(contended())
    }

    /// Puts the uploads durably beside the record that is to be stored.
    fn place(&self, coming: &mut Option<InFlight>, record: &Record, uploads: &[&Upload]) -> Result<()> {
        let collection = &record.collection.id;
        if let Some(other) = coming.take_if(|coming| !coming.is_of(collection, record.id())) {
            settle(other, &[]);
        }
        let in_flight = coming.get_or_insert_with(|| self.files().begin(collection, record.id()));
        self.files().place(in_flight, uploads).map_err(disk_error)
    }

    fn shown(&self, record: &Record, expand: &str, caller: &Caller) -> Result<Map<String, Value>> {
        let shown = present(self, std::slice::from_ref(record), caller, expand, &wanted(caller))?;
        shown.into_iter().next().ok_or_else(Error::not_found)
    }
}

/// What follows a deletion that is durable: those who listen are told, and the files of `deleted` and of the records of
/// `collections` go.
pub(crate) fn after_deletion(
    audience: &dyn Audience,
    deleted: Deleted,
    farewell: Option<Box<dyn Farewell>>,
    removal: Intent,
    collections: Vec<String>,
) {
    for record in &deleted.changed.records {
        audience.saved(RecordAction::Update, record);
    }
    if let Some(farewell) = farewell {
        farewell.deleted(deleted.records.records);
    }
    let removals = Removals {
        files: deleted.files,
        collections,
    };
    carry_out_only(removal, removals);
}

/// What a deletion is expected to take along, for those who listen. Where that takes long, nobody waits for it: what
/// goes is judged afterwards.
///
/// # Errors
///
/// Where the database can't be asked.
pub(crate) fn expected(store: &Store, look: impl FnOnce(&ReadTx<'_>) -> Result<Told>) -> Result<Told> {
    match store.read_within(EXPECTED_WITHIN, look) {
        Err(error) if error.kind() == ErrorKind::Unavailable => Ok(Told::nothing()),
        found => found,
    }
}

/// Refuses a change that was decided on for an account that is another since: what decided on it is void.
fn still_as(checked: &Record, before: &Record) -> Result<()> {
    if ["tokenKey", "email"]
        .iter()
        .all(|name| checked.text(name) == before.text(name))
    {
        return Ok(());
    }
    Err(token_ended())
}

/// What somebody is told whose token ended while they were served.
pub(crate) fn token_ended() -> Error {
    let errors = FieldErrors::one("token", "validation_invalid_token", "Invalid or expired token.");
    Error::validation(VALIDATING, errors)
}

pub(super) fn contended() -> Error {
    Error::new(
        ErrorKind::Unavailable,
        "The record is being changed by others all the time; try again.",
    )
}

/// Takes back what the record does not name in the end.
pub(crate) fn settle(coming: InFlight, kept: &[String]) {
    if let Err(error) = coming.settle(kept) {
        tracing::error!(%error, "files could not be removed");
    }
}

/// Removes files that a commit no longer names. What the caller asked for has happened all the same, so a failure is
/// only logged; the files are removed at the next start.
pub(crate) fn carry_out(removal: Intent) {
    if let Err(error) = removal.carry_out() {
        tracing::error!(%error, "files could not be removed");
    }
}

/// As [`carry_out`], where it is known by now which files it is.
pub(super) fn carry_out_only(removal: Intent, removals: Removals) {
    if let Err(error) = removal.carry_out_only(removals) {
        tracing::error!(%error, "files could not be removed");
    }
}

impl Body {
    pub(super) fn uploads(&self) -> Vec<&Upload> {
        self.files.iter().map(|(_, upload)| upload).collect()
    }

    /// The uploads that `record` names in the end.
    pub(super) fn named_by(&self, record: &Record) -> Vec<&Upload> {
        let mut uploads = self.uploads();
        if !uploads.is_empty() {
            let names = file_names(record);
            uploads.retain(|upload| names.iter().any(|name| name == upload.name()));
        }
        uploads
    }
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
