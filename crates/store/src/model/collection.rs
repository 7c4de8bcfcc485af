//! A collection: the definition of a table of records, of an auth table or of a view.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::model::field::Field;
use crate::model::index::Index;

/// What a collection's records are.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize, Deserialize, Default)]
#[serde(rename_all = "lowercase")]
pub enum CollectionKind {
    /// Plain records.
    #[default]
    Base,
    /// Records that can log in.
    Auth,
    /// A read-only SQL view.
    View,
}

impl CollectionKind {
    /// The `type` value in JSON (`base`, `auth`, `view`).
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Base => "base",
            Self::Auth => "auth",
            Self::View => "view",
        }
    }
}

/// Who may do what. `None` admits superusers only, `Some("")` everyone, anything else is a filter.
#[derive(Debug, Clone, PartialEq, Eq, Default, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
#[allow(missing_docs, reason = "named as on the wire")]
pub struct Rules {
    #[serde(default)]
    pub list_rule: Option<String>,
    #[serde(default)]
    pub view_rule: Option<String>,
    #[serde(default)]
    pub create_rule: Option<String>,
    #[serde(default)]
    pub update_rule: Option<String>,
    #[serde(default)]
    pub delete_rule: Option<String>,
}

/// One row of `_collections`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Collection {
    /// Stable identifier (`pbc_3142635823`); names the folder of its files under `storage/`.
    pub id: String,
    /// Table name and path segment; unique without regard to case.
    pub name: String,
    /// What its records are.
    #[serde(rename = "type", default)]
    pub kind: CollectionKind,
    /// Part of the system: can't be renamed or deleted.
    #[serde(default)]
    pub system: bool,
    /// Its fields in order; `id` is one of them.
    #[serde(default)]
    pub fields: Vec<Field>,
    /// Its indexes as `CREATE INDEX` statements.
    #[serde(default)]
    pub indexes: Vec<String>,
    /// Its access rules.
    #[serde(flatten)]
    pub rules: Rules,
    /// What is left, by kind: an auth collection's `authToken`, `passwordAuth` and so on, a view's `viewQuery`. The
    /// keys are those of PocketBase; [`AuthOptions`](crate::AuthOptions) and [`Collection::view_query`] read them.
    #[serde(default)]
    pub options: Map<String, Value>,
    /// When it was made, as stored: `2026-11-23 06:17:03.216Z`.
    #[serde(default)]
    pub created: String,
    /// When it was last changed, as stored.
    #[serde(default)]
    pub updated: String,
}

impl Collection {
    /// The name of the collection of superusers.
    pub const SUPERUSERS: &str = "_superusers";

    /// The unique indexes on `column` alone.
    pub fn unique_indexes(&self, column: &str) -> impl Iterator<Item = Index> {
        self.indexes
            .iter()
            .filter_map(|sql| Index::parse(sql))
            .filter(move |index| index.makes_unique(column))
    }

    /// Whether an index allows each value of `column` once.
    #[must_use]
    pub fn has_unique(&self, column: &str) -> bool {
        self.unique_indexes(column).next().is_some()
    }

    /// The field called `name`.
    #[must_use]
    pub fn field(&self, name: &str) -> Option<&Field> {
        self.fields.iter().find(|field| field.name == name)
    }

    /// Whether its records can log in.
    #[must_use]
    pub fn is_auth(&self) -> bool {
        self.kind == CollectionKind::Auth
    }

    /// Whether it is a read-only view.
    #[must_use]
    pub fn is_view(&self) -> bool {
        self.kind == CollectionKind::View
    }

    /// A view's query; empty for other kinds.
    #[must_use]
    pub fn view_query(&self) -> &str {
        self.options
            .get("viewQuery")
            .and_then(Value::as_str)
            .unwrap_or_default()
    }

    /// Makes `query` all that a view's options say.
    pub fn set_view_query(&mut self, query: String) {
        self.options = Map::from_iter([("viewQuery".to_owned(), Value::String(query))]);
    }

    /// The rule that lets somebody manage an auth collection's records as a superuser would, if there is one.
    #[must_use]
    pub fn manage_rule(&self) -> Option<&str> {
        // Asked for each record: the other options need not be read for that.
        let rule = self.options.get("manageRule")?.as_str()?;
        (self.is_auth() && !rule.is_empty()).then_some(rule)
    }

    /// Whether it is the collection of superusers.
    #[must_use]
    pub fn is_superusers(&self) -> bool {
        self.name == Self::SUPERUSERS
    }
}
