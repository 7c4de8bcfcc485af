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
    /// The one backup that it was read for: where there are too many notes, those about others may not be among it.
    of_one: Option<String>,
    /// Until when that is not asked for again; nothing before it was read.
    until: Option<Instant>,
    /// Until when nothing is asked for at all, since the place could not be read: neither can it be of another backup.
    silent_until: Option<Instant>,
    is_asking: bool,
}

impl Known {
    fn is_to_be_asked(&self, about: About<'_>, now: Instant) -> bool {
        let before = |until: Option<Instant>| until.is_some_and(|until| now < until);
        let is_about_it = self.of_one.is_none() || self.of_one == about.one();
        let is_fresh = is_about_it && before(self.until);
        !(self.is_asking || is_fresh || before(self.silent_until))
    }

    /// Takes what was `read`, for all or `of_one`; nothing where it could not be.
    fn was_read(&mut self, read: Option<HashMap<String, Vec<Proof>>>, of_one: Option<String>, now: Instant) {
        self.is_asking = false;
        let Some(proofs) = read else {
            self.silent_until = Some(now + UNKNOWN_FOR);
            return;
        };
        self.silent_until = None;
        self.until = Some(now + KNOWN_FOR);
        self.proofs = Arc::new(proofs);
        self.of_one = of_one;
    }
}

/// What proofs are wanted of.
#[derive(Clone, Copy)]
enum About<'a> {
    All(&'a [Listed]),
    One(&'a str),
}

impl About<'_> {
    /// Scheduled backups bear the tag of who made them, as the note of that one does.
    fn names(self) -> String {
        match self {
            Self::All(listed) => listed.iter().map(|one| one.backup.key.as_str()).collect(),
            Self::One(key) => key.to_owned(),
        }
    }

    fn one(self) -> Option<String> {
        match self {
            Self::All(_) => None,
            Self::One(key) => Some(key.to_owned()),
        }
    }
}

impl Backups {
    /// Fills in what others wrote down of backups that this data directory knows nothing of. A bucket that does not
    /// tell soon keeps nobody from the list.
    pub(super) fn with_proofs_of_others(&self, storage: &Arc<dyn Storage>, mut listed: Vec<Listed>) -> Vec<Listed> {
        let is_unknown = |one: &Listed| one.proof == Proof::default();
        let place = storage.place();
        if place == self.local_place() || !listed.iter().any(is_unknown) {
            return listed;
        }
        let proofs = self.proofs_of_others(storage, &place, About::All(&listed));
        for one in listed.iter_mut().filter(|one| is_unknown(one)) {
            if let Some(proof) = newest(&proofs, &place, one.backup.key.as_str(), &(&one.backup).into()) {
                one.proof = proof;
                one.is_of_others = true;
            }
        }
        listed
    }

    /// What others wrote down of the backup called `key`, of which this data directory knows nothing; nothing where
    /// none of them did.
    pub(super) fn proof_of_others(&self, storage: &Arc<dyn Storage>, key: &str, which: &Identity) -> Option<Proof> {
        let place = storage.place();
        if place == self.local_place() {
            return None;
        }
        let proofs = self.proofs_of_others(storage, &place, About::One(key));
        newest(&proofs, &place, key, which)
    }

    fn proofs_of_others(
        &self,
        storage: &Arc<dyn Storage>,
        place: &str,
        about: About<'_>,
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
            if !known.is_to_be_asked(about, Instant::now()) {
                return known.proofs.clone();
            }
            known.is_asking = true;
        }
        let (state, storage, place) = (known.clone(), storage.clone(), place.to_owned());
        let (names, of_one) = (about.names(), about.one());
        super::on_its_own("proofs-of-others", move || {
            let read = read(storage.as_ref(), &place, &names);
            let mut known = state.lock();
            if known.place == place {
                known.was_read(read, of_one, Instant::now());
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

/// Of the `proofs` the newest of this very backup.
fn newest(proofs: &HashMap<String, Vec<Proof>>, place: &str, key: &str, which: &Identity) -> Option<Proof> {
    let of_key = proofs.get(key).into_iter().flatten();
    let found = of_key.filter(|proof| proof.is_of(place, key, which));
    found.max_by(|a, b| a.tried.cmp(&b.tried)).cloned()
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

#[cfg(test)]
mod tests {
    use super::*;

    /// Each backup that was asked about waited two seconds anew for a bucket that had just not answered for another.
    #[test]
    fn a_place_that_could_not_be_read_is_asked_for_no_other_backup_either() {
        let (start, mut known) = (Instant::now(), Known::default());
        let is_asked = |known: &Known, about, after| known.is_to_be_asked(about, start + after);
        let soon = Duration::from_secs(1);
        assert!(is_asked(&known, About::One("a.zip"), Duration::ZERO));
        known.was_read(Some(HashMap::new()), Some("a.zip".to_owned()), start);
        assert!(!is_asked(&known, About::One("a.zip"), soon) && is_asked(&known, About::One("b.zip"), soon));
        known.was_read(None, Some("b.zip".to_owned()), start);
        for about in [
            About::One("a.zip"),
            About::One("b.zip"),
            About::One("c.zip"),
            About::All(&[]),
        ] {
            assert!(!is_asked(&known, about, soon));
        }
        // Then it is asked for what is not known. Of the first it is known what was.
        assert!(!is_asked(&known, About::One("a.zip"), UNKNOWN_FOR));
        assert!(is_asked(&known, About::One("b.zip"), UNKNOWN_FOR) && is_asked(&known, About::All(&[]), UNKNOWN_FOR));
        known.was_read(Some(HashMap::new()), None, start + UNKNOWN_FOR);
        assert!(!is_asked(&known, About::One("c.zip"), UNKNOWN_FOR + soon));
        assert!(is_asked(&known, About::One("c.zip"), UNKNOWN_FOR + KNOWN_FOR));
    }
}
