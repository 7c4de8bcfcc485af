//! What is asked of a provider: a token for a code, and with it who somebody is.

use std::time::Duration;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use bosbase_courier::{Error as Unanswered, Fetcher, Question, Reach, Reply};
use jiff::Timestamp;
use serde_json::{Map, Value, json};
use url::form_urlencoded;

use super::config::Configured;
use super::id_token;
use super::profile::Profile;
use super::provider::Emails;
use crate::error::{Error, Result};

/// How long all of it may take, as in PocketBase.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);
/// How long an answer may be, in bytes.
const LONGEST: usize = 1 << 20;
/// How much of a failure the log gets to see, in characters.
const SHOWN: usize = 300;

const NO_TOKEN: &str = "Failed to fetch OAuth2 token.";
const NO_USER: &str = "Failed to fetch OAuth2 user.";

/// A provider, with what the collection says of it, for one login.
pub(crate) struct Exchange<'a> {
    pub(crate) fetcher: &'a Fetcher,
    pub(crate) with: Configured<'a>,
}

/// What proves that somebody was at the provider.
pub(crate) struct Code<'a> {
    pub(crate) code: &'a str,
    pub(crate) verifier: &'a str,
    pub(crate) redirect_url: &'a str,
}

/// A token, and all else that came with it.
struct Token {
    kind: String,
    access: String,
    refresh: String,
    expiry: String,
    all: Map<String, Value>,
}

impl Exchange<'_> {
    /// Who the person is whom `code` was given to. Asynchronous; takes [`PATIENCE`] at most.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::Invalid`] where the provider gives no token or no profile, or can't be asked. The log tells
    /// why; no secret is in it.
    pub(crate) async fn profile(&self, code: &Code<'_>) -> Result<Profile> {
        let (id, secret) = (&self.with.own.client_id, &self.with.own.client_secret);
        let credentials = credentials(id, secret);
        let secrets = [secret, credentials.as_str(), code.code, code.verifier];
        let failed =
            |message: &str, error: Failure, secrets: &[&str]| Error::invalid(message).caused_by(error.without(secrets));
        let until = tokio::time::Instant::now() + PATIENCE;
        let late = |_| Failure::new(format!("it took longer than {} seconds", PATIENCE.as_secs()));
        let token = tokio::time::timeout_at(until, self.token(code)).await;
        let token = token
            .map_err(late)
            .and_then(|token| token)
            .map_err(|error| failed(NO_TOKEN, error, &secrets))?;
        let profile = tokio::time::timeout_at(until, self.profile_of(&token)).await;
        let read = profile.map_err(late).and_then(|profile| profile);
        let id_token = token.all.get("id_token").and_then(Value::as_str).unwrap_or_default();
        let tokens = [token.access.as_str(), token.refresh.as_str(), id_token];
        read.map_err(|error| failed(NO_USER, error, &[&secrets[..], &tokens].concat()))
    }

    /// Asks for the token. A client's secret goes into the header first, as the standard wants it of every provider,
    /// and into the form for those that don't follow it.
    async fn token(&self, code: &Code<'_>) -> Result<Token, Failure> {
        match self.token_once(code, true).await {
            // Nobody was reached, or nobody that speaks HTTP: the other way would meet the same.
            Err(Failure {
                is_answer: false,
                reason,
            }) => Err(Failure {
                is_answer: false,
                reason,
            }),
            Err(_) => self.token_once(code, false).await,
            token => token,
        }
    }

    async fn token_once(&self, code: &Code<'_>, secret_in_header: bool) -> Result<Token, Failure> {
        let question = self.about_token(code, secret_in_header)?;
        let reply = self.fetcher.ask(&question, Reach::Exactly, LONGEST, PATIENCE).await?;
        Token::read(&reply).map_err(|mut failure| {
            failure.is_answer = true;
            failure
        })
    }

    fn about_token(&self, code: &Code<'_>, secret_in_header: bool) -> Result<Question, Failure> {
        let (id, secret) = (&self.with.own.client_id, &self.with.own.client_secret);
        let mut form = form_urlencoded::Serializer::new(String::new());
        form.append_pair("grant_type", "authorization_code");
        form.append_pair("code", code.code);
        if !code.redirect_url.is_empty() {
            form.append_pair("redirect_uri", code.redirect_url);
        }
        if self.with.has_pkce() {
            form.append_pair("code_verifier", code.verifier);
        }
        let mut question = Question::new(self.with.token_url())?;
        if secret_in_header {
            question = question.with("authorization", &format!("Basic {}", credentials(id, secret)))?;
        } else {
            form.append_pair("client_id", id).append_pair("client_secret", secret);
        }
        Ok(question.posting("application/x-www-form-urlencoded", form.finish())?)
    }

    async fn profile_of(&self, token: &Token) -> Result<Profile, Failure> {
        let url = self.with.user_info_url();
        let answer = match &self.with.provider.id_token {
            Some(rules) if url.is_empty() => {
                let given = token.all.get("id_token").and_then(Value::as_str).unwrap_or_default();
                let checked = id_token::Check::new(given, rules, &self.with)?;
                let keys = match checked.keys_at() {
                    Some(url) => Some(parsed(&whole(self.ask(Question::new(url)?).await?)?)?),
                    None => None,
                };
                checked.claims(keys)?
            }
            _ => parsed(&whole(self.ask(self.about_profile(url, token)?).await?)?)?,
        };
        let mut profile = Profile::read(self.with.provider, answer, &token.all)?;
        if let Some(emails) = &self.with.provider.emails
            && (!emails.if_none || profile.email.is_empty())
        {
            profile.email = self.email(emails, url, token).await?;
        }
        profile.access_token.clone_from(&token.access);
        profile.refresh_token.clone_from(&token.refresh);
        profile.expiry.clone_from(&token.expiry);
        Ok(profile)
    }

    fn about_profile(&self, url: &str, token: &Token) -> Result<Question, Failure> {
        let mut question = Question::new(url)?.with("authorization", &token.authorization())?;
        for (name, value) in &self.with.provider.headers {
            question = question.with(name, &value.replace("{clientId}", &self.with.own.client_id))?;
        }
        if let Some(query) = &self.with.provider.graph_ql {
            question = question.posting("application/json", json!({ "query": query }).to_string())?;
        }
        Ok(question)
    }

    async fn email(&self, emails: &Emails, profile_url: &str, token: &Token) -> Result<String, Failure> {
        let url = if emails.url.is_empty() {
            format!("{profile_url}{}", emails.behind)
        } else {
            emails.url.clone()
        };
        let question = Question::new(&url)?.with("authorization", &token.authorization())?;
        let reply = self.ask(question).await?;
        if emails.unreadable.has(reply.status) {
            return Ok(String::new());
        }
        match parsed(&reply.body) {
            Ok(list) if reply.is_whole => Ok(emails.read(&list)?),
            Err(_) if emails.may_be_other => Ok(String::new()),
            Ok(_) => Err(too_long()),
            Err(error) => Err(error),
        }
    }

    async fn ask(&self, question: Question) -> Result<Reply, Failure> {
        Ok(self.fetcher.ask(&question, Reach::Anywhere, LONGEST, PATIENCE).await?)
    }
}

impl Token {
    /// What an answer says, as JSON or as a form.
    fn read(reply: &Reply) -> Result<Self, Failure> {
        if !(200..300).contains(&reply.status) {
            return Err(refusal(reply));
        }
        if !reply.is_whole {
            return Err(too_long());
        }
        let is_form = matches!(
            reply.content_type.as_str(),
            "application/x-www-form-urlencoded" | "text/plain"
        );
        let all = if is_form {
            let pairs = form_urlencoded::parse(&reply.body);
            pairs
                .map(|(name, value)| (name.into_owned(), Value::String(value.into_owned())))
                .collect()
        } else {
            match parsed(&reply.body)? {
                Value::Object(all) => all,
                _ => return Err(Failure::new("the answer with the token is no JSON object")),
            }
        };
        let text = |name: &str| all.get(name).and_then(Value::as_str).unwrap_or_default().to_owned();
        let access = text("access_token");
        if access.is_empty() {
            return Err(refusal(reply));
        }
        let seconds = match all.get("expires_in") {
            Some(Value::Number(number)) => number.as_f64().map(|seconds| seconds as i64),
            Some(Value::String(text)) => text.parse().ok(),
            _ => None,
        };
        let expiry = seconds.filter(|seconds| *seconds != 0).and_then(|seconds| {
            let at = Timestamp::now()
                .as_millisecond()
                .checked_add(seconds.checked_mul(1000)?)?;
            Timestamp::from_millisecond(at).ok()
        });
        Ok(Self {
            kind: text("token_type"),
            access,
            refresh: text("refresh_token"),
            expiry: expiry.map_or_else(String::new, |at| bosbase_store::normalize_date(&at.to_string())),
            all,
        })
    }

    fn authorization(&self) -> String {
        let kind = match self.kind.to_ascii_lowercase().as_str() {
            "" | "bearer" => "Bearer",
            "mac" => "MAC",
            "basic" => "Basic",
            _ => self.kind.as_str(),
        };
        format!("{kind} {}", self.access)
    }
}

/// Why a provider told nothing, for the log.
#[derive(Debug, thiserror::Error)]
#[error("{reason}")]
pub(crate) struct Failure {
    reason: String,
    /// Whether it is the provider's answer.
    is_answer: bool,
}

impl Failure {
    pub(crate) fn new(reason: impl std::fmt::Display) -> Self {
        Self {
            reason: reason.to_string(),
            is_answer: false,
        }
    }

    /// The same, short, with every one of `secrets` struck out: a provider may repeat what it was told, as it was told
    /// or as it read it.
    fn without(mut self, secrets: &[&str]) -> Self {
        let spellings = secrets.iter().filter(|secret| !secret.is_empty());
        let mut spellings: Vec<String> = spellings.flat_map(|secret| spellings_of(secret)).collect();
        // What contains another goes first, so that nothing is left of it.
        spellings.sort_by_key(|spelling| std::cmp::Reverse(spelling.len()));
        spellings.dedup();
        for spelling in &spellings {
            self.reason = self.reason.replace(spelling, "***");
        }
        // Cut at last: of a secret that is cut the rest would not be found.
        self.reason = self.reason.chars().take(SHOWN).collect();
        self
    }
}

/// A secret as it is, and encoded in the ways of forms, URLs and JSON.
fn spellings_of(secret: &str) -> [String; 5] {
    let form = form_encoded(secret);
    let url = form.replace('+', "%20");
    let lower = percent_in_lower_case(&url);
    let json = Value::from(secret).to_string();
    [secret.to_owned(), form, url, lower, json.trim_matches('"').to_owned()]
}

fn form_encoded(text: &str) -> String {
    form_urlencoded::byte_serialize(text.as_bytes()).collect()
}

/// The same, with the digits behind each `%` in lower case.
fn percent_in_lower_case(encoded: &str) -> String {
    let mut digits = 0;
    let lowered = encoded.chars().map(|character| {
        if character == '%' {
            digits = 2;
        } else if digits > 0 {
            digits -= 1;
            return character.to_ascii_lowercase();
        }
        character
    });
    lowered.collect()
}

/// A client's id and secret as the header wants them.
fn credentials(id: &str, secret: &str) -> String {
    STANDARD.encode(format!("{}:{}", form_encoded(id), form_encoded(secret)))
}

impl From<Unanswered> for Failure {
    fn from(error: Unanswered) -> Self {
        Self::new(error)
    }
}

impl From<super::profile::Unreadable> for Failure {
    fn from(error: super::profile::Unreadable) -> Self {
        Self::new(format!("its answer about the account can't be used: {error}"))
    }
}

/// What a provider says went wrong. Its answer may hold anything else, secrets among it: of that nothing is told.
fn refusal(reply: &Reply) -> Failure {
    let answer: Value = serde_json::from_slice(&reply.body).unwrap_or_default();
    let said = ["error", "error_description"].map(|name| answer.get(name).and_then(Value::as_str));
    let said = said.into_iter().flatten().collect::<Vec<_>>().join(": ");
    let said = if said.is_empty() { "no reason" } else { &said };
    Failure::new(format!("the provider answered {}: {said}", reply.status))
}

fn too_long() -> Failure {
    Failure::new(format!("the provider's answer is longer than {LONGEST} bytes"))
}

/// The body of an answer that is none of an error, and not too long.
fn whole(reply: Reply) -> Result<Vec<u8>, Failure> {
    if reply.status >= 400 {
        return Err(refusal(&reply));
    }
    if reply.is_whole {
        Ok(reply.body)
    } else {
        Err(too_long())
    }
}

fn parsed(body: &[u8]) -> Result<Value, Failure> {
    serde_json::from_slice(body).map_err(|error| Failure::new(format!("the provider's answer is no JSON: {error}")))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn reply(content_type: &str, body: &str) -> Reply {
        Reply {
            status: 200,
            content_type: content_type.to_owned(),
            body: body.as_bytes().to_vec(),
            is_whole: true,
        }
    }

    #[test]
    fn tokens_are_read_in_every_form_that_providers_give_them() {
        let json = r#"{"access_token":"a","token_type":"bearer","expires_in":"3600"}"#;
        let token = Token::read(&reply("application/json", json)).unwrap();
        assert_eq!(token.authorization(), "Bearer a");
        assert_eq!(token.expiry.len(), "2026-11-30 16:55:37.492Z".len());
        let token = Token::read(&reply("text/plain", "access_token=a%20b&refresh_token=r")).unwrap();
        assert_eq!((token.access.as_str(), token.refresh.as_str()), ("a b", "r"));
        assert_eq!(token.expiry, "");
        let token = Token::read(&reply("", r#"{"access_token":"a","token_type":"Zoho-oauthtoken"}"#)).unwrap();
        assert_eq!(token.authorization(), "Zoho-oauthtoken a");
        let huge = r#"{"access_token":"a","expires_in":1e300}"#;
        assert_eq!(Token::read(&reply("application/json", huge)).unwrap().expiry, "");
        for bad in ["[]", "{}", r#"{"error":"invalid_grant"}"#, "no"] {
            assert!(Token::read(&reply("application/json", bad)).is_err(), "{bad}");
        }
    }

    #[test]
    fn what_a_provider_repeats_of_secrets_is_struck_out() {
        let failure = Failure::new("bad code-1 of secret-1").without(&["secret-1", "", "code-1"]);
        assert_eq!(failure.to_string(), "bad *** of ***");
    }
    #[test]
    fn secrets_are_struck_out_however_they_are_spelled_and_before_the_text_is_cut() {
        let secret = format!("{}/+\"\\ é=", "s3".repeat(100));
        for spelling in spellings_of(&secret) {
            for before in [0, 200, SHOWN - 40] {
                let told = Failure::new(format!("{}{spelling}", "x".repeat(before))).without(&["s", &secret]);
                assert_eq!(told.to_string(), format!("{}***", "x".repeat(before)));
            }
        }
        assert_eq!(Failure::new("x".repeat(1000)).without(&[]).to_string().len(), SHOWN);
    }

    #[test]
    fn of_a_refusal_only_the_reason_is_told() {
        let told = |body: &str| refusal(&reply("application/json", body)).to_string();
        let body = r#"{"error":"invalid_grant","error_description":"No such code.","access_token":"a"}"#;
        assert_eq!(told(body), "the provider answered 200: invalid_grant: No such code.");
        for bare in [
            "code=a",
            r#"{"access_token":"a"}"#,
            r#"["a"]"#,
            r#"{"error":{"token":"a"}}"#,
        ] {
            assert_eq!(told(bare), "the provider answered 200: no reason");
        }
    }
}
