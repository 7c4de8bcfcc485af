//! Which recurring jobs an application has.

use std::sync::Arc;

use bosbase_store::Store;

use super::{Work, housekeeping};
use crate::alarms::Alarms;
use crate::reserve::Reserve;
use crate::settings::{BackupSettings, SettingsCell};

/// The job that reads all backups back.
const SCRUB: &str = "__bosbaseScrub__";
/// Its name in earlier versions; it is still taken.
const SCRUB_BEFORE: &str = "__bosbaseDrill__";

/// The name of a job that may be asked for by an earlier one.
pub(super) fn current_name(id: &str) -> &str {
    if id == SCRUB_BEFORE { SCRUB } else { id }
}

/// What the jobs of an application work on.
pub(crate) struct Works {
    pub(crate) store: Store,
    pub(crate) settings: Arc<SettingsCell>,
    pub(crate) reserve: Reserve,
    pub(crate) alarms: Alarms,
    /// Whether the world is left alone: no backup is made by itself.
    pub(crate) rehearsal: bool,
}

impl Works {
    /// Every job, in the order of registration.
    pub(super) fn all(&self) -> Vec<Work> {
        let mut works = self.of_system();
        if self.rehearsal {
            return works;
        }
        let settings = self.settings.get();
        let (backups, scrub) = (settings.backups.cron.clone(), settings.backups.verify_cron.clone());
        if !backups.is_empty() {
            let alarms = self.alarms.clone();
            works.push(Work {
                id: "__pbAutoBackup__",
                expression: backups,
                is_listed: true,
                run: Box::new(move || alarms.run_watched_backup()),
            });
        }
        // What nobody asked for is not listed, so that the list is PocketBase's; it runs all the same.
        let usual = BackupSettings::default().verify_cron;
        let alarms = self.alarms.clone();
        works.push(Work {
            id: SCRUB,
            is_listed: !(scrub.is_empty() || scrub == usual),
            expression: scrub,
            run: Box::new(move || alarms.run_watched_scrub()),
        });
        works
    }

    /// The jobs that every application has.
    fn of_system(&self) -> Vec<Work> {
        let work = |id, expression: &str, run| Work {
            id,
            expression: expression.to_owned(),
            is_listed: true,
            run,
        };
        let store = || self.store.clone();
        let (optimized, mfas, otps, logs) = (store(), store(), store(), store());
        let (settings, reserve) = (self.settings.clone(), self.reserve.clone());
        vec![
            work(
                "__pbDBOptimize__",
                "0 0 * * *",
                Box::new(move || Ok(optimized.optimize()?)),
            ),
            work(
                "__pbMFACleanup__",
                "0 * * * *",
                Box::new(move || housekeeping::delete_expired_mfas(&mfas)),
            ),
            work(
                "__pbOTPCleanup__",
                "0 * * * *",
                Box::new(move || housekeeping::delete_expired_otps(&otps)),
            ),
            work(
                "__pbLogsCleanup__",
                "0 */6 * * *",
                Box::new(move || housekeeping::delete_old_logs(&logs, settings.get().logs.max_days, &reserve)),
            ),
        ]
    }
}
