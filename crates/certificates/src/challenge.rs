//! What an ACME server is shown to prove that a host is here.

use std::collections::HashMap;
use std::sync::Arc;

use parking_lot::Mutex;
use rcgen::{CertificateParams, CustomExtension, KeyPair};
use rustls::crypto::CryptoProvider;
use rustls::pki_types::{PrivateKeyDer, PrivatePkcs8KeyDer};
use rustls::sign::CertifiedKey;

use crate::error::{Error, Result};
use crate::host::HostName;

/// The challenges of orders that are under way.
#[derive(Debug, Default)]
pub(crate) struct Challenges {
    certificates: Mutex<HashMap<HostName, Arc<CertifiedKey>>>,
    tokens: Mutex<HashMap<String, String>>,
}

impl Challenges {
    pub(crate) fn certificate(&self, host: &HostName) -> Option<Arc<CertifiedKey>> {
        self.certificates.lock().get(host).cloned()
    }

    pub(crate) fn token(&self, token: &str) -> Option<String> {
        self.tokens.lock().get(token).cloned()
    }

    /// Shows in TLS handshakes for `host` what RFC 8737 wants, until the returned value is dropped.
    ///
    /// # Errors
    ///
    /// Where no certificate of that kind can be made.
    pub(crate) fn show_in_tls(&self, host: &HostName, digest: &[u8], provider: &CryptoProvider) -> Result<Shown<'_>> {
        let key = certificate(host, digest, provider)?;
        self.certificates.lock().insert(host.clone(), Arc::new(key));
        Ok(Shown {
            challenges: self,
            what: What::Certificate(host.clone()),
        })
    }

    /// Answers for `token` over plain HTTP until the returned value is dropped.
    pub(crate) fn show_over_http(&self, token: &str, answer: &str) -> Shown<'_> {
        self.tokens.lock().insert(token.to_owned(), answer.to_owned());
        Shown {
            challenges: self,
            what: What::Token(token.to_owned()),
        }
    }
}

/// A challenge that is shown.
pub(crate) struct Shown<'a> {
    challenges: &'a Challenges,
    what: What,
}

enum What {
    Certificate(HostName),
    Token(String),
}

impl Drop for Shown<'_> {
    fn drop(&mut self) {
        match &self.what {
            What::Certificate(host) => drop(self.challenges.certificates.lock().remove(host)),
            What::Token(token) => drop(self.challenges.tokens.lock().remove(token)),
        }
    }
}

/// A certificate for nobody but the ACME server, signed by itself.
fn certificate(host: &HostName, digest: &[u8], provider: &CryptoProvider) -> Result<CertifiedKey> {
    let unusable = |error: &dyn std::error::Error| Error::Unusable(error.to_string());
    let mut wanted = CertificateParams::new([host.to_string()]).map_err(|error| unusable(&error))?;
    wanted.custom_extensions = vec![CustomExtension::new_acme_identifier(digest)];
    let key = KeyPair::generate().map_err(|error| unusable(&error))?;
    let certificate = wanted.self_signed(&key).map_err(|error| unusable(&error))?;
    let key = PrivateKeyDer::Pkcs8(PrivatePkcs8KeyDer::from(key.serialize_der()));
    CertifiedKey::from_der(vec![certificate.der().clone()], key, provider).map_err(|error| unusable(&error))
}
