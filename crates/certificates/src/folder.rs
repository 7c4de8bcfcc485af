//! Where certificates and the account lie between two starts.

use std::io;
use std::path::{Path, PathBuf};

use bosbase_disk::{Disk as _, RealDisk, read_all, write_atomically};
use rustls::crypto::CryptoProvider;

use crate::error::{Error, Result};
use crate::host::HostName;
use crate::issued::Issued;

/// Bytes that a file here may have.
const LONGEST: u64 = 1 << 20;
/// The account's file.
const ACCOUNT: &str = "account.json";

/// The folder of one ACME server: what another one issued is none of its certificates.
#[derive(Debug)]
pub(crate) struct Folder {
    path: PathBuf,
}

impl Folder {
    /// Makes the folder for the ACME server `directory` in `parent`.
    ///
    /// # Errors
    ///
    /// Where it can't be made.
    pub(crate) fn open(parent: &Path, directory: &str) -> Result<Self> {
        let plain = |c: char| if c.is_ascii_alphanumeric() || c == '.' { c } else { '-' };
        let server = directory.split_once("://").map_or(directory, |(_, rest)| rest);
        let name: String = server.chars().map(plain).take(200).collect();
        let path = parent.join(name.trim_matches(['.', '-']));
        RealDisk.create_dir_all(&path).map_err(|source| failed(&path, source))?;
        Ok(Self { path })
    }

    fn file(&self, host: &HostName) -> PathBuf {
        self.path.join(format!("{host}.pem"))
    }

    /// The host's certificate. One that can't be used is ordered anew; the log says why.
    ///
    /// # Errors
    ///
    /// Where it can't be read.
    pub(crate) fn certificate(&self, host: &HostName, provider: &CryptoProvider) -> Result<Option<Issued>> {
        let path = self.file(host);
        let Some(pem) = read(&path)? else {
            return Ok(None);
        };
        match Issued::parse(&pem, provider) {
            Ok(issued) => Ok(Some(issued)),
            Err(error) => {
                tracing::warn!(path = %path.display(), %error, "a certificate that was kept");
                Ok(None)
            }
        }
    }

    /// Keeps a host's certificate with its key, durably.
    ///
    /// # Errors
    ///
    /// Where it can't be written.
    pub(crate) fn keep(&self, host: &HostName, pem: &[u8]) -> Result<()> {
        self.write(&self.file(host), pem)
    }

    /// The account at the ACME server, as it was kept.
    ///
    /// # Errors
    ///
    /// Where it can't be read.
    pub(crate) fn account(&self) -> Result<Option<Vec<u8>>> {
        read(&self.path.join(ACCOUNT))
    }

    /// Keeps the account, durably.
    ///
    /// # Errors
    ///
    /// Where it can't be written.
    pub(crate) fn keep_account(&self, account: &[u8]) -> Result<()> {
        self.write(&self.path.join(ACCOUNT), account)
    }

    /// The process's umask keeps private what is written (`keep_private`).
    fn write(&self, path: &Path, bytes: &[u8]) -> Result<()> {
        write_atomically(&RealDisk, path, bytes).map_err(|source| failed(path, source))
    }
}

/// The certificate that PocketBase keeps for `host`, if it can be used: a file of the host's name with key and chain.
pub(crate) fn inherited(folder: &Path, host: &HostName, provider: &CryptoProvider) -> Option<Issued> {
    let pem = read(&folder.join(host.as_str())).ok().flatten()?;
    Issued::parse(&pem, provider).ok()
}

fn read(path: &Path) -> Result<Option<Vec<u8>>> {
    match read_all(&RealDisk, path, LONGEST) {
        Ok(bytes) => Ok(Some(bytes)),
        Err(error) if error.kind() == io::ErrorKind::NotFound => Ok(None),
        Err(source) => Err(failed(path, source)),
    }
}

fn failed(path: &Path, source: io::Error) -> Error {
    Error::Folder {
        path: path.to_owned(),
        source,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_kept_is_read_again_and_what_is_broken_is_not_used() {
        let dir = tempfile::tempdir().unwrap();
        let provider = rustls::crypto::ring::default_provider();
        let folder = Folder::open(dir.path(), "https://acme.example:14000/dir").unwrap();
        assert!(folder.path.ends_with("acme.example-14000-dir"));
        let host = HostName::parse("example.com").unwrap();
        assert!(folder.certificate(&host, &provider).unwrap().is_none());
        let key = rcgen::KeyPair::generate().unwrap();
        let wanted = rcgen::CertificateParams::new([host.to_string()]).unwrap();
        let pem = format!("{}{}", key.serialize_pem(), wanted.self_signed(&key).unwrap().pem());
        folder.keep(&host, pem.as_bytes()).unwrap();
        assert!(folder.certificate(&host, &provider).unwrap().is_some());
        folder.keep(&host, b"broken").unwrap();
        assert!(folder.certificate(&host, &provider).unwrap().is_none());
        assert!(folder.account().unwrap().is_none());
        folder.keep_account(b"{}").unwrap();
        assert_eq!(folder.account().unwrap().unwrap(), b"{}");
    }
}
