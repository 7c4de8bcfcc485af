//! Records as they are shown to somebody.

use std::collections::HashSet;

use bosbase_store::{Collection, Field, FieldKind, Filter, ListQuery, Meter as _, PageRequest, ReadTx, Record};
use serde_json::{Map, Value, json};

use super::expand::{self, Expansion};
use super::meter::AnswerMeter;
use super::value;
use super::{Records, rules};
use crate::caller::Caller;
use crate::error::{Error, Result};
use crate::fields::Wanted;
use crate::memory::weight;

/// `records` (all of one collection) as `caller` may see them, with the relations that `expand` names, as far as any of
/// it is `wanted`.
///
/// # Errors
///
/// Where the database can't be read, and [`crate::ErrorKind::Invalid`] where it is too much.
pub(crate) fn present(
    all: &Records,
    records: &[Record],
    caller: &Caller,
    expand: &str,
    wanted: &Wanted,
) -> Result<Vec<Map<String, Value>>> {
    let meter = AnswerMeter::new(all.memory(), &caller.held);
    let has_accounts = records.first().is_some_and(|record| record.collection.is_auth());
    if expand.is_empty() && !has_accounts {
        // Nothing of it has to be looked up.
        let shown = records.iter().map(|record| {
            let fields = fields(record, caller.is_superuser(), false, wanted);
            match meter.add(fields.iter().map(|(name, value)| name.len() + weight(value)).sum()) {
                true => Ok(fields),
                false => Err(Error::invalid("The answer is too large; ask for fewer fields at once.")),
            }
        });
        let shown = shown.collect();
        return meter.finish(shown);
    }
    let shown = all.store().read_view(&caller.requester(), &meter, |tx| {
        present_in(tx, records, caller, expand, wanted)
    });
    meter.finish(shown)
}

/// A record as a superuser sees it, with nothing of others.
pub(crate) fn present_own(record: &Record) -> Map<String, Value> {
    fields(record, true, true, &Wanted::parse(""))
}

/// [`present`] within a transaction.
pub(crate) fn present_in(
    tx: &ReadTx<'_>,
    records: &[Record],
    caller: &Caller,
    expand: &str,
    wanted: &Wanted,
) -> Result<Vec<Map<String, Value>>> {
    let expansion = Expansion::parse(tx.schema(), records.first(), expand, caller.is_superuser());
    let (shown, _) = show(tx, records, caller, &expansion, wanted, 1)?;
    Ok(shown.into_iter().map(|one| one.fields).collect())
}

/// A record as it is shown.
pub(super) struct Shown {
    pub(super) fields: Map<String, Value>,
    /// How many records it takes to show it: itself and those shown within it.
    pub(super) weight: usize,
    /// About how much memory it takes, with those within it, in bytes.
    pub(super) bytes: usize,
}

/// `records` as they are shown with what `expansion` names, and whether any of that was there to follow.
pub(super) fn show(
    tx: &ReadTx<'_>,
    records: &[Record],
    caller: &Caller,
    expansion: &Expansion,
    wanted: &Wanted,
    depth: usize,
) -> Result<(Vec<Shown>, bool)> {
    let addresses = visible_addresses(tx, records, caller)?;
    let mut shown = Vec::with_capacity(records.len());
    for record in records {
        let fields = fields(record, caller.is_superuser(), addresses.contains(record.id()), wanted);
        let bytes = fields.iter().map(|(name, value)| name.len() + weight(value)).sum();
        // It was counted as it was read; this is the other one.
        tx.count(bytes)?;
        shown.push(Shown {
            fields,
            weight: 1,
            bytes,
        });
    }
    let any = expand::attach(tx, records, &mut shown, caller, expansion, wanted, depth)?;
    Ok((shown, any))
}

/// A record's own fields that are wanted, with the names of its collection.
fn fields(record: &Record, hidden_too: bool, address: bool, wanted: &Wanted) -> Map<String, Value> {
    let collection = &record.collection;
    let mut shown = Map::new();
    for field in &collection.fields {
        let address_kept_back = collection.is_auth() && field.name == "email" && !address;
        if !is_shown(collection, field, hidden_too) || address_kept_back || wanted.of(&field.name).is_none() {
            continue;
        }
        let stored = record.values.get(&field.name).cloned().unwrap_or_default();
        shown.insert(field.name.clone(), shown_value(field, stored));
    }
    shown.insert("collectionId".to_owned(), collection.id.clone().into());
    shown.insert("collectionName".to_owned(), collection.name.clone().into());
    shown
}

/// Whether a field is one of those that are shown; whether an account's address is, depends on the account.
pub(super) fn is_shown(collection: &Collection, field: &Field, hidden_too: bool) -> bool {
    let secret = collection.is_auth() && matches!(field.name.as_str(), "password" | "tokenKey");
    (!field.hidden || hidden_too) && !secret
}

/// What is shown of the value of a field that is shown.
pub(super) fn shown_value(field: &Field, stored: Value) -> Value {
    match field.kind {
        // Nobody gets to see a hash.
        FieldKind::Password { .. } => json!(""),
        FieldKind::Number { .. } => value::number(stored.as_f64().unwrap_or_default()),
        FieldKind::GeoPoint { .. } => value::geo_point(&stored),
        _ => stored,
    }
}

/// The ids of those accounts among `records` whose address `caller` may see: made visible by themselves, the caller's
/// own, managed by the caller.
fn visible_addresses(tx: &ReadTx<'_>, records: &[Record], caller: &Caller) -> Result<HashSet<String>> {
    let mut visible = HashSet::new();
    let Some(collection) = records.first().map(|record| record.collection.clone()) else {
        return Ok(visible);
    };
    if !collection.is_auth() {
        return Ok(visible);
    }
    // Data from elsewhere may have one id in two collections of accounts.
    let own = caller
        .auth
        .as_ref()
        .filter(|auth| auth.collection.id == collection.id)
        .map(|auth| auth.id());
    let mut others = Vec::new();
    for record in records {
        if caller.is_superuser() || record.flag("emailVisibility") || own == Some(record.id()) {
            visible.insert(record.id().to_owned());
        } else {
            others.push(record.clone());
        }
    }
    if let Some(rule) = collection.manage_rule().filter(|_| caller.auth.is_some()) {
        let context = caller.own_context(Map::new());
        let managed = passing(tx, others, rule, &context)?;
        visible.extend(managed.iter().map(|record| record.id().to_owned()));
    }
    Ok(visible)
}

/// Records that one query picks by their ids.
const TOGETHER: usize = 100;

/// Those of `records` that pass `rule`, in one query a page of ids.
pub(super) fn passing(
    tx: &ReadTx<'_>,
    records: Vec<Record>,
    rule: &str,
    context: &bosbase_store::RequestContext,
) -> Result<Vec<Record>> {
    if rule.is_empty() || records.is_empty() {
        return Ok(records);
    }
    let collection = records[0].collection.clone();
    let mut admitted = HashSet::new();
    for page in records.chunks(TOGETHER) {
        let query = ListQuery {
            also: Some(Filter::is_one_of("id", page.iter().map(Record::id))),
            rule: Some(rule.to_owned()),
            page: PageRequest::first(1000),
            context: context.clone(),
            allow_hidden: true,
            ..ListQuery::default()
        };
        match tx.list_records(&collection, &query) {
            Ok(found) => admitted.extend(found.items.iter().map(|record| record.id().to_owned())),
            Err(error) => {
                rules::or_deny(Err(error), &collection)?;
            }
        }
    }
    Ok(records
        .into_iter()
        .filter(|record| admitted.contains(record.id()))
        .collect())
}
