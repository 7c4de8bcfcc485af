//! The mails that accounts get.

use bosbase_store::{AuthOptions, MailTemplate, Record};

use super::template::{escaped, filled};
use crate::auth::{Purpose, issue_for_email_change, issue_for_mail};
use crate::error::{Error, Result};
use crate::settings::Settings;

/// A mail with a token that is sent to an account.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash)]
pub(crate) enum AccountMail {
    /// For confirming the address.
    Verification,
    /// For setting a new password.
    PasswordReset,
    /// For changing the address; it goes to the new one.
    EmailChange,
}

impl AccountMail {
    /// What it is called in messages.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Verification => "verification",
            Self::PasswordReset => "password reset",
            Self::EmailChange => "email change",
        }
    }

    /// Its template among the options of the collection.
    pub(super) fn template(self, options: &AuthOptions) -> &MailTemplate {
        match self {
            Self::Verification => &options.verification_template,
            Self::PasswordReset => &options.reset_password_template,
            Self::EmailChange => &options.confirm_email_change_template,
        }
    }

    pub(super) fn token(self, record: &Record, to: &str) -> Result<String> {
        match self {
            Self::Verification => issue_for_mail(record, Purpose::Verification),
            Self::PasswordReset => issue_for_mail(record, Purpose::PasswordReset),
            Self::EmailChange => issue_for_email_change(record, to),
        }
    }

    /// Mails it for `record` to the address `to`, as the collection's template and `settings` say. Waits for the mail
    /// server.
    ///
    /// # Errors
    ///
    /// What the mail server said, or why it could not be reached; and where `settings.smtp` is off.
    pub(crate) fn send(self, settings: &Settings, record: &Record, to: &str) -> Result<()> {
        let values = [("{TOKEN}", self.token(record, to)?)];
        send(settings, record, to, |options| self.template(options), &values)
    }
}

/// The mail with a one-time password.
pub(crate) struct OneTimePasswordMail {
    /// What it is called.
    pub(crate) id: String,
    /// The password.
    pub(crate) password: String,
}

impl OneTimePasswordMail {
    /// Its template among the options of the collection.
    pub(super) fn template(options: &AuthOptions) -> &MailTemplate {
        &options.otp.email_template
    }

    /// What it fills in by itself.
    pub(super) fn values(&self) -> [(&'static str, String); 2] {
        [("{OTP}", self.password.clone()), ("{OTP_ID}", self.id.clone())]
    }

    /// Mails it, as [`AccountMail::send`].
    ///
    /// # Errors
    ///
    /// As [`AccountMail::send`].
    pub(crate) fn send(&self, settings: &Settings, record: &Record, to: &str) -> Result<()> {
        send(settings, record, to, Self::template, &self.values())
    }
}

/// The mail about a login from somewhere new, and what it says of that.
pub(crate) struct LoginAlertMail(pub(crate) String);

impl LoginAlertMail {
    /// Its template among the options of the collection.
    pub(super) fn template(options: &AuthOptions) -> &MailTemplate {
        &options.auth_alert.email_template
    }

    /// Mails it, as [`AccountMail::send`].
    ///
    /// # Errors
    ///
    /// As [`AccountMail::send`].
    pub(crate) fn send(&self, settings: &Settings, record: &Record, to: &str) -> Result<()> {
        // A client's name is its own word: neither HTML nor a placeholder in it counts.
        let info = escaped(&self.0).replace('{', "&#123;");
        send(settings, record, to, Self::template, &[("{ALERT_INFO}", info)])
    }
}

fn send(
    settings: &Settings,
    record: &Record,
    to: &str,
    template: impl Fn(&AuthOptions) -> &MailTemplate,
    values: &[(&str, String)],
) -> Result<()> {
    if !settings.smtp.enabled {
        let text = "no mail server is set up: settings.smtp.enabled is off";
        return Err(Error::invalid(text));
    }
    let options = AuthOptions::readable(&record.collection.options);
    let filled = filled(template(&options), &settings.meta, record, values);
    super::send(settings, to, &filled.subject, &filled.body, None).map_err(Error::internal)
}
