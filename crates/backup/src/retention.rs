//! Which scheduled backups have had their day.

use std::collections::BTreeSet;

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::key::BackupKey;
use crate::storage::BackupInfo;

/// What scheduled backups are called, as PocketBase calls them.
pub const AUTO_PREFIX: &str = "@auto_pb_backup_";

/// What is kept, as restic's `forget` has it: a backup stays that any of these rules keeps. Days, weeks (ISO 8601) and months are
/// those of UTC. All at 0 keeps everything.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct Rules {
    /// So many of the newest.
    pub last: usize,
    /// Of so many of the last days that have any, the newest.
    pub daily: usize,
    /// Of so many of the last weeks that have any, the newest.
    pub weekly: usize,
    /// Of so many of the last months that have any, the newest.
    pub monthly: usize,
}

impl Rules {
    /// Whether nothing is asked for, so that nothing goes.
    #[must_use]
    pub fn is_off(&self) -> bool {
        *self == Self::default()
    }
}

/// A backup, and whether it is known to be good.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// The backup.
    pub backup: BackupInfo,
    /// Whether it was proven, and nothing was found wrong with it since.
    pub proven: bool,
}

/// The backups to delete, newest first: those whose name starts with `prefix` and that no rule keeps. One stays that the
/// rules keep among all of them, or among the proven ones alone: what is damaged, or was never proven, takes no proven one's place.
///
/// To be asked only once the new backup `made` is published and proven: a failed one must not evict a good one. `made` is
/// the newest whatever the times say: after the clock was put back it would else be the first to go.
#[must_use]
pub fn plan(list: &[Candidate], rules: &Rules, prefix: &str, made: &BackupKey) -> Vec<BackupKey> {
    if rules.is_off() {
        return Vec::new();
    }
    let mut ours: Vec<&Candidate> = list
        .iter()
        .filter(|candidate| candidate.backup.key.as_str().starts_with(prefix))
        .collect();
    ours.sort_by(|a, b| {
        let (a, b) = (&a.backup, &b.backup);
        let made_first = (a.key != *made).cmp(&(b.key != *made));
        made_first
            .then_with(|| b.modified.cmp(&a.modified))
            .then_with(|| a.key.cmp(&b.key))
    });
    let all: Vec<usize> = (0..ours.len()).collect();
    let proven: Vec<usize> = all.iter().copied().filter(|place| ours[*place].proven).collect();
    let mut kept = keep(&ours, &all, rules);
    kept.extend(keep(&ours, &proven, rules));
    kept.extend(proven.first());
    let goes = |(place, candidate): (usize, &Candidate)| (!kept.contains(&place)).then(|| candidate.backup.key.clone());
    ours.into_iter().enumerate().filter_map(goes).collect()
}

/// Which of `places`, newest first, the rules keep.
fn keep(ours: &[&Candidate], places: &[usize], rules: &Rules) -> BTreeSet<usize> {
    let mut kept: BTreeSet<usize> = places.iter().copied().take(rules.last).collect();
    let periods: [(usize, Period); 3] = [
        (rules.daily, |day| (day.year(), day.day_of_year())),
        (rules.weekly, |day| {
            let week = day.iso_week_date();
            (week.year(), i16::from(week.week()))
        }),
        (rules.monthly, |day| (day.year(), i16::from(day.month()))),
    ];
    for (count, period) in periods {
        let mut seen = BTreeSet::new();
        for place in places {
            if seen.len() == count {
                break;
            }
            if seen.insert(period(day(ours[*place].backup.modified))) {
                kept.insert(*place);
            }
        }
    }
    kept
}

/// Tells the day, week or month that a day lies in from all others.
type Period = fn(Date) -> (i16, i16);

fn day(at: Timestamp) -> Date {
    at.to_zoned(TimeZone::UTC).date()
}

#[cfg(test)]
mod tests {
    use proptest::prelude::*;

    use super::*;

    fn candidate(name: &str, seconds: i64, proven: bool) -> Candidate {
        Candidate {
            backup: BackupInfo {
                key: BackupKey::existing(name).unwrap(),
                size: 1,
                modified: Timestamp::from_second(seconds).unwrap(),
                etag: String::new(),
            },
            proven,
        }
    }

    fn list(names: &[(&str, i64)]) -> Vec<Candidate> {
        names
            .iter()
            .map(|(name, seconds)| candidate(name, *seconds, true))
            .collect()
    }

    fn last(last: usize) -> Rules {
        Rules {
            last,
            ..Rules::default()
        }
    }

    #[test]
    fn damaged_ones_take_no_proven_ones_place() {
        // Three good nights, three with a damaged database, and a good one: the good ones before went, the damaged ones stayed.
        let nights: Vec<_> = (1..=7)
            .map(|night| {
                candidate(
                    &format!("{AUTO_PREFIX}{night}.zip"),
                    night * 86_400,
                    !(4..=6).contains(&night),
                )
            })
            .collect();
        let made = nights[6].backup.key.clone();
        for rules in [
            last(3),
            Rules {
                daily: 3,
                ..Rules::default()
            },
        ] {
            let gone = plan(&nights, &rules, AUTO_PREFIX, &made);
            let names: Vec<_> = gone.iter().map(BackupKey::as_str).collect();
            assert_eq!(names, ["@auto_pb_backup_4.zip", "@auto_pb_backup_1.zip"]);
        }
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
                &last(keep),
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
            plan(&list, &last(2), AUTO_PREFIX, &made),
            [BackupKey::existing("@auto_pb_backup_a.zip").unwrap()]
        );
    }

    #[test]
    fn the_newest_of_each_day_week_and_month_stays() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap().as_second();
        let list = list(&[
            ("a.zip", at("2026-11-23T03:00:00Z")), // Monday
            ("b.zip", at("2026-11-22T23:59:59Z")), // Sunday, the week before
            ("c.zip", at("2026-11-22T03:00:00Z")),
            ("d.zip", at("2026-11-16T03:00:00Z")),
            ("e.zip", at("2026-10-31T03:00:00Z")),
            ("f.zip", at("2026-01-01T03:00:00Z")), // Thursday, in the ISO week 1 of 2026
            ("g.zip", at("2025-12-31T03:00:00Z")), // the same week
        ]);
        let gone = |rules| {
            plan(&list, &rules, "", &BackupKey::existing("a.zip").unwrap())
                .iter()
                .map(|key| key.as_str().trim_end_matches(".zip").to_owned())
                .collect::<String>()
        };
        let off = Rules::default();
        assert_eq!(gone(Rules { daily: 2, ..off }), "cdefg");
        assert_eq!(gone(Rules { weekly: 2, ..off }), "cdefg");
        assert_eq!(gone(Rules { weekly: 9, ..off }), "cdg");
        assert_eq!(gone(Rules { monthly: 4, ..off }), "bcd");
        assert_eq!(
            gone(Rules {
                last: 1,
                daily: 3,
                monthly: 3,
                ..off
            }),
            "cg"
        );
    }

    prop_compose! {
        fn some_list()(
            entries in prop::collection::vec((0..60_i64 * 86_400 * 10, any::<bool>(), prop::bool::weighted(0.8)), 1..40)
        ) -> Vec<Candidate> {
            entries
                .into_iter()
                .enumerate()
                .map(|(n, (seconds, proven, scheduled))| {
                    let prefix = if scheduled { AUTO_PREFIX } else { "mine_" };
                    candidate(&format!("{prefix}{n}.zip"), 1_700_000_000 + seconds, proven)
                })
                .collect()
        }
    }

    prop_compose! {
        fn some_rules()(last in 0..5_usize, daily in 0..5_usize, weekly in 0..5_usize, monthly in 0..5_usize) -> Rules {
            Rules { last, daily, weekly, monthly }
        }
    }

    fn scheduled(list: &[Candidate]) -> Vec<&Candidate> {
        let of_ours = |candidate: &&Candidate| candidate.backup.key.as_str().starts_with(AUTO_PREFIX);
        list.iter().filter(of_ours).collect()
    }

    fn without(list: &[Candidate], gone: &[BackupKey]) -> Vec<Candidate> {
        let stays = |candidate: &&Candidate| !gone.contains(&candidate.backup.key);
        list.iter().filter(stays).cloned().collect()
    }

    proptest! {
        #[test]
        fn the_newest_proven_one_and_what_others_named_stay(list in some_list(), rules in some_rules(), made in any::<prop::sample::Index>()) {
            let made = made.get(&list).backup.key.clone();
            let gone = plan(&list, &rules, AUTO_PREFIX, &made);
            prop_assert!(gone.iter().all(|key| key.as_str().starts_with(AUTO_PREFIX)));
            let newest = scheduled(&list).into_iter().filter(|one| one.proven).max_by_key(|one| one.backup.modified);
            // The one just made counts as the newest.
            let made_is_proven = list.iter().any(|one| one.backup.key == made && one.proven);
            let is_ours = made.as_str().starts_with(AUTO_PREFIX);
            match newest {
                Some(newest) if !(made_is_proven && is_ours) => {
                    let as_new = |key: &BackupKey| list.iter().any(|one| one.backup.key == *key && one.backup.modified == newest.backup.modified);
                    let left = without(&list, &gone);
                    let stays = scheduled(&left).iter().any(|one| one.proven && as_new(&one.backup.key));
                    prop_assert!(stays);
                }
                Some(_) => prop_assert!(!gone.contains(&made)),
                None => {}
            }
        }

        #[test]
        fn the_order_of_the_list_does_not_matter(list in some_list(), rules in some_rules()) {
            let made = list[0].backup.key.clone();
            let mut turned = list.clone();
            turned.reverse();
            prop_assert_eq!(plan(&list, &rules, AUTO_PREFIX, &made), plan(&turned, &rules, AUTO_PREFIX, &made));
        }

        #[test]
        fn a_second_time_nothing_goes(list in some_list(), rules in some_rules()) {
            let made = list[0].backup.key.clone();
            let gone = plan(&list, &rules, AUTO_PREFIX, &made);
            prop_assert_eq!(plan(&without(&list, &gone), &rules, AUTO_PREFIX, &made), vec![]);
        }

        #[test]
        fn a_more_generous_rule_keeps_no_less(list in some_list(), rules in some_rules(), more in some_rules()) {
            prop_assume!(!rules.is_off());
            let made = list[0].backup.key.clone();
            let generous = Rules {
                last: rules.last + more.last,
                daily: rules.daily + more.daily,
                weekly: rules.weekly + more.weekly,
                monthly: rules.monthly + more.monthly,
            };
            let gone = plan(&list, &rules, AUTO_PREFIX, &made);
            prop_assert!(plan(&list, &generous, AUTO_PREFIX, &made).iter().all(|key| gone.contains(key)));
        }

        #[test]
        fn a_rule_keeps_as_many_as_it_says_where_there_are(list in some_list(), n in 1..6_usize) {
            let made = list[0].backup.key.clone();
            let gone = plan(&list, &last(n), AUTO_PREFIX, &made);
            let mut ours = scheduled(&list);
            ours.sort_by_key(|one| (one.backup.key != made, std::cmp::Reverse(one.backup.modified), one.backup.key.to_string()));
            let newest: Vec<_> = ours.iter().take(n).collect();
            let newest_proven: Vec<_> = ours.iter().filter(|one| one.proven).take(n).collect();
            for one in &ours {
                let stays = newest.contains(&one) || newest_proven.contains(&one);
                prop_assert_eq!(stays, !gone.contains(&one.backup.key));
            }
        }
    }
}
