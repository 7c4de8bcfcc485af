//! Formats of text that several validations share: email addresses, URLs, hosts, IP addresses.

use std::net::IpAddr;

use ipnet::IpNet;

/// Whether `text` has the form of an email address (RFC 5322's dot-atoms, no quoted local parts), in a domain with a
/// dot.
#[must_use]
pub fn is_email(text: &str) -> bool {
    let Some((local, domain)) = text.rsplit_once('@') else {
        return false;
    };
    let domain = domain.strip_suffix('.').unwrap_or(domain);
    is_dot_atom(local) && is_mail_domain(domain)
}

fn is_dot_atom(text: &str) -> bool {
    text.split('.').all(|atom| {
        !atom.is_empty()
            && atom
                .chars()
                .all(|c| c.is_ascii_alphanumeric() || "!#$%&'*+-/=?^_`{|}~".contains(c) || is_international(c))
    })
}

fn is_mail_domain(domain: &str) -> bool {
    let labels: Vec<&str> = domain.split('.').collect();
    let Some((last, others)) = labels.split_last() else {
        return false;
    };
    let letter = |c: char| c.is_ascii_alphabetic() || is_international(c);
    let inner = |c: char| c.is_ascii_alphanumeric() || "-_~".contains(c) || is_international(c);
    let edge = |c: char| c.is_ascii_alphanumeric() || is_international(c);
    let bounded = |label: &str, bound: &dyn Fn(char) -> bool| {
        label.chars().next().is_some_and(bound)
            && label.chars().next_back().is_some_and(bound)
            && label.chars().all(inner)
    };
    !others.is_empty() && others.iter().all(|label| bounded(label, &edge)) && bounded(last, &letter)
}

fn is_international(c: char) -> bool {
    matches!(c, '\u{00A0}'..='\u{D7FF}' | '\u{F900}'..='\u{FDCF}' | '\u{FDF0}'..='\u{FFEF}')
}

/// Whether `text` is a URL with a host; the scheme may be left out (`example.com/path`), as PocketBase allows.
#[must_use]
pub fn is_url(text: &str) -> bool {
    if text.len() < 3 || text.len() > 2083 || text.starts_with('.') || text.contains(char::is_whitespace) {
        return false;
    }
    let with_scheme = if text.contains("://") {
        text.to_owned()
    } else {
        format!("http://{text}")
    };
    let Ok(url) = url::Url::parse(&with_scheme) else {
        return false;
    };
    let known = matches!(
        url.scheme(),
        "http" | "https" | "ftp" | "ftps" | "tcp" | "udp" | "ws" | "wss" | "irc" | "rtmp"
    );
    let host = url.host_str().unwrap_or_default();
    let plain = host == "localhost"
        || host.parse::<IpAddr>().is_ok()
        || host.starts_with('[')
        || ((host.contains('.') || text.contains("://")) && is_dns_name(host.trim_end_matches('.')));
    known && plain
}

/// Whether `text` is an IP address or a DNS name.
#[must_use]
pub fn is_host(text: &str) -> bool {
    text.parse::<IpAddr>().is_ok() || is_dns_name(text)
}

fn is_dns_name(text: &str) -> bool {
    text.len() <= 255
        && text.split('.').all(|label| {
            (1..=63).contains(&label.len())
                && !label.starts_with('-')
                && !label.ends_with('-')
                && label
                    .chars()
                    .all(|c| c.is_ascii_alphanumeric() || c == '-' || c == '_' || is_international(c))
        })
}

/// An address or a subnet (`10.0.0.0/8`) that an address can be in.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Subnet(IpNet);

impl Subnet {
    /// Reads an address or a CIDR subnet.
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let alone = text
            .parse::<IpAddr>()
            .map(|address| IpNet::from(address.to_canonical()));
        alone.ok().or_else(|| text.parse().ok()).map(Self)
    }

    /// Whether `address` lies in it. An IPv4 address mapped into IPv6 counts as the IPv4 address.
    #[must_use]
    pub fn contains(&self, address: IpAddr) -> bool {
        self.0.contains(&address.to_canonical())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn email_addresses_are_told_from_other_text() {
        for good in ["a@b.co", "a.b+c@sub.example.com", "é@exämple.com", "x_y@a-b.org"] {
            assert!(is_email(good), "{good}");
        }
        for bad in [
            "", "x", "a@b", "a@@b.co", "a b@c.de", ".a@b.co", "a@b.c1", "a@-b.co", "a@b..co", "@b.co",
        ] {
            assert!(!is_email(bad), "{bad}");
        }
    }

    #[test]
    fn urls_need_a_host_and_may_lack_a_scheme() {
        for good in [
            "http://x.y",
            "foo.bar",
            "localhost:8090",
            "http://minio:9000",
            "https://127.0.0.1:1/p?q#f",
            "http://localhost",
        ] {
            assert!(is_url(good), "{good}");
        }
        for bad in [
            "",
            "nope x",
            "http://x y",
            "a b",
            ".x.y",
            "file:///etc/passwd",
            "http://",
        ] {
            assert!(!is_url(bad), "{bad}");
        }
    }

    #[test]
    fn a_subnet_holds_its_addresses_and_no_others() {
        let net = Subnet::parse("10.1.0.0/16").unwrap();
        assert!(net.contains("10.1.200.3".parse().unwrap()));
        assert!(net.contains("::ffff:10.1.0.1".parse().unwrap()));
        assert!(!net.contains("10.2.0.1".parse().unwrap()));
        assert!(!net.contains("::1".parse().unwrap()));
        assert!(Subnet::parse("0.0.0.0/0").unwrap().contains("9.9.9.9".parse().unwrap()));
        assert!(Subnet::parse("fe80::/10").unwrap().contains("fe80::1".parse().unwrap()));
        for bad in ["x", "1.2.3.4/99", "1.2.3.4/", "/8", ""] {
            assert_eq!(Subnet::parse(bad), None, "{bad}");
        }
    }
}
