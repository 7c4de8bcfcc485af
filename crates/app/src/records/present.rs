//! Records as they are shown to somebody.

use std::collections::HashSet;

use bosbase_store::{FieldKind, ListQuery, ReadTx, Record};
use serde_json::{Map, Value, json};

use super::expand::{self, Expansion};
use super::rules;
use super::value;
use crate::app::App;
use crate::caller::Caller;
use crate::error::Result;

/// `records` (all of one collection) as `caller` may see them, with the relations that `expand` names.
///
/// # Errors
///
/// Where the database can't be read.
pub fn present(app: &App, records: &[Record], caller: &Caller, expand: &str) -> Result<Vec<Map<String, Value>>> {
    app.store().read(|tx| present_in(tx, records, caller, expand))
}

/// [`present`] within a transaction.
pub(crate) fn present_in(
    tx: &ReadTx<'_>,
    records: &[Record],
    caller: &Caller,
    expand: &str,
) -> Result<Vec<Map<String, Value>>> {
    let expansion = Expansion::parse(tx.schema(), records.first(), expand, caller.is_superuser());
    let shown = show(tx, records, caller, &expansion, 1)?;
    Ok(shown.into_iter().map(|one| one.fields).collect())
}

/// A record as it is shown.
pub(super) struct Shown {
    pub(super) fields: Map<String, Value>,
    /// How many records it takes to show it: itself and those shown within it.
    pub(super) weight: usize,
}

pub(super) fn show(
    tx: &ReadTx<'_>,
    records: &[Record],
    caller: &Caller,
    expansion: &Expansion,
    depth: usize,
) -> Result<Vec<Shown>> {
    let addresses = visible_addresses(tx, records, caller)?;
    let mut shown: Vec<_> = records
        .iter()
        .map(|record| Shown {
            fields: fields(record, caller.is_superuser(), addresses.contains(record.id())),
            weight: 1,
        })
        .collect();
    expand::attach(tx, records, &mut shown, caller, expansion, depth)?;
    Ok(shown)
}

/// A record's own fields, with the names of its collection.
fn fields(record: &Record, hidden_too: bool, address: bool) -> Map<String, Value> {
    let collection = &record.collection;
    let mut shown = Map::new();
    for field in &collection.fields {
        let secret = collection.is_auth() && matches!(field.name.as_str(), "password" | "tokenKey");
        let address_kept_back = collection.is_auth() && field.name == "email" && !address;
        if (field.hidden && !hidden_too) || secret || address_kept_back {
            continue;
        }
        let stored = record.values.get(&field.name).cloned().unwrap_or_default();
        let value = match field.kind {
            // Nobody gets to see a hash.
            FieldKind::Password { .. } => json!(""),
            FieldKind::Number { .. } => value::number(stored.as_f64().unwrap_or_default()),
            FieldKind::GeoPoint { .. } => value::geo_point(&stored),
            _ => stored,
        };
        shown.insert(field.name.clone(), value);
    }
    shown.insert("collectionId".to_owned(), collection.id.clone().into());
    shown.insert("collectionName".to_owned(), collection.name.clone().into());
    shown
}

/// The ids of those accounts among `records` whose address `caller` may see: made visible by themselves, the caller's own,
/// managed by the caller.
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
        .map(Record::id);
    let mut others = Vec::new();
    for record in records {
        if caller.is_superuser() || record.flag("emailVisibility") || own == Some(record.id()) {
            visible.insert(record.id().to_owned());
        } else {
            others.push(record.clone());
        }
    }
    if let Some(rule) = rules::manage_rule(&collection).filter(|_| caller.auth.is_some()) {
        let context = caller.context("default", Map::new());
        let managed = passing(tx, others, rule, &context)?;
        visible.extend(managed.iter().map(|record| record.id().to_owned()));
    }
    Ok(visible)
}

/// Bytes of a filter that picks records by their ids.
const FILTER: usize = 3_000;

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
    // Short enough for the limits that filters have, in comparisons and in bytes; ids may be long.
    let longest = records.iter().map(|record| record.id().len()).max().unwrap_or_default();
    let together = (FILTER / (longest + "id = \"\"||".len())).clamp(1, 100);
    for page in records.chunks(together) {
        let filter: Vec<String> = page
            .iter()
            .map(|record| format!("id = {}", json!(record.id())))
            .collect();
        let query = ListQuery {
            filter: filter.join("||"),
            rule: Some(rule.to_owned()),
            per_page: 1000,
            skip_total: true,
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
