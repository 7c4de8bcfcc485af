//! Takes a switch back: out with the new, back in with the old.

use super::journal::{Journal, Phase};
use super::outcome::RestoreOutcome;
use super::{Site, places, switch, undo};
use crate::error::Result;

/// Gives a restore up from wherever it is, or goes on giving it up.
pub(super) fn run(site: &Site<'_>, mut journal: Journal, reason: &str) -> Result<RestoreOutcome> {
    journal.error.get_or_insert_with(|| reason.to_owned());
    if journal.phase != Phase::Staging {
        places::require(site, &journal.places)?;
    }
    match journal.phase {
        Phase::Staging | Phase::RemovingNew | Phase::RestoringOld => {}
        // What stands in the data directory is old, or gone out: nothing new is in yet.
        Phase::Staged => journal.enter(site, Phase::RestoringOld)?,
        Phase::MovedOut | Phase::Switched => journal.enter(site, Phase::RemovingNew)?,
    }
    site.steps.reached("rollback-started");
    if journal.phase == Phase::RemovingNew {
        // A confirmation that was cut short may have offered the old data for an undo; it is about to leave its folder.
        undo::forget(site, &journal.id)?;
        for place in &journal.places {
            let old = switch::names_in(site, &place.undo)?;
            switch::empty_into(site, place, &place.staging, &old, "rollback-removing-new")?;
        }
        switch::sync(site, &journal.places)?;
        journal.enter(site, Phase::RestoringOld)?;
        site.steps.reached("rollback-removed-new");
    }
    if journal.phase == Phase::RestoringOld {
        for place in &journal.places {
            switch::fill_from(site, place, &place.undo, "rollback-restoring-old")?;
        }
        switch::sync(site, &journal.places)?;
        site.steps.reached("rollback-restored-old");
    }
    let outcome = RestoreOutcome::of(&journal, site.now);
    outcome.write(site)?;
    Journal::remove(site)?;
    site.steps.reached("rollback-done");
    Ok(outcome)
}
