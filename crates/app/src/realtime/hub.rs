//! All open event streams, and the ways in which something is said on them.

use std::collections::HashMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use parking_lot::RwLock;

use bosbase_store::{Gone, Record, Store, random_text};
use serde_json::Value;

use super::broadcast;
use super::client::{Client, ClientState, Message, Subscriber};
use super::payload::{Alive, Payload};
use super::queue::{Job, Queue};
use super::topic::Subscription;
use super::{BACKUPS_TOPIC, OAUTH2_TOPIC};
use crate::auth::Sessions;
use crate::caller::Caller;
use crate::error::{Error, ErrorKind, FieldErrors, Result};
use crate::memory::Held;
use crate::oauth2::Returned;
use crate::records::{Audience, Farewell, RecordAction};

const ID_ALPHABET: &[u8] = b"abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789";
/// The limits on what one client may ask for, PocketBase's.
const MAX_ID: usize = 255;
const MAX_SUBSCRIPTIONS: usize = 1000;
const MAX_NAME: usize = 2500;
/// How much memory the subscriptions of all clients take at the most, in bytes.
const MOST_SUBSCRIBED: usize = 64 << 20;
/// How many bytes wait to be heard by anybody, at the most.
const MOST_ALIVE: usize = 64 << 20;
/// How long all of a deletion may take to find out who is to be told: the client that deletes waits for it.
const DELETE_PATIENCE: Duration = Duration::from_millis(500);

/// All open event streams. Clones share them.
#[derive(Clone)]
pub struct Hub {
    inner: Arc<Inner>,
}

struct Inner {
    store: Store,
    sessions: Sessions,
    clients: RwLock<HashMap<String, Arc<Client>>>,
    queue: Queue,
    /// What anybody has yet to hear.
    alive: Alive,
    /// Bytes of all subscriptions.
    subscribed: AtomicUsize,
}

/// A record that is about to be deleted, and who is to be told what.
type Expected = (Record, Vec<(Arc<Client>, Message)>);

/// What is to be said of records that are about to be deleted, decided while they, and what the rules look at, are
/// still there.
struct PreparedDelete {
    hub: Hub,
    /// Each with whom to tell what, by the id of its collection and its own.
    expected: HashMap<(String, String), Expected>,
}

impl Farewell for PreparedDelete {
    fn deleted(mut self: Box<Self>, records: Vec<Record>) {
        if self.hub.is_idle() {
            return;
        }
        let mut messages = Vec::new();
        let mut late = Vec::new();
        let mut accounts = Vec::new();
        for record in records {
            if record.collection.is_auth() {
                accounts.push(record.clone());
            }
            let key = (record.collection.id.clone(), record.id().to_owned());
            match self.expected.remove(&key) {
                Some((expected, told)) if expected.values == record.values => messages.extend(told),
                // It went along, or became what it was, after the others were judged.
                _ => late.push(record),
            }
        }
        if messages.is_empty() && late.is_empty() && accounts.is_empty() {
            return;
        }
        self.hub.enqueue(Job::Deleted {
            hub: self.hub.clone(),
            messages,
            late,
            accounts,
        });
    }
}

impl Audience for Hub {
    fn is_listening(&self) -> bool {
        !self.is_idle()
    }

    fn saved(&self, action: RecordAction, record: &Record) {
        if self.is_idle() {
            return;
        }
        self.enqueue(Job::Saved {
            hub: self.clone(),
            action,
            record: record.clone(),
        });
    }

    fn before_deletion(&self, records: Vec<Record>) -> Box<dyn Farewell> {
        let clients = self.clients();
        let until = Instant::now() + DELETE_PATIENCE;
        let mut known = broadcast::Known::new();
        let expected = records.into_iter().map(|record| {
            let told = broadcast::of_deletion(self, &clients, &record, until, &mut known);
            let key = (record.collection.id.clone(), record.id().to_owned());
            (key, (record, told))
        });
        Box::new(PreparedDelete {
            hub: self.clone(),
            expected: expected.collect(),
        })
    }
}

impl Hub {
    /// A hub without streams, which asks `store` who may know what, and `sessions` whose login still stands.
    pub(crate) fn new(store: Store, sessions: Sessions) -> Self {
        Self {
            inner: Arc::new(Inner {
                store,
                sessions,
                clients: RwLock::default(),
                queue: Queue::default(),
                alive: Alive::default(),
                subscribed: AtomicUsize::new(0),
            }),
        }
    }

    pub(super) fn store(&self) -> &Store {
        &self.inner.store
    }

    pub(super) fn sessions(&self) -> &Sessions {
        &self.inner.sessions
    }

    /// Opens an event stream of `caller` that is subscribed to nothing yet and nobody's.
    #[must_use]
    pub fn connect(&self, caller: &Caller) -> Subscriber {
        let client = Client::new(random_text(40, ID_ALPHABET), caller.client());
        self.inner.clients.write().insert(client.id.clone(), client.clone());
        Subscriber {
            hub: self.clone(),
            client,
        }
    }

    /// Replaces what the client `id` is subscribed to, at the request of the same address. An account that was logged
    /// in when it subscribed before has to be now.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::NotFound`] where no such stream is open, [`ErrorKind::Forbidden`] for somebody else's stream, for
    /// topics that only superusers may follow and for an account that its collection's `authRule` does not let in any
    /// more, [`ErrorKind::Invalid`] for a stream that another address opened and for more, or longer, names than are
    /// accepted, [`ErrorKind::Unavailable`] where those of all clients take too much memory.
    pub fn subscribe(&self, id: &str, names: &[String], caller: &Caller) -> Result<()> {
        validate(id, names)?;
        let client = self
            .inner
            .clients
            .read()
            .get(id)
            .cloned()
            .ok_or_else(|| Error::new(ErrorKind::NotFound, "Missing or invalid client id."))?;
        if client.place != caller.client() {
            // A name that was overheard is of no use elsewhere.
            return Err(Error::invalid("Invalid realtime client."));
        }
        let auth = caller.auth.as_ref();
        if auth.is_some() && self.sessions().current(caller)?.is_none() {
            return Err(Error::new(
                ErrorKind::Forbidden,
                "The account is not allowed to log in any more.",
            ));
        }
        let subscriptions: Vec<Subscription> = names.iter().map(|name| Subscription::parse(name)).collect();
        let mut state = client.lock_state();
        if let Some(before) = state.session.as_ref().and_then(|session| session.auth.as_ref())
            && !auth.is_some_and(|auth| is_same(before, auth))
        {
            return Err(Error::new(
                ErrorKind::Forbidden,
                "The current and the previous request authorization don't match.",
            ));
        }
        let reserved = subscriptions.iter().any(|one| one.topic == BACKUPS_TOPIC);
        if reserved && !auth.is_some_and(|auth| auth.collection.is_superusers()) {
            return Err(Error::forbidden());
        }
        let bytes = subscriptions.iter().map(Subscription::size).sum();
        let before = state.subscribed_bytes;
        let all = self.inner.subscribed.fetch_add(bytes, Ordering::Relaxed) + bytes;
        if bytes > before && all - before > MOST_SUBSCRIBED {
            self.inner.subscribed.fetch_sub(bytes, Ordering::Relaxed);
            let text = "The server holds as many subscriptions as it can; subscribe to fewer or try again later.";
            return Err(Error::new(ErrorKind::Unavailable, text));
        }
        self.inner.subscribed.fetch_sub(before, Ordering::Relaxed);
        state.subscribed_bytes = bytes;
        // What the request itself holds ends with it.
        state.session = auth.map(|_| {
            Arc::new(Caller {
                held: Held::default(),
                gone: Gone::default(),
                ..caller.clone()
            })
        });
        state.subscriptions = Arc::new(subscriptions);
        Ok(())
    }

    /// Tells the superusers that follow the system topic `topic`. Waits for the database at most two seconds a client.
    pub fn publish(&self, topic: &str, message: &Value) {
        if self.is_idle() {
            return;
        }
        let data = self.payload(message.to_string());
        for client in self.clients() {
            let state = client.state();
            let names: Vec<&Arc<str>> = state
                .subscriptions
                .iter()
                .filter(|one| one.topic == topic)
                .map(|one| &one.name)
                .collect();
            let Some(session) = state.session.as_ref().filter(|_| !names.is_empty()) else {
                continue;
            };
            // A login that has ended, or that can't be asked about, hears nothing more; its client connects anew.
            let current = self.sessions().current(session);
            if !matches!(current, Ok(Some(account)) if account.collection.is_superusers()) {
                self.cut(&client);
                continue;
            }
            for name in names {
                let (name, data) = (name.clone(), data.clone());
                self.deliver(&client, Message { name, data });
            }
        }
    }

    /// Whether the stream `id` waits for somebody to come back from a provider (the topic `@oauth2`).
    #[must_use]
    pub fn expects_return(&self, id: &str) -> bool {
        let client = self.inner.clients.read().get(id).cloned();
        client.is_some_and(|client| client.has_topic(OAUTH2_TOPIC))
    }

    /// Tells the stream that `returned.state` names what somebody brings back from a provider, once for each time that
    /// it asked for it (the topic `@oauth2`). Whether there is such a stream.
    pub fn hand_over(&self, returned: &Returned) -> bool {
        let client = self.inner.clients.read().get(&returned.state).cloned();
        let Some(client) = client.filter(|client| client.forget_topic(OAUTH2_TOPIC)) else {
            return false;
        };
        let mut told = serde_json::json!({"state": returned.state, "code": returned.code});
        if !returned.error.is_empty() {
            told["error"] = returned.error.clone().into();
        }
        let data = self.payload(told.to_string());
        let name = OAUTH2_TOPIC.into();
        self.deliver(&client, Message { name, data });
        true
    }

    pub(super) fn clients(&self) -> Vec<Arc<Client>> {
        let clients = self.inner.clients.read();
        clients.values().cloned().collect()
    }

    pub(super) fn deliver(&self, client: &Client, message: Message) {
        if !client.send(message) {
            self.abandon(client);
        }
    }

    /// Ends the stream of a client that does not keep up, and forgets what waits for it.
    pub(super) fn abandon(&self, client: &Client) {
        tracing::debug!(client = client.id, "an event stream that does not keep up is cut");
        client.abandon();
        self.forget(&client.id);
    }

    /// Counts what is to be told.
    pub(super) fn payload(&self, text: String) -> Arc<Payload> {
        Payload::new(text, &self.inner.alive)
    }

    /// Whether more waits to be heard than may.
    pub(super) fn is_full(&self) -> bool {
        self.inner.alive.bytes() > MOST_ALIVE
    }

    /// Ends the streams for which the most waits until no more does than may.
    pub(super) fn make_room(&self) {
        while self.is_full() {
            let clients = self.clients();
            let Some(slowest) = clients.iter().max_by_key(|client| client.waiting_bytes()) else {
                return;
            };
            if slowest.waiting_bytes() == 0 {
                return;
            }
            self.abandon(slowest);
        }
    }

    /// Ends a client's stream; it connects anew, with the token that it has by then.
    pub(super) fn cut(&self, client: &Client) {
        client.cut();
        self.forget(&client.id);
    }

    pub(super) fn forget(&self, id: &str) {
        let mut clients = self.inner.clients.write();
        let Some(client) = clients.remove(id) else { return };
        drop(clients);
        let mut state = client.lock_state();
        self.inner
            .subscribed
            .fetch_sub(state.subscribed_bytes, Ordering::Relaxed);
        *state = ClientState::default();
    }

    /// Ends the streams of an account whose tokens died with a new password.
    pub(super) fn account_changed(&self, account: &Record) {
        for client in self.streams_of(account) {
            let session = client.state().session;
            let before = session.as_ref().and_then(|session| session.auth.as_ref());
            if before.is_some_and(|before| before.text("tokenKey") != account.text("tokenKey")) {
                self.cut(&client);
            }
        }
    }

    /// Streams of an account that is gone carry on as nobody's.
    pub(super) fn account_gone(&self, account: &Record) {
        for client in self.streams_of(account) {
            client.lock_state().session = None;
        }
    }

    fn streams_of(&self, account: &Record) -> Vec<Arc<Client>> {
        let mut clients = self.clients();
        clients.retain(|client| {
            let session = client.state().session;
            let owner = session.as_ref().and_then(|session| session.auth.as_ref());
            owner.is_some_and(|owner| is_same(owner, account))
        });
        clients
    }

    fn is_idle(&self) -> bool {
        let clients = self.inner.clients.read();
        clients.is_empty()
    }

    fn enqueue(&self, job: Job) {
        if !self.inner.queue.push(job) {
            // Somebody would miss something without knowing. Cut off, all know, and ask again.
            tracing::warn!("changes come faster than subscribers can be told: all event streams are cut");
            for client in self.clients() {
                self.cut(&client);
            }
        }
    }
}

fn is_same(one: &Record, other: &Record) -> bool {
    one.id() == other.id() && one.collection.id == other.collection.id
}

fn validate(id: &str, names: &[String]) -> Result<()> {
    let mut errors = FieldErrors::new();
    if id.is_empty() {
        errors.add_required("clientId");
    } else if id.len() > MAX_ID {
        errors.add_length("clientId", 1, MAX_ID);
    }
    if names.len() > MAX_SUBSCRIPTIONS {
        errors.add_max_length("subscriptions", MAX_SUBSCRIPTIONS);
    } else {
        let mut each = FieldErrors::new();
        for (index, name) in names.iter().enumerate() {
            if name.len() > MAX_NAME {
                each.add_max_length(&index.to_string(), MAX_NAME);
            } else if name.contains(char::is_control) {
                // It becomes a line of the event stream.
                each.add(
                    &index.to_string(),
                    "validation_match_invalid",
                    "Must not contain control characters.",
                );
            }
        }
        errors.nest("subscriptions", each);
    }
    errors.into_result("Something went wrong while processing your request.")
}
