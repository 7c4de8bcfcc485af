//! Certificates of host names: asked for at an ACME server (RFC 8555) when somebody wants to talk to a host, kept in a
//! folder, and renewed before they end.
//!
//! [`Certificates`] is all of it. It accepts connections, for which it has a certificate or gets one, and answers the
//! ACME server, which asks whether a host is really here: in a TLS handshake (`tls-alpn-01`, RFC 8737), or at an
//! address of plain HTTP (`http-01`) that the caller serves with [`Certificates::token`].
//!
//! What is not asked for is not ordered; one order of a host runs at a time; after one that failed the next waits,
//! since ACME servers count them.

mod challenge;
mod error;
mod folder;
mod host;
mod issued;
mod order;

use std::io;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use parking_lot::RwLock;
use rustls::ServerConfig;
use rustls::crypto::{CryptoProvider, ring};
use rustls::server::Acceptor;
use rustls::sign::{CertifiedKey, SingleCertAndKey};
use tokio::net::TcpStream;
use tokio::sync::Semaphore;
use tokio::time::timeout;
use tokio_rustls::LazyConfigAcceptor;
use tokio_rustls::server::TlsStream;

use challenge::Challenges;
use folder::Folder;
use issued::Issued;
use order::Orders;

pub use error::{Error, Result};
pub use host::HostName;
pub use order::require_root;

/// Let's Encrypt, where PocketBase gets its certificates.
pub const LETS_ENCRYPT: &str = "https://acme-v02.api.letsencrypt.org/directory";

/// How long a client may take for its part of a handshake.
const HANDSHAKE: Duration = Duration::from_secs(15);
/// So many clients wait for a certificate at a time, and so long: longer than an ACME server takes, for the most part.
const WAITING: usize = 256;
const PATIENCE: Duration = Duration::from_secs(60);
/// How often certificates are looked at.
const LOOK: Duration = Duration::from_secs(3600);
/// The protocol by which an ACME server looks for a host.
const ACME_TLS: &[u8] = b"acme-tls/1";

/// What certificates are wanted, and from whom.
#[derive(Debug, Clone)]
pub struct Wanted {
    /// The hosts that there may be certificates for. Those of `now` are ordered without being asked for.
    pub hosts: Vec<HostName>,
    /// The hosts that somebody named; the others may not lead here at all.
    pub now: Vec<HostName>,
    /// The URL of the ACME server's directory.
    pub directory: String,
    /// The PEM file of the root certificate that the ACME server itself is trusted by; the system's if none is named.
    pub root: Option<PathBuf>,
    /// Where certificates and the account are kept.
    pub folder: PathBuf,
    /// A folder of PocketBase's with certificates that may still be good, to begin with.
    pub inherited: Option<PathBuf>,
}

/// The certificates of some hosts. Clones share them.
#[derive(Debug, Clone)]
pub struct Certificates(Arc<Inner>);

#[derive(Debug)]
struct Inner {
    provider: Arc<CryptoProvider>,
    hosts: Vec<Host>,
    now: Vec<HostName>,
    challenges: Challenges,
    orders: Orders,
    folder: Folder,
    waiting: Semaphore,
}

/// One host with what is known of it.
#[derive(Debug)]
struct Host {
    name: HostName,
    issued: RwLock<Option<Issued>>,
    /// Held by who orders; holds when an order may be next, and how many failed.
    turn: tokio::sync::Mutex<Failures>,
}

#[derive(Debug, Default)]
struct Failures {
    count: u32,
    next: Option<SystemTime>,
}

impl Certificates {
    /// Reads what is kept of `wanted`. Blocks.
    ///
    /// # Errors
    ///
    /// Where the folder can't be made or read.
    pub fn open(wanted: Wanted) -> Result<Self> {
        let provider = Arc::new(ring::default_provider());
        let folder = Folder::open(&wanted.folder, &wanted.directory)?;
        let mut hosts = Vec::new();
        for name in wanted.hosts {
            let mut issued = folder.certificate(&name, &provider)?;
            if issued.is_none()
                && wanted.directory == LETS_ENCRYPT
                && let Some(inherited) = &wanted.inherited
            {
                issued = folder::inherited(inherited, &name, &provider);
            }
            hosts.push(Host {
                name,
                issued: RwLock::new(issued),
                turn: tokio::sync::Mutex::default(),
            });
        }
        Ok(Self(Arc::new(Inner {
            provider,
            hosts,
            now: wanted.now,
            challenges: Challenges::default(),
            orders: Orders::new(wanted.directory, wanted.root),
            folder,
            waiting: Semaphore::new(WAITING),
        })))
    }

    /// Makes a TLS connection of what a client has opened; waits for a certificate where there is none yet. `None` for
    /// the ACME server, which has seen what it wanted.
    ///
    /// # Errors
    ///
    /// Where the client is too slow or speaks no TLS, names none of the hosts, or no certificate is to be had.
    pub async fn accept(&self, stream: TcpStream) -> io::Result<Option<TlsStream<TcpStream>>> {
        let asked = timeout(HANDSHAKE, LazyConfigAcceptor::new(Acceptor::default(), stream)).await??;
        let (name, is_challenge) = {
            let hello = asked.client_hello();
            let name = hello.server_name().and_then(HostName::parse);
            (name, hello.alpn().is_some_and(|wanted| wanted.eq([ACME_TLS])))
        };
        let name = name.ok_or_else(|| refused("the client names no host"))?;
        let key = if is_challenge {
            let key = self.0.challenges.certificate(&name);
            key.ok_or_else(|| refused("nobody has asked for such a challenge"))?
        } else {
            self.of(&name).await.map_err(io::Error::other)?
        };
        let protocol = if is_challenge { ACME_TLS } else { b"http/1.1" };
        let config = Arc::new(self.config(key, protocol)?);
        let stream = timeout(HANDSHAKE, asked.into_stream(config)).await??;
        Ok((!is_challenge).then_some(stream))
    }

    fn config(&self, key: Arc<CertifiedKey>, protocol: &[u8]) -> io::Result<ServerConfig> {
        let mut config = ServerConfig::builder_with_provider(self.0.provider.clone())
            .with_safe_default_protocol_versions()
            .map_err(io::Error::other)?
            .with_no_client_auth()
            .with_cert_resolver(Arc::new(SingleCertAndKey::from(key)));
        config.alpn_protocols = vec![protocol.to_vec()];
        Ok(config)
    }

    /// What the ACME server is to find for `token` at `/.well-known/acme-challenge/TOKEN` of plain HTTP.
    #[must_use]
    pub fn token(&self, token: &str) -> Option<String> {
        self.0.challenges.token(token)
    }

    /// Whether this is the name of one of the hosts.
    #[must_use]
    pub fn names(&self, host: &HostName) -> bool {
        self.0.hosts.iter().any(|known| known.name == *host)
    }

    /// Orders the certificates that are wanted now, and renews all that there are, for as long as it is driven.
    pub async fn keep(&self) {
        loop {
            for host in &self.0.hosts {
                let due = match &*host.issued.read() {
                    Some(issued) => issued.is_due(SystemTime::now()),
                    None => self.0.now.contains(&host.name),
                };
                if due && let Err(error) = self.order(host, true).await {
                    tracing::debug!(host = %host.name, %error, "no new certificate");
                }
            }
            let next = self.next_look().await;
            tokio::time::sleep(next).await;
        }
    }

    /// How long until something may be due: sooner where an order failed.
    async fn next_look(&self) -> Duration {
        let mut next = LOOK;
        for host in &self.0.hosts {
            // A time that has passed is for the next client that asks.
            if let Some(left) = host
                .turn
                .lock()
                .await
                .next
                .and_then(|at| at.duration_since(SystemTime::now()).ok())
            {
                next = next.min(left);
            }
        }
        next.max(Duration::from_secs(1))
    }

    /// The certificate of a host; ordered where there is none.
    async fn of(&self, name: &HostName) -> Result<Arc<CertifiedKey>> {
        let host = self.0.hosts.iter().find(|host| host.name == *name);
        let host = host.ok_or_else(|| Error::UnknownHost(name.to_string()))?;
        if let Some(key) = host.good() {
            return Ok(key);
        }
        let waiting = self.0.waiting.try_acquire();
        let _place = waiting.map_err(|_| Error::Order("too many clients wait for a certificate".to_owned()))?;
        let ordered = timeout(PATIENCE, self.order(host, false)).await;
        ordered.map_err(|_| Error::Order("a certificate takes too long".to_owned()))?
    }

    /// Orders a certificate, or waits for one that is being ordered.
    async fn order(&self, host: &Host, renew: bool) -> Result<Arc<CertifiedKey>> {
        // What has begun goes on when the client that wanted it goes: each order counts.
        let (this, name) = (self.clone(), host.name.clone());
        let ordering = tokio::spawn(async move { this.order_in_turn(&name, renew).await });
        ordering.await.map_err(|error| Error::Order(error.to_string()))?
    }

    async fn order_in_turn(&self, name: &HostName, renew: bool) -> Result<Arc<CertifiedKey>> {
        let inner = &self.0;
        let host = inner.hosts.iter().find(|host| host.name == *name);
        let host = host.ok_or_else(|| Error::UnknownHost(name.to_string()))?;
        let mut failures = host.turn.lock().await;
        let now = SystemTime::now();
        // Somebody else may have had one ordered meanwhile.
        let is_due = host.issued.read().as_ref().is_none_or(|issued| issued.is_due(now));
        if let Some(key) = host.good().filter(|_| !(renew && is_due)) {
            return Ok(key);
        }
        if let Some(next) = failures.next.filter(|next| *next > now) {
            let seconds = next.duration_since(now).unwrap_or_default().as_secs();
            return Err(Error::Order(format!(
                "the last order failed; the next is in {seconds} seconds"
            )));
        }
        tracing::info!(host = %name, directory = inner.orders.directory(), "a certificate is ordered");
        match self.ordered(name).await {
            Ok(issued) => {
                *failures = Failures::default();
                let key = issued.key.clone();
                tracing::info!(host = %name, until = %issued.ends(), "there is a new certificate");
                *host.issued.write() = Some(issued);
                Ok(key)
            }
            Err(error) => {
                failures.count += 1;
                let wait = patience(failures.count);
                failures.next = Some(SystemTime::now() + wait);
                tracing::warn!(
                    host = %name,
                    %error,
                    next_in_seconds = wait.as_secs(),
                    "no certificate: does the name lead here, and can the ports be reached from outside?"
                );
                Err(error)
            }
        }
    }

    async fn ordered(&self, name: &HostName) -> Result<Issued> {
        let inner = &self.0;
        let pem = inner.orders.order(name, &inner.challenges, &inner.folder).await?;
        let issued = Issued::parse(&pem, &inner.provider)?;
        // Durable before it is used: each that is lost has to be ordered again, and they are counted.
        let (this, name) = (self.clone(), name.clone());
        let kept = tokio::task::spawn_blocking(move || this.0.folder.keep(&name, &pem)).await;
        kept.map_err(|error| Error::Order(error.to_string()))??;
        Ok(issued)
    }
}

impl Host {
    /// Its certificate, if it is in time.
    fn good(&self) -> Option<Arc<CertifiedKey>> {
        let issued = self.issued.read();
        let issued = issued.as_ref().filter(|issued| issued.is_good(SystemTime::now()))?;
        Some(issued.key.clone())
    }
}

/// How long to wait after the given number of failures. Let's Encrypt takes five of a host in an hour, and an order
/// that tries both challenges is two.
fn patience(failures: u32) -> Duration {
    Duration::from_secs(match failures {
        0 | 1 => 60,
        2 => 30 * 60,
        _ => 2 * 3600,
    })
}

fn refused(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::InvalidData, why)
}
