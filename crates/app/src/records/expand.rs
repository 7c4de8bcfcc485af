//! Related records, shown within the ones that refer to them (`author`, `author.team`) or that they refer to
//! (`comments_via_post`).

use std::collections::{BTreeMap, HashMap, HashSet};
use std::sync::Arc;

use bosbase_store::{Collection, Field, FieldKind, ReadTx, Record, Schema};
use serde_json::{Map, Value, json};

use super::present::{Shown, passing, show};
use crate::caller::Caller;
use crate::error::{Error, Result};
use crate::fields::Wanted;

/// How many relations deep an expansion goes.
const MAX_DEPTH: usize = 6;
/// How many records that refer to one record are shown with it.
const MAX_BACK: usize = 1000;

/// How many records an answer may show along, each as often as it is shown: a relation and the way back, taken again
/// and again, would show the same few records a million times.
const MAX_SHOWN: usize = 100_000;

/// What to show along, relation by relation.
#[derive(Debug, Default)]
pub(super) struct Expansion {
    relations: BTreeMap<String, Step>,
}

#[derive(Debug)]
struct Step {
    /// `None` where there is no such relation, or where the caller may not look.
    relation: Option<Relation>,
    below: Expansion,
}

/// How related records are found. Whether a relation's field is hidden does not matter, as in PocketBase: what is shown
/// is up to the related collection's view rule.
#[derive(Debug, Clone)]
enum Relation {
    /// By the ids in a field of the record.
    Forward {
        field: String,
        multiple: bool,
        target: Arc<Collection>,
    },
    /// By a field of theirs that holds the record's id.
    Back {
        field: Field,
        multiple: bool,
        source: Arc<Collection>,
    },
}

impl Relation {
    fn target(&self) -> &Arc<Collection> {
        match self {
            Self::Forward { target, .. } => target,
            Self::Back { source, .. } => source,
        }
    }
}

impl Expansion {
    /// Reads a comma separated list of paths for records like `example`. A path that another one goes on with says
    /// nothing of its own, as in PocketBase.
    pub(super) fn parse(schema: &Schema, example: Option<&Record>, paths: &str, superuser: bool) -> Self {
        let mut root = Self::default();
        let Some(example) = example else { return root };
        for path in paths.split(',') {
            let path = path.replace(' ', "");
            let path = path.trim_matches('.');
            if path.is_empty() {
                continue;
            }
            let mut level = &mut root;
            let mut collection = Some(example.collection.clone());
            for name in path.split('.').take(MAX_DEPTH) {
                let Some(here) = collection else { break };
                let step = level.relations.entry(name.to_owned()).or_insert_with(|| Step {
                    relation: resolve(schema, &here, name, superuser),
                    below: Self::default(),
                });
                collection = step.relation.as_ref().map(|relation| relation.target().clone());
                level = &mut step.below;
            }
        }
        root
    }
}

fn resolve(schema: &Schema, collection: &Collection, name: &str, superuser: bool) -> Option<Relation> {
    let relation = match name.split_once("_via_").filter(|_| collection.field(name).is_none()) {
        Some((source, field)) => {
            let source = schema.find(source)?;
            let field = source.field(field)?;
            let FieldKind::Relation { collection_id, .. } = &field.kind else {
                return None;
            };
            if *collection_id != collection.id {
                return None;
            }
            Relation::Back {
                multiple: !source.has_unique(&field.name),
                field: field.clone(),
                source: source.clone(),
            }
        }
        None => {
            let field = collection.field(name)?;
            let FieldKind::Relation { collection_id, .. } = &field.kind else {
                return None;
            };
            Relation::Forward {
                field: field.name.clone(),
                multiple: field.kind.is_multiple(),
                target: schema.find(collection_id)?.clone(),
            }
        }
    };
    (superuser || relation.target().rules.view_rule.is_some()).then_some(relation)
}

/// Puts the related records that `caller` may view into `shown`, which are `records` as they are shown. A path that
/// leads nowhere, or where others than superusers may not look, is left out as a whole where there are records to go on
/// from; false where none is left of those that were asked for.
pub(super) fn attach(
    tx: &ReadTx<'_>,
    records: &[Record],
    shown: &mut [Shown],
    caller: &Caller,
    expansion: &Expansion,
    wanted: &Wanted,
    depth: usize,
) -> Result<bool> {
    // What would not be shown is not looked for.
    let Some(wanted) = wanted.of("expand") else {
        return Ok(true);
    };
    if expansion.relations.is_empty() || records.is_empty() || depth > MAX_DEPTH {
        return Ok(true);
    }
    let mut expanded: Vec<Map<String, Value>> = vec![Map::new(); records.len()];
    let mut along = 0;
    let mut any = false;
    for (name, step) in &expansion.relations {
        let Some(relation) = &step.relation else { continue };
        let Some(wanted) = wanted.of(name) else {
            any = true;
            continue;
        };
        let (ids, found, multiple) = match relation {
            Relation::Forward {
                field,
                multiple,
                target,
            } => {
                let ids: Vec<Vec<String>> = records
                    .iter()
                    .map(|record| record.texts(field).into_iter().map(str::to_owned).collect())
                    .collect();
                let wanted: HashSet<&String> = ids.iter().flatten().collect();
                let wanted: Vec<String> = wanted.into_iter().cloned().collect();
                (ids, tx.records_by_ids(target, &wanted)?, *multiple)
            }
            Relation::Back {
                field,
                multiple,
                source,
            } => {
                let mut ids = Vec::with_capacity(records.len());
                let mut all: HashMap<String, Record> = HashMap::new();
                for record in records {
                    let referring = tx.records_referencing(source, field, record.id(), MAX_BACK)?;
                    ids.push(referring.iter().map(|record| record.id().to_owned()).collect());
                    all.extend(referring.into_iter().map(|record| (record.id().to_owned(), record)));
                }
                (ids, all.into_values().collect(), *multiple)
            }
        };
        let visible = match relation.target().rules.view_rule.as_deref() {
            _ if caller.is_superuser() => found,
            Some(rule) => passing(tx, found, rule, &caller.context("expand", Map::new()))?,
            None => Vec::new(),
        };
        let (related, led_on) = show(tx, &visible, caller, &step.below, wanted, depth + 1)?;
        if !led_on {
            continue;
        }
        any = true;
        let by_id: HashMap<&str, Shown> = visible.iter().map(Record::id).zip(related).collect();
        for ((target, ids), holder) in expanded.iter_mut().zip(&ids).zip(shown.iter_mut()) {
            let found = ids.iter().filter_map(|id| by_id.get(id.as_str()));
            let weight: usize = found.clone().map(|one| one.weight).sum();
            holder.weight += weight;
            along += weight;
            if along > MAX_SHOWN {
                return Err(Error::invalid(format!(
                    "The expanded relations come to more than {MAX_SHOWN} records; ask for fewer records or relations."
                )));
            }
            // Each holder has a copy.
            let bytes: usize = found.clone().map(|one| one.bytes).sum();
            tx.count(bytes)?;
            holder.bytes += bytes;
            let mut mine = found.map(|one| Value::Object(one.fields.clone()));
            if multiple {
                let mine: Vec<Value> = mine.collect();
                if !mine.is_empty() {
                    target.insert(name.clone(), Value::Array(mine));
                }
            } else if let Some(one) = mine.next() {
                target.insert(name.clone(), one);
            }
        }
    }
    for (shown, expanded) in shown.iter_mut().zip(expanded).filter(|_| any) {
        shown.fields.insert("expand".to_owned(), json!(expanded));
    }
    Ok(any)
}
