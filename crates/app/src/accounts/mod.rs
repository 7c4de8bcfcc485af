//! Accounts: how they log in, which tokens they get, and the superusers.

mod answer;
mod by_mail;
mod email_change;
mod login;
mod methods;
pub mod oauth2;
mod one_time_password;
mod origin;
mod password_reset;
mod resend;
mod second_factor;
mod superusers;
#[cfg(test)]
mod tests;
mod verification;

use std::sync::Arc;
use std::time::Duration;

use bosbase_backup::DataDir;
use bosbase_store::{Collection, Record, Store};
use jiff::Timestamp;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};

use crate::auth::{PasswordTurn, Passwords, Sessions};
use crate::error::{Error, ErrorKind, Result};
use crate::files::FileStore;
use crate::jobs::Backups;
use crate::limits::PasswordTries;
use crate::logs::Logs;
use crate::mails::Outbox;
use crate::oauth2::Returned;
use crate::records::Records;
use crate::settings::SettingsStore;

use self::oauth2::Providers;
use self::one_time_password::Tries;
use self::resend::Resends;

pub use answer::Authenticated;
pub use login::PasswordForm;
pub use one_time_password::OneTimePassword;
pub use second_factor::Login;
pub(crate) use superusers::superuser_addresses;
pub use superusers::{Unlocked, require_credentials};

/// So many requests wait for the mail server at once.
const MAILING: usize = 8;
/// How long others wait for their turn.
const MAIL_TURN_TIMEOUT: Duration = Duration::from_secs(10);

/// The accounts of an application. Clones share them.
#[derive(Clone)]
pub struct Accounts {
    inner: Arc<Inner>,
}

struct Inner {
    parts: Parts,
    outbox: Outbox,
    resends: Resends,
    one_time_tries: Tries,
    mailing: Arc<Semaphore>,
    providers: Providers,
}

/// What accounts need.
pub(crate) struct Parts {
    pub(crate) store: Store,
    pub(crate) sessions: Sessions,
    pub(crate) logs: Logs,
    pub(crate) passwords: Arc<Passwords>,
    pub(crate) tries: PasswordTries,
    pub(crate) records: Records,
    pub(crate) files: FileStore,
    pub(crate) settings: SettingsStore,
    pub(crate) backups: Arc<Backups>,
}

impl Accounts {
    pub(crate) fn new(parts: Parts) -> Self {
        Self {
            inner: Arc::new(Inner {
                parts,
                outbox: Outbox::default(),
                resends: Resends::default(),
                one_time_tries: Tries::default(),
                mailing: Arc::new(Semaphore::new(MAILING)),
                providers: Providers::default(),
            }),
        }
    }

    /// Waits until a request that will hash a password may take a thread for it. Asynchronous; the turn ends when what
    /// is returned is dropped.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::Unavailable`] where thousands wait already.
    pub async fn password_turn(&self) -> Result<PasswordTurn> {
        self.inner.parts.passwords.turn().await
    }

    /// As [`Accounts::password_turn`], for a batch: it may take long, so it has a turn of another kind than logins
    /// have.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::Unavailable`] where none became free within thirty seconds.
    pub async fn batch_password_turn(&self) -> Result<PasswordTurn> {
        self.inner.parts.passwords.batch_turn().await
    }

    /// Waits until a request that waits for the mail server may take a thread for it, for ten seconds at most: a mail
    /// server that hangs must not take the threads of all others. Asynchronous; the turn ends when the returned value
    /// is dropped.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::Unavailable`] where none became free.
    pub async fn mail_turn(&self) -> Result<OwnedSemaphorePermit> {
        let turn = tokio::time::timeout(MAIL_TURN_TIMEOUT, self.inner.mailing.clone().acquire_owned()).await;
        let busy = || {
            Error::new(ErrorKind::Unavailable, "The mail server is busy; try again later.")
                .retry_after(Duration::from_secs(30))
        };
        turn.map_err(|_| busy())?.map_err(Error::internal)
    }

    /// The collection of the system that is called `name`.
    fn system_collection(&self, name: &str) -> Result<Arc<Collection>> {
        let found = self.store().schema().find(name).cloned();
        found.ok_or_else(|| Error::invalid(format!("The collection {name} is missing.")))
    }

    fn store(&self) -> &Store {
        &self.inner.parts.store
    }

    /// All that hashes passwords.
    fn passwords(&self) -> &Passwords {
        &self.inner.parts.passwords
    }

    fn tries(&self) -> &PasswordTries {
        &self.inner.parts.tries
    }

    fn records(&self) -> &Records {
        &self.inner.parts.records
    }

    fn files(&self) -> &FileStore {
        &self.inner.parts.files
    }

    fn settings(&self) -> &SettingsStore {
        &self.inner.parts.settings
    }

    fn backups(&self) -> &Backups {
        &self.inner.parts.backups
    }

    fn sessions(&self) -> &Sessions {
        &self.inner.parts.sessions
    }

    fn logs(&self) -> &Logs {
        &self.inner.parts.logs
    }

    /// Mails that nobody waits for.
    fn outbox(&self) -> &Outbox {
        &self.inner.outbox
    }

    /// What was mailed lately.
    fn resends(&self) -> &Resends {
        &self.inner.resends
    }

    /// The tries of one-time passwords.
    fn one_time_tries(&self) -> &Tries {
        &self.inner.one_time_tries
    }

    /// What logins with providers share.
    fn providers(&self) -> &Providers {
        &self.inner.providers
    }

    /// Keeps what somebody who comes back from a provider brings along for the login that follows.
    pub fn note_returned(&self, returned: &Returned) {
        self.providers().names.note(returned);
    }

    /// Takes no more mails.
    pub(crate) fn close(&self) {
        self.inner.outbox.close();
    }

    fn data_dir(&self) -> &DataDir {
        self.inner.parts.backups.data_dir()
    }
}

/// Whether `record` was created less than so many seconds ago.
fn is_within(record: &Record, seconds: i64) -> bool {
    let made = record.text("created").replacen(' ', "T", 1).parse::<Timestamp>();
    made.is_ok_and(|made| Timestamp::now().as_second() < made.as_second().saturating_add(seconds))
}
