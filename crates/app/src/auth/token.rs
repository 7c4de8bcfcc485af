//! Tokens: what they say, how they are signed, and whom they stand for.

use bosbase_store::{Collection, Record};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};

use super::options::{AuthOptions, TokenOptions};
use crate::app::App;
use crate::error::{Error, Result};
use crate::formats::Subnet;

/// What a token is good for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Purpose {
    /// Everything its record may do.
    Auth,
    /// Reading protected files and backups by URL; short-lived.
    File,
    /// Confirming an address; mailed.
    Verification,
    /// Setting a new password; mailed.
    PasswordReset,
    /// Changing the address; mailed to the new one.
    EmailChange,
}

impl Purpose {
    fn name(self) -> &'static str {
        match self {
            Self::Auth => "auth",
            Self::File => "file",
            Self::Verification => "verification",
            Self::PasswordReset => "passwordReset",
            Self::EmailChange => "emailChange",
        }
    }

    fn options(self, options: &AuthOptions) -> &TokenOptions {
        match self {
            Self::Auth => &options.auth_token,
            Self::File => &options.file_token,
            Self::Verification => &options.verification_token,
            Self::PasswordReset => &options.password_reset_token,
            Self::EmailChange => &options.email_change_token,
        }
    }
}

/// A token's claims, in the order in which PocketBase writes them.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Claims {
    collection_id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    email: Option<String>,
    exp: i64,
    id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    new_email: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    refreshable: Option<bool>,
    #[serde(rename = "type")]
    purpose: String,
}

/// A token for `record`, lasting `seconds` or else as long as its collection says.
///
/// # Errors
///
/// [`crate::ErrorKind::Internal`] where the record or its collection has no secret to sign with.
pub(crate) fn issue(record: &Record, purpose: Purpose, seconds: Option<i64>, refreshable: bool) -> Result<String> {
    sign(record, purpose, seconds, |claims| {
        claims.refreshable = (purpose == Purpose::Auth).then_some(refreshable);
    })
}

/// A token that is mailed to `record`: it dies with the address it was mailed to.
///
/// # Errors
///
/// As [`issue`].
pub(crate) fn issue_for_mail(record: &Record, purpose: Purpose) -> Result<String> {
    let email = record.text("email").to_owned();
    sign(record, purpose, None, |claims| {
        claims.new_email = (purpose == Purpose::EmailChange).then(|| email.clone());
        claims.email = Some(email);
    })
}

fn sign(record: &Record, purpose: Purpose, seconds: Option<i64>, more: impl FnOnce(&mut Claims)) -> Result<String> {
    let options = AuthOptions::of(&record.collection)?;
    let token = purpose.options(&options);
    let lasts = seconds.filter(|seconds| *seconds > 0).unwrap_or(token.duration);
    let mut claims = Claims {
        collection_id: record.collection.id.clone(),
        email: None,
        exp: jiff::Timestamp::now().as_second().saturating_add(lasts),
        id: record.id().to_owned(),
        new_email: None,
        refreshable: None,
        purpose: purpose.name().to_owned(),
    };
    more(&mut claims);
    let key =
        signing_key(record, token).ok_or_else(|| Error::internal("the record can't sign tokens: it has no key"))?;
    jsonwebtoken::encode(
        &Header::new(Algorithm::HS256),
        &claims,
        &EncodingKey::from_secret(key.as_bytes()),
    )
    .map_err(Error::internal)
}

/// Whether a valid token of `record` may be exchanged for a fresh one (`false` for one made to impersonate).
pub(crate) fn is_refreshable(token: &str) -> bool {
    jsonwebtoken::dangerous::insecure_decode_claims::<Claims>(token)
        .ok()
        .and_then(|claims| claims.refreshable)
        .unwrap_or(false)
}

fn signing_key(record: &Record, token: &TokenOptions) -> Option<String> {
    let own = record.text("tokenKey");
    // Half a key would be one that others may know.
    (!own.is_empty() && !token.secret.is_empty()).then(|| format!("{own}{}", token.secret))
}

impl App {
    /// The record that an auth token stands for, in a request from the address `ip`; `None` where the token is not valid (any
    /// more), or is that of a superuser and the settings bind those to other addresses.
    ///
    /// # Errors
    ///
    /// Where the database can't be asked.
    pub fn authenticate(&self, token: &str, ip: &str) -> Result<Option<Record>> {
        self.bearer(token, Purpose::Auth, ip)
    }

    /// The record that a file token stands for, as [`App::authenticate`].
    ///
    /// # Errors
    ///
    /// Where the database can't be asked.
    pub fn authenticate_file_token(&self, token: &str, ip: &str) -> Result<Option<Record>> {
        self.bearer(token, Purpose::File, ip)
    }

    /// Whether the settings admit superusers from the address `ip`.
    fn admits_superuser_from(&self, ip: &str) -> bool {
        let settings = self.settings();
        if settings.superuser_ips.is_empty() {
            return true;
        }
        ip.parse().is_ok_and(|ip| {
            settings
                .superuser_ips
                .iter()
                .filter_map(|text| Subnet::parse(text))
                .any(|subnet| subnet.contains(ip))
        })
    }

    fn bearer(&self, token: &str, purpose: Purpose, ip: &str) -> Result<Option<Record>> {
        let Ok(claims) = jsonwebtoken::dangerous::insecure_decode_claims::<Claims>(token) else {
            return Ok(None);
        };
        if claims.purpose != purpose.name() || claims.id.is_empty() {
            return Ok(None);
        }
        let schema = self.store().schema();
        let Some(collection) = schema.find(&claims.collection_id).filter(|found| found.is_auth()) else {
            return Ok(None);
        };
        let found = self
            .store()
            .read(|tx| tx.record(collection, &claims.id).map_err(Error::from))?;
        let Some(record) = found else {
            return Ok(None);
        };
        if !is_signed(token, &record, collection, purpose)? {
            return Ok(None);
        }
        let admitted = !collection.is_superusers() || self.admits_superuser_from(ip);
        Ok(admitted.then_some(record))
    }
}

/// Whether `token` was signed for `record` and has not expired. The signature is compared in constant time.
fn is_signed(token: &str, record: &Record, collection: &Collection, purpose: Purpose) -> Result<bool> {
    let options = AuthOptions::of(collection)?;
    let Some(key) = signing_key(record, purpose.options(&options)) else {
        return Ok(false);
    };
    let mut validation = Validation::new(Algorithm::HS256);
    validation.leeway = 0;
    validation.validate_aud = false;
    Ok(jsonwebtoken::decode::<Claims>(token, &DecodingKey::from_secret(key.as_bytes()), &validation).is_ok())
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use bosbase_store::CollectionKind;
    use serde_json::{Map, json};

    use super::*;

    fn record(token_key: &str, secret: &str) -> Record {
        let options =
            json!({"authToken": {"secret": secret, "duration": 60}, "fileToken": {"secret": "f", "duration": 60}});
        let collection: Collection = serde_json::from_value(json!({
            "id": "c1", "name": "users", "type": "auth", "options": options,
        }))
        .unwrap();
        assert_eq!(collection.kind, CollectionKind::Auth);
        let mut values = Map::new();
        values.insert("id".into(), json!("r1"));
        values.insert("tokenKey".into(), json!(token_key));
        Record {
            collection: Arc::new(collection),
            values,
        }
    }

    fn valid(token: &str, record: &Record, purpose: Purpose) -> bool {
        is_signed(token, record, &record.collection, purpose).unwrap()
    }

    #[test]
    fn a_token_dies_with_either_half_of_its_key() {
        let owner = record("key", "secret");
        let token = issue(&owner, Purpose::Auth, None, true).unwrap();
        assert!(valid(&token, &owner, Purpose::Auth));
        assert!(!valid(&token, &record("other", "secret"), Purpose::Auth));
        assert!(!valid(&token, &record("key", "other"), Purpose::Auth));
        assert!(!valid(&token, &owner, Purpose::File), "another purpose has another key");
        assert!(!valid(&token, &record("", "secret"), Purpose::Auth));
    }

    #[test]
    fn an_expired_or_unsigned_token_is_void() {
        let owner = record("key", "secret");
        let claims = Claims {
            collection_id: "c1".into(),
            email: None,
            new_email: None,
            exp: jiff::Timestamp::now().as_second() - 2,
            id: "r1".into(),
            refreshable: Some(true),
            purpose: "auth".into(),
        };
        let key = EncodingKey::from_secret(b"keysecret");
        let expired = jsonwebtoken::encode(&Header::new(Algorithm::HS256), &claims, &key).unwrap();
        assert!(!valid(&expired, &owner, Purpose::Auth));
        let fresh = issue(&owner, Purpose::Auth, None, true).unwrap();
        let (head, signature) = fresh.rsplit_once('.').unwrap();
        assert!(!valid(&format!("{head}."), &owner, Purpose::Auth));
        assert!(!valid(
            &format!("{head}.{}", signature.to_lowercase()),
            &owner,
            Purpose::Auth
        ));
        let none = "eyJhbGciOiJub25lIiwidHlwIjoiSldUIn0";
        let body = head.split_once('.').unwrap().1;
        assert!(!valid(&format!("{none}.{body}."), &owner, Purpose::Auth));
    }

    #[test]
    fn only_a_login_is_refreshable() {
        let owner = record("key", "secret");
        assert!(is_refreshable(&issue(&owner, Purpose::Auth, None, true).unwrap()));
        assert!(!is_refreshable(&issue(&owner, Purpose::Auth, Some(5), false).unwrap()));
        assert!(!is_refreshable("x"));
    }

    #[test]
    fn the_claims_are_those_of_pocketbase() {
        let owner = record("key", "secret");
        let token = issue(&owner, Purpose::File, None, true).unwrap();
        let claims: serde_json::Value = jsonwebtoken::dangerous::insecure_decode_claims(&token).unwrap();
        let names: Vec<&str> = claims.as_object().unwrap().keys().map(String::as_str).collect();
        assert_eq!(names, ["collectionId", "exp", "id", "type"]);
        assert_eq!(claims["type"], "file");
    }
}
