//! Pages of lists: which is asked for, and what is on it. The same for records, collections and lines of the log.

/// Items on a page where nothing else is asked for.
const PER_PAGE: u64 = 30;
/// The most items on a page.
const MAX_PER_PAGE: u64 = 1_000;

/// How much is read at once: reading ends when either is reached, but not before the first record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct Most {
    /// How many records.
    pub records: usize,
    /// How many bytes, as they are stored.
    pub bytes: usize,
}

impl From<usize> for Most {
    fn from(records: usize) -> Self {
        Self {
            records,
            bytes: usize::MAX,
        }
    }
}

/// Which page of a list is asked for.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub struct PageRequest {
    /// The page, from 1 on; 0 means 1.
    pub page: u64,
    /// Items on a page, at most 1,000; 0 means 30.
    pub per_page: u64,
    /// Leaves the totals out.
    pub skip_total: bool,
}

impl PageRequest {
    /// The first `items`, uncounted.
    #[must_use]
    pub fn first(items: u64) -> Self {
        Self {
            page: 1,
            per_page: items,
            skip_total: true,
        }
    }

    /// The page of a list of which all are at hand.
    pub fn of<T>(self, all: Vec<T>) -> Page<T> {
        let total = (!self.skip_total).then_some(all.len() as u64);
        let at_most = |count: u64| usize::try_from(count).unwrap_or(usize::MAX);
        let items = all.into_iter().skip(at_most(self.skipped())).take(at_most(self.size()));
        self.with(items.collect(), total)
    }

    /// The page, from 1 on.
    fn number(self) -> u64 {
        self.page.max(1)
    }

    /// Items on a full page.
    pub(crate) fn size(self) -> u64 {
        match self.per_page {
            0 => PER_PAGE,
            asked => asked.min(MAX_PER_PAGE),
        }
    }

    /// Items on the pages before.
    pub(crate) fn skipped(self) -> u64 {
        self.size().saturating_mul(self.number() - 1)
    }

    /// The page with these items on it. `total` is how many there are on all pages, `None` where they were not counted.
    pub(crate) fn with<T>(self, items: Vec<T>, total: Option<u64>) -> Page<T> {
        let shown = |count: Option<u64>| count.map_or(-1, |count| i64::try_from(count).unwrap_or(i64::MAX));
        Page {
            page: self.number(),
            per_page: self.size(),
            total_items: shown(total),
            total_pages: shown(total.map(|total| total.div_ceil(self.size()))),
            items,
        }
    }
}

/// A page of a list.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct Page<T> {
    /// The page, from 1 on.
    pub page: u64,
    /// Items on a full page.
    pub per_page: u64,
    /// How many items there are on all pages; -1 where that was not asked for.
    pub total_items: i64,
    /// How many pages there are; -1 where that was not asked for.
    pub total_pages: i64,
    /// What is on it.
    pub items: Vec<T>,
}

impl<T> Page<T> {
    /// The same page with what `change` makes of its items.
    pub fn map<U>(self, change: impl FnOnce(Vec<T>) -> Vec<U>) -> Page<U> {
        Page {
            page: self.page,
            per_page: self.per_page,
            total_items: self.total_items,
            total_pages: self.total_pages,
            items: change(self.items),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_not_asked_for_is_the_default_and_too_much_the_most() {
        let nothing = PageRequest::default();
        assert_eq!((nothing.size(), nothing.skipped()), (30, 0));
        let far = PageRequest {
            page: u64::MAX,
            per_page: u64::MAX,
            skip_total: false,
        };
        assert_eq!((far.size(), far.skipped()), (1_000, u64::MAX));
        let third = PageRequest {
            page: 3,
            per_page: 4,
            skip_total: false,
        };
        let page = third.with(vec!["i"], Some(9));
        assert_eq!(
            (page.page, page.per_page, page.total_items, page.total_pages),
            (3, 4, 9, 3)
        );
        let of_nine = third.of((1..=9).collect());
        assert_eq!((of_nine.items, of_nine.total_pages), (vec![9], 3));
        assert_eq!(far.of(vec![1]).items, [0; 0]);
        let uncounted = PageRequest::first(4).with(vec!["a"], None);
        assert_eq!((uncounted.total_items, uncounted.total_pages), (-1, -1));
        assert_eq!(third.with(Vec::<u8>::new(), Some(0)).total_pages, 0);
    }
}
