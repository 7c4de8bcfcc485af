//! Brings chosen records back.

use std::collections::{BTreeMap, HashSet};
use std::sync::Arc;
use std::time::Duration;

use bosbase_backup::NoProgress;
use serde::Serialize;
use serde_json::{Map, Value};

use super::choice::{Choice, Chosen, values};
use super::files::{PackedFiles, path};
use super::matching::Matching;
use super::references::{LostReference, lost_references};
use super::{Parts, Recovery};
use crate::error::{Error, ErrorKind, FieldErrors, Result};
use crate::files::{InFlight, Intent, Removals};
use crate::form::VALIDATING;
use crate::jobs::{FilesHeld, JobKind, Looked, RunningJob};
use crate::records::{Expected, Fate, Returned, Returning, carry_out, disk_error, settle};

/// The steps of bringing records back, as the crash table in `docs/design.md` names them.
pub const RECOVER_STEPS: &[&str] = &[FILES_PLACED, COMMITTED];
const FILES_PLACED: &str = "recover-files-placed";
const COMMITTED: &str = "recover-committed";

/// How long one waits for a backup or restore that is under way.
const LEASE_PATIENCE: Duration = Duration::from_secs(5);
/// How often it starts over because somebody else changed meanwhile what it builds on.
const ATTEMPTS: usize = 10;
/// The longest that is read of who asks, in characters: a collection's name, an id.
const LONGEST_NAME: usize = 255;

/// What a request may say.
const KNOWN: [&str; 6] = ["collection", "ids", "filter", "children", "overwrite", "dryRun"];

/// What is to come back, and how.
#[derive(Debug, Clone, Default)]
pub struct RecoverRequest {
    /// Which records.
    pub choice: Choice,
    /// Whether they take the place of records that are there and differ.
    pub overwrites: bool,
    /// Whether nothing is to happen.
    pub dry_run: bool,
}

impl RecoverRequest {
    /// Reads the body of a request.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Invalid`] with what is wrong by field.
    pub fn from_body(body: &Map<String, Value>) -> Result<Self> {
        let mut errors = FieldErrors::new();
        // A dry run that is misspelled would be none.
        for name in body.keys().filter(|name| !KNOWN.contains(&name.as_str())) {
            let shown: String = name.chars().take(60).collect();
            errors.add(&shown, "validation_unknown_field", "There is no such option.");
        }
        let mut text = |name: &str, limit: usize| match body.get(name) {
            None | Some(Value::Null) => String::new(),
            Some(Value::String(text)) if text.chars().count() <= limit => text.clone(),
            Some(_) => {
                errors.add(name, "validation_invalid_value", "Must be a text that is not too long.");
                String::new()
            }
        };
        let (collection, filter) = (text("collection", LONGEST_NAME), text("filter", 3_500));
        let mut flag = |name: &str| match body.get(name) {
            None | Some(Value::Null) => false,
            Some(Value::Bool(flag)) => *flag,
            Some(_) => {
                errors.add(name, "validation_invalid_value", "Must be true or false.");
                false
            }
        };
        let (children, overwrites, dry_run) = (flag("children"), flag("overwrite"), flag("dryRun"));
        let is_id = |id: &&str| !id.is_empty() && id.chars().count() <= LONGEST_NAME;
        let ids = match body.get("ids") {
            None | Some(Value::Null) => Some(Vec::new()),
            Some(Value::Array(all)) => all
                .iter()
                .map(|id| id.as_str().filter(is_id).map(str::to_owned))
                .collect(),
            Some(_) => None,
        };
        let ids: Vec<String> = ids.unwrap_or_else(|| {
            errors.add("ids", "validation_invalid_value", "Must be a list of ids.");
            Vec::new()
        });
        if collection.is_empty() && !errors.has("collection") {
            errors.add("collection", "validation_required", "Cannot be blank.");
        }
        if ids.is_empty() == filter.is_empty() && !errors.has("ids") && !errors.has("filter") {
            errors.add("ids", "validation_required", "Name the records by ids, or by a filter.");
        }
        if !errors.is_empty() {
            return Err(Error::validation(VALIDATING, errors));
        }
        Ok(Self {
            choice: Choice {
                collection,
                ids,
                filter,
                children,
            },
            overwrites,
            dry_run,
        })
    }
}

/// What came of it, or would.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Recovered {
    /// The backup.
    pub key: String,
    /// Whether nothing happened.
    pub dry_run: bool,
    /// Records that were gone.
    pub added: usize,
    /// Records that were others.
    pub changed: usize,
    /// Records that are there and stay.
    pub left: usize,
    /// Records that can't come back.
    pub blocked: usize,
    /// Records that belong to them, are gone, and were not asked for; nothing where they were not counted.
    pub children_left: Option<usize>,
    /// Records that named those that were gone, and do not any more; nothing where that was not found out.
    pub lost_references: Option<Vec<LostReference>>,
    /// Files that came back.
    pub files: usize,
    /// Their bytes.
    pub file_bytes: u64,
    /// Each of them.
    pub records: Vec<RecoveredRecord>,
}

/// What came of one record.
#[derive(Debug, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct RecoveredRecord {
    /// The collection's name now, or then where it is no more.
    pub collection: String,
    /// Its id.
    pub id: String,
    /// `added`, `changed`, `left` or `blocked`.
    pub action: &'static str,
    /// Why it is left or blocked.
    pub reason: String,
    /// Whether it came along with another.
    pub child: bool,
    /// The fields in which the record that is there differed.
    pub fields: Vec<String>,
    /// Files that came back.
    pub files: Vec<String>,
    /// Files that neither the backup nor the data has.
    pub missing_files: Vec<String>,
    /// Ids that relations named and that lead nowhere now.
    pub lost_relations: BTreeMap<String, Vec<String>>,
    /// Fields of the backup that the collection does not have any more.
    pub lost_fields: Vec<String>,
}

/// What is known of a record before it comes back.
struct Origin {
    /// The collection's id and name then.
    id: String,
    name: String,
    is_child: bool,
    lost_fields: Vec<String>,
}

/// The files of one record.
#[derive(Default)]
struct FilesOf {
    /// Those to be put in place.
    wanted: Vec<String>,
    missing: Vec<String>,
}

/// What became of the records, or would, in their order.
struct Trial<'a> {
    returned: Vec<Returned>,
    files: Vec<FilesOf>,
    /// Where those files lie in the backup.
    packed: PackedFiles<'a>,
}

impl Recovery {
    /// Brings records of the backup called `key` back as they were: all that were chosen, or none. Durable when it
    /// returns.
    ///
    /// # Errors
    ///
    /// Those of [`crate::jobs::Backups::look`]; [`ErrorKind::Invalid`] where a record can't come back, where it is too
    /// much at once, and while a backup or restore is under way.
    pub fn recover(&self, key: &str, request: &RecoverRequest) -> Result<Recovered> {
        let Some(_turn) = self.inner.turn.try_lock_for(LEASE_PATIENCE) else {
            let text = "Records are being brought back for somebody else. Try again in a moment.";
            return Err(Error::new(ErrorKind::Unavailable, text));
        };
        let looked = self.parts().backups.look(key)?;
        let (origins, returning, around) = self.chosen(&looked, request)?;
        let bringing = Bringing {
            parts: self.parts(),
            looked: &looked,
            origins,
            returning: Arc::new(returning),
            around,
        };
        let trial = if request.dry_run {
            bringing.tried()?
        } else {
            bringing.bring(key)?
        };
        let recovered = bringing.report(key, request.dry_run, &trial);
        if !request.dry_run {
            let Recovered { added, changed, .. } = recovered;
            tracing::info!(key, added, changed, "records of a backup were brought back");
        }
        Ok(recovered)
    }

    /// The chosen records with what they are now, and what is around them.
    fn chosen(&self, looked: &Looked, request: &RecoverRequest) -> Result<(Vec<Origin>, Vec<Returning>, Around)> {
        let store = &self.parts().store;
        let (now, before) = (store.schema(), looked.store().schema());
        let is_there = |then: &bosbase_store::Collection, id: &str| match Matching::find(&now, &before, then) {
            Ok(matching) => Ok(store.read(|tx| tx.has_record(&matching.now, id))?),
            Err(_) => Ok(false),
        };
        let (chosen, children_left) = request.choice.read(looked, &is_there)?;
        let mut gone = Vec::new();
        for one in &chosen {
            // Of those that come along it was asked before.
            if one.is_child || !is_there(&one.record.collection, one.record.id())? {
                gone.push(one);
            }
        }
        let around = Around {
            children_left,
            lost_references: lost_references(looked, &gone, (&before, &now), store),
        };
        let pair = |Chosen { record, is_child }: Chosen| {
            let matching = Matching::find(&now, &before, &record.collection);
            let origin = Origin {
                id: record.collection.id.clone(),
                name: record.collection.name.clone(),
                is_child,
                lost_fields: matching.as_ref().map(|one| one.lost.clone()).unwrap_or_default(),
            };
            let returning = Returning {
                id: record.id().to_owned(),
                values: match &matching {
                    Ok(matching) => values(&record, matching, (&before, &now)),
                    Err(_) => Map::new(),
                },
                collection: matching.map(|matching| matching.now),
                overwrites: request.overwrites && !is_child,
                is_optional: is_child,
            };
            (origin, returning)
        };
        let (origins, returning) = chosen.into_iter().map(pair).unzip();
        Ok((origins, returning, around))
    }
}

/// What nobody asked for, and should hear of.
struct Around {
    children_left: Option<usize>,
    lost_references: Option<Vec<LostReference>>,
}

/// Records on their way back.
struct Bringing<'a> {
    parts: &'a Parts,
    looked: &'a Looked,
    origins: Vec<Origin>,
    returning: Arc<Vec<Returning>>,
    around: Around,
}

impl Bringing<'_> {
    /// What would become of them, with the files that it takes.
    fn tried(&self) -> Result<Trial<'_>> {
        let returned = self.parts.records.try_return(&self.returning)?;
        let packed = self.packed(&returned)?;
        let files = self.files(&returned, &packed);
        Ok(Trial {
            returned,
            files,
            packed,
        })
    }

    /// Brings them back, as a job that the history remembers.
    fn bring(&self, key: &str) -> Result<Trial<'_>> {
        let jobs = self.parts.backups.jobs();
        let running = jobs.begin(jobs.lease_within(LEASE_PATIENCE)?, JobKind::Recover, key)?;
        let trial = match self.brought(&running) {
            Ok(trial) => trial,
            Err(error) => return running.end(Err(error)),
        };
        running.brought(self.count(&trial, Fate::Added) + self.count(&trial, Fate::Changed));
        // They are back, whether or not that can be remembered.
        if let Err(error) = running.end(Ok(())) {
            tracing::warn!(
                error = error.with_causes(),
                "that records of a backup came back could not be written into the history"
            );
        }
        Ok(trial)
    }

    /// Brings them back while `running` holds the lease.
    fn brought(&self, running: &RunningJob) -> Result<Trial<'_>> {
        let Parts { files, steps, .. } = self.parts;
        for _ in 0..ATTEMPTS {
            // While it is held nobody removes a file: those that come back bear the names of some that went.
            let held = FilesHeld::take(&files.lock_path(), &NoProgress)?;
            let mut trial = self.tried()?;
            if let Some(refusal) = self.refusal(&trial) {
                return Err(refusal);
            }
            let mut coming = Vec::new();
            let placed = self.place(&trial, &mut coming);
            let brought = placed.and_then(|()| {
                steps.reached(FILES_PLACED);
                running.decide(|| self.commit(&trial.returned))
            });
            // What a removal waited for; one that was put off meanwhile is held against what was just committed.
            drop(held);
            let kept = matches!(brought, Ok(Some(_)));
            for (one, in_flight) in coming {
                let names = if kept {
                    trial.returned[one].files.clone()
                } else {
                    Vec::new()
                };
                settle(in_flight, &names);
            }
            if let Some((returned, removal)) = brought? {
                carry_out(removal);
                if let Err(error) = files.purge_pending() {
                    tracing::warn!(%error, "files whose removal waited for a recovery could not be removed yet");
                }
                trial.returned = returned;
                return Ok(trial);
            }
        }
        Err(Error::new(
            ErrorKind::Unavailable,
            "The records are being changed by others all the time; nothing was brought back. Try again.",
        ))
    }

    /// Commits them, and says which files nobody names any more; nothing where somebody changed what they build on.
    fn commit(&self, tried: &[Returned]) -> Result<Option<(Vec<Returned>, Intent)>> {
        let Parts {
            records, files, steps, ..
        } = self.parts;
        let mut removals = Removals::default();
        for (one, returning) in tried.iter().zip(self.returning.iter()) {
            if let Ok(collection) = &returning.collection {
                let dropped = one.dropped();
                removals.add(Removals::of_record(&collection.id, &returning.id, dropped));
            }
        }
        let removal = files.intend(removals).map_err(disk_error)?;
        let expected = tried.iter().map(Expected::from).collect();
        let returned = records.bring_back(&self.returning, expected)?;
        Ok(returned.map(|returned| {
            steps.reached(COMMITTED);
            (returned, removal)
        }))
    }

    /// The files of the backup that may be needed.
    fn packed(&self, returned: &[Returned]) -> Result<PackedFiles<'_>> {
        let mut paths = HashSet::new();
        for (one, origin, returning) in self.each(returned) {
            if one.fate != Fate::Left || one.is_as_it_was() {
                paths.extend(one.files.iter().map(|name| path(&origin.id, &returning.id, name)));
            }
        }
        PackedFiles::find(self.looked, &paths)
    }

    /// Which files each of them takes. A record that is there as it was, without a file that the backup has, gets that.
    fn files(&self, returned: &[Returned], packed: &PackedFiles<'_>) -> Vec<FilesOf> {
        let of = |(one, origin, returning): (&Returned, &Origin, &Returning)| {
            let mut files = FilesOf::default();
            let is_untouched = one.fate == Fate::Left && !one.is_as_it_was();
            let Ok(collection) = &returning.collection else {
                return files;
            };
            if is_untouched || one.fate == Fate::Blocked {
                return files;
            }
            for name in &one.files {
                if self.is_there(&collection.id, &returning.id, name, one) {
                    continue;
                }
                match packed.len(&path(&origin.id, &returning.id, name)) {
                    Some(_) => files.wanted.push(name.clone()),
                    None => files.missing.push(name.clone()),
                }
            }
            files
        };
        self.each(returned).map(of).collect()
    }

    /// Whether a file that a record names then is where it should be. A bucket is not asked: what the record names now
    /// counts as there.
    fn is_there(&self, collection: &str, record: &str, name: &str, returned: &Returned) -> bool {
        let files = &self.parts.files;
        let is_in_bucket = || files.is_elsewhere() && returned.files_before.iter().any(|before| before == name);
        files.open(collection, record, name).is_ok() || is_in_bucket()
    }

    /// Puts the wanted files in place, record by record.
    fn place(&self, trial: &Trial<'_>, coming: &mut Vec<(usize, InFlight)>) -> Result<()> {
        let files = &self.parts.files;
        let packed = &trial.packed;
        for (index, of) in trial.files.iter().enumerate().filter(|(_, of)| !of.wanted.is_empty()) {
            let (origin, returning) = (&self.origins[index], &self.returning[index]);
            let Ok(collection) = &returning.collection else {
                continue;
            };
            let mut in_flight = files.begin(&collection.id, &returning.id);
            let mut uploads = Vec::new();
            for name in &of.wanted {
                uploads.extend(packed.receive(&path(&origin.id, &returning.id, name), name, files)?);
            }
            let uploads: Vec<_> = uploads.iter().collect();
            let placed = files.place(&mut in_flight, &uploads);
            coming.push((index, in_flight));
            placed.map_err(disk_error)?;
        }
        Ok(())
    }

    /// Why nothing comes back, where one of them can't.
    fn refusal(&self, trial: &Trial<'_>) -> Option<Error> {
        let all = self.each(&trial.returned).zip(&trial.files);
        let blocked: Vec<_> = all
            .filter_map(|((one, origin, returning), of)| Some((reason_to_block(one, of)?, origin, returning)))
            .collect();
        let (why, origin, returning) = blocked.first()?;
        let more = match blocked.len() {
            1 => String::new(),
            count => format!(" So it is with {} more; a dry run names them all.", count - 1),
        };
        let text = format!("{} {}: {why}", origin.name, returning.id.escape_debug());
        let errors = FieldErrors::one("ids", "validation_record_blocked", &text);
        let message = format!("Nothing was brought back. {text}{more}");
        Some(Error::validation(&message, errors))
    }

    fn each<'r>(&'r self, returned: &'r [Returned]) -> impl Iterator<Item = (&'r Returned, &'r Origin, &'r Returning)> {
        let others = self.origins.iter().zip(self.returning.iter());
        returned
            .iter()
            .zip(others)
            .map(|(one, (origin, returning))| (one, origin, returning))
    }

    /// How many of them have this fate.
    fn count(&self, trial: &Trial<'_>, wanted: Fate) -> usize {
        let pairs = trial.returned.iter().zip(&trial.files);
        pairs.filter(|(one, of)| fate(one, of) == wanted).count()
    }

    fn report(&self, key: &str, dry_run: bool, trial: &Trial<'_>) -> Recovered {
        let Trial {
            returned,
            files,
            packed,
        } = trial;
        let mut file_bytes = 0_u64;
        let mut records = Vec::new();
        for ((one, origin, returning), of) in self.each(returned).zip(files) {
            for name in &of.wanted {
                file_bytes += packed.len(&path(&origin.id, &returning.id, name)).unwrap_or_default();
            }
            let collection = returning.collection.as_ref().map(|now| now.name.clone());
            let fate = fate(one, of);
            records.push(RecoveredRecord {
                collection: collection.unwrap_or_else(|_| origin.name.clone()),
                id: returning.id.clone(),
                action: match fate {
                    Fate::Added => "added",
                    Fate::Changed => "changed",
                    Fate::Left => "left",
                    Fate::Blocked => "blocked",
                },
                reason: match fate {
                    Fate::Changed => String::new(),
                    Fate::Blocked => reason_to_block(one, of).unwrap_or_default(),
                    Fate::Added | Fate::Left => one.reason.clone(),
                },
                child: origin.is_child,
                fields: one.fields.clone(),
                files: of.wanted.clone(),
                missing_files: of.missing.clone(),
                lost_relations: one.lost_relations.clone(),
                lost_fields: origin.lost_fields.clone(),
            });
        }
        Recovered {
            key: key.to_owned(),
            dry_run,
            added: self.count(trial, Fate::Added),
            changed: self.count(trial, Fate::Changed),
            left: self.count(trial, Fate::Left),
            blocked: self.count(trial, Fate::Blocked),
            children_left: self.around.children_left,
            lost_references: self.around.lost_references.clone(),
            files: files.iter().map(|of| of.wanted.len()).sum(),
            file_bytes,
            records,
        }
    }
}

/// What becomes of a record. One that is there as it was, and lacked files, is changed by them.
fn fate(one: &Returned, of: &FilesOf) -> Fate {
    match one.fate {
        _ if reason_to_block(one, of).is_some() => Fate::Blocked,
        Fate::Left if !of.wanted.is_empty() => Fate::Changed,
        fate => fate,
    }
}

/// Why a record can't come back. What somebody has is not given up for a file that nobody has.
fn reason_to_block(one: &Returned, of: &FilesOf) -> Option<String> {
    match one.fate {
        Fate::Blocked => Some(one.reason.clone()),
        Fate::Changed => {
            let file = of.missing.first()?;
            let text = "it would name, in place of what is there, a file that neither the backup nor the data has";
            Some(format!("Overwritten, {text} ({file})."))
        }
        Fate::Added | Fate::Left => None,
    }
}
