//! What a monitoring system asks of backups.

use sha2::{Digest as _, Sha256};
use subtle::ConstantTimeEq as _;

use super::backups::Backups;
use super::listed::Listed;
use super::status::{Job, JobKind, JobState};
use crate::error::Result;
use crate::metrics::Metrics;

/// Whether `given` is the token `wanted`, found out in a time that tells nothing of it.
#[must_use]
pub fn is_metrics_token(given: &str, wanted: &str) -> bool {
    Sha256::digest(given).ct_eq(&Sha256::digest(wanted)).into()
}

impl Backups {
    /// Adds how old the newest proven backup is, what backups there are, and how the last job of each kind went.
    /// `listed` is what the storage answered, `None` where it did not.
    ///
    /// # Errors
    ///
    /// Where the records of jobs and proofs can't be read.
    pub fn measure(&self, listed: Option<&[Listed]>, metrics: &mut Metrics) -> Result<()> {
        const UP: (&str, &str) = (
            "bosbase_backup_storage_up",
            "Whether the storage of backups can be listed.",
        );
        let newest = match listed {
            Some(list) => {
                let bytes: u64 = list.iter().map(|listed| listed.backup.size).sum();
                let proven = list.iter().filter(|listed| listed.proof.is_good()).count();
                let failed = list.iter().filter(|listed| !listed.proof.error.is_empty()).count();
                metrics.gauge(UP.0, UP.1, 1);
                metrics.gauge("bosbase_backups", "Backups that are listed.", list.len());
                metrics.gauge("bosbase_backups_proven", "Backups that were proven.", proven);
                let help = "Backups whose last proof failed.";
                metrics.gauge("bosbase_backups_failed_proof", help, failed);
                metrics.gauge("bosbase_backups_bytes", "The size of all backups.", bytes);
                self.newest_of(list)?
            }
            None => {
                metrics.gauge(UP.0, UP.1, 0);
                self.newest_recorded_proven()?
            }
        };
        if let Some(age) = newest.age {
            let help = "How old the newest proven backup is; absent while there is none.";
            metrics.gauge("bosbase_backup_newest_proven_age_seconds", help, age);
        }
        let help = "Proven backups of a time that is yet to come: a clock was wrong, and their age is not known.";
        metrics.gauge("bosbase_backups_proven_ahead", help, newest.ahead);
        self.measure_jobs(metrics)
    }

    fn measure_jobs(&self, metrics: &mut Metrics) -> Result<()> {
        let jobs = self.jobs().all()?;
        let last = |kind: JobKind| {
            let ended = |job: &&Job| job.kind == kind && job.state != JobState::Running;
            jobs.iter().find(ended)
        };
        let last: Vec<(&str, &Job)> = JobKind::ALL
            .into_iter()
            .filter_map(|kind| Some((kind.name(), last(kind)?)))
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
            let mut of_kinds = metrics.gauges(name, help);
            for (kind, job) in &last {
                of_kinds.sample(&[("kind", kind)], value(job));
            }
        }
        let help = "Jobs that ended since the server started, by kind and outcome.";
        let mut ended = metrics.counters("bosbase_backup_jobs_total", help);
        for kind in JobKind::ALL {
            let (name, (succeeded, failed)) = (kind.name(), self.jobs().ended(kind));
            for (outcome, count) in [("succeeded", succeeded), ("failed", failed)] {
                ended.sample(&[("kind", name), ("outcome", outcome)], count);
            }
        }
        Ok(())
    }
}

/// A time as the wire has it in seconds since 1970; 0 for none.
fn seconds(text: &str) -> f64 {
    let at = text.parse::<jiff::Timestamp>().unwrap_or(jiff::Timestamp::UNIX_EPOCH);
    at.as_duration().as_secs_f64()
}
