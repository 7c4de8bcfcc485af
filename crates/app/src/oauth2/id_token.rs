//! Identity tokens (OpenID Connect Core 1.0, section 3.1.3.7): who somebody is, signed by their provider.

use base64::Engine as _;
use base64::engine::general_purpose::URL_SAFE_NO_PAD;
use jiff::Timestamp;
use jsonwebtoken::jwk::{Jwk, JwkSet};
use jsonwebtoken::{Algorithm, DecodingKey, Validation, decode, decode_header};
use serde_json::Value;

use super::config::Configured;
use super::exchange::Failure;
use super::provider::IdTokens;

/// By how many seconds clocks may differ, as in PocketBase.
const LEEWAY: i64 = 300;
/// A provider signs with a key that only it has; what is made with a shared one proves nothing to others.
const ASYMMETRIC: [Algorithm; 9] = [
    Algorithm::RS256,
    Algorithm::RS384,
    Algorithm::RS512,
    Algorithm::PS256,
    Algorithm::PS384,
    Algorithm::PS512,
    Algorithm::ES256,
    Algorithm::ES384,
    Algorithm::EdDSA,
];

/// A token whose claims are in order, and whose signature is still to be looked at.
#[derive(Debug)]
pub(crate) struct Check {
    token: String,
    claims: Value,
    keys_at: String,
}

impl Check {
    /// Holds the claims of `token` against what `rules` and the collection's `config` say.
    ///
    /// # Errors
    ///
    /// Where it is no token, is for somebody else, from somebody else, or not valid now.
    pub(crate) fn new(token: &str, rules: &IdTokens, config: &Configured<'_>) -> Result<Self, Failure> {
        let claims = claims(token).ok_or_else(|| Failure::new("there is no identity token that can be read"))?;
        let refuse = |why: &str| Err(Failure::new(format!("the identity token {why}")));
        let is_for_us = match &claims["aud"] {
            Value::String(one) => *one == config.own.client_id,
            Value::Array(all) => all.iter().any(|one| one == config.own.client_id.as_str()),
            _ => false,
        };
        if !is_for_us || config.own.client_id.is_empty() {
            return refuse("is for another client (aud)");
        }
        let issuers = match rules.issuer.as_str() {
            "" => config.extra_texts("issuers"),
            issuer => vec![issuer],
        };
        let issuer = claims["iss"].as_str().unwrap_or_default();
        if !issuers.is_empty() && !issuers.contains(&issuer) {
            return refuse("is of another issuer (iss)");
        }
        let now = Timestamp::now().as_second();
        let moment = |name: &str| match &claims[name] {
            Value::Null => Ok(None),
            value => value
                .as_f64()
                .map(Some)
                .ok_or_else(|| Failure::new(format!("{name} is no time"))),
        };
        let keys_at = if rules.jwks_url.is_empty() {
            config.extra_text("jwksURL")
        } else {
            &rules.jwks_url
        };
        // With keys PocketBase asks for the end once more, to the second.
        let grace = if keys_at.is_empty() { LEEWAY } else { 0 };
        match moment("exp")? {
            Some(end) if end <= (now - grace) as f64 => return refuse("is over (exp)"),
            None if !rules.issuer.is_empty() => return refuse("has no end (exp)"),
            _ => {}
        }
        for name in ["nbf", "iat"] {
            if moment(name)?.is_some_and(|begin| begin > (now + LEEWAY) as f64) {
                return refuse(&format!("is not valid yet ({name})"));
            }
        }
        Ok(Self {
            token: token.to_owned(),
            claims,
            keys_at: keys_at.to_owned(),
        })
    }

    /// Where the provider's keys are; `None` where the collection names no place. The token came from the provider
    /// itself then, over the connection that was made to it.
    pub(crate) fn keys_at(&self) -> Option<&str> {
        (!self.keys_at.is_empty()).then_some(self.keys_at.as_str())
    }

    /// The claims, where one of `keys` (a set as in RFC 7517) signed them.
    ///
    /// # Errors
    ///
    /// Where none did.
    pub(crate) fn claims(self, keys: Option<Value>) -> Result<Value, Failure> {
        if self.keys_at.is_empty() {
            return Ok(self.claims);
        }
        let unsigned = |why: String| Failure::new(format!("the identity token's signature can't be verified: {why}"));
        let header = decode_header(&self.token).map_err(|error| unsigned(error.to_string()))?;
        let id = header.kid.unwrap_or_default();
        if id.is_empty() || !ASYMMETRIC.contains(&header.alg) {
            return Err(unsigned(
                "it names no key, or an algorithm that proves nothing".to_owned(),
            ));
        }
        let key = found(keys, &id).ok_or_else(|| unsigned("the provider has no such key".to_owned()))?;
        let said = key.common.key_algorithm.map(|algorithm| algorithm.to_string());
        if said.is_some_and(|said| said != format!("{:?}", header.alg)) {
            return Err(unsigned("the key is for another algorithm".to_owned()));
        }
        let key = DecodingKey::from_jwk(&key).map_err(|error| unsigned(error.to_string()))?;
        let mut validation = Validation::new(header.alg);
        // The claims were looked at before.
        validation.validate_exp = false;
        validation.validate_aud = false;
        validation.required_spec_claims.clear();
        decode::<Value>(&self.token, &key, &validation).map_err(|error| unsigned(error.to_string()))?;
        Ok(self.claims)
    }
}

/// The key of `keys` that is called `id`. Keys of other kinds in the set are passed over.
fn found(keys: Option<Value>, id: &str) -> Option<Jwk> {
    let keys = keys?.get_mut("keys")?.take();
    let Value::Array(keys) = keys else { return None };
    let one = keys.into_iter().find(|key| key["kid"] == id)?;
    let set = JwkSet {
        keys: vec![serde_json::from_value(one).ok()?],
    };
    set.find(id).cloned()
}

/// The claims of a token. Its signature is not looked at.
fn claims(token: &str) -> Option<Value> {
    let mut parts = token.split('.');
    let (_, claims, _) = (parts.next()?, parts.next()?, parts.next()?);
    if parts.next().is_some() {
        return None;
    }
    let claims: Value = serde_json::from_slice(&URL_SAFE_NO_PAD.decode(claims).ok()?).ok()?;
    claims.is_object().then_some(claims)
}
