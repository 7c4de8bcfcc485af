//! Names that certificates are issued for.

use std::fmt;
use std::net::IpAddr;

/// A host's name as DNS knows it: lower case letters, digits, hyphens and dots. Usable as the name of a file.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct HostName(String);

impl HostName {
    /// The name in `text`, in any case. `None` for what is none: an address, a name with a port or a placeholder, one
    /// that is too long. Names in other scripts have to be given in their ASCII form (`xn--…`).
    #[must_use]
    pub fn parse(text: &str) -> Option<Self> {
        let name = text.strip_suffix('.').unwrap_or(text).to_ascii_lowercase();
        let is_label = |label: &str| {
            (1..=63).contains(&label.len())
                && label.bytes().all(|byte| byte.is_ascii_alphanumeric() || byte == b'-')
                && !label.starts_with('-')
                && !label.ends_with('-')
        };
        let is_name = name.len() <= 253 && name.split('.').all(is_label) && name.parse::<IpAddr>().is_err();
        is_name.then_some(Self(name))
    }

    /// The same name with `www.` before it, if it has none.
    #[must_use]
    pub fn with_www(&self) -> Option<Self> {
        if self.0.starts_with("www.") {
            return None;
        }
        Self::parse(&format!("www.{}", self.0))
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for HostName {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

#[cfg(test)]
mod tests {
    use super::HostName;

    #[test]
    fn a_host_has_a_name_that_dns_knows() {
        for (text, name) in [
            ("example.com", "example.com"),
            ("WWW.Example.COM.", "www.example.com"),
            ("localhost", "localhost"),
            ("xn--bcher-kva.example", "xn--bcher-kva.example"),
        ] {
            assert_eq!(HostName::parse(text).unwrap().as_str(), name);
        }
        let long = "a.".repeat(130);
        for text in [
            "",
            ".",
            "a..b",
            "*.example.com",
            "127.0.0.1",
            "::1",
            "a_b.example",
            "example.com:443",
            "../x",
            "a/b",
            "-a.example",
            "bücher.example",
            &long,
        ] {
            assert_eq!(HostName::parse(text), None, "{text}");
        }
    }

    #[test]
    fn www_is_put_before_a_name_once() {
        let name = HostName::parse("example.com").unwrap();
        let www = name.with_www().unwrap();
        assert_eq!(www.as_str(), "www.example.com");
        assert_eq!(www.with_www(), None);
    }
}
