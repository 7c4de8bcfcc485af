//! What retention would do at its next run, without doing it.

use bosbase_backup::retention::{AUTO_PREFIX, Against, Candidate, ProofState, Rule};
use bosbase_backup::{BackupInfo, BackupKey};
use jiff::Timestamp;
use serde::Serialize;

use super::backup_jobs::BackupJobs;
use super::listed::Listed;
use super::name::{SCHEDULED, generate};
use super::origin::Origin;
use super::retention::{candidate, plan, rules};
use crate::error::{Error, Result};
use crate::moment;
use crate::schedule::Schedule;
use crate::settings::BackupSettings;

/// Why a backup stays.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub enum Reason {
    /// It is one of the newest (`cronMaxKeep`, `keepLast`).
    Last,
    /// It is the newest of a day.
    Daily,
    /// It is the newest of a week.
    Weekly,
    /// It is the newest of a month.
    Monthly,
    /// It would go, were newer ones proven as well as it is.
    BetterProven,
    /// It would go, had newer ones not lost files that it holds.
    MoreComplete,
    /// It was made by hand or uploaded: no schedule deletes it.
    ByHand,
    /// Another data directory made it.
    Foreign,
    /// The settings keep all.
    NoRules,
    /// It would go, had data not been restored a day ago at most.
    Restored,
}

/// One backup, and what becomes of it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
pub struct Foreseen {
    /// Its name.
    pub key: String,
    /// Its length in bytes.
    pub size: u64,
    /// When it was published.
    pub modified: String,
    /// Whether it goes.
    pub goes: bool,
    /// Why it stays; empty where it goes.
    pub why: Vec<Reason>,
}

/// What retention would do.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Foresight {
    /// When it runs next: as soon as that scheduled backup is proven; empty where there is no schedule.
    pub next_run: String,
    /// How many go.
    pub going: usize,
    /// Their bytes together.
    pub going_bytes: u64,
    /// All backups, newest first.
    pub backups: Vec<Foreseen>,
}

impl BackupJobs {
    /// What the next run of retention would do with the backups that there are, were `settings` in force. It goes by
    /// what the run goes by. That begins with a new backup, which is taken to be made when it is due, to be proven, and
    /// to lack what the newest proven scheduled one lacks.
    ///
    /// # Errors
    ///
    /// Where the storage or what is known of the backups can't be read.
    pub fn preview_retention(&self, settings: &BackupSettings) -> Result<Foresight> {
        let storage = self.backups().storage()?;
        let listed = self.backups().listed_in(storage.as_ref())?;
        let origin = self.backups().origin(storage.as_ref())?;
        let tag = self.backups().tag()?;
        let now = Timestamp::now();
        let schedule = Schedule::parse(&settings.cron).ok();
        let next = schedule.and_then(|schedule| schedule.next_after(now));
        let name = generate(
            SCHEDULED,
            &self.settings().meta.app_name,
            next.unwrap_or(now),
            Some(&tag),
            |name| listed.iter().any(|one| one.backup.key.as_str() == name),
        );
        let made = BackupKey::existing(&name).map_err(Error::internal)?;
        let mut foresight = foresee(listed, &origin, settings, &made, next.unwrap_or(now));
        if self
            .retention_rests_until()?
            .is_some_and(|until| next.unwrap_or(now) < until)
        {
            foresight.rest();
        }
        foresight.next_run = next.map(moment::wire).unwrap_or_default();
        Ok(foresight)
    }
}

fn foresee(
    listed: Vec<Listed>,
    origin: &Origin,
    settings: &BackupSettings,
    made: &BackupKey,
    at: Timestamp,
) -> Foresight {
    let list: Vec<BackupInfo> = listed.iter().map(|one| one.backup.clone()).collect();
    let mut candidates: Vec<Candidate> = listed.into_iter().map(candidate).collect();
    let is_like_it = |one: &&Candidate| {
        let key = one.backup.key.as_str();
        one.proof_state == ProofState::Proven && key.starts_with(AUTO_PREFIX) && origin.is_own(key)
    };
    // A list is newest first.
    let missing = candidates.iter().find(is_like_it).map_or(Some(0), |one| one.missing);
    candidates.push(Candidate {
        backup: BackupInfo {
            key: made.clone(),
            size: 0,
            modified: at,
            etag: String::new(),
        },
        proof_state: ProofState::Proven,
        missing: missing.or(Some(0)),
    });
    let plan = plan(candidates, origin, settings, made).unwrap_or_default();
    let is_off = rules(settings).is_off();
    let why = |backup: &BackupInfo| {
        let key = backup.key.as_str();
        if !key.starts_with(SCHEDULED) {
            return vec![Reason::ByHand];
        }
        if !origin.is_own(key) {
            return vec![Reason::Foreign];
        }
        if is_off {
            return vec![Reason::NoRules];
        }
        let Some(kept) = plan.kept.iter().find(|kept| kept.backup.key == backup.key) else {
            return Vec::new();
        };
        let mut why: Vec<Reason> = kept.rules.iter().map(|rule| Reason::from(*rule)).collect();
        match kept.against {
            Against::All => {}
            Against::ProvenAsWell => why.push(Reason::BetterProven),
            Against::AsComplete => why.push(Reason::MoreComplete),
        }
        why
    };
    let backups: Vec<Foreseen> = list
        .iter()
        .map(|backup| Foreseen {
            key: backup.key.to_string(),
            size: backup.size,
            modified: moment::wire(backup.modified),
            goes: plan.outlived.iter().any(|gone| gone.key == backup.key),
            why: why(backup),
        })
        .collect();
    let going = || backups.iter().filter(|one| one.goes);
    Foresight {
        next_run: String::new(),
        going: going().count(),
        going_bytes: going().map(|one| one.size).sum(),
        backups,
    }
}

impl Foresight {
    /// Nothing goes.
    fn rest(&mut self) {
        for one in self.backups.iter_mut().filter(|one| one.goes) {
            one.goes = false;
            one.why = vec![Reason::Restored];
        }
        (self.going, self.going_bytes) = (0, 0);
    }
}

impl From<Rule> for Reason {
    fn from(rule: Rule) -> Self {
        match rule {
            Rule::Last => Self::Last,
            Rule::Daily => Self::Daily,
            Rule::Weekly => Self::Weekly,
            Rule::Monthly => Self::Monthly,
        }
    }
}

#[cfg(test)]
mod tests {
    #![allow(
        clippy::disallowed_methods,
        reason = "a test sets when files were changed, and links a folder"
    )]

    use std::collections::BTreeSet;
    use std::fs::{self, File};
    use std::path::PathBuf;
    use std::time::{Duration, SystemTime};

    use bosbase_backup::{Depth, Identity};
    use serde_json::json;

    use super::*;
    use crate::app::App;
    use crate::jobs::name::MANUAL;
    use crate::jobs::proofs::Verdict;
    use crate::options::AppOptions;

    const DAY: u64 = 86_400;
    const ROUNDS: u64 = 150;

    /// Numbers that are the same for the same seed (Knuth's MMIX).
    struct Dice(u64);

    impl Dice {
        fn below(&mut self, end: u64) -> u64 {
            self.0 = self
                .0
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1_442_695_040_888_963_407);
            (self.0 >> 33) % end
        }
    }

    /// An application whose backups are files with nothing in them; retention looks into none.
    struct House {
        app: App,
        folder: PathBuf,
        _dir: tempfile::TempDir,
    }

    impl House {
        /// In a folder that others may reach as well, where their backups are told apart, or in its own.
        fn new(is_shared: bool) -> Self {
            let dir = tempfile::tempdir().unwrap();
            let data_dir = dir.path().join("pb_data");
            let mut folder = data_dir.join("backups");
            if is_shared {
                let elsewhere = dir.path().join("elsewhere");
                fs::create_dir_all(&elsewhere).unwrap();
                fs::create_dir_all(&data_dir).unwrap();
                std::os::unix::fs::symlink(&elsewhere, &folder).unwrap();
                folder = elsewhere;
            }
            fs::create_dir_all(&folder).unwrap();
            let app = App::open(AppOptions::at(data_dir)).unwrap();
            Self { app, folder, _dir: dir }
        }

        fn empty(&self) {
            for key in self.keys() {
                fs::remove_file(self.folder.join(key)).unwrap();
            }
            drop(fs::remove_file(self.app.data_dir().state().proofs()));
        }

        fn add(&self, name: &str, modified: SystemTime, verdict: Option<Verdict>) {
            let path = self.folder.join(name);
            fs::write(&path, name).unwrap();
            File::open(&path).unwrap().set_modified(modified).unwrap();
            let Some(verdict) = verdict else { return };
            let storage = self.app.backups().storage().unwrap();
            let list = storage.list().unwrap();
            let own = list.iter().find(|one| one.key.as_str() == name).unwrap();
            let about = (name, &Identity::from(own));
            let proofs = self.app.backups().proofs();
            proofs.record(&storage.place(), about, &list, "job", verdict).unwrap();
        }

        fn keys(&self) -> BTreeSet<String> {
            let names = fs::read_dir(&self.folder).unwrap();
            names
                .map(|entry| entry.unwrap().file_name().into_string().unwrap())
                .collect()
        }

        fn tag(&self) -> String {
            self.app.backups().tag().unwrap()
        }
    }

    fn proven(missing: Option<u64>) -> Verdict {
        Verdict::Proven {
            depth: if missing.is_some() {
                Depth::Databases
            } else {
                Depth::Bytes
            },
            missing,
        }
    }

    fn some_verdict(dice: &mut Dice) -> Option<Verdict> {
        match dice.below(8) {
            0 => None,
            1 => Some(Verdict::Failed("cut off".to_owned())),
            2 => Some(proven(None)),
            3 => Some(proven(Some(1 + dice.below(2)))),
            _ => Some(proven(Some(0))),
        }
    }

    /// What is foreseen and what is done are one: random backups of all kinds, random rules, in a folder of its own and
    /// in a shared one.
    #[test]
    fn what_is_foreseen_is_what_goes() {
        let (own, shared) = (House::new(false), House::new(true));
        let (mut went, mut stayed) = (0, 0);
        for seed in 0..ROUNDS {
            let house = if seed % 2 == 0 { &own } else { &shared };
            let mut dice = Dice(seed);
            house.empty();
            let now = SystemTime::now();
            for n in 0..dice.below(25) {
                let at = Timestamp::UNIX_EPOCH;
                let name = match dice.below(6) {
                    0 => generate(MANUAL, &format!("m{n}"), at, None, |_| false),
                    1 => generate(SCHEDULED, &format!("u{n}"), at, None, |_| false),
                    2 => generate(SCHEDULED, &format!("o{n}"), at, Some("i7654321"), |_| false),
                    _ => generate(SCHEDULED, &format!("a{n}"), at, Some(&house.tag()), |_| false),
                };
                let age = Duration::from_secs(dice.below(120 * DAY));
                house.add(&name, now - age, some_verdict(&mut dice));
            }
            let rules = json!({"backups": {
                "cronMaxKeep": dice.below(6), "keepLast": dice.below(3), "keepDaily": dice.below(5),
                "keepWeekly": dice.below(4), "keepMonthly": dice.below(4),
            }});
            let rules = rules.as_object().unwrap();
            let jobs = house.app.backup_jobs();
            let proposed = house.app.settings().proposed(rules).unwrap();
            let foresight = jobs.preview_retention(&proposed.backups).unwrap();
            let before = house.keys();
            assert_eq!(
                foresight
                    .backups
                    .iter()
                    .map(|one| one.key.clone())
                    .collect::<BTreeSet<_>>(),
                before
            );
            assert!(
                foresight.backups.iter().all(|one| one.goes == one.why.is_empty()),
                "{seed}: {foresight:?}"
            );

            house.app.settings().update(rules).unwrap();
            let storage = house.app.backups().storage().unwrap();
            let origin = house.app.backups().origin(storage.as_ref()).unwrap();
            // The next backup lacks what the last one of its kind lacks.
            let last = house.app.backups().listed().unwrap().into_iter().find(|one| {
                let key = one.backup.key.as_str();
                one.proof.is_good() && key.starts_with(SCHEDULED) && origin.is_own(key)
            });
            let missing = last.and_then(|one| one.proof.missing).unwrap_or_default();
            let made = generate(SCHEDULED, "made", Timestamp::now(), Some(&house.tag()), |_| false);
            house.add(&made, SystemTime::now(), Some(proven(Some(missing))));
            jobs.delete_outlived(storage.as_ref(), &BackupKey::existing(&made).unwrap())
                .unwrap();

            let mut left = house.keys();
            assert!(left.remove(&made), "{seed}: the new one went");
            let foreseen = foresight
                .backups
                .iter()
                .filter(|one| !one.goes)
                .map(|one| one.key.clone())
                .collect();
            assert_eq!(left, foreseen, "{seed}: {rules:?} {foresight:#?}");
            went += before.len() - left.len();
            stayed += left.len();
        }
        assert!(
            went > 200 && stayed > 200,
            "{went} went, {stayed} stayed: too one-sided to tell anything"
        );
    }

    #[test]
    fn the_reasons_are_named_and_nothing_changes() {
        let house = House::new(true);
        let now = SystemTime::now();
        let ago = |days: u64| now - Duration::from_secs(days * DAY);
        let own = |name: &str| generate(SCHEDULED, name, Timestamp::UNIX_EPOCH, Some(&house.tag()), |_| false);
        let (fresh, broken, whole, old) = (own("fresh"), own("broken"), own("whole"), own("old"));
        let other = generate(SCHEDULED, "other", Timestamp::UNIX_EPOCH, Some("i7654321"), |_| false);
        house.add(&fresh, ago(1), Some(proven(Some(3))));
        house.add(&broken, ago(2), Some(Verdict::Failed("cut off".to_owned())));
        house.add(&whole, ago(3), Some(proven(Some(0))));
        house.add(&old, ago(9), Some(proven(Some(0))));
        house.add("mine.zip", ago(8), None);
        house.add(&other, ago(7), None);
        let before = house.keys();
        let ask = |rules: serde_json::Value| {
            let patch = json!({ "backups": rules });
            let proposed = house.app.settings().proposed(patch.as_object().unwrap()).unwrap();
            house.app.backup_jobs().preview_retention(&proposed.backups).unwrap()
        };
        let two = ask(json!({"cronMaxKeep": 2, "cron": "0 2 * * *"}));
        let why = |foresight: &Foresight, key: &str| {
            let one = foresight.backups.iter().find(|one| one.key == key).unwrap();
            (one.goes, one.why.clone())
        };
        assert_eq!(why(&two, &fresh), (false, vec![Reason::Last]));
        assert_eq!(why(&two, &broken), (true, vec![]));
        assert_eq!(why(&two, &whole), (false, vec![Reason::Last, Reason::MoreComplete]));
        assert_eq!(why(&two, &old), (false, vec![Reason::Last, Reason::MoreComplete]));
        assert_eq!(why(&two, "mine.zip"), (false, vec![Reason::ByHand]));
        assert_eq!(why(&two, &other), (false, vec![Reason::Foreign]));
        assert_eq!((two.going, two.going_bytes), (1, broken.len() as u64));
        assert!(two.next_run.contains("T02:00:00.000Z"), "{}", two.next_run);
        let all = ask(json!({"cronMaxKeep": 0}));
        assert_eq!((all.going, all.next_run.as_str()), (0, ""));
        assert_eq!(why(&all, &broken), (false, vec![Reason::NoRules]));
        assert_eq!(house.keys(), before);
        assert_eq!(house.app.settings().get().backups.cron, "");
    }
}
