//! The application's database: what is kept, how it is asked for, and how a point in time of it is pinned.
//!
//! `model/` holds what an application is made of, `language/` understands filters, orders and rules, and `sqlite/` is
//! the engine: one writer and many readers, a file per table, the numbered migrations, and the rendering of filters as
//! SQL. No SQL text and no driver type leaves this crate, so that a second database engine can stand behind it one day.
//!
//! All calls block; async callers move them off their threads.
//!
//! A [`Store`] is both databases of a data directory. [`Store::read`] gives a [`ReadTx`], [`Store::write`] a
//! [`WriteTx`]: one consistent view, and one change that is durable when the call returns. [`Schema`] holds the
//! [`Collection`]s, [`Record`] is one row of one, [`Store::snapshot`] pins everything for a backup.
//!
//! ```
//! use std::sync::Arc;
//!
//! use bosbase_store::{Error, ListQuery, Record, Store, StoreOptions, new_id, new_secret};
//!
//! # fn main() -> Result<(), Error> {
//! # let dir = tempfile::tempdir().expect("a temporary directory");
//! let store = Store::open(&StoreOptions::new(dir.path()))?;
//! let users = Arc::clone(store.schema().find("users").expect("a fresh directory has users"));
//! let values = serde_json::json!({"id": new_id(), "email": "a@example.com", "tokenKey": new_secret()});
//! let record = Record {
//!     collection: Arc::clone(&users),
//!     values: values.as_object().cloned().unwrap_or_default(),
//! };
//! store.write(move |tx| tx.insert_record(&record))?;
//!
//! let query = ListQuery {
//!     filter: "email ~ 'example.com'".to_owned(),
//!     allow_hidden: true,
//!     ..ListQuery::default()
//! };
//! let page = store.read(|tx| tx.list_records(&users, &query))?;
//! assert_eq!(page.total_items, 1);
//! store.close()
//! # }
//! ```

pub mod at_once;
mod engine;
mod error;
mod language;
mod model;
mod sqlite;

pub use engine::{
    Agreement, Disagreement, DisagreementKind, FileReference, FileReferences, LONG_WRITE, Logs, PinnedDatabase, ReadTx,
    RecordRow, Revision, Snapshot, StillDatabase, Store, StoreOptions, Stored, Version, WalFollower, WalPosition,
    WriteTx, applied_migrations, check_application, check_database, due_upgrades, file_references_in, is_own_migration,
    peek_param, upgrade_staged,
};
pub use error::{Error, ErrorKind, Result, Subject};
pub use language::query::{CollectionQuery, ListQuery};
pub use language::{Filter, superuser_only_part};
pub use model::auth_options::{
    AuthAlert, AuthOptions, MailTemplate, MappedFields, Mfa, OAuth2, OAuth2Provider, Otp, PasswordAuth, TokenOptions,
    WrongType,
};
pub use model::collection::{Collection, CollectionKind, Rules};
pub use model::console::{ConsoleAnswer, ConsoleColumn};
pub use model::context::{HeaderLookup, Headers, RequestContext};
pub use model::field::{Field, FieldKind};
pub use model::identity::{collection_id, field_id, new_id, new_log_id, new_secret, random_text};
pub use model::index::{Index, IndexColumn};
pub use model::log::{ListLogs, LogEntry, LogLine, LogStat};
pub use model::moment::{format_timestamp, is_normal_date, normalize_date, now};
pub use model::page::{Most, Page, PageRequest};
pub use model::point::point_text;
pub use model::record::Record;
pub use model::requester::{Gone, Meter, Requester};
pub use model::schema::Schema;
