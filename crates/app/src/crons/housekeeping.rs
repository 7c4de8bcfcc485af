//! What the system's jobs do.

use std::time::Duration;

use bosbase_store::{AuthOptions, Filter, ListQuery, PageRequest, Store, format_timestamp};
use jiff::Timestamp;

use crate::error::{Error, Result};
use crate::reserve::Reserve;

/// Records that are deleted in one transaction, so that others get their turn.
const CHUNK: u64 = 500;

/// Deletes the unfinished multi-factor logins that nobody may finish any more.
pub(super) fn delete_expired_mfas(store: &Store) -> Result<()> {
    delete_expired(store, "_mfas", |options| {
        options.mfa.enabled.then_some(options.mfa.duration)
    })
}

/// Deletes the one-time passwords that are no longer good.
pub(super) fn delete_expired_otps(store: &Store) -> Result<()> {
    delete_expired(store, "_otps", |options| {
        options.otp.enabled.then_some(options.otp.duration)
    })
}

/// Deletes the log's lines that are older than the settings keep them.
pub(super) fn delete_old_logs(store: &Store, max_days: i64, reserve: &Reserve) -> Result<()> {
    let days = u64::try_from(max_days).unwrap_or_default();
    let moment = before(days.saturating_mul(86_400));
    reserve.spend(|| Ok(store.logs().delete_before(&moment)?)).map(drop)
}

/// The stored form of the moment `seconds` ago.
fn before(seconds: u64) -> String {
    let moment = Timestamp::now().checked_sub(Duration::from_secs(seconds));
    // Lines that are kept for longer than there was time for are all kept.
    format_timestamp(moment.unwrap_or(Timestamp::UNIX_EPOCH))
}

/// Deletes the records of `table` that are older than the seconds for which their auth collection lets them be good;
/// `None` where it makes none.
fn delete_expired(store: &Store, table: &'static str, lifetime: fn(&AuthOptions) -> Option<i64>) -> Result<()> {
    let schema = store.schema();
    for collection in schema.all().iter().filter(|collection| collection.is_auth()) {
        let lifetime = lifetime(&AuthOptions::readable(&collection.options));
        let Some(seconds) = lifetime.and_then(|seconds| u64::try_from(seconds).ok()) else {
            continue;
        };
        let filter = Filter::is("collectionRef", &collection.id).and(Filter::is_before("created", &before(seconds)));
        while delete_chunk(store, table, filter.clone())? == CHUNK {}
    }
    Ok(())
}

fn delete_chunk(store: &Store, table: &'static str, filter: Filter) -> Result<u64> {
    store.write(move |tx| {
        let Some(collection) = tx.schema().find(table).cloned() else {
            return Ok(0);
        };
        let query = ListQuery {
            also: Some(filter.clone()),
            page: PageRequest::first(CHUNK),
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
