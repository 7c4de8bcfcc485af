//! The environment variables that the program reads. One of a similar name is a mistake that nobody would notice.

/// What the names of all of them begin with.
const PREFIX: &str = "BOSBASE_";

/// Those that stand for themselves.
const SINGLE: [&str; 8] = [
    "ACME_DIRECTORY",
    "ACME_ROOT",
    "FAILPOINT",
    "LOG",
    "METRICS_TOKEN",
    "RESTARTED",
    "SUPERUSER_EMAIL",
    "SUPERUSER_PASSWORD",
];

/// Those that name a bucket, behind each of [`BUCKETS`].
const OF_BUCKET: [&str; 7] = [
    "ACCESS_KEY",
    "BUCKET",
    "ENABLED",
    "ENDPOINT",
    "FORCE_PATH_STYLE",
    "REGION",
    "SECRET",
];
const BUCKETS: [&str; 2] = ["BACKUPS_S3_", "STORAGE_S3_"];

/// The names of `set` that look like the program's and are none of its, in order; `own` is one that the command line
/// names.
pub fn unknown(set: impl Iterator<Item = String>, own: &str) -> Vec<String> {
    let mut names: Vec<String> = set
        .filter(|name| name.starts_with(PREFIX) && name != own && !is_known(&name[PREFIX.len()..]))
        .collect();
    names.sort_unstable();
    names
}

fn is_known(name: &str) -> bool {
    SINGLE.contains(&name)
        || BUCKETS
            .iter()
            .filter_map(|bucket| name.strip_prefix(bucket))
            .any(|rest| OF_BUCKET.contains(&rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_name_is_told_and_a_right_one_is_not() {
        let set = [
            "BOSBASE_BACKUP_S3_BUCKET",
            "BOSBASE_BACKUPS_S3_BUCKET",
            "BOSBASE_STORAGE_S3_ENABLED",
            "BOSBASE_BACKUPS_S3_SECRETS",
            "BOSBASE_LOG",
            "BOSBASE_KEY",
            "HOME",
        ];
        let names = unknown(set.iter().map(|name| (*name).to_owned()), "BOSBASE_KEY");
        assert_eq!(names, ["BOSBASE_BACKUPS_S3_SECRETS", "BOSBASE_BACKUP_S3_BUCKET"]);
    }
}
