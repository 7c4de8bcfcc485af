//! What an auth collection says about logging in to it, in PocketBase's shape.
//!
//! [`Collection::options`] holds the options as they are stored, with keys that no version knows. [`AuthOptions`] is
//! what they mean: defaults, merging, validation, presentation and use all go by its fields. `stored` reads and changes
//! the stored form.

mod oauth2;
mod stored;

pub use oauth2::{MappedFields, OAuth2, OAuth2Provider};
pub use stored::WrongType;
pub(crate) use stored::list_providers;

use std::fmt;
use std::sync::LazyLock;

use serde::{Deserialize, Deserializer, Serialize};

use crate::error::{Error, ErrorKind, Result};
use crate::model::collection::Collection;
use crate::model::identity::new_secret;

/// The options of an auth collection. Absent options are off, empty or zero.
#[derive(Debug, Clone, Default, PartialEq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[allow(missing_docs, reason = "named as on the wire")]
pub struct AuthOptions {
    pub auth_rule: Option<String>,
    pub manage_rule: Option<String>,
    pub auth_alert: AuthAlert,
    #[serde(rename = "oauth2")]
    pub oauth2: OAuth2,
    pub password_auth: PasswordAuth,
    pub mfa: Mfa,
    pub otp: Otp,
    pub auth_token: TokenOptions,
    pub password_reset_token: TokenOptions,
    pub email_change_token: TokenOptions,
    pub verification_token: TokenOptions,
    pub file_token: TokenOptions,
    pub verification_template: MailTemplate,
    pub reset_password_template: MailTemplate,
    pub confirm_email_change_template: MailTemplate,
}

/// Whether an account hears of logins from new places.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[allow(missing_docs, reason = "named as on the wire")]
pub struct AuthAlert {
    pub enabled: bool,
    pub email_template: MailTemplate,
}

/// Which fields a password login goes by.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[allow(missing_docs, reason = "named as on the wire")]
pub struct PasswordAuth {
    pub enabled: bool,
    #[serde(deserialize_with = "null_is_empty")]
    pub identity_fields: Vec<String>,
}

/// Whether one factor is enough. `duration` in seconds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[allow(missing_docs, reason = "named as on the wire")]
pub struct Mfa {
    pub enabled: bool,
    pub duration: i64,
    pub rule: String,
}

/// One-time passwords. `duration` in seconds, `length` in digits.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[allow(missing_docs, reason = "named as on the wire")]
pub struct Otp {
    pub enabled: bool,
    pub duration: i64,
    pub length: i64,
    pub email_template: MailTemplate,
}

/// How tokens of one purpose are signed and how long they last, in seconds.
#[derive(Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[allow(missing_docs, reason = "named as on the wire")]
pub struct TokenOptions {
    pub secret: String,
    pub duration: i64,
}

/// Without the secret, which belongs in no log.
impl fmt::Debug for TokenOptions {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TokenOptions")
            .field("duration", &self.duration)
            .finish_non_exhaustive()
    }
}

/// A mail to an account: HTML, with placeholders such as `{APP_NAME}` in both parts.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[allow(missing_docs, reason = "named as on the wire")]
pub struct MailTemplate {
    pub subject: String,
    pub body: String,
}

/// PocketBase's defaults; the secrets are empty.
static DEFAULTS: LazyLock<AuthOptions> = LazyLock::new(|| {
    serde_json::from_str(include_str!("../defaults/auth_options.json"))
        .expect("the built-in options are those of an auth collection")
});

impl AuthOptions {
    /// The options of a new auth collection, with fresh secrets.
    #[must_use]
    pub fn of_new_collection() -> Self {
        let mut options = DEFAULTS.clone();
        options.renew_secrets();
        options
    }

    /// The options of an auth collection.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Database`] where an option is not of PocketBase's type.
    pub fn of(collection: &Collection) -> Result<Self> {
        Self::deserialize(&collection.options).map_err(|error| {
            Error::new(
                ErrorKind::Database,
                format!("reading the options of the collection {}", collection.name),
                error.to_string(),
            )
        })
    }

    /// Gives every kind of token a new secret: all tokens that were issued with the old ones become void.
    pub(crate) fn renew_secrets(&mut self) {
        let tokens = [
            &mut self.auth_token,
            &mut self.password_reset_token,
            &mut self.email_change_token,
            &mut self.verification_token,
            &mut self.file_token,
        ];
        for token in tokens {
            token.secret = new_secret();
        }
    }

    /// The options that sign tokens, each with its name.
    #[must_use]
    pub fn tokens(&self) -> [(&'static str, &TokenOptions); 5] {
        [
            ("authToken", &self.auth_token),
            ("passwordResetToken", &self.password_reset_token),
            ("emailChangeToken", &self.email_change_token),
            ("verificationToken", &self.verification_token),
            ("fileToken", &self.file_token),
        ]
    }

    /// The options that are mails, each with its name.
    #[must_use]
    pub fn templates(&self) -> [(&'static str, &MailTemplate); 3] {
        [
            ("verificationTemplate", &self.verification_template),
            ("resetPasswordTemplate", &self.reset_password_template),
            ("confirmEmailChangeTemplate", &self.confirm_email_change_template),
        ]
    }
}

/// Reads null, which PocketBase writes for a list or object that is not there, as an empty one.
fn null_is_empty<'de, D: Deserializer<'de>, T: Default + Deserialize<'de>>(deserializer: D) -> Result<T, D::Error> {
    Option::deserialize(deserializer).map(Option::unwrap_or_default)
}
