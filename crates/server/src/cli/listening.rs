//! Where the server listens: addresses as PocketBase reads them, and the sockets that become of them.

use std::io;
use std::net::{IpAddr, TcpListener};

use bosbase_certificates::HostName;

use super::Failure;
use super::args::Serve;
use crate::restart;

/// The default of `--http` where no host is named, else of both.
const PLAIN: &str = "127.0.0.1:8090";
const EVERYWHERE: &str = "0.0.0.0:80";
const EVERYWHERE_TLS: &str = "0.0.0.0:443";

/// Where to listen, and for which hosts.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Addresses {
    pub http: String,
    /// Where TLS is spoken; `http` leads there then.
    pub https: Option<String>,
    /// The hosts that were named, the first of them the server's own.
    pub hosts: Vec<HostName>,
    /// The same with `www.`, which lead to those without.
    pub www: Vec<HostName>,
}

impl Addresses {
    /// What the command line says. `has_own_authority` where certificates come from another authority than the usual
    /// one, which has none for names inside of a network.
    ///
    /// # Errors
    ///
    /// Where it names what can't be an address, or the name of a host.
    pub fn of(serve: &Serve, has_own_authority: bool) -> Result<Self, Failure> {
        let given = |address: &Option<String>| address.clone().filter(|address| !address.is_empty());
        let (http, https) = (given(&serve.http), given(&serve.https));
        require_port("--http", http.as_deref())?;
        require_port("--https", https.as_deref())?;
        let (http, https) = if serve.domains.is_empty() {
            (http.unwrap_or_else(|| PLAIN.to_owned()), https)
        } else {
            (
                http.unwrap_or_else(|| EVERYWHERE.to_owned()),
                Some(https.unwrap_or_else(|| EVERYWHERE_TLS.to_owned())),
            )
        };
        if let Some(https) = &https
            && is_one(&http, https)
        {
            return Err(Failure(format!(
                "--http and --https can't be one address: {http} and {https} have the same port."
            )));
        }
        let named = match &https {
            Some(https) if serve.domains.is_empty() => vec![host_of(https).to_owned()],
            _ => serve.domains.clone(),
        };
        let mut hosts = Vec::new();
        if https.is_some() {
            let is_inside = |name: &str| !name.contains('.') && !serve.domains.is_empty();
            for (at, name) in named.iter().enumerate() {
                let host = HostName::parse(name).filter(|_| has_own_authority || !is_inside(name));
                hosts.push(host.ok_or_else(|| {
                    Failure(format!(
                        "There is no certificate for {}: name the host that people type, as in serve example.com.",
                        shown(name, at)
                    ))
                })?);
            }
        }
        let mut www: Vec<_> = hosts.iter().filter_map(HostName::with_www).collect();
        www.retain(|name| !hosts.contains(name));
        Ok(Self {
            http,
            https,
            hosts,
            www,
        })
    }

    /// Where requests are answered.
    fn main(&self) -> &str {
        self.https.as_deref().unwrap_or(&self.http)
    }

    /// The URL to type, for a server that listens on `port`.
    pub fn url(&self, port: u16) -> String {
        match (&self.https, self.hosts.first()) {
            (Some(_), Some(host)) if port == 443 => format!("https://{host}"),
            (Some(_), Some(host)) => format!("https://{host}:{port}"),
            _ => format!("http://{}:{port}", reachable(host_of(&self.http))),
        }
    }
}

/// Refuses an address without a port that can be one.
fn require_port(flag: &str, address: Option<&str>) -> Result<(), Failure> {
    let is_none = |address: &str| {
        address.rsplit_once(':').is_none_or(|(host, port)| {
            let is_of_host = |c: char| !c.is_whitespace() && !"/@?#".contains(c);
            port.parse::<u16>().is_err() || !host.chars().all(is_of_host)
        })
    };
    match address.filter(|address| is_none(address)) {
        Some(address) => Err(Failure(format!(
            "{flag} can't be {address:?}: it is HOST:PORT, as in 127.0.0.1:8090 or :8090."
        ))),
        None => Ok(()),
    }
}

/// Whether only one can listen on both addresses, as far as they tell. The system chooses a port for 0.
fn is_one(one: &str, other: &str) -> bool {
    let parts = |address: &str| {
        address
            .rsplit_once(':')
            .map(|(host, port)| (host.to_owned(), port.parse::<u16>().ok()))
    };
    let (Some((host, port)), Some((other, other_port))) = (parts(one), parts(other)) else {
        return false;
    };
    let is_everywhere = |host: &str| matches!(host, "" | "0.0.0.0" | "[::]");
    let is_same = host == other || is_everywhere(&host) || is_everywhere(&other);
    port == other_port && port != Some(0) && is_same
}

/// A host to type where the server listens on all addresses.
fn reachable(host: &str) -> &str {
    match host {
        "" | "0.0.0.0" | "[::]" => "127.0.0.1",
        named => named,
    }
}

/// A name that was refused. Shown only if it looks like a host's: a superuser and a password were typed here before.
fn shown(name: &str, at: usize) -> String {
    let is_of_name = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit() || ".:/*-".contains(c);
    let is_address = name.trim_matches(['[', ']']).parse::<IpAddr>().is_ok();
    if is_address || name.is_empty() || name.contains('.') && name.chars().all(is_of_name) {
        format!("{name:?}")
    } else {
        format!("domain {} of those named (not shown, as it may be a password)", at + 1)
    }
}

fn host_of(address: &str) -> &str {
    address.rsplit_once(':').map_or(address, |(host, _)| host)
}

/// The sockets of a server.
#[derive(Debug)]
pub struct Sockets {
    /// Where requests are answered.
    pub main: TcpListener,
    /// Plain HTTP, which leads to the other.
    pub plain: Option<TcpListener>,
}

impl Sockets {
    /// Listens on `addresses`; on the sockets that the process before this one handed over, or a service manager,
    /// where there are such.
    ///
    /// # Errors
    ///
    /// Where an address can't be listened on.
    pub fn open(addresses: &Addresses, inherited: Vec<TcpListener>) -> Result<Self, Failure> {
        let mut inherited = inherited.into_iter();
        let mut next = |address: &str, flag: &str| match inherited.next() {
            Some(socket) => Ok(socket),
            None => bind(address).map_err(|error| {
                Failure(format!(
                    "Can't listen on {address}: {error}. Choose another address with {flag} HOST:PORT."
                ))
            }),
        };
        let flag = if addresses.https.is_some() { "--https" } else { "--http" };
        let sockets = Self {
            main: next(addresses.main(), flag)?,
            plain: match addresses.https {
                Some(_) => Some(next(&addresses.http, "--http")?),
                None => None,
            },
        };
        for socket in sockets.all() {
            socket.set_nonblocking(true).map_err(unusable)?;
        }
        Ok(sockets)
    }

    fn all(&self) -> impl Iterator<Item = &TcpListener> {
        std::iter::once(&self.main).chain(&self.plain)
    }

    /// Others of the same sockets.
    ///
    /// # Errors
    ///
    /// Where there are too few descriptors.
    pub fn try_clone(&self) -> Result<Self, Failure> {
        let plain = self.plain.as_ref().map(TcpListener::try_clone);
        Ok(Self {
            main: self.main.try_clone().map_err(unusable)?,
            plain: plain.transpose().map_err(unusable)?,
        })
    }

    /// Executes this program again with the same arguments, which goes on listening. Returns only on failure.
    pub fn reexecute(&self) -> io::Error {
        let sockets: Vec<_> = self.all().collect();
        restart::reexecute(&sockets)
    }
}

/// What is said of a socket that fails.
#[expect(clippy::needless_pass_by_value, reason = "it is what errors are mapped by")]
pub fn unusable(error: io::Error) -> Failure {
    Failure(format!("Can't use the socket: {error}."))
}

/// Listens on `address`, `HOST:PORT`. Without a host, or with `0.0.0.0`, that is all addresses of both families, as
/// with PocketBase.
fn bind(address: &str) -> io::Result<TcpListener> {
    let Some((host, port)) = address.rsplit_once(':') else {
        return TcpListener::bind(address);
    };
    if !matches!(host, "" | "0.0.0.0") {
        return TcpListener::bind(address);
    }
    match TcpListener::bind(format!("[::]:{port}")) {
        // The port may still be had where there is no IPv6.
        Err(error) if error.kind() != io::ErrorKind::AddrInUse => TcpListener::bind(format!("0.0.0.0:{port}")),
        bound => bound,
    }
}

#[cfg(test)]
mod tests {
    use std::net::TcpStream;

    use clap::Parser as _;

    use super::super::args::{Arguments, Command};
    use super::*;

    fn addresses(line: &str) -> Result<Addresses, Failure> {
        let arguments = Arguments::try_parse_from(format!("bosbase serve {line}").split_whitespace()).unwrap();
        let Command::Serve(serve) = arguments.command else {
            panic!("not serve")
        };
        Addresses::of(&serve, false)
    }

    /// `--http :8090`, as in many a unit file, was no address.
    #[test]
    fn no_host_is_every_address() {
        for address in [":0", "0.0.0.0:0"] {
            let listener = bind(address).unwrap();
            TcpStream::connect(("127.0.0.1", listener.local_addr().unwrap().port())).unwrap();
        }
        assert!(bind("127.0.0.1:0").unwrap().local_addr().unwrap().ip().is_loopback());
        assert!(bind("nonsense").is_err());
    }

    #[test]
    fn addresses_are_pocketbase_s() {
        for (line, http, https, hosts, www) in [
            ("", "127.0.0.1:8090", None, "", ""),
            ("--http=", "127.0.0.1:8090", None, "", ""),
            ("--http :80", ":80", None, "", ""),
            (
                "example.com",
                "0.0.0.0:80",
                Some("0.0.0.0:443"),
                "example.com",
                "www.example.com",
            ),
            (
                "example.com www.example.com a.example",
                "0.0.0.0:80",
                Some("0.0.0.0:443"),
                "example.com www.example.com a.example",
                "www.a.example",
            ),
            (
                "www.example.com",
                "0.0.0.0:80",
                Some("0.0.0.0:443"),
                "www.example.com",
                "",
            ),
            (
                "--http 127.0.0.1:81 --https=127.0.0.1:444 example.com",
                "127.0.0.1:81",
                Some("127.0.0.1:444"),
                "example.com",
                "www.example.com",
            ),
            (
                "--https localhost:444",
                "127.0.0.1:8090",
                Some("localhost:444"),
                "localhost",
                "www.localhost",
            ),
        ] {
            let found = addresses(line).unwrap();
            assert_eq!((found.http.as_str(), found.https.as_deref()), (http, https), "{line}");
            let told = |names: &[HostName]| names.iter().map(HostName::as_str).collect::<Vec<_>>().join(" ");
            assert_eq!(
                (told(&found.hosts).as_str(), told(&found.www).as_str()),
                (hosts, www),
                "{line}"
            );
        }
        for line in [
            "--https :443",
            "--https 127.0.0.1:443",
            "*.example.com",
            "https://example.com",
        ] {
            assert!(addresses(line).is_err(), "{line}");
        }
    }

    /// After `serve EMAIL PASSWORD` one read the password in the log, and a certificate was ordered for it.
    #[test]
    fn what_is_no_domain_is_not_shown() {
        for line in [
            "s3cret-Word",
            "a@example.com",
            "example.com p@ss.word",
            "a.example correct-horse",
        ] {
            let told = addresses(line).unwrap_err().0;
            let last = line.split(' ').next_back().unwrap();
            assert!(
                told.contains("may be a password") && !told.contains(last),
                "{line}: {told}"
            );
        }
        let told = addresses("https://example.com").unwrap_err().0;
        assert!(told.contains("\"https://example.com\""), "{told}");
        // An authority of one's own may know it.
        let arguments = Arguments::try_parse_from(["bosbase", "serve", "intranet"]).unwrap();
        let Command::Serve(serve) = arguments.command else {
            panic!("not serve")
        };
        assert!(Addresses::of(&serve, true).is_ok());
    }

    #[test]
    fn a_server_is_called_what_people_can_type() {
        for everywhere in [":8090", "0.0.0.0:8090", "[::]:8090"] {
            let url = addresses(&format!("--http {everywhere}")).unwrap().url(8090);
            assert_eq!(url, "http://127.0.0.1:8090", "{everywhere}");
        }
        assert_eq!(addresses("").unwrap().url(1), "http://127.0.0.1:1");
        assert_eq!(addresses("example.com").unwrap().url(443), "https://example.com");
        assert_eq!(
            addresses("--https localhost:0").unwrap().url(444),
            "https://localhost:444"
        );
    }
}
