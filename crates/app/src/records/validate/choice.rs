//! Selections and relations.

use bosbase_store::{FieldKind, ReadTx};

use super::Problem;
use crate::error::{Result, sentence};

fn too_many(max: i64) -> Problem {
    Problem::new("validation_too_many_values", format!("Select no more than {max}.")).with("maxSelect", max)
}

fn length(list: &[&str]) -> i64 {
    i64::try_from(list.len()).unwrap_or(i64::MAX)
}

pub(super) fn select(values: &[String], max_select: i64, required: bool, chosen: &[&str]) -> Option<Problem> {
    if chosen.is_empty() {
        return required.then(Problem::required);
    }
    let max = max_select.max(1);
    if length(chosen) > max {
        return Some(too_many(max));
    }
    let unknown = chosen.iter().find(|one| !values.iter().any(|value| value == *one))?;
    let message = sentence(&format!("Invalid value {unknown}"));
    Some(Problem::new("validation_invalid_value", message).with("value", *unknown))
}

pub(super) fn relation(kind: &FieldKind, ids: &[&str], tx: &ReadTx<'_>) -> Result<Option<Problem>> {
    let FieldKind::Relation {
        collection_id,
        min_select,
        max_select,
        required,
        ..
    } = kind
    else {
        return Ok(None);
    };
    if ids.is_empty() {
        return Ok((*required).then(Problem::required));
    }
    if *min_select > 0 && length(ids) < *min_select {
        let message = format!("Select at least {min_select}.");
        return Ok(Some(
            Problem::new("validation_not_enough_values", message).with("minSelect", *min_select),
        ));
    }
    let max = (*max_select).max(1);
    if length(ids) > max {
        return Ok(Some(too_many(max)));
    }
    let Some(collection) = tx.schema().find(collection_id) else {
        return Ok(Some(Problem::new(
            "validation_missing_rel_collection",
            "Relation connection is missing or cannot be accessed.",
        )));
    };
    let wanted: Vec<String> = ids.iter().map(|id| (*id).to_owned()).collect();
    let found = tx.records_by_ids(collection, &wanted)?;
    Ok((found.len() != ids.len()).then(|| {
        Problem::new(
            "validation_missing_rel_records",
            "Failed to find all relation records with the provided ids.",
        )
    }))
}
