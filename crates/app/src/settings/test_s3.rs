//! Tries the bucket that the settings name, as the person who set it up asks for.

use std::io::Write as _;

use bosbase_bucket::{Bucket, Label, Patience};
use serde_json::{Map, Value};

use super::SettingsStore;
use crate::error::{Error, FieldErrors, Result};

/// What the objects hold.
const CONTENTS: &str = "test";
const FAILED: &str = "Failed to test the S3 filesystem.";

impl SettingsStore {
    /// Does in the bucket of `request.filesystem` (`storage` or `backups`) what a backup does: puts a small object,
    /// lists and reads it, puts another in parts, and deletes both. Blocks, at most ten seconds for each request.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::Invalid`] in PocketBase's words, with the provider's reason.
    pub fn test_s3(&self, request: &Map<String, Value>) -> Result<()> {
        let unreadable = || Error::invalid("An error occurred while loading the submitted data.");
        let filesystem = match request.get("filesystem") {
            None | Some(Value::Null) => "",
            Some(value) => value.as_str().ok_or_else(unreadable)?,
        };
        let settings = self.get();
        let s3 = match filesystem {
            "storage" => &settings.s3,
            "backups" => &settings.backups.s3,
            other => {
                let mut errors = FieldErrors::new();
                if other.is_empty() {
                    errors.add_required("filesystem");
                } else {
                    errors.add("filesystem", "validation_in_invalid", "Must be a valid value.");
                }
                return errors.into_result(FAILED);
            }
        };
        let raw = |reason: &str| Error::invalid(format!("{FAILED} Raw error: \n{reason}."));
        let config = s3.bucket().ok_or_else(|| raw("S3 storage filesystem is not enabled"))?;
        let failed = |what: &'static str| move |error: bosbase_bucket::Error| raw(&format!("{what}: {}", error.bare()));
        let bucket =
            Bucket::new(&config, Patience::Answer).map_err(failed("failed to initialize the S3 filesystem"))?;
        let random = bosbase_store::random_text(5, b"abcdefghijklmnopqrstuvwxyz0123456789");
        let folder = format!("pb_settings_test_{random}/");
        let keys = [format!("{folder}test.txt"), format!("{folder}parts.txt")];
        let label = Label {
            content_type: "text/plain; charset=utf-8".to_owned(),
            ..Label::default()
        };
        bucket
            .put(&keys[0], CONTENTS.into(), &label)
            .map_err(failed("failed to upload a test file"))?;
        let tried = try_out(&bucket, &folder, &keys, &label);
        // What was put there goes in any case.
        let cleared = keys.iter().try_for_each(|key| bucket.delete(key));
        tried.map_err(|(what, error)| failed(what)(error))?;
        cleared.map_err(failed("failed to delete a test file"))
    }
}

/// What failed in words, and of what.
type Failed = (&'static str, bosbase_bucket::Error);

/// Does with `keys` below `folder` what backups and uploaded files do: lists and reads the first, which was put there,
/// and puts the other in parts.
fn try_out(bucket: &Bucket, folder: &str, keys: &[String; 2], label: &Label) -> Result<(), Failed> {
    let [short, parts] = keys;
    let during = |what| move |error| (what, error);
    let listed = bucket.list(folder).map_err(during("failed to list the test file"))?;
    // An endpoint that names the bucket already makes every key one of another bucket's, which no list shows.
    if !listed.iter().any(|object| object.key == *short) {
        return Err(("failed to list the test file", not_as_put()));
    }
    let read = bucket
        .get(short, 0..CONTENTS.len() as u64, "")
        .map_err(during("failed to read the test file"))?;
    if read != CONTENTS {
        return Err(("failed to read the test file", not_as_put()));
    }
    let mut upload = bucket.upload(parts, None, label);
    upload
        .in_parts()
        .and_then(|()| {
            upload
                .write_all(CONTENTS.as_bytes())
                .map_err(bosbase_bucket::Error::from)
        })
        .and_then(|()| upload.finish(true).map(drop))
        .map_err(during("failed to upload a test file in parts"))
}

fn not_as_put() -> bosbase_bucket::Error {
    bosbase_bucket::Error::unlike("it is not there as it was put; does the endpoint contain the bucket's name?")
}
