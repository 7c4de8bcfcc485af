//! Deletes the scheduled backups that have had their day.

use std::collections::BTreeSet;
use std::time::Duration;

use bosbase_backup::retention::{self, Candidate, Plan, ProofState, Rules};
use bosbase_backup::{BackupInfo, BackupKey, ErrorKind as Engine, Identity, Storage};
use jiff::{SignedDuration, Timestamp};
use serde_json::{Map, Value, json};

use super::backup_jobs::BackupJobs;
use super::engine::refuse;
use super::listed::Listed;
use super::name::SCHEDULED;
use super::origin::Origin;
use super::status::{JobKind, JobState};
use crate::error::Result;
use crate::logs::Level;
use crate::moment;
use crate::settings::BackupSettings;

/// How long retention waits for the users of backups to end. Nothing is lost by what stays a day longer.
const RETENTION_WAIT: Duration = Duration::from_secs(3600);

/// How long retention rests after a restore. The rules in force may be old ones that the backup brought along, and what
/// they delete comes back by no undo.
const REST: SignedDuration = SignedDuration::from_hours(24);

impl BackupJobs {
    /// Until when retention deletes nothing, for data was restored a day ago at most.
    pub(super) fn retention_rests_until(&self) -> Result<Option<Timestamp>> {
        let ended = self.jobs().history().figures()?;
        let restored = ended
            .iter()
            .filter(|job| matches!(job.kind, JobKind::Restore | JobKind::Undo) && job.state == JobState::Succeeded)
            .filter_map(|job| job.finished.parse::<Timestamp>().ok())
            .max();
        Ok(restored.and_then(|restored| restored.checked_add(REST).ok()))
    }

    /// Deletes the scheduled backups that have had their day, now that `made` is proven, and tells of those that stay
    /// for the files that newer ones lack.
    pub(super) fn delete_outlived(&self, storage: &dyn Storage, made: &BackupKey) -> Result<()> {
        let mut done = BTreeSet::new();
        loop {
            // A restore or a verification holds this. A restore may be about to end the process: then the
            // next scheduled backup does what is left.
            let alone = self.jobs().lease_within(RETENTION_WAIT)?;
            let now = Timestamp::now();
            if let Some(until) = self.retention_rests_until()?.filter(|until| now < *until) {
                let until = moment::wire(until);
                tracing::info!(%made, until, "retention deletes nothing for a day after a restore");
                let told = format!("Retention deletes nothing until {until}: data was restored");
                self.note_retention(Level::Info, &told, made, made, [("until".to_owned(), json!(until))]);
                return Ok(());
            }
            // An hour may have passed: what was to stay may be gone by now, and what was to go another by the same
            // name.
            let Plan {
                outlived,
                more_complete,
                ..
            } = self.plan_retention(storage, made)?;
            let next = outlived.into_iter().find(|backup| !done.contains(backup.key.as_str()));
            let Some(old) = next else {
                drop(alone);
                self.tell_of_more_complete(&more_complete, made);
                return Ok(());
            };
            done.insert(old.key.as_str().to_owned());
            if !delete(storage, &old)? {
                continue;
            }
            drop(alone);
            let old = old.key;
            self.backups().forget_deleted(storage, old.as_str());
            tracing::info!(key = %old, %made, "deleted a scheduled backup that has had its day");
            self.note_retention(
                Level::Info,
                &format!("Backup {old} deleted by retention"),
                &old,
                made,
                [],
            );
        }
    }

    /// What is to be done as things are now: nothing, where `made` is not there any more or no longer known to be good.
    fn plan_retention(&self, storage: &dyn Storage, made: &BackupKey) -> Result<Plan> {
        let candidates = self.backups().listed_in(storage)?.into_iter().map(candidate).collect();
        let origin = self.backups().origin(storage)?;
        let plan = plan(candidates, &origin, &self.settings().backups, made);
        Ok(plan.unwrap_or_else(|| {
            tracing::warn!(%made, "retention stops: the backup that was made is not there any more, or not known to be good");
            Plan::default()
        }))
    }

    fn tell_of_more_complete(&self, kept: &[Candidate], made: &BackupKey) {
        for Candidate { backup, missing, .. } in kept {
            let old = &backup.key;
            let own = missing.map_or_else(|| "an unknown number".to_owned(), |count| count.to_string());
            let why = format!("of the files that records name it lacks {own}, and newer ones lack more");
            tracing::warn!(key = %old, %made, why, "kept a scheduled backup that else had had its day");
            self.note_retention(
                Level::Warning,
                &format!("Backup {old} kept by retention: {why}"),
                old,
                made,
                [("missing".to_owned(), json!(missing))],
            );
        }
    }

    fn note_retention<const N: usize>(
        &self,
        level: Level,
        message: &str,
        old: &BackupKey,
        made: &BackupKey,
        more: [(String, Value); N],
    ) {
        let mut data = Map::from_iter([
            ("type".to_owned(), json!("retention")),
            ("key".to_owned(), json!(old.as_str())),
            ("made".to_owned(), json!(made.as_str())),
        ]);
        data.extend(more);
        self.logs().event(level, message, data);
    }
}

/// A backup as retention judges it.
pub(super) fn candidate(listed: Listed) -> Candidate {
    Candidate {
        proof_state: listed.proof.proof_state(),
        missing: listed.proof.missing,
        backup: listed.backup,
    }
}

/// What becomes of `list`, which is all that lies in the storage that `origin` is about, once `made` is proven; nothing
/// where it is not there, or not known to be good. A preview asks it as the run does.
pub(super) fn plan(
    mut list: Vec<Candidate>,
    origin: &Origin,
    settings: &BackupSettings,
    made: &BackupKey,
) -> Option<Plan> {
    // Those of others neither go nor take the place of ours.
    list.retain(|one| one.backup.key == *made || origin.is_own(one.backup.key.as_str()));
    let is_good = |one: &Candidate| one.backup.key == *made && one.proof_state == ProofState::Proven;
    list.iter()
        .any(is_good)
        .then(|| retention::plan(&list, &rules(settings), SCHEDULED, made))
}

/// Deletes the very backup that was listed; answers whether it is gone.
fn delete(storage: &dyn Storage, old: &BackupInfo) -> Result<bool> {
    match storage.open(&old.key) {
        Ok(source) if !Identity::of(source.as_ref()).is(&old.into()) => {
            tracing::warn!(key = %old.key, "retention leaves alone another backup of the same name");
            return Ok(false);
        }
        Err(error) if error.kind() == Engine::NotFound => return Ok(true),
        // One that can't be opened is the one that was listed, as far as can be told.
        Ok(_) | Err(_) => {}
    }
    match storage.delete(&old.key) {
        // The faster one did the same.
        Err(error) if error.kind() != Engine::NotFound => Err(refuse(error)),
        _ => Ok(true),
    }
}

/// What the settings ask to keep of the scheduled backups.
pub(super) fn rules(settings: &BackupSettings) -> Rules {
    let count = |value: i64| usize::try_from(value).unwrap_or_default();
    Rules {
        last: count(settings.cron_max_keep).max(count(settings.keep_last)),
        daily: count(settings.keep_daily),
        weekly: count(settings.keep_weekly),
        monthly: count(settings.keep_monthly),
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;
    use std::thread;

    use super::*;
    use crate::app::App;
    use crate::jobs::{JobKind, Lease};
    use crate::options::AppOptions;

    /// Long enough for a retention to have found that somebody holds the lease.
    const WAITS: Duration = Duration::from_millis(400);

    struct House {
        app: App,
        storage: Arc<dyn Storage>,
        _dir: tempfile::TempDir,
    }

    impl House {
        /// An application that keeps two scheduled backups, and has three that are proven.
        fn new() -> (Self, [BackupKey; 3]) {
            let dir = tempfile::tempdir().unwrap();
            let app = App::open(AppOptions::at(dir.path().join("pb_data"))).unwrap();
            let patch = json!({"backups": {"cronMaxKeep": 2}});
            app.settings().update(patch.as_object().unwrap()).unwrap();
            let storage = app.backups().storage().unwrap();
            let house = Self {
                app,
                storage,
                _dir: dir,
            };
            let keys = ["1", "2", "3"].map(|name| {
                let key = BackupKey::existing(&format!("{SCHEDULED}{name}.zip")).unwrap();
                house.back_up(&key, house.lease());
                key
            });
            (house, keys)
        }

        fn lease(&self) -> Lease {
            self.app.jobs().lease_within(RETENTION_WAIT).unwrap()
        }

        fn back_up(&self, key: &BackupKey, lease: Lease) {
            let running = self.app.jobs().begin(lease, JobKind::Create, key.as_str()).unwrap();
            let outcome = self.app.backup_jobs().make_backup(self.storage.as_ref(), key, &running);
            running.end(outcome).unwrap();
        }

        /// Runs the retention after `made`, which finds that somebody else is at the backups, and does `meanwhile`.
        fn retain(&self, made: &BackupKey, meanwhile: impl FnOnce(Lease)) {
            let lease = self.lease();
            let (app, storage, made) = (self.app.clone(), self.storage.clone(), made.clone());
            let retention = thread::spawn(move || app.backup_jobs().delete_outlived(storage.as_ref(), &made));
            thread::sleep(WAITS);
            meanwhile(lease);
            retention.join().unwrap().unwrap();
        }

        fn keys(&self) -> Vec<BackupKey> {
            let list = self.storage.list().unwrap();
            let mut keys: Vec<_> = list.into_iter().map(|backup| backup.key).collect();
            keys.sort();
            keys
        }
    }

    #[test]
    fn the_oldest_goes() {
        let (house, [_, second, third]) = House::new();
        house.retain(&third, drop);
        assert_eq!(house.keys(), [second, third]);
    }

    /// A restore brought old rules along, and the next scheduled backup deleted the one that was restored from.
    #[test]
    fn nothing_goes_within_a_day_of_a_restore() {
        for (kind, state, hours, rests) in [
            (JobKind::Restore, JobState::Succeeded, 23, true),
            (JobKind::Undo, JobState::Succeeded, 1, true),
            (JobKind::Restore, JobState::Succeeded, 25, false),
            (JobKind::Restore, JobState::Failed, 1, false),
            (JobKind::Upload, JobState::Succeeded, 1, false),
        ] {
            let (house, keys) = House::new();
            let finished = moment::wire(Timestamp::now() - SignedDuration::from_hours(hours));
            let job = json!({
                "id": "ended", "kind": kind, "key": "x.zip", "state": state, "bytesDone": 1, "bytesTotal": 1,
                "started": finished, "finished": finished,
            });
            let job = serde_json::from_value(job).unwrap();
            house.app.jobs().history().put(&job).unwrap();
            house.retain(&keys[2], drop);
            assert_eq!(house.keys(), keys[usize::from(!rests)..], "{kind:?} {state:?} {hours}");
        }
    }

    /// It went by what there had been before it waited, up to an hour, and deleted the last one.
    #[test]
    fn what_was_deleted_while_it_waited_is_not_counted_on() {
        let (house, [first, second, third]) = House::new();
        house.retain(&third, |lease| {
            house.storage.delete(&second).unwrap();
            house.storage.delete(&third).unwrap();
            drop(lease);
        });
        assert_eq!(house.keys(), [first]);
    }

    /// It deleted by name alone.
    #[test]
    fn another_that_got_the_name_while_it_waited_stays() {
        let (house, [first, _, third]) = House::new();
        house.retain(&third, |lease| {
            house.storage.delete(&first).unwrap();
            house.back_up(&first, lease);
        });
        assert!(house.keys().contains(&first));
        let mut other = house.storage.list().unwrap().remove(0);
        (other.size, other.etag) = (other.size + 1, String::new());
        assert!(!delete(house.storage.as_ref(), &other).unwrap());
        assert!(house.keys().contains(&other.key));
    }
}
