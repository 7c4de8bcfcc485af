//! Mails a collection's template as it would be mailed to a user, so that the person who set it up sees it.

use std::sync::Arc;

use bosbase_store::{AuthOptions, Collection, FieldKind, MailTemplate, Record, Store, new_secret, now};
use serde_json::{Map, Value};

use super::account::{AccountMail, LoginAlertMail, OneTimePasswordMail};
use super::template::filled;
use crate::error::{Error, FieldErrors, Result};
use crate::form::{check_email, text};
use crate::settings::SettingsCell;

const FAILED: &str = "Failed to send the test email.";
const LONGEST: usize = 255;

/// A mail that is sent to users.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Account(AccountMail),
    Otp,
    LoginAlert,
}

impl Kind {
    fn parse(name: &str) -> Option<Self> {
        match name {
            "verification" => Some(Self::Account(AccountMail::Verification)),
            "password-reset" => Some(Self::Account(AccountMail::PasswordReset)),
            "email-change" => Some(Self::Account(AccountMail::EmailChange)),
            "otp" => Some(Self::Otp),
            "login-alert" => Some(Self::LoginAlert),
            _ => None,
        }
    }

    /// Its template among the options of the collection.
    fn template(self, options: &AuthOptions) -> &MailTemplate {
        match self {
            Self::Account(mail) => mail.template(options),
            Self::Otp => OneTimePasswordMail::template(options),
            Self::LoginAlert => LoginAlertMail::template(options),
        }
    }

    /// What it fills in by itself for `record`.
    fn values(self, record: &Record) -> Result<Vec<(&'static str, String)>> {
        match self {
            Self::Account(mail) => Ok(vec![("{TOKEN}", mail.token(record, record.text("email"))?)]),
            Self::Otp => {
                let sample = OneTimePasswordMail {
                    id: "_PB_TEST_OTP_ID_".to_owned(),
                    password: "123456".to_owned(),
                };
                Ok(sample.values().into())
            }
            Self::LoginAlert => Ok(vec![("{ALERT_INFO}", format!("{} - TEST_IP TEST_USER_AGENT", now()))]),
        }
    }
}

/// Mails a template for a try.
pub struct SampleMail {
    store: Store,
    settings: Arc<SettingsCell>,
}

impl SampleMail {
    /// Of the collections of `store`, by the mail server of `settings`.
    pub(crate) fn new(store: Store, settings: Arc<SettingsCell>) -> Self {
        Self { store, settings }
    }

    /// Mails the template `request.template` of `request.collection` (that of the superusers where it is not said) to
    /// `request.email`, filled in for a record that there is not. Blocks.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::Invalid`] in PocketBase's words, with the mail server's reason; and where `settings.smtp` is
    /// off: no other program on the machine is asked to send it.
    pub fn send(&self, request: &Map<String, Value>) -> Result<()> {
        let (email, template, name) = (
            text(request, "email")?,
            text(request, "template")?,
            text(request, "collection")?,
        );
        let schema = self.store.schema();
        let found = schema.find(if name.is_empty() { Collection::SUPERUSERS } else { name });
        let collection = found.filter(|found| found.is_auth());
        let kind = Kind::parse(template);
        let mut errors = FieldErrors::new();
        if name.len() > LONGEST {
            errors.add_length("collection", 1, LONGEST);
        } else if collection.is_none() {
            let message = "Must be a valid auth collection id or name.";
            errors.add("collection", "validation_invalid_auth_collection", message);
        }
        check_email(&mut errors, "email", email);
        if template.is_empty() {
            errors.add_required("template");
        } else if kind.is_none() {
            errors.add("template", "validation_in_invalid", "Must be a valid value.");
        }
        let (Some(kind), Some(collection), true) = (kind, collection, errors.is_empty()) else {
            return errors.into_result(FAILED);
        };
        let raw = |reason: &str| Error::invalid(format!("{FAILED} Raw error: \n{reason}."));
        let settings = self.settings.get();
        if !settings.smtp.enabled {
            return Err(raw("no mail server is set up: settings.smtp.enabled is off"));
        }
        let record = sample(collection, email);
        let values = kind.values(&record)?;
        let options = AuthOptions::readable(&collection.options);
        let mail = filled(kind.template(&options), &settings.meta, &record, &values);
        super::send(&settings, email, &mail.subject, &mail.body, None).map_err(|error| raw(&error.to_string()))
    }
}

/// A record that there is not: what it signs is good for nothing.
fn sample(collection: &Arc<Collection>, email: &str) -> Record {
    let mut values = Map::new();
    for field in collection.fields.iter().filter(|field| !field.hidden) {
        let value = match field.kind {
            FieldKind::Text { .. }
            | FieldKind::Editor { .. }
            | FieldKind::Email { .. }
            | FieldKind::Url { .. }
            | FieldKind::Select { .. }
            | FieldKind::File { .. }
            | FieldKind::Relation { .. } => Value::String(format!("__pb_test_{}__", field.name)),
            _ => Value::Null,
        };
        values.insert(field.name.clone(), value);
    }
    values.insert("email".to_owned(), Value::String(email.to_owned()));
    values.insert("tokenKey".to_owned(), Value::String(new_secret()));
    Record {
        collection: collection.clone(),
        values,
    }
}
