//! Superusers: who may do everything. Managed from the command line and, as records, over the API.

use std::sync::Arc;

use bosbase_store::{
    AuthOptions, Collection, ErrorKind as StoreErrorKind, ListQuery, PageRequest, PasswordAuth, Record, Store, new_id,
    new_secret, now,
};
use serde_json::Value;

use super::Accounts;
use crate::auth::{Purpose, issue};
use crate::caller::Caller;
use crate::error::{Error, FieldErrors, Result};
use crate::formats::is_email;
use crate::lockout::{self, INSTALLER};

const MIN_PASSWORD: usize = 8;
/// So many superusers are told of what all are to know.
const MOST_TOLD: u64 = 100;

/// How long a superuser's token lasts where no usable time is set, in seconds: PocketBase's day.
const TOKEN_SECONDS: i64 = 86_400;

/// How long the link for making the first superuser lasts, in seconds: PocketBase's half an hour.
const INSTALLER_SECONDS: i64 = 1800;

/// What came of [`Accounts::unlock_superusers`].
#[derive(Debug)]
pub struct Unlocked {
    /// What was changed, half a sentence each; empty where that was not needed.
    pub changed: Vec<String>,
    /// Why still no superuser can log in, in half a sentence; `None` where one can, as far as is known.
    pub left: Option<String>,
}

/// What to do about an account that is, or is not, there.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Create,
    Update,
    Upsert,
}

impl Accounts {
    /// Whether there is a superuser who can log in.
    ///
    /// # Errors
    ///
    /// Where the database can't be asked.
    pub fn has_superuser(&self) -> Result<bool> {
        let collection = self.superusers()?;
        self.store().read(|tx| {
            let all = tx.count_records(&collection)?;
            let installer = tx.find_record(&collection, "email", INSTALLER, false)?;
            Ok(all > u64::from(installer.is_some()))
        })
    }

    /// A token with which the first superuser can be made within half an hour, over the API; `None` where there
    /// is one. It is that of an account with a password that nobody knows, which goes with the first superuser's
    /// coming. Earlier ones are void.
    ///
    /// # Errors
    ///
    /// Where the database can't be asked or written.
    pub fn installer_token(&self) -> Result<Option<String>> {
        if self.has_superuser()? {
            return Ok(None);
        }
        if let Some(mut installer) = self.superuser(INSTALLER)? {
            installer.values.insert("tokenKey".to_owned(), new_secret().into());
            self.store()
                .write(move |tx| tx.update_record(&installer).map_err(Error::from))?;
        } else {
            let collection = self.superusers()?;
            let hash = self.passwords().hash(&collection, "password", &new_secret())?;
            self.store().write(move |tx| {
                tx.insert_record(&account(&collection, INSTALLER, hash.clone()))
                    .map_err(Error::from)
            })?;
        }
        let installer = self.superuser(INSTALLER)?.ok_or_else(|| missing(INSTALLER))?;
        issue(&installer, Purpose::Auth, Some(INSTALLER_SECONDS), false).map(Some)
    }

    /// Creates the superuser, or sets the password of the one who is there.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::Invalid`] for an address that is none or a password shorter than 8 characters or longer than
    /// 72 bytes.
    pub fn upsert_superuser(&self, email: &str, password: &str) -> Result<()> {
        self.save_superuser(email, password, Mode::Upsert)
    }

    /// Creates a superuser.
    ///
    /// # Errors
    ///
    /// As [`Accounts::upsert_superuser`], and [`crate::ErrorKind::Invalid`] where the address is taken.
    pub fn create_superuser(&self, email: &str, password: &str) -> Result<()> {
        self.save_superuser(email, password, Mode::Create)
    }

    /// Sets a superuser's password. Every token made before is void.
    ///
    /// # Errors
    ///
    /// As [`Accounts::upsert_superuser`], and [`crate::ErrorKind::NotFound`] where there is no such superuser.
    pub fn update_superuser(&self, email: &str, password: &str) -> Result<()> {
        self.save_superuser(email, password, Mode::Update)
    }

    /// Deletes a superuser with what belongs to the account.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::NotFound`] where there is no such superuser, [`crate::ErrorKind::Invalid`] for the last one.
    pub fn delete_superuser(&self, email: &str) -> Result<()> {
        let record = self.superuser(email)?.ok_or_else(|| missing(email))?;
        self.delete_account(record)
    }

    /// Takes back what keeps every superuser from logging in with a password: `superuserIPs`, and the options of their
    /// collection.
    ///
    /// # Errors
    ///
    /// Where the database can't be asked or written.
    pub fn unlock_superusers(&self) -> Result<Unlocked> {
        let mut changed = Vec::new();
        if self.settings().admit_superusers_from_anywhere()? {
            changed.push("settings.superuserIPs is empty".to_owned());
        }
        let before = self.superusers()?;
        let mut after = (*before).clone();
        let mut words = Vec::new();
        for name in AuthOptions::misfits(&after.options) {
            after.options.remove(&name);
            words.push(format!("{name} was of the wrong type and is gone"));
        }
        AuthOptions::change(&mut after.options, |options| {
            words.extend(unlock(options).map(str::to_owned));
        });
        let told = |words: String| format!("{words} in the options of {}", Collection::SUPERUSERS);
        changed.extend(words.into_iter().map(told));
        if after.options != before.options {
            self.store()
                .write(move |tx| tx.update_collection(&before, &after).map_err(Error::from))?;
        }
        let left = lockout::reason(self.store(), &self.settings().get(), None)?;
        Ok(Unlocked { changed, left })
    }

    /// Says that, and why, no superuser can log in, with the way out; `None` where one can, as far as is known.
    ///
    /// # Errors
    ///
    /// Where the database can't be asked.
    pub fn lockout(&self) -> Result<Option<String>> {
        let former = self.backups().former_settings().unwrap_or_else(|error| {
            tracing::debug!(
                error = error.with_causes(),
                "the settings before the restore can't be read"
            );
            None
        });
        let reason = lockout::reason(self.store(), &self.settings().get(), former.as_ref())?;
        let dir = self.data_dir().display();
        Ok(reason.map(|why| {
            let way = if lockout::wants_account(&why) {
                format!("bosbase superuser upsert EMAIL PASSWORD --dir {dir} makes one who can")
            } else {
                format!("bosbase superuser unlock --dir {dir} lets superusers in again")
            };
            format!(
                "It may be that no superuser can log in: {why}. From the command line, with the server stopped: {way}, \
                 bosbase backup undo --dir {dir} brings back the replaced data."
            )
        }))
    }

    /// The account at this address.
    pub(super) fn superuser(&self, email: &str) -> Result<Option<Record>> {
        let collection = self.superusers()?;
        self.store()
            .read(|tx| Ok(tx.find_record(&collection, "email", email, false)?))
    }

    /// Deletes an account as a superuser would over the API, with all that this takes along.
    fn delete_account(&self, record: Record) -> Result<()> {
        let id = record.id().to_owned();
        let itself = Caller {
            auth: Some(Arc::new(record)),
            ..Caller::default()
        };
        self.records().delete(Collection::SUPERUSERS, &id, &itself)
    }

    fn superusers(&self) -> Result<Arc<Collection>> {
        lockout::superusers(self.store())
    }

    fn save_superuser(&self, email: &str, password: &str, mode: Mode) -> Result<()> {
        require_credentials(email, password)?;
        if email == INSTALLER {
            return Err(taken());
        }
        let collection = self.superusers()?;
        let hash = self.passwords().hash(&collection, "password", password)?;
        let email = email.to_owned();
        self.store().write(move |tx| {
            let existing = tx.find_record(&collection, "email", &email, false)?;
            match existing {
                Some(_) if mode == Mode::Create => Err(taken()),
                None if mode == Mode::Update => Err(missing(&email)),
                Some(mut record) => {
                    set_password(&mut record, hash.clone());
                    record.values.insert("updated".to_owned(), Value::String(now()));
                    Ok(tx.update_record(&record)?)
                }
                None => {
                    let record = account(&collection, &email, hash.clone());
                    tx.insert_record(&record).map_err(|error| match error.kind() {
                        StoreErrorKind::Unique => taken(),
                        _ => Error::from(error),
                    })?;
                    Ok(())
                }
            }
        })?;
        match self.superuser(INSTALLER)? {
            Some(installer) => self.delete_account(installer),
            None => Ok(()),
        }
    }
}

/// Sets the options with which a superuser can log in; says which were others, half a sentence each.
fn unlock(options: &mut AuthOptions) -> impl Iterator<Item = &'static str> + use<> {
    let by_email = PasswordAuth {
        enabled: true,
        identity_fields: vec!["email".to_owned()],
    };
    let token = &mut options.auth_token;
    let is_signed = !token.secret.is_empty() && token.duration > 0;
    if !is_signed {
        token.secret = new_secret();
        token.duration = TOKEN_SECONDS;
    }
    let changes = [
        (options.auth_rule.replace(String::new()) != Some(String::new())).then_some("authRule is empty"),
        (std::mem::replace(&mut options.password_auth, by_email.clone()) != by_email)
            .then_some("passwordAuth is on, by email"),
        std::mem::take(&mut options.mfa.enabled).then_some("mfa is off"),
        std::mem::take(&mut options.otp.enabled).then_some("otp is off"),
        (!is_signed).then_some("authToken has a new secret"),
    ];
    changes.into_iter().flatten()
}

/// The addresses of all superusers who can log in; of very many, the oldest accounts'.
///
/// # Errors
///
/// Where the database can't be asked.
pub(crate) fn superuser_addresses(store: &Store) -> Result<Vec<String>> {
    let collection = lockout::superusers(store)?;
    let query = ListQuery {
        sort: "created".to_owned(),
        page: PageRequest::first(MOST_TOLD),
        allow_hidden: true,
        ..ListQuery::default()
    };
    let page = store.read(|tx| tx.list_records(&collection, &query).map_err(Error::from))?;
    let addresses = page.items.iter().map(|record| record.text("email").to_owned());
    Ok(addresses.filter(|address| address != INSTALLER).collect())
}

/// A new superuser's record.
fn account(collection: &Arc<Collection>, email: &str, hash: String) -> Record {
    let moment = Value::String(now());
    let mut record = Record {
        collection: collection.clone(),
        values: serde_json::Map::new(),
    };
    record.values.insert("id".to_owned(), Value::String(new_id()));
    record
        .values
        .insert("email".to_owned(), Value::String(email.to_owned()));
    record.values.insert("emailVisibility".to_owned(), Value::Bool(false));
    record.values.insert("verified".to_owned(), Value::Bool(true));
    set_password(&mut record, hash);
    record.values.insert("created".to_owned(), moment.clone());
    record.values.insert("updated".to_owned(), moment);
    record
}

/// Sets a password's hash, and with it a new `tokenKey`: who was logged in with the old password no longer is.
fn set_password(record: &mut Record, hash: String) {
    record.values.insert("password".to_owned(), Value::String(hash));
    record.values.insert("tokenKey".to_owned(), Value::String(new_secret()));
}

/// Whether a superuser with this address and this password may be.
///
/// # Errors
///
/// [`crate::ErrorKind::Invalid`] with PocketBase's codes, for `email` and `password`.
pub fn require_credentials(email: &str, password: &str) -> Result<()> {
    let mut errors = FieldErrors::new();
    if email.is_empty() {
        errors.add_required("email");
    } else if !is_email(email) {
        errors.add("email", "validation_is_email", "Must be a valid email address.");
    }
    let length = password.chars().count();
    if length == 0 {
        errors.add_required("password");
    } else if length < MIN_PASSWORD {
        errors.add(
            "password",
            "validation_min_text_constraint",
            &format!("Must be at least {MIN_PASSWORD} character(s)."),
        );
    } else if password.len() > crate::auth::password::MAX_BYTES {
        errors.add(
            "password",
            "validation_max_text_constraint",
            &format!("Must be no more than {} bytes.", crate::auth::password::MAX_BYTES),
        );
    }
    errors.into_result("The superuser was not saved.")
}

fn taken() -> Error {
    Error::validation(
        "The superuser was not saved.",
        FieldErrors::one("email", "validation_not_unique", "Value must be unique."),
    )
}

pub(super) fn missing(email: &str) -> Error {
    Error::new(
        crate::ErrorKind::NotFound,
        format!("There is no superuser with the email address {email}."),
    )
}
