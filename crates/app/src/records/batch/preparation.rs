//! What the requests of a batch need before they can happen, and must not wait for while they do.

use std::collections::{HashMap, HashSet};
use std::sync::Arc;

use bosbase_store::{Most, ReadTx};

use super::request::Batch;
use super::run::{Halt, Known, Lacking, Place};
use crate::error::Result;
use crate::files::{InFlight, Intent, Removals, Upload};
use crate::records::delete::{TOLD, Told};
use crate::records::meter::Room;
use crate::records::plan::Fixed;
use crate::records::save::{carry_out_only, contended, disk_error, expected, settle};
use crate::records::{Farewell, Records, doomed};

/// What was found out and done for a batch so far, by the index of the request.
pub(super) struct Preparation {
    fixed: Vec<Fixed>,
    coming: Vec<Option<(InFlight, Place)>>,
    intent: Option<Intent>,
    noted: Removals,
    farewells: HashMap<usize, Box<dyn Farewell>>,
    /// What may still be expected to go. Who hears of more is decided afterwards.
    left_to_expect: Most,
    room: Room,
}

impl Preparation {
    pub(super) fn new(batch: &Batch) -> Self {
        let count = batch.requests.len();
        let first = batch.requests.first();
        Self {
            fixed: vec![Fixed::default(); count],
            coming: (0..count).map(|_| None).collect(),
            intent: None,
            noted: Removals::default(),
            farewells: HashMap::new(),
            left_to_expect: TOLD,
            room: first.map_or(Room::None, |first| Room::of(&first.caller.held)),
        }
    }

    /// What the next run may build on.
    pub(super) fn known(&self, is_listening: bool) -> Known {
        let placed = self.coming.iter();
        Known {
            fixed: self.fixed.clone(),
            placed: placed.map(|one| one.as_ref().map(|(_, place)| place.clone())).collect(),
            noted: self.noted.clone(),
            parted: is_listening.then(|| self.farewells.keys().copied().collect::<HashSet<_>>()),
            room: self.room,
        }
    }

    /// Makes good what a run lacked. Old passwords come first: where one is wrong, nothing else is needed.
    ///
    /// # Errors
    ///
    /// Where something can't be had.
    pub(super) fn prepare(&mut self, records: &Records, batch: &Arc<Batch>, lacking: Lacking) -> Result<(), Halt> {
        self.fixed = lacking.fixed;
        if lacking.room > self.room {
            let held = &batch.requests[0].caller.held;
            lacking.room.take(records.memory(), held).map_err(Halt::Whole)?;
            self.room = lacking.room;
        }
        let mut has_proven = false;
        for (index, proof) in lacking.proofs.iter().filter(|(_, proof)| !proof.is_to_come()) {
            let proven = records.prove(proof, &batch.requests[*index].caller, &mut self.fixed[*index]);
            proven.map_err(|error| Halt::by(*index, error))?;
            has_proven = true;
        }
        if has_proven {
            return Ok(());
        }
        for (index, unhashed) in lacking.hashes {
            let hashed = records.hash(unhashed, &mut self.fixed[index]);
            hashed.map_err(|error| Halt::by(index, error))?;
        }
        if let Some(removals) = lacking.removals {
            let intent = records.files().intend(removals.clone());
            self.intent = Some(intent.map_err(|error| Halt::Whole(disk_error(error)))?);
            self.noted = removals;
        }
        for (index, place) in lacking.places {
            self.place(records, batch, index, place)?;
        }
        for (index, leaving) in lacking.leaving {
            // Who may hear of it is decided on what is there before the batch. What the batch itself made or changed is
            // not: that is judged afterwards.
            let mut going = Told::up_to(self.left_to_expect);
            if !going.is_full() {
                let look = |tx: &ReadTx<'_>| {
                    if let Some(collection) = tx.schema().find(&leaving.collection).cloned()
                        && let Some(record) = tx.record(&collection, &leaving.record)?
                    {
                        going.add(record);
                    }
                    doomed(tx, going)
                };
                going = expected(records.store(), look).map_err(Halt::Whole)?;
                self.left_to_expect = going.left();
            }
            let farewell = records.audience().before_deletion(going.records);
            self.farewells.insert(index, farewell);
        }
        Ok(())
    }

    /// Puts uploads durably beside the record that is to be stored.
    fn place(&mut self, records: &Records, batch: &Batch, index: usize, place: Place) -> Result<(), Halt> {
        let in_flight = match self.coming[index].take() {
            // They have moved away from where they were received.
            Some((placed, _)) if !placed.is_of(&place.collection, &place.record) => {
                settle(placed, &[]);
                return Err(Halt::Whole(contended()));
            }
            Some((placed, _)) => placed,
            None => records.files().begin(&place.collection, &place.record),
        };
        let uploads = batch.requests[index].body.uploads();
        let named: Vec<&Upload> = uploads
            .into_iter()
            .filter(|upload| place.names.iter().any(|name| name == upload.name()))
            .collect();
        // Kept also where it fails: what it did is to be taken back.
        let (in_flight, _) = self.coming[index].insert((in_flight, place));
        let placed = records.files().place(in_flight, &named);
        placed.map_err(|error| Halt::Whole(disk_error(error)))
    }

    /// The batch did not happen: the files go that were put in place for it.
    pub(super) fn take_back(self) {
        for (in_flight, _) in self.coming.into_iter().flatten() {
            settle(in_flight, &[]);
        }
    }

    /// The batch is durable: `named` tells which files a request's record names, `removals` what nobody names any more.
    /// Yields those who will tell of deletions.
    pub(super) fn conclude(
        self,
        named: impl Fn(usize) -> Vec<String>,
        removals: Removals,
    ) -> HashMap<usize, Box<dyn Farewell>> {
        for (index, coming) in self.coming.into_iter().enumerate() {
            if let Some((in_flight, _)) = coming {
                settle(in_flight, &named(index));
            }
        }
        if let Some(intent) = self.intent {
            carry_out_only(intent, removals);
        }
        self.farewells
    }
}
