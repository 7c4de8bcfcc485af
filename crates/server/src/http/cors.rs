//! Which pages of other origins may call the API (`--origins`), as PocketBase answers them.

use axum::http::header::{
    ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS, ACCESS_CONTROL_ALLOW_ORIGIN,
    ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE, ACCESS_CONTROL_REQUEST_HEADERS, ORIGIN, VARY,
};
use axum::http::{HeaderMap, HeaderValue, StatusCode};
use axum::response::{IntoResponse as _, Response};

/// What a page may ask with.
const METHODS: HeaderValue = HeaderValue::from_static("GET,HEAD,PUT,PATCH,POST,DELETE");
/// What a page may read beside what it always may.
const EXPOSED: HeaderValue = HeaderValue::from_static("retry-after");
/// For how many seconds a browser need not ask again.
const MAX_AGE: HeaderValue = HeaderValue::from_static("86400");
/// Longer origins are compared with no pattern: a scheme of 5 letters, `://` and the longest name of a host.
const LONGEST: usize = 5 + 3 + 253;

/// The origins that may call.
#[derive(Debug, Clone, Default)]
pub struct Origins {
    any: bool,
    named: Vec<String>,
}

impl Origins {
    /// The origins of a command line: `*` for all, or names in which `*` stands for any characters and `?` for one.
    /// None at all is all, too.
    #[must_use]
    pub fn new(named: &[String]) -> Self {
        Self {
            any: named.is_empty() || named.iter().any(|origin| origin == "*"),
            named: named.to_vec(),
        }
    }

    /// The answer to an `OPTIONS` request.
    #[must_use]
    pub fn preflight(&self, asked: &HeaderMap) -> Response {
        let mut response = StatusCode::NO_CONTENT.into_response();
        let headers = response.headers_mut();
        if !self.admit(asked.get(ORIGIN), headers) {
            return response;
        }
        headers.append(VARY, HeaderValue::from_static("Access-Control-Request-Method"));
        headers.append(VARY, HeaderValue::from_static("Access-Control-Request-Headers"));
        headers.insert(ACCESS_CONTROL_ALLOW_METHODS, METHODS);
        headers.insert(ACCESS_CONTROL_MAX_AGE, MAX_AGE);
        headers.remove(ACCESS_CONTROL_EXPOSE_HEADERS);
        if let Some(wanted) = asked.get(ACCESS_CONTROL_REQUEST_HEADERS) {
            headers.insert(ACCESS_CONTROL_ALLOW_HEADERS, wanted.clone());
        }
        response
    }

    /// Says in the headers of an answer whether a page of `origin` may read it, and answers so.
    pub fn admit(&self, origin: Option<&HeaderValue>, answer: &mut HeaderMap) -> bool {
        answer.append(VARY, HeaderValue::from_static("Origin"));
        let Some(origin) = origin else {
            return false;
        };
        let allowed = if self.any {
            HeaderValue::from_static("*")
        } else if origin.to_str().is_ok_and(|origin| self.names(origin)) {
            origin.clone()
        } else {
            return false;
        };
        answer.insert(ACCESS_CONTROL_ALLOW_ORIGIN, allowed);
        answer.insert(ACCESS_CONTROL_EXPOSE_HEADERS, EXPOSED);
        true
    }

    fn names(&self, origin: &str) -> bool {
        let may_be_pattern = origin.len() <= LONGEST && origin.contains("://");
        let named = |name: &String| name == origin || may_be_pattern && matches(name.as_bytes(), origin.as_bytes());
        self.named.iter().any(named)
    }
}

/// Whether `text` is like `pattern`. Takes no longer than one times the other.
fn matches(pattern: &[u8], text: &[u8]) -> bool {
    let (mut at, mut read) = (0, 0);
    // Where the last `*` stands, and what it has taken so far.
    let mut star = None;
    while read < text.len() {
        match pattern.get(at) {
            Some(b'*') => {
                star = Some((at, read));
                at += 1;
            }
            Some(wanted) if *wanted == b'?' || *wanted == text[read] => {
                at += 1;
                read += 1;
            }
            _ => {
                let Some((place, taken)) = star else {
                    return false;
                };
                star = Some((place, taken + 1));
                (at, read) = (place + 1, taken + 1);
            }
        }
    }
    pattern[at..].iter().all(|rest| *rest == b'*')
}

#[cfg(test)]
mod tests {
    use super::*;

    fn allowed(named: &[&str], origin: &'static str) -> bool {
        let named: Vec<_> = named.iter().map(|name| (*name).to_owned()).collect();
        Origins::new(&named).admit(Some(&HeaderValue::from_static(origin)), &mut HeaderMap::new())
    }

    /// What PocketBase 0.40.6 says of the same origins.
    #[test]
    fn origins_are_named_in_full_or_with_placeholders() {
        let named = [
            "https://*.one.example",
            "https://two.example:8443",
            "https://t?ree.example",
        ];
        for (origin, expected) in [
            ("https://a.one.example", true),
            ("https://a.b.one.example", true),
            ("https://one.example", false),
            ("http://a.one.example", false),
            ("https://a.one.example.evil", false),
            ("https://two.example:8443", true),
            ("https://two.example", false),
            ("https://three.example", true),
            ("https://tree.example", false),
            ("null", false),
        ] {
            assert_eq!(allowed(&named, origin), expected, "{origin}");
        }
        assert!(allowed(&["*"], "https://any.example"));
        assert!(allowed(&[], "https://any.example"));
    }

    #[test]
    fn a_pattern_takes_no_time_to_speak_of() {
        let pattern = "*a".repeat(100);
        let text = "a".repeat(250);
        assert!(!matches(format!("{pattern}b").as_bytes(), text.as_bytes()));
        assert!(matches(pattern.as_bytes(), text.as_bytes()));
    }

    #[test]
    fn a_page_that_may_not_call_is_told_nothing() {
        let origins = Origins::new(&["https://one.example".to_owned()]);
        let asked = HeaderMap::from_iter([(ORIGIN, HeaderValue::from_static("https://evil.example"))]);
        let answer = origins.preflight(&asked);
        assert_eq!(answer.status(), StatusCode::NO_CONTENT);
        let told: Vec<_> = answer.headers().keys().collect();
        assert_eq!(told, [VARY.as_str()]);
    }
}
