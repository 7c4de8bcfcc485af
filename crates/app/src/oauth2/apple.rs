//! What is special about Apple: names come with the redirect, once, and the client's secret is signed.

use std::collections::HashMap;
use std::time::{Duration, Instant};

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use jiff::Timestamp;
use jsonwebtoken::{Algorithm, EncodingKey, Header, encode};
use parking_lot::Mutex;
use serde::Deserialize;
use serde_json::{Map, Value, json};

use crate::error::{Error, FieldErrors, Result};
use crate::form::text;

const INVALID: &str = "Invalid client secret data.";
const ISSUER: &str = "https://appleid.apple.com";
/// How long Apple calls ids of teams and keys, in characters.
const ID: usize = 10;
/// About six months, in seconds: Apple's limit.
const LONGEST_DURATION: i64 = 15_777_000;
const BEGIN: &str = "-----BEGIN PRIVATE KEY-----";
const END: &str = "-----END PRIVATE KEY-----";

/// So long a name waits for its login …
const KEPT: Duration = Duration::from_secs(60);
/// … and so many do.
const MOST: usize = 1_000;
/// The longest code, in bytes, and name, in characters.
const LONGEST_CODE: usize = 1_000;
const LONGEST_NAME: usize = 150;

/// Names that came with redirects, until the login asks with the same code.
#[derive(Default)]
pub(crate) struct Names {
    by_code: Mutex<HashMap<String, (Instant, String)>>,
}

/// What somebody brings back from a provider.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Returned {
    /// Which event stream waits for it.
    pub state: String,
    /// What the provider gave.
    pub code: String,
    /// Why it gave nothing.
    pub error: String,
    /// Apple's JSON about the person.
    pub user: String,
}

impl Names {
    /// Keeps the name that `returned` tells for a minute.
    pub(crate) fn note(&self, returned: &Returned) {
        let Some(name) = name_in(&returned.user) else { return };
        if returned.code.is_empty() || returned.code.len() > LONGEST_CODE || !returned.error.is_empty() {
            return;
        }
        let mut by_code = self.by_code.lock();
        by_code.retain(|_, (since, _)| since.elapsed() < KEPT);
        if by_code.len() < MOST {
            by_code.insert(returned.code.clone(), (Instant::now(), name));
        }
    }

    /// The name that came with `code`. Once.
    pub(crate) fn take(&self, code: &str) -> Option<String> {
        let (since, name) = self.by_code.lock().remove(code)?;
        (since.elapsed() < KEPT).then_some(name)
    }
}

fn name_in(user: &str) -> Option<String> {
    #[derive(Default, Deserialize)]
    #[serde(default, rename_all = "camelCase")]
    struct Name {
        first_name: String,
        last_name: String,
    }
    #[derive(Default, Deserialize)]
    #[serde(default)]
    struct User {
        name: Name,
    }
    let User { name } = serde_json::from_str(user).ok()?;
    let whole: String = format!("{} {}", name.first_name, name.last_name)
        .chars()
        .take(LONGEST_NAME)
        .collect();
    let whole = whole.trim();
    (!whole.is_empty()).then(|| whole.to_owned())
}

/// A client's secret for Apple: a token that says who the client is, signed with its key. Neither is kept.
///
/// # Errors
///
/// [`crate::ErrorKind::Invalid`] with what is wrong with the request, or with the key.
pub fn client_secret(request: &Map<String, Value>) -> Result<String> {
    let (client, team, key_id) = (
        text(request, "clientId")?,
        text(request, "teamId")?,
        text(request, "keyId")?,
    );
    let key = text(request, "privateKey")?.trim();
    let duration = match request.get("duration") {
        None | Some(Value::Null) => 0,
        Some(value) => value.as_i64().ok_or_else(|| Error::invalid(crate::form::LOADING))?,
    };
    let mut errors = FieldErrors::new();
    if client.is_empty() {
        errors.add_required("clientId");
    }
    for (name, id) in [("teamId", team), ("keyId", key_id)] {
        if id.is_empty() {
            errors.add_required(name);
        } else if id.len() != ID {
            errors.add_length(name, ID, ID);
        }
    }
    let pem = key.split_once(BEGIN).and_then(|(_, rest)| rest.split_once(END));
    if key.is_empty() {
        errors.add_required("privateKey");
    } else if pem.is_none_or(|(body, _)| body.is_empty()) {
        errors.add("privateKey", "validation_match_invalid", "Must be in a valid format.");
    }
    if duration == 0 {
        errors.add_required("duration");
    } else if duration < 1 {
        errors.add_min("duration", 1);
    } else if duration > LONGEST_DURATION {
        errors.add_max("duration", LONGEST_DURATION);
    }
    errors.into_result(INVALID)?;
    let failed = |why: String| Error::invalid(format!("Failed to generate client secret. Raw error: \n{why}"));
    let body: String = pem.map_or("", |(body, _)| body).split_whitespace().collect();
    let der = STANDARD
        .decode(body)
        .map_err(|_| failed("the private key is no PEM".to_owned()))?;
    let mut header = Header::new(Algorithm::ES256);
    header.kid = Some(key_id.to_owned());
    let now = Timestamp::now().as_second();
    let claims = json!({"aud": [ISSUER], "sub": client, "iss": team, "iat": now, "exp": now + duration});
    encode(&header, &claims, &EncodingKey::from_ec_der(&der)).map_err(|error| failed(error.to_string()))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn returned(code: &str, user: &str) -> Returned {
        Returned {
            code: code.to_owned(),
            user: user.to_owned(),
            ..Returned::default()
        }
    }

    #[test]
    fn a_name_is_taken_once_and_by_its_code() {
        let names = Names::default();
        names.note(&returned("c", r#"{"name":{"firstName":"Jane","lastName":"Doe"}}"#));
        names.note(&returned("d", r#"{"name":{"firstName":"  "}}"#));
        names.note(&returned("", r#"{"name":{"firstName":"x"}}"#));
        names.note(&returned("e", "nonsense"));
        assert_eq!(names.take("d"), None);
        assert_eq!(names.take("c").as_deref(), Some("Jane Doe"));
        assert_eq!(names.take("c"), None);
        assert_eq!(names.by_code.lock().len(), 0);
        for number in 0..2 * MOST {
            names.note(&returned(&number.to_string(), r#"{"name":{"firstName":"x"}}"#));
        }
        assert_eq!(names.by_code.lock().len(), MOST);
    }

    #[test]
    fn a_name_is_cut_between_characters() {
        let long = format!(r#"{{"name":{{"firstName":"{}"}}}}"#, "ä".repeat(400));
        assert_eq!(name_in(&long).unwrap().chars().count(), LONGEST_NAME);
    }
}
