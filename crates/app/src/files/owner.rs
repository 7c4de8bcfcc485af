//! Who may delete in a bucket: the one data directory that its mark there names.
//!
//! A copy of an application's data (a rehearsal, a staging server) names the bucket of the original, and knows nothing of what the original
//! names there. So what deletes looks for the mark first. It is put into an empty bucket alone: by who was told by hand to use that
//! ([`Instance::claim`]), or is about to fill it with a backup; else by [`take_over`]. Everybody else adds files, reads them, and deletes
//! nothing.

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

impl Known {
    fn is_fresh(&self) -> bool {
        let limit = if self.standing == Standing::Own {
            FRESH
        } else {
            FRESH_REFUSAL
        };
        self.at.elapsed() < limit
    }
}

/// Whose `bucket` is, for the data directory whose state lies in `state`; puts the mark there where it was named by hand and is empty.
fn standing(disk: &dyn Disk, state: &Path, bucket: &Bucket) -> io::Result<Standing> {
    let instance = Instance::of(disk, state)?;
    let place = bucket.place();
    let claimed = instance.has_claimed(&place);
    let standing = match look(bucket, &instance)? {
        Some(found) => found,
        None if !claimed => Standing::Unmarked,
        None if is_empty(bucket)? => put_new(&instance, state, bucket)?,
        // Another thread may have put the mark there in between, and a file behind it.
        None => look(bucket, &instance)?.unwrap_or(Standing::Unmarked),
    };
    if claimed && standing != Standing::Own {
        // It counts for the bucket as it was when it was named, and not for one that is emptied by its owner.
        Instance::drop_claim(disk, state, &place)?;
    }
    Ok(standing)
}

/// Puts the mark in a bucket that nothing lies in, for who is about to fill it; leaves any other as it is.
///
/// # Errors
///
/// Where that can't be told or done.
pub(crate) fn mark_if_empty(disk: &dyn Disk, state: &Path, bucket: &Bucket) -> io::Result<()> {
    let instance = Instance::of(disk, state)?;
    if look(bucket, &instance)?.is_none() && is_empty(bucket)? {
        put_new(&instance, state, bucket)?;
    }
    Ok(())
}

/// Puts the mark where there is none.
fn put_new(instance: &Instance, state: &Path, bucket: &Bucket) -> io::Result<Standing> {
    let mark = mark(instance, state)?;
    let mut upload = bucket.upload(MARK, Some(mark.len() as u64), &label());
    upload.write_all(&mark)?;
    match upload.finish(true) {
        Ok(_) => Ok(Standing::Own),
        // Somebody was faster.
        Err(error) if error.kind() == Cause::AlreadyExists => look(bucket, instance)?.ok_or_else(|| error.into()),
        Err(error) => Err(error.into()),
    }
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
        Some(Standing::Others(who)) => {
            format!(" It was owned by {who}, which begins no deletion there later than five seconds from now.")
        }
        _ => String::new(),
    };
    Ok(format!(
        "This data directory owns {} now, and deletes there what its records do not name any more.{before}",
        config.shown()
    ))
}

impl FileStore {
    /// Remembers which bucket was named here last by whoever may change the settings, if one was; it becomes this data directory's if it is
    /// nobody's and empty.
    ///
    /// # Errors
    ///
    /// Whatever the file system says.
    pub(crate) fn claim(&self, place: Option<&str>) -> io::Result<()> {
        Instance::claim(self.disk(), self.state(), place)?;
        // What was found before that is to be asked again.
        self.known_owner().lock().unwrap_or_else(PoisonError::into_inner).take();
        Ok(())
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

    /// Whose the bucket in force is, in the text format of Prometheus; nothing where that is not known.
    #[must_use]
    pub fn metrics(&self) -> String {
        let Some(is_foreign) = self.is_foreign() else {
            return String::new();
        };
        let owned = u8::from(!is_foreign);
        format!(
            "# HELP bosbase_files_bucket_owned Whether the bucket of the uploaded files is this data directory's to delete in.\n\
             # TYPE bosbase_files_bucket_owned gauge\n\
             bosbase_files_bucket_owned {owned}\n"
        )
    }

    /// Whether this data directory may delete in `bucket`; asks for the mark, unless that was done a moment ago.
    pub(super) fn owns(&self, bucket: &Bucket) -> io::Result<bool> {
        let place = bucket.place();
        {
            let known = self.known_owner().lock().unwrap_or_else(PoisonError::into_inner);
            if let Some(known) = known.as_ref().filter(|known| known.place == place && known.is_fresh()) {
                return Ok(known.standing == Standing::Own);
            }
        }
        let at = Instant::now();
        let standing = standing(self.disk(), self.state(), bucket)?;
        let mut known = self.known_owner().lock().unwrap_or_else(PoisonError::into_inner);
        let before = known.replace(Known {
            place: place.clone(),
            standing: standing.clone(),
            at,
        });
        if before.is_none_or(|before| before.place != place || before.standing != standing) {
            tell(&place, &standing);
        }
        Ok(standing == Standing::Own)
    }

    /// Sees to the mark before the first file goes to a bucket that was named by hand: when that is there, the bucket is empty no more.
    pub(super) fn mark_before_filling(&self, bucket: &Bucket) {
        let place = bucket.place();
        let is_known = {
            let known = self.known_owner().lock().unwrap_or_else(PoisonError::into_inner);
            known.as_ref().is_some_and(|known| known.place == place)
        };
        if is_known {
            return;
        }
        let told = Instance::of(self.disk(), self.state()).and_then(|instance| {
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
