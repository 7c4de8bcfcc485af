//! The objects of data that is about to go for good: what it names is written down first, or nobody would know of them
//! any more.
//!
//! Data that a restore replaced lies in a folder of its own for as long as it can be had back; the uploaded files that
//! it names in a bucket do not: they are shared with the data that is served. When the folder goes, what that names is
//! to be removed, except for what is named by then in the data that is served: [`crate::files`] sees to the one and the
//! other.

use bosbase_backup::restore::{self, Site};

use crate::error::{Error, Result};
use crate::files::RemovalBatch;
use crate::options::AppOptions;
use crate::settings;

/// Writes down the objects that the data kept for an undo names, before it may go. To write them down when it stays
/// after all is harmless: none is removed while anything is kept, and none that is named then.
///
/// # Errors
///
/// Where the data can't be read or its files can't be written down.
pub(super) fn release(site: &Site<'_>, options: &AppOptions) -> Result<()> {
    let kept = restore::available_undo(site).map_err(Error::internal)?;
    let Some(folder) = kept.as_ref().and_then(|record| record.folder()) else {
        return Ok(());
    };
    let dir = options.data_dir.join(folder);
    let Some(settings) = settings::peek(&dir, options.encryption_key.as_deref())? else {
        return Ok(());
    };
    let Some(bucket) = options.files_place.bucket(|| settings.s3.bucket()) else {
        return Ok(());
    };
    let Some(references) = bosbase_store::file_references_in(&dir)? else {
        return Ok(());
    };
    let state = options.data_dir.state();
    let mut removal_batch = RemovalBatch::begin(site.disk, &state, bucket.place());
    for reference in references {
        let file = reference?;
        removal_batch
            .add(file.collection_id, file.record_id, file.file_name)
            .map_err(Error::internal)?;
    }
    removal_batch.end().map_err(Error::internal)
}

/// As [`release`], where a start finds the time of what is kept to be over. A start does not fail of it: what can't be
/// read is no reason to serve nothing.
pub(crate) fn release_expired(site: &Site<'_>, options: &AppOptions) {
    let kept = restore::available_undo(site).ok().flatten();
    if kept.is_some_and(|record| restore::has_expired(site, &record).unwrap_or(false)) {
        release_or_warn(site, options);
    }
}

/// As [`release`], where what is kept goes in any case.
pub(super) fn release_or_warn(site: &Site<'_>, options: &AppOptions) {
    if let Err(error) = release(site, options) {
        tracing::warn!(
            error = error.with_causes(),
            "which objects only the data kept for an undo named can't be told; they stay in the bucket"
        );
    }
}
