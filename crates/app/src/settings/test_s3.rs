//! Tries the bucket that the settings name, as whoever set it up asks for.

use bosbase_bucket::{Bucket, Label, Patience};
use serde_json::{Map, Value};

use crate::app::App;
use crate::error::{Error, FieldErrors, Result};

const FAILED: &str = "Failed to test the S3 filesystem.";

impl App {
    /// Puts a small object into the bucket of `request.filesystem` (`storage` or `backups`) and deletes it again. Blocks, ten seconds for
    /// each of both at the most.
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
        let settings = self.settings();
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
        let key = format!("pb_settings_test_{random}/test.txt");
        let label = Label {
            content_type: "text/plain; charset=utf-8".to_owned(),
            ..Label::default()
        };
        bucket
            .put(&key, "test".into(), &label)
            .map_err(failed("failed to upload a test file"))?;
        bucket.delete(&key).map_err(failed("failed to delete a test file"))
    }
}
