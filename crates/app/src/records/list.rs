//! Reading records: pages of them and single ones.

use bosbase_store::{Collection, ListQuery, Meter as _, ReadTx};
use serde_json::{Map, Value};

use super::meter::AnswerMeter;
use super::present::present_in;
use super::spool::Spool;
use super::text::Layout;
use super::{Records, rules};
use crate::caller::Caller;
use crate::error::{Error, ErrorKind, Result};
use crate::fields::Wanted;
use crate::files::Receiving;
use crate::paging::{self, Page, PageRequest};

/// Which page of which records.
#[derive(Debug, Clone, PartialEq, Eq)]
pub struct ListRequest {
    /// The page; `None` where the numbers that name it can't be read.
    pub page: Option<PageRequest>,
    /// The order, as in `-created,title`.
    pub sort: String,
    /// Which records.
    pub filter: String,
    /// Relations to show along, as in `author,comments_via_post.author`.
    pub expand: String,
}

impl Default for ListRequest {
    fn default() -> Self {
        Self::from_query(&Map::new())
    }
}

impl ListRequest {
    /// Reads the parameters of a URL.
    #[must_use]
    pub fn from_query(query: &Map<String, Value>) -> Self {
        let text = |name: &str| query.get(name).and_then(Value::as_str).unwrap_or_default();
        Self {
            page: paging::asked(query).ok(),
            sort: text("sort").to_owned(),
            filter: text("filter").to_owned(),
            expand: text("expand").to_owned(),
        }
    }
}

/// What is sent: as text where it could be written straight from the rows, else as the value that it is made of.
#[derive(Debug)]
pub enum Answer {
    /// JSON.
    Text(Vec<u8>),
    /// JSON that is too long for memory.
    PutAside(Receiving),
    /// What JSON is to be made of.
    Value(Value),
}

impl From<Value> for Answer {
    fn from(value: Value) -> Self {
        Self::Value(value)
    }
}

impl Records {
    /// The records of a collection that the caller may list and the request asks for.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] without such a collection, [`ErrorKind::Forbidden`] where only superusers may list it or
    /// filter like that, [`ErrorKind::Invalid`] for a filter, order or page that can't be understood.
    pub fn list(&self, collection: &str, request: &ListRequest, caller: &Caller) -> Result<Page<Map<String, Value>>> {
        let collection = self.collection_of_records(collection)?;
        let query = list_query(&collection, request, caller)?;
        let wanted = wanted(caller);
        let meter = AnswerMeter::new(self.memory(), &caller.held);
        let page = self.store().read_list(&caller.requester(), &meter, |tx| {
            let page = tx.list_records(&collection, &query)?;
            let items = present_in(tx, &page.items, caller, &request.expand, &wanted)?;
            Ok(page.map(|_| items))
        });
        meter.finish(page).map_err(|error| explained(error, caller))
    }

    /// [`Records::list`], as it is sent.
    ///
    /// # Errors
    ///
    /// As [`Records::list`].
    pub fn answer_list(&self, collection: &str, request: &ListRequest, caller: &Caller) -> Result<Answer> {
        let found = self.collection_of_records(collection)?;
        let Some(layout) = layout(&found, &request.expand, caller) else {
            return Ok(paging::shown(&self.list(collection, request, caller)?).into());
        };
        let query = list_query(&found, request, caller)?;
        let meter = AnswerMeter::new(self.memory(), &caller.held);
        let mut spool = Spool::new(self.files());
        spool.write(|text| text.extend_from_slice(br#"{"items":["#));
        let (mut is_first, mut spooled) = (true, Ok(()));
        let page = self.store().read_list(&caller.requester(), &meter, |tx| {
            let page = tx.each_record(&found, &query, |row| {
                let bytes = spool.write(|text| {
                    if !std::mem::replace(&mut is_first, false) {
                        text.push(b',');
                    }
                    layout.write(row, text);
                });
                if !meter.add(bytes) {
                    return false;
                }
                spooled = spool.relieve(&meter);
                spooled.is_ok()
            })?;
            Ok(page)
        });
        spooled?;
        let page = meter.finish(page).map_err(|error| explained(error, caller))?;
        let counts = format!(
            r#"],"page":{},"perPage":{},"totalItems":{},"totalPages":{}}}"#,
            page.page, page.per_page, page.total_items, page.total_pages
        );
        spool.write(|text| text.extend_from_slice(counts.as_bytes()));
        spool.finish()
    }

    /// [`Records::view`], as it is sent.
    ///
    /// # Errors
    ///
    /// As [`Records::view`].
    pub fn answer_view(&self, collection: &str, id: &str, expand: &str, caller: &Caller) -> Result<Answer> {
        let found = self.collection_of_records(collection)?;
        let Some(layout) = layout(&found, expand, caller) else {
            let record = self.view(collection, id, expand, caller)?;
            return Ok(Value::Object(record).into());
        };
        let rule = rules::applied(found.rules.view_rule.as_ref(), caller)?;
        let context = caller.context("default", Map::new());
        let meter = AnswerMeter::new(self.memory(), &caller.held);
        let mut spool = Spool::new(self.files());
        let shown = self.store().read_view(&caller.requester(), &meter, |tx| {
            let shown = tx.show_record(&found, id, rule, &context, |row| {
                meter.add(spool.write(|text| layout.write(row, text)))
            });
            match rules::or_deny(shown, &found)? {
                true => Ok(()),
                false => Err(Error::not_found()),
            }
        });
        meter.finish(shown)?;
        spool.finish()
    }

    /// One record as the caller may see it.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] where there is none or the caller may not see it, [`ErrorKind::Forbidden`] where only
    /// superusers may view the collection.
    pub fn view(&self, collection: &str, id: &str, expand: &str, caller: &Caller) -> Result<Map<String, Value>> {
        let collection = self.collection_of_records(collection)?;
        let rule = rules::applied(collection.rules.view_rule.as_ref(), caller)?;
        let context = caller.context("default", Map::new());
        let wanted = wanted(caller);
        let meter = AnswerMeter::new(self.memory(), &caller.held);
        let read = |tx: &ReadTx<'_>| {
            let record = tx.record(&collection, id)?.ok_or_else(Error::not_found)?;
            if let Some(rule) = rule
                && !rules::or_deny(tx.record_matches(&collection, id, rule, &context), &collection)?
            {
                return Err(Error::not_found());
            }
            let shown = present_in(tx, &[record], caller, expand, &wanted)?;
            shown.into_iter().next().ok_or_else(Error::not_found)
        };
        let requester = caller.requester();
        // What is shown along may be as much as a list.
        let record = match expand.is_empty() {
            true => self.store().read_view(&requester, &meter, read),
            false => self.store().read_list(&requester, &meter, read),
        };
        meter.finish(record)
    }
}

/// Superusers alone are told what is wrong with a filter or an order: others would learn which fields there are.
fn explained(error: Error, caller: &Caller) -> Error {
    if caller.is_superuser() {
        error.explaining_query()
    } else {
        error
    }
}

/// The query of a list that the caller may ask for.
fn list_query(collection: &Collection, request: &ListRequest, caller: &Caller) -> Result<ListQuery> {
    let rule = rules::applied(collection.rules.list_rule.as_ref(), caller)?;
    superuser_parts(request, caller)?;
    Ok(ListQuery {
        filter: request.filter.clone(),
        rule: rule.map(str::to_owned),
        sort: request.sort.clone(),
        page: request.page.ok_or_else(paging::unreadable)?,
        context: caller.context("default", Map::new()),
        allow_hidden: caller.is_superuser(),
        ..ListQuery::default()
    })
}

/// How records are written where all of each is shown, and nothing else.
fn layout<'c>(collection: &'c Collection, expand: &str, caller: &Caller) -> Option<Layout<'c>> {
    let all = expand.is_empty()
        && caller
            .query
            .get("fields")
            .and_then(Value::as_str)
            .is_none_or(str::is_empty);
    Layout::of(collection, caller.is_superuser()).filter(|_| all)
}

/// What the request's `fields` parameter leaves of each record.
pub(super) fn wanted(caller: &Caller) -> Wanted {
    Wanted::parse(caller.query.get("fields").and_then(Value::as_str).unwrap_or_default())
}

/// Refuses what in a filter or order would let others than superusers ask about data beyond the collection.
fn superuser_parts(request: &ListRequest, caller: &Caller) -> Result<()> {
    if caller.is_superuser() {
        return Ok(());
    }
    for part in ["@collection.", "@request."] {
        if request.filter.contains(part) || request.sort.contains(part) {
            let message = format!("Only superusers can filter by {part}");
            return Err(Error::new(ErrorKind::Forbidden, message));
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn parameters_are_read_or_refused() {
        let request = |value: &Value| ListRequest::from_query(value.as_object().unwrap());
        let page = request(&json!({"page": "-1", "perPage": "5", "skipTotal": "1", "sort": "-id"}))
            .page
            .unwrap();
        assert_eq!((page.page, page.per_page, page.skip_total), (0, 5, true));
        for bad in [
            json!({"page": "abc"}),
            json!({"perPage": "1.5"}),
            json!({"skipTotal": "zz"}),
        ] {
            assert!(request(&bad).page.is_none(), "{bad}");
        }
    }
}
