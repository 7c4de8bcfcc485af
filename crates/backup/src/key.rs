//! The names of backups.

use std::fmt;

use crate::error::{Error, ErrorKind, Result};

/// The name of a backup in its storage; cannot leave the folder it is joined to.
#[derive(Debug, Clone, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct BackupKey(String);

impl BackupKey {
    /// The longest name that may be given to a new backup, in characters.
    pub const MAX_NEW_LEN: usize = 150;

    /// A name for a new backup: `^[a-z0-9_-]+\.zip$`, at most 150 characters, as PocketBase asks for.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidKey`].
    pub fn for_new(name: &str) -> Result<Self> {
        let stem = name.strip_suffix(".zip").unwrap_or_default();
        let fits = !stem.is_empty()
            && name.len() <= Self::MAX_NEW_LEN
            && stem
                .bytes()
                .all(|b| matches!(b, b'a'..=b'z' | b'0'..=b'9' | b'_' | b'-'));
        if fits {
            Ok(Self(name.to_owned()))
        } else {
            Err(invalid(name))
        }
    }

    /// The name of a backup that exists or is brought from elsewhere: any safe single file name that ends in `.zip`, at
    /// most 255 bytes, not hidden.
    ///
    /// # Errors
    /// [`ErrorKind::InvalidKey`].
    pub fn existing(name: &str) -> Result<Self> {
        let fits = name.len() > ".zip".len()
            && name.len() <= 255
            && name.ends_with(".zip")
            && !name.starts_with('.')
            && !name.chars().any(|c| matches!(c, '/' | '\\') || c.is_control());
        if fits {
            Ok(Self(name.to_owned()))
        } else {
            Err(invalid(name))
        }
    }

    /// The name.
    #[must_use]
    pub fn as_str(&self) -> &str {
        &self.0
    }
}

impl fmt::Display for BackupKey {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0)
    }
}

fn invalid(name: &str) -> Error {
    let shown: String = name.chars().take(200).collect();
    Error::new(ErrorKind::InvalidKey, format!("{shown:?} is not a valid backup name"))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_new_name_is_lower_case_and_ends_in_zip() {
        for good in [
            "a.zip",
            "pb_backup_my-app_20230519162514.zip",
            &format!("{}.zip", "x".repeat(146)),
        ] {
            assert!(BackupKey::for_new(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            ".zip",
            "a",
            "A.zip",
            "a b.zip",
            "a.zip.zip",
            "@a.zip",
            "../a.zip",
            &format!("{}.zip", "x".repeat(147)),
        ] {
            assert_eq!(
                BackupKey::for_new(bad).unwrap_err().kind(),
                ErrorKind::InvalidKey,
                "{bad}"
            );
        }
    }

    #[test]
    fn a_foreign_name_may_be_anything_that_stays_in_its_folder() {
        for good in [
            "@auto_pb_backup_x_20230519162514.zip",
            "My Backup (1).zip",
            "ä.zip",
            "..a.zip".trim_start_matches('.'),
        ] {
            assert!(BackupKey::existing(good).is_ok(), "{good}");
        }
        for bad in [
            "",
            ".zip",
            ".a.zip",
            "../a.zip",
            "a/b.zip",
            "a\\b.zip",
            "a\0.zip",
            "a\n.zip",
            "a.tar",
            &format!("{}.zip", "x".repeat(252)),
        ] {
            assert!(BackupKey::existing(bad).is_err(), "{bad}");
        }
    }
}
