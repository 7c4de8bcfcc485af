//! Whose certificates are trusted: those whom the machine trusts and Mozilla. A container may trust nobody by itself,
//! and a company its own authority.

use lettre::transport::smtp::client::{Certificate, CertificateStore, TlsParameters};
use rustls::pki_types::CertificateDer;
use rustls::{ClientConfig, RootCertStore};

use crate::error::{Error, Result};

const DOING: &str = "setting up encryption";

/// For HTTP.
pub(crate) fn client_config() -> Result<ClientConfig> {
    let mut roots = RootCertStore::empty();
    roots.extend(webpki_roots::TLS_SERVER_ROOTS.iter().cloned());
    roots.add_parsable_certificates(of_the_machine());
    let provider = std::sync::Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::new(DOING, error))?;
    Ok(config.with_root_certificates(roots).with_no_client_auth())
}

/// For the mail server called `host`.
pub(crate) fn smtp_parameters(host: &str) -> Result<TlsParameters> {
    let failed = |error: lettre::transport::smtp::Error| Error::new(DOING, error);
    let mut parameters = TlsParameters::builder(host.to_owned()).certificate_store(CertificateStore::WebpkiRoots);
    for certificate in of_the_machine() {
        // One that can't be used would be an error to lettre; here, as elsewhere, it is passed over.
        if RootCertStore::empty().add(certificate.clone()).is_ok() {
            let certificate = Certificate::from_der(certificate.to_vec()).map_err(failed)?;
            parameters = parameters.add_root_certificate(certificate);
        }
    }
    parameters.build_rustls().map_err(failed)
}

fn of_the_machine() -> Vec<CertificateDer<'static>> {
    rustls_native_certs::load_native_certs().certs
}
