//! Whether the data is safe, for a command that asks without a server: the verdict, what it rests on, and what to do.
//!
//! It opens no database, which may be what is broken.

use bosbase_bucket::BucketConfig;

use crate::alarms::{self, AlarmStatus};
use crate::error::{Result, sentence};
use crate::jobs::{Backups, Listed, SKEW, Undoable, neighbours, require_application, restore_is_pending};
use crate::options::AppOptions;
use crate::settings;

/// How safe the data is, the worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
    /// The backups can't be listed.
    NotKnown,
    /// There is no backup.
    NoBackup,
    /// There are backups, and none is known to be good.
    NoneProven,
    /// A good one is there, and newer ones are not made.
    Failing,
    /// A good one is there, and something needs attention.
    Wanting,
    /// From mistakes, and not from the loss of this machine.
    FromMistakes,
    /// From both.
    Safe,
}

/// Whether the data is safe, and what that rests on.
#[derive(Debug)]
pub struct Safety {
    /// In a word.
    pub verdict: Verdict,
    /// Where backups are kept.
    pub place: String,
    /// How many there are; nothing where that is not known.
    pub backups: Option<usize>,
    /// The newest one that is known to be good.
    pub newest: Option<Listed>,
    /// When backups are made by themselves, as a cron expression; empty where they are not, nothing where the settings
    /// can't be read.
    pub schedule: Option<String>,
    /// Who is told when a backup fails, and what is not well.
    pub alarms: AlarmStatus,
    /// What an undo would bring back.
    pub undo: Option<Undoable>,
    /// What to know and to do, the gravest first.
    pub advice: Vec<String>,
}

/// Says how safe the data of `options` is.
///
/// # Errors
///
/// Where there is no data directory, or how things stand in it can't be read.
pub fn safety(options: &AppOptions) -> Result<Safety> {
    let now = jiff::Timestamp::now();
    let backups = Backups::open(options.clone())?;
    let mut grave = Vec::new();
    let listed = backups.shown().or_saying(&mut grave, "The backups can't be listed");
    let count = listed.as_ref().map(Vec::len);
    let newest = newest_good(listed.unwrap_or_default(), now.as_second());
    let (undo, settings) = if restore_is_pending(&options.data_dir)? {
        let text = "A restore is not finished yet: the server finishes it now, or when it is started.";
        grave.push(text.to_owned());
        (None, None)
    } else {
        if let Err(nothing) = require_application(&options.data_dir) {
            grave.push(nothing.message().to_owned());
        }
        let undo = backups.undoable();
        let settings = settings::peek(&options.data_dir, options.encryption_key.as_deref());
        (
            undo.or_saying(&mut grave, "What an undo would bring back can't be read"),
            settings.or_saying(&mut grave, "The schedule and the alarms are not known"),
        )
    };
    let settings = settings.map(Option::unwrap_or_default);
    let made = newest.as_ref().map(|one| one.backup.modified);
    let alarms = alarms::foreseen(&backups, settings.as_ref(), made, now);
    grave.extend(
        alarms
            .troubles
            .iter()
            .map(|trouble| told(&trouble.cause, &trouble.error)),
    );
    for neighbour in neighbours(&options.data_dir) {
        grave.push(format!(
            "Another program uses the data directory: {} (process {}). End it, or both will damage the data.",
            neighbour.program, neighbour.pid
        ));
    }
    let schedule = settings.map(|settings| settings.backups.cron);
    if schedule.as_deref() == Some("") && !alarms.troubles.iter().any(|trouble| trouble.cause == "schedule") {
        grave.push(
            "Backups are only made when somebody asks for one: set a schedule (settings.backups.cron).".to_owned(),
        );
    }
    let is_here = backups.bucket_in_force().as_ref().is_none_or(lies_here);
    let is_failing = alarms
        .troubles
        .iter()
        .any(|trouble| matches!(trouble.cause.as_str(), "create" | "age"));
    let verdict = match (count, &newest) {
        (None, _) => Verdict::NotKnown,
        (Some(0), None) => Verdict::NoBackup,
        (_, None) => Verdict::NoneProven,
        (_, Some(_)) if is_failing => Verdict::Failing,
        (_, Some(_)) if !grave.is_empty() => Verdict::Wanting,
        (_, Some(_)) if is_here => Verdict::FromMistakes,
        (_, Some(_)) => Verdict::Safe,
    };
    let is_scheduled = schedule.as_deref().is_some_and(|cron| !cron.is_empty());
    let mut advice = grave;
    advice.extend(hints(&backups, &alarms, is_here, is_scheduled));
    Ok(Safety {
        verdict,
        place: backups.shown_folder(),
        backups: count,
        newest,
        schedule,
        alarms,
        undo: undo.flatten(),
        advice,
    })
}

/// What could be better.
fn hints(backups: &Backups, alarms: &AlarmStatus, is_here: bool, is_scheduled: bool) -> Vec<String> {
    let mut hints = Vec::new();
    if let Ok(left @ 1..) = backups.left_on_disk() {
        hints.push(format!(
            "{left} more in the data directory {} not counted, as backups are kept in a bucket now.",
            if left == 1 { "is" } else { "are" }
        ));
    }
    if is_here {
        hints.push(
            "The backups lie on the same machine as the data. A lost machine takes both: use a bucket elsewhere \
             (settings.backups.s3)."
                .to_owned(),
        );
    }
    if is_scheduled && alarms.ways.is_empty() && alarms.troubles.iter().all(|trouble| trouble.cause != "alarms") {
        hints.push(
            "Nobody is told when a backup fails: set a mail server (settings.smtp) or a webhook \
             (settings.backups.alarmWebhook)."
                .to_owned(),
        );
    }
    if !alarms.ways.is_empty() && !alarms.last_error.is_empty() {
        let why = alarms.last_error.trim_end_matches('.');
        hints.push(format!("The last alarm did not arrive: {why}."));
    }
    hints
}

/// What is not well, with what it is about where the error alone does not say it.
fn told(cause: &str, error: &str) -> String {
    let of = match cause.split_once(' ').unwrap_or((cause, "")) {
        ("verify", key) => {
            let error = error.trim_end_matches('.');
            return format!(
                "{key} did not pass when it was verified ({error}). Make a new backup, and delete this one."
            );
        }
        ("create", _) => "The last backup failed: ".to_owned(),
        ("restore", _) => "The last restore or undo failed: ".to_owned(),
        ("scrub", _) => "Not all backups could be verified: ".to_owned(),
        ("retention", _) => "Old backups could not be deleted: ".to_owned(),
        _ => String::new(),
    };
    format!("{of}{error}")
}

/// A value, or what is said where it can't be had.
trait OrSaying<T> {
    fn or_saying(self, advice: &mut Vec<String>, what: &str) -> Option<T>;
}

impl<T> OrSaying<T> for Result<T> {
    fn or_saying(self, advice: &mut Vec<String>, what: &str) -> Option<T> {
        self.inspect_err(|error| advice.push(sentence(&format!("{what}: {}", error.with_causes()))))
            .ok()
    }
}

/// The newest of `listed` that is known to be good; one of a time that is yet to come does not count.
fn newest_good(listed: Vec<Listed>, now: i64) -> Option<Listed> {
    let counts = |one: &Listed| one.proof.is_good() && one.backup.modified.as_second() <= now.saturating_add(SKEW);
    listed.into_iter().filter(counts).max_by_key(|one| one.backup.modified)
}

/// Whether a bucket is served by this machine itself.
fn lies_here(bucket: &BucketConfig) -> bool {
    let host = bucket
        .endpoint
        .split_once("://")
        .map_or(bucket.endpoint.as_str(), |(_, rest)| rest);
    let host = host.split('/').next().unwrap_or_default();
    let name = match host.strip_prefix('[') {
        Some(rest) => rest.split(']').next().unwrap_or_default(),
        None => host.split(':').next().unwrap_or_default(),
    };
    let is_own = |ip: std::net::IpAddr| ip.to_canonical().is_loopback() || ip.is_unspecified();
    name.eq_ignore_ascii_case("localhost") || name.parse().is_ok_and(is_own)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_bucket_of_this_machine_is_no_place_elsewhere() {
        let at = |endpoint: &str| {
            lies_here(&BucketConfig {
                bucket: "acme".to_owned(),
                region: "r".to_owned(),
                endpoint: endpoint.to_owned(),
                access_key: String::new(),
                secret: String::new(),
                force_path_style: true,
            })
        };
        for here in [
            "localhost",
            "http://LOCALHOST:9000",
            "127.0.0.1",
            "http://127.1.2.3:80/a",
            "https://[::1]:9000",
        ] {
            assert!(at(here), "{here}");
        }
        for elsewhere in [
            "s3.example.com",
            "https://10.0.0.1:9000",
            "http://[2001:db8::1]",
            "localhost.example.com",
            "",
        ] {
            assert!(!at(elsewhere), "{elsewhere}");
        }
    }
}
