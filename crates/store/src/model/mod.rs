//! What an application is made of: collections with their fields and indexes, records, and the request that asks for
//! them.
//!
//! No database is known here, and nothing is read or written.

pub(crate) mod auth_options;
pub(crate) mod collection;
pub(crate) mod console;
pub(crate) mod context;
pub(crate) mod defaults;
pub(crate) mod field;
pub(crate) mod identity;
pub(crate) mod index;
pub(crate) mod log;
pub(crate) mod moment;
pub(crate) mod page;
pub(crate) mod point;
pub(crate) mod record;
pub(crate) mod requester;
pub(crate) mod schema;
