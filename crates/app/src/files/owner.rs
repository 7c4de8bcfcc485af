//! Who may delete in a bucket: the one data directory that its mark there names.
//!
//! A copy of an application's data (a rehearsal, a staging server) names the bucket of the original, and knows nothing of what the original
//! names there. So what deletes looks for the mark first. It is put there by who finds the bucket empty, or was told by hand to use
//! it ([`Instance::claim`]), and is not there yet; everybody else adds files, reads them, and deletes nothing.

use std::io::{self, Write as _};
use std::path::Path;
use std::sync::PoisonError;
use std::time::{Duration, Instant};

use bosbase_backup::layout::PRIVATE_DIR;
use bosbase_bucket::{Bucket, ErrorKind as Cause, Label, Patience};
use bosbase_disk::{Disk, RealDisk};
use serde::{Deserialize, Serialize};

use super::instance::Instance;
use super::store::FileStore;
use crate::app::AppOptions;
use crate::error::{Error, Result};
use crate::settings;

/// The name of the mark. No file of a record lies in no folder, and PocketBase looks at none that does.
const MARK: &str = ".bosbase-owner";
/// Longest mark that is read, in bytes.
const LIMIT: u64 = 64 << 10;
/// Whoever deletes looks at the mark again after so long.
pub(super) const FRESH: Duration = Duration::from_secs(5);

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
pub(super) enum Standing {
    /// This data directory's.
    Own,
    /// Nobody's yet, and there is something in it.
    Unmarked,
    /// Another's: what there is to tell of it.
    Others(String),
}

/// What was found last, of which bucket, and when.
pub(super) struct Known {
    place: String,
    standing: Standing,
    at: Instant,
}

/// Whose `bucket` is, for the data directory whose state lies in `state`; puts the mark there where it may.
///
/// # Errors
///
/// Where that can't be told.
pub(super) fn standing(disk: &dyn Disk, state: &Path, bucket: &Bucket) -> io::Result<Standing> {
    let instance = Instance::of(disk, state)?;
    if let Some(found) = look(bucket, &instance)? {
        return Ok(found);
    }
    if !instance.has_claimed(&bucket.place()) && !is_empty(bucket)? {
        return Ok(Standing::Unmarked);
    }
    let mark = mark(&instance, state)?;
    let mut upload = bucket.upload(MARK, Some(mark.len() as u64), &label());
    upload.write_all(&mark)?;
    match upload.finish(true) {
        Ok(_) => Ok(Standing::Own),
        // Somebody was faster.
        Err(error) if error.kind() == Cause::AlreadyExists => look(bucket, &instance)?.ok_or_else(|| error.into()),
        Err(error) => Err(error.into()),
    }
}

/// Puts the mark in a bucket that nothing lies in, for who is about to fill it.
///
/// # Errors
///
/// Where that can't be told or done.
pub(crate) fn mark_if_empty(disk: &dyn Disk, state: &Path, bucket: &Bucket) -> io::Result<()> {
    standing(disk, state, bucket).map(drop)
}

/// What the mark says; `None` where there is none.
fn look(bucket: &Bucket, instance: &Instance) -> io::Result<Option<Standing>> {
    let object = match bucket.head(MARK) {
        Ok(object) => object,
        Err(error) if error.kind() == Cause::NotFound => return Ok(None),
        Err(error) => return Err(error.into()),
    };
    let bytes = bucket.get(MARK, 0..object.size.min(LIMIT), &object.etag)?;
    let standing = match serde_json::from_slice::<Mark>(&bytes) {
        Ok(mark) if mark.owner == instance.id => Standing::Own,
        Ok(mark) => Standing::Others(format!(
            "{} of another machine or copy, since {}",
            mark.directory, mark.since
        )),
        Err(_) => Standing::Others("somebody whose mark can't be read".to_owned()),
    };
    Ok(Some(standing))
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

fn mark(instance: &Instance, state: &Path) -> io::Result<Vec<u8>> {
    let directory = state.parent().unwrap_or(state);
    Ok(serde_json::to_vec_pretty(&Mark {
        owner: instance.id.clone(),
        directory: directory.display().to_string(),
        since: crate::moment::wire_now(),
    })?)
}

fn label() -> Label {
    Label {
        content_type: "application/json".to_owned(),
        ..Label::default()
    }
}

/// Makes the data directory of `options` the owner of the bucket that its uploaded files are in, whoever was it before; says so in a
/// sentence.
///
/// # Errors
///
/// [`crate::ErrorKind::Invalid`] where there is no such bucket, or it can't be asked.
pub fn take_over(options: &AppOptions) -> Result<String> {
    crate::jobs::require_application(&options.data_dir)?;
    let settings = settings::peek(&options.data_dir, options.encryption_key.as_deref())?.unwrap_or_default();
    let Some(config) = options.files_place.bucket(&settings) else {
        return Err(Error::invalid(
            "The uploaded files are in the data directory: settings.s3 is not enabled.",
        ));
    };
    let refused =
        |error: bosbase_bucket::Error| Error::invalid(format!("The bucket could not be taken over: {}.", error.bare()));
    let bucket = Bucket::new(&config, Patience::Answer).map_err(refused)?;
    let state = options.data_dir.join(PRIVATE_DIR);
    let instance = Instance::of(&RealDisk, &state).map_err(Error::internal)?;
    let before = look(&bucket, &instance).map_err(|error| Error::invalid(format!("{error}.")))?;
    let mark = mark(&instance, &state).map_err(Error::internal)?;
    bucket.put(MARK, mark.into(), &label()).map_err(refused)?;
    let before = match before {
        Some(Standing::Others(who)) => format!(" It was owned by {who}, which deletes nothing there from now on."),
        _ => String::new(),
    };
    Ok(format!(
        "This data directory owns {} now, and deletes there what its records do not name any more.{before}",
        config.shown()
    ))
}

impl FileStore {
    /// Remembers that whoever may change the settings named the bucket `place` here; it becomes this data directory's, unless it is
    /// another's.
    ///
    /// # Errors
    ///
    /// Whatever the file system says.
    pub(crate) fn claim(&self, place: &str) -> io::Result<()> {
        Instance::claim(self.disk(), self.state(), place)
    }

    /// Whether the bucket in force is another's or nobody's, so that nothing is deleted there, as far as is known; `None` where there is no
    /// bucket, or nothing is known of it yet.
    #[must_use]
    pub fn is_foreign(&self) -> Option<bool> {
        let place = self.place_in_force()?;
        let known = self.known_owner().lock().unwrap_or_else(PoisonError::into_inner);
        let known = known.as_ref().filter(|known| known.place == place)?;
        Some(known.standing != Standing::Own)
    }

    /// Whether this data directory may delete in `bucket`; asks for the mark, unless that was done a moment ago.
    pub(super) fn owns(&self, bucket: &Bucket) -> io::Result<bool> {
        let place = bucket.place();
        {
            let known = self.known_owner().lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(known) = known.as_ref().filter(|known| known.place == place)
                && known.standing == Standing::Own
                && known.at.elapsed() < FRESH
            {
                return Ok(true);
            }
        }
        let standing = standing(self.disk(), self.state(), bucket)?;
        let mut known = self.known_owner().lock().unwrap_or_else(PoisonError::into_inner);
        let before = known.replace(Known {
            place: place.clone(),
            standing: standing.clone(),
            at: Instant::now(),
        });
        if before.is_none_or(|before| before.place != place || before.standing != standing) {
            tell(&place, &standing);
        }
        Ok(standing == Standing::Own)
    }
}

fn tell(place: &str, standing: &Standing) {
    const HELP: &str =
        "nothing is deleted there; if this is the application whose files they are: bosbase files take-over";
    match standing {
        Standing::Own => tracing::info!(place, "this data directory owns the bucket of its uploaded files"),
        Standing::Unmarked => tracing::warn!(place, "the bucket of the uploaded files has no owner yet; {HELP}"),
        Standing::Others(owner) => {
            tracing::warn!(place, owner, "the bucket of the uploaded files is another's; {HELP}");
        }
    }
}
