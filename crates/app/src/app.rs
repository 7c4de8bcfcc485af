//! The application on one data directory.

use std::sync::Arc;

use bosbase_backup::DataDir;
use bosbase_disk::Disk;
use bosbase_store::Store;
use serde_json::{Map, json};

use crate::accounts::{self, Accounts, superuser_addresses};
use crate::alarms::{Alarms, Desk};
use crate::auth::{Passwords, Sessions};
use crate::collections::{self, Collections};
use crate::console::Console;
use crate::crons::{self, Clock, Crons, EachMinute, Ticker, Works};
use crate::error::Result;
use crate::files::FileStore;
use crate::jobs::{self, BackupJobs, Backups, InForce, Job, JobRegistry, LeftUnproven, Places};
use crate::limits::{PasswordTries, RateLimits};
use crate::logs::{self, Level, LogWriter, Logs};
use crate::mails::SampleMail;
use crate::memory::Memory;
use crate::opening::{self, Opened};
use crate::options::AppOptions;
use crate::realtime::{BACKUPS_TOPIC, Hub};
use crate::records::{self, Audience, Records, StoredReferences};
use crate::recovery::{self, Recovery};
use crate::reserve::Reserve;
use crate::settings::{self, Settings, SettingsCell, SettingsStore};
use crate::unsupported;

/// An open application. Clones share it.
#[derive(Clone)]
pub struct App {
    inner: Arc<Inner>,
}

struct Inner {
    options: AppOptions,
    store: Store,
    disk: Arc<dyn Disk>,
    memory: Memory,
    findings: Vec<String>,
    log_writer: Arc<LogWriter>,
    logs: Logs,
    settings: SettingsStore,
    files: FileStore,
    sessions: Sessions,
    realtime: Hub,
    records: Records,
    recovery: Recovery,
    collections: Collections,
    accounts: Accounts,
    console: Console,
    rate_limits: RateLimits,
    sample_mail: SampleMail,
    backups: Arc<Backups>,
    backup_jobs: BackupJobs,
    alarms: Alarms,
    crons: Crons,
    #[cfg(test)]
    passwords: Arc<Passwords>,
}

impl App {
    /// Opens the databases of a data directory in which no restore waits to be finished, for one who is alone in it.
    pub(crate) fn open_databases(options: AppOptions, disk: Arc<dyn Disk>) -> Result<Self> {
        let opened = opening::open_alone(&options, disk.as_ref())?;
        Self::of(opened, options, disk)
    }

    /// The same beside another process that has it.
    pub(crate) fn open_databases_beside(options: AppOptions, disk: Arc<dyn Disk>) -> Result<Self> {
        let opened = opening::open_beside(&options)?;
        Self::of(opened, options, disk)
    }

    fn of(Opened { store, findings }: Opened, options: AppOptions, disk: Arc<dyn Disk>) -> Result<Self> {
        let settings = settings::load(&store, options.encryption_key.as_deref())?;
        let settings = Arc::new(SettingsCell::new(settings));
        let reserve = Reserve::in_state_dir(disk.clone(), &options.data_dir.state());
        let bounds = logs::Bounds {
            disk: disk.clone(),
            data_dir: options.data_dir.to_path_buf(),
            settings: settings.clone(),
            reserve: reserve.clone(),
        };
        let log_writer = Arc::new(LogWriter::start(store.clone(), bounds).map_err(crate::Error::internal)?);
        let logs = Logs::new(store.clone(), settings.clone(), log_writer.clone(), reserve.clone());
        let files = FileStore::new(
            disk.clone(),
            &options.data_dir,
            Box::new(StoredReferences(store.clone())),
            Box::new(InForce::new(options.clone(), settings.clone(), disk.clone())),
        );
        let sessions = Sessions::new(store.clone(), settings.clone());
        let realtime = Hub::new(store.clone(), sessions.clone());
        let audience: Arc<dyn Audience> = Arc::new(realtime.clone());

        let desk = Arc::new(Desk::default());
        let tell = {
            let (realtime, logs, desk) = (realtime.clone(), logs.clone(), desk.clone());
            move |job: &Job| {
                realtime.publish(BACKUPS_TOPIC, &serde_json::json!(job));
                jobs::log(&logs, job);
                desk.note(job);
            }
        };
        let places = Places::Application(options.clone(), settings.clone());
        let deleted = {
            let (logs, desk) = (logs.clone(), desk.clone());
            move |key: &str| desk.deleted(key, &logs)
        };
        let backups = Arc::new(Backups::new(
            options.clone(),
            disk.clone(),
            places,
            Arc::new(tell),
            Box::new(deleted),
        ));
        let backup_jobs = BackupJobs::new(
            backups.clone(),
            store.clone(),
            files.clone(),
            settings.clone(),
            logs.clone(),
        );
        let of_superusers = store.clone();
        let superusers = Box::new(move || superuser_addresses(&of_superusers));
        let alarms = Alarms::new(desk.clone(), backup_jobs.clone(), superusers);
        let works = Works {
            store: store.clone(),
            settings: settings.clone(),
            reserve: reserve.clone(),
            alarms: alarms.clone(),
            rehearsal: options.rehearsal,
        };
        let crons = Crons::new(works, logs.clone());

        let memory = Memory::default();
        let passwords = Arc::new(Passwords::default());
        let tries = PasswordTries::new(settings.clone());
        let records = Records::new(records::Parts {
            store: store.clone(),
            files: files.clone(),
            audience: audience.clone(),
            sessions: sessions.clone(),
            passwords: passwords.clone(),
            tries: tries.clone(),
            memory: memory.clone(),
            reserve: reserve.clone(),
        });
        let recovery = Recovery::new(recovery::Parts {
            store: store.clone(),
            backups: backups.clone(),
            records: records.clone(),
            files: files.clone(),
            memory: memory.clone(),
            steps: options.steps.clone(),
        });
        let collections = Collections::new(collections::Parts {
            store: store.clone(),
            files: files.clone(),
            audience,
            memory: memory.clone(),
            reserve: reserve.clone(),
        });
        let console = Console::new(store.clone(), memory.clone());
        let rate_limits = RateLimits::new(store.clone(), settings.clone());
        let sample_mail = SampleMail::new(store.clone(), settings.clone());
        let key = options.encryption_key.clone();
        let of_settings = files.clone();
        let (of_change, told) = (store.clone(), logs.clone());
        let changed = Box::new(move |before: &Settings, now: &Settings| {
            follow_bucket(&of_settings, before, now);
            for line in unsupported::of_change(&of_change, before, now) {
                tracing::warn!("{line}");
                told.event(
                    Level::Warning,
                    &line,
                    Map::from_iter([("type".to_owned(), json!("settings"))]),
                );
            }
            desk.hurry();
            of_settings.purge_objects();
        });
        let settings = SettingsStore::new(store.clone(), settings, key, reserve, changed);
        let accounts = Accounts::new(accounts::Parts {
            store: store.clone(),
            sessions: sessions.clone(),
            logs: logs.clone(),
            passwords: passwords.clone(),
            tries,
            records: records.clone(),
            files: files.clone(),
            settings: settings.clone(),
            backups: backups.clone(),
        });
        Ok(Self {
            inner: Arc::new(Inner {
                options,
                store,
                disk,
                memory,
                findings,
                log_writer,
                logs,
                settings,
                files,
                sessions,
                realtime,
                records,
                recovery,
                collections,
                accounts,
                console,
                rate_limits,
                sample_mail,
                backups,
                backup_jobs,
                alarms,
                crons,
                #[cfg(test)]
                passwords,
            }),
        })
    }

    /// The database.
    #[must_use]
    pub fn store(&self) -> &Store {
        &self.inner.store
    }

    /// The disk that uploaded files and backups are kept on.
    #[must_use]
    pub fn disk(&self) -> &Arc<dyn Disk> {
        &self.inner.disk
    }

    /// The data directory.
    #[must_use]
    pub fn data_dir(&self) -> &DataDir {
        &self.inner.options.data_dir
    }

    /// How it was opened.
    #[must_use]
    pub fn options(&self) -> &AppOptions {
        &self.inner.options
    }

    /// What the operator of the server should know of the data, a sentence each: what was found when it was opened.
    #[must_use]
    pub fn findings(&self) -> &[String] {
        &self.inner.findings
    }

    /// The budget of memory of all that clients make the process hold.
    #[must_use]
    pub fn memory(&self) -> &Memory {
        &self.inner.memory
    }

    /// The records.
    #[must_use]
    pub fn records(&self) -> &Records {
        &self.inner.records
    }

    /// The collections.
    #[must_use]
    pub fn collections(&self) -> &Collections {
        &self.inner.collections
    }

    /// The accounts, superusers among them.
    #[must_use]
    pub fn accounts(&self) -> &Accounts {
        &self.inner.accounts
    }

    /// Runs SQL for superusers.
    #[must_use]
    pub fn console(&self) -> &Console {
        &self.inner.console
    }

    /// Which logins stand.
    #[must_use]
    pub fn sessions(&self) -> &Sessions {
        &self.inner.sessions
    }

    /// How often clients may ask.
    #[must_use]
    pub fn rate_limits(&self) -> &RateLimits {
        &self.inner.rate_limits
    }

    /// The uploaded files.
    #[must_use]
    pub fn files(&self) -> &FileStore {
        &self.inner.files
    }

    /// The settings.
    #[must_use]
    pub fn settings(&self) -> &SettingsStore {
        &self.inner.settings
    }

    /// Mails templates for a try.
    #[must_use]
    pub fn sample_mail(&self) -> &SampleMail {
        &self.inner.sample_mail
    }

    /// The log.
    #[must_use]
    pub fn logs(&self) -> &Logs {
        &self.inner.logs
    }

    /// The open event streams.
    #[must_use]
    pub fn realtime(&self) -> &Hub {
        &self.inner.realtime
    }

    /// The backups and what can be done with them.
    #[must_use]
    pub fn backups(&self) -> &Arc<Backups> {
        &self.inner.backups
    }

    /// Makes backups and restores them.
    #[must_use]
    pub fn backup_jobs(&self) -> &BackupJobs {
        &self.inner.backup_jobs
    }

    /// The backup or restore that runs, and those that ran.
    #[must_use]
    pub fn jobs(&self) -> &JobRegistry {
        self.inner.backups.jobs()
    }

    /// Who is told when backups fail.
    #[must_use]
    pub fn alarms(&self) -> &Alarms {
        &self.inner.alarms
    }

    /// Brings single records out of backups back.
    #[must_use]
    pub fn recovery(&self) -> &Recovery {
        &self.inner.recovery
    }

    /// The recurring jobs.
    #[must_use]
    pub fn crons(&self) -> &Crons {
        &self.inner.crons
    }

    #[cfg(test)]
    pub(crate) fn passwords(&self) -> &Passwords {
        &self.inner.passwords
    }

    /// Runs the recurring jobs when they are due by `clock`, and looks after the data each minute, until the answer is
    /// dropped.
    ///
    /// # Errors
    ///
    /// Where the thread can't be started.
    pub fn start_crons(&self, clock: impl Clock + 'static) -> std::io::Result<Ticker> {
        let (alarms, data_dir) = (self.alarms().clone(), self.data_dir().to_owned());
        let (jobs, files) = (self.backup_jobs().clone(), self.files().clone());
        let left = LeftUnproven::of(self.backups());
        let looked = self.backups().clone();
        let each_minute: Vec<EachMinute> = vec![
            (
                "proving what a process left unproven",
                Box::new(move |_| left.prove_next()),
            ),
            ("watching the backups", Box::new(move |now| alarms.watch_backups(now))),
            (
                "looking for other servers",
                Box::new(move |_| jobs::watch_neighbours(&data_dir)),
            ),
            (
                "closing a backup that was looked into",
                Box::new(move |_| looked.end_looks()),
            ),
            (
                "removing what was kept for an undo",
                Box::new(move |_| {
                    if let Err(error) = jobs.expire_undo() {
                        tracing::warn!(%error, "data that was kept for an undo is still to be removed");
                    }
                }),
            ),
            (
                "removing the files of deleted records",
                Box::new(move |_| {
                    if let Err(error) = files.purge_pending() {
                        tracing::warn!(%error, "files of deleted records are still to be removed");
                    }
                }),
            ),
        ];
        crons::start(self.crons().clone(), each_minute, clock)
    }

    /// Asks the jobs of this process that make, prove or restore backups to end, or the one that is called `id`, as
    /// [`JobRegistry::cancel`]. What was to run once more is not.
    ///
    /// # Errors
    ///
    /// Those of `JobRegistry::cancel`.
    pub fn cancel_jobs(&self, id: Option<&str>) -> Result<()> {
        self.crons().repeat_nothing();
        self.jobs().cancel(id)
    }

    /// Ends all work and closes the databases; what is called later fails as unavailable.
    ///
    /// # Errors
    ///
    /// What the database says to its last checkpoint. The data is whole all the same: the log is replayed at the next
    /// start.
    pub fn close(&self) -> Result<()> {
        self.inner.accounts.close();
        self.inner.backups.close_looks();
        self.inner.log_writer.close();
        Ok(self.inner.store.clone().close()?)
    }
}

/// Notes which bucket was named for uploaded files, by somebody and not by a backup or a copy of the data.
fn follow_bucket(files: &FileStore, before: &Settings, now: &Settings) {
    let place = |settings: &Settings| settings.s3.bucket().map(|config| config.place());
    let named = place(now);
    if named == place(before) {
        return;
    }
    if let Err(error) = files.claim(named.as_deref()) {
        // The settings are in force all the same, and nothing is deleted that should not be.
        tracing::warn!(%error, "that the bucket of the uploaded files was named here could not be noted");
    }
}
