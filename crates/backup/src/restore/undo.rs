//! The data that a restore replaced, kept for a while, and the way back to it.

use std::collections::BTreeSet;

use jiff::{SignedDuration, Timestamp};
use serde::{Deserialize, Serialize};

use super::begin::{Journaled, make_folders, new_id, require_idle};
use super::journal::{Journal, Phase};
use super::kind::RestoreKind;
use super::places::{self, Place};
use super::{Site, UNDO_KEPT, elapsed, links};
use crate::error::{Error, ErrorKind, Result};

/// Data that is kept for an undo.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub struct UndoRecord {
    /// The restore that replaced it.
    pub id: String,
    /// What replaced it: a backup, or the data that an earlier undo brought back.
    #[serde(default = "by_restore")]
    pub replaced_by: RestoreKind,
    /// The backup that was restored then.
    pub key: String,
    /// When it was replaced, UTC.
    pub replaced: Timestamp,
    /// Until when it is kept, UTC, by the clock; and for [`UNDO_KEPT`] in any case, which [`has_expired`] sees to.
    pub until: Timestamp,
    /// What [`elapsed::count`] was when it was replaced; nothing in the record of an earlier version.
    #[serde(default)]
    counted: Option<u64>,
    places: Vec<Place>,
}

fn by_restore() -> RestoreKind {
    RestoreKind::Restore
}

impl UndoRecord {
    /// The folder that holds what the data directory itself held, its databases among that; relative to the data
    /// directory.
    #[must_use]
    pub fn folder(&self) -> Option<&str> {
        let root = self.places.iter().find(|place| place.live.is_empty());
        root.map(|place| place.undo.as_str())
    }

    /// The folders it is in, relative to the data directory.
    #[must_use]
    pub fn folders(&self) -> BTreeSet<String> {
        self.places.iter().map(|p| p.undo.clone()).collect()
    }
}

/// The data that can be had back, `None` if there is none.
///
/// # Errors
/// [`ErrorKind::Io`] if the record cannot be read.
pub fn available_undo(site: &Site<'_>) -> Result<Option<UndoRecord>> {
    site.read_json(&site.state().undo_record())
}

/// Whether the time of what is kept is over: by the clock, and by the time that has passed for certain. A clock that is
/// set to next month takes nobody's undo away.
///
/// # Errors
/// [`ErrorKind::Io`], [`ErrorKind::NoSpace`] if that cannot be told.
pub fn has_expired(site: &Site<'_>, record: &UndoRecord) -> Result<bool> {
    Ok(record.until <= site.now && left(site, record)? == 0)
}

/// When the time of what is kept will be over, as far as can be told.
///
/// # Errors
/// As [`has_expired`].
pub fn expiry(site: &Site<'_>, record: &UndoRecord) -> Result<Timestamp> {
    let left = SignedDuration::from_secs(i64::try_from(left(site, record)?).unwrap_or_default());
    let counted = site.now.saturating_add(left).unwrap_or(Timestamp::MAX);
    // They differ by what it took to write it down, unless somebody set the clock.
    let is_set = counted.duration_since(record.until).abs() > SignedDuration::from_mins(30);
    Ok(if is_set {
        counted.max(record.until)
    } else {
        record.until
    })
}

/// So many seconds it is kept for in any case.
fn left(site: &Site<'_>, record: &UndoRecord) -> Result<u64> {
    let count = elapsed::count(site)?;
    let counted = record.counted.unwrap_or(count);
    Ok(UNDO_KEPT
        .as_secs()
        .unsigned_abs()
        .saturating_sub(count.saturating_sub(counted)))
}

/// Decides to put the data back that the last restore replaced, which the next start does as it does a restore: what is
/// served now is then itself kept for an undo.
///
/// # Errors
/// [`ErrorKind::WrongState`] if there is nothing to undo or a restore is under way; [`ErrorKind::Io`].
pub fn undo(site: &Site<'_>) -> Result<Journaled> {
    require_idle(site)?;
    let Some(record) = available_undo(site)? else {
        return Err(Error::new(
            ErrorKind::WrongState,
            "there is no replaced data to go back to",
        ));
    };
    links::refuse(site, None)?;
    let id = new_id(site);
    let places: Vec<_> = record.places.iter().map(|p| p.reversed(&id)).collect();
    make_folders_for_old(site, &places, &record)?;
    let mut journal = Journal::new(id.clone(), RestoreKind::Undo, record.key, site.now, places);
    journal.phase = Phase::Staged;
    if let Err(e) = journal.write(site) {
        // The write may have come through although it failed.
        return match Journal::remove(site) {
            Ok(()) => Err(e),
            Err(again) => Err(Error::with(
                e.kind(),
                format!("{e}; calling the undo off failed too, the next start decides"),
                again,
            )),
        };
    }
    site.steps.reached("restore-journaled");
    Ok(Journaled { id })
}

fn make_folders_for_old(site: &Site<'_>, places: &[Place], record: &UndoRecord) -> Result<()> {
    // What is to come back must all be there before anything is made in its stead.
    places::require(
        site,
        &record
            .places
            .iter()
            .map(|p| Place {
                staging: p.undo.clone(),
                ..p.clone()
            })
            .collect::<Vec<_>>(),
    )?;
    make_folders(site, places)
}

/// Gives the kept data up if its time is over; `true` if it did. Every [`super::recover`] does so; who runs for weeks
/// asks now and then.
///
/// # Errors
/// [`ErrorKind::Io`].
pub fn expire_undo(site: &Site<'_>) -> Result<bool> {
    let Some(record) = available_undo(site)?.filter(|record| record.counted.is_some()) else {
        return Ok(false);
    };
    if Journal::read(site)?.is_none() && has_expired(site, &record)? {
        return discard(site, &[]);
    }
    Ok(false)
}

/// Counts from here on for how long what an earlier version of this program put aside is kept. For a start, while
/// nobody else changes the record.
pub(super) fn begin_to_count(site: &Site<'_>) -> Result<()> {
    match available_undo(site)? {
        Some(record) if record.counted.is_none() => {
            let counted = Some(elapsed::count(site)?);
            site.write_json(&site.state().undo_record(), &UndoRecord { counted, ..record })
        }
        _ => Ok(()),
    }
}

/// Gives the kept data up, while the restore to these places, if any, is being staged; `true` if there was any.
pub(super) fn discard(site: &Site<'_>, places: &[Place]) -> Result<bool> {
    if available_undo(site)?.is_none() {
        return Ok(false);
    }
    // The record goes first: half-deleted data must never be offered.
    site.remove(&site.state().undo_record())?;
    let used = places
        .iter()
        .flat_map(|p| [p.staging.clone(), p.undo.clone()])
        .collect();
    super::recover::sweep(site, &used)?;
    Ok(true)
}

/// Offers the data that a restore has just replaced, in place of an older one; returns until when.
pub(super) fn offer(site: &Site<'_>, journal: &Journal) -> Result<Timestamp> {
    let until = site.now.saturating_add(UNDO_KEPT).unwrap_or(Timestamp::MAX);
    let record = UndoRecord {
        id: journal.id.clone(),
        replaced_by: journal.kind,
        key: journal.key.clone(),
        replaced: site.now,
        until,
        counted: Some(elapsed::count(site)?),
        places: journal.places.clone(),
    };
    site.write_json(&site.state().undo_record(), &record)?;
    Ok(until)
}

/// Takes back an offer that this restore made.
pub(super) fn forget(site: &Site<'_>, id: &str) -> Result<()> {
    match available_undo(site) {
        Ok(Some(record)) if record.id == id => site.remove(&site.state().undo_record()),
        Ok(_) => Ok(()),
        // A record that cannot be read offers nothing, and must not keep the old data from coming back.
        Err(_) => site.remove(&site.state().undo_record()),
    }
}
