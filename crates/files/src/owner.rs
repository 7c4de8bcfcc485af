//! Who may delete in a bucket: the one data directory that its mark there names.
//!
//! A copy of an application's data (a rehearsal, a staging server) names the bucket of the original, and knows nothing
//! of what the original names there. So what deletes looks for the mark first. It is put into an empty bucket alone: by
//! who was told by hand to use that ([`Instance::claim`]), or is about to fill it with a backup; else by [`take_over`].
//! Everybody else adds files, reads them, and deletes nothing.

use std::io::{self, Write as _};
use std::sync::Arc;
use std::time::{Duration, Instant};

use bosbase_backup::{DataDir, StateDir};
use bosbase_bucket::{Bucket, BucketConfig, ErrorKind as Cause, Label, Patience};
use bosbase_disk::{Disk, RealDisk};
use parking_lot::Mutex;
use serde::{Deserialize, Serialize};

use super::instance::Instance;
use super::local::LocalFiles;
use super::place::BucketInForce;

/// The name of the mark. No file of a record lies in no folder, and PocketBase looks at none that does.
const MARK: &str = ".bosbase-owner";
/// Longest mark that is read, in bytes.
const LIMIT: u64 = 64 << 10;
/// The owner looks at the mark again after so long, between two deletions ...
const FRESH: Duration = Duration::from_secs(5);
/// ... and who is not the owner when something is to be removed, or a minute begins, that much later.
const FRESH_REFUSAL: Duration = Duration::from_secs(20);

/// What the mark says.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
struct Mark {
    /// The data directory's random name.
    owner: String,
    /// Where that lies on its machine, for people.
    #[serde(default)]
    directory: String,
    /// Since when, UTC.
    #[serde(default)]
    since: String,
}

/// Whose a bucket is.
#[derive(Debug, Clone, PartialEq, Eq)]
enum Ownership {
    /// This data directory's.
    Own,
    /// Nobody's yet, and there is something in it.
    Unmarked,
    /// Another's: what there is to tell of it.
    Others(String),
}

/// What was found last, of which bucket, and when.
struct Known {
    place: String,
    ownership: Ownership,
    at: Instant,
}

impl Known {
    fn is_fresh(&self) -> bool {
        let limit = if self.ownership == Ownership::Own {
            FRESH
        } else {
            FRESH_REFUSAL
        };
        self.at.elapsed() < limit
    }
}

/// Whose `bucket` is, for the data directory whose state lies in `state`; puts the mark there where it was named by
/// hand and is empty.
fn ownership(disk: &dyn Disk, state: &StateDir, bucket: &Bucket) -> io::Result<Ownership> {
    let instance = Instance::of(disk, state)?;
    let place = bucket.place();
    let claimed = instance.has_claimed(&place);
    let ownership = match look(bucket, &instance)? {
        Some(found) => found,
        None if !claimed => Ownership::Unmarked,
        None if is_empty(bucket)? => put_new(&instance, state, bucket)?,
        // Another thread may have put the mark there in between, and a file behind it.
        None => look(bucket, &instance)?.unwrap_or(Ownership::Unmarked),
    };
    if claimed && ownership != Ownership::Own {
        // It counts for the bucket as it was when it was named, and not for one that is emptied by its owner.
        Instance::drop_claim(disk, state, &place)?;
    }
    Ok(ownership)
}

/// Puts the mark in a bucket that nothing lies in, for who is about to fill it; leaves any other as it is.
///
/// # Errors
///
/// Where that can't be told or done.
pub fn mark_if_empty(disk: &dyn Disk, state: &StateDir, bucket: &Bucket) -> io::Result<()> {
    let instance = Instance::of(disk, state)?;
    if look(bucket, &instance)?.is_none() && is_empty(bucket)? {
        put_new(&instance, state, bucket)?;
    }
    Ok(())
}

/// Puts the mark where there is none.
fn put_new(instance: &Instance, state: &StateDir, bucket: &Bucket) -> io::Result<Ownership> {
    let mark = mark(instance, state)?;
    let mut upload = bucket.upload(MARK, Some(mark.len() as u64), &label());
    upload.write_all(&mark)?;
    match upload.finish(true) {
        Ok(_) => Ok(Ownership::Own),
        // Somebody was faster.
        Err(error) if error.kind() == Cause::AlreadyExists => look(bucket, instance)?.ok_or_else(|| error.into()),
        Err(error) => Err(error.into()),
    }
}

/// What the mark says; `None` where there is none.
fn look(bucket: &Bucket, instance: &Instance) -> io::Result<Option<Ownership>> {
    let object = match bucket.head(MARK) {
        Ok(object) => object,
        Err(error) if error.kind() == Cause::NotFound => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let bytes = bucket.get(MARK, 0..object.size.min(LIMIT), &object.etag)?;
    let ownership = match serde_json::from_slice::<Mark>(&bytes) {
        Ok(mark) if mark.owner == instance.id => Ownership::Own,
        Ok(mark) => Ownership::Others(format!(
            "{} of another machine or copy, since {}",
            mark.directory, mark.since
        )),
        Err(_) => Ownership::Others("somebody whose mark can't be read".to_owned()),
    };
    Ok(Some(ownership))
}

fn is_empty(bucket: &Bucket) -> io::Result<bool> {
    enum Stop {
        Found,
        Failed(bosbase_bucket::Error),
    }
    impl From<bosbase_bucket::Error> for Stop {
        fn from(error: bosbase_bucket::Error) -> Self {
            Self::Failed(error)
        }
    }
    match bucket.each("", |_| Err(Stop::Found)) {
        Ok(()) => Ok(true),
        Err(Stop::Found) => Ok(false),
        Err(Stop::Failed(error)) => Err(error.into()),
    }
}

fn mark(instance: &Instance, state: &StateDir) -> io::Result<Vec<u8>> {
    let directory = state.parent().unwrap_or(state);
    Ok(serde_json::to_vec_pretty(&Mark {
        owner: instance.id.clone(),
        directory: directory.display().to_string(),
        since: jiff::Timestamp::now().strftime("%Y-%m-%dT%H:%M:%S.%3fZ").to_string(),
    })?)
}

fn label() -> Label {
    Label {
        content_type: "application/json".to_owned(),
        ..Label::default()
    }
}

/// Why a data directory does not own a bucket now.
#[derive(Debug, thiserror::Error)]
pub enum TakeOverError {
    /// The bucket refused it or does not answer: a sentence for people.
    #[error("{0}")]
    Bucket(String),
    /// The data directory's own name can't be read or written.
    #[error("reading the name of the data directory")]
    Disk(#[from] io::Error),
}

/// Makes the data directory `data_dir` the owner of the bucket `config`, in place of an earlier owner; says so in a
/// sentence.
///
/// # Errors
///
/// [`TakeOverError::Bucket`] where the bucket can't be asked.
pub fn take_over(data_dir: &DataDir, config: &BucketConfig) -> Result<String, TakeOverError> {
    let refused = |error: bosbase_bucket::Error| {
        TakeOverError::Bucket(format!("The bucket could not be taken over: {}.", error.bare()))
    };
    let bucket = Bucket::new(config, Patience::Answer).map_err(refused)?;
    let state = data_dir.state();
    let instance = Instance::of(&RealDisk, &state)?;
    let before = look(&bucket, &instance).map_err(|error| TakeOverError::Bucket(format!("{error}.")))?;
    let mark = mark(&instance, &state)?;
    bucket.put(MARK, mark.into(), &label()).map_err(refused)?;
    let before = match before {
        Some(Ownership::Others(who)) => {
            format!(" It was owned by {who}, which begins no deletion there later than five seconds from now.")
        }
        _ => String::new(),
    };
    Ok(format!(
        "This data directory owns {} now, and deletes there what its records do not name any more.{before}",
        config.shown()
    ))
}

/// Whose the bucket in force was found to be, for one data directory.
pub(super) struct Owner {
    local: Arc<LocalFiles>,
    bucket: Arc<BucketInForce>,
    known: Mutex<Option<Known>>,
}

impl Owner {
    pub(super) fn new(local: Arc<LocalFiles>, bucket: Arc<BucketInForce>) -> Self {
        Self {
            local,
            bucket,
            known: Mutex::default(),
        }
    }

    /// Remembers which bucket was named here last by somebody who may change the settings, if one was; it becomes this
    /// data directory's if it is nobody's and empty.
    ///
    /// # Errors
    ///
    /// Any error of the file system.
    pub(super) fn claim(&self, place: Option<&str>) -> io::Result<()> {
        Instance::claim(self.local.disk(), self.local.state(), place)?;
        // What was found before that is to be asked again.
        self.known.lock().take();
        Ok(())
    }

    /// Whether the bucket in force is another's or nobody's, so that nothing is deleted there, as far as is known;
    /// `None` where there is no bucket, or nothing is known of it yet.
    pub(super) fn is_foreign(&self) -> Option<bool> {
        let place = self.bucket.place()?;
        let known = self.known.lock();
        let known = known.as_ref().filter(|known| known.place == place)?;
        Some(known.ownership != Ownership::Own)
    }

    /// Whether this data directory may delete in `bucket`; asks for the mark, unless that was done a moment ago.
    pub(super) fn owns(&self, bucket: &Bucket) -> io::Result<bool> {
        if self.bucket.deletes_nothing() {
            return Ok(false);
        }
        let place = bucket.place();
        {
            let known = self.known.lock();
            if let Some(known) = known.as_ref().filter(|known| known.place == place && known.is_fresh()) {
                return Ok(known.ownership == Ownership::Own);
            }
        }
        let at = Instant::now();
        let ownership = ownership(self.local.disk(), self.local.state(), bucket)?;
        let mut known = self.known.lock();
        let before = known.replace(Known {
            place: place.clone(),
            ownership: ownership.clone(),
            at,
        });
        if before.is_none_or(|before| before.place != place || before.ownership != ownership) {
            tell(&place, &ownership);
        }
        Ok(ownership == Ownership::Own)
    }

    /// Sees to the mark before the first file goes to a bucket that was named by hand: when that is there, the bucket
    /// is empty no more.
    pub(super) fn mark_before_filling(&self, bucket: &Bucket) {
        let place = bucket.place();
        let is_known = {
            let known = self.known.lock();
            known.as_ref().is_some_and(|known| known.place == place)
        };
        if is_known {
            return;
        }
        let told = Instance::of(self.local.disk(), self.local.state()).and_then(|instance| {
            if instance.has_claimed(&place) {
                self.owns(bucket)
            } else {
                Ok(false)
            }
        });
        if let Err(error) = told {
            tracing::debug!(%error, "whose the bucket of the uploaded files is can't be told yet");
        }
    }
}

fn tell(place: &str, ownership: &Ownership) {
    const HELP: &str =
        "nothing is deleted there; if this is the application whose files they are: bosbase files take-over";
    match ownership {
        Ownership::Own => tracing::info!(place, "this data directory owns the bucket of its uploaded files"),
        Ownership::Unmarked => tracing::warn!(place, "the bucket of the uploaded files has no owner yet; {HELP}"),
        Ownership::Others(owner) => {
            tracing::warn!(place, owner, "the bucket of the uploaded files is another's; {HELP}");
        }
    }
}
