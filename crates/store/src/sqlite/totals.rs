//! How many records whole collections have, remembered until the next commit.
//!
//! To count a million records SQLite reads all of an index, for every page of a list. Between two commits the number
//! stays what it is.

use std::collections::HashMap;

use parking_lot::Mutex;

use super::store::Version;

/// The numbers that are known.
#[derive(Default)]
pub(crate) struct KnownTotals(Mutex<Known>);

#[derive(Default)]
struct Known {
    /// What they hold for.
    version: Option<Version>,
    /// By the name of the table. There are no more than there are collections.
    totals: HashMap<String, u64>,
}

/// The numbers as a read transaction may use them.
#[derive(Clone, Copy)]
pub(crate) struct Totals<'a> {
    pub(crate) known: &'a KnownTotals,
    /// Tells which commits there were; see [`Store::version`](super::store::Store::version).
    pub(crate) version: &'a dyn Fn() -> Option<Version>,
}

impl Totals<'_> {
    /// The number of records in `table`, for a transaction that began after the commit `revision`: where nothing was
    /// committed since the number was kept, nor since the transaction began.
    pub(crate) fn of(&self, revision: u64, table: &str) -> Option<u64> {
        let version = self.version_at(revision)?;
        let known = self.known.0.lock();
        (known.version == Some(version))
            .then(|| known.totals.get(table).copied())
            .flatten()
    }

    /// Counts the records in `table` and keeps their number, where nobody committed anything meanwhile.
    pub(crate) fn counted<E>(
        &self,
        revision: u64,
        table: &str,
        count: impl FnOnce() -> Result<u64, E>,
    ) -> Result<u64, E> {
        let before = self.version_at(revision);
        let total = count()?;
        if let Some(version) = before.filter(|before| (self.version)() == Some(*before)) {
            let mut known = self.known.0.lock();
            if known.version != Some(version) {
                *known = Known {
                    version: Some(version),
                    totals: HashMap::new(),
                };
            }
            known.totals.insert(table.to_owned(), total);
        }
        Ok(total)
    }

    /// Which commits there were, where none is after `revision`.
    fn version_at(&self, revision: u64) -> Option<Version> {
        (self.version)().filter(|version| version.own == revision)
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[test]
    fn a_number_is_kept_until_the_next_commit_and_not_past_one() {
        let known = KnownTotals::default();
        let now = Cell::new(Some(Version { own: 7, others: 1 }));
        let version = || now.get();
        let totals = Totals {
            known: &known,
            version: &version,
        };
        let count = |revision, total| totals.counted(revision, "posts", || Ok::<_, ()>(total)).unwrap();
        assert_eq!(totals.of(7, "posts"), None);
        assert_eq!((count(7, 3), totals.of(7, "posts")), (3, Some(3)));
        assert_eq!(totals.of(7, "others"), None);
        // A transaction that began before, or sees more than is known of.
        assert_eq!((totals.of(6, "posts"), totals.of(8, "posts")), (None, None));
        for commit in [
            Some(Version { own: 8, others: 1 }),
            Some(Version { own: 7, others: 2 }),
            None,
        ] {
            now.set(commit);
            let revision = commit.map_or(7, |version| version.own);
            assert_eq!(totals.of(revision, "posts"), None, "{commit:?}");
        }
        now.set(Some(Version { own: 8, others: 2 }));
        count(7, 4);
        assert_eq!(totals.of(8, "posts"), None, "it was counted in an older state");
        let interrupted = totals.counted(8, "posts", || {
            now.set(Some(Version { own: 9, others: 2 }));
            Ok::<_, ()>(5)
        });
        assert_eq!((interrupted, totals.of(9, "posts")), (Ok(5), None));
        assert_eq!(
            (totals.counted(9, "posts", || Err(())), totals.of(9, "posts")),
            (Err(()), None)
        );
    }
}
