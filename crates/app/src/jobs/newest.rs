//! How old the newest backup is that is known to be good.

use super::backups::Backups;
use super::listed::Listed;
use crate::error::Result;

/// By so many seconds a backup may come from the future, as the clocks of a bucket and of this machine differ. What is
/// further ahead was made by a clock that was wrong, then or now, and tells nothing of its age.
pub(crate) const SKEW: i64 = 3600;

/// How old the newest backup is that is known to be good.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct NewestProven {
    /// Its age in seconds; nothing where there is none.
    pub age: Option<u64>,
    /// How many are good and of a time that is yet to come: a clock was wrong, and how old they are nobody knows. They
    /// don't count.
    pub ahead: usize,
}

impl NewestProven {
    /// Of the good ones made at `times`, in seconds since 1970.
    fn of(times: impl Iterator<Item = i64>, now: i64) -> Self {
        let (past, ahead): (Vec<i64>, Vec<i64>) = times.partition(|at| *at <= now.saturating_add(SKEW));
        let newest = past.into_iter().max();
        Self {
            age: newest.map(|at| u64::try_from(now - at).unwrap_or_default()),
            ahead: ahead.len(),
        }
    }
}

impl Backups {
    /// How old the newest backup is that is known to be good and is still there.
    ///
    /// # Errors
    ///
    /// As [`Backups::listed`].
    pub fn newest_proven(&self) -> Result<NewestProven> {
        self.newest_of(&self.listed()?)
    }

    /// How old the newest of these is that is known to be good.
    pub(super) fn newest_of(&self, list: &[Listed]) -> Result<NewestProven> {
        let origin = self.origin_at(&self.place())?;
        let good = list.iter().filter(|listed| listed.proof.is_good());
        let own = good.filter(|listed| !origin.is_anothers(listed.backup.key.as_str()));
        let times = own.map(|listed| listed.backup.modified.as_second());
        Ok(NewestProven::of(times, jiff::Timestamp::now().as_second()))
    }

    /// When those were made that are known to be good, without those that others made: a copy of the data that makes
    /// backups in the same place keeps nobody from hearing that this one makes none any more.
    fn times_of_good(&self) -> Result<Vec<i64>> {
        let place = self.place();
        let origin = self.origin_at(&place)?;
        self.proofs().times_of_good(&place, |key| !origin.is_anothers(key))
    }

    /// As [`Backups::newest_proven`], as far as it is known without asking the storage: what was deleted behind our
    /// back counts.
    ///
    /// # Errors
    ///
    /// Where the record of proofs can't be read.
    pub fn newest_recorded_proven(&self) -> Result<NewestProven> {
        let good = self.times_of_good()?;
        Ok(NewestProven::of(good.into_iter(), jiff::Timestamp::now().as_second()))
    }

    /// When the newest backup was made that is known to be good, in seconds since 1970, as
    /// [`Backups::newest_recorded_proven`]; those aside that are of after `latest`.
    ///
    /// # Errors
    ///
    /// Where the record of proofs can't be read.
    pub(crate) fn newest_recorded(&self, latest: i64) -> Result<Option<i64>> {
        let good = self.times_of_good()?;
        Ok(good.into_iter().filter(|at| *at <= latest).max())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A clock that was set back made every backup 0 s old for as long as it took to come by their times again.
    #[test]
    fn a_backup_of_the_future_is_not_the_newest_proven() {
        let now = 1_800_000_000;
        let of = |times: &[i64]| NewestProven::of(times.iter().copied(), now);
        let newest = |age, ahead| NewestProven { age, ahead };
        assert_eq!(of(&[]), newest(None, 0));
        assert_eq!(of(&[now + 86_400]), newest(None, 1));
        assert_eq!(of(&[now + 86_400, now - 60, now + 4_000]), newest(Some(60), 2));
        assert_eq!(
            of(&[now + SKEW, now - 60]),
            newest(Some(0), 0),
            "clocks differ a little"
        );
    }
}
