//! The list of a collection's fields: how a sent one joins it.

use bosbase_store::{Field, FieldKind, field_id, normalize_date};
use serde_json::Value;

/// Adds `field` to `list`: in the place of the one with its id, or, where it has none, of the one with its name, whose
/// id it takes over; else at the end, with an id made of its type and name.
pub fn add(list: &mut Vec<Field>, mut field: Field) {
    let existing = if field.id.is_empty() {
        list.iter()
            .position(|other| !field.name.is_empty() && other.name == field.name)
    } else {
        list.iter().position(|other| other.id == field.id)
    };
    if let Some(existing) = existing {
        field.id.clone_from(&list[existing].id);
        list[existing] = field;
        return;
    }
    if field.id.is_empty() {
        field.id = free_id(list, &field);
    }
    list.push(field);
}

fn free_id(list: &[Field], field: &Field) -> String {
    let base = field_id(&field.kind, &field.name);
    let taken = |id: &str| list.iter().any(|other| other.id == id);
    if !taken(&base) {
        return base;
    }
    (2..=list.len() + 1)
        .map(|number| format!("{base}{number}"))
        .find(|id| !taken(id))
        .unwrap_or(base)
}

/// Reads a sent list of fields; `None` where it is not one.
pub fn parse(sent: &Value) -> Option<Vec<Field>> {
    let mut list = Vec::new();
    if sent.is_null() {
        return Some(list);
    }
    for sent in sent.as_array()? {
        let mut object = sent.as_object()?.clone();
        // As in Go, null leaves a value at its zero; only a number's limits can be null themselves.
        object.retain(|_, value| !value.is_null());
        let mut field: Field = serde_json::from_value(Value::Object(object)).ok()?;
        if let FieldKind::Date { min, max, .. } = &mut field.kind {
            *min = normalize_date(min);
            *max = normalize_date(max);
        }
        add(&mut list, field);
    }
    Some(list)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn ids(sent: &Value) -> Vec<(String, String)> {
        parse(sent)
            .unwrap()
            .into_iter()
            .map(|field| (field.id, field.name))
            .collect()
    }

    #[test]
    fn a_field_without_id_replaces_the_one_with_its_name() {
        let sent = json!([{"type": "text", "name": "dup"}, {"type": "number", "name": "dup"}]);
        assert_eq!(ids(&sent), [("text3000125025".to_owned(), "dup".to_owned())]);
        assert_eq!(parse(&sent).unwrap()[0].kind.name(), "number");
    }

    #[test]
    fn a_field_with_id_replaces_the_one_with_that_id() {
        let sent = json!([{"type": "text", "name": "a", "id": "x"}, {"type": "text", "name": "b", "id": "x"}]);
        assert_eq!(ids(&sent), [("x".to_owned(), "b".to_owned())]);
    }

    #[test]
    fn what_is_no_field_is_refused() {
        for bad in [
            json!(5),
            json!([5]),
            json!([{"name": "x"}]),
            json!([{"type": "nope", "name": "x"}]),
            json!([{"type": "text", "name": "x", "max": "a"}]),
        ] {
            assert!(parse(&bad).is_none(), "{bad}");
        }
        assert_eq!(
            parse(&json!([{"type": "text", "name": "x", "max": null}]))
                .unwrap()
                .len(),
            1
        );
    }
}
