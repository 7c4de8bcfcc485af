//! Records that an index keeps apart: what one is to hold, another holds that gives it up in the same recovery.
//!
//! SQLite asks a unique index at each row, not at the end of the write. So two records that swapped a value are refused
//! one by one. Those that were refused give way together, and then are written one after the other: what is refused
//! then is held by a record that stays.

use bosbase_store::{Collection, ErrorKind, Record, Subject, WriteTx};

use super::super::account;
use super::{Fate, Lost, Returned};
use crate::error::Result;

/// Of the records that could not give way, so many are named.
const NAMED: usize = 5;

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
pub(super) enum Refusal {
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
    let stuck: Vec<_> = stuck.into_iter().map(key).collect();
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
        if let Some(record) = &conflict.becomes.record
            && let Some(text) = stuck_beside(&stuck, record)
        {
            all[*at].reason.push_str(&text);
        }
    }
    Ok(())
}

/// Which record it is, of all collections.
type Key = (String, String);

fn key(record: &Record) -> Key {
    (record.collection.id.clone(), record.id().to_owned())
}

/// What there is to say to `record`, whose place others hold, of those in its table that are `stuck`.
fn stuck_beside(stuck: &[Key], record: &Record) -> Option<String> {
    let own = key(record);
    let beside = |other: &&Key| other.0 == own.0 && other.1 != own.1;
    let mut names: Vec<_> = stuck
        .iter()
        .filter(beside)
        .map(|(_, id)| id.escape_debug().to_string())
        .take(NAMED + 1)
        .collect();
    if names.len() > NAMED {
        names[NAMED] = "another".to_owned();
    }
    let last = names.pop()?;
    let names = match names.as_slice() {
        [] => last,
        before => format!("{} or {last}", before.join(", ")),
    };
    Some(format!(
        " If that is {names} of {}: the table in the database takes nothing in its place meanwhile, so the two can't change \
         places at once.",
        record.collection.name
    ))
}

/// Why the database did not take a record, if it is what others hold or what the table refuses.
pub(super) fn refusal(
    written: bosbase_store::Result<()>,
    collection: &Collection,
) -> Result<Option<(Refusal, String)>> {
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

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use serde_json::{Map, json};

    use super::*;

    fn record(collection: &str, id: &str) -> Record {
        let json = json!({"id": format!("id_of_{collection}"), "name": collection, "created": "", "updated": ""});
        let mut values = Map::new();
        values.insert("id".to_owned(), json!(id));
        Record {
            collection: Arc::new(serde_json::from_value(json).unwrap()),
            values,
        }
    }

    /// The sentence came with each record of a collection in which any could not give way, itself and its namesake in
    /// another collection among them.
    #[test]
    fn those_that_could_not_give_way_are_named_to_others_of_their_collection() {
        let told = |stuck: &[(&str, &str)], of: (&str, &str)| {
            let stuck: Vec<Key> = stuck
                .iter()
                .map(|(collection, id)| key(&record(collection, id)))
                .collect();
            stuck_beside(&stuck, &record(of.0, of.1))
        };
        let stuck = [("books", "one"), ("authors", "one")];
        assert_eq!(told(&stuck, ("authors", "one")), None, "it is not in its own way");
        assert_eq!(told(&stuck, ("chapters", "two")), None);
        let text = told(&stuck, ("authors", "two")).unwrap();
        assert!(
            text.starts_with(" If that is one of authors: the table in the database takes nothing"),
            "{text}"
        );
        let ids = ["1", "2", "3", "4", "5", "6", "7"].map(|id| ("books", id));
        let several = told(&ids[..3], ("books", "3")).unwrap();
        assert!(several.starts_with(" If that is 1 or 2 of books: "), "{several}");
        let many = told(&ids, ("books", "8")).unwrap();
        assert!(
            many.starts_with(" If that is 1, 2, 3, 4, 5 or another of books: "),
            "{many}"
        );
    }
}
