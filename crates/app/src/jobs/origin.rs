//! Which scheduled backups this data directory made itself: retention deletes no others.
//!
//! A copy of an application's data (a rehearsal, a staging server) has the settings of the original, and so its bucket,
//! its schedule and its retention. So the name of a scheduled backup ends in a tag of the data directory that made it
//! ([`Instance::tag`]). One without a tag was made by an earlier version, or by PocketBase: in a bucket it counts as
//! this directory's own only where the history of jobs says so, and in the data directory always, since it lies there.

use std::collections::BTreeSet;

use bosbase_backup::{BackupInfo, Storage};
use bosbase_disk::FileKind;
use jiff::Timestamp;

use super::backups::Backups;
use super::directory::{require_application, require_directory};
use super::engine::refuse;
use super::foreign::Foreign;
use super::name::{SCHEDULED, tag_of};
use super::status::{JobKind, JobState};
use crate::error::{Error, Result};
use crate::files::{self, Instance, TakeOverError};
use crate::options::AppOptions;
use crate::settings;

/// Stands for the backups without a tag among the adopted ones.
const UNTAGGED: &str = "";
/// What to do about the backups of others.
const HELP: &str = "none of them is deleted by itself here; if they are this application's, made before it was moved here: bosbase \
                    backup take-over";

/// What this data directory counts as its own in one storage.
pub(super) struct Origin {
    instance: Instance,
    /// Whether those without a tag are its own, and those of others are told apart.
    owns_untagged: bool,
    /// Whether all that lies there is its own, since nobody else can reach it.
    owns_all: bool,
}

impl Origin {
    /// Whether the scheduled backup called `key` is this data directory's own.
    pub(super) fn is_own(&self, key: &str) -> bool {
        let tag = tag_of(key);
        if self.owns_all || tag == Some(&self.instance.tag()) || self.instance.has_adopted(tag.unwrap_or(UNTAGGED)) {
            return true;
        }
        tag.is_none() && (self.owns_untagged || self.instance.has_made(key))
    }

    /// Whether it is known that another data directory made the backup called `key`. Its being there says nothing of
    /// this one's schedule.
    pub(super) fn is_anothers(&self, key: &str) -> bool {
        tag_of(key).is_some() && !self.is_own(key)
    }

    /// Those of `list` that others made.
    fn foreign(&self, list: &[BackupInfo]) -> Option<Foreign> {
        let is_others = |backup: &&BackupInfo| {
            let key = backup.key.as_str();
            key.starts_with(SCHEDULED) && !self.is_own(key)
        };
        let others: Vec<&BackupInfo> = list.iter().filter(is_others).collect();
        let newest = others.iter().max_by_key(|backup| backup.modified)?;
        Some(Foreign {
            count: others.len(),
            newest: newest.key.to_string(),
            help: HELP,
        })
    }
}

impl Backups {
    /// The tag that the scheduled backups of this data directory bear.
    pub(super) fn tag(&self) -> Result<String> {
        Ok(self.instance()?.tag())
    }

    /// What is this data directory's own in `storage`.
    pub(super) fn origin(&self, storage: &dyn Storage) -> Result<Origin> {
        self.origin_at(&storage.place())
    }

    /// As [`Backups::origin`], of the storage at `place`.
    pub(super) fn origin_at(&self, place: &str) -> Result<Origin> {
        let is_local = place == self.local_place();
        Ok(Origin {
            instance: self.instance()?,
            owns_untagged: is_local,
            owns_all: is_local && !self.is_shared_folder()?,
        })
    }

    /// Looks for scheduled backups of others in `list`, which is all that lies in `storage`, and says so where that is
    /// new.
    pub(super) fn note_foreign(&self, storage: &dyn Storage, list: &[BackupInfo]) {
        let origin = match self.origin(storage) {
            Ok(origin) => origin,
            Err(error) => {
                tracing::warn!(
                    error = error.with_causes(),
                    "whose the scheduled backups are can't be told"
                );
                return;
            }
        };
        let foreign = origin.foreign(list);
        let before = self.set_foreign(foreign.clone());
        if let Some(found) = foreign.filter(|_| before.is_none()) {
            let Foreign { count, newest, help } = found;
            tracing::warn!(
                count,
                newest,
                "another data directory makes, or made, scheduled backups in the same place: {help}"
            );
        }
    }

    /// Looks once who else makes backups in the same place; for the start of a server.
    pub(crate) fn look_around(&self) {
        let looked = self.storage().and_then(|storage| self.list_in(storage.as_ref()));
        if let Err(error) = looked {
            tracing::warn!(
                error = error.with_causes(),
                "whether others make backups in the same place can't be told yet"
            );
        }
    }

    /// Makes what lies in the storage of backups this data directory's own; says so in a sentence.
    fn adopt(&self) -> Result<String> {
        let storage = self.storage()?;
        let list = storage.list().map_err(refuse)?;
        let scheduled = list.iter().map(|backup| backup.key.as_str());
        let scheduled: Vec<&str> = scheduled.filter(|key| key.starts_with(SCHEDULED)).collect();
        let tags: BTreeSet<String> = scheduled
            .iter()
            .map(|key| tag_of(key).unwrap_or(UNTAGGED).to_owned())
            .collect();
        Instance::adopt(self.disk().as_ref(), &self.jobs().state_dir(), tags).map_err(Error::internal)?;
        Ok(format!(
            "This data directory counts the {} scheduled backups in {} as its own now, and deletes those that have had their day.",
            scheduled.len(),
            self.shown_place()
        ))
    }

    fn instance(&self) -> Result<Instance> {
        let (disk, state) = (self.disk().as_ref(), &self.jobs().state_dir());
        let instance = Instance::of(disk, state).map_err(Error::internal)?;
        if instance.knows_what_it_made() {
            return Ok(instance);
        }
        // An earlier version made them; what jobs a copy brought along were done before its folder was made.
        let born = instance.born();
        let is_own = |started: &str| {
            let started: Option<Timestamp> = started.parse().ok();
            started.is_some_and(|at| born.is_some_and(|born| at >= born))
        };
        let jobs = self.jobs().history().read()?.into_iter().filter(|job| {
            job.kind == JobKind::Create
                && job.state == JobState::Succeeded
                && job.key.starts_with(SCHEDULED)
                && is_own(&job.started)
        });
        Instance::made(disk, state, jobs.map(|job| job.key).collect()).map_err(Error::internal)
    }

    /// Whether the local folder of backups may be another data directory's as well: a link, or a mount point.
    fn is_shared_folder(&self) -> Result<bool> {
        let data_dir = &self.options().data_dir;
        let folder = data_dir.backups();
        match self.disk().metadata(&folder) {
            Ok(found) if found.kind != FileKind::Directory => return Ok(true),
            Err(error) if error.kind() != std::io::ErrorKind::NotFound => return Err(Error::internal(error)),
            _ => {}
        }
        let mounts = self.disk().mounts_below(data_dir).map_err(Error::internal)?;
        Ok(mounts.contains(&folder))
    }
}

/// Makes the data directory of `options` the owner of the bucket that its uploaded files are in, in place of an earlier
/// owner; says so in a sentence.
///
/// # Errors
///
/// [`crate::ErrorKind::Invalid`] where there is no such bucket, or it can't be asked.
pub fn take_over_files(options: &AppOptions) -> Result<String> {
    require_application(&options.data_dir)?;
    let settings = settings::peek(&options.data_dir, options.encryption_key.as_deref())?.unwrap_or_default();
    let Some(config) = options.files_place.bucket(|| settings.s3.bucket()) else {
        return Err(Error::invalid(
            "The uploaded files are in the data directory: settings.s3 is not enabled.",
        ));
    };
    files::take_over(&options.data_dir, &config).map_err(|error| match error {
        TakeOverError::Bucket(text) => Error::invalid(text),
        TakeOverError::Disk(error) => Error::internal(error),
    })
}

/// Makes the scheduled backups that lie in the storage of backups of `options` its own, also those that others made;
/// says so in a sentence.
///
/// # Errors
///
/// [`crate::ErrorKind::Invalid`] where there is no such data directory, or the storage can't be asked.
pub fn take_over_backups(options: &AppOptions) -> Result<String> {
    require_directory(&options.data_dir)?;
    Backups::open(options.clone())?.adopt()
}
