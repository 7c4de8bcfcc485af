//! Who may be told of a record, and in which words.

use std::cell::OnceCell;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bosbase_store::{Collection, ErrorKind as StoreErrorKind, ListQuery, ReadTx, Record};
use serde_json::{Map, Value, json};

use super::client::{Client, ClientState, Message};
use super::hub::RecordAction;
use super::queue::Job;
use super::topic::Subscription;
use crate::app::App;
use crate::caller::Caller;
use crate::error::{Error, ErrorKind, Result};
use crate::{fields, records};

/// Does what was queued.
pub(super) fn tell(job: Job) {
    match job {
        Job::Saved { app, action, record } => {
            let hub = app.hub();
            if record.collection.is_auth() && action == RecordAction::Update {
                hub.account_changed(&record, false);
            }
            let clients = hub.clients();
            let mut told = Vec::new();
            let mut left = interested(&app, &clients, &record);
            while !left.is_empty() {
                match judge(&app, &left, action, &record, PATIENCE, &mut told) {
                    Ok(()) => break,
                    Err((judged, error)) => {
                        // Who asks for more than can be found out in time must not keep the others from hearing.
                        let (offender, _) = &left[judged];
                        tracing::warn!(%error, client = offender.id, "a subscription can't be judged; its stream is cut");
                        hub.cut(offender);
                        left.drain(..=judged);
                    }
                }
            }
            for (client, message) in told {
                hub.deliver(&client, message);
            }
        }
        Job::Deleted {
            hub,
            messages,
            accounts,
        } => {
            for (client, message) in messages {
                hub.deliver(&client, message);
            }
            for account in accounts {
                hub.account_changed(&account, true);
            }
        }
    }
}

/// How long it may take to find out who may know of a change, before whoever it is that takes so long is cut.
const PATIENCE: Duration = Duration::from_secs(2);

/// A client and what it subscribed to when it was looked at.
type Interested = (Arc<Client>, ClientState);

/// What each of `clients` is to be told of the deletion of `record`, found out until `until`. Those for whom it takes longer
/// are cut: the one who deletes waits, and with it every other write.
pub(super) fn of_deletion(
    app: &App,
    clients: &[Arc<Client>],
    record: &Record,
    until: Instant,
) -> Vec<(Arc<Client>, Message)> {
    let mut told = Vec::new();
    let left = interested(app, clients, record);
    if left.is_empty() {
        return told;
    }
    let patience = until.saturating_duration_since(Instant::now());
    if let Err((judged, error)) = judge(app, &left, RecordAction::Delete, record, patience, &mut told) {
        tracing::warn!(%error, "subscriptions can't be judged in time for a deletion; their streams are cut");
        for (client, _) in &left[judged..] {
            app.hub().cut(client);
        }
    }
    told
}

/// The clients that subscribed to `record`, be it that they may know of it or not.
fn interested(app: &App, clients: &[Arc<Client>], record: &Record) -> Vec<Interested> {
    // As it is defined now: a rule that was tightened since the record was saved holds.
    let Some(collection) = app.store().schema().find(&record.collection.id).cloned() else {
        return Vec::new();
    };
    clients
        .iter()
        .map(|client| (client.clone(), client.state()))
        .filter(|(_, state)| {
            let mut subscriptions = state.subscriptions.iter();
            subscriptions.any(|subscription| subscription.rule(&collection, record).is_some())
        })
        .collect()
}

/// Adds to `told` what each of `clients` is to be told of `record`.
///
/// # Errors
///
/// What the database says, and which client it said it of; those before were judged.
fn judge(
    app: &App,
    clients: &[Interested],
    action: RecordAction,
    record: &Record,
    patience: Duration,
    told: &mut Vec<(Arc<Client>, Message)>,
) -> Result<(), (usize, Error)> {
    let Some(collection) = app.store().schema().find(&record.collection.id).cloned() else {
        return Ok(());
    };
    let mut done = 0;
    let until = Instant::now() + patience;
    let outcome = app.store().read_within(patience, |tx| {
        let event = Event {
            tx,
            action,
            record,
            collection: &collection,
            unchanged: OnceCell::new(),
        };
        // Many listen to the same with the same rights, guests most of all: what one may know, all may.
        let mut judged: HashMap<Judged<'_>, Option<Arc<str>>> = HashMap::new();
        let mut standing: HashMap<(&str, &str), bool> = HashMap::new();
        for (client, state) in clients {
            if let Some(auth) = &state.auth {
                let key = (auth.id(), auth.text("tokenKey"));
                let stands = match standing.entry(key) {
                    Entry::Occupied(known) => *known.get(),
                    Entry::Vacant(new) => *new.insert(is_current(tx, auth)?),
                };
                if !stands {
                    // Changed from the command line perhaps, of which nobody told us.
                    app.hub().cut(client);
                    done += 1;
                    continue;
                }
            }
            let mut of_client = Vec::new();
            for subscription in state.subscriptions.iter() {
                let Some(rule) = subscription.rule(&collection, record) else {
                    continue;
                };
                // Many small questions take long too.
                if Instant::now() > until {
                    return Err(Error::new(ErrorKind::Unavailable, "It takes too long."));
                }
                let judged = match judged.entry(Judged::new(state, subscription, rule)) {
                    Entry::Occupied(known) => known.into_mut(),
                    Entry::Vacant(new) => new.insert(event.told(state, subscription, rule.as_deref())?),
                };
                if let Some(data) = judged {
                    let (name, data) = (subscription.name.clone(), data.clone());
                    of_client.push((client.clone(), Message { name, data }));
                }
            }
            told.append(&mut of_client);
            done += 1;
        }
        Ok(())
    });
    outcome.map_err(|error| (done.min(clients.len().saturating_sub(1)), error))
}

/// Whether an account is still there and its tokens are still good.
fn is_current(tx: &ReadTx<'_>, account: &Record) -> Result<bool> {
    let stored = tx.record(&account.collection, account.id())?;
    Ok(stored.is_some_and(|stored| stored.text("tokenKey") == account.text("tokenKey")))
}

/// All that what a subscriber is told depends on, beside the record itself.
#[derive(PartialEq, Eq, Hash)]
struct Judged<'a> {
    auth: Option<(&'a str, &'a str)>,
    rule: Option<&'a str>,
    parameters: &'a str,
}

impl<'a> Judged<'a> {
    fn new(state: &'a ClientState, subscription: &'a Subscription, rule: &'a Option<String>) -> Self {
        let auth = state.auth.as_ref();
        Self {
            auth: auth.map(|auth| (auth.collection.id.as_str(), auth.id())),
            rule: rule.as_deref(),
            parameters: &subscription.parameters,
        }
    }
}

/// One change, seen through one view of the database.
struct Event<'a> {
    tx: &'a ReadTx<'a>,
    action: RecordAction,
    record: &'a Record,
    collection: &'a Arc<Collection>,
    /// Whether what is stored is still what the event is about.
    unchanged: OnceCell<bool>,
}

impl Event<'_> {
    /// The message's data, or `None` where the subscriber may not know.
    fn told(&self, state: &ClientState, subscription: &Subscription, rule: Option<&str>) -> Result<Option<Arc<str>>> {
        let caller = Caller {
            auth: state.auth.clone(),
            method: "GET".to_owned(),
            query: subscription.query.clone(),
            headers: subscription.headers.clone(),
            ip: String::new(),
        };
        if !self.admits(rule, &caller, subscription.option("filter"))? {
            return Ok(None);
        }
        let shown = records::present_in(
            self.tx,
            std::slice::from_ref(self.record),
            &caller,
            subscription.option("expand"),
        )?;
        let mut shown = Value::Object(shown.into_iter().next().unwrap_or_default());
        let wanted = subscription.option("fields");
        if !wanted.is_empty() {
            shown = fields::pick(shown, wanted);
        }
        let data = json!({"action": self.action.name(), "record": shown});
        Ok(Some(data.to_string().into()))
    }

    /// Whether the rule lets `caller` know of the record, and the caller's own filter wants it.
    fn admits(&self, rule: Option<&str>, caller: &Caller, filter: &str) -> Result<bool> {
        let superuser = caller.is_superuser();
        let rule = match rule {
            _ if superuser => "",
            None => return Ok(false),
            Some(rule) => rule,
        };
        if rule.is_empty() && filter.is_empty() {
            return Ok(true);
        }
        let context = caller.context("realtime", Map::new());
        let query = |rule: &str| ListQuery {
            filter: filter.to_owned(),
            rule: (!rule.is_empty()).then(|| rule.to_owned()),
            context: context.clone(),
            allow_hidden: superuser,
            ..ListQuery::default()
        };
        let id = self.record.id();
        let admitted = if self.is_unchanged()? {
            self.tx.record_matches_query(self.collection, id, &query(rule))
        } else {
            // The record has moved on. What is told is how it was, so the rule has to admit how it was: that a later state is
            // public does not make an earlier one so.
            self.tx.state_matches(self.record, &query(rule))
        };
        match admitted {
            Ok(admitted) => Ok(admitted),
            // What can't be evaluated denies.
            Err(error) if error.kind() == StoreErrorKind::InvalidQuery => Ok(false),
            Err(error) => Err(error.into()),
        }
    }

    fn is_unchanged(&self) -> Result<bool> {
        if let Some(known) = self.unchanged.get() {
            return Ok(*known);
        }
        let stored = self.tx.record(self.collection, self.record.id())?;
        let unchanged = stored.is_some_and(|stored| stored.values == self.record.values);
        Ok(*self.unchanged.get_or_init(|| unchanged))
    }
}
