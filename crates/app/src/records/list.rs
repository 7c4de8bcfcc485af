//! Reading records: pages of them and single ones.

use bosbase_store::ListQuery;
use serde::Serialize;
use serde_json::{Map, Value};

use super::present::present_in;
use super::rules;
use crate::app::App;
use crate::caller::Caller;
use crate::error::{Error, ErrorKind, Result};

/// Which page of which records.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub struct ListRequest {
    /// The page, from 1 on; what is less means 1.
    pub page: u64,
    /// Records on a page, at most 1,000; 0 means 30.
    pub per_page: u64,
    /// The order, as in `-created,title`.
    pub sort: String,
    /// Which records.
    pub filter: String,
    /// Don't count them.
    pub skip_total: bool,
    /// Relations to show along, as in `author,comments_via_post.author`.
    pub expand: String,
}

impl ListRequest {
    /// Reads the parameters of a URL.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::Invalid`] where a number or bool is none.
    pub fn from_query(query: &Map<String, Value>) -> Result<Self> {
        let text = |name: &str| query.get(name).and_then(Value::as_str).unwrap_or_default();
        let unreadable = || Error::invalid("Something went wrong while processing your request.");
        let number = |name: &str| match text(name) {
            "" => Ok(0),
            given => given
                .parse::<i64>()
                .map(|number| u64::try_from(number).unwrap_or_default())
                .map_err(|_| unreadable()),
        };
        let skip_total = match text("skipTotal") {
            "" | "0" | "f" | "F" | "false" | "FALSE" | "False" => false,
            "1" | "t" | "T" | "true" | "TRUE" | "True" => true,
            _ => return Err(unreadable()),
        };
        Ok(Self {
            page: number("page")?,
            per_page: number("perPage")?,
            sort: text("sort").to_owned(),
            filter: text("filter").to_owned(),
            skip_total,
            expand: text("expand").to_owned(),
        })
    }
}

/// A page of records as they are shown.
#[derive(Debug, Clone, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Page {
    /// The page, from 1 on.
    pub page: u64,
    /// Records on a full page.
    pub per_page: u64,
    /// How many records there are in all; -1 where that was not asked for.
    pub total_items: i64,
    /// How many pages there are; -1 where that was not asked for.
    pub total_pages: i64,
    /// The records.
    pub items: Vec<Map<String, Value>>,
}

impl App {
    /// The records of a collection that the caller may list and the request asks for.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] without such a collection, [`ErrorKind::Forbidden`] where only superusers may list it or filter
    /// like that, [`ErrorKind::Invalid`] for a filter or order that can't be understood.
    pub fn list_records(&self, collection: &str, request: &ListRequest, caller: &Caller) -> Result<Page> {
        let collection = self.collection_of_records(collection)?;
        let rule = rules::applied(collection.rules.list_rule.as_ref(), caller)?;
        superuser_parts(request, caller)?;
        let query = ListQuery {
            filter: request.filter.clone(),
            rule: rule.map(str::to_owned),
            sort: request.sort.clone(),
            page: request.page,
            per_page: request.per_page,
            skip_total: request.skip_total,
            context: caller.context("default", Map::new()),
            allow_hidden: caller.is_superuser(),
        };
        self.store().read_long(|tx| {
            let page = tx.list_records(&collection, &query)?;
            Ok(Page {
                page: page.page,
                per_page: page.per_page,
                total_items: page.total_items,
                total_pages: page.total_pages,
                items: present_in(tx, &page.items, caller, &request.expand)?,
            })
        })
    }

    /// One record as the caller may see it.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] where there is none or the caller may not see it, [`ErrorKind::Forbidden`] where only superusers
    /// may view the collection.
    pub fn view_record(&self, collection: &str, id: &str, expand: &str, caller: &Caller) -> Result<Map<String, Value>> {
        let collection = self.collection_of_records(collection)?;
        let rule = rules::applied(collection.rules.view_rule.as_ref(), caller)?;
        let context = caller.context("default", Map::new());
        self.store().read_long(|tx| {
            let record = tx.record(&collection, id)?.ok_or_else(Error::not_found)?;
            if let Some(rule) = rule
                && !rules::or_deny(tx.record_matches(&collection, id, rule, &context), &collection)?
            {
                return Err(Error::not_found());
            }
            let shown = present_in(tx, &[record], caller, expand)?;
            shown.into_iter().next().ok_or_else(Error::not_found)
        })
    }
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

    fn query(value: &Value) -> Result<ListRequest> {
        ListRequest::from_query(value.as_object().unwrap())
    }

    #[test]
    fn parameters_are_read_or_refused() {
        let request = query(&json!({"page": "-1", "perPage": "5", "skipTotal": "1", "sort": "-id"})).unwrap();
        assert_eq!((request.page, request.per_page, request.skip_total), (0, 5, true));
        for bad in [
            json!({"page": "abc"}),
            json!({"perPage": "1.5"}),
            json!({"skipTotal": "zz"}),
        ] {
            assert!(query(&bad).is_err(), "{bad}");
        }
    }
}
