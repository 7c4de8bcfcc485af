//! An upload written as a stream: in memory while it is short, in parts from then on.

use std::collections::VecDeque;
use std::io::{self, Write};
use std::time::{Duration, Instant};

use bytes::Bytes;
use jiff::Timestamp;
use object_store::multipart::{MultipartStore as _, PartId};
use object_store::{ObjectStore as _, PutMultipartOptions, PutPayload, PutResult};

use crate::bucket::{Bucket, Label, Object, Patience, attributes, path, persistently, put_options, within};
use crate::error::{Error, ErrorKind, Result};
use crate::parts::{LEAST, MOST, PartSizes};
use crate::runtime::Pending;
use crate::spare::Spare;

/// Parts that are on their way at a time; one more is being filled.
const IN_FLIGHT: usize = 2;

/// How long is waited before a completion that failed is tried again.
const PAUSES: [Duration; 6] = [
    Duration::from_millis(200),
    Duration::from_secs(1),
    Duration::from_secs(3),
    Duration::from_secs(10),
    Duration::from_secs(20),
    Duration::from_secs(30),
];

/// Somebody who remembers which multipart uploads were begun, so that those which a crash leaves can be given up.
pub trait Ledger: Send {
    /// Called right before the provider is asked to begin one.
    ///
    /// # Errors
    /// Where it can't be remembered; then it is not begun.
    fn starting(&mut self) -> io::Result<()>;

    /// Called with the provider's name for it.
    ///
    /// # Errors
    /// Where it can't be remembered; then it is given up.
    fn started(&mut self, upload_id: &str) -> io::Result<()>;
}

/// An object on its way into the bucket. It is not there until [`Upload::finish`] returned; dropped before, it never
/// is.
pub struct Upload {
    bucket: Bucket,
    key: String,
    label: Label,
    /// Tells our object from one that somebody else put there meanwhile, also when an answer got lost.
    mark: String,
    expected: Option<u64>,
    sizes: PartSizes,
    ledger: Option<Box<dyn Ledger>>,
    buffer: Vec<u8>,
    spare: Spare,
    id: Option<String>,
    sent: VecDeque<Pending<PartId>>,
    parts: Vec<PartId>,
    written: u64,
}

impl Upload {
    pub(crate) fn new(bucket: Bucket, key: &str, expected: Option<u64>, label: &Label) -> Self {
        Self {
            bucket,
            key: key.to_owned(),
            label: label.clone(),
            mark: format!("{:032x}", rand::random::<u128>()),
            expected,
            sizes: PartSizes::new(expected),
            ledger: None,
            buffer: Vec::new(),
            spare: Spare::default(),
            id: None,
            sent: VecDeque::new(),
            parts: Vec::new(),
            written: 0,
        }
    }

    /// Tells `ledger` of the multipart upload, if it becomes one.
    pub fn keep_in(&mut self, ledger: Box<dyn Ledger>) {
        self.ledger = Some(ledger);
    }

    /// Makes it a multipart upload however short it is.
    ///
    /// # Errors
    /// [`ErrorKind::Denied`], [`ErrorKind::Failed`].
    pub fn in_parts(&mut self) -> Result<()> {
        self.begun().map(drop)
    }

    /// Bytes written so far.
    #[must_use]
    pub fn written(&self) -> u64 {
        self.written
    }

    /// Puts it in the bucket: durable and whole when it returns. With `creating`, never in place of another.
    ///
    /// A provider that passes over the condition is asked before; two that write the same key to such a provider within
    /// the same moment are told apart afterwards, and one of them fails.
    ///
    /// # Errors
    /// [`ErrorKind::AlreadyExists`]; [`ErrorKind::Denied`], [`ErrorKind::Failed`].
    pub fn finish(&mut self, creating: bool) -> Result<Object> {
        let finished = self.complete(creating);
        if finished.is_ok() {
            self.id = None;
        }
        let attempted = format!("uploading {}", self.key);
        finished.map_err(|error| error.while_(&attempted))
    }

    /// Gives it up; its parts are removed.
    ///
    /// # Errors
    /// [`ErrorKind::Denied`], [`ErrorKind::Failed`]: parts may be left.
    pub fn give_up(mut self) -> Result<()> {
        self.abort()
    }

    fn abort(&mut self) -> Result<()> {
        self.sent.clear();
        match self.id.take() {
            Some(id) => self.bucket.abort(&self.key, &id),
            None => Ok(()),
        }
    }

    fn complete(&mut self, creating: bool) -> Result<Object> {
        if self.id.is_some() && (!self.buffer.is_empty() || self.parts.is_empty()) {
            self.send_part()?;
        }
        while let Some(part) = self.sent.pop_front() {
            self.parts.push(part.wait()?);
        }
        // The provider may take a minute for the rest.
        self.spare = Spare::default();
        if creating {
            match self.bucket.head(&self.key) {
                Ok(_) => return Err(taken()),
                Err(error) if error.kind() == ErrorKind::NotFound => {}
                Err(error) => return Err(error),
            }
        }
        // Empty where it went in parts.
        let whole = Bytes::from(std::mem::take(&mut self.buffer));
        let (outcome, seen) = self.insist(creating, &whole);
        match (outcome, seen) {
            (_, Ok(object)) if object.mark == self.mark && object.size == self.written => Ok(object),
            // Not every provider keeps marks; what it answered to us names the object then.
            (Ok(put), Ok(object))
                if object.mark.is_empty() && object.size == self.written && matches(&put, &object) =>
            {
                Ok(object)
            }
            (Ok(put), Err(error)) if error.kind() == ErrorKind::NotFound => Ok(self.as_told(put)),
            (Ok(_), Ok(_)) => Err(taken()),
            (Ok(_), Err(error)) => Err(error),
            (Err(error), Ok(_)) if creating && is_conflict(&error) => Err(taken()),
            (Err(error), _) => Err(error),
        }
    }

    /// Asks for it to be there until it is, or until asking again makes no sense; with what is seen there then.
    fn insist(&self, creating: bool, whole: &Bytes) -> (Result<PutResult>, Result<Object>) {
        let tries = match self.bucket.inner.patience {
            Patience::Work => PAUSES.len(),
            Patience::Answer => 1,
        };
        let (mut creating, mut pauses) = (creating, PAUSES.iter().take(tries));
        // All tries together.
        let limit = self.bucket.inner.patience.limit(self.written);
        let begun = Instant::now();
        loop {
            let left = limit.map(|limit| limit.saturating_sub(begun.elapsed()));
            let outcome = self.publish(creating, whole.clone(), left);
            let is_over = limit.is_some_and(|limit| begun.elapsed() >= limit);
            let outcome = match outcome {
                // Nobody waits for a look at what came of it.
                Err(error) if is_over => return (Err(error.clone()), Err(error)),
                outcome => outcome,
            };
            if creating
                && outcome
                    .as_ref()
                    .is_err_and(|error| error.kind() == ErrorKind::Unsupported)
            {
                // A provider that does not know the condition was asked without it, a moment ago.
                creating = false;
                continue;
            }
            let seen = self.bucket.head(&self.key);
            let came_through = seen.as_ref().is_ok_and(|object| object.mark == self.mark);
            match (&outcome, pauses.next()) {
                (Err(error), Some(pause)) if error.is_passing() && !came_through && self.bucket.rest(*pause) => {}
                _ => return (outcome, seen),
            }
        }
    }

    /// Asks once for it to be there, for `limit` at most.
    fn publish(&self, creating: bool, whole: Bytes, limit: Option<Duration>) -> Result<PutResult> {
        let (bucket, path) = (self.bucket.clone(), path(&self.key)?);
        if let Some(id) = self.id.clone() {
            let parts = self.parts.clone();
            self.bucket.run(async move {
                let inner = &bucket.inner;
                let store = if creating { &inner.creating } else { &inner.completing };
                within(limit, async { Ok(store.complete_multipart(&path, &id, parts).await?) }).await
            })
        } else {
            let options = put_options(&self.label, &self.mark, creating);
            let payload = PutPayload::from(whole);
            self.bucket.run(async move {
                let put = async { Ok(bucket.inner.completing.put_opts(&path, payload, options).await?) };
                within(limit, put).await
            })
        }
    }

    /// The object as the answer to its upload describes it, for a provider that takes a while to show it.
    fn as_told(&self, put: PutResult) -> Object {
        Object {
            key: self.key.clone(),
            size: self.written,
            modified: Timestamp::now(),
            etag: put.e_tag.unwrap_or_default(),
            content_type: self.label.content_type.clone(),
            original_name: self.label.original_name.clone(),
            mark: self.mark.clone(),
        }
    }

    fn capacity(&self) -> usize {
        let index = (self.parts.len() + self.sent.len()) as u64;
        usize::try_from(self.sizes.of(index)).unwrap_or(usize::MAX)
    }

    /// Makes the buffer as long as a part, where it is clear that there will be one. How much will come may be an
    /// invention of the client: for that alone no more is taken than for the shortest part.
    fn make_room(&mut self, capacity: usize) {
        let has_sent = !self.parts.is_empty() || !self.sent.is_empty();
        let sure = match self.expected {
            _ if has_sent => capacity,
            Some(expected) if expected >= LEAST => capacity.min(LEAST as usize),
            _ => 0,
        };
        if self.buffer.capacity() < sure {
            let begun = std::mem::replace(&mut self.buffer, self.spare.take(sure));
            self.buffer.extend_from_slice(&begun);
        }
    }

    /// Sends what is in the buffer as the next part.
    fn send_part(&mut self) -> Result<()> {
        let id = self.begun()?;
        let index = self.parts.len() + self.sent.len();
        if index as u64 >= MOST {
            return Err(Error::new(
                ErrorKind::Unsupported,
                "the upload is longer than 10,000 parts",
            ));
        }
        while self.sent.len() >= IN_FLIGHT
            && let Some(part) = self.sent.pop_front()
        {
            self.parts.push(part.wait()?);
        }
        let payload = PutPayload::from(self.spare.lend(std::mem::take(&mut self.buffer)));
        let (bucket, path) = (self.bucket.clone(), path(&self.key)?);
        self.sent.push_back(self.bucket.start(async move {
            let put = || async { Ok(bucket.inner.store.put_part(&path, &id, index, payload.clone()).await?) };
            // Another part may be on its way beside it.
            let len = IN_FLIGHT * payload.content_length();
            bucket.in_time_for(len as u64, persistently(put)).await
        })?);
        Ok(())
    }

    fn begun(&mut self) -> Result<String> {
        if let Some(id) = &self.id {
            return Ok(id.clone());
        }
        let unremembered = |error: io::Error| Error::new(ErrorKind::Failed, format!("remembering the upload: {error}"));
        if let Some(ledger) = &mut self.ledger {
            ledger.starting().map_err(unremembered)?;
        }
        let (bucket, path) = (self.bucket.clone(), path(&self.key)?);
        let attributes = attributes(&self.label, &self.mark);
        let id = self.bucket.run(async move {
            let begin = || async {
                let options = PutMultipartOptions::from(attributes.clone());
                Ok(bucket.inner.store.create_multipart_opts(&path, options).await?)
            };
            bucket.in_time_for(0, persistently(begin)).await
        })?;
        self.id = Some(id.clone());
        if let Some(ledger) = &mut self.ledger {
            ledger.started(&id).map_err(unremembered)?;
        }
        Ok(id)
    }
}

impl Write for Upload {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let capacity = self.capacity();
        if self.buffer.len() >= capacity {
            self.send_part()?;
        }
        let capacity = self.capacity();
        self.make_room(capacity);
        let taken = bytes.len().min(capacity - self.buffer.len());
        self.buffer.extend_from_slice(&bytes[..taken]);
        self.written += taken as u64;
        Ok(taken)
    }

    /// Sends nothing: a part is sent when it is full.
    fn flush(&mut self) -> io::Result<()> {
        Ok(())
    }
}

impl Drop for Upload {
    fn drop(&mut self) {
        if let Err(error) = self.abort() {
            tracing::warn!(%error, "parts of an upload could not be removed yet");
        }
    }
}

fn taken() -> Error {
    Error::new(ErrorKind::AlreadyExists, "there is such an object already")
}

fn is_conflict(error: &Error) -> bool {
    matches!(error.kind(), ErrorKind::AlreadyExists | ErrorKind::Replaced)
}

fn matches(put: &PutResult, object: &Object) -> bool {
    put.e_tag
        .as_deref()
        .is_none_or(|etag| etag.trim_matches('"') == object.etag.trim_matches('"'))
}
