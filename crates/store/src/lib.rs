//! The application's database: what is kept, how it is asked for, and how a point in time of it is pinned.
//!
//! Everything that is SQL lives here and nowhere else: the system tables (one file per table under `tables/`), the
//! numbered migrations, the translation of the filter language to parameterised SQL (`filter/`), the one writer and the
//! many readers (`engine/`). No SQL text and no driver type leaves this crate, so that a second database engine can
//! stand behind it one day.
//!
//! All calls block; async callers move them off their threads.

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

pub use check::{check_application, check_database, upgrade_staged};
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
pub use snapshot::{FileReference, FileReferences, PinnedDatabase, Snapshot};
pub use store::{Store, StoreOptions};
pub use tables::defaults::renew_secrets;
pub use tables::indexes::{Index, IndexColumn};
pub use tables::logs::{ListLogs, LogEntry, LogPage, LogStat, Logs};
pub use transaction::{ReadTx, WriteTx};
