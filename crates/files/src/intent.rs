//! Removals that follow a commit, written down before it so that a crash right behind it does not forget them.

use std::collections::HashSet;
use std::io;
use std::path::PathBuf;
use std::sync::Arc;

use super::pending::{self, Removal};
use super::removing::Removing;

/// Files that nobody names once a commit happened.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct Removals {
    /// Collection id, record id and names.
    pub files: Vec<(String, String, Vec<String>)>,
    /// Ids of collections: the files of all their records that are no more.
    pub collections: Vec<String>,
}

impl Removals {
    /// Files of one record.
    #[must_use]
    pub fn of_record(collection: &str, record: &str, names: Vec<String>) -> Self {
        Self {
            files: vec![(collection.to_owned(), record.to_owned(), names)],
            collections: Vec::new(),
        }
    }

    /// The files of all records of these collections that are no more.
    #[must_use]
    pub fn of_collections(collections: Vec<String>) -> Self {
        Self {
            files: Vec::new(),
            collections,
        }
    }

    /// Whether all of `others` is among these.
    #[must_use]
    pub fn cover(&self, others: &Self) -> bool {
        let own: HashSet<_> = each(&self.files).collect();
        let collections: HashSet<_> = self.collections.iter().collect();
        each(&others.files).all(|file| own.contains(&file))
            && others.collections.iter().all(|id| collections.contains(id))
    }

    /// Adds `others`.
    pub fn add(&mut self, others: Self) {
        self.files
            .extend(others.files.into_iter().filter(|(.., names)| !names.is_empty()));
        for id in others.collections {
            if !self.collections.contains(&id) {
                self.collections.push(id);
            }
        }
    }

    fn into_list(self) -> Vec<Removal> {
        let files = self.files.into_iter().filter(|(.., names)| !names.is_empty());
        let files = files.map(|(collection, record, names)| Removal::Files {
            collection,
            record,
            names,
        });
        let collections = self.collections.into_iter();
        let collections = collections.map(|collection| Removal::Collection { collection });
        files.chain(collections).collect()
    }
}

/// Collection id, record id and name of each file.
fn each(files: &[(String, String, Vec<String>)]) -> impl Iterator<Item = (&str, &str, &str)> {
    files.iter().flat_map(|(collection, record, names)| {
        let names = names.iter();
        names.map(|name| (collection.as_str(), record.as_str(), name.as_str()))
    })
}

/// Files that a commit, if it happens, no longer names. Dropped, it changes nothing: the commit did not happen.
pub struct Intent {
    removing: Arc<Removing>,
    removals: Vec<Removal>,
    written: Option<PathBuf>,
}

impl Intent {
    /// See [`super::FileStore::intend`].
    ///
    /// # Errors
    ///
    /// Any error of the file system.
    pub(super) fn begin(removing: Arc<Removing>, removals: Removals) -> io::Result<Self> {
        let removals = removals.into_list();
        let written = if removals.is_empty() {
            None
        } else {
            let (local, removal) = (removing.local(), Removal::All(removals.clone()));
            Some(pending::remember(
                local.disk(),
                &local.state().undecided_files(),
                &removal,
            )?)
        };
        Ok(Self {
            removing,
            removals,
            written,
        })
    }

    /// Removes the files now that the commit is durable; while a backup needs them, later.
    ///
    /// # Errors
    ///
    /// Any error of the file system or the database; the next start removes the rest.
    pub fn carry_out(mut self) -> io::Result<()> {
        let removed = self
            .removals
            .iter()
            .try_for_each(|removal| self.removing.remove(removal));
        if removed.is_err() {
            // Not to be forgotten when this is dropped.
            self.written = None;
        }
        removed
    }

    /// As [`Intent::carry_out`], where it is known by now which of the files it is: `removals`, all of which were
    /// written down.
    ///
    /// # Errors
    ///
    /// As [`Intent::carry_out`].
    pub fn carry_out_only(mut self, removals: Removals) -> io::Result<()> {
        self.removals = removals.into_list();
        self.carry_out()
    }
}

impl Drop for Intent {
    fn drop(&mut self) {
        if let Some(written) = self.written.take() {
            // One that stays is held against the database at the next start, and then finds its files named or gone.
            let _ = self.removing.local().disk().remove_file(&written);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn files(record: &str, names: &[&str]) -> Removals {
        let names = names.iter().map(|name| (*name).to_owned()).collect();
        Removals::of_record("c", record, names)
    }

    #[test]
    fn what_is_noted_covers_what_is_among_it() {
        let mut noted = files("1", &["a", "b"]);
        noted.add(files("1", &["c"]));
        noted.add(files("2", &[]));
        noted.add(Removals::of_collections(vec!["x".to_owned(), "x".to_owned()]));
        assert_eq!((noted.files.len(), noted.collections.len()), (2, 1));
        assert!(noted.cover(&files("1", &["c", "a"])) && noted.cover(&files("3", &[])));
        assert!(!noted.cover(&files("1", &["d"])) && !noted.cover(&files("2", &["a"])));
        assert!(noted.cover(&Removals::of_collections(vec!["x".to_owned()])));
        assert!(!noted.cover(&Removals::of_collections(vec!["y".to_owned()])));
    }
}
