//! What there is to tell: one thing that failed, or goes well again.

use std::collections::BTreeSet;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::channel::Channel;
use crate::jobs::{Job, JobKind, JobState};
use crate::settings::MetaSettings;

/// How much of an error is told, in characters: it may quote what a hostile archive says of itself.
const LONGEST_ERROR: usize = 2_000;

/// What happened to it.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Happened {
    /// It failed.
    Failed,
    /// It goes well again after it had failed, or the backup that it was about is there no more.
    Recovered,
    /// Nothing: somebody wants to see whether alarms arrive.
    Test,
}

/// An alarm, or the end of one.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Event {
    /// Tells it from others: one that arrives twice has the same.
    pub id: String,
    /// What happened.
    pub event: Happened,
    /// To what: a job's kind, or `retention`, `schedule`, `age`, `alarms`, `test`.
    pub kind: String,
    /// The backup it is about; may be empty.
    pub key: String,
    /// The job it is about; may be empty.
    pub job: String,
    /// What went wrong, or had gone wrong.
    pub error: String,
    /// When it began; may be empty.
    pub started: String,
    /// When it ended, or was found.
    pub finished: String,
    /// What it is about among what is not well; empty where it is about nothing there, and where an earlier version
    /// wrote it.
    #[serde(default)]
    pub cause: String,
    /// Whether it is told to those whom the settings named that a restore replaced.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub former: bool,
    /// Of what is over: whether that is so since the backups that it was about are there no more.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub gone: bool,
    /// Of something that goes well again: on which ways it was told that it did not.
    #[serde(skip)]
    pub reached: BTreeSet<Channel>,
}

impl Event {
    /// What is not about a job.
    pub fn new(event: Happened, kind: &str, error: &str) -> Self {
        Self {
            id: bosbase_store::new_id(),
            event,
            kind: kind.to_owned(),
            key: String::new(),
            job: String::new(),
            error: error.chars().take(LONGEST_ERROR).collect(),
            started: String::new(),
            finished: crate::moment::wire_now(),
            cause: String::new(),
            former: false,
            gone: false,
            reached: BTreeSet::new(),
        }
    }

    /// How `job` ended. `error` is what it failed of, or what one before it did.
    pub fn of_job(job: &Job, error: &str) -> Self {
        let event = match job.state {
            JobState::Failed => Happened::Failed,
            JobState::Running | JobState::Succeeded => Happened::Recovered,
        };
        Self {
            key: job.key.clone(),
            job: job.id.clone(),
            started: job.started.clone(),
            finished: job.finished.clone(),
            ..Self::new(event, kind_name(job.kind), error)
        }
    }

    /// In one line, without the application's name.
    pub fn headline(&self) -> String {
        if self.gone {
            return match (self.kind.as_str(), &self.key) {
                ("restore", key) => format!("A backup whose restore failed is there no more: {key}"),
                ("verify", key) => format!("A backup that did not pass a verification is there no more: {key}"),
                _ => "Backups that did not pass a verification are there no more".to_owned(),
            };
        }
        let what = match self.kind.as_str() {
            "create" => "Backup",
            "verify" => "Verification",
            "scrub" => "Verification of all backups",
            "restore" => "Restore",
            "undo" => "Undo of a restore",
            "retention" => "Deletion of old backups",
            "schedule" => "Scheduled backups",
            "age" => "Newest proven backup",
            // `alarms`, `test`.
            _ => "Alarms",
        };
        let how = match (self.event, self.kind.as_str()) {
            (Happened::Test, _) => "are delivered: this is a test",
            (Happened::Failed, "age") => "is too old",
            (Happened::Failed, "schedule") => "are switched off",
            (Happened::Failed, "alarms") => "no longer go where they went",
            (Happened::Failed, _) => "failed",
            (Happened::Recovered, "age") => "is young enough again",
            (Happened::Recovered, "schedule") => "are switched on again",
            (Happened::Recovered, "alarms") => "go where they went again",
            (Happened::Recovered, _) => "succeeded again",
        };
        match self.key.as_str() {
            "" => format!("{what} {how}"),
            key => format!("{what} {how}: {key}"),
        }
    }

    /// In some sentences, for who reads it in a chat.
    pub fn text(&self, meta: &MetaSettings) -> String {
        let before = match self.event {
            Happened::Recovered if !self.error.is_empty() => "Before: ",
            _ => "",
        };
        let text = format!("{}: {}. {before}{}", meta.app_name, self.headline(), self.error);
        text.trim_end().to_owned()
    }

    /// What a webhook is sent.
    pub fn document(&self, meta: &MetaSettings) -> Value {
        json!({
            "id": self.id,
            "event": self.event,
            "kind": self.kind,
            "key": self.key,
            "job": self.job,
            "state": if self.event == Happened::Failed { "failed" } else { "succeeded" },
            "error": self.error,
            "started": self.started,
            "finished": self.finished,
            "app": { "name": meta.app_name, "url": meta.app_url },
            "text": self.text(meta),
        })
    }
}

/// A job's kind as the API writes it.
pub(super) fn kind_name(kind: JobKind) -> &'static str {
    match kind {
        JobKind::Create => "create",
        JobKind::Upload => "upload",
        JobKind::Verify => "verify",
        JobKind::Scrub => "scrub",
        JobKind::Restore => "restore",
        JobKind::Undo => "undo",
        JobKind::Recover => "recover",
    }
}
