//! All requests of a batch, one after the other, within a write.

use std::collections::HashSet;
use std::time::{Duration, Instant};

use bosbase_store::{ErrorKind as StoreErrorKind, Most, Record, WriteTx};
use serde_json::Value;

use super::request::{Batch, BatchAction, BatchAnswer, BatchRequest};
use crate::caller::Caller;
use crate::error::{Error, ErrorKind, Result};
use crate::fields;
use crate::files::Removals;
use crate::memory::weight;
use crate::records::account::Proof;
use crate::records::change::{self, Change, Kind, Performed};
use crate::records::delete::{Deleted, NO_MORE, TOLD};
use crate::records::list::wanted;
use crate::records::meter::{BatchMeter, Room};
use crate::records::passwords::Unhashed;
use crate::records::plan::{self, Action, Fixed};
use crate::records::present::present_in;
use crate::records::{Extras, RecordAction, is_there};

/// What is known before a run, by the index of the request.
#[derive(Debug, Default)]
pub(super) struct Known {
    pub(super) fixed: Vec<Fixed>,
    /// Which uploads are in place.
    pub(super) placed: Vec<Option<Place>>,
    /// Files that are noted down, to be removed after the commit.
    pub(super) noted: Removals,
    /// Deletions of which it is decided who will hear; `None` where nobody listens.
    pub(super) parted: Option<HashSet<usize>>,
    /// The batch's share of the memory.
    pub(super) room: Room,
}

/// Uploads beside the record that is to name them.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(super) struct Place {
    /// The collection's id.
    pub(super) collection: String,
    /// The record's id.
    pub(super) record: String,
    /// The stored names.
    pub(super) names: Vec<String>,
}

impl Place {
    fn holds(&self, wanted: &Self) -> bool {
        let is_same = self.collection == wanted.collection && self.record == wanted.record;
        is_same && wanted.names.iter().all(|name| self.names.contains(name))
    }
}

/// A record that will be deleted. It is not held: it may be large, and one of many.
#[derive(Debug)]
pub(super) struct Leaving {
    /// The collection's id.
    pub(super) collection: String,
    /// The record's id.
    pub(super) record: String,
}

/// What a run went without. It is found out, or done, when no transaction is open.
#[derive(Debug, Default)]
pub(super) struct Lacking {
    /// What each request made up, found out to be so again.
    pub(super) fixed: Vec<Fixed>,
    /// How long the run took.
    pub(super) took: Duration,
    pub(super) room: Room,
    pub(super) proofs: Vec<(usize, Proof)>,
    pub(super) hashes: Vec<(usize, Unhashed)>,
    pub(super) places: Vec<(usize, Place)>,
    /// All files that will go, where some are not noted down.
    pub(super) removals: Option<Removals>,
    /// Records that will be deleted, of which nobody has decided who will hear.
    pub(super) leaving: Vec<(usize, Leaving)>,
}

impl Lacking {
    fn is_nothing(&self) -> bool {
        let Self {
            room,
            proofs,
            hashes,
            places,
            removals,
            leaving,
            ..
        } = self;
        let has_none = proofs.is_empty() && hashes.is_empty() && places.is_empty() && leaving.is_empty();
        *room == Room::None && has_none && removals.is_none()
    }
}

/// What a run did.
#[derive(Debug, Default)]
pub(super) struct Done {
    pub(super) answers: Vec<BatchAnswer>,
    /// What each request did.
    pub(super) effects: Vec<Effect>,
    /// Files that nobody names any more.
    pub(super) removals: Removals,
}

/// What became of a record.
#[derive(Debug)]
pub(super) enum Effect {
    Saved(RecordAction, Record),
    /// Those that went, and those that lost a relation to one of them.
    Deleted {
        records: Vec<Record>,
        changed: Vec<Record>,
    },
}

/// Why a run came to nothing.
#[derive(Debug)]
pub(super) enum Halt {
    /// It went without something.
    Lacking(Box<Lacking>),
    /// A request can't be done.
    Refused(usize, Error),
    /// It took too long, or its client has gone.
    TimedOut,
    /// It is no request's fault.
    Whole(Error),
}

impl Halt {
    /// The end of a batch by `error`, which the request with this index met.
    pub(super) fn by(index: usize, error: Error) -> Self {
        match error.kind() {
            ErrorKind::Unavailable | ErrorKind::Internal => Self::Whole(error),
            _ => Self::Refused(index, error),
        }
    }
}

impl From<bosbase_store::Error> for Halt {
    fn from(error: bosbase_store::Error) -> Self {
        match error.kind() {
            StoreErrorKind::TimedOut => Self::TimedOut,
            _ => Self::Whole(error.into()),
        }
    }
}

/// Plans and performs each request in turn. Touches the transaction and nothing else.
///
/// # Errors
///
/// Where something is lacking, a request is refused, or it takes longer than `patience`.
pub(super) fn run(batch: &Batch, known: &Known, tx: &mut WriteTx<'_>, patience: Duration) -> Result<Done, Halt> {
    let started = Instant::now();
    let mut run = Run {
        batch,
        known,
        meter: BatchMeter::new(known.room),
        lacking: Lacking {
            fixed: known.fixed.clone(),
            ..Lacking::default()
        },
        planned: Removals::default(),
        done: Done::default(),
        left_to_tell: known.parted.as_ref().map_or(NO_MORE, |_| TOLD),
    };
    for (index, request) in batch.requests.iter().enumerate() {
        let refused = batch.refused_from == Some(index);
        let outcome = match refused {
            // The reason is the caller's.
            true => Err(Error::invalid("")),
            false => run.request(tx, index, request),
        };
        let is_over = started.elapsed() >= patience || request.caller.gone.is_set();
        match outcome {
            _ if is_over => return Err(Halt::TimedOut),
            Ok(()) => {}
            Err(error) => return Err(run.halt(index, error, started)),
        }
    }
    if !known.noted.cover(&run.planned) {
        run.lacking.removals = Some(std::mem::take(&mut run.planned));
    }
    run.lacking.room = run.meter.lacks();
    if run.lacking.is_nothing() {
        return Ok(run.done);
    }
    run.lacking.took = started.elapsed();
    Err(Halt::Lacking(Box::new(run.lacking)))
}

struct Run<'a> {
    batch: &'a Batch,
    known: &'a Known,
    meter: BatchMeter,
    lacking: Lacking,
    /// Files that may go with what was planned.
    planned: Removals,
    done: Done,
    /// What may still be told of deletions: nothing where nobody listens.
    left_to_tell: Most,
}

impl Run<'_> {
    fn halt(mut self, index: usize, error: Error, started: Instant) -> Halt {
        self.lacking.room = self.meter.lacks();
        // What was assumed of a password may be why.
        if self.lacking.room < Room::Large && self.lacking.proofs.is_empty() {
            return Halt::by(index, error);
        }
        self.lacking.took = started.elapsed();
        Halt::Lacking(Box::new(self.lacking))
    }

    fn request(&mut self, tx: &mut WriteTx<'_>, index: usize, request: &BatchRequest) -> Result<()> {
        let named = match request.action {
            BatchAction::Upsert => request.body.id(),
            _ => None,
        };
        let (method, action) = match &request.action {
            BatchAction::Create => ("POST", Action::Create(&request.body)),
            BatchAction::Update(id) => ("PATCH", Action::Update(id, &request.body)),
            BatchAction::Upsert => match &named {
                Some(id) if is_there(tx, &request.collection, id)? => ("PATCH", Action::Update(id, &request.body)),
                _ => ("POST", Action::Create(&request.body)),
            },
            BatchAction::Delete(id) => ("DELETE", Action::Delete(id)),
        };
        let caller = Caller {
            method: method.to_owned(),
            in_batch: true,
            ..request.caller.clone()
        };
        let asked = plan::Request {
            collection: &request.collection,
            action,
            caller: &caller,
            extras: Extras::default(),
        };
        let fixed = &mut self.lacking.fixed[index];
        let mut plan = plan::plan(tx, self.batch.records.patterns(), &asked, fixed)?;
        if let Some(proof) = plan.unproven(fixed) {
            self.lacking.proofs.push((index, proof.clone()));
        }
        plan.check(fixed)?;
        let unhashed = plan.unhashed(fixed).into_iter();
        self.lacking.hashes.extend(unhashed.map(|one| (index, one)));
        let change = plan.into_change(fixed);
        self.note_files(index, request, &change);
        match change::perform(tx, &change)? {
            Performed::Saved(record, _) => self.saved(tx, &change, record, &caller),
            Performed::Deleted(deleted) => {
                self.deleted(index, &change, deleted);
                Ok(())
            }
            Performed::Stale => Err(Error::internal("a plan on the view of its own transaction was stale")),
        }
    }

    /// Looks whether the uploads that the change names are in place, and which files it leaves.
    fn note_files(&mut self, index: usize, request: &BatchRequest, change: &Change) {
        self.planned.add(change.removals.clone());
        let uploads = match change.kind {
            Kind::Delete { .. } => Vec::new(),
            _ => request.body.named_by(change.record()),
        };
        if uploads.is_empty() {
            return;
        }
        let place = Place {
            collection: change.record().collection.id.clone(),
            record: change.record().id().to_owned(),
            names: uploads.iter().map(|upload| upload.name().to_owned()).collect(),
        };
        if !self.known.placed[index]
            .as_ref()
            .is_some_and(|placed| placed.holds(&place))
        {
            self.lacking.places.push((index, place));
        }
    }

    /// Shows a record as it is now: those behind it may change it again.
    fn saved(&mut self, tx: &WriteTx<'_>, change: &Change, record: Record, caller: &Caller) -> Result<()> {
        let action = match change.kind {
            Kind::Create { .. } => RecordAction::Create,
            _ => RecordAction::Update,
        };
        self.done.removals.add(change.removals.clone());
        let expand = caller.query.get("expand").and_then(Value::as_str).unwrap_or_default();
        let view = tx.view(&self.meter);
        view.count(record.values.values().map(weight).sum())?;
        let shown = present_in(&view, std::slice::from_ref(&record), caller, expand, &wanted(caller))?;
        let shown = shown.into_iter().next().ok_or_else(Error::not_found)?;
        let fields = caller.query.get("fields").and_then(Value::as_str).unwrap_or_default();
        let text = fields::text(Value::Object(shown), fields)?;
        self.done.answers.push(Some(text));
        self.done.effects.push(Effect::Saved(action, record));
        Ok(())
    }

    fn deleted(&mut self, index: usize, change: &Change, deleted: Deleted) {
        if self
            .known
            .parted
            .as_ref()
            .is_some_and(|parted| !parted.contains(&index))
        {
            let record = change.record();
            let leaving = Leaving {
                collection: record.collection.id.clone(),
                record: record.id().to_owned(),
            };
            self.lacking.leaving.push((index, leaving));
        }
        let Deleted {
            files,
            records,
            changed,
        } = deleted;
        self.done.removals.add(Removals {
            files,
            collections: Vec::new(),
        });
        self.done.answers.push(None);
        self.done.effects.push(Effect::Deleted {
            records: records.within(&mut self.left_to_tell),
            changed: changed.within(&mut self.left_to_tell),
        });
    }
}
