//! The application's database: what is kept, how it is asked for, and how a point in time of it is pinned.
//!
//! Everything that is SQL lives here and nowhere else: the system tables (one file per table under `tables/`), the
//! numbered migrations, the translation of the filter language to parameterised SQL (`filter/`), the one writer and the
//! many readers (`engine/`). No SQL text and no driver type leaves this crate, so that a second database engine can
//! stand behind it one day.
//!
//! All calls block; async callers move them off their threads.
//!
//! A [`Store`] is both databases of a data directory. [`Store::read`] gives a [`ReadTx`], [`Store::write`] a [`WriteTx`]: one
//! consistent view, and one change that is durable when the call returns. [`Schema`] holds the [`Collection`]s,
//! [`Record`] is one row of one, [`Store::snapshot`] pins everything for a backup.
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

mod check;
mod collection;
mod collection_list;
mod engine;
mod error;
mod field;
mod filter;
mod identity;
mod migrations;
mod moment;
mod query;
mod record;
mod request;
mod schema;
mod snapshot;
mod sql;
mod store;
mod tables;
mod transaction;

pub use check::{check_application, check_database, peek_param, upgrade_staged};
pub use collection::{Collection, CollectionKind, Rules};
pub use collection_list::{CollectionPage, CollectionQuery};
pub use error::{Error, ErrorKind, Result};
pub use field::{Field, FieldKind};
pub use filter::superuser_only_part;
pub use identity::{collection_id, field_id, new_id, new_secret, random_text};
pub use moment::{format_timestamp, normalize_date, now, parse_date};
pub use query::{ListQuery, RecordPage};
pub use record::Record;
pub use request::RequestContext;
pub use schema::Schema;
pub use snapshot::{FileReference, FileReferences, PinnedDatabase, Snapshot, StillDatabase, file_references_in};
pub use store::{Store, StoreOptions};
pub use tables::defaults::renew_secrets;
pub use tables::indexes::{Index, IndexColumn};
pub use tables::logs::{ListLogs, LogEntry, LogPage, LogStat, Logs};
pub use transaction::{ReadTx, WriteTx};
