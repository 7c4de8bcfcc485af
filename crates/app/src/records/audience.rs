//! Those who hear what happens to records.

use bosbase_store::Record;

/// What happened to a record.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum RecordAction {
    /// It is new.
    Create,
    /// It changed.
    Update,
    /// It is gone.
    Delete,
}

impl RecordAction {
    /// What it is called on the wire.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Create => "create",
            Self::Update => "update",
            Self::Delete => "delete",
        }
    }
}

/// Hears of records that changed. Never called within a write, so it may ask the database.
pub trait Audience: Send + Sync {
    /// Whether anybody listens; if not, nobody finds out for them.
    fn is_listening(&self) -> bool;

    /// A record was created or changed, durably; it is as it is now. Does not wait.
    fn saved(&self, action: RecordAction, record: &Record);

    /// `records` are about to be deleted: decides who will be told while they, and the data that rules look at, are
    /// still there.
    fn before_deletion(&self, records: Vec<Record>) -> Box<dyn Farewell>;
}

/// Who will be told of a deletion. Dropped, it tells nobody: the deletion did not happen.
#[must_use = "those who listen hear of the deletion when it is told"]
pub trait Farewell {
    /// `records` were deleted, durably: those that were expected to be, as far as they still were as expected, and
    /// others.
    fn deleted(self: Box<Self>, records: Vec<Record>);
}
