//! The domain: what an application backend does, without saying how it is asked (HTTP, command line) or where it is
//! kept (SQL, files).
//!
//! [`App`] is the whole of it on one data directory; each concern has its room: `auth`, `collections`, `records`,
//! `files`, `settings`, `crons`, `jobs` (backups and restores), `realtime`. A [`Caller`] is who asks; an [`Error`] is
//! what they are told, with the cause kept apart for the log.
//!
//! All calls block unless they say otherwise; async callers move them off their threads.

mod access;
mod alarms;
mod app;
pub mod auth;
mod caller;
pub mod collections;
pub mod crons;
mod error;
mod excerpt;
pub mod fields;
pub mod files;
pub mod formats;
pub mod jobs;
pub mod logs;
mod mails;
pub mod moment;
pub mod realtime;
pub mod records;
pub mod settings;
mod superusers;

pub use alarms::{AlarmStatus, AlarmThreads};
pub use app::{App, AppOptions};
pub use bosbase_bucket::BucketConfig;
pub use caller::Caller;
pub use error::{Error, ErrorKind, FieldErrors, Result, chain};
