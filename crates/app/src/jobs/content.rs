//! What a backup holds, as far as its proof told.

use std::collections::{BTreeMap, HashMap};
use std::sync::Arc;

use bosbase_backup::Inventory;
use bosbase_backup::inventory::Files;
use bosbase_store::Collection;
use serde::{Deserialize, Serialize};

use super::definition::Definition;
use crate::moment;
use crate::settings::SettingsPrints;

/// Collections that are told of one by one.
const MOST_COLLECTIONS: usize = 2_000;
/// How much is kept of what collections are besides their records, in bytes: as much as a thousand fields of each of
/// fifty collections.
const MOST_DEFINITIONS: usize = 6 << 20;
/// How much of a name is kept, in characters: a hostile database says anything.
const LONGEST_NAME: usize = 255;

/// The collections of a database with the numbers of their records, as the store counts them.
pub(super) type Counts = Vec<(Arc<Collection>, Option<u64>)>;

/// What an application's database holds.
#[derive(Debug)]
pub(super) struct Inside {
    pub counts: Counts,
    /// Nothing where its settings can't be read.
    pub settings: Option<SettingsPrints>,
}

/// Files and the bytes in them.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FileTotals {
    /// How many.
    pub count: u64,
    /// Their lengths together, unpacked.
    pub bytes: u64,
}

impl From<Files> for FileTotals {
    fn from(Files { count, bytes }: Files) -> Self {
        Self { count, bytes }
    }
}

/// A database and its length in bytes, unpacked.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct DatabaseSize {
    /// Its file's name.
    pub name: String,
    /// Its length.
    pub size: u64,
}

/// One collection of a backup.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct CollectionContent {
    /// Its id.
    pub id: String,
    /// Its name; empty where the databases were not opened.
    pub name: String,
    /// `base`, `auth` or `view`; empty where the databases were not opened.
    #[serde(rename = "type")]
    pub kind: String,
    /// Whether it is one of the system's.
    pub system: bool,
    /// How many records it has; nothing for a view, for one without a table, and where the databases were not opened.
    pub records: Option<u64>,
    /// How many uploaded files it has.
    pub files: u64,
    /// Their lengths together.
    pub file_bytes: u64,
}

/// What a backup holds.
#[derive(Debug, Clone, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "camelCase")]
pub struct Content {
    /// Name and version of the program that made it; empty where the backup does not say, as PocketBase's.
    pub program: String,
    /// The version of the backup's format; nothing where it does not say.
    pub format: Option<u32>,
    /// The moment that it holds; empty where it does not say.
    pub created: String,
    /// Whether its databases were opened, so that the collections are known by name and their records counted.
    pub counted: bool,
    /// Its databases.
    pub databases: Vec<DatabaseSize>,
    /// Its collections by name, at the most 2,000.
    pub collections: Vec<CollectionContent>,
    /// How many collections there are besides.
    pub more_collections: u64,
    /// All uploaded files of records.
    pub files: FileTotals,
    /// All else but the databases: thumbnails, notes beside files, what no collection owns.
    pub other_files: FileTotals,
    /// What its collections are besides their records, by their ids; of an earlier version's summary nothing.
    #[serde(default)]
    pub definitions: BTreeMap<String, Definition>,
    /// What its settings are; nothing where that is not known.
    #[serde(default)]
    pub settings: Option<SettingsPrints>,
}

impl Content {
    /// What the archive of `inventory` holds, whose databases hold what is `inside`, where they were opened.
    pub(super) fn of(inventory: &Inventory, inside: Option<Inside>) -> Self {
        let (counts, settings) = inside.map_or((None, None), |inside| (Some(inside.counts), inside.settings));
        let counted = counts.is_some();
        let definitions = counts.as_deref().map(definitions).unwrap_or_default();
        let mut folders: HashMap<&str, FileTotals> = inventory
            .folders
            .iter()
            .map(|(folder, files)| (folder.as_str(), FileTotals::from(*files)))
            .collect();
        let mut collections: Vec<CollectionContent> = match counts {
            Some(counts) => counts
                .into_iter()
                .map(|(collection, records)| {
                    let files = folders.remove(collection.id.as_str()).unwrap_or_default();
                    of_collection(&collection, records, files)
                })
                .collect(),
            None => {
                let of_folder = |(id, files): (&str, FileTotals)| CollectionContent {
                    id: short(id),
                    name: String::new(),
                    kind: String::new(),
                    system: false,
                    records: None,
                    files: files.count,
                    file_bytes: files.bytes,
                };
                folders.drain().map(of_folder).collect()
            }
        };
        collections.sort_by(|a, b| (&a.name, &a.id).cmp(&(&b.name, &b.id)));
        let more_collections = collections.len().saturating_sub(MOST_COLLECTIONS) as u64;
        collections.truncate(MOST_COLLECTIONS);
        // What is left of the folders belongs to no collection: no record names it.
        let mut other_files = FileTotals::from(inventory.others);
        let mut files = FileTotals::from(inventory.uploaded);
        for stray in folders.into_values() {
            other_files.count += stray.count;
            other_files.bytes = other_files.bytes.saturating_add(stray.bytes);
            files.count -= stray.count;
            files.bytes = files.bytes.saturating_sub(stray.bytes);
        }
        Self {
            program: inventory.program.clone().unwrap_or_default(),
            format: inventory.format,
            created: inventory.created.map(moment::wire).unwrap_or_default(),
            counted,
            databases: inventory
                .databases
                .iter()
                .map(|(name, size)| DatabaseSize {
                    name: name.clone(),
                    size: *size,
                })
                .collect(),
            collections,
            more_collections,
            files,
            other_files,
            definitions,
            settings,
        }
    }

    /// What a data directory without uploaded files holds, of which no archive tells.
    pub(super) fn of_database(inside: Inside, created: String) -> Self {
        Self {
            created,
            ..Self::of(&Inventory::default(), Some(inside))
        }
    }
}

/// What the first of these collections are, by their names, as far as there is room for it.
fn definitions(counts: &[(Arc<Collection>, Option<u64>)]) -> BTreeMap<String, Definition> {
    let mut all: Vec<&Collection> = counts.iter().map(|(collection, _)| collection.as_ref()).collect();
    all.sort_by(|a, b| (&a.name, &a.id).cmp(&(&b.name, &b.id)));
    let mut room = MOST_DEFINITIONS;
    let mut kept = BTreeMap::new();
    for collection in all.into_iter().take(MOST_COLLECTIONS) {
        let entry = (short(&collection.id), Definition::of(collection));
        let size = serde_json::to_vec(&entry).map_or(usize::MAX, |bytes| bytes.len());
        let Some(left) = room.checked_sub(size) else { continue };
        room = left;
        kept.insert(entry.0, entry.1);
    }
    kept
}

fn of_collection(collection: &Collection, records: Option<u64>, files: FileTotals) -> CollectionContent {
    CollectionContent {
        id: short(&collection.id),
        name: short(&collection.name),
        kind: collection.kind.name().to_owned(),
        system: collection.system,
        records,
        files: files.count,
        file_bytes: files.bytes,
    }
}

pub(super) fn short(text: &str) -> String {
    text.chars().take(LONGEST_NAME).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn inventory(folders: &[(&str, u64, u64)]) -> Inventory {
        let mut inventory = Inventory::default();
        for (folder, count, bytes) in folders {
            let files = Files {
                count: *count,
                bytes: *bytes,
            };
            inventory.folders.insert((*folder).to_owned(), files);
            inventory.uploaded.count += count;
            inventory.uploaded.bytes += bytes;
        }
        inventory
    }

    fn collection(id: &str, name: &str) -> Arc<Collection> {
        let json = serde_json::json!({"id": id, "name": name, "created": "", "updated": ""});
        Arc::new(serde_json::from_value(json).unwrap())
    }

    fn inside(counts: Counts) -> Inside {
        Inside { counts, settings: None }
    }

    #[test]
    fn files_go_to_the_collection_whose_id_their_folder_bears_and_strays_to_the_others() {
        let inventory = inventory(&[("pbc_1", 2, 20), ("pbc_9", 1, 5)]);
        let counts = vec![(collection("pbc_2", "b"), Some(0)), (collection("pbc_1", "a"), Some(7))];
        let content = Content::of(&inventory, Some(inside(counts)));
        let told: Vec<_> = content
            .collections
            .iter()
            .map(|one| (one.name.as_str(), one.records, one.files, one.file_bytes))
            .collect();
        assert_eq!(told, [("a", Some(7), 2, 20), ("b", Some(0), 0, 0)]);
        assert_eq!((content.files.count, content.files.bytes), (2, 20));
        assert_eq!((content.other_files.count, content.other_files.bytes), (1, 5));
        let unopened = Content::of(&inventory, None);
        assert_eq!((unopened.counted, unopened.files.count), (false, 3));
        assert_eq!(unopened.collections[0].records, None);
    }

    #[test]
    fn of_very_many_collections_the_first_are_told_of_and_names_are_cut() {
        let long = "x".repeat(5_000);
        let counts: Counts = (0..MOST_COLLECTIONS + 7)
            .map(|n| (collection(&format!("{n}{long}"), &format!("{n:05}{long}")), Some(1)))
            .collect();
        let content = Content::of(&Inventory::default(), Some(inside(counts)));
        assert_eq!(
            (content.collections.len(), content.more_collections),
            (MOST_COLLECTIONS, 7)
        );
        assert_eq!(content.collections[0].name.chars().count(), LONGEST_NAME);
    }

    #[test]
    fn what_collections_are_is_kept_as_far_as_there_is_room() {
        let fields: Vec<_> = (0..2_000)
            .map(|n| serde_json::json!({"id": n.to_string(), "name": format!("{n}{}", "\u{1}".repeat(255)), "type": "text"}))
            .collect();
        let wide = |id: &str| {
            let json = serde_json::json!({"id": id, "name": id, "fields": fields});
            (Arc::new(serde_json::from_value::<Collection>(json).unwrap()), Some(1))
        };
        let counts: Counts = vec![wide("a"), wide("b"), wide("c"), (collection("d", "d"), Some(0))];
        let content = Content::of(&Inventory::default(), Some(inside(counts)));
        assert_eq!(content.definitions.keys().collect::<Vec<_>>(), ["a", "b", "d"]);
        assert!(serde_json::to_vec(&content.definitions).unwrap().len() <= MOST_DEFINITIONS);
    }
}
