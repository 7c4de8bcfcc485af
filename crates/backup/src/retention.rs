//! Which scheduled backups have had their day.

use crate::key::BackupKey;
use crate::storage::BackupInfo;

/// What scheduled backups are called, as PocketBase calls them.
pub const AUTO_PREFIX: &str = "@auto_pb_backup_";

/// The backups to delete so that of those whose name starts with `prefix` only the newest `max_keep` stay; 0 keeps all.
///
/// To be asked only once the new backup `made` is published and verified: a failed one must not evict a good one. `made` is
/// the newest whatever the times say: after the clock was put back it would else be the first to go.
#[must_use]
pub fn plan(list: &[BackupInfo], max_keep: usize, prefix: &str, made: &BackupKey) -> Vec<BackupKey> {
    if max_keep == 0 {
        return Vec::new();
    }
    let mut ours: Vec<BackupInfo> = list
        .iter()
        .filter(|b| b.key.as_str().starts_with(prefix))
        .cloned()
        .collect();
    crate::storage::sort(&mut ours);
    // Stable: the others stay newest first.
    ours.sort_by_key(|backup| backup.key != *made);
    ours.drain(..max_keep.min(ours.len()));
    ours.into_iter().map(|b| b.key).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use jiff::Timestamp;

    fn list(names: &[(&str, i64)]) -> Vec<BackupInfo> {
        let info = |(name, seconds): &(&str, i64)| BackupInfo {
            key: BackupKey::existing(name).unwrap(),
            size: 1,
            modified: Timestamp::from_second(*seconds).unwrap(),
        };
        names.iter().map(info).collect()
    }

    #[test]
    fn only_the_oldest_scheduled_ones_go() {
        let list = list(&[
            ("@auto_pb_backup_2.zip", 2),
            ("mine.zip", 0),
            ("@auto_pb_backup_1.zip", 1),
            ("@auto_pb_backup_3.zip", 3),
        ]);
        let names = |keep| {
            plan(
                &list,
                keep,
                AUTO_PREFIX,
                &BackupKey::existing("@auto_pb_backup_3.zip").unwrap(),
            )
            .iter()
            .map(ToString::to_string)
            .collect::<Vec<_>>()
        };
        assert_eq!(names(1), ["@auto_pb_backup_2.zip", "@auto_pb_backup_1.zip"]);
        assert_eq!(names(2), ["@auto_pb_backup_1.zip"]);
        assert_eq!(names(3), [""; 0]);
        assert_eq!(names(99), [""; 0]);
        assert_eq!(names(0), [""; 0], "0 means without limit");
    }

    #[test]
    fn the_backup_just_made_stays_although_the_clock_went_back() {
        let list = list(&[
            ("@auto_pb_backup_a.zip", 2_000),
            ("@auto_pb_backup_b.zip", 3_000),
            ("@auto_pb_backup_new.zip", 1_000),
        ]);
        let made = BackupKey::existing("@auto_pb_backup_new.zip").unwrap();
        assert_eq!(
            plan(&list, 2, AUTO_PREFIX, &made),
            [BackupKey::existing("@auto_pb_backup_a.zip").unwrap()]
        );
    }
}
