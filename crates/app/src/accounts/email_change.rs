//! Changing an account's address to one that is its owner's.

use std::sync::Arc;

use bosbase_store::{Collection, Record};
use serde_json::{Map, Value};

use super::Accounts;
use super::by_mail::{INVALID_TOKEN, OTHER_COLLECTION};
use crate::auth::{Purpose, addresses};
use crate::caller::Caller;
use crate::error::{Error, FieldErrors, Result};
use crate::form::{LOADING, VALIDATING, check_email, text};
use crate::mails::AccountMail;

const SUPERUSERS: &str = "All superusers can change their emails directly.";
/// The longest password that is looked at, in bytes, as in PocketBase.
const LONGEST: usize = 100;

impl Accounts {
    /// The collection, whose accounts change their addresses by mail.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::NotFound`] without such an auth collection, [`crate::ErrorKind::Invalid`] for superusers.
    pub fn with_email_change(&self, collection: &str) -> Result<Arc<Collection>> {
        self.collection_without_superusers(collection, SUPERUSERS)
    }

    /// Admits accounts of the collection only, of whichever type that is.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::NotFound`] without such a collection, and those of [`Caller::require_account_of`].
    pub fn require_own_account(&self, collection: &str, caller: &Caller) -> Result<()> {
        match self.store().schema().find(collection) {
            Some(found) => caller.require_account_of(found),
            None => self.collection(collection).map(drop),
        }
    }

    /// Mails a token to `body.newEmail` with which the caller's account takes it as its address. Waits for the mail
    /// server.
    ///
    /// # Errors
    ///
    /// As [`Accounts::require_own_account`] and [`Accounts::with_email_change`]; [`crate::ErrorKind::Invalid`] for an
    /// address that is none or another account's, and where the mail could not be sent.
    pub fn request_email_change(&self, collection: &str, body: &Map<String, Value>, caller: &Caller) -> Result<()> {
        self.require_own_account(collection, caller)?;
        let collection = self.with_email_change(collection)?;
        let record = caller.auth.clone().ok_or_else(Error::unauthenticated)?;
        let email = text(body, "newEmail")?;
        let mut errors = FieldErrors::new();
        if check_email(&mut errors, "newEmail", email) {
            if email == record.text("email") {
                errors.add("newEmail", "validation_not_in_invalid", "Must not be in list.");
            } else if self
                .by_email(&collection, email)?
                .is_some_and(|other| other.id() != record.id())
            {
                errors.add("newEmail", "validation_invalid_new_email", "Invalid new email address.");
            }
        }
        errors.into_result(VALIDATING)?;
        AccountMail::EmailChange
            .send(&self.settings().get(), &record, email)
            .map_err(|error| {
                self.logs()
                    .failure_for(&record, "Failed to request email change.", &error);
                Error::invalid("Failed to request email change.").caused_by(error)
            })
    }

    /// Makes the address that `body.token` was mailed to the address of its account, if `body.password` is the
    /// account's. Every token made before is void. Hashes: take [`Accounts::password_turn`] first.
    ///
    /// # Errors
    ///
    /// As [`Accounts::with_email_change`]; [`crate::ErrorKind::Invalid`] for a token or password that is not valid, and
    /// where the record can't be saved; [`crate::ErrorKind::RateLimited`] after too many wrong passwords.
    pub fn confirm_email_change(&self, collection: &str, body: &Map<String, Value>, caller: &Caller) -> Result<()> {
        let collection = self.with_email_change(collection)?;
        let (given, password) = (text(body, "token")?, text(body, "password")?);
        let (_, email) = addresses(given);
        let record = match email.as_str() {
            "" => None,
            _ => self.sessions().mailed(given, Purpose::EmailChange)?,
        };
        let mut errors = FieldErrors::new();
        let mut add = |(code, message): (&str, &str)| errors.add("token", code, message);
        let mut is_good = false;
        match &record {
            _ if given.is_empty() => errors.add_required("token"),
            _ if email.is_empty() => add((
                "validation_invalid_token_payload",
                "Invalid token payload - newEmail must be set.",
            )),
            None => add(INVALID_TOKEN),
            Some(record) if record.collection.id != collection.id => add(OTHER_COLLECTION),
            Some(_) if self.by_email(&collection, &email)?.is_some() => {
                add(("validation_invalid_token_email", "The new email address is invalid."));
            }
            Some(_) => is_good = true,
        }
        if password.is_empty() {
            errors.add_required("password");
        } else if password.len() > LONGEST {
            errors.add_length("password", 1, LONGEST);
        } else if !self.is_password_of(record.as_deref().filter(|_| is_good), password, caller)? {
            let text = "Missing or invalid auth record password.";
            errors.add("password", "validation_invalid_password", text);
        }
        errors.into_result(VALIDATING)?;
        let record = record.ok_or_else(|| Error::invalid(LOADING))?;
        let mut values = Map::new();
        values.insert("email".to_owned(), email.into());
        values.insert("verified".to_owned(), true.into());
        self.records()
            .save_for_application(&record, values, "Failed to confirm email change.")
    }

    /// Whether `password` is the account's. A guess counts as one at a login does.
    fn is_password_of(&self, account: Option<&Record>, password: &str, caller: &Caller) -> Result<bool> {
        let Some(account) = account else { return Ok(false) };
        let collection = &account.collection;
        let attempt = self
            .tries()
            .begin(&caller.ip, &format!("{} {}", collection.id, account.id()))?;
        let is_right = self
            .passwords()
            .verify(self.store(), collection, Some(account), password)?;
        attempt.decide(is_right);
        Ok(is_right)
    }
}
