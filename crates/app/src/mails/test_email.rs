//! Mails a collection's template as it would be mailed to a user, so that whoever set it up sees it.

use std::sync::Arc;

use bosbase_store::{Collection, FieldKind, Record, new_secret, now};
use serde_json::{Map, Value};

use super::template::Template;
use crate::app::App;
use crate::auth::{Purpose, issue_for_mail};
use crate::error::{Error, FieldErrors, Result};
use crate::formats::is_email;

const FAILED: &str = "Failed to send the test email.";
const LONGEST: usize = 255;

/// A mail that is sent to users.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Kind {
    Verification,
    PasswordReset,
    EmailChange,
    Otp,
    LoginAlert,
}

impl Kind {
    fn parse(name: &str) -> Option<Self> {
        match name {
            "verification" => Some(Self::Verification),
            "password-reset" => Some(Self::PasswordReset),
            "email-change" => Some(Self::EmailChange),
            "otp" => Some(Self::Otp),
            "login-alert" => Some(Self::LoginAlert),
            _ => None,
        }
    }

    /// Where its template is among the options of the collection.
    fn pointer(self) -> &'static str {
        match self {
            Self::Verification => "/verificationTemplate",
            Self::PasswordReset => "/resetPasswordTemplate",
            Self::EmailChange => "/confirmEmailChangeTemplate",
            Self::Otp => "/otp/emailTemplate",
            Self::LoginAlert => "/authAlert/emailTemplate",
        }
    }

    /// What it fills in by itself for `record`.
    fn values(self, record: &Record) -> Result<Vec<(&'static str, String)>> {
        let token = |purpose| Ok(vec![("{TOKEN}", issue_for_mail(record, purpose)?)]);
        match self {
            Self::Verification => token(Purpose::Verification),
            Self::PasswordReset => token(Purpose::PasswordReset),
            Self::EmailChange => token(Purpose::EmailChange),
            Self::Otp => Ok(vec![
                ("{OTP}", "123456".to_owned()),
                ("{OTP_ID}", "_PB_TEST_OTP_ID_".to_owned()),
            ]),
            Self::LoginAlert => Ok(vec![("{ALERT_INFO}", format!("{} - TEST_IP TEST_USER_AGENT", now()))]),
        }
    }
}

impl App {
    /// Mails the template `request.template` of `request.collection` (that of the superusers where it is not said) to
    /// `request.email`, filled in for a record that there is not. Blocks.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::Invalid`] in PocketBase's words, with the mail server's reason; and where `settings.smtp` is off: no
    /// other program on the machine is asked to send it.
    pub fn test_email(&self, request: &Map<String, Value>) -> Result<()> {
        let (email, template, name) = (
            text(request, "email")?,
            text(request, "template")?,
            text(request, "collection")?,
        );
        let schema = self.store().schema();
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
        if email.is_empty() {
            errors.add_required("email");
        } else if email.len() > LONGEST {
            errors.add_length("email", 1, LONGEST);
        } else if !is_email(email) {
            errors.add("email", "validation_is_email", "Must be a valid email address.");
        }
        if template.is_empty() {
            errors.add_required("template");
        } else if kind.is_none() {
            errors.add("template", "validation_in_invalid", "Must be a valid value.");
        }
        let (Some(kind), Some(collection), true) = (kind, collection, errors.is_empty()) else {
            return errors.into_result(FAILED);
        };
        let raw = |reason: &str| Error::invalid(format!("{FAILED} Raw error: \n{reason}."));
        let settings = self.settings();
        if !settings.smtp.enabled {
            return Err(raw("no mail server is set up: settings.smtp.enabled is off"));
        }
        let record = sample(collection, email);
        let values = kind.values(&record)?;
        let mail = Template::of(&record, kind.pointer()).filled(&settings.meta, &record, &values);
        super::send(&settings, email, &mail.subject, &mail.body, None).map_err(|error| raw(&error.to_string()))
    }
}

fn text<'a>(request: &'a Map<String, Value>, name: &str) -> Result<&'a str> {
    match request.get(name) {
        None | Some(Value::Null) => Ok(""),
        Some(value) => value
            .as_str()
            .ok_or_else(|| Error::invalid("An error occurred while loading the submitted data.")),
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
