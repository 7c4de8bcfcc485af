//! Backups that did not pass a verification, and are no trouble any more once they are gone.

use std::collections::BTreeSet;

use super::watch::log_events;
use super::{Alarms, Desk};
use crate::jobs::on_its_own;
use crate::logs::Logs;

impl Desk {
    /// Takes note that the backup `key` was deleted; for those who delete it.
    pub(crate) fn deleted(&self, key: &str, logs: &Logs) {
        let events = self.update(|ledger| ledger.deleted(key).into_iter().collect());
        log_events(logs, &events);
    }

    /// The backups that are not well, each with the job that found it so.
    fn unwell(&self) -> BTreeSet<(String, String)> {
        let active = self.lock();
        active.as_ref().map(|active| active.ledger.unwell()).unwrap_or_default()
    }
}

impl Alarms {
    /// Looks whether the backups that are not well are still there: others may have deleted them. It asks the storage
    /// only where there are such, and on a thread of its own: a bucket that stands still must hold up nobody.
    pub(super) fn watch_unwell(&self) {
        let unwell = self.desk().unwell();
        if unwell.is_empty() {
            return;
        }
        let alarms = self.clone();
        on_its_own("alarms-unwell", move || alarms.end_gone(&unwell));
    }

    fn end_gone(&self, unwell: &BTreeSet<(String, String)>) {
        let gone = match self.inner.jobs.backups().gone_of(unwell) {
            Ok(gone) => gone,
            // It says nothing of them.
            Err(error) => {
                let error = error.with_causes();
                tracing::debug!(error, "whether backups that are not well are still there can't be told");
                return;
            }
        };
        let events = self.desk().update(|ledger| {
            // Another may have come by the name meanwhile, and have failed.
            let still = ledger.unwell();
            let gone = gone.iter().filter(|one| still.contains(one));
            gone.filter_map(|(key, _)| ledger.deleted(key)).collect()
        });
        self.log_alarms(&events);
    }
}
