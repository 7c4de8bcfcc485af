//! The line of a request.

use std::borrow::Cow;
use std::sync::Arc;
use std::time::Duration;

use bosbase_store::Collection;
use percent_encoding::percent_decode_str;
use serde_json::{Map, Value, json};

use super::{Level, TRUNCATED};
use crate::memory::weight;

/// The longest that is kept, in characters.
const MAX_URL: usize = 1_000;
const MAX_HEADER: usize = 300;
/// Of what went wrong.
const MAX_ERROR: usize = 1_000;
const MAX_METHOD: usize = 50;

/// Query parameters whose values open doors.
const SECRET_PARAMETERS: [&str; 4] = ["token", "password", "secret", "code"];

/// A request and how it was answered.
#[derive(Debug, Clone, Default)]
#[allow(missing_docs, reason = "named as in HTTP")]
pub struct RequestLine {
    pub method: String,
    pub path: String,
    /// The part of the URL behind the `?`, encoded.
    pub query: String,
    pub status: u16,
    /// From the request's head to the answer's.
    pub duration: Duration,
    /// The client's address.
    pub ip: String,
    /// Who asked: the collection and id of the account.
    pub auth: Option<(Arc<Collection>, String)>,
    pub referer: String,
    pub user_agent: String,
    /// What went wrong, causes included.
    pub error: Option<String>,
    /// What the answer said by field.
    pub details: Map<String, Value>,
}

impl RequestLine {
    /// Whether it only read the logs, which would fill them with themselves.
    pub(super) fn is_about_logs(&self) -> bool {
        self.path == "/api/logs" || self.path.starts_with("/api/logs/")
    }

    pub(super) fn level(&self) -> Level {
        if self.error.is_some() || self.status >= 400 {
            Level::Error
        } else {
            Level::Info
        }
    }

    pub(super) fn message(&self) -> String {
        let mut url = percent_decode(&self.path);
        if !self.query.is_empty() {
            url.push('?');
            url.push_str(&percent_decode(&redacted(&self.query)));
        }
        format!("{} {}", shortened(&self.method, MAX_METHOD), shortened(&url, MAX_URL))
    }

    /// The circumstances, as the text of a JSON object of no more than `max` bytes: what comes behind them in the order
    /// of the names is left out, and a part says so.
    pub(super) fn data(&self, with_ip: bool, with_auth_id: bool, max: usize) -> String {
        let mut parts = Parts::new(max);
        parts.text(
            "auth",
            self.auth.as_ref().map_or("", |(collection, _)| &collection.name),
        );
        if let Some((_, id)) = self.auth.as_ref().filter(|_| with_auth_id) {
            parts.text("authId", id);
        }
        if let Some(error) = &self.error {
            let details = match self.details.is_empty() {
                true => Value::Null,
                false => Value::Object(self.details.clone()),
            };
            parts.json("details", &details);
            parts.text("error", &shortened(error, MAX_ERROR));
        }
        parts.json("execTime", &json!(self.duration.as_secs_f64() * 1_000.0));
        parts.text("method", &shortened(&self.method, MAX_METHOD));
        parts.text("referer", &shortened(&redacted_url(&self.referer), MAX_HEADER));
        if with_ip {
            parts.text("remoteIP", &self.ip);
        }
        parts.json("status", &self.status.into());
        parts.text("type", "request");
        let url = match self.query.is_empty() {
            true => shortened(&self.path, MAX_URL),
            false => shortened(&format!("{}?{}", self.path, redacted(&self.query)), MAX_URL)
                .into_owned()
                .into(),
        };
        parts.text("url", &url);
        parts.text("userAgent", &shortened(&self.user_agent, MAX_HEADER));
        if with_ip {
            parts.text("userIP", &self.ip);
        }
        parts.end()
    }

    /// About how much memory it takes, in bytes.
    pub(super) fn size(&self) -> usize {
        const LINE: usize = 512;
        let texts = [
            &self.method,
            &self.path,
            &self.query,
            &self.ip,
            &self.referer,
            &self.user_agent,
        ];
        let details: usize = self
            .details
            .iter()
            .map(|(name, value)| name.len() + weight(value))
            .sum();
        let error = self.error.as_ref().map_or(0, String::len);
        LINE + texts.map(String::len).iter().sum::<usize>() + error + details
    }
}

/// A JSON object that is written part by part, in the order of their names, as far as there is room.
struct Parts {
    text: String,
    left: Option<usize>,
}

impl Parts {
    fn new(max: usize) -> Self {
        Self {
            text: String::with_capacity(512),
            left: Some(max),
        }
    }

    fn text(&mut self, name: &str, value: &str) {
        self.add(name, |text| quote(value, text));
    }

    fn json(&mut self, name: &str, value: &Value) {
        self.add(name, |text| text.push_str(&value.to_string()));
    }

    fn add(&mut self, name: &str, value: impl FnOnce(&mut String)) {
        let Some(left) = self.left else { return };
        let begin = self.text.len();
        self.text.push(if begin == 0 { '{' } else { ',' });
        quote(name, &mut self.text);
        self.text.push(':');
        let value_begin = self.text.len();
        value(&mut self.text);
        self.left = left.checked_sub(name.len() + self.text.len() - value_begin);
        if self.left.is_none() {
            self.text.truncate(begin);
            self.text.push(if begin == 0 { '{' } else { ',' });
            self.text.push_str(&format!("\"{TRUNCATED}\":true"));
        }
    }

    fn end(mut self) -> String {
        self.text.push('}');
        self.text
    }
}

fn quote(value: &str, text: &mut String) {
    let is_plain = |byte: u8| byte >= b' ' && byte != b'"' && byte != b'\\';
    if value.bytes().all(is_plain) {
        text.push('"');
        text.push_str(value);
        text.push('"');
    } else {
        text.push_str(&Value::from(value).to_string());
    }
}

/// `query` with the values of secrets replaced: a reader of the logs must not be able to use another's token.
fn redacted(query: &str) -> String {
    let pairs: Vec<String> = query
        .split('&')
        .map(|pair| match pair.split_once('=') {
            Some((name, _)) if is_secret(name) => format!("{name}=***"),
            _ => pair.to_owned(),
        })
        .collect();
    pairs.join("&")
}

/// `url` with the values of secrets in its query replaced.
fn redacted_url(url: &str) -> Cow<'_, str> {
    match url.split_once('?') {
        Some((before, query)) => format!("{before}?{}", redacted(query)).into(),
        None => url.into(),
    }
}

fn is_secret(name: &str) -> bool {
    let name = percent_decode(name).to_lowercase();
    SECRET_PARAMETERS.iter().any(|secret| name.ends_with(secret))
}

/// `text` as it is where what it stands for is no UTF-8.
fn percent_decode(text: &str) -> String {
    percent_decode_str(text)
        .decode_utf8()
        .map_or_else(|_| text.to_owned(), Cow::into_owned)
}

fn shortened(text: &str, max: usize) -> Cow<'_, str> {
    // A character has a byte at least.
    if text.len() <= max {
        return text.into();
    }
    match text.char_indices().nth(max) {
        Some((end, _)) => format!("{}…", &text[..end]).into(),
        None => text.into(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    impl RequestLine {
        fn into_data(self, with_ip: bool, with_auth_id: bool) -> Map<String, Value> {
            serde_json::from_str(&self.data(with_ip, with_auth_id, usize::MAX)).unwrap()
        }
    }

    #[test]
    fn a_line_keeps_what_fits_in_the_order_of_names() {
        let mut long = line("");
        long.user_agent = "x".repeat(200);
        let whole = long.data(true, true, 10_000);
        assert_eq!(serde_json::from_str::<Value>(&whole).unwrap().to_string(), whole);
        let kept: Value = serde_json::from_str(&long.data(true, true, 250)).unwrap();
        assert_eq!(kept[TRUNCATED], true);
        assert_eq!(kept["url"], "/api/files/a%20b");
        assert!(kept.get("userAgent").is_none() && kept.get("userIP").is_none());
        assert_eq!(long.data(true, true, 0), format!("{{\"{TRUNCATED}\":true}}"));
    }

    fn line(query: &str) -> RequestLine {
        RequestLine {
            method: "GET".to_owned(),
            path: "/api/files/a%20b".to_owned(),
            query: query.to_owned(),
            status: 200,
            ..RequestLine::default()
        }
    }

    #[test]
    fn tokens_in_the_query_are_not_kept() {
        let line = line("download=1&token=eyJh.bGci&T%6fken=x&thumb=1x1");
        assert_eq!(
            line.message(),
            "GET /api/files/a b?download=1&token=***&Token=***&thumb=1x1"
        );
        let data = line.into_data(false, false);
        assert_eq!(
            data["url"],
            "/api/files/a%20b?download=1&token=***&T%6fken=***&thumb=1x1"
        );
        assert!(!Value::Object(data).to_string().contains("eyJh"));
    }

    #[test]
    fn tokens_in_the_page_that_led_here_are_not_kept() {
        let mut line = line("");
        line.referer = "https://app.example/file.pdf?token=eyJh.bGci&page=2".to_owned();
        assert_eq!(
            line.into_data(false, false)["referer"],
            "https://app.example/file.pdf?token=***&page=2"
        );
    }

    #[test]
    fn addresses_and_ids_are_kept_only_where_wanted() {
        let data = line("").into_data(false, false);
        assert!(data.get("userIP").is_none());
        assert_eq!(data["auth"], "");
        assert!(line("").into_data(true, true).get("userIP").is_some());
    }

    #[test]
    fn a_failed_request_is_an_error_line() {
        let mut failed = line("");
        failed.status = 404;
        failed.error = Some("gone".to_owned());
        assert_eq!(failed.level(), Level::Error);
        assert_eq!(failed.into_data(false, false)["error"], "gone");
        assert_eq!(line("").level(), Level::Info);
    }

    #[test]
    fn long_text_is_cut_between_characters() {
        assert_eq!(shortened("äöü", 2), "äö…");
        assert_eq!(shortened("äö", 2), "äö");
    }
}
