//! What a definition is checked against.

use std::sync::Arc;

use bosbase_store::{Collection, Field, FieldKind, Schema, WriteTx};

use super::problem::{Check, Problem};
use crate::records::Patterns;

/// What a definition is checked against.
pub struct Context<'a, 'tx> {
    /// The transaction that it would be stored in.
    pub tx: &'a WriteTx<'tx>,
    /// What is stored now; `None` for a new one.
    pub original: Option<&'a Collection>,
    /// Evaluates the patterns of text fields.
    pub patterns: Patterns,
    /// What the view's query turned out to be, if it is one.
    pub view_error: Option<String>,
}

impl Context<'_, '_> {
    /// The collections as they are stored.
    pub fn schema(&self) -> &Schema {
        self.tx.schema()
    }

    /// The stored collection with exactly this id.
    pub fn collection_with_id(&self, id: &str) -> Option<&Arc<Collection>> {
        self.schema().find(id).filter(|collection| collection.id == id)
    }

    /// The field with this id as it is stored.
    pub fn before(&self, field: &Field) -> Option<&Field> {
        self.original?.fields.iter().find(|other| other.id == field.id)
    }

    /// Where the stored relation points; it can't be changed.
    pub fn relation_before(&self, field: &Field) -> Option<&str> {
        match &self.before(field)?.kind {
            FieldKind::Relation { collection_id, .. } => Some(collection_id),
            _ => None,
        }
    }

    /// When a stored system autodate is set; that can't be changed.
    pub fn autodate_before(&self, field: &Field) -> Option<(bool, bool)> {
        match self.before(field).filter(|_| field.system)?.kind {
            FieldKind::Autodate { on_create, on_update } => Some((on_create, on_update)),
            _ => None,
        }
    }

    /// The system collection that is stored.
    pub fn system(&self) -> Option<&Collection> {
        self.original.filter(|original| original.system)
    }

    /// Checks a rule of `collection`; `before` is what it was.
    pub fn rule(&self, collection: &Collection, rule: Option<&str>, before: Option<Option<&str>>) -> Check {
        self.rule_text(collection, rule.unwrap_or_default())?;
        match before {
            Some(before) if self.system().is_some() && before != rule => Err(Problem::new(
                "validation_collection_system_rule_change",
                "System collection API rule cannot be changed.",
            )),
            _ => Ok(()),
        }
    }

    pub fn rule_text(&self, collection: &Collection, rule: &str) -> Check {
        if rule.is_empty() {
            return Ok(());
        }
        self.tx.validate_rule(collection, rule).map_err(|error| {
            Problem::new(
                "validation_invalid_rule",
                format!("Invalid rule. Raw error: {}", error.detail()),
            )
        })
    }
}
