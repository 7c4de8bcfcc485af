//! Which addresses somebody else may make the process ask.

use std::net::{IpAddr, Ipv6Addr};
use std::sync::{Arc, LazyLock};

use ipnet::IpNet;
use reqwest::dns::{Addrs, Name, Resolve, Resolving};
use url::{Host, Url};

/// What belongs to nobody on the internet: this machine, its networks, and what no packet is sent to (IANA's registries
/// of special-purpose addresses). The ranges that are kept for examples stay out of it: nobody uses them.
static PRIVATE: LazyLock<Vec<IpNet>> = LazyLock::new(|| {
    const NETS: [&str; 22] = [
        "0.0.0.0/8",
        "10.0.0.0/8",
        "100.64.0.0/10",
        "127.0.0.0/8",
        "169.254.0.0/16",
        "172.16.0.0/12",
        "192.0.0.0/24",
        "192.88.99.0/24",
        "192.168.0.0/16",
        "198.18.0.0/15",
        "224.0.0.0/4",
        "240.0.0.0/4",
        "::/128",
        "::1/128",
        "64:ff9b:1::/48",
        "100::/64",
        "2001::/23",
        "5f00::/16",
        "fc00::/7",
        "fe80::/10",
        "fec0::/10",
        "ff00::/8",
    ];
    NETS.iter().filter_map(|net| net.parse().ok()).collect()
});

/// Whether an address is one of the internet. Where an IPv6 address leads to an IPv4 one, that one counts.
pub(crate) fn is_public(address: IpAddr) -> bool {
    let address = match address {
        IpAddr::V6(address) => embedded(address).unwrap_or(IpAddr::V6(address)),
        address => address,
    };
    !PRIVATE.iter().any(|net| net.contains(&address))
}

/// The IPv4 address within one of `::ffff:0:0/96`, `::/96`, `64:ff9b::/96` or `2002::/16`.
fn embedded(address: Ipv6Addr) -> Option<IpAddr> {
    let [a, b, c, d, e, f, g, h] = address.segments();
    let of = |high: u16, low: u16| Some(IpAddr::V4((u32::from(high) << 16 | u32::from(low)).into()));
    match [a, b, c, d, e, f] {
        [0, 0, 0, 0, 0, 0xffff] | [0x64, 0xff9b, 0, 0, 0, 0] => of(g, h),
        [0, 0, 0, 0, 0, 0] if (g, h) > (0, 1) => of(g, h),
        [0x2002, high, low, ..] => of(high, low),
        _ => None,
    }
}

/// Whether a URL is one that the internet may be asked for: by HTTP, and not by an address that is private. What its
/// name stands for is seen when it is looked up.
pub(crate) fn may_be_asked(url: &Url) -> bool {
    let is_public = match url.host() {
        Some(Host::Ipv4(address)) => is_public(address.into()),
        Some(Host::Ipv6(address)) => is_public(address.into()),
        Some(Host::Domain(name)) => !name.is_empty(),
        None => false,
    };
    is_public && matches!(url.scheme(), "http" | "https")
}

/// Looks names up, and passes over their private addresses. The connection goes to an address of these, so that no
/// second look-up can say another.
pub(crate) struct PublicNames;

impl Resolve for PublicNames {
    fn resolve(&self, name: Name) -> Resolving {
        let name = name.as_str().to_owned();
        Box::pin(async move {
            let found = tokio::net::lookup_host((name.as_str(), 0)).await?;
            let public: Vec<_> = found.filter(|address| is_public(address.ip())).collect();
            if public.is_empty() {
                return Err("its name stands for no public address".into());
            }
            Ok(Box::new(public.into_iter()) as Addrs)
        })
    }
}

pub(crate) fn public_names() -> Arc<PublicNames> {
    Arc::new(PublicNames)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_private_is_told_from_what_is_not() {
        for private in [
            "0.0.0.0",
            "10.1.2.3",
            "100.64.0.1",
            "127.0.0.1",
            "127.255.0.1",
            "169.254.169.254",
            "172.16.0.1",
            "172.31.255.255",
            "192.168.1.1",
            "198.18.0.1",
            "224.0.0.1",
            "255.255.255.255",
            "::",
            "::1",
            "::7f00:1",
            "::ffff:127.0.0.1",
            "::ffff:10.0.0.1",
            "64:ff9b::a00:1",
            "2002:7f00:1::",
            "2001::1",
            "fc00::1",
            "fd12::1",
            "fe80::1",
            "ff02::1",
        ] {
            assert!(!is_public(private.parse().unwrap()), "{private}");
        }
        for public in [
            "1.1.1.1",
            "172.32.0.1",
            "100.128.0.1",
            "203.0.113.7",
            "2606:4700::1111",
            "::ffff:1.1.1.1",
            "64:ff9b::101:101",
        ] {
            assert!(is_public(public.parse().unwrap()), "{public}");
        }
        assert_eq!(PRIVATE.len(), 22, "a range can't be read");
    }

    #[test]
    fn a_url_by_any_spelling_of_a_private_address_is_not_asked() {
        for private in [
            "http://127.0.0.1/",
            "http://2130706433/",
            "http://0x7f.1/",
            "http://0177.0.0.1/",
            "http://[::1]/",
            "http://[::ffff:7f00:1]/",
            "https://169.254.169.254/latest",
            "ftp://example.com/",
            "file:///etc/passwd",
        ] {
            let parsed = private.parse::<Url>();
            assert!(!parsed.is_ok_and(|url| may_be_asked(&url)), "{private}");
        }
        assert!(may_be_asked(&"https://example.com/a.png".parse().unwrap()));
    }
}
