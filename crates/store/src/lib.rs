//! The application's database: what is kept, how it is asked for, and how a point in time of it is pinned.
//!
//! Everything that is SQL lives here and nowhere else: the system tables (one file per table under `tables/`), the
//! numbered migrations, the translation of the filter language to parameterised SQL (`filter/`), the one writer and the
//! many readers (`engine/`). No SQL text and no driver type leaves this crate, so that a second database engine can
//! stand behind it one day.
//!
//! All calls block; async callers move them off their threads.

#![allow(
    dead_code,
    reason = "the snapshot and the table sync, which use what is unused yet, follow"
)]

mod collection;
mod engine;
mod error;
mod field;
mod filter;
mod migrations;
mod moment;
mod query;
mod record;
mod request;
mod schema;
mod sql;
mod store;
mod tables;
mod transaction;

pub use collection::{Collection, CollectionKind, Rules};
pub use error::{Error, ErrorKind, Result};
pub use field::{Field, FieldKind};
pub use filter::superuser_only_part;
pub use moment::{format_timestamp, new_id, new_secret, normalize_date, now, parse_date, random_text};
pub use query::{ListQuery, RecordPage};
pub use record::Record;
pub use request::RequestContext;
pub use schema::Schema;
pub use store::{Store, StoreOptions};
pub use tables::defaults::renew_secrets;
pub use tables::indexes::{Index, IndexColumn};
pub use transaction::{ReadTx, WriteTx};
