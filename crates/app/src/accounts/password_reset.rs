//! Setting a new password where the old one is lost.

use std::sync::Arc;

use bosbase_store::{Collection, FieldKind};
use serde_json::{Map, Value};

use super::Accounts;
use super::by_mail::{INVALID_TOKEN, OTHER_COLLECTION};
use crate::auth::{AuthOptions, Purpose, addresses};
use crate::error::{Error, FieldErrors, Result};
use crate::form::{VALIDATING, check_email, text};
use crate::mails::AccountMail;

/// The longest password that is looked at, in bytes, as in PocketBase.
const LONGEST: usize = 255;

impl Accounts {
    /// The collection, whose accounts may ask for a new password.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::NotFound`] without such an auth collection, [`crate::ErrorKind::Invalid`] where it takes no
    /// passwords.
    pub fn with_password_reset(&self, collection: &str) -> Result<Arc<Collection>> {
        let collection = self.collection(collection)?;
        if !AuthOptions::of(&collection)?.password_auth.enabled {
            let text = "The collection is not configured to allow password authentication.";
            return Err(Error::invalid(text));
        }
        Ok(collection)
    }

    /// Mails a token to the account of `body.email` with which it sets a new password. Says the same where there is no
    /// such account, and where it was mailed less than two minutes ago. Does not wait for the mail server; what that
    /// says is logged.
    ///
    /// # Errors
    ///
    /// As [`Accounts::with_password_reset`]; [`crate::ErrorKind::Invalid`] for an address that is none.
    pub fn request_password_reset(&self, collection: &str, body: &Map<String, Value>) -> Result<()> {
        let collection = self.with_password_reset(collection)?;
        let email = text(body, "email")?;
        let mut errors = FieldErrors::new();
        check_email(&mut errors, "email", email);
        errors.into_result(VALIDATING)?;
        if let Some(record) = self.by_email(&collection, email)? {
            self.mail_once(AccountMail::PasswordReset, record);
        }
        Ok(())
    }

    /// Sets `body.password` as the password of the account that `body.token` was mailed to, and confirms its address.
    /// Every token made before is void. Hashes: take [`Accounts::password_turn`] first.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::NotFound`] without such an auth collection, [`crate::ErrorKind::Invalid`] for a token that
    /// is not valid, for a password that is not acceptable, and where the record can't be saved.
    pub fn confirm_password_reset(&self, collection: &str, body: &Map<String, Value>) -> Result<()> {
        let collection = self.collection(collection)?;
        let (given, password, confirm) = (
            text(body, "token")?,
            text(body, "password")?,
            text(body, "passwordConfirm")?,
        );
        let record = match given {
            "" => None,
            given => self.sessions().mailed(given, Purpose::PasswordReset)?,
        };
        let mut errors = FieldErrors::new();
        match &record {
            _ if given.is_empty() => errors.add_required("token"),
            None => errors.add("token", INVALID_TOKEN.0, INVALID_TOKEN.1),
            Some(record) if record.collection.id != collection.id => {
                errors.add("token", OTHER_COLLECTION.0, OTHER_COLLECTION.1);
            }
            Some(_) => {}
        }
        let least = least_password(&collection);
        if password.is_empty() {
            errors.add_required("password");
        } else if !(least..=LONGEST).contains(&password.len()) {
            errors.add_length("password", least, LONGEST);
        }
        if confirm.is_empty() {
            errors.add_required("passwordConfirm");
        } else if confirm != password {
            errors.add("passwordConfirm", "validation_values_mismatch", "Values don't match.");
        }
        errors.into_result(VALIDATING)?;
        let record = record.ok_or_else(|| Error::invalid("Invalid or expired password reset token."))?;
        let mut values = Map::new();
        values.insert("password".to_owned(), password.into());
        values.insert("passwordConfirm".to_owned(), confirm.into());
        // Who read the mail owns the address that it went to.
        if !record.flag("verified") && addresses(given).0 == record.text("email") {
            values.insert("verified".to_owned(), true.into());
        }
        self.records()
            .save_for_application(&record, values, "Failed to set new password.")?;
        self.resends().forget(AccountMail::PasswordReset, &record);
        Ok(())
    }
}

/// The least length of the collection's passwords.
fn least_password(collection: &Collection) -> usize {
    match collection.field("password").map(|field| &field.kind) {
        Some(FieldKind::Password { min, .. }) => usize::try_from(*min).unwrap_or_default().max(1),
        _ => 1,
    }
}
