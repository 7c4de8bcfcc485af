//! Which scheduled backups have had their day.

use std::collections::{BTreeMap, BTreeSet};

use jiff::Timestamp;
use jiff::civil::Date;
use jiff::tz::TimeZone;

use crate::key::BackupKey;
use crate::storage::BackupInfo;

/// What scheduled backups are called, as PocketBase calls them.
pub const AUTO_PREFIX: &str = "@auto_pb_backup_";

/// What is kept, as restic's `forget` has it: a backup stays that any of these rules keeps. Days, weeks (ISO 8601) and
/// months are those of UTC. All at 0 keeps everything.
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

/// What the proofs of a backup tell; what is worth more comes last.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum ProofState {
    /// It was never proven, or something was found wrong with it since.
    Unproven,
    /// It was proven, and could not be read when that was last tried. It may be as good as ever.
    Unreadable,
    /// It was proven, and nothing was found wrong with it since.
    Proven,
}

/// A backup, and what is known of its worth.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Candidate {
    /// The backup.
    pub backup: BackupInfo,
    /// What its proofs tell.
    pub proof_state: ProofState,
    /// How many files it lacks that its records name; nothing where that is not known.
    pub missing: Option<u64>,
}

impl Candidate {
    /// Whether it may take the place of `other`: it was proven no worse, and lacks no more files. One of which that is
    /// not known may lack any, or none.
    fn is_worth(&self, other: &Self) -> bool {
        other.proof_state == ProofState::Unproven
            || (self.proof_state >= other.proof_state
                && match (self.missing, other.missing) {
                    (Some(own), Some(others)) => own <= others,
                    (own, None) => own.unwrap_or_default() == 0,
                    (None, Some(_)) => false,
                })
    }
}

/// One of the [`Rules`].
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Rule {
    /// It is one of the newest.
    Last,
    /// It is the newest of a day.
    Daily,
    /// It is the newest of a week.
    Weekly,
    /// It is the newest of a month.
    Monthly,
}

/// Against whom the rules keep a backup.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Against {
    /// All of them.
    All,
    /// Those that were proven no worse: among all of them it would go.
    ProvenAsWell,
    /// Those that lack no more files besides: it would go, had newer ones not lost files that it holds.
    AsComplete,
}

/// A backup that stays, and why.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Kept {
    /// The backup.
    pub backup: BackupInfo,
    /// The rules that keep it, at least one.
    pub rules: Vec<Rule>,
    /// Against whom.
    pub against: Against,
}

/// What becomes of the scheduled backups.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Plan {
    /// Those to delete, newest first.
    pub outlived: Vec<BackupInfo>,
    /// Those that would go as well, newest first, had newer ones not lost files that these hold.
    pub more_complete: Vec<Candidate>,
    /// All that stay, newest first; none are named where no rule is set, since nothing goes then.
    pub kept: Vec<Kept>,
}

/// What becomes of the backups whose name starts with `prefix`. One is outlived that no rule keeps among those that are
/// worth at least as much: what is damaged, can't be read, or was never proven takes no proven one's place, and what
/// lacks files none of one that lacks fewer. So of an application that lost a file for good the backups go on to follow
/// each other, and beside them stay those, as many as the rules say, that were made before.
///
/// To be asked only once the new backup `made` is published and proven: a failed one must not evict a good one. `made`
/// is the newest, even where the times say otherwise: after the clock was put back it would else be the first to go.
#[must_use]
pub fn plan(list: &[Candidate], rules: &Rules, prefix: &str, made: &BackupKey) -> Plan {
    if rules.is_off() {
        return Plan::default();
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
    let among_equals = kept(&ours, rules, Candidate::is_worth, |one| (one.proof_state, one.missing));
    let whatever_they_lack = kept(
        &ours,
        rules,
        |a, b| a.proof_state >= b.proof_state,
        |one| one.proof_state,
    );
    let whatever_they_are = kept(&ours, rules, |_, _| true, |_| ());
    let mut plan = Plan::default();
    for (place, candidate) in ours.into_iter().enumerate() {
        let Some(by) = among_equals.get(&place) else {
            plan.outlived.push(candidate.backup.clone());
            continue;
        };
        let (by, against) = match (whatever_they_lack.get(&place), whatever_they_are.get(&place)) {
            (None, _) => (by, Against::AsComplete),
            (Some(by), None) => (by, Against::ProvenAsWell),
            (Some(_), Some(by)) => (by, Against::All),
        };
        if against == Against::AsComplete {
            plan.more_complete.push(candidate.clone());
        }
        plan.kept.push(Kept {
            backup: candidate.backup.clone(),
            rules: by.iter().copied().collect(),
            against,
        });
    }
    plan
}

/// Which of `ours`, newest first, the rules keep, each among those that may take its place, and which rules do. Who may
/// is the same for all of one class.
fn kept<Class: Ord>(
    ours: &[&Candidate],
    rules: &Rules,
    may_replace: impl Fn(&Candidate, &Candidate) -> bool,
    class: impl Fn(&Candidate) -> Class,
) -> BTreeMap<usize, BTreeSet<Rule>> {
    let mut classes: BTreeMap<Class, Vec<usize>> = BTreeMap::new();
    for (place, candidate) in ours.iter().enumerate() {
        classes.entry(class(candidate)).or_default().push(place);
    }
    let mut kept = BTreeMap::new();
    for members in classes.into_values() {
        let one = ours[members[0]];
        let rivals: Vec<usize> = (0..ours.len()).filter(|place| may_replace(ours[*place], one)).collect();
        let mut stay = keep(ours, &rivals, rules);
        kept.extend(
            members
                .into_iter()
                .filter_map(|place| Some((place, stay.remove(&place)?))),
        );
    }
    kept
}

/// Which of `places`, newest first, the rules keep, and which rules do.
fn keep(ours: &[&Candidate], places: &[usize], rules: &Rules) -> BTreeMap<usize, BTreeSet<Rule>> {
    let newest = places.iter().take(rules.last);
    let mut kept: BTreeMap<usize, BTreeSet<Rule>> =
        newest.map(|place| (*place, BTreeSet::from([Rule::Last]))).collect();
    let periods: [(Rule, usize, Period); 3] = [
        (Rule::Daily, rules.daily, |day| (day.year(), day.day_of_year())),
        (Rule::Weekly, rules.weekly, |day| {
            let week = day.iso_week_date();
            (week.year(), i16::from(week.week()))
        }),
        (Rule::Monthly, rules.monthly, |day| (day.year(), i16::from(day.month()))),
    ];
    for (rule, count, period) in periods {
        let mut seen = BTreeSet::new();
        for place in places {
            if seen.len() == count {
                break;
            }
            if seen.insert(period(day(ours[*place].backup.modified))) {
                kept.entry(*place).or_default().insert(rule);
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

    use super::ProofState::{Proven, Unproven, Unreadable};
    use super::*;

    fn candidate(name: &str, seconds: i64, proof_state: ProofState, missing: Option<u64>) -> Candidate {
        Candidate {
            backup: BackupInfo {
                key: BackupKey::existing(name).unwrap(),
                size: 1,
                modified: Timestamp::from_second(seconds).unwrap(),
                etag: String::new(),
            },
            proof_state,
            missing,
        }
    }

    fn keys(plan: &Plan) -> Vec<BackupKey> {
        plan.outlived.iter().map(|backup| backup.key.clone()).collect()
    }

    /// The names that go of nightly backups, the first being the oldest, by their place in the list.
    fn gone(nights: &[(ProofState, Option<u64>)], rules: &Rules) -> Vec<usize> {
        let list = (1..).zip(nights).map(|(night, (proof_state, missing))| {
            candidate(&format!("{night}.zip"), night * 86_400, *proof_state, *missing)
        });
        let list: Vec<_> = list.collect();
        let plan = plan(&list, rules, "", &list[list.len() - 1].backup.key);
        let mut gone: Vec<usize> = keys(&plan)
            .iter()
            .map(|key| key.as_str().trim_end_matches(".zip").parse().unwrap())
            .collect();
        gone.reverse();
        gone
    }

    fn list(names: &[(&str, i64)]) -> Vec<Candidate> {
        names
            .iter()
            .map(|(name, seconds)| candidate(name, *seconds, Proven, Some(0)))
            .collect()
    }

    fn last(last: usize) -> Rules {
        Rules {
            last,
            ..Rules::default()
        }
    }

    fn daily(daily: usize) -> Rules {
        Rules {
            daily,
            ..Rules::default()
        }
    }

    #[test]
    fn damaged_ones_take_no_proven_ones_place() {
        // Three good nights, three with a damaged database, and a good one: the good ones before went, the damaged ones
        // stayed.
        let mut nights = [(Proven, Some(0)); 7];
        nights[3..6].fill((Unproven, None));
        for rules in [last(3), daily(3)] {
            assert_eq!(gone(&nights, &rules), [1, 4]);
        }
    }

    /// Somebody emptied the folder of files: each night a proven backup without them took the place of one that held
    /// them.
    #[test]
    fn those_that_lack_files_take_no_complete_ones_place() {
        let mut nights = [(Proven, Some(0)); 12];
        nights[3..].fill((Proven, Some(100)));
        for rules in [last(3), daily(3)] {
            assert_eq!(
                gone(&nights, &rules),
                [4, 5, 6, 7, 8, 9],
                "those without rotate, those with them stay"
            );
            assert_eq!(gone(&nights[..7], &rules), [4]);
        }
        // Somebody put them back.
        nights[9..].fill((Proven, Some(0)));
        assert_eq!(gone(&nights, &last(3)), [1, 2, 3, 4, 5, 6, 7, 8, 9]);
        nights[11] = (Proven, Some(1));
        assert_eq!(gone(&nights, &last(3)), [1, 2, 4, 5, 6, 7, 8, 9]);
    }

    #[test]
    fn a_file_lost_for_good_stops_no_rotation() {
        let nights = [(Proven, Some(1)); 9];
        assert_eq!(gone(&nights, &last(3)), [1, 2, 3, 4, 5, 6]);
        let mut more = nights;
        more[8] = (Proven, Some(2));
        assert_eq!(gone(&more, &last(3)), [1, 2, 3, 4, 5]);
    }

    #[test]
    fn of_which_it_is_not_known_what_they_lack_take_the_place_of_their_like_alone() {
        let unknown = (Proven, None);
        assert_eq!(gone(&[unknown; 4], &last(3)), [1]);
        assert_eq!(gone(&[(Proven, Some(9)), unknown, unknown], &last(1)), [2]);
        assert_eq!(gone(&[unknown, (Proven, Some(1)), (Proven, Some(1))], &last(1)), [2]);
        assert_eq!(gone(&[unknown, (Proven, Some(0))], &last(1)), [1]);
    }

    #[test]
    fn what_can_not_be_read_takes_no_good_ones_place_and_gives_its_own_to_its_equals() {
        let (good, unreadable) = ((Proven, Some(0)), (Unreadable, Some(0)));
        assert_eq!(gone(&[good, unreadable, good], &last(2)), [0; 0]);
        assert_eq!(gone(&[good, unreadable, good, good], &last(2)), [1, 2]);
        assert_eq!(
            gone(&[unreadable, (Proven, Some(1)), (Proven, Some(1))], &last(1)),
            [2],
            "it may be the last with the file"
        );
    }

    #[test]
    fn the_plan_tells_which_stay_for_what_others_lack() {
        let list: Vec<_> = [(1, Some(0)), (2, Some(0)), (3, Some(7)), (4, Some(7))]
            .map(|(night, missing)| candidate(&format!("{night}.zip"), night, Proven, missing))
            .into();
        let plan = plan(&list, &last(1), "", &list[3].backup.key);
        assert_eq!(plan.more_complete, [list[1].clone()]);
        assert_eq!(plan.outlived, [list[2].backup.clone(), list[0].backup.clone()]);
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
            keys(&plan(
                &list,
                &last(keep),
                AUTO_PREFIX,
                &BackupKey::existing("@auto_pb_backup_3.zip").unwrap(),
            ))
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
            keys(&plan(&list, &last(2), AUTO_PREFIX, &made)),
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
            keys(&plan(&list, &rules, "", &BackupKey::existing("a.zip").unwrap()))
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

    fn some_proof_state() -> impl Strategy<Value = ProofState> {
        prop_oneof![2 => Just(Proven), 1 => Just(Unreadable), 1 => Just(Unproven)]
    }

    prop_compose! {
        fn some_list()(
            entries in prop::collection::vec(
                (0..60_i64 * 86_400 * 10, some_proof_state(), prop::option::weighted(0.9, 0..3_u64), prop::bool::weighted(0.8)),
                1..40,
            )
        ) -> Vec<Candidate> {
            entries
                .into_iter()
                .enumerate()
                .map(|(n, (seconds, proof_state, missing, scheduled))| {
                    let prefix = if scheduled { AUTO_PREFIX } else { "mine_" };
                    candidate(&format!("{prefix}{n}.zip"), 1_700_000_000 + seconds, proof_state, missing)
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

    #[test]
    fn the_plan_says_which_rules_keep_what_stays_and_against_whom() {
        let at = |text: &str| text.parse::<Timestamp>().unwrap().as_second();
        let list = [
            candidate("new.zip", at("2026-11-23T03:00:00Z"), Proven, Some(0)),
            candidate("broken.zip", at("2026-11-22T03:00:00Z"), Unproven, None),
            candidate("sunday.zip", at("2026-11-22T02:00:00Z"), Proven, Some(0)),
            candidate("october.zip", at("2026-10-31T03:00:00Z"), Proven, Some(0)),
            candidate("september.zip", at("2026-09-30T03:00:00Z"), Proven, Some(0)),
        ];
        let rules = Rules {
            last: 1,
            daily: 2,
            monthly: 2,
            ..Rules::default()
        };
        let plan = plan(&list, &rules, "", &list[0].backup.key);
        let kept: Vec<_> = plan
            .kept
            .iter()
            .map(|one| (one.backup.key.as_str(), &one.rules[..], one.against))
            .collect();
        assert_eq!(
            kept,
            [
                ("new.zip", &[Rule::Last, Rule::Daily, Rule::Monthly][..], Against::All),
                ("broken.zip", &[Rule::Daily][..], Against::All),
                ("sunday.zip", &[Rule::Daily][..], Against::ProvenAsWell),
                ("october.zip", &[Rule::Monthly][..], Against::All),
            ]
        );
        assert_eq!(keys(&plan), [list[4].backup.key.clone()]);
        let list = [
            candidate("new.zip", 3, Proven, Some(7)),
            candidate("whole.zip", 2, Proven, Some(0)),
        ];
        let kept = super::plan(&list, &last(1), "", &list[0].backup.key).kept;
        assert_eq!(
            (kept[1].against, &kept[1].rules[..]),
            (Against::AsComplete, &[Rule::Last][..])
        );
    }

    proptest! {
        #[test]
        fn each_one_stays_or_goes_and_what_stays_has_a_rule(list in some_list(), rules in some_rules()) {
            prop_assume!(!rules.is_off());
            let plan = plan(&list, &rules, AUTO_PREFIX, &list[0].backup.key);
            prop_assert!(plan.kept.iter().all(|one| !one.rules.is_empty()));
            let mut all: Vec<BackupKey> = plan.kept.iter().map(|one| one.backup.key.clone()).chain(keys(&plan)).collect();
            all.sort();
            let mut ours: Vec<BackupKey> = scheduled(&list).iter().map(|one| one.backup.key.clone()).collect();
            ours.sort();
            prop_assert_eq!(all, ours);
            let for_files = plan.kept.iter().filter(|one| one.against == Against::AsComplete).map(|one| &one.backup);
            prop_assert!(for_files.eq(plan.more_complete.iter().map(|one| &one.backup)));
        }

        #[test]
        fn what_others_named_stays(list in some_list(), rules in some_rules(), made in any::<prop::sample::Index>()) {
            let made = made.get(&list).backup.key.clone();
            let gone = keys(&plan(&list, &rules, AUTO_PREFIX, &made));
            prop_assert!(gone.iter().all(|key| key.as_str().starts_with(AUTO_PREFIX)));
        }

        #[test]
        fn whatever_goes_leaves_a_newer_one_that_was_proven_no_worse_and_lacks_no_more(
            list in some_list(), rules in some_rules(), made in any::<prop::sample::Index>()
        ) {
            let made = made.get(&list).backup.key.clone();
            let gone = keys(&plan(&list, &rules, AUTO_PREFIX, &made));
            let left = without(&list, &gone);
            for one in list.iter().filter(|one| gone.contains(&one.backup.key)) {
                let stands_in = |other: &&Candidate| {
                    let lacks_no_more = other.missing == one.missing
                        || other.missing.is_some_and(|own| own <= one.missing.unwrap_or_default());
                    let no_worse = one.proof_state == Unproven || (other.proof_state >= one.proof_state && lacks_no_more);
                    no_worse && (other.backup.modified >= one.backup.modified || other.backup.key == made)
                };
                prop_assert!(scheduled(&left).iter().any(stands_in));
            }
        }

        #[test]
        fn of_the_best_the_fewest_files_are_ever_missing(list in some_list(), rules in some_rules()) {
            let made = list[0].backup.key.clone();
            let best = |list: &[Candidate]| {
                scheduled(list).iter().filter(|one| one.proof_state == Proven).filter_map(|one| one.missing).min()
            };
            let left = without(&list, &keys(&plan(&list, &rules, AUTO_PREFIX, &made)));
            prop_assert_eq!(best(&list), best(&left));
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
            let gone = keys(&plan(&list, &rules, AUTO_PREFIX, &made));
            prop_assert_eq!(keys(&plan(&without(&list, &gone), &rules, AUTO_PREFIX, &made)), vec![]);
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
            let gone = keys(&plan(&list, &rules, AUTO_PREFIX, &made));
            prop_assert!(keys(&plan(&list, &generous, AUTO_PREFIX, &made)).iter().all(|key| gone.contains(key)));
        }

        #[test]
        fn a_rule_keeps_as_many_as_it_says_where_there_are(list in some_list(), n in 1..6_usize) {
            let made = list[0].backup.key.clone();
            let gone = keys(&plan(&list, &last(n), AUTO_PREFIX, &made));
            let mut ours = scheduled(&list);
            ours.sort_by_key(|one| (one.backup.key != made, std::cmp::Reverse(one.backup.modified), one.backup.key.to_string()));
            for one in &ours {
                let stays = ours.iter().filter(|other| other.is_worth(one)).take(n).any(|other| other == one);
                prop_assert_eq!(stays, !gone.contains(&one.backup.key));
            }
        }
    }
}
