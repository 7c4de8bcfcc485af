//! What a monitoring system asks for, as Prometheus' text (<https://prometheus.io/docs/instrumenting/exposition_formats/>).

use std::fmt::Write as _;

use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use super::backups::Backups;
use super::newest::newest_proven;
use super::proofs::Listed;
use super::status::{Job, JobKind, JobState};
use crate::error::Result;

const KINDS: [(JobKind, &str); 6] = [
    (JobKind::Create, "create"),
    (JobKind::Upload, "upload"),
    (JobKind::Verify, "verify"),
    (JobKind::Drill, "drill"),
    (JobKind::Restore, "restore"),
    (JobKind::Undo, "undo"),
];

/// Whether `given` is the token `wanted`, found out in a time that tells nothing of it.
#[must_use]
pub fn is_metrics_token(given: &str, wanted: &str) -> bool {
    Sha256::digest(given).ct_eq(&Sha256::digest(wanted)).into()
}

impl Backups {
    /// How old the newest proven backup is, what backups there are, and how the last job of each kind went. `listed` is what the
    /// storage answered, `None` where it did not.
    ///
    /// # Errors
    ///
    /// Where the records of jobs and proofs can't be read.
    pub fn metrics(&self, listed: Option<&[Listed]>) -> Result<String> {
        let mut text = String::new();
        let newest = match listed {
            Some(list) => {
                let bytes: u64 = list.iter().map(|listed| listed.backup.size).sum();
                let proven = list.iter().filter(|listed| listed.proof.is_good()).count();
                let failed = list.iter().filter(|listed| !listed.proof.error.is_empty()).count();
                gauge(
                    &mut text,
                    "bosbase_backup_storage_up",
                    "Whether the storage of backups can be listed.",
                    1,
                );
                gauge(&mut text, "bosbase_backups", "Backups that are listed.", list.len());
                gauge(&mut text, "bosbase_backups_proven", "Backups that were proven.", proven);
                let help = "Backups whose last proof failed.";
                gauge(&mut text, "bosbase_backups_failed_proof", help, failed);
                gauge(&mut text, "bosbase_backups_bytes", "The size of all backups.", bytes);
                newest_proven(list)
            }
            None => {
                gauge(
                    &mut text,
                    "bosbase_backup_storage_up",
                    "Whether the storage of backups can be listed.",
                    0,
                );
                self.newest_recorded_proven()?
            }
        };
        if let Some(age) = newest.age {
            let help = "How old the newest proven backup is; absent while there is none.";
            gauge(&mut text, "bosbase_backup_newest_proven_age_seconds", help, age);
        }
        let help = "Proven backups of a time that is yet to come: a clock was wrong, and their age is not known.";
        gauge(&mut text, "bosbase_backups_proven_ahead", help, newest.ahead);
        self.add_jobs(&mut text)?;
        Ok(text)
    }

    fn add_jobs(&self, text: &mut String) -> Result<()> {
        let jobs = self.jobs().all()?;
        let last = |kind: JobKind| {
            let ended = |job: &&Job| job.kind == kind && job.state != JobState::Running;
            jobs.iter().find(ended)
        };
        let last: Vec<(&str, &Job)> = KINDS
            .iter()
            .filter_map(|(kind, name)| Some((*name, last(*kind)?)))
            .collect();
        type Value = fn(&Job) -> f64;
        let of_each: [(&str, &str, Value); 4] = [
            (
                "bosbase_backup_last_job_success",
                "Whether the last job of this kind succeeded.",
                |job| f64::from(u8::from(job.state == JobState::Succeeded)),
            ),
            (
                "bosbase_backup_last_job_duration_seconds",
                "How long the last job of this kind took.",
                |job| seconds(&job.finished) - seconds(&job.started),
            ),
            (
                "bosbase_backup_last_job_bytes",
                "The bytes that the last job of this kind worked through.",
                #[allow(clippy::cast_precision_loss, reason = "a float is what the format has")]
                |job| job.bytes_done as f64,
            ),
            (
                "bosbase_backup_last_job_end_timestamp_seconds",
                "When the last job of this kind ended.",
                |job| seconds(&job.finished),
            ),
        ];
        for (name, help, value) in of_each {
            head(text, name, help, "gauge");
            for (kind, job) in &last {
                let _ = writeln!(text, "{name}{{kind=\"{kind}\"}} {}", value(job));
            }
        }
        head(
            text,
            "bosbase_backup_jobs_total",
            "Jobs that ended since the server started, by kind and outcome.",
            "counter",
        );
        for (kind, name) in KINDS {
            let (succeeded, failed) = self.jobs().ended(kind);
            for (outcome, count) in [("succeeded", succeeded), ("failed", failed)] {
                let _ = writeln!(
                    text,
                    "bosbase_backup_jobs_total{{kind=\"{name}\",outcome=\"{outcome}\"}} {count}"
                );
            }
        }
        Ok(())
    }
}

fn head(text: &mut String, name: &str, help: &str, kind: &str) {
    let _ = writeln!(text, "# HELP {name} {help}\n# TYPE {name} {kind}");
}

fn gauge(text: &mut String, name: &str, help: &str, value: impl std::fmt::Display) {
    head(text, name, help, "gauge");
    let _ = writeln!(text, "{name} {value}");
}

/// A time as the wire has it in seconds since 1970; 0 for none.
fn seconds(text: &str) -> f64 {
    let at = text.parse::<jiff::Timestamp>().unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    at.as_duration().as_secs_f64()
}
