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
    /// Which commits there were when the transaction had not begun yet: it sees these, and may see later ones. Nothing
    /// where that could not be told.
    pub(crate) began_at: Option<Version>,
    /// Tells which commits there are now; see [`Store::version`](super::store::Store::version).
    pub(crate) version: &'a dyn Fn() -> Option<Version>,
}

impl Totals<'_> {
    /// The number of records in `table`, where nothing was committed since it was kept, nor since the transaction
    /// began. What another process commits counts as soon as it is heard of. A commit of this process that is being
    /// answered may already stand in the transaction, and not in the number.
    pub(crate) fn of(&self, table: &str) -> Option<u64> {
        let version = self.still_at()?;
        let known = self.known.0.lock();
        (known.version == Some(version))
            .then(|| known.totals.get(table).copied())
            .flatten()
    }

    /// Counts the records in `table` and keeps their number, where nobody committed anything since the transaction
    /// began. One that another process committed just before, and that is not heard of yet, makes it another version
    /// as soon as it is.
    pub(crate) fn counted<E>(&self, table: &str, count: impl FnOnce() -> Result<u64, E>) -> Result<u64, E> {
        let total = count()?;
        if let Some(version) = self.still_at() {
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

    /// Which commits there were before the transaction began, where there was none since.
    fn still_at(&self) -> Option<Version> {
        self.began_at.filter(|began| (self.version)() == Some(*began))
    }
}

#[cfg(test)]
mod tests {
    use std::cell::Cell;

    use super::*;

    #[test]
    fn a_number_is_kept_until_the_next_commit_and_not_past_one() {
        let known = KnownTotals::default();
        let first = Version { own: 7, others: 1 };
        let now = Cell::new(Some(first));
        let version = || now.get();
        let began = |began_at| Totals {
            known: &known,
            began_at,
            version: &version,
        };
        let of = |at: Option<Version>| began(at).of("posts");
        let count = |at: Option<Version>, total| began(at).counted("posts", || Ok::<_, ()>(total)).unwrap();
        assert_eq!(of(Some(first)), None);
        assert_eq!((count(Some(first), 3), of(Some(first))), (3, Some(3)));
        assert_eq!(began(Some(first)).of("others"), None);
        // A transaction that began before, by either's commits, or at a moment that nobody can tell.
        for before in [
            Some(Version { own: 6, others: 1 }),
            Some(Version { own: 7, others: 0 }),
            None,
        ] {
            assert_eq!(
                (of(before), count(before, 9), of(Some(first))),
                (None, 9, Some(3)),
                "{before:?}"
            );
        }
        for commit in [
            Some(Version { own: 8, others: 1 }),
            Some(Version { own: 7, others: 2 }),
            None,
        ] {
            now.set(commit);
            assert_eq!((of(commit), of(Some(first))), (None, None), "{commit:?}");
        }
        let last = Version { own: 8, others: 2 };
        now.set(Some(last));
        for meanwhile in [Version { own: 9, others: 2 }, Version { own: 8, others: 3 }] {
            now.set(Some(last));
            let interrupted = began(Some(last)).counted("posts", || {
                now.set(Some(meanwhile));
                Ok::<_, ()>(5)
            });
            assert_eq!((interrupted, of(Some(meanwhile)), of(Some(last))), (Ok(5), None, None));
        }
        assert_eq!(began(Some(last)).counted("posts", || Err(())), Err(()));
    }
}
