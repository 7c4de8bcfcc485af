//! All collections at one moment, looked up by name or id.

use std::collections::HashMap;
use std::sync::Arc;

use crate::model::collection::Collection;

/// An immutable view of every collection, replaced as a whole when one changes.
#[derive(Debug, Default, Clone)]
pub struct Schema {
    collections: Vec<Arc<Collection>>,
    by_key: HashMap<String, usize>,
}

impl Schema {
    /// A schema of `collections`, in the order given (that of creation).
    #[must_use]
    pub fn new(collections: Vec<Arc<Collection>>) -> Self {
        let mut by_key = HashMap::new();
        for (index, collection) in collections.iter().enumerate() {
            by_key.insert(collection.name.to_ascii_lowercase(), index);
        }
        for (index, collection) in collections.iter().enumerate() {
            by_key.insert(collection.id.clone(), index);
        }
        Self { collections, by_key }
    }

    /// The collection with this id, or this name without regard to case.
    #[must_use]
    pub fn find(&self, name_or_id: &str) -> Option<&Arc<Collection>> {
        let index = self
            .by_key
            .get(name_or_id)
            .or_else(|| self.by_key.get(&name_or_id.to_ascii_lowercase()))?;
        self.collections.get(*index)
    }

    /// Every collection, oldest first.
    #[must_use]
    pub fn all(&self) -> &[Arc<Collection>] {
        &self.collections
    }
}
