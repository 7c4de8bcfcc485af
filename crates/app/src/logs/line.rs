//! The line of a request.

use std::time::Duration;

use serde_json::{Map, Value, json};

use super::Level;
use crate::caller::Caller;

/// The longest that is kept, in characters.
const MAX_URL: usize = 3_000;
const MAX_HEADER: usize = 2_000;
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
    pub caller: Caller,
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

    pub(super) fn into_data(self, with_ip: bool, with_auth_id: bool) -> Map<String, Value> {
        let mut url = self.path;
        if !self.query.is_empty() {
            url.push('?');
            url.push_str(&redacted(&self.query));
        }
        let auth = self.caller.auth.as_ref();
        let mut data = Map::new();
        let mut set = |name: &str, value: Value| data.insert(name.to_owned(), value);
        set("type", json!("request"));
        set("execTime", json!(self.duration.as_secs_f64() * 1_000.0));
        set("url", json!(shortened(&url, MAX_URL)));
        set("method", json!(shortened(&self.method, MAX_METHOD)));
        set("status", json!(self.status));
        set("referer", json!(shortened(&redacted_url(&self.referer), MAX_HEADER)));
        set("userAgent", json!(shortened(&self.user_agent, MAX_HEADER)));
        set(
            "auth",
            json!(auth.map(|record| record.collection.name.as_str()).unwrap_or_default()),
        );
        if let Some(record) = auth.filter(|_| with_auth_id) {
            set("authId", json!(record.id()));
        }
        if with_ip {
            set("userIP", json!(self.caller.ip));
            set("remoteIP", json!(self.caller.ip));
        }
        if let Some(error) = &self.error {
            set("error", json!(error));
            let details = self.details;
            set(
                "details",
                if details.is_empty() {
                    Value::Null
                } else {
                    Value::Object(details)
                },
            );
        }
        data
    }
}

/// `query` with the values of secrets replaced: whoever reads the logs must not be able to use another's token.
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
fn redacted_url(url: &str) -> String {
    match url.split_once('?') {
        Some((before, query)) => format!("{before}?{}", redacted(query)),
        None => url.to_owned(),
    }
}

fn is_secret(name: &str) -> bool {
    let name = percent_decode(name).to_lowercase();
    SECRET_PARAMETERS.iter().any(|secret| name.ends_with(secret))
}

fn percent_decode(text: &str) -> String {
    let bytes = text.as_bytes();
    let mut decoded = Vec::with_capacity(bytes.len());
    let mut index = 0;
    while index < bytes.len() {
        let escape = bytes
            .get(index + 1..index + 3)
            .filter(|_| bytes[index] == b'%')
            .and_then(|digits| std::str::from_utf8(digits).ok())
            .and_then(|digits| u8::from_str_radix(digits, 16).ok());
        match escape {
            Some(byte) => {
                decoded.push(byte);
                index += 3;
            }
            None => {
                decoded.push(bytes[index]);
                index += 1;
            }
        }
    }
    String::from_utf8(decoded).unwrap_or_else(|_| text.to_owned())
}

fn shortened(text: &str, max: usize) -> String {
    match text.char_indices().nth(max) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

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
