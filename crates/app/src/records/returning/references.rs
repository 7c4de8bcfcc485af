//! References in the database that follow what they name: another program may have given a collection's table such
//! (`ON UPDATE CASCADE`).
//!
//! A record that is written changes others with it then, also such as come back in the same write and were written
//! before. So all are looked at in the end, and what is not as it is to be is written once more.

use bosbase_store::{Record, WriteTx};

use super::conflicts::refusal;
use super::relations::{There, cut_relations};
use super::{Fate, Returned, Returning};
use crate::error::Result;

/// How often all are looked at: as many references may follow one another.
const ROUNDS: usize = 10;

/// What is said of a record that is not what it is to be in the end.
const FOLLOWS: &str =
    "A reference in the database changes it whenever the others change, so they can't come back together.";

/// Makes each of `all` what it is to be, where a reference changed it since it was written, or since it was found to be
/// as it was. One that can't be is blocked: the caller undoes the write.
pub(super) fn settle(
    tx: &mut WriteTx<'_>,
    records: &[Returning],
    all: &mut [Returned],
    there: &mut There,
) -> Result<()> {
    if !tx.has_following_references()? {
        return Ok(());
    }
    for round in 1.. {
        let (mut moved, mut refused) = (Vec::new(), Vec::new());
        for (at, (one, returning)) in all.iter_mut().zip(records).enumerate() {
            let Some(record) = wanted(tx, returning, one, there)? else {
                continue;
            };
            let found = tx.record(&record.collection, record.id())?;
            if found.as_ref().is_some_and(|found| found.values == record.values) {
                continue;
            }
            let written = match found {
                Some(_) => refusal(tx.update_record(&record), &record.collection)?.map(|(_, reason)| reason),
                // It has another id now.
                None => Some(FOLLOWS.to_owned()),
            };
            match written {
                // What stands against it may be what another is to give up.
                Some(reason) => refused.push((at, reason)),
                // Else the table keeps another form of the same.
                None if tx.record(&record.collection, record.id())? != found => moved.push(at),
                None => {}
            }
        }
        if !moved.is_empty() && round < ROUNDS {
            continue;
        }
        refused.extend(moved.into_iter().map(|at| (at, FOLLOWS.to_owned())));
        for (at, reason) in refused {
            all[at] = Returned::blocked(reason);
        }
        break;
    }
    Ok(())
}

/// What a record is to be in the end; nothing where it is not this write's to say.
fn wanted(tx: &WriteTx<'_>, returning: &Returning, one: &Returned, there: &mut There) -> Result<Option<Record>> {
    if let Fate::Added | Fate::Changed = one.fate {
        return Ok(one.record.clone());
    }
    let Some(collection) = returning.collection.as_ref().ok().filter(|_| one.is_as_it_was()) else {
        return Ok(None);
    };
    let before = tx.record(collection, &returning.id)?;
    let mut record = returning.onto(before.as_ref(), collection);
    cut_relations(tx, &mut record, there)?;
    Ok(Some(record))
}
