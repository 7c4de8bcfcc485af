//! Confirming that an account's address is its own.

use std::sync::Arc;

use bosbase_store::{Collection, new_secret};
use serde_json::{Map, Value};

use super::Accounts;
use super::by_mail::{INVALID_TOKEN, OTHER_COLLECTION};
use crate::auth::{AuthOptions, Purpose, addresses};
use crate::error::{Error, FieldErrors, Result};
use crate::form::{VALIDATING, check_email, text};
use crate::mails::AccountMail;

const SUPERUSERS: &str = "All superusers are verified by default.";

impl Accounts {
    /// The collection, whose accounts confirm their addresses.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::NotFound`] without such an auth collection, [`crate::ErrorKind::Invalid`] for superusers.
    pub fn with_verification(&self, collection: &str) -> Result<Arc<Collection>> {
        self.collection_without_superusers(collection, SUPERUSERS)
    }

    /// Mails a token to the account of `body.email` with which it confirms the address. Says the same where there is no
    /// such account, where it is confirmed already, and where it was mailed less than two minutes ago. Does not wait
    /// for the mail server; what that says is logged.
    ///
    /// # Errors
    ///
    /// As [`Accounts::with_verification`]; [`crate::ErrorKind::Invalid`] for an address that is none.
    pub fn request_verification(&self, collection: &str, body: &Map<String, Value>) -> Result<()> {
        let collection = self.with_verification(collection)?;
        let email = text(body, "email")?;
        let mut errors = FieldErrors::new();
        check_email(&mut errors, "email", email);
        errors.into_result(VALIDATING)?;
        if let Some(record) = self.by_email(&collection, email)?
            && !record.flag("verified")
        {
            self.mail_once(AccountMail::Verification, record);
        }
        Ok(())
    }

    /// Confirms the address of the account that `body.token` was mailed to.
    ///
    /// # Errors
    ///
    /// As [`Accounts::with_verification`]; [`crate::ErrorKind::Invalid`] for a token that is not valid, and where the
    /// record can't be saved.
    pub fn confirm_verification(&self, collection: &str, body: &Map<String, Value>) -> Result<()> {
        let collection = self.with_verification(collection)?;
        let given = text(body, "token")?;
        let (email, _) = addresses(given);
        let record = match given {
            "" => None,
            given => self.sessions().mailed(given, Purpose::Verification)?,
        };
        let mut errors = FieldErrors::new();
        let mut add = |(code, message): (&str, &str)| errors.add("token", code, message);
        match &record {
            _ if given.is_empty() => errors.add_required("token"),
            _ if email.is_empty() => add(("validation_invalid_token_claims", "Missing email token claim.")),
            None => add(INVALID_TOKEN),
            Some(record) if record.collection.id != collection.id => add(OTHER_COLLECTION),
            Some(record) if record.text("email") != email => add((
                "validation_token_email_mismatch",
                "The record email doesn't match with the requested token claims.",
            )),
            Some(_) => {}
        }
        errors.into_result(VALIDATING)?;
        let record = record.ok_or_else(|| Error::invalid("Invalid or expired verification token."))?;
        if !record.flag("verified") {
            let mut values = Map::new();
            values.insert("verified".to_owned(), true.into());
            if !AuthOptions::of(&collection)?.password_auth.enabled {
                // Somebody else may have registered the address with a password of theirs, and wait for the collection
                // to take passwords.
                let password = new_secret();
                values.insert("password".to_owned(), password.clone().into());
                values.insert("passwordConfirm".to_owned(), password.into());
            }
            self.records().save_for_application(
                &record,
                values,
                "An error occurred while saving the verified state.",
            )?;
        }
        self.resends().forget(AccountMail::Verification, &record);
        Ok(())
    }
}
