//! Who may be told of a record, and in which words.

use std::cell::OnceCell;
use std::collections::HashMap;
use std::collections::hash_map::Entry;
use std::sync::Arc;
use std::time::{Duration, Instant};

use bosbase_store::{Collection, ErrorKind as StoreErrorKind, ListQuery, ReadTx, Record};
use serde_json::{Map, Value, json};

use super::client::{BYTES, Client, ClientState, Message};
use super::hub::Hub;
use super::payload::Payload;
use super::queue::Job;
use super::topic::Subscription;
use crate::caller::Caller;
use crate::error::{Error, ErrorKind, Result};
use crate::fields::{self, Wanted};
use crate::records::{self, MessageMeter, RecordAction};

/// Does what was queued.
pub(super) fn tell(job: Job) {
    match job {
        Job::Saved { hub, action, record } => {
            if record.collection.is_auth() && action == RecordAction::Update {
                hub.account_changed(&record);
            }
            spread(&hub, action, &record);
        }
        Job::Deleted {
            hub,
            messages,
            late,
            accounts,
        } => {
            for (client, message) in messages {
                hub.deliver(&client, message);
            }
            for record in late {
                spread(&hub, RecordAction::Delete, &record);
            }
            for account in accounts {
                hub.account_gone(&account);
            }
        }
    }
}

/// Tells those who may know of it what happened to `record`.
fn spread(hub: &Hub, action: RecordAction, record: &Record) {
    let mut tell = |client: &Arc<Client>, messages: Vec<Message>| {
        for message in messages {
            hub.deliver(client, message);
        }
        hub.make_room();
    };
    let mut known = Known::new();
    let mut left = interested(hub, &hub.clients(), record);
    while !left.is_empty() {
        match judge(hub, &left, action, record, ACCESS_TIMEOUT, &mut tell, &mut known) {
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
}

/// How long it may take to find out who may know of a change, before the streams that take so long are cut.
const ACCESS_TIMEOUT: Duration = Duration::from_secs(2);

/// The accounts of the clients' logins as they are now, by the client; `None` for a login that has ended. Of one change
/// of many records each client's is asked for once.
pub(super) type Known = HashMap<String, Option<Arc<Record>>>;
/// What one change told some is remembered for others up to so many bytes.
const REMEMBERED: usize = 16 << 20;

/// A client and what it subscribed to when it was looked at.
type Interested = (Arc<Client>, ClientState);

/// What each of `clients` is to be told of the deletion of `record`, found out until `until`. Those for whom it takes
/// longer are cut: the one who deletes waits.
pub(super) fn of_deletion(
    hub: &Hub,
    clients: &[Arc<Client>],
    record: &Record,
    until: Instant,
    known: &mut Known,
) -> Vec<(Arc<Client>, Message)> {
    let mut told = Vec::new();
    let left = interested(hub, clients, record);
    if left.is_empty() {
        return told;
    }
    let patience = until.saturating_duration_since(Instant::now());
    let mut note = |client: &Arc<Client>, messages: Vec<Message>| {
        hub.make_room();
        if hub.is_full() {
            // It waits for the commit, and may be many a record's.
            hub.abandon(client);
            return;
        }
        told.extend(messages.into_iter().map(|message| (client.clone(), message)));
    };
    if let Err((judged, error)) = judge(hub, &left, RecordAction::Delete, record, patience, &mut note, known) {
        tracing::warn!(%error, "subscriptions can't be judged in time for a deletion; their streams are cut");
        for (client, _) in &left[judged..] {
            hub.cut(client);
        }
    }
    told
}

/// The clients that subscribed to `record`, be it that they may know of it or not.
fn interested(hub: &Hub, clients: &[Arc<Client>], record: &Record) -> Vec<Interested> {
    // As it is defined now: a rule that was tightened since the record was saved holds.
    let Some(collection) = hub.store().schema().find(&record.collection.id).cloned() else {
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

/// Calls `tell` with what each of `clients` is to be told of `record`.
///
/// # Errors
///
/// What the database says, and which client it said it of; those before were judged.
fn judge(
    hub: &Hub,
    clients: &[Interested],
    action: RecordAction,
    record: &Record,
    patience: Duration,
    tell: &mut dyn FnMut(&Arc<Client>, Vec<Message>),
    known: &mut Known,
) -> Result<(), (usize, Error)> {
    let Some(collection) = hub.store().schema().find(&record.collection.id).cloned() else {
        return Ok(());
    };
    let mut done = 0;
    let until = Instant::now() + patience;
    let meter = MessageMeter::default();
    let outcome = hub.store().read_counted(patience, &meter, |tx| {
        let event = Event {
            tx,
            action,
            record,
            collection: &collection,
            unchanged: OnceCell::new(),
        };
        // Many listen to the same with the same rights, guests most of all: what one may know, all may.
        let mut judged: HashMap<Judged<'_>, Option<Arc<Payload>>> = HashMap::new();
        let mut judged_bytes = 0;
        for (client, state) in clients {
            let auth = match &state.session {
                None => None,
                // The token may have expired, or a setting, a rule or the command line ended the login without a word
                // to us.
                Some(session) => {
                    let current = match known.entry(client.id.clone()) {
                        Entry::Occupied(known) => known.into_mut(),
                        Entry::Vacant(new) => new.insert(hub.sessions().current_in(tx, session)?),
                    };
                    if current.is_none() {
                        hub.cut(client);
                        done += 1;
                        continue;
                    }
                    current.clone()
                }
            };
            let mut of_client = Vec::new();
            let mut bytes = 0;
            if judged_bytes > REMEMBERED {
                judged.clear();
                judged_bytes = 0;
            }
            for subscription in state.subscriptions.iter() {
                let Some(rule) = subscription.rule(&collection, record) else {
                    continue;
                };
                // Many small questions take long too.
                if Instant::now() > until {
                    return Err(Error::new(ErrorKind::Unavailable, "It takes too long."));
                }
                meter.begin();
                let judged = match judged.entry(Judged::new(auth.as_deref(), subscription, rule)) {
                    Entry::Occupied(known) => known.into_mut(),
                    Entry::Vacant(new) => {
                        let told = event.told(auth.as_ref(), subscription, rule.as_deref())?;
                        let told = told.map(|text| hub.payload(text));
                        judged_bytes += told.as_ref().map_or(0, |told| told.len());
                        new.insert(told)
                    }
                };
                if let Some(data) = judged {
                    let (name, data) = (subscription.name.clone(), data.clone());
                    let message = Message { name, data };
                    bytes += message.size();
                    of_client.push(message);
                }
                if bytes > BYTES && of_client.len() > 1 {
                    // More than may wait for it, by this one change.
                    break;
                }
            }
            if bytes > BYTES && of_client.len() > 1 {
                hub.abandon(client);
            } else if !of_client.is_empty() {
                tell(client, of_client);
            }
            done += 1;
        }
        Ok(())
    });
    outcome.map_err(|error| (done.min(clients.len().saturating_sub(1)), error))
}

/// All that what a subscriber is told depends on, beside the record itself.
#[derive(PartialEq, Eq, Hash)]
struct Judged<'a> {
    auth: Option<(String, String)>,
    rule: Option<&'a str>,
    parameters: &'a str,
}

impl<'a> Judged<'a> {
    fn new(auth: Option<&Record>, subscription: &'a Subscription, rule: &'a Option<String>) -> Self {
        Self {
            auth: auth.map(|auth| (auth.collection.id.clone(), auth.id().to_owned())),
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
    /// Whether the stored record is still the one that the event is about.
    unchanged: OnceCell<bool>,
}

impl Event<'_> {
    /// The message's data, or `None` where the subscriber may not know.
    fn told(
        &self,
        auth: Option<&Arc<Record>>,
        subscription: &Subscription,
        rule: Option<&str>,
    ) -> Result<Option<String>> {
        let caller = Caller {
            auth: auth.cloned(),
            method: "GET".to_owned(),
            query: subscription.query.clone(),
            headers: subscription.headers.clone().into(),
            ..Caller::default()
        };
        if !self.admits(rule, &caller, subscription.option("filter"))? {
            return Ok(None);
        }
        let shown = records::present_in(
            self.tx,
            std::slice::from_ref(self.record),
            &caller,
            subscription.option("expand"),
            &Wanted::parse(subscription.option("fields")),
        )?;
        let mut shown = Value::Object(shown.into_iter().next().unwrap_or_default());
        let wanted = subscription.option("fields");
        if !wanted.is_empty() {
            shown = fields::pick(shown, wanted);
        }
        let data = json!({"action": self.action.name(), "record": shown});
        Ok(Some(data.to_string()))
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
            // The record has moved on. The event tells how it was, so the rule has to admit how it was: that a later
            // state is public does not make an earlier one so.
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
