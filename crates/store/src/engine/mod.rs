//! How the database is reached: one writer that commits in groups, a few readers, and the options of their connections.

mod connection;
mod readers;
mod watch;
mod writer;

pub(crate) use connection::{Access, Role, open};
pub(crate) use readers::{Lane, PATIENCE, Readers};
pub(crate) use watch::Watch;
pub(crate) use writer::{Gate, Published, Session, Writer};
