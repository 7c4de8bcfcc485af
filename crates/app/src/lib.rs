//! The domain: what an application backend does, without saying how it is asked (HTTP, command line) or where it is
//! kept (SQL, files).
//!
//! [`App`] is the whole of it on one data directory: it builds the rooms, hands them out and closes them. Each room is
//! a type with what it needs and nothing else: `records`, `collections`, `accounts`, `files`, `settings`, `logs`,
//! `realtime`, `jobs` (backups and restores), `alarms`, `crons`. A [`Caller`] is who asks; an [`Error`] is what they
//! are told, with the cause kept apart for the log.
//!
//! All calls block unless they say otherwise; async callers move them off their threads.

mod access;
pub mod accounts;
mod alarms;
mod app;
pub mod auth;
mod caller;
pub mod checkup;
pub mod collections;
mod console;
pub mod crons;
mod distinct;
mod error;
mod excerpt;
pub mod fields;
mod fingerprint;
mod form;
pub mod formats;
pub mod jobs;
pub mod limits;
mod lockout;
pub mod logs;
pub mod mails;
pub mod memory;
mod metrics;
pub mod moment;
pub mod oauth2;
mod opening;
mod options;
mod outlive;
pub mod paging;
pub mod public;
pub mod realtime;
pub mod records;
pub mod recovery;
mod reserve;
pub mod safety;
mod schedule;
pub mod settings;
pub mod start;
mod steps;
pub mod unsupported;

pub use accounts::{OneTimePassword, Unlocked};
pub use alarms::{AlarmStatus, AlarmThreads, Alarms};
pub use app::App;
pub use bosbase_backup::DataDir;
pub use bosbase_bucket::BucketConfig;
pub use bosbase_files as files;
pub use bosbase_store::{Gone, HeaderLookup, Headers, at_once};
pub use caller::Caller;
pub use console::Console;
pub use distinct::Distinct;
pub use error::{Error, ErrorKind, FieldErrors, Result, chain};
pub use metrics::Metrics;
pub use options::AppOptions;
pub use recovery::Recovery;
