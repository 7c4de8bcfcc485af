//! Records of a backup, beside those of now.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Duration;

use bosbase_store::{Collection, ListQuery, Meter as _, ReadTx, Record};
use serde::Serialize;
use serde_json::{Map, Value, json};

use super::matching::Matching;
use super::{Recovery, collection_of};
use crate::caller::Caller;
use crate::collections;
use crate::error::{Error, FieldErrors, Result};
use crate::fields::Wanted;
use crate::memory::weight;
use crate::paging::{self, PageRequest};
use crate::records::{AnswerMeter, ListRequest, differing, present_in};

/// How long all records of a collection may be held against those of now.
const COMPARING: Duration = Duration::from_secs(30);

/// How a record of a backup stands to the data of now.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum State {
    /// It is not there any more.
    Gone,
    /// It is there and differs.
    Changed,
    /// It is there as it was.
    Same,
}

impl State {
    /// The state called `name`; none for an empty name.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::Invalid`] where there is no such state.
    pub fn named(name: &str) -> Result<Option<Self>> {
        match name {
            "" => Ok(None),
            "gone" => Ok(Some(Self::Gone)),
            "changed" => Ok(Some(Self::Changed)),
            "same" => Ok(Some(Self::Same)),
            _ => {
                let text = "Must be gone, changed or same.";
                let errors = FieldErrors::one("state", "validation_in_invalid", text);
                Err(Error::validation(
                    "Something went wrong while processing your request.",
                    errors,
                ))
            }
        }
    }
}

/// What a record is beside the one of now.
struct Compared {
    state: State,
    changed: Vec<String>,
}

/// Records of a backup with what they are beside those of now; nothing for those of a view.
type Items = Vec<(Record, Option<Compared>)>;

impl Recovery {
    /// A page of the records of one collection of the backup called `key`, each with its state; only those in `state`,
    /// where that is named.
    ///
    /// # Errors
    ///
    /// Those of [`crate::jobs::Backups::look`]; [`crate::ErrorKind::NotFound`] where the backup has no such collection,
    /// [`crate::ErrorKind::Invalid`] for a filter, order or page that can't be understood.
    pub fn list(
        &self,
        key: &str,
        collection: &str,
        request: &ListRequest,
        state: Option<State>,
        caller: &Caller,
    ) -> Result<Value> {
        let looked = self.parts().backups.look(key)?;
        let then = collection_of(&looked, collection)?;
        let page = request.page.ok_or_else(paging::unreadable)?;
        let query = ListQuery {
            filter: request.filter.clone(),
            sort: request.sort.clone(),
            page,
            context: caller.context("default", Map::new()),
            allow_hidden: true,
            ..ListQuery::default()
        };
        let meter = AnswerMeter::new(&self.parts().memory, &caller.held);
        let store = &self.parts().store;
        if then.is_view() && state.is_some() {
            // They are what others make of them.
            return Err(Error::invalid(
                "Records of a view are not held against those of now: leave out state.",
            ));
        }
        let matching = Matching::find(&store.schema(), &looked.store().schema(), &then).ok();
        let shown = looked.store().read_list(&caller.requester(), &meter, |tx| {
            store.read_counted(COMPARING, &meter, |now| {
                let now = matching.as_ref().map(|matching| Now { matching, tx: now });
                let (items, total) = match state {
                    None => {
                        let page = tx.list_records(&then, &query)?;
                        let total = page.total_items;
                        let compared = match then.is_view() {
                            true => page.items.into_iter().map(|record| (record, None)).collect(),
                            false => compared(page.items, now.as_ref())?,
                        };
                        (compared, total)
                    }
                    Some(state) => {
                        let found = in_state(tx, (&then, &query), now.as_ref(), state, &meter)?;
                        (found.0, i64::try_from(found.1).unwrap_or(i64::MAX))
                    }
                };
                Ok::<_, Error>((shown(tx, items, caller)?, total))
            })
        });
        let (items, total) = meter.finish(shown).map_err(Error::explaining_query)?;
        let size = size(page);
        let pages = if total < 0 {
            -1
        } else {
            total.div_euclid(size) + i64::from(total % size > 0)
        };
        Ok(json!({
            "page": page.page.max(1),
            "perPage": size,
            "totalItems": total,
            "totalPages": pages,
            "collection": collections::present(&then),
            "collectionNow": matching.map(|matching| matching.now.name.clone()).unwrap_or_default(),
            "items": items,
        }))
    }
}

/// Items on a page.
fn size(page: PageRequest) -> i64 {
    let page = page.of(Vec::<()>::new());
    i64::try_from(page.per_page).unwrap_or(i64::MAX)
}

/// The data of now.
struct Now<'a> {
    matching: &'a Matching,
    tx: &'a ReadTx<'a>,
}

impl Now<'_> {
    fn compare(&self, then: &Record, now: Option<&Record>) -> Compared {
        let Some(now) = now else {
            return Compared::gone();
        };
        let changed = differing(now, &self.matching.applied(then, now));
        let state = if changed.is_empty() {
            State::Same
        } else {
            State::Changed
        };
        Compared { state, changed }
    }

    fn look_up(&self, then: &Record) -> Result<Compared> {
        let now = self.tx.record(&self.matching.now, then.id())?;
        Ok(self.compare(then, now.as_ref()))
    }
}

impl Compared {
    fn gone() -> Self {
        Self {
            state: State::Gone,
            changed: Vec::new(),
        }
    }
}

/// Each of `records` with its state.
fn compared(records: Vec<Record>, now: Option<&Now<'_>>) -> Result<Items> {
    let Some(now) = now else {
        return Ok(records
            .into_iter()
            .map(|record| (record, Some(Compared::gone())))
            .collect());
    };
    let ids: Vec<String> = records.iter().map(|record| record.id().to_owned()).collect();
    let there = now.tx.records_by_ids(&now.matching.now, &ids)?;
    let there: HashMap<&str, &Record> = there.iter().map(|record| (record.id(), record)).collect();
    let compare = |record: Record| {
        let compared = now.compare(&record, there.get(record.id()).copied());
        (record, Some(compared))
    };
    Ok(records.into_iter().map(compare).collect())
}

/// The records in `state` that are on the page, and how many there are in all.
fn in_state(
    tx: &ReadTx<'_>,
    (then, query): (&Arc<Collection>, &ListQuery),
    now: Option<&Now<'_>>,
    state: State,
    meter: &AnswerMeter<'_>,
) -> Result<(Items, u64)> {
    let size = u64::try_from(size(query.page)).unwrap_or(1);
    let first = size.saturating_mul(query.page.page.max(1) - 1);
    let on_page = first..first.saturating_add(size);
    let (mut found, mut count, mut failed) = (Vec::new(), 0, None);
    tx.all_records(then, query, |record| {
        let compared = match now.map_or_else(|| Ok(Compared::gone()), |now| now.look_up(&record)) {
            Ok(compared) => compared,
            Err(error) => {
                failed = Some(error);
                return false;
            }
        };
        if compared.state != state {
            return true;
        }
        let fits = !on_page.contains(&count) || meter.add(record.values.values().map(weight).sum());
        if fits && on_page.contains(&count) {
            found.push((record, Some(compared)));
        }
        count += 1;
        fits
    })?;
    match failed {
        Some(error) => Err(error),
        None => Ok((found, count)),
    }
}

fn shown(tx: &ReadTx<'_>, items: Items, caller: &Caller) -> Result<Vec<Value>> {
    let (records, compared): (Vec<_>, Vec<_>) = items.into_iter().unzip();
    let shown = present_in(tx, &records, caller, "", &Wanted::parse(""))?;
    let pairs = shown.into_iter().zip(compared);
    Ok(pairs
        .map(|(record, compared)| {
            let state = compared.as_ref().map(|compared| compared.state);
            let changed = compared.map(|compared| compared.changed).unwrap_or_default();
            json!({"state": state, "changed": changed, "record": record})
        })
        .collect())
}
