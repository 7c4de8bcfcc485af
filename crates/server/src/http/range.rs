//! Which part of a resource a request wants (RFC 9110, sections 13 and 14).

use std::time::{Duration, SystemTime, UNIX_EPOCH};

use axum::http::{HeaderMap, header};

/// The part to send.
#[derive(Debug, PartialEq, Eq)]
pub enum Wanted {
    /// All of it.
    Whole,
    /// The bytes from `first` to `last`, both included.
    Part { first: u64, last: u64 },
    /// Nothing that there is.
    Unsatisfiable,
    /// Nothing: the client's copy is current.
    NotModified,
    /// Nothing: it is not what the client takes it for.
    Changed,
}

/// What `headers` ask of a resource of `len` bytes whose strong validator is `etag` and whose change `last_modified`
/// names (an HTTP date). Several ranges at once are answered with the whole, as RFC 9110 allows.
pub fn wanted(headers: &HeaderMap, len: u64, etag: &str, last_modified: &str) -> Wanted {
    let text = |name| headers.get(name).and_then(|value| value.to_str().ok());
    if let Some(known) = text(header::IF_MATCH) {
        if !known.split(',').map(str::trim).any(|tag| tag == "*" || tag == etag) {
            return Wanted::Changed;
        }
    } else if text(header::IF_UNMODIFIED_SINCE).is_some_and(|since| is_newer(since, last_modified)) {
        return Wanted::Changed;
    }
    if let Some(known) = text(header::IF_NONE_MATCH) {
        if known
            .split(',')
            .map(str::trim)
            .any(|tag| tag == "*" || tag.trim_start_matches("W/") == etag)
        {
            return Wanted::NotModified;
        }
    } else if text(header::IF_MODIFIED_SINCE).is_some_and(|since| is_current(since, last_modified)) {
        return Wanted::NotModified;
    }
    // Some clients ask for a part of everything; of nothing, nothing is all of it.
    let Some(range) = text(header::RANGE).filter(|_| len > 0) else {
        return Wanted::Whole;
    };
    // A client with a stale part must get the whole of the new one.
    if text(header::IF_RANGE).is_some_and(|known| known != etag && known != last_modified) {
        return Wanted::Whole;
    }
    let Ok(parsed) = http_range_header::parse_range_header(range) else {
        return Wanted::Whole;
    };
    match parsed.validate(len).as_deref() {
        Ok([one]) => Wanted::Part {
            first: *one.start(),
            last: *one.end(),
        },
        Ok(_) => Wanted::Whole,
        Err(_) => Wanted::Unsatisfiable,
    }
}

fn is_current(since: &str, last_modified: &str) -> bool {
    is_later(last_modified, since) == Some(false)
}

fn is_newer(since: &str, last_modified: &str) -> bool {
    is_later(last_modified, since) == Some(true)
}

/// Whether one HTTP date is later than the other; what is none can't be told.
fn is_later(one: &str, other: &str) -> Option<bool> {
    Some(httpdate::parse_http_date(one).ok()? > httpdate::parse_http_date(other).ok()?)
}

/// A time as HTTP writes it. What a file system holds beyond that is shown as the nearest that can be written.
pub fn http_date(time: SystemTime) -> String {
    const LAST: Duration = Duration::from_secs(253_402_300_799);
    let since = time.duration_since(UNIX_EPOCH).unwrap_or_default().min(LAST);
    httpdate::fmt_http_date(UNIX_EPOCH + since)
}

#[cfg(test)]
mod tests {
    use super::*;
    use axum::http::HeaderValue;

    const DATE: &str = "Mon, 23 Nov 2026 06:33:20 GMT";

    fn ask(pairs: &[(header::HeaderName, &'static str)]) -> Wanted {
        let mut headers = HeaderMap::new();
        for (name, value) in pairs {
            headers.insert(name.clone(), HeaderValue::from_static(value));
        }
        wanted(&headers, 100, "\"e\"", DATE)
    }

    #[test]
    fn a_range_is_clipped_to_what_there_is() {
        assert_eq!(
            ask(&[(header::RANGE, "bytes=90-200")]),
            Wanted::Part { first: 90, last: 99 }
        );
        assert_eq!(
            ask(&[(header::RANGE, "bytes=-10")]),
            Wanted::Part { first: 90, last: 99 }
        );
        assert_eq!(
            ask(&[(header::RANGE, "bytes=10-")]),
            Wanted::Part { first: 10, last: 99 }
        );
    }

    #[test]
    fn a_range_beyond_the_end_is_refused() {
        assert_eq!(ask(&[(header::RANGE, "bytes=100-")]), Wanted::Unsatisfiable);
    }

    #[test]
    fn nonsense_and_several_ranges_get_the_whole() {
        assert_eq!(ask(&[(header::RANGE, "lines=1-2")]), Wanted::Whole);
        let some = HeaderMap::from_iter([(header::RANGE, HeaderValue::from_static("bytes=0-2"))]);
        assert_eq!(wanted(&some, 0, "\"e\"", ""), Wanted::Whole, "of nothing");
        assert_eq!(ask(&[(header::RANGE, "bytes=0-1,5-6")]), Wanted::Whole);
    }

    #[test]
    fn a_range_of_another_version_gets_the_whole() {
        assert_eq!(
            ask(&[(header::RANGE, "bytes=0-1"), (header::IF_RANGE, "\"old\"")]),
            Wanted::Whole
        );
        let same = ask(&[(header::RANGE, "bytes=0-1"), (header::IF_RANGE, "\"e\"")]);
        assert_eq!(same, Wanted::Part { first: 0, last: 1 });
    }

    #[test]
    fn what_is_no_longer_what_the_client_has_is_not_sent() {
        assert_eq!(ask(&[(header::IF_MATCH, "\"x\"")]), Wanted::Changed);
        assert_eq!(ask(&[(header::IF_MATCH, "\"x\", \"e\"")]), Wanted::Whole);
        assert_eq!(ask(&[(header::IF_MATCH, "*")]), Wanted::Whole);
        let before = "Mon, 23 Nov 2026 06:33:19 GMT";
        assert_eq!(ask(&[(header::IF_UNMODIFIED_SINCE, before)]), Wanted::Changed);
        assert_eq!(ask(&[(header::IF_UNMODIFIED_SINCE, DATE)]), Wanted::Whole);
        assert_eq!(ask(&[(header::IF_UNMODIFIED_SINCE, "yesterday")]), Wanted::Whole);
    }

    #[test]
    fn of_nothing_there_are_no_parts() {
        let headers = HeaderMap::from_iter([(header::RANGE, HeaderValue::from_static("bytes=0-3"))]);
        assert_eq!(wanted(&headers, 0, "\"e\"", DATE), Wanted::Whole);
    }

    #[test]
    fn a_current_copy_is_not_sent_again() {
        assert_eq!(ask(&[(header::IF_NONE_MATCH, "\"x\", W/\"e\"")]), Wanted::NotModified);
        assert_eq!(ask(&[(header::IF_MODIFIED_SINCE, DATE)]), Wanted::NotModified);
        assert_eq!(
            ask(&[(header::IF_NONE_MATCH, "\"x\""), (header::IF_MODIFIED_SINCE, DATE)]),
            Wanted::Whole
        );
    }
}
