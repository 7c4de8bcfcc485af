//! What a collection is but for its records, in short: enough to say later what has become of it, and none of its
//! secrets.

use std::collections::HashMap;

use bosbase_store::{Collection, Field, Index};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::content::short;
use crate::fingerprint::fingerprint;

/// A field or an index of a collection, or what else of it has a name.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
struct Part {
    /// By this it is the same though its name is another.
    id: String,
    name: String,
    /// Of all else that it says.
    print: String,
}

/// One collection's fields, indexes, rules and options: their names, and fingerprints of the rest.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Definition {
    fields: Vec<Part>,
    indexes: Vec<Part>,
    rules: Vec<Part>,
    options: Vec<Part>,
}

impl Definition {
    pub(super) fn of(collection: &Collection) -> Self {
        let rules = serde_json::to_value(&collection.rules).unwrap_or_default();
        let rules = rules.as_object().into_iter().flatten();
        let named = |(name, value): (&String, &Value)| Part {
            id: short(name),
            name: short(name),
            print: fingerprint(b"", value),
        };
        // An auth collection's further rules stand among its options.
        let (more_rules, options): (Vec<_>, Vec<_>) =
            collection.options.iter().partition(|(name, _)| name.ends_with("Rule"));
        Self {
            fields: collection.fields.iter().map(of_field).collect(),
            indexes: collection.indexes.iter().map(|sql| of_index(sql)).collect(),
            rules: rules.chain(more_rules).map(named).collect(),
            options: options.into_iter().map(named).collect(),
        }
    }
}

fn of_field(field: &Field) -> Part {
    let mut value = serde_json::to_value(field).unwrap_or_default();
    if let Some(all) = value.as_object_mut() {
        all.remove("id");
        all.remove("name");
    }
    Part {
        id: short(&field.id),
        name: short(&field.name),
        print: fingerprint(b"", &value),
    }
}

fn of_index(sql: &str) -> Part {
    let name = Index::parse(sql).map_or_else(|| short(sql), |index| short(&index.name));
    Part {
        id: name.clone(),
        name,
        print: fingerprint(b"", &Value::from(sql)),
    }
}

/// What a restore does to a part of a collection.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum PartFate {
    /// It is there now, and not in the backup.
    Goes,
    /// It is in the backup alone.
    Returns,
    /// It is there now, and in the backup it is another, or has another name.
    Changes,
}

/// A field or an index of which a restore makes another.
#[derive(Debug, Clone, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct PartChange {
    /// Its name, as it is in the backup where it is there.
    pub name: String,
    /// Its name now, where it is there.
    pub name_now: Option<String>,
    /// What becomes of it.
    pub fate: PartFate,
}

/// What a restore changes of a collection besides its records.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize)]
pub struct DefinitionChanges {
    /// Its fields; their order does not count.
    pub fields: Vec<PartChange>,
    /// Its indexes.
    pub indexes: Vec<PartChange>,
    /// The rules that change, by their names.
    pub rules: Vec<String>,
    /// The other options that change, by their names: `passwordAuth`, `viewQuery`.
    pub options: Vec<String>,
    /// How many changes there are that are not named.
    pub more: usize,
}

impl DefinitionChanges {
    /// What would become of the collection that is `now`, were it as it was `then`.
    pub(super) fn between(then: &Definition, now: &Definition) -> Self {
        let names = |changes: Vec<PartChange>| changes.into_iter().map(|change| change.name).collect();
        Self {
            fields: differing(&then.fields, &now.fields),
            indexes: differing(&then.indexes, &now.indexes),
            rules: names(differing(&then.rules, &now.rules)),
            options: names(differing(&then.options, &now.options)),
            more: 0,
        }
    }

    /// Names no more changes than are `left`, and takes off what it names.
    pub(super) fn keep_within(&mut self, left: &mut usize) {
        let mut cut = 0;
        let mut within = |len: usize| {
            let kept = len.min(*left);
            *left -= kept;
            cut += len - kept;
            kept
        };
        self.fields.truncate(within(self.fields.len()));
        self.rules.truncate(within(self.rules.len()));
        self.indexes.truncate(within(self.indexes.len()));
        self.options.truncate(within(self.options.len()));
        self.more += cut;
    }
}

/// The parts that are not the same, in the order of now, and then those that return. One that was removed and made
/// anew under its name is the same part.
fn differing(then: &[Part], now: &[Part]) -> Vec<PartChange> {
    let by_id: HashMap<&str, usize> = then
        .iter()
        .enumerate()
        .map(|(at, part)| (part.id.as_str(), at))
        .collect();
    let mut partners: Vec<Option<usize>> = now.iter().map(|part| by_id.get(part.id.as_str()).copied()).collect();
    let mut is_left = vec![true; then.len()];
    for at in partners.iter().flatten() {
        is_left[*at] = false;
    }
    let by_name: HashMap<&str, usize> = then
        .iter()
        .enumerate()
        .filter(|(at, _)| is_left[*at])
        .map(|(at, part)| (part.name.as_str(), at))
        .collect();
    for (part, partner) in now.iter().zip(&mut partners) {
        if partner.is_none()
            && let Some(at) = by_name.get(part.name.as_str()).filter(|at| is_left[**at])
        {
            is_left[*at] = false;
            *partner = Some(*at);
        }
    }
    let mut changes = Vec::new();
    for (part, partner) in now.iter().zip(partners) {
        let before = partner.map(|at| &then[at]);
        let fate = match before {
            None => PartFate::Goes,
            Some(before) if before.name != part.name || before.print != part.print => PartFate::Changes,
            Some(_) => continue,
        };
        changes.push(PartChange {
            name: before.unwrap_or(part).name.clone(),
            name_now: Some(part.name.clone()),
            fate,
        });
    }
    let returning = then.iter().zip(is_left).filter(|(_, is_left)| *is_left);
    changes.extend(returning.map(|(part, _)| PartChange {
        name: part.name.clone(),
        name_now: None,
        fate: PartFate::Returns,
    }));
    changes
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn definition(collection: &Value) -> Definition {
        let mut json = json!({"id": "pbc_1", "name": "posts", "type": "auth"});
        json.as_object_mut()
            .unwrap()
            .extend(collection.as_object().unwrap().clone());
        Definition::of(&serde_json::from_value(json).unwrap())
    }

    fn told(changes: &[PartChange]) -> Vec<(&str, Option<&str>, PartFate)> {
        let parts = changes.iter();
        parts
            .map(|PartChange { name, name_now, fate }| (name.as_str(), name_now.as_deref(), *fate))
            .collect()
    }

    #[test]
    fn each_field_that_comes_goes_or_changes_is_named_and_no_other() {
        let then = definition(&json!({"fields": [
            {"id": "a", "name": "title", "type": "text", "max": 5},
            {"id": "b", "name": "body", "type": "text"},
            {"id": "c", "name": "old", "type": "number"},
            {"id": "d", "name": "same", "type": "bool"},
            {"id": "e", "name": "again", "type": "text"},
        ]}));
        let now = definition(&json!({"fields": [
            {"id": "d", "name": "same", "type": "bool"},
            {"id": "b", "name": "content", "type": "text"},
            {"id": "a", "name": "title", "type": "text", "max": 6},
            {"id": "f", "name": "score", "type": "number"},
            {"id": "g", "name": "again", "type": "number"},
        ]}));
        let changes = DefinitionChanges::between(&then, &now);
        assert_eq!(
            told(&changes.fields),
            [
                ("body", Some("content"), PartFate::Changes),
                ("title", Some("title"), PartFate::Changes),
                ("score", Some("score"), PartFate::Goes),
                ("again", Some("again"), PartFate::Changes),
                ("old", None, PartFate::Returns),
            ]
        );
        assert_eq!(DefinitionChanges::between(&then, &then), DefinitionChanges::default());
    }

    #[test]
    fn rules_indexes_and_options_are_told_by_their_names() {
        let then = definition(&json!({
            "listRule": "",
            "options": {"manageRule": null, "passwordAuth": {"enabled": true, "fields": ["email"]}, "otp": {"a": 1, "b": 2}},
            "indexes": ["CREATE INDEX `one` ON `posts` (`a`)", "CREATE INDEX `two` ON `posts` (`b`)"],
        }));
        let now = definition(&json!({
            "listRule": null,
            "options": {"manageRule": "a = 1", "passwordAuth": {"enabled": false, "fields": ["email"]}, "otp": {"b": 2, "a": 1}},
            "indexes": ["CREATE UNIQUE INDEX `one` ON `posts` (`a`)"],
        }));
        let changes = DefinitionChanges::between(&then, &now);
        assert_eq!(changes.rules, ["listRule", "manageRule"]);
        assert_eq!(changes.options, ["passwordAuth"]);
        assert_eq!(
            told(&changes.indexes),
            [
                ("one", Some("one"), PartFate::Changes),
                ("two", None, PartFate::Returns)
            ]
        );
    }

    #[test]
    fn of_very_many_changes_the_first_are_named_and_the_others_counted() {
        let fields: Vec<_> = (0..30)
            .map(|n| json!({"id": format!("{n}"), "name": format!("f{n}"), "type": "text"}))
            .collect();
        let now = definition(&json!({"fields": fields, "listRule": ""}));
        let mut changes = DefinitionChanges::between(&definition(&json!({})), &now);
        let mut left = 20;
        changes.keep_within(&mut left);
        assert_eq!(
            (changes.fields.len(), changes.rules.len(), changes.more, left),
            (20, 0, 11, 0)
        );
    }
}
