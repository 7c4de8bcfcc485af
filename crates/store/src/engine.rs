//! What an engine gives, and the one that gives it.
//!
//! | | |
//! | --- | --- |
//! | [`Store`] | the data, open: [`Store::read`] and its kin give a [`ReadTx`], [`Store::write`] a [`WriteTx`] |
//! | [`ReadTx`] | one consistent view: records, collections, lists under rules and filters, parameters |
//! | [`WriteTx`] | the same, with changes that all happen or none, and that may run more than once until they do |
//! | [`Snapshot`] | both databases at one moment, as SQLite files to be read and as the files that records name |
//! | [`Logs`] | what the server did |
//! | [`upgrade_staged`], [`check_application`], … | databases that a restore has put in place and nobody uses yet |
//!
//! A second engine is a module beside `sqlite` with types of these names, and this file is where one is chosen.
//! `tests/engine/` says what they have to do. Nothing but this file refers to `sqlite` (`tests/walls.rs`).

pub use crate::sqlite::agreement::{Agreement, Disagreement, DisagreementKind};
pub use crate::sqlite::check::{applied_migrations, check_application, check_database, peek_param, upgrade_staged};
pub use crate::sqlite::migrations::{due_upgrades, is_own_migration};
pub use crate::sqlite::row::{RecordRow, Stored};
pub use crate::sqlite::snapshot::{
    FileReference, FileReferences, PinnedDatabase, Snapshot, StillDatabase, file_references_in,
};
pub use crate::sqlite::store::{LONG_WRITE, Store, StoreOptions, Version};
pub use crate::sqlite::tables::logs::Logs;
pub use crate::sqlite::transaction::{ReadTx, Revision, WriteTx};
pub use crate::sqlite::wal::{WalFollower, WalPosition};
