//! Proofs travel with the backups: a data directory writes down in a bucket what it proved there, so that a new machine
//! sees which of them to rely on.
//!
//! It is shown and nothing more: retention and alarms go by what this data directory proved itself.

use std::sync::Arc;
use std::time::{Duration, Instant};

use bosbase_backup::Storage;
use parking_lot::Mutex;

use super::backups::Backups;
use super::listed::Listed;
use super::proofs::Proof;

/// The folder that they lie in. No backup does.
const PREFIX: &str = ".bosbase-proofs/";
/// How many are written down, at the most: the newest.
const MOST: usize = 1_000;
/// For so long what others wrote down is not asked for again.
const KNOWN_FOR: Duration = Duration::from_secs(10 * 60);

/// What others proved in one place, as it was last read.
#[derive(Default)]
pub(super) struct ProofsElsewhere(Mutex<Option<Known>>);

struct Known {
    place: String,
    when: Instant,
    proofs: Arc<Vec<Proof>>,
}

impl Backups {
    /// Fills in what others wrote down of backups that this data directory knows nothing of. A bucket that does not tell
    /// keeps nobody from the list.
    pub(super) fn with_proofs_of_others(&self, storage: &dyn Storage, mut listed: Vec<Listed>) -> Vec<Listed> {
        let is_unknown = |one: &Listed| one.proof == Proof::default();
        if !listed.iter().any(is_unknown) {
            return listed;
        }
        let proofs = self.proofs_of_others(storage);
        let place = storage.place();
        for one in listed.iter_mut().filter(|one| is_unknown(one)) {
            let (key, which) = (one.backup.key.as_str(), (&one.backup).into());
            // The newest of several.
            let found = proofs.iter().filter(|proof| proof.is_of(&place, key, &which));
            if let Some(proof) = found.max_by(|a, b| a.tried.cmp(&b.tried)) {
                one.proof = proof.clone();
            }
        }
        listed
    }

    fn proofs_of_others(&self, storage: &dyn Storage) -> Arc<Vec<Proof>> {
        let place = storage.place();
        if place == self.local_place() {
            return Arc::default();
        }
        let mut known = self.proofs_elsewhere().0.lock();
        if let Some(known) = known.as_ref()
            && known.place == place
            && known.when.elapsed() < KNOWN_FOR
        {
            return known.proofs.clone();
        }
        let notes = storage.notes(PREFIX).unwrap_or_else(|error| {
            tracing::debug!(%error, "what others proved of the backups could not be read");
            Vec::new()
        });
        let of = |note: &Vec<u8>| serde_json::from_slice::<Vec<Proof>>(note).unwrap_or_default();
        let proofs = notes.iter().flat_map(of).map(|proof| proof.in_place(&place));
        let proofs = Arc::new(proofs.collect::<Vec<_>>());
        *known = Some(Known {
            place,
            when: Instant::now(),
            proofs: proofs.clone(),
        });
        proofs
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
