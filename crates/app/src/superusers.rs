//! Superusers: who may do everything. Managed from the command line and, as records, over the API.

use std::sync::Arc;

use bosbase_store::{Collection, ErrorKind as StoreErrorKind, ListQuery, Record, new_id, new_secret, now};
use serde_json::Value;

use crate::app::App;
use crate::auth::hash_password;
use crate::caller::Caller;
use crate::error::{Error, FieldErrors, Result};
use crate::formats::is_email;

/// The account with which PocketBase's first-run page works; nobody's, and gone once there is a real one.
const INSTALLER: &str = "__pbinstaller@example.com";
const MIN_PASSWORD: usize = 8;
/// So many superusers are told of what all are to know.
const MOST_TOLD: u64 = 100;

/// What to do about an account that is, or is not, there.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Mode {
    Create,
    Update,
    Upsert,
}

impl App {
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

    /// Creates the superuser, or sets the password of the one who is there.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::Invalid`] for an address that is none or a password shorter than 8 characters or longer than 72 bytes.
    pub fn upsert_superuser(&self, email: &str, password: &str) -> Result<()> {
        self.save_superuser(email, password, Mode::Upsert)
    }

    /// Creates a superuser.
    ///
    /// # Errors
    ///
    /// As [`App::upsert_superuser`], and [`crate::ErrorKind::Invalid`] where the address is taken.
    pub fn create_superuser(&self, email: &str, password: &str) -> Result<()> {
        self.save_superuser(email, password, Mode::Create)
    }

    /// Sets a superuser's password. Every token made before is void.
    ///
    /// # Errors
    ///
    /// As [`App::upsert_superuser`], and [`crate::ErrorKind::NotFound`] where there is no such superuser.
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

    /// The addresses of all superusers who can log in; of very many, the oldest accounts'.
    ///
    /// # Errors
    ///
    /// Where the database can't be asked.
    pub(crate) fn superuser_addresses(&self) -> Result<Vec<String>> {
        let collection = self.superusers()?;
        let query = ListQuery {
            sort: "created".to_owned(),
            per_page: MOST_TOLD,
            skip_total: true,
            allow_hidden: true,
            ..ListQuery::default()
        };
        let page = self
            .store()
            .read(|tx| tx.list_records(&collection, &query).map_err(Error::from))?;
        let addresses = page.items.iter().map(|record| record.text("email").to_owned());
        Ok(addresses.filter(|address| address != INSTALLER).collect())
    }

    /// The account at this address.
    fn superuser(&self, email: &str) -> Result<Option<Record>> {
        let collection = self.superusers()?;
        self.store()
            .read(|tx| Ok(tx.find_record(&collection, "email", email, false)?))
    }

    /// Deletes an account as a superuser would over the API, with all that this takes along.
    fn delete_account(&self, record: Record) -> Result<()> {
        let id = record.id().to_owned();
        let itself = Caller {
            auth: Some(record),
            ..Caller::default()
        };
        self.delete_record(Collection::SUPERUSERS, &id, &itself)
    }

    fn superusers(&self) -> Result<Arc<Collection>> {
        self.store()
            .schema()
            .find(Collection::SUPERUSERS)
            .cloned()
            .ok_or_else(|| Error::internal("the data has no collection of superusers"))
    }

    fn save_superuser(&self, email: &str, password: &str, mode: Mode) -> Result<()> {
        validate(email, password)?;
        if email == INSTALLER {
            return Err(taken());
        }
        let collection = self.superusers()?;
        let hash = hash_password(&collection, password)?;
        let email = email.to_owned();
        self.store().write(move |tx| {
            let existing = tx.find_record(&collection, "email", &email, false)?;
            let moment = Value::String(now());
            match existing {
                Some(_) if mode == Mode::Create => Err(taken()),
                None if mode == Mode::Update => Err(missing(&email)),
                Some(mut record) => {
                    set_password(&mut record, hash);
                    record.values.insert("updated".to_owned(), moment);
                    Ok(tx.update_record(&record)?)
                }
                None => {
                    let mut record = Record {
                        collection: collection.clone(),
                        values: serde_json::Map::new(),
                    };
                    record.values.insert("id".to_owned(), Value::String(new_id()));
                    record.values.insert("email".to_owned(), Value::String(email));
                    record.values.insert("emailVisibility".to_owned(), Value::Bool(false));
                    record.values.insert("verified".to_owned(), Value::Bool(true));
                    set_password(&mut record, hash);
                    record.values.insert("created".to_owned(), moment.clone());
                    record.values.insert("updated".to_owned(), moment);
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

/// Sets a password's hash, and with it a new `tokenKey`: who was logged in with the old password no longer is.
fn set_password(record: &mut Record, hash: String) {
    record.values.insert("password".to_owned(), Value::String(hash));
    record.values.insert("tokenKey".to_owned(), Value::String(new_secret()));
}

fn validate(email: &str, password: &str) -> Result<()> {
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

fn missing(email: &str) -> Error {
    Error::new(
        crate::ErrorKind::NotFound,
        format!("There is no superuser with the email address {email}."),
    )
}
