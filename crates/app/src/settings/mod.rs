//! The application's settings: one JSON document in the database, read at the start and replaced as a whole.
//!
//! The stored form is PocketBase's, encrypted (AES-256-GCM) where a key is given, so that either program reads what the
//! other wrote. Keys that this version does not know survive a change.

mod cipher;
mod merge;
mod prints;
mod sections;
mod stored;
mod test_s3;
#[cfg(test)]
mod tests;
mod validate;

use std::sync::Arc;

use parking_lot::{Mutex, RwLock};

use bosbase_store::Store;
use serde_json::{Map, Value};

pub use prints::SettingsPrints;
pub use sections::{
    BackupSettings, BatchSettings, LogSettings, MetaSettings, ProxySettings, RateLimitRule, RateLimitSettings,
    S3Settings, Settings, SmtpSettings, WebhookSettings,
};

use crate::error::{Error, Result};
use crate::reserve::Reserve;

/// The settings in force, for all who read them.
pub(crate) struct SettingsCell {
    current: RwLock<Arc<Settings>>,
    /// One change at a time, so that the settings in force are those stored last.
    changing: Mutex<()>,
}

impl SettingsCell {
    pub(crate) fn new(settings: Settings) -> Self {
        Self {
            current: RwLock::new(Arc::new(settings)),
            changing: Mutex::new(()),
        }
    }

    pub(crate) fn get(&self) -> Arc<Settings> {
        self.current.read().clone()
    }

    fn set(&self, settings: Settings) {
        *self.current.write() = Arc::new(settings);
    }
}

/// Told after each change, with the settings before it and now.
pub(crate) type Changed = Box<dyn Fn(&Settings, &Settings) + Send + Sync>;

/// Reads and changes the settings of an open application. Clones share them.
#[derive(Clone)]
pub struct SettingsStore {
    inner: Arc<Inner>,
}

struct Inner {
    store: Store,
    cell: Arc<SettingsCell>,
    encryption_key: Option<String>,
    reserve: Reserve,
    changed: Changed,
}

impl SettingsStore {
    /// The settings in `cell`, kept in `store` and encrypted where there is a key. `changed` is told after each change.
    pub(crate) fn new(
        store: Store,
        cell: Arc<SettingsCell>,
        encryption_key: Option<String>,
        reserve: Reserve,
        changed: Changed,
    ) -> Self {
        Self {
            inner: Arc::new(Inner {
                store,
                cell,
                encryption_key,
                reserve,
                changed,
            }),
        }
    }

    /// The settings in force.
    #[must_use]
    pub fn get(&self) -> Arc<Settings> {
        self.inner.cell.get()
    }

    /// The settings as superusers see them: without passwords and secret keys.
    #[must_use]
    pub fn public(&self) -> Value {
        self.get().public()
    }

    /// The settings that would be in force after [`SettingsStore::update`] with the same `patch`, which changes nothing
    /// here.
    ///
    /// # Errors
    ///
    /// As `update`, where it would refuse them.
    pub fn proposed(&self, patch: &Map<String, Value>) -> Result<Settings> {
        let proposed = merge::merged(&self.get(), patch)?;
        validate::validate(&proposed)?;
        Ok(proposed)
    }

    /// Changes what `patch` names and keeps everything else; a password or secret that is left out, or comes as the
    /// asterisks that stand for one, stays. Durable and in force when it returns.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::Invalid`] with PocketBase's codes by field; nothing is changed then.
    pub fn update(&self, patch: &Map<String, Value>) -> Result<()> {
        self.inner.reserve.spend(|| self.update_once(patch))
    }

    fn update_once(&self, patch: &Map<String, Value>) -> Result<()> {
        let cell = &self.inner.cell;
        let _one_at_a_time = cell.changing.lock();
        let changed = merge::merged(&cell.get(), patch)?;
        validate::validate(&changed)?;
        let before = cell.get();
        self.keep(changed)?;
        // PocketBase passes them over as well, and a client of another version may send some.
        for name in merge::unheard(&before, patch) {
            tracing::warn!(
                name,
                "the settings were changed, and this is the name of none: it has no effect"
            );
        }
        (self.inner.changed)(&before, &cell.get());
        Ok(())
    }

    /// Lets superusers come from any address, and leaves the other settings as they are; says whether they could not.
    ///
    /// # Errors
    ///
    /// Where the database can't be written.
    pub(crate) fn admit_superusers_from_anywhere(&self) -> Result<bool> {
        let cell = &self.inner.cell;
        let _one_at_a_time = cell.changing.lock();
        let mut changed = (*cell.get()).clone();
        if changed.superuser_ips.is_empty() {
            return Ok(false);
        }
        changed.superuser_ips.clear();
        // Not validated: another mistake in the settings must not keep superusers out.
        self.keep(changed)?;
        Ok(true)
    }

    /// Writes settings and puts them in force. To be called by who holds the right to change them.
    fn keep(&self, settings: Settings) -> Result<()> {
        let key = self.inner.encryption_key.clone();
        let written = settings.clone();
        self.inner.store.write(move |tx| {
            let before = stored::document(tx.param(stored::KEY)?.as_deref(), key.as_deref())?;
            let text = stored::text(&before, &written, key.as_deref())?;
            tx.set_param(stored::KEY, &text).map_err(Error::from)
        })?;
        self.inner.cell.set(settings);
        Ok(())
    }
}

pub(crate) use stored::{load, of_param, of_snapshot, peek, require_key};
