//! What an auth collection says about logging in to it (`_collections.options`).

use bosbase_store::Collection;
use serde::Deserialize;
use serde_json::Value;

use crate::error::{Error, Result};

/// The options of an auth collection that decide about logins. What is absent is off.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[allow(missing_docs, reason = "named as on the wire")]
pub struct AuthOptions {
    pub auth_rule: Option<String>,
    pub manage_rule: Option<String>,
    pub password_auth: PasswordAuth,
    #[serde(rename = "oauth2")]
    pub oauth2: Switch,
    pub mfa: Mfa,
    pub otp: Otp,
    pub auth_token: TokenOptions,
    pub file_token: TokenOptions,
    pub verification_token: TokenOptions,
    pub password_reset_token: TokenOptions,
    pub email_change_token: TokenOptions,
}

/// Which fields a password login goes by.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[allow(missing_docs, reason = "named as on the wire")]
pub struct PasswordAuth {
    pub enabled: bool,
    pub identity_fields: Vec<String>,
}

/// A feature that is on or off.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[allow(missing_docs, reason = "named as on the wire")]
pub struct Switch {
    pub enabled: bool,
}

/// Whether one factor is enough. `duration` in seconds.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[allow(missing_docs, reason = "named as on the wire")]
pub struct Mfa {
    pub enabled: bool,
    pub duration: i64,
    pub rule: String,
}

/// One-time passwords. `duration` in seconds.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[allow(missing_docs, reason = "named as on the wire")]
pub struct Otp {
    pub enabled: bool,
    pub duration: i64,
}

/// How tokens of one purpose are signed and how long they last, in seconds.
#[derive(Debug, Clone, Default, Deserialize)]
#[serde(default, rename_all = "camelCase")]
#[allow(missing_docs, reason = "named as on the wire")]
pub struct TokenOptions {
    pub secret: String,
    pub duration: i64,
}

impl AuthOptions {
    /// The options of an auth collection.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::Internal`] where what is stored is not PocketBase's.
    pub fn of(collection: &Collection) -> Result<Self> {
        serde_json::from_value(Value::Object(collection.options.clone())).map_err(Error::internal)
    }
}
