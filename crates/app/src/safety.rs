//! Whether the data is safe, for a command that asks without a server: the verdict, what it rests on, and what to do.
//!
//! It opens no database, which may be what is broken.

use bosbase_bucket::BucketConfig;

use crate::alarms::{self, AlarmStatus};
use crate::error::Result;
use crate::jobs::{Backups, Listed, SKEW, Undoable, neighbours, restore_is_pending};
use crate::options::AppOptions;
use crate::settings;

/// How safe the data is, the worst first.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub enum Verdict {
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
    /// How many there are.
    pub backups: usize,
    /// The newest one that is known to be good.
    pub newest: Option<Listed>,
    /// When backups are made by themselves, as a cron expression; empty where they are not, nothing where the settings
    /// can't be read.
    pub schedule: Option<String>,
    /// Who is told when a backup fails, and what is not well.
    pub alarms: AlarmStatus,
    /// What an undo would bring back.
    pub undo: Option<Undoable>,
    /// What to do, the gravest first.
    pub advice: Vec<String>,
}

/// Says how safe the data of `options` is.
///
/// # Errors
///
/// Where there is no data directory, or its backups can't be listed: then nobody can tell.
pub fn safety(options: &AppOptions) -> Result<Safety> {
    let backups = Backups::open(options.clone())?;
    let listed = backups.shown()?;
    let count = listed.len();
    let newest = newest_good(listed, jiff::Timestamp::now().as_second());
    let bucket = backups.bucket_in_force();
    let settings = settings::peek(&options.data_dir, options.encryption_key.as_deref());
    let mut advice = Vec::new();
    if restore_is_pending(&options.data_dir)? {
        advice.push("A restore waits to be finished: start the server.".to_owned());
    }
    if let Err(error) = &settings {
        tracing::debug!(error = error.with_causes(), "the settings can't be read");
        advice.push("The settings can't be read, so the schedule and the alarms are not known.".to_owned());
    }
    let settings = settings.ok().map(Option::unwrap_or_default);
    let alarms = settings
        .as_ref()
        .map(|settings| alarms::remembered(options, settings))
        .unwrap_or_default();
    advice.extend(alarms.troubles.iter().map(|trouble| trouble.error.clone()));
    for neighbour in neighbours(&options.data_dir) {
        advice.push(format!(
            "Another program uses the data directory: {} (process {}). End it, or both will damage the data.",
            neighbour.program, neighbour.pid
        ));
    }
    let schedule = settings.map(|settings| settings.backups.cron);
    if schedule.as_deref() == Some("") && !alarms.troubles.iter().any(|trouble| trouble.cause == "schedule") {
        advice.push(
            "Backups are only made when somebody asks for one: set a schedule (settings.backups.cron).".to_owned(),
        );
    }
    let is_wanting = !advice.is_empty();
    let is_here = bucket.as_ref().is_none_or(lies_here);
    if is_here {
        advice.push(
            "The backups lie on the same machine as the data. A lost machine takes both: use a bucket elsewhere \
             (settings.backups.s3)."
                .to_owned(),
        );
    }
    if schedule.as_deref().is_some_and(|cron| !cron.is_empty()) && alarms.ways.is_empty() {
        advice.push(
            "Nobody is told when a backup fails: set a mail server (settings.smtp) or a webhook \
             (settings.backups.alarmWebhook)."
                .to_owned(),
        );
    }
    if !alarms.ways.is_empty() && !alarms.last_error.is_empty() {
        advice.push(format!(
            "The last alarm did not arrive: {}.",
            alarms.last_error.trim_end_matches('.')
        ));
    }
    let is_failing = alarms
        .troubles
        .iter()
        .any(|trouble| matches!(trouble.cause.as_str(), "create" | "age"));
    let verdict = match &newest {
        None if count == 0 => Verdict::NoBackup,
        None => Verdict::NoneProven,
        Some(_) if is_failing => Verdict::Failing,
        Some(_) if is_wanting => Verdict::Wanting,
        Some(_) if is_here => Verdict::FromMistakes,
        Some(_) => Verdict::Safe,
    };
    Ok(Safety {
        verdict,
        place: backups.shown_folder(),
        backups: count,
        newest,
        schedule,
        alarms,
        undo: backups.undoable()?,
        advice,
    })
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
    name.eq_ignore_ascii_case("localhost") || name.parse::<std::net::IpAddr>().is_ok_and(|ip| ip.is_loopback())
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
