//! Tokens: what they say, how they are signed, and whom they stand for.

use bosbase_store::{AuthOptions, Record, TokenOptions};
use jsonwebtoken::{Algorithm, DecodingKey, EncodingKey, Header, Validation};
use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::error::{Error, Result};

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
pub(super) struct Claims {
    pub(super) collection_id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    email: Option<String>,
    exp: i64,
    pub(super) id: String,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    new_email: Option<String>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    refreshable: Option<bool>,
    #[serde(rename = "type")]
    purpose: String,
}

impl Claims {
    /// The last second in which the token is good, in Unix time.
    pub(super) fn last_second(&self) -> i64 {
        self.exp
    }

    /// Whether its time is over.
    pub(super) fn is_over(&self) -> bool {
        self.exp < jiff::Timestamp::now().as_second()
    }
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
    sign(record, purpose, None, |claims| {
        claims.email = Some(record.text("email").to_owned());
    })
}

/// A token that is mailed to the address `new_email`, which `record` is to have.
///
/// # Errors
///
/// As [`issue`].
pub(crate) fn issue_for_email_change(record: &Record, new_email: &str) -> Result<String> {
    sign(record, Purpose::EmailChange, None, |claims| {
        claims.email = Some(record.text("email").to_owned());
        claims.new_email = Some(new_email.to_owned());
    })
}

/// The addresses that a token names, before anybody looked at its signature: the account's, and the one that it is to
/// have. Empty where it names none.
pub(crate) fn addresses(token: &str) -> (String, String) {
    let claims = jsonwebtoken::dangerous::insecure_decode_claims::<Map<String, Value>>(token).unwrap_or_default();
    let text = |name: &str| claims.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
    (text("email"), text("newEmail"))
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
    let key = signing_key(record, token).ok_or_else(|| {
        // Data from elsewhere; the client that gave the right password is told what is wrong.
        Error::invalid("The account can't log in: it has no token key, or its collection no token secret. A new password gives it a key.")
    })?;
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

/// What a token for `purpose` says, before anybody looked at its signature; `None` for anything else.
pub(super) fn claimed(token: &str, purpose: Purpose) -> Option<Claims> {
    jsonwebtoken::dangerous::insecure_decode_claims::<Claims>(token)
        .ok()
        .filter(|claims| claims.purpose == purpose.name() && !claims.id.is_empty())
}

/// Whether `token` was signed for `record`, whose collection has these options, and has not expired. The signature is
/// compared in constant time.
pub(super) fn is_signed_with(token: &str, record: &Record, options: &AuthOptions, purpose: Purpose) -> bool {
    let Some(key) = signing_key(record, purpose.options(options)) else {
        return false;
    };
    let mut validation = Validation::new(Algorithm::HS256);
    validation.leeway = 0;
    validation.validate_aud = false;
    jsonwebtoken::decode::<Claims>(token, &DecodingKey::from_secret(key.as_bytes()), &validation).is_ok()
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use bosbase_store::{Collection, CollectionKind};
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
        is_signed_with(token, record, &AuthOptions::of(&record.collection).unwrap(), purpose)
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
