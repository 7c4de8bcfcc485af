//! SQLite: the only place that knows SQL and the driver.
//!
//! One writer commits in groups ([`writer`]), a few readers see the last commit ([`readers`]); each table has a file
//! under [`tables`], the numbered migrations stand under [`migrations`], and [`render`] writes what the filter language
//! asks for as SQL.

pub(crate) mod agreement;
mod auxiliary;
pub(crate) mod check;
pub(crate) mod collection_list;
mod connection;
mod console;
pub(crate) mod migrations;
mod prompt;
mod published;
pub(crate) mod query;
mod readers;
pub(crate) mod render;
pub(crate) mod row;
pub(crate) mod snapshot;
pub(crate) mod sql;
pub(crate) mod store;
pub(crate) mod tables;
mod totals;
pub(crate) mod transaction;
pub(crate) mod wal;
mod watch;
mod writer;

use connection::{Access, Role, open};
use prompt::PromptReaders;
use published::Published;
use readers::{Lane, PATIENCE, Readers};
use watch::Watch;
use writer::{Gate, Session, WRITE_PATIENCE, Writer};
