//! Proves a backup that is listed: reads it back from where it lies, and lets its databases check themselves.
//!
//! The databases are checked on the pinned snapshots, while the files are still being packed if that takes long. That
//! the archive holds the very bytes that were checked is what the hashes prove; so nothing is unpacked, and the proof
//! takes no disk.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::mpsc::{self, Receiver, RecvTimeoutError, SyncSender};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use bosbase_background::{LAST, step_back};

use crate::archive::{Archive, Checked, verify};
use crate::data_dir::DataDir;
use crate::error::{Context as _, Error, ErrorKind, Result};
use crate::inventory::Inventory;
use crate::packed::PackedNames;
use crate::progress::{Progress, Steps, cancelled};
use crate::report::CreateReport;
use crate::sources::{CheckFailure, DatabaseSnapshot};
use crate::storage::{ArchiveSource, Identity, Storage};

/// How long the checks wait at most for the backup to be listed: until then the processor is the archive's. No longer,
/// since the write-ahead log grows while a snapshot is held.
const LISTED_FIRST: Duration = Duration::from_secs(10);
/// How long it takes at most until a check notices that nobody waits for it any more.
const NOTICED_WITHIN: Duration = Duration::from_millis(20);

/// A backup that is listed, whole and durable, but not proven. Dropping it ends the checks that are under way.
#[must_use = "a backup that is not proven is only hoped for"]
pub struct Created {
    report: CreateReport,
    source: Result<Box<dyn ArchiveSource>>,
    checks: Checks,
    packed: PackedNames,
}

/// What proving a backup showed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Proof {
    /// What reading it back found.
    pub checked: Checked,
    /// What it holds.
    pub inventory: Inventory,
}

impl Created {
    pub(crate) fn new(
        report: CreateReport,
        source: Result<Box<dyn ArchiveSource>>,
        checks: Checks,
        packed: PackedNames,
    ) -> Self {
        checks.begin();
        Self {
            report,
            source,
            checks,
            packed,
        }
    }

    /// What was made.
    #[must_use]
    pub fn report(&self) -> &CreateReport {
        &self.report
    }

    /// Which backup it is that is going to be proven.
    #[must_use]
    pub fn identity(&self) -> Identity {
        match &self.source {
            Ok(source) => Identity::of(source.as_ref()),
            // It is proven to nobody.
            Err(_) => Identity::from(&self.report.backup),
        }
    }

    /// Reads the backup back from where it lies and compares every length, CRC-32 and BLAKE3, and the names in it with
    /// what was packed, among which is every file that a record names and that there was; then waits for the databases'
    /// own checks. Blocks for about as long as making it took.
    ///
    /// # Errors
    /// - [`ErrorKind::InvalidArchive`]: it is not what was written. It is deleted, unless another has its name by now.
    /// - [`ErrorKind::InvalidDatabase`]: it is what was written, but the application's database is damaged. It stays
    ///   listed, since it may be the last copy.
    /// - [`ErrorKind::Io`], [`ErrorKind::NotFound`], [`ErrorKind::Cancelled`]: it could not be proven. It stays listed.
    pub fn prove(self, storage: &dyn Storage, progress: &dyn Progress, steps: &dyn Steps) -> Result<Proof> {
        let source: Arc<dyn ArchiveSource> = Arc::from(self.source?);
        source.read_in_portions();
        let read_back = Archive::open(source.clone()).and_then(|archive| {
            let checked = verify(&archive, &Quiet(progress))?;
            let mut inventory = Inventory::default();
            self.packed
                .require(&archive, |entry| inventory.add(entry, &DataDir::DATABASES))?;
            inventory.describe(checked.manifest.as_ref());
            Ok((checked, inventory))
        });
        let checked = match read_back {
            Err(e) if e.kind() == ErrorKind::InvalidArchive => {
                return Err(delete(&self.report, source.as_ref(), storage, e));
            }
            other => other,
        };
        // What they found counts also where the backup itself could not be read.
        self.checks.wait(progress)?;
        let (checked, inventory) = checked?;
        steps.reached("create-verified");
        Ok(Proof { checked, inventory })
    }
}

/// Takes back what is not what was written; gives the error that tells of it.
fn delete(report: &CreateReport, source: &dyn ArchiveSource, storage: &dyn Storage, error: Error) -> Error {
    let key = &report.backup.key;
    let is_ours = match storage.open(key) {
        Ok(now) => now.etag() == source.etag(),
        Err(e) if e.kind() == ErrorKind::NotFound => false,
        // What can't be told apart is not deleted; the error says what it is.
        Err(_) => false,
    };
    if !is_ours {
        return error;
    }
    match storage.delete(key) {
        Ok(()) => error,
        Err(e) => Error::with(
            ErrorKind::InvalidArchive,
            format!("{error}; the broken backup {key} could not be deleted: {e}"),
            e,
        ),
    }
}

/// The databases' own checks, one after the other in a thread that leaves the processor to everybody else.
pub(crate) struct Checks {
    go_ahead: SyncSender<()>,
    outcome: Receiver<Result<()>>,
    given_up: Arc<AtomicBool>,
    interrupters: Vec<Box<dyn Fn() + Send + Sync>>,
    thread: Option<JoinHandle<()>>,
}

impl Checks {
    /// Starts them; they begin when the backup is listed, or after [`LISTED_FIRST`]. Each snapshot ends with its check.
    pub(crate) fn start(databases: Vec<Box<dyn DatabaseSnapshot>>) -> Result<Self> {
        let (go_ahead, listed) = mpsc::sync_channel(1);
        let (sender, outcome) = mpsc::sync_channel(1);
        let given_up = Arc::new(AtomicBool::new(false));
        let interrupters = databases.iter().map(|database| database.interrupter()).collect();
        let nobody_waits = given_up.clone();
        let thread = thread::Builder::new()
            .name("backup-check".to_owned())
            .spawn(move || {
                step_back(LAST);
                // However it ended.
                let _ = listed.recv_timeout(LISTED_FIRST);
                // A proof that was given up does not wait for the outcome.
                let _ = sender.send(check_all(databases, &nobody_waits));
            })
            .context(|| "starting the check of the databases".to_owned())?;
        Ok(Self {
            go_ahead,
            outcome,
            given_up,
            interrupters,
            thread: Some(thread),
        })
    }

    /// The backup is listed.
    fn begin(&self) {
        // Full or closed, they have begun.
        let _ = self.go_ahead.try_send(());
    }

    fn wait(self, progress: &dyn Progress) -> Result<()> {
        loop {
            match self.outcome.recv_timeout(NOTICED_WITHIN) {
                Ok(outcome) => return outcome,
                Err(RecvTimeoutError::Timeout) if progress.cancelled() => {
                    return Err(cancelled());
                }
                Err(RecvTimeoutError::Timeout) => {}
                Err(RecvTimeoutError::Disconnected) => {
                    return Err(Error::new(
                        ErrorKind::Io,
                        "the check of the databases ended without an outcome",
                    ));
                }
            }
        }
    }
}

impl Drop for Checks {
    fn drop(&mut self) {
        self.given_up.store(true, Ordering::Relaxed);
        self.begin();
        let Some(thread) = self.thread.take() else { return };
        // An interruption between two checks is missed by both, so it is repeated.
        while !thread.is_finished() {
            for interrupt in &self.interrupters {
                interrupt();
            }
            thread::sleep(Duration::from_millis(1));
        }
        // What it had to say was said through the channel.
        let _ = thread.join();
    }
}

fn check_all(databases: Vec<Box<dyn DatabaseSnapshot>>, given_up: &AtomicBool) -> Result<()> {
    let mut first = Ok(());
    for mut database in databases {
        if given_up.load(Ordering::Relaxed) {
            return Err(Error::new(
                ErrorKind::Cancelled,
                "the check of the databases was given up",
            ));
        }
        let name = database.name().to_owned();
        let checked = database.integrity_check().map_err(|failure| match failure {
            CheckFailure::Damaged(why) => Error::with(
                ErrorKind::InvalidDatabase,
                format!("the application's database {name} is damaged"),
                why,
            ),
            CheckFailure::Unchecked(why) => Error::with(ErrorKind::Io, format!("checking the database {name}"), why),
        });
        // Damage is worse news than what could not be checked.
        match (&first, &checked) {
            (Ok(()), _) => first = checked,
            (Err(e), Err(worse))
                if e.kind() != ErrorKind::InvalidDatabase && worse.kind() == ErrorKind::InvalidDatabase =>
            {
                first = checked;
            }
            _ => {}
        }
    }
    first
}

/// Passes on how far the verification is, but not the total, which was told before.
struct Quiet<'a>(&'a dyn Progress);

impl Progress for Quiet<'_> {
    fn total(&self, _: u64) {}

    fn advance(&self, bytes: u64) {
        self.0.advance(bytes);
    }

    fn cancelled(&self) -> bool {
        self.0.cancelled()
    }
}
