//! The names that backups get when nobody gives them one.

use jiff::Timestamp;

use crate::moment::compact;

/// What the names of scheduled backups begin with; retention looks at these alone.
pub const SCHEDULED: &str = "@auto_pb_backup_";
/// What the names of unnamed backups begin with.
pub const MANUAL: &str = "pb_backup_";
/// Characters of the application's name that a backup's name takes over at most.
const LONGEST_APP_NAME: usize = 50;

/// `prefix`, the application's name in lower case and without what a backup's name may not hold, and the time in UTC; where that
/// `is_taken`, since another was begun within the same second, with a number behind it.
pub fn generate(prefix: &str, app_name: &str, at: Timestamp, is_taken: impl Fn(&str) -> bool) -> String {
    let app = plain(app_name);
    let separator = if app.is_empty() { "" } else { "_" };
    let stem = format!("{prefix}{app}{separator}{}", compact(at));
    let (mut name, mut number) = (format!("{stem}.zip"), 1_usize);
    while is_taken(&name) {
        number += 1;
        name = format!("{stem}_{number}.zip");
    }
    name
}

fn plain(name: &str) -> String {
    let mut plain = String::new();
    for character in name.chars().flat_map(char::to_lowercase) {
        if character.is_ascii_alphanumeric() {
            plain.push(character);
        } else if !plain.is_empty() && !plain.ends_with('_') {
            plain.push('_');
        }
        if plain.len() == LONGEST_APP_NAME {
            break;
        }
    }
    plain.trim_end_matches('_').to_owned()
}

#[cfg(test)]
mod tests {
    use bosbase_backup::BackupKey;

    use super::*;

    #[test]
    fn a_generated_name_always_fits_the_rule() {
        let at: Timestamp = "2023-05-19T16:25:57.542Z".parse().unwrap();
        for (app, name) in [
            ("Acme", "pb_backup_acme_20230519162557.zip"),
            ("My Game: II", "pb_backup_my_game_ii_20230519162557.zip"),
            ("", "pb_backup_20230519162557.zip"),
            ("日本", "pb_backup_20230519162557.zip"),
            ("../x", "pb_backup_x_20230519162557.zip"),
        ] {
            assert_eq!(generate(MANUAL, app, at, |_| false), name);
            assert!(BackupKey::for_new(name).is_ok(), "{name}");
        }
        assert!(BackupKey::for_new(&generate(MANUAL, &"x".repeat(500), at, |_| false)).is_ok());
        assert!(BackupKey::existing(&generate(SCHEDULED, "Acme", at, |_| false)).is_ok());
    }

    #[test]
    fn a_name_that_is_taken_gets_the_next_number() {
        let at: Timestamp = "2023-05-19T16:25:57.542Z".parse().unwrap();
        let mut taken = Vec::new();
        for _ in 0..3 {
            let name = generate(MANUAL, "", at, |name| taken.iter().any(|known| known == name));
            assert!(BackupKey::for_new(&name).is_ok(), "{name}");
            taken.push(name);
        }
        let stem = "pb_backup_20230519162557";
        assert_eq!(
            taken,
            [format!("{stem}.zip"), format!("{stem}_2.zip"), format!("{stem}_3.zip")]
        );
    }
}
