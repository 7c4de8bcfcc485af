//! The names that backups get when nobody gives them one.

use jiff::Timestamp;

use crate::files::TAG_MARK;
use crate::moment::compact;

/// What the names of scheduled backups begin with; retention looks at these alone.
pub const SCHEDULED: &str = "@auto_pb_backup_";
/// What the names of unnamed backups begin with.
pub const MANUAL: &str = "pb_backup_";
/// Characters of the application's name that a backup's name takes over at most.
const LONGEST_APP_NAME: usize = 50;

/// `prefix`, the application's name in lower case and without what a backup's name may not hold, the time in UTC, and
/// the `tag` of who makes it, if any; where that `is_taken`, since another was begun within the same second, with a
/// number behind it.
pub fn generate(
    prefix: &str,
    app_name: &str,
    at: Timestamp,
    tag: Option<&str>,
    is_taken: impl Fn(&str) -> bool,
) -> String {
    let app = plain(app_name);
    let separator = if app.is_empty() { "" } else { "_" };
    let tag = tag.map(|tag| format!("_{tag}")).unwrap_or_default();
    let stem = format!("{prefix}{app}{separator}{}{tag}", compact(at));
    let (mut name, mut number) = (format!("{stem}.zip"), 1_usize);
    while is_taken(&name) {
        number += 1;
        name = format!("{stem}_{number}.zip");
    }
    name
}

/// The tag of the data directory that made the scheduled backup called `name`; `None` where it bears none, as those of
/// earlier versions and of PocketBase.
pub fn tag_of(name: &str) -> Option<&str> {
    let stem = name.strip_prefix(SCHEDULED)?.strip_suffix(".zip")?;
    let is_number = |part: &str| !part.is_empty() && part.bytes().all(|byte| byte.is_ascii_digit());
    let is_time = |part: &str| part.len() == 14 && is_number(part);
    let (before, last) = stem.rsplit_once('_')?;
    let (before, tag) = match is_number(last) && !is_time(last) {
        // A number behind one whose name was taken.
        true => before.rsplit_once('_')?,
        false => (before, last),
    };
    let time = before.rsplit('_').next()?;
    (tag.starts_with(TAG_MARK) && is_time(time)).then_some(tag)
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
            assert_eq!(generate(MANUAL, app, at, None, |_| false), name);
            assert!(BackupKey::for_new(name).is_ok(), "{name}");
        }
        assert!(BackupKey::for_new(&generate(MANUAL, &"x".repeat(500), at, None, |_| false)).is_ok());
        assert!(BackupKey::existing(&generate(SCHEDULED, "Acme", at, Some("i1234567"), |_| false)).is_ok());
    }

    #[test]
    fn a_name_tells_who_made_it_and_an_older_one_does_not() {
        let at: Timestamp = "2023-05-19T16:25:57.542Z".parse().unwrap();
        for app in ["Acme", "", "x_20200101000000_i7654321", "20200101000000", "42"] {
            let first = generate(SCHEDULED, app, at, Some("i1234567"), |_| false);
            assert_eq!(tag_of(&first), Some("i1234567"), "{first}");
            let second = generate(SCHEDULED, app, at, Some("i1234567"), |name| name == first);
            assert_eq!(tag_of(&second), Some("i1234567"), "{second}");
            let older = generate(SCHEDULED, app, at, None, |_| false);
            assert_eq!(tag_of(&older), None, "{older}");
            let older = generate(SCHEDULED, app, at, None, |name| name == older);
            assert_eq!(tag_of(&older), None, "{older}");
            assert!(BackupKey::existing(&second).is_ok() && second.len() <= BackupKey::MAX_NEW_LEN);
        }
        assert_eq!(tag_of("pb_backup_acme_20230519162557_i1234567.zip"), None);
        assert_eq!(tag_of("@auto_pb_backup_1.zip"), None);
    }

    #[test]
    fn a_name_that_is_taken_gets_the_next_number() {
        let at: Timestamp = "2023-05-19T16:25:57.542Z".parse().unwrap();
        let mut taken = Vec::new();
        for _ in 0..3 {
            let name = generate(MANUAL, "", at, None, |name| taken.iter().any(|known| known == name));
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
