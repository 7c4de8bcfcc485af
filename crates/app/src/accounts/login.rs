//! Logging in with a password, renewing a token, acting as somebody else, and tokens for URLs.

use std::sync::Arc;

use bosbase_store::{Collection, ReadTx, Record};
use serde_json::{Map, Value};

use super::Accounts;
use super::answer::Authenticated;
use super::second_factor::{Factor, Login};
use crate::auth::{AuthOptions, Purpose, admit, is_refreshable, issue};
use crate::caller::Caller;
use crate::error::{Error, ErrorKind, FieldErrors, Result};
use crate::formats::is_email;

const LOADING: &str = "An error occurred while loading the submitted data.";
const VALIDATING: &str = "An error occurred while validating the submitted data.";
const NO_COLLECTION: &str = "Missing or invalid collection context.";
const NOT_AUTH: &str = "Missing or invalid auth collection context.";
/// The longest identity and password that are looked at, in bytes, as in PocketBase.
const MAX_FIELD: usize = 255;

/// What a password login sends.
#[derive(Debug, Default, serde::Deserialize)]
#[serde(default, rename_all = "camelCase")]
pub struct PasswordForm {
    /// Who: the value of an identity field.
    pub identity: String,
    /// With what.
    pub password: String,
    /// Which identity field is meant; empty for any of the collection's.
    pub identity_field: String,
}

impl Accounts {
    /// The auth collection called `name`.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] where there is none, or it is none that can log in.
    pub fn collection(&self, name: &str) -> Result<Arc<Collection>> {
        match self.store().schema().find(name) {
            Some(found) if found.is_auth() => Ok(found.clone()),
            Some(_) => Err(Error::new(ErrorKind::NotFound, NOT_AUTH)),
            None => Err(Error::new(ErrorKind::NotFound, NO_COLLECTION)),
        }
    }

    /// As [`Accounts::collection`], but superusers are refused with the words `why`.
    pub(super) fn collection_without_superusers(&self, name: &str, why: &str) -> Result<Arc<Collection>> {
        let collection = self.collection(name)?;
        match collection.is_superusers() {
            true => Err(Error::invalid(why)),
            false => Ok(collection),
        }
    }

    /// Refuses a login with a password before it is known whose.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] and [`ErrorKind::Forbidden`] as [`Accounts::log_in_with_password`].
    pub fn check_password_login(&self, collection: &str) -> Result<()> {
        with_password(&*self.collection(collection)?).map(drop)
    }

    /// Logs in with a password.
    ///
    /// It takes the same time whether the account is missing or the password wrong, and says the same.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Invalid`] for anything but the right password, [`ErrorKind::Forbidden`] where the collection does
    /// not admit password logins or not this record's, [`ErrorKind::RateLimited`] after too many wrong ones.
    pub fn log_in_with_password(&self, collection: &str, body: Map<String, Value>, caller: &Caller) -> Result<Login> {
        let collection = self.collection(collection)?;
        let options = with_password(&collection)?;
        let form: PasswordForm = serde_json::from_value(Value::Object(given(&body)))
            .map_err(|error| Error::invalid(LOADING).caused_by(error))?;
        form.validate(&options)?;
        let attempt = self
            .tries()
            .begin(&caller.ip, &format!("{} {}", collection.id, form.identity))?;
        let found = self
            .store()
            .read(|tx| find_by_identity(tx, &collection, &options, &form))?;
        let is_right = self
            .passwords()
            .verify(self.store(), &collection, found.as_ref(), &form.password)?;
        attempt.decide(is_right);
        if !is_right {
            return Err(Error::invalid("Failed to authenticate."));
        }
        let record = found.ok_or_else(|| Error::invalid("Failed to authenticate."))?;
        let session = Factor::session_of(caller, &body).to_owned();
        let factor = Factor {
            method: "password",
            session: &session,
            caller,
        };
        self.grant(record, &options, &caller.context("password", redacted(body)), &factor)
    }

    /// Exchanges the caller's token for a fresh one. A token made to impersonate is not prolonged: it is answered as it
    /// is.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] without such a collection, [`ErrorKind::Unauthenticated`] without a token,
    /// [`ErrorKind::Forbidden`] with one of another collection or where the collection's rule does not admit the record
    /// any more.
    pub fn refresh(&self, collection: &str, current: &str, caller: &Caller) -> Result<Authenticated> {
        // A collection without accounts has nobody to renew a token for: each caller belongs to another collection.
        let schema = self.store().schema();
        let collection = schema
            .find(collection)
            .ok_or_else(|| Error::new(ErrorKind::NotFound, NO_COLLECTION))?;
        let record = caller.auth.clone().ok_or_else(Error::unauthenticated)?;
        caller.require_account_of(collection)?;
        let options = AuthOptions::of(&record.collection)?;
        let context = caller.context("default", Map::new());
        self.store().read(|tx| admit(tx, &record, &options, &context))?;
        let token = if is_refreshable(current) {
            issue(&record, Purpose::Auth, None, true)?
        } else {
            current.to_owned()
        };
        Ok(Authenticated {
            record: Arc::unwrap_or_clone(record),
            token,
            meta: None,
        })
    }

    /// The record that a superuser is to act as.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unauthenticated`] and [`ErrorKind::Forbidden`] for anybody but superusers, [`ErrorKind::NotFound`]
    /// where there is no such record.
    pub fn impersonated(&self, collection: &str, id: &str, caller: &Caller) -> Result<Record> {
        caller.require_superuser()?;
        let collection = self
            .collection(collection)
            .map_err(|_| Error::new(ErrorKind::NotFound, NOT_AUTH))?;
        self.store()
            .read(|tx| tx.record(&collection, id).map_err(Error::from))?
            .ok_or_else(Error::not_found)
    }

    /// A token with which a superuser acts as the record `id`; it lasts `duration` seconds (0: as long as any) and
    /// can't be refreshed.
    ///
    /// # Errors
    ///
    /// As [`Accounts::impersonated`]; [`ErrorKind::Invalid`] for a duration that is none.
    pub fn impersonate(
        &self,
        collection: &str,
        id: &str,
        body: &Map<String, Value>,
        caller: &Caller,
    ) -> Result<Authenticated> {
        let record = self.impersonated(collection, id, caller)?;
        let duration = match body.get("duration") {
            None | Some(Value::Null) => 0,
            Some(value) => value.as_i64().ok_or_else(|| Error::invalid(LOADING))?,
        };
        if duration < 0 {
            let mut errors = FieldErrors::new();
            errors.add_min("duration", 0);
            return Err(Error::validation(VALIDATING, errors));
        }
        let token = issue(&record, Purpose::Auth, Some(duration), false)?;
        Ok(Authenticated {
            record,
            token,
            meta: None,
        })
    }

    /// A short-lived token with which the caller's protected files, or a superuser's backups, are read by URL.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Unauthenticated`] without a valid token.
    pub fn file_token(&self, caller: &Caller) -> Result<String> {
        let record = caller.auth.as_ref().ok_or_else(Error::unauthenticated)?;
        issue(record, Purpose::File, None, false)
    }
}

/// The options of a collection that admits logins with a password.
fn with_password(collection: &Collection) -> Result<AuthOptions> {
    let options = AuthOptions::of(collection)?;
    if !options.password_auth.enabled {
        let text = "The collection is not configured to allow password authentication.";
        return Err(Error::new(ErrorKind::Forbidden, text));
    }
    Ok(options)
}

/// The body without its nulls, which stand for nothing given.
fn given(body: &Map<String, Value>) -> Map<String, Value> {
    body.iter()
        .filter(|(_, value)| !value.is_null())
        .map(|(name, value)| (name.clone(), value.clone()))
        .collect()
}

/// The body as rules may see it: a password has no business in a query.
fn redacted(mut body: Map<String, Value>) -> Map<String, Value> {
    body.remove("password");
    body
}

impl PasswordForm {
    fn validate(&self, options: &AuthOptions) -> Result<()> {
        let mut errors = FieldErrors::new();
        for (field, value) in [("identity", &self.identity), ("password", &self.password)] {
            if value.trim().is_empty() {
                errors.add_required(field);
            } else if value.len() > MAX_FIELD {
                errors.add_length(field, 1, MAX_FIELD);
            }
        }
        if self.identity_field.len() > MAX_FIELD {
            errors.add_length("identityField", 1, MAX_FIELD);
        } else if !self.identity_field.is_empty()
            && !options.password_auth.identity_fields.contains(&self.identity_field)
        {
            errors.add("identityField", "validation_in_invalid", "Must be a valid value.");
        }
        errors.into_result(VALIDATING)
    }
}

/// The record that the form means: by the field it names, else by its email address if it is one, else by the others in
/// order.
fn find_by_identity(
    tx: &ReadTx<'_>,
    collection: &Arc<Collection>,
    options: &AuthOptions,
    form: &PasswordForm,
) -> Result<Option<Record>> {
    let fields = &options.password_auth.identity_fields;
    let mut candidates: Vec<&str> = Vec::new();
    if form.identity_field.is_empty() {
        let email = is_email(&form.identity);
        if email && fields.iter().any(|field| field == "email") {
            candidates.push("email");
        }
        candidates.extend(fields.iter().map(String::as_str).filter(|field| *field != "email"));
    } else {
        candidates.push(&form.identity_field);
    }
    for field in candidates {
        // Without a unique index a value could belong to several, and one would be as good as another.
        // Without a unique index a value could belong to several.
        if !collection.has_unique(field) {
            continue;
        }
        if let Some(record) = tx.find_record(collection, field, &form.identity, true)? {
            return Ok(Some(record));
        }
    }
    Ok(None)
}
