//! The bucket of the backups as the environment names it: for a machine that has no settings yet, or none that can be read.

use bosbase_app::BucketConfig;

use super::Failure;

/// What every variable begins with.
const PREFIX: &str = "BOSBASE_BACKUPS_S3_";

/// The bucket, where `BOSBASE_BACKUPS_S3_BUCKET` is set.
///
/// # Errors
///
/// Where another variable that it takes is missing or makes no sense.
pub fn from_environment() -> Result<Option<BucketConfig>, Failure> {
    let variable = |name: &str| std::env::var(format!("{PREFIX}{name}")).unwrap_or_default();
    let bucket = variable("BUCKET");
    if bucket.is_empty() {
        return Ok(None);
    }
    let required = |name: &str| match variable(name) {
        value if value.is_empty() => Err(Failure(format!(
            "{PREFIX}BUCKET is set, so {PREFIX}{name} must be, too."
        ))),
        value => Ok(value),
    };
    let force_path_style = match variable("FORCE_PATH_STYLE").as_str() {
        "" | "0" | "false" => false,
        "1" | "true" => true,
        _ => return Err(Failure(format!("{PREFIX}FORCE_PATH_STYLE must be true or false."))),
    };
    Ok(Some(BucketConfig {
        bucket,
        region: required("REGION")?,
        endpoint: required("ENDPOINT")?,
        access_key: required("ACCESS_KEY")?,
        secret: required("SECRET")?,
        force_path_style,
    }))
}
