//! Email addresses and URLs.

use super::Problem;
use crate::formats::is_email;

pub(super) fn email(value: &str, only: &[String], except: &[String], required: bool) -> Option<Problem> {
    if value.is_empty() {
        return required.then(Problem::required);
    }
    if !is_email(value) {
        return Some(Problem::new("validation_is_email", "Must be a valid email address."));
    }
    let domain = value.rsplit('@').next().unwrap_or_default();
    refused(domain, only, except)
        .then(|| Problem::new("validation_email_domain_not_allowed", "Email domain is not allowed."))
}

pub(super) fn url(value: &str, only: &[String], except: &[String], required: bool) -> Option<Problem> {
    if value.is_empty() {
        return required.then(Problem::required);
    }
    let Some(host) = host_of(value) else {
        return Some(Problem::new("validation_invalid_url", "Must be a valid url."));
    };
    refused(host, only, except).then(|| Problem::new("validation_url_domain_not_allowed", "Url domain is not allowed."))
}

fn refused(domain: &str, only: &[String], except: &[String]) -> bool {
    let listed = |list: &[String]| list.iter().any(|one| one == domain);
    (!only.is_empty() && !listed(only)) || listed(except)
}

/// The host (with its port) of a URL as PocketBase accepts it, with or without a scheme; `None` where it is none.
fn host_of(text: &str) -> Option<&str> {
    if text.chars().count() <= 3
        || text.chars().count() >= 2083
        || text.starts_with('.')
        || text.contains(char::is_whitespace)
    {
        return None;
    }
    let path = &text[..text.find(['?', '#']).unwrap_or(text.len())];
    if !text.contains(':') && !path.contains('.') {
        // A word alone is no address, and neither is a path.
        return None;
    }
    let (scheme, rest) = match text.split_once("://") {
        Some(("ftp" | "tcp" | "udp" | "ws" | "wss" | "http" | "https", rest)) => (true, rest),
        // Before a user's name PocketBase takes any other for a part of that.
        Some((before, rest)) if !before.contains(['/', '?', '#']) => {
            let authority = &rest[..rest.find(['/', '?', '#']).unwrap_or(rest.len())];
            if !authority.contains('@') {
                return None;
            }
            (true, rest)
        }
        _ => (false, text),
    };
    let authority = &rest[..rest.find(['/', '?', '#']).unwrap_or(rest.len())];
    let host_and_port = authority.rsplit('@').next().unwrap_or_default();
    let (host, port) = match host_and_port.rsplit_once(':') {
        Some((host, port)) if !host_and_port.ends_with(']') => (host, Some(port)),
        _ => (host_and_port, None),
    };
    let port_ok = port.is_none_or(|port| (1..=5).contains(&port.len()) && port.bytes().all(|b| b.is_ascii_digit()));
    let ipv6 = host
        .strip_prefix('[')
        .and_then(|inner| inner.strip_suffix(']'))
        .is_some_and(|inner| inner.parse::<std::net::Ipv6Addr>().is_ok());
    // A name may end with the dot of the root.
    let named = host.strip_suffix('.').unwrap_or(host).split('.').all(|label| {
        !label.is_empty()
            && label
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_' || c >= '\u{a1}')
            && !label.starts_with(['-', '_'])
            && !label.ends_with(['-', '_'])
    });
    if !port_ok || !(ipv6 || (named && has_end_of_name(host))) {
        return None;
    }
    // Without a scheme there is no telling a host from a path, and PocketBase knows no domain then.
    Some(if scheme { host_and_port } else { "" })
}

/// Whether a host with dots ends as PocketBase takes it: in a label of letters alone, or in any that stands behind one
/// of at least two characters. So `1.12` is none. An IPv4 address ends in numbers.
fn has_end_of_name(host: &str) -> bool {
    let host = host.strip_suffix('.').unwrap_or(host);
    let Some((before, last)) = host.rsplit_once('.') else {
        return true;
    };
    let is_short = before.rsplit('.').next().is_none_or(|label| label.chars().count() < 2);
    let is_of_letters = last.chars().all(|c| c.is_ascii_alphabetic() || c >= '\u{a1}');
    is_of_letters || !is_short || host.parse::<std::net::Ipv4Addr>().is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn urls_are_accepted_as_pocketbase_accepts_them() {
        for good in [
            "https://ok.com",
            "ok.com",
            "ftp://ok.com",
            "http://localhost:80",
            "https://ok",
            "http://user:pass@host.io/a?b#c",
            "http://[::1]:8090/",
            "http://127.0.0.1",
            "https://a./",
            "htt://u@a.b",
            "aa.b1",
            "a-b.12",
            "a_b.cd",
            "1.1.1.1",
            "http://é.b",
        ] {
            assert!(host_of(good).is_some(), "{good}");
        }
        for bad in [
            "x",
            "//x.com",
            "javascript://x.com",
            "https://a b.com",
            ".com.x",
            "http://",
            "http://x:999999",
            "https://a../",
            "htt://a.b/@c",
            "0.0000001",
            "http://a.b1",
            "a.b.12",
            "http://a_.bc",
        ] {
            assert!(host_of(bad).is_none(), "{bad}");
        }
        assert!(url("https://bad.com/x", &[], &["bad.com".into()], false).is_some());
    }
}
