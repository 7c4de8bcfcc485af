//! Orders of certificates at one ACME server.

use std::path::{Path, PathBuf};
use std::time::Duration;

use instant_acme::{
    Account, AccountCredentials, AuthorizationStatus, ChallengeType, Identifier, NewAccount, NewOrder, OrderStatus,
    RetryPolicy,
};
use rustls::crypto::ring;
use tokio::sync::Mutex;
use tokio::time::timeout;

use crate::challenge::Challenges;
use crate::error::{Error, Result};
use crate::folder::Folder;
use crate::host::HostName;

/// How long one try may take in all.
const LONGEST: Duration = Duration::from_secs(120);
/// How long the ACME server may look for the host, or make the certificate.
const PATIENCE: Duration = Duration::from_secs(60);

/// The ACME server, with the account there.
pub(crate) struct Orders {
    directory: String,
    root: Option<PathBuf>,
    account: Mutex<Option<Account>>,
}

impl std::fmt::Debug for Orders {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Orders")
            .field("directory", &self.directory)
            .finish_non_exhaustive()
    }
}

/// Whether `path` holds the certificate of an ACME server's authority, in PEM.
///
/// # Errors
///
/// Where it does not, or can't be read.
pub fn require_root(path: &Path) -> Result<()> {
    Account::builder_with_root(path).map(drop).map_err(refused)
}

impl Orders {
    pub(crate) fn new(directory: String, root: Option<PathBuf>) -> Self {
        Self {
            directory,
            root,
            account: Mutex::default(),
        }
    }

    /// The URL of the server's directory.
    pub(crate) fn directory(&self) -> &str {
        &self.directory
    }

    /// Orders a certificate for `host` and answers the PEM of its key and chain. Tries a TLS handshake first, then
    /// plain HTTP, as one of the ports may be another's.
    ///
    /// # Errors
    ///
    /// What the ACME server says, or that it can't be reached.
    pub(crate) async fn order(&self, host: &HostName, challenges: &Challenges, folder: &Folder) -> Result<Vec<u8>> {
        let mut said = Vec::new();
        for (kind, name) in [
            (ChallengeType::TlsAlpn01, "tls-alpn-01"),
            (ChallengeType::Http01, "http-01"),
        ] {
            let trying = self.attempt(host, &kind, challenges, folder);
            match timeout(LONGEST, trying).await {
                Ok(Ok(pem)) => return Ok(pem),
                Ok(Err(error)) => said.push(format!("{name}: {error}")),
                Err(_) => said.push(format!("{name}: it took longer than {} seconds", LONGEST.as_secs())),
            }
        }
        said.dedup();
        Err(Error::Order(said.join("; ")))
    }

    async fn attempt(
        &self,
        host: &HostName,
        kind: &ChallengeType,
        challenges: &Challenges,
        folder: &Folder,
    ) -> Result<Vec<u8>> {
        let account = self.account(folder).await?;
        let identifiers = [Identifier::Dns(host.to_string())];
        let mut order = account.new_order(&NewOrder::new(&identifiers)).await.map_err(refused)?;
        let mut shown = Vec::new();
        let mut authorizations = order.authorizations();
        while let Some(authorization) = authorizations.next().await {
            let mut authorization = authorization.map_err(refused)?;
            if authorization.status == AuthorizationStatus::Valid {
                continue;
            }
            let mut challenge = authorization
                .challenge(kind.clone())
                .ok_or_else(|| Error::Order("the ACME server offers no such challenge".to_owned()))?;
            let answer = challenge.key_authorization();
            shown.push(if *kind == ChallengeType::Http01 {
                challenges.show_over_http(&challenge.token, answer.as_str())
            } else {
                challenges.show_in_tls(host, answer.digest().as_ref(), &ring::default_provider())?
            });
            challenge.set_ready().await.map_err(refused)?;
        }
        let patience = RetryPolicy::default().timeout(PATIENCE);
        let status = order.poll_ready(&patience).await.map_err(refused)?;
        drop(shown);
        if status != OrderStatus::Ready && status != OrderStatus::Valid {
            return Err(Error::Order(failure(&mut order).await));
        }
        let key = order.finalize().await.map_err(refused)?;
        let chain = order.poll_certificate(&patience).await.map_err(refused)?;
        Ok(format!("{key}{chain}").into_bytes())
    }

    /// The account, made at the first order. It has no address: nobody is written to.
    async fn account(&self, folder: &Folder) -> Result<Account> {
        let mut held = self.account.lock().await;
        if let Some(account) = &*held {
            return Ok(account.clone());
        }
        let builder = match &self.root {
            Some(root) => Account::builder_with_root(root),
            None => Account::builder(),
        };
        let builder = builder.map_err(refused)?;
        let kept = folder.account()?;
        let kept = kept.and_then(|kept| serde_json::from_slice::<AccountCredentials>(&kept).ok());
        let account = match kept {
            Some(credentials) => builder.from_credentials(credentials).await.map_err(refused)?,
            None => {
                let wanted = NewAccount {
                    contact: &[],
                    terms_of_service_agreed: true,
                    only_return_existing: false,
                };
                let made = builder.create(&wanted, self.directory.clone(), None).await;
                let (account, credentials) = made.map_err(refused)?;
                let credentials = serde_json::to_vec(&credentials).map_err(|error| Error::Order(error.to_string()))?;
                folder.keep_account(&credentials)?;
                account
            }
        };
        *held = Some(account.clone());
        Ok(account)
    }
}

/// Why the ACME server did not find the host.
async fn failure(order: &mut instant_acme::Order) -> String {
    let mut authorizations = order.authorizations();
    while let Some(Ok(mut authorization)) = authorizations.next().await {
        let Ok(state) = authorization.refresh().await else {
            continue;
        };
        for challenge in &state.challenges {
            if let Some(problem) = &challenge.error {
                return problem.to_string();
            }
        }
    }
    "the ACME server did not find the host".to_owned()
}

#[expect(clippy::needless_pass_by_value, reason = "it is what errors are mapped by")]
fn refused(error: instant_acme::Error) -> Error {
    let mut said = error.to_string();
    let mut cause = std::error::Error::source(&error);
    while let Some(error) = cause {
        let more = error.to_string();
        if !said.contains(&more) {
            said = format!("{said}: {more}");
        }
        cause = error.source();
    }
    Error::Order(said)
}
