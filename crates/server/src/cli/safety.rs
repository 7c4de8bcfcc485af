//! `bosbase backup status`: whether the data is safe, in one sentence, with what that rests on and what to do.

use std::process::ExitCode;

use bosbase_app::jobs::{JobKind, Needed, Undoable, place_in_doubt};
use bosbase_app::safety::{Safety, Verdict, safety};

use super::Failure;
use super::backup::{known, rounded};
use super::global::Global;
use super::output::{complain, note, say};

/// Says it, and exits with 0 where the data is safe.
pub fn run(global: &Global) -> ExitCode {
    match judged(global) {
        Ok(safety) => {
            tell(&safety);
            match safety.verdict {
                Verdict::Safe => ExitCode::SUCCESS,
                _ => ExitCode::FAILURE,
            }
        }
        Err(Failure(why)) => {
            complain(&why);
            ExitCode::FAILURE
        }
    }
}

fn judged(global: &Global) -> Result<Safety, Failure> {
    let options = global.options()?;
    if let Some(doubt) = place_in_doubt(&options, Needed::Place)? {
        note(&doubt);
    }
    Ok(safety(&options)?)
}

fn tell(safety: &Safety) {
    let newest = safety.newest.as_ref();
    let made = newest
        .map(|one| bosbase_app::moment::wire(one.backup.modified))
        .unwrap_or_default();
    let age = bosbase_app::moment::age(&made).map(rounded).unwrap_or_default();
    say(&match safety.verdict {
        Verdict::Safe => format!("The data is safe. The newest proven backup was made {age} ago."),
        Verdict::FromMistakes => format!(
            "The data is safe from mistakes, but not from the loss of this machine. The newest proven backup was made {age} ago."
        ),
        Verdict::Wanting => {
            format!("The data can be brought back to a backup made {age} ago, but something needs attention.")
        }
        Verdict::Failing => format!("Backups are failing. The newest proven one was made {age} ago."),
        Verdict::NotKnown => "The backups can't be listed, so nobody can say whether the data is safe.".to_owned(),
        Verdict::NoneProven => {
            "No backup is proven. Nobody knows whether one can be restored: bosbase backup verify KEY.".to_owned()
        }
        Verdict::NoBackup => "There is no backup. If this machine's disk fails, the data is lost.".to_owned(),
    });
    let fact = |name: &str, value: &str| say(&format!("  {name:14} {value}"));
    fact(
        "newest proven",
        &newest.map_or_else(
            || "none".to_owned(),
            |one| format!("{}, {made}, {}", one.backup.key, known(&one.proof)),
        ),
    );
    fact(
        "backups",
        &match safety.backups {
            Some(count) => format!("{count} in {}", safety.place),
            None => format!("not known, in {}", safety.place),
        },
    );
    fact(
        "schedule",
        match safety.schedule.as_deref() {
            None => "not known",
            Some("") => "none",
            Some(cron) => cron,
        },
    );
    fact(
        "alarms",
        &match (&safety.schedule, safety.alarms.ways.as_slice()) {
            (None, _) => "not known".to_owned(),
            (_, []) => "none".to_owned(),
            (_, ways) => ways.join(", "),
        },
    );
    fact(
        "undo",
        &safety
            .undo
            .as_ref()
            .map_or_else(|| "nothing to undo".to_owned(), undoable),
    );
    for advice in &safety.advice {
        say(&format!("To do: {advice}"));
    }
}

fn undoable(undo: &Undoable) -> String {
    let what = match undo.kind {
        JobKind::Undo => "the last undo".to_owned(),
        _ => format!("the restore of {}", undo.key),
    };
    format!("{what}, until {}", undo.expires)
}
