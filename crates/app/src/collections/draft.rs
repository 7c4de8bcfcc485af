//! A definition as it was sent, laid over what was there before.

use bosbase_store::{
    AuthOptions, Collection, CollectionKind, Index, OAuth2, WrongType, collection_id, normalize_date, now,
};
use serde_json::{Map, Value};

use super::{defaults, fields};

/// A collection that is about to be saved, not yet checked.
#[derive(Debug, Clone)]
pub struct Draft {
    /// What would be stored.
    pub collection: Collection,
    /// The type that was sent where it is none that exists; `collection.kind` is then that of before.
    pub unknown_kind: bool,
    /// What is stored now; `None` for a new one.
    pub original: Option<Collection>,
    /// The providers that superusers would have got: checked as any, not stored.
    pub not_for_superusers: OAuth2,
}

/// The sent values don't have the types that a definition's have.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Malformed;

impl Draft {
    /// A new collection from what was sent.
    ///
    /// # Errors
    ///
    /// [`Malformed`] where a value is not of its type.
    pub fn create(sent: &Map<String, Value>) -> Result<Self, Malformed> {
        let kind = kind_of(sent)?;
        let mut draft = Self {
            collection: defaults::blank(kind.unwrap_or_default()),
            unknown_kind: false,
            original: None,
            not_for_superusers: OAuth2::default(),
        };
        draft.merge(sent)?;
        Ok(draft)
    }

    /// A stored collection with what was sent.
    ///
    /// # Errors
    ///
    /// [`Malformed`] where a value is not of its type.
    pub fn update(original: &Collection, sent: &Map<String, Value>) -> Result<Self, Malformed> {
        let mut draft = Self {
            collection: original.clone(),
            unknown_kind: false,
            original: Some(original.clone()),
            not_for_superusers: OAuth2::default(),
        };
        draft.merge(sent)?;
        Ok(draft)
    }

    fn merge(&mut self, sent: &Map<String, Value>) -> Result<(), Malformed> {
        if sent.contains_key("type") {
            match kind_of(sent)? {
                Some(kind) => self.collection.kind = kind,
                None => self.unknown_kind = true,
            }
        }
        let collection = &mut self.collection;
        text(sent, "id", &mut collection.id)?;
        text(sent, "name", &mut collection.name)?;
        match sent.get("system") {
            None => {}
            Some(Value::Null) => collection.system = false,
            Some(value) => collection.system = value.as_bool().ok_or(Malformed)?,
        }
        if let Some(value) = sent.get("created").filter(|value| !value.is_null()) {
            collection.created = normalize_date(value.as_str().ok_or(Malformed)?);
        }
        let rules = &mut collection.rules;
        rule(sent, "listRule", &mut rules.list_rule)?;
        rule(sent, "viewRule", &mut rules.view_rule)?;
        rule(sent, "createRule", &mut rules.create_rule)?;
        rule(sent, "updateRule", &mut rules.update_rule)?;
        rule(sent, "deleteRule", &mut rules.delete_rule)?;
        if let Some(value) = sent.get("fields") {
            collection.fields = fields::parse(value).ok_or(Malformed)?;
        }
        if let Some(value) = sent.get("indexes") {
            collection.indexes = texts(value).ok_or(Malformed)?;
        }
        match collection.kind {
            CollectionKind::Base => {}
            CollectionKind::View => {
                let mut query = collection.view_query().to_owned();
                text(sent, "viewQuery", &mut query)?;
                collection.set_view_query(query);
            }
            CollectionKind::Auth => {
                AuthOptions::lay_over(&mut collection.options, sent).map_err(|WrongType| Malformed)?;
            }
        }
        Ok(())
    }

    /// Fills in what follows from the rest: id, times, system fields and indexes, the table's name in the indexes.
    ///
    /// `taken` says whether there is a collection with an id already.
    pub fn complete(&mut self, taken: impl Fn(&str) -> bool) {
        let collection = &mut self.collection;
        collection.updated = now();
        if self.original.is_none() {
            collection.created.clone_from(&collection.updated);
            if collection.id.is_empty() {
                collection.id = free_id(collection.kind, &collection.name, taken);
            }
        }
        defaults::complete(collection);
        if collection.is_auth() {
            forget_missing_mapped_fields(collection);
        }
        if collection.is_superusers() {
            AuthOptions::change(&mut collection.options, |options| {
                // Nobody becomes a superuser by what another says.
                self.not_for_superusers = std::mem::take(&mut options.oauth2);
                // One way in there is.
                options.password_auth.enabled |= !options.mfa.enabled;
                // A mail alone lets nobody in: a code is a second factor.
                options.mfa.enabled |= options.otp.enabled;
            });
        }
        for sql in &mut collection.indexes {
            if let Some(text) = Index::on_table(sql, &collection.name) {
                *sql = text;
            }
        }
    }
}

fn free_id(kind: CollectionKind, name: &str, taken: impl Fn(&str) -> bool) -> String {
    let base = collection_id(kind, name);
    if !taken(&base) {
        return base;
    }
    (2..1_000)
        .map(|number| format!("{base}{number}"))
        .find(|id| !taken(id))
        .unwrap_or(base)
}

/// OAuth2 must not write to fields that are gone.
fn forget_missing_mapped_fields(collection: &mut Collection) {
    let fields = &collection.fields;
    AuthOptions::change(&mut collection.options, |options| {
        for target in options.oauth2.mapped_fields.targets_mut() {
            if !fields.iter().any(|field| field.name == *target) {
                target.clear();
            }
        }
    });
}

/// The type that was sent; `None` where it is none that exists. Without one it is the plain one.
fn kind_of(sent: &Map<String, Value>) -> Result<Option<CollectionKind>, Malformed> {
    let mut kind = String::new();
    text(sent, "type", &mut kind)?;
    Ok(match kind.as_str() {
        "" | "base" => Some(CollectionKind::Base),
        "auth" => Some(CollectionKind::Auth),
        "view" => Some(CollectionKind::View),
        _ => None,
    })
}

/// Sets `target` to the text that was sent under `name`, if any was; null empties it.
fn text(sent: &Map<String, Value>, name: &str, target: &mut String) -> Result<(), Malformed> {
    match sent.get(name) {
        None => {}
        Some(Value::Null) => target.clear(),
        Some(Value::String(text)) => target.clone_from(text),
        Some(_) => return Err(Malformed),
    }
    Ok(())
}

fn rule(sent: &Map<String, Value>, name: &str, target: &mut Option<String>) -> Result<(), Malformed> {
    match sent.get(name) {
        None => {}
        Some(Value::Null) => *target = None,
        Some(Value::String(rule)) => *target = Some(rule.clone()),
        Some(_) => return Err(Malformed),
    }
    Ok(())
}

fn texts(value: &Value) -> Option<Vec<String>> {
    match value {
        Value::Null => Some(Vec::new()),
        Value::Array(items) => items.iter().map(|item| item.as_str().map(str::to_owned)).collect(),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    fn sent(value: &Value) -> Map<String, Value> {
        value.as_object().unwrap().clone()
    }

    fn draft(value: &Value) -> Draft {
        let mut draft = Draft::create(&sent(value)).unwrap();
        draft.complete(|_| false);
        draft
    }

    #[test]
    fn what_is_not_of_its_type_is_refused() {
        for bad in [
            json!({"type": 5}),
            json!({"name": 5}),
            json!({"fields": 5}),
            json!({"listRule": 5}),
            json!({"system": "x"}),
            json!({"type": "auth", "otp": {"duration": "x"}}),
            json!({"type": "auth", "otp": []}),
            json!({"indexes": [1]}),
        ] {
            assert_eq!(Draft::create(&sent(&bad)).unwrap_err(), Malformed, "{bad}");
        }
    }

    #[test]
    fn options_are_merged_value_by_value() {
        let before = draft(&json!({"name": "au", "type": "auth"})).collection;
        let after = Draft::update(&before, &sent(&json!({"otp": {"enabled": true, "zzz": 1}, "zzz": 1})))
            .unwrap()
            .collection;
        assert_eq!(after.options["otp"]["enabled"], true);
        assert_eq!(after.options["otp"]["length"], 8);
        assert!(after.options["otp"].get("zzz").is_none() && after.options.get("zzz").is_none());
        assert_eq!(after.options["authToken"], before.options["authToken"]);
    }

    #[test]
    fn a_provider_keeps_its_secret_when_it_comes_back_without() {
        let provider = |more: Value| {
            let mut provider = json!({"name": "google"});
            provider.as_object_mut().unwrap().extend(sent(&more));
            sent(&json!({"oauth2": {"providers": [provider]}}))
        };
        let new = draft(&json!({"name": "au", "type": "auth"})).collection;
        let one = Draft::update(&new, &provider(json!({"clientSecret": "s"})))
            .unwrap()
            .collection;
        let two = Draft::update(&one, &provider(json!({"clientId": "c"})))
            .unwrap()
            .collection;
        assert_eq!(two.options["oauth2"]["providers"][0]["clientSecret"], "s");
        assert_eq!(two.options["oauth2"]["providers"][0]["clientId"], "c");
    }

    #[test]
    fn an_index_is_of_the_collections_table() {
        let indexes = |sql: &str| draft(&json!({"name": "b1", "indexes": [sql]})).collection.indexes;
        assert_eq!(
            indexes("create unique index if not exists  i1 on x (a collate nocase desc, id)  where a != ''"),
            ["CREATE UNIQUE INDEX IF NOT EXISTS `i1` ON `b1` (\n  `a` COLLATE nocase DESC,\n  `id`\n) WHERE a != ''"]
        );
        assert_eq!(indexes("create index i on b1 (a)"), ["create index i on b1 (a)"]);
        assert_eq!(indexes("create index i on B1 (a)"), ["CREATE INDEX `i` ON `b1` (`a`)"]);
        assert_eq!(
            indexes("CREATE INDEX `i` ON `` (`a`)"),
            ["CREATE INDEX `i` ON `b1` (`a`)"]
        );
    }

    #[test]
    fn a_taken_id_gets_a_number() {
        let mut draft = Draft::create(&sent(&json!({"name": "t1"}))).unwrap();
        draft.complete(|id| id == "pbc_2109205374");
        assert_eq!(draft.collection.id, "pbc_21092053742");
    }
}
