//! The application's settings: one JSON document in the database, read at the start and replaced as a whole.
//!
//! What is stored is PocketBase's, encrypted (AES-256-GCM) where a key is given, so that either program reads what the other
//! wrote. Keys that this version does not know survive a change.

mod cipher;
mod merge;
mod sections;
mod stored;
mod test_s3;
#[cfg(test)]
mod tests;
mod validate;

use std::sync::{Arc, Mutex, PoisonError, RwLock};

use serde_json::{Map, Value};

pub use sections::{
    BackupSettings, BatchSettings, LogSettings, MetaSettings, ProxySettings, RateLimitRule, RateLimitSettings,
    S3Settings, Settings, SmtpSettings, WebhookSettings,
};

use crate::app::App;
use crate::error::{Error, Result};

/// The settings in force, shared by all clones of an [`App`].
pub(crate) struct SettingsCell {
    current: RwLock<Arc<Settings>>,
    /// One change at a time, so that what is in force is what was stored last.
    changing: Mutex<()>,
}

impl SettingsCell {
    pub(crate) fn new(settings: Settings) -> Self {
        settings.warn_of_what_is_not_enforced();
        Self {
            current: RwLock::new(Arc::new(settings)),
            changing: Mutex::new(()),
        }
    }

    pub(crate) fn get(&self) -> Arc<Settings> {
        self.current.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    fn set(&self, settings: Settings) {
        settings.warn_of_what_is_not_enforced();
        *self.current.write().unwrap_or_else(PoisonError::into_inner) = Arc::new(settings);
    }
}

impl App {
    /// The settings in force.
    #[must_use]
    pub fn settings(&self) -> Arc<Settings> {
        self.settings_cell().get()
    }

    /// The settings as superusers see them: without passwords and secret keys.
    #[must_use]
    pub fn public_settings(&self) -> Value {
        self.settings().public()
    }

    /// Changes what `patch` names and keeps everything else; a password or secret that is left out, or comes as the asterisks
    /// that stand for one, stays. Durable and in force when it returns.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::Invalid`] with PocketBase's codes by field; nothing is changed then.
    pub fn update_settings(&self, patch: &Map<String, Value>) -> Result<()> {
        let cell = self.settings_cell();
        let _one_at_a_time = cell.changing.lock().unwrap_or_else(PoisonError::into_inner);
        let changed = merge::merged(&cell.get(), patch)?;
        validate::validate(&changed)?;
        let place = |settings: &Settings| settings.s3.bucket().map(|config| config.place());
        let (before, named) = (place(&cell.get()), place(&changed));
        let key = self.options().encryption_key.clone();
        let settings = changed.clone();
        self.store().write(move |tx| {
            let before = stored::document(tx.param(stored::KEY)?.as_deref(), key.as_deref())?;
            let text = stored::text(&before, &settings, key.as_deref())?;
            tx.set_param(stored::KEY, &text).map_err(Error::from)
        })?;
        cell.set(changed);
        if named != before {
            // Named by somebody, and not by a backup or a copy of the data.
            if let Err(error) = self.files().claim(named.as_deref()) {
                // The settings are in force all the same, and nothing is deleted that should not be.
                tracing::warn!(%error, "that the bucket of the uploaded files was named here could not be noted");
            }
        }
        self.alarms().hurry();
        self.files().purge_objects();
        Ok(())
    }
}

pub(crate) use stored::{load, of_snapshot, peek};
