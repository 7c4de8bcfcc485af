//! Proofs travel with the backups: a data directory writes down in a bucket what it proved there, so that a new machine
//! sees which of them to rely on.
//!
//! It is shown and nothing more: retention and alarms go by what this data directory proved itself.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::mpsc::{self, RecvTimeoutError};
use std::time::{Duration, Instant};

use bosbase_backup::{Identity, Storage};
use parking_lot::Mutex;

use super::backups::Backups;
use super::listed::Listed;
use super::proofs::Proof;
use crate::error::Result;

/// The folder that they lie in. No backup does.
const PREFIX: &str = ".bosbase-proofs/";
/// How many are written down, and read of one data directory, at the most: the newest.
const MOST: usize = 1_000;
/// How many are known at the most.
const MOST_KNOWN: usize = 20_000;
/// For so long what others wrote down is not asked for again; where it could not be read, for so long.
const KNOWN_FOR: Duration = Duration::from_secs(10 * 60);
const UNKNOWN_FOR: Duration = Duration::from_secs(30);
/// How long a list waits for it.
const PATIENCE: Duration = Duration::from_secs(2);

/// What others proved in one place, as it was last read.
#[derive(Default)]
pub(super) struct ProofsElsewhere(Arc<Mutex<Known>>);

#[derive(Default)]
struct Known {
    place: String,
    /// By the backup's name.
    proofs: Arc<HashMap<String, Vec<Proof>>>,
    /// Until when that is not asked for again; nothing before it was asked for.
    until: Option<Instant>,
    is_asking: bool,
}

impl Backups {
    /// Fills in what others wrote down of backups that this data directory knows nothing of. A bucket that does not tell
    /// soon keeps nobody from the list.
    pub(super) fn with_proofs_of_others(&self, storage: &Arc<dyn Storage>, mut listed: Vec<Listed>) -> Vec<Listed> {
        let is_unknown = |one: &Listed| one.proof == Proof::default();
        let place = storage.place();
        if place == self.local_place() || !listed.iter().any(is_unknown) {
            return listed;
        }
        let proofs = self.proofs_of_others(storage, &place, &listed);
        for one in listed.iter_mut().filter(|one| is_unknown(one)) {
            let (key, which) = (one.backup.key.as_str(), (&one.backup).into());
            let of_key = proofs.get(key).into_iter().flatten();
            // The newest of several.
            let found = of_key.filter(|proof| proof.is_of(&place, key, &which));
            if let Some(proof) = found.max_by(|a, b| a.tried.cmp(&b.tried)) {
                one.proof = proof.clone();
                one.is_of_others = true;
            }
        }
        listed
    }

    /// What others wrote down of the backup called `key`; nothing where none of them did.
    pub(super) fn proof_of_others(
        &self,
        storage: &Arc<dyn Storage>,
        key: &str,
        which: &Identity,
    ) -> Result<Option<Proof>> {
        if storage.place() == self.local_place() {
            return Ok(None);
        }
        let all = self.with_proofs_of_others(storage, self.listed_in(storage.as_ref())?);
        let found = all
            .into_iter()
            .find(|one| one.is_of_others && one.backup.key.as_str() == key && which.is(&Identity::from(&one.backup)));
        Ok(found.map(|one| one.proof))
    }

    fn proofs_of_others(
        &self,
        storage: &Arc<dyn Storage>,
        place: &str,
        listed: &[Listed],
    ) -> Arc<HashMap<String, Vec<Proof>>> {
        let known = &self.proofs_elsewhere().0;
        let (done, asked) = mpsc::channel();
        {
            let mut known = known.lock();
            if known.place != place {
                *known = Known {
                    place: place.to_owned(),
                    ..Known::default()
                };
            }
            if known.is_asking || known.until.is_some_and(|until| Instant::now() < until) {
                return known.proofs.clone();
            }
            known.is_asking = true;
        }
        let (state, storage, place) = (known.clone(), storage.clone(), place.to_owned());
        // Scheduled backups bear the tag of who made them, as the note of that one does.
        let names: String = listed.iter().map(|one| one.backup.key.as_str()).collect();
        super::on_its_own("proofs-of-others", move || {
            let read = read(storage.as_ref(), &place, &names);
            let mut known = state.lock();
            if known.place == place {
                known.is_asking = false;
                known.until = Some(Instant::now() + if read.is_some() { KNOWN_FOR } else { UNKNOWN_FOR });
                if let Some(proofs) = read {
                    known.proofs = Arc::new(proofs);
                }
            }
            // The list may not have waited.
            let _ = done.send(());
        });
        let outcome = asked.recv_timeout(PATIENCE);
        let mut known = known.lock();
        if outcome == Err(RecvTimeoutError::Disconnected) {
            // There was no thread.
            known.is_asking = false;
        }
        known.proofs.clone()
    }

    /// Writes down in a bucket what this data directory proved there. A proof does not fail of it.
    pub(super) fn share_proofs(&self, storage: &dyn Storage) {
        let place = storage.place();
        if place == self.local_place() || self.options().rehearsal {
            return;
        }
        let shared = self.tag().and_then(|tag| {
            let own = self.proofs().read()?;
            let own: Vec<_> = own.iter().filter(|proof| proof.place() == place).take(MOST).collect();
            let bytes = serde_json::to_vec(&own).map_err(crate::Error::internal)?;
            storage
                .note(&format!("{PREFIX}{tag}.json"), &bytes)
                .map_err(super::engine::refuse)
        });
        if let Err(error) = shared {
            tracing::warn!(
                error = error.with_causes(),
                "what was proven could not be written down beside the backups: another machine will not see it"
            );
        }
    }
}

/// What others wrote down in `place`; nothing where it can't be read now.
fn read(storage: &dyn Storage, place: &str, names: &str) -> Option<HashMap<String, Vec<Proof>>> {
    let made_one = |note: &str| note.strip_suffix(".json").is_some_and(|tag| names.contains(tag));
    let notes = storage.notes(PREFIX, &made_one);
    let notes = notes
        .inspect_err(|error| tracing::debug!(%error, "what others proved of the backups could not be read"))
        .ok()?;
    let of = |note: &Vec<u8>| serde_json::from_slice::<Vec<Proof>>(note).unwrap_or_default();
    let all = notes.iter().flat_map(|note| of(note).into_iter().take(MOST));
    let mut proofs: HashMap<String, Vec<Proof>> = HashMap::new();
    for proof in all.take(MOST_KNOWN) {
        let proof = proof.in_place(place);
        proofs.entry(proof.key.clone()).or_default().push(proof);
    }
    Some(proofs)
}
