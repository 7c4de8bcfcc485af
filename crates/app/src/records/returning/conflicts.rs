//! Records that an index keeps apart: what one is to hold, another holds that gives it up in the same recovery.
//!
//! SQLite asks a unique index at each row, not at the end of the write. So two records that swapped a value are refused
//! one by one. Those that were refused give way together, and then are written one after the other: what is refused then
//! is held by a record that stays.

use bosbase_store::{Collection, ErrorKind, Subject, WriteTx};

use super::super::account;
use super::{Fate, Lost, Returned};
use crate::error::Result;

/// What is said where a record of the collection could not give way.
const STUCK: &str = " If that is to change as well: the table in the database takes nothing in its place meanwhile, so the two \
                     can't change places at once.";

/// What came of writing one record.
pub(super) enum Stored {
    /// What became of it.
    Settled(Returned),
    /// Another holds what an index keeps unique, or the table refuses it as things are.
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
    refusal: Refusal,
}

/// What stands against a record.
#[derive(Clone, Copy, PartialEq, Eq)]
enum Refusal {
    /// Another record.
    Taken,
    /// What the table asks and its collection does not know.
    Table,
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
            Self::Refused { blocked, conflict } => blocked.weight() + conflict.becomes.weight(),
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
    if let Some((refusal, reason)) = refusal(written, &record.collection)? {
        return Ok(Stored::Refused {
            blocked: Returned {
                fields: becomes.fields.clone(),
                ..Returned::blocked(reason)
            },
            conflict: Conflict {
                becomes,
                ends_sessions,
                refusal,
            },
        });
    }
    if ends_sessions {
        account::delete_sessions(tx, record)?;
    }
    Ok(Stored::Settled(becomes))
}

/// Writes those that were refused once more, now that all others are written, and each gives up what another of them is
/// to hold. Where one stays blocked, values that stand in are left in the table: the caller undoes the write.
pub(super) fn write_again(tx: &mut WriteTx<'_>, all: &mut [Returned], refused: Vec<(usize, Conflict)>) -> Result<()> {
    let stored = refused.iter().filter(|(_, one)| one.becomes.fate == Fate::Changed);
    let stuck = tx.give_way(stored.filter_map(|(_, one)| one.becomes.record.as_ref()))?;
    let mut waiting = refused;
    loop {
        let before = waiting.len();
        let mut still = Vec::new();
        for (at, conflict) in waiting {
            match write(tx, conflict.becomes, conflict.ends_sessions)? {
                Stored::Settled(returned) => all[at] = returned,
                Stored::Refused { blocked, conflict } => {
                    all[at].reason = blocked.reason;
                    still.push((at, conflict));
                }
            }
        }
        waiting = still;
        // One that was written may have been in the way of others.
        if waiting.is_empty() || waiting.len() == before {
            break;
        }
    }
    for (at, conflict) in waiting.iter().filter(|(_, one)| one.refusal == Refusal::Taken) {
        let record = conflict.becomes.record.as_ref();
        if record.is_some_and(|record| stuck.contains(&record.collection.id)) {
            all[*at].reason.push_str(STUCK);
        }
    }
    Ok(())
}

/// Why the database did not take a record, if it is what others hold or what the table refuses.
fn refusal(written: bosbase_store::Result<()>, collection: &Collection) -> Result<Option<(Refusal, String)>> {
    let Err(error) = written else { return Ok(None) };
    let name = &collection.name;
    let refusal = match (error.kind(), error.subject()) {
        (ErrorKind::Unique, Some(Subject::Columns(columns))) => {
            let text = format!("Another record of {name} has the same {}.", columns.join(", "));
            (Refusal::Taken, text)
        }
        (ErrorKind::Unique, _) => {
            let text = format!("Another record of {name} has what an index keeps unique.");
            (Refusal::Taken, text)
        }
        (ErrorKind::Refused, _) => {
            let detail = error.detail();
            let text = format!("The table of {name} in the database refuses what its collection allows: {detail}.");
            (Refusal::Table, text)
        }
        _ => return Err(error.into()),
    };
    Ok(Some(refusal))
}
