//! The tables, one file each: `_collections`, `_params`, `_migrations`, `_logs`, and those that collections define.

pub(crate) mod collections;
pub(crate) mod columns;
pub(crate) mod history;
pub(crate) mod logs;
pub(crate) mod params;
pub(crate) mod record_tables;
pub(crate) mod records;
pub(crate) mod stand_ins;
pub(crate) mod view_query;
pub(crate) mod views;
