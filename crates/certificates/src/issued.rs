//! A certificate that was issued, with its key.

use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject as _;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::sign::CertifiedKey;
use x509_parser::parse_x509_certificate;

use crate::error::{Error, Result};

/// A certificate, its chain and its key, ready to be used.
#[derive(Debug)]
pub(crate) struct Issued {
    pub(crate) key: Arc<CertifiedKey>,
    begins: SystemTime,
    ends: SystemTime,
    shown_end: String,
}

impl Issued {
    /// Reads a PEM file of a private key and a chain, the host's certificate first.
    ///
    /// # Errors
    ///
    /// Where it holds no such, or they do not belong together.
    pub(crate) fn parse(pem: &[u8], provider: &CryptoProvider) -> Result<Self> {
        let unusable = |error: &dyn std::fmt::Display| Error::Unusable(error.to_string());
        let key = PrivateKeyDer::from_pem_slice(pem).map_err(|error| unusable(&error))?;
        let chain: Result<Vec<_>> = CertificateDer::pem_slice_iter(pem)
            .map(|certificate| certificate.map_err(|error| unusable(&error)))
            .collect();
        let chain = chain?;
        let first = chain.first().ok_or_else(|| unusable(&"there is none"))?;
        let (_, certificate) = parse_x509_certificate(first).map_err(|error| unusable(&error))?;
        let validity = certificate.validity();
        let (begins, ends) = (
            moment(validity.not_before.timestamp()),
            moment(validity.not_after.timestamp()),
        );
        let shown_end = validity.not_after.to_string();
        let key = CertifiedKey::from_der(chain, key, provider).map_err(|error| unusable(&error))?;
        Ok(Self {
            key: Arc::new(key),
            begins,
            ends,
            shown_end,
        })
    }

    /// When it ends, for people.
    pub(crate) fn ends(&self) -> &str {
        &self.shown_end
    }

    /// Whether clients accept it at that moment, as far as time goes.
    pub(crate) fn is_good(&self, now: SystemTime) -> bool {
        now < self.ends
    }

    /// Whether it is time for the next one: in the last third of its own.
    pub(crate) fn is_due(&self, now: SystemTime) -> bool {
        let whole = self.ends.duration_since(self.begins).unwrap_or_default();
        now + whole / 3 >= self.ends
    }
}

fn moment(timestamp: i64) -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(u64::try_from(timestamp).unwrap_or_default())
}

#[cfg(test)]
mod tests {
    use rcgen::{CertificateParams, KeyPair, date_time_ymd};

    use super::*;

    fn made() -> (String, KeyPair) {
        let mut wanted = CertificateParams::new(["example.com".to_owned()]).unwrap();
        wanted.not_before = date_time_ymd(2026, 1, 1);
        wanted.not_after = date_time_ymd(2026, 4, 1);
        let key = KeyPair::generate().unwrap();
        (wanted.self_signed(&key).unwrap().pem(), key)
    }

    #[test]
    fn a_certificate_is_renewed_in_the_last_third_of_its_time() {
        let provider = rustls::crypto::ring::default_provider();
        let (certificate, key) = made();
        let issued = Issued::parse(format!("{}{certificate}", key.serialize_pem()).as_bytes(), &provider).unwrap();
        let day = |day: u64| moment(1_767_225_600) + Duration::from_secs(day * 86_400);
        for (at, good, due) in [(1, true, false), (59, true, false), (61, true, true), (91, false, true)] {
            assert_eq!((issued.is_good(day(at)), issued.is_due(day(at))), (good, due), "{at}");
        }
    }

    #[test]
    fn what_does_not_belong_together_is_not_used() {
        let provider = rustls::crypto::ring::default_provider();
        let (certificate, key) = made();
        let (_, other) = made();
        for pem in [
            String::new(),
            certificate.clone(),
            key.serialize_pem(),
            format!("{}{certificate}", other.serialize_pem()),
        ] {
            assert!(Issued::parse(pem.as_bytes(), &provider).is_err());
        }
    }
}
