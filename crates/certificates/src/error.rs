//! What can go wrong with a certificate.

use std::path::PathBuf;

/// Why there is no certificate.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// None of the hosts that there may be certificates for.
    #[error("{0} is none of the hosts of this server")]
    UnknownHost(String),
    /// The ACME server did not issue one, or could not be asked.
    #[error("{0}")]
    Order(String),
    /// What was issued or kept is no certificate with its key.
    #[error("the certificate can't be used: {0}")]
    Unusable(String),
    /// The folder of certificates.
    #[error("{}: {source}", .path.display())]
    Folder {
        /// The file or folder in question.
        path: PathBuf,
        /// What the system says.
        source: std::io::Error,
    },
}

/// The result of this crate's operations.
pub type Result<T, E = Error> = std::result::Result<T, E>;
