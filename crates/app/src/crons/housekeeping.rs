//! What the system's jobs do.

use std::time::Duration;

use bosbase_store::{Collection, ListQuery, format_timestamp};
use jiff::Timestamp;

use crate::app::App;
use crate::error::{Error, Result};

/// Records that are deleted in one transaction, so that others get their turn.
const CHUNK: u64 = 500;

impl App {
    /// Lets the databases look over their statistics; blocks writers for as long as it takes, commonly milliseconds. Done every
    /// night, and worth it before a process ends that may not live to see one.
    ///
    /// # Errors
    ///
    /// Where a database can't be written.
    pub fn optimize(&self) -> Result<()> {
        Ok(self.store().optimize()?)
    }
}

/// Deletes the unfinished multi-factor logins that nobody may finish any more.
pub(super) fn delete_expired_mfas(app: &App) -> Result<()> {
    delete_expired(app, "_mfas", "mfa")
}

/// Deletes the one-time passwords that are no longer good.
pub(super) fn delete_expired_otps(app: &App) -> Result<()> {
    delete_expired(app, "_otps", "otp")
}

/// Deletes the log's lines that are older than the settings keep them.
pub(super) fn delete_old_logs(app: &App) -> Result<()> {
    let days = u64::try_from(app.settings().logs.max_days).unwrap_or_default();
    app.store().logs().delete_before(&before(days.saturating_mul(86_400)))?;
    Ok(())
}

/// The stored form of the moment `seconds` ago.
fn before(seconds: u64) -> String {
    let moment = Timestamp::now().checked_sub(Duration::from_secs(seconds));
    // Whoever keeps it for longer than there was time for keeps all of it.
    format_timestamp(moment.unwrap_or(Timestamp::UNIX_EPOCH))
}

/// Deletes the records of `table` that are older than the duration that the option of their auth collection gives them.
fn delete_expired(app: &App, table: &'static str, option: &str) -> Result<()> {
    let schema = app.store().schema();
    for collection in schema.all().iter().filter(|collection| collection.is_auth()) {
        let Some(seconds) = lifetime(collection, option) else {
            continue;
        };
        let filter = format!(
            "collectionRef = \"{}\" && created < \"{}\"",
            collection.id,
            before(seconds)
        );
        while delete_chunk(app, table, filter.clone())? == CHUNK {}
    }
    Ok(())
}

/// How long, in seconds, what `option` of the collection makes is good for; `None` where it makes nothing.
fn lifetime(collection: &Collection, option: &str) -> Option<u64> {
    let option = collection.options.get(option)?;
    let enabled = option.get("enabled")?.as_bool()?;
    option.get("duration")?.as_u64().filter(|_| enabled)
}

fn delete_chunk(app: &App, table: &'static str, filter: String) -> Result<u64> {
    app.store().write(move |tx| {
        let Some(collection) = tx.schema().find(table).cloned() else {
            return Ok(0);
        };
        let query = ListQuery {
            filter,
            per_page: CHUNK,
            skip_total: true,
            allow_hidden: true,
            ..ListQuery::default()
        };
        let expired = tx.list_records(&collection, &query)?.items;
        for record in &expired {
            tx.delete_record(&collection, record.id())?;
        }
        Ok::<_, Error>(expired.len() as u64)
    })
}
