//! Which account is whose elsewhere: the record of `_externalAuths` that a login with a provider leaves.

use std::sync::Arc;

use bosbase_store::{Collection, Filter, ListQuery, PageRequest, Record, Schema, WriteTx, new_id};

use super::change::{refused, stamped};
use super::draft::blank;
use crate::error::{Error, Result};

const TABLE: &str = "_externalAuths";
/// What a link says: which account is which person's.
const WHO: [&str; 4] = ["collectionRef", "recordRef", "provider", "providerId"];
const FAILED: &str = "Failed to authenticate.";

/// A person of a provider, to be linked with an account.
#[derive(Debug, Clone)]
pub(crate) struct Link {
    /// The provider's name.
    pub(crate) provider: String,
    /// What the provider calls the person for good.
    pub(crate) person: String,
}

/// What a login with a provider adds to the creation or change of an account.
#[derive(Debug, Default, Clone, Copy)]
pub(crate) struct Extras<'a> {
    /// `@request.context`; `default` where it is not given.
    pub(crate) context: Option<&'a str>,
    /// What is stored in the same transaction.
    pub(crate) link: Option<&'a Link>,
    /// Whether the account gets a password that nobody knows. It need not be one that the field accepts. All other
    /// links of an account that is there already end with its old password.
    pub(crate) random_password: bool,
    /// The address that the provider has confirmed: a new account with this one is confirmed.
    pub(crate) confirmed: Option<&'a str>,
}

impl Link {
    /// The record that links `account`, with an id of its own.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::Invalid`] where there is no collection of links.
    pub(super) fn record(&self, schema: &Schema, account: &Record) -> Result<Record> {
        let table = schema.find(TABLE).cloned();
        let table: Arc<Collection> =
            table.ok_or_else(|| Error::invalid(format!("The collection {TABLE} is missing.")))?;
        let mut record = blank(&table);
        let values = [
            ("id", new_id()),
            ("collectionRef", account.collection.id.clone()),
            ("recordRef", account.id().to_owned()),
            ("provider", self.provider.clone()),
            ("providerId", self.person.clone()),
        ];
        for (name, value) in values {
            record.values.insert(name.to_owned(), value.into());
        }
        Ok(record)
    }
}

/// Stores `link`, as it is then.
///
/// # Errors
///
/// [`crate::ErrorKind::Invalid`], by field, where the account has one of that provider, or somebody else has the
/// person.
pub(super) fn store(tx: &mut WriteTx<'_>, link: &Record) -> Result<Record> {
    let link = stamped(link, true);
    tx.insert_record(&link)
        .map_err(|error| refused(error, &link.collection, FAILED))?;
    Ok(link)
}

/// Whether `account` is linked with anybody.
pub(super) fn has_links(tx: &WriteTx<'_>, account: &Record) -> Result<bool> {
    exists(
        tx,
        Filter::is("collectionRef", &account.collection.id).and(Filter::is("recordRef", account.id())),
    )
}

/// Whether the account of `link` has it already.
pub(super) fn is_stored(tx: &WriteTx<'_>, link: &Record) -> Result<bool> {
    let [collection, account, provider, person] = WHO.map(|name| Filter::is(name, link.text(name)));
    exists(tx, collection.and(account).and(provider).and(person))
}

/// Whether two links are the same, by whatever id.
pub(super) fn is_same(one: &Record, other: &Record) -> bool {
    WHO.iter().all(|name| one.text(name) == other.text(name))
}

fn exists(tx: &WriteTx<'_>, these: Filter) -> Result<bool> {
    let Some(table) = tx.schema().find(TABLE).cloned() else {
        return Ok(false);
    };
    let query = ListQuery {
        also: Some(these),
        page: PageRequest::first(1),
        allow_hidden: true,
        ..ListQuery::default()
    };
    Ok(!tx.list_records(&table, &query)?.items.is_empty())
}
