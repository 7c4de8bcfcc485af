//! Records that an index keeps apart: what one is to hold, another holds that gives it up in the same recovery.
//!
//! SQLite asks a unique index at each row, not at the end of the write. So two records that swapped a value are refused
//! one by one. Those that were refused are taken out of the table together, and then written one after the other: what
//! is refused then is held by a record that stays.

use bosbase_store::{Collection, ErrorKind, Subject, WriteTx};

use super::super::account;
use super::{Fate, Lost, Returned};
use crate::error::Result;

/// What came of writing one record.
pub(super) enum Stored {
    /// What became of it.
    Settled(Returned),
    /// Another holds what an index keeps unique.
    Refused {
        /// What becomes of it, if that stays so.
        blocked: Returned,
        conflict: Conflict,
    },
}

/// A record that was refused.
pub(super) struct Conflict {
    /// What becomes of it, once nobody else holds what it is to hold.
    becomes: Returned,
    ends_sessions: bool,
}

impl Stored {
    pub(super) fn blocked(reason: impl Into<String>) -> Self {
        Self::Settled(Returned::blocked(reason))
    }

    /// The same with the relations that the record lost.
    pub(super) fn having_lost(self, lost: Lost) -> Self {
        match self {
            Self::Settled(returned) => Self::Settled(Returned {
                lost_relations: lost,
                ..returned
            }),
            Self::Refused { blocked, mut conflict } => {
                conflict.becomes.lost_relations.clone_from(&lost);
                Self::Refused {
                    blocked: Returned {
                        lost_relations: lost,
                        ..blocked
                    },
                    conflict,
                }
            }
        }
    }

    /// About how much memory it takes, in bytes.
    pub(super) fn weight(&self) -> usize {
        match self {
            Self::Settled(returned) => returned.weight(),
            Self::Refused { conflict, .. } => conflict.becomes.weight(),
        }
    }
}

/// Writes the record of `becomes`, which is new or takes the place of what it was.
pub(super) fn write(tx: &mut WriteTx<'_>, becomes: Returned, ends_sessions: bool) -> Result<Stored> {
    let Some(record) = &becomes.record else {
        return Ok(Stored::Settled(becomes));
    };
    let written = match becomes.fate {
        Fate::Added => tx.insert_record(record),
        _ => tx.update_record(record),
    };
    if let Some(reason) = refusal(written, &record.collection)? {
        return Ok(Stored::Refused {
            blocked: Returned {
                fields: becomes.fields.clone(),
                ..Returned::blocked(reason)
            },
            conflict: Conflict { becomes, ends_sessions },
        });
    }
    if ends_sessions {
        account::delete_sessions(tx, record)?;
    }
    Ok(Stored::Settled(becomes))
}

/// Writes those that were refused once more, now that all others are written, and none of them holds what another of
/// them is to hold. Those that stay blocked are gone then: the caller undoes the write.
pub(super) fn write_again(tx: &mut WriteTx<'_>, all: &mut [Returned], refused: Vec<(usize, Conflict)>) -> Result<()> {
    let mut waiting = Vec::with_capacity(refused.len());
    for (at, conflict) in refused {
        let place = match &conflict.becomes {
            Returned {
                fate: Fate::Changed,
                record: Some(record),
                ..
            } => tx.take_out_record(&record.collection, record.id())?,
            _ => None,
        };
        waiting.push((at, conflict, place));
    }
    for (at, Conflict { becomes, ends_sessions }, place) in waiting {
        let Some(record) = &becomes.record else { continue };
        let written = match place {
            Some(place) => tx.put_back_record(record, place),
            None => tx.insert_record(record),
        };
        if let Some(reason) = refusal(written, &record.collection)? {
            all[at].reason = reason;
            continue;
        }
        if ends_sessions {
            account::delete_sessions(tx, record)?;
        }
        all[at] = becomes;
    }
    Ok(())
}

/// Why the database did not take a record, if it is what others hold.
fn refusal(written: bosbase_store::Result<()>, collection: &Collection) -> Result<Option<String>> {
    let error = match written {
        Ok(()) => return Ok(None),
        Err(error) if error.kind() == ErrorKind::Unique => error,
        Err(error) => return Err(error.into()),
    };
    let columns = match error.subject() {
        Some(Subject::Columns(columns)) => columns.join(", "),
        _ => "what an index keeps unique".to_owned(),
    };
    Ok(Some(format!(
        "Another record of {} has the same {columns}.",
        collection.name
    )))
}
