//! Buckets as the environment or the configuration file names them: for a machine that has no settings yet, none that
//! can be read, or such whose keys are no longer good.

use bosbase_app::BucketConfig;
use bosbase_app::files::FilesPlace;
use bosbase_app::jobs::BackupsPlace;

use super::Failure;
use super::environment::{OF_BUCKET, Variables};

/// What the variables of the backups' bucket begin with.
const BACKUPS: &str = "BOSBASE_BACKUPS_S3_";
/// What the variables of the uploaded files' bucket begin with.
const FILES: &str = "BOSBASE_STORAGE_S3_";

/// Where backups are kept: in the bucket that `BOSBASE_BACKUPS_S3_BUCKET` and its like name, in the data directory
/// where `BOSBASE_BACKUPS_S3_ENABLED` says `false`, else where the settings say.
///
/// # Errors
///
/// Where a variable that it takes is missing or makes no sense.
pub fn backups_place(variables: &Variables) -> Result<BackupsPlace, Failure> {
    if !truth(variables, BACKUPS, "ENABLED")?.unwrap_or(true) {
        return Ok(BackupsPlace::Local);
    }
    Ok(bucket(variables, BACKUPS)?.map_or(BackupsPlace::AsSet, BackupsPlace::Bucket))
}

/// Where uploaded files are kept: in the bucket that `BOSBASE_STORAGE_S3_BUCKET` and its like name, in the data
/// directory where `BOSBASE_STORAGE_S3_ENABLED` says `false`, else where the settings say.
///
/// # Errors
///
/// As [`backups_place`].
pub fn files_place(variables: &Variables) -> Result<FilesPlace, Failure> {
    if !truth(variables, FILES, "ENABLED")?.unwrap_or(true) {
        return Ok(FilesPlace::Local);
    }
    Ok(bucket(variables, FILES)?.map_or(FilesPlace::AsSet, FilesPlace::Bucket))
}

fn bucket(variables: &Variables, prefix: &str) -> Result<Option<BucketConfig>, Failure> {
    let bucket = variable(variables, prefix, "BUCKET");
    if bucket.is_empty() {
        return Ok(None);
    }
    let required = |name: &str| match variable(variables, prefix, name) {
        value if value.is_empty() => Err(Failure(format!(
            "{prefix}BUCKET is set, so {prefix}{name} must be, too."
        ))),
        value => Ok(value),
    };
    let config = BucketConfig {
        bucket,
        region: required("REGION")?,
        endpoint: required("ENDPOINT")?,
        access_key: required("ACCESS_KEY")?,
        secret: required("SECRET")?,
        force_path_style: truth(variables, prefix, "FORCE_PATH_STYLE")?.unwrap_or(false),
    };
    config
        .require_usable()
        .map_err(|error| Failure(format!("{prefix}BUCKET and {prefix}ENDPOINT name no bucket: {error}.")))?;
    Ok(Some(config))
}

/// The variables of the buckets that do nothing alone, each with the one that it needs.
pub fn idle(variables: &Variables) -> Vec<(String, String)> {
    let mut idle = Vec::new();
    for prefix in [BACKUPS, FILES] {
        // Switched off, they may stay.
        let is_off = truth(variables, prefix, "ENABLED").is_ok_and(|enabled| enabled == Some(false));
        let bucket = format!("{prefix}BUCKET");
        if !is_off && variables.get(&bucket).is_none() {
            let others = OF_BUCKET.iter().map(|name| format!("{prefix}{name}"));
            idle.extend(others.filter(|name| *name != bucket).map(|name| (name, bucket.clone())));
        }
    }
    idle
}

fn truth(variables: &Variables, prefix: &str, name: &str) -> Result<Option<bool>, Failure> {
    match variable(variables, prefix, name).as_str() {
        "" => Ok(None),
        "0" | "false" => Ok(Some(false)),
        "1" | "true" => Ok(Some(true)),
        _ => Err(Failure(format!("{prefix}{name} must be true or false."))),
    }
}

fn variable(variables: &Variables, prefix: &str, name: &str) -> String {
    variables.get(&format!("{prefix}{name}")).unwrap_or_default()
}
