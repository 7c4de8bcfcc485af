//! How much an answer reads and shows: what is large has its share of the memory, and the largest is refused.

use std::cell::{Cell, RefCell};

use bosbase_store::Meter;
use bosbase_store::at_once::{self, Missed};

use crate::error::{Error, Result};
use crate::memory::{Held, Memory, SMALL};

/// What an answer may read without being counted, in bytes. So much of each thread that may wait, of which there are
/// hundreds.
const FREE: usize = 128 << 10;
/// What it may read with a small share, in bytes.
const MIDDLING: usize = 4 << 20;
/// What it may read on a thread that must not wait, in bytes: more takes long to write.
const PROMPT: usize = 512 << 10;
/// What it may read at the most, in bytes.
const MOST: usize = 64 << 20;
/// What it takes then: as it was read, as it is shown, as it is sent.
const WEIGHT: usize = 160 << 20;
/// What the answers of a batch may read and hold at the most, in bytes: what was sent, twice, and a little more.
const MOST_OF_BATCH: usize = 96 << 20;
/// What a message may read at the most, in bytes.
const MOST_OF_MESSAGE: usize = 16 << 20;

/// Counts what an answer reads, and what it shows more than once.
pub(crate) struct AnswerMeter<'a> {
    memory: &'a Memory,
    held: &'a Held,
    /// All that was read.
    bytes: Cell<usize>,
    /// What of it is in memory.
    in_memory: Cell<usize>,
    has_small: Cell<bool>,
    has_large: Cell<bool>,
    refused: RefCell<Option<Error>>,
}

impl<'a> AnswerMeter<'a> {
    /// Shares that the answer takes are held by `held`.
    pub(crate) fn new(memory: &'a Memory, held: &'a Held) -> Self {
        Self {
            memory,
            held,
            bytes: Cell::new(0),
            in_memory: Cell::new(0),
            has_small: Cell::new(false),
            has_large: Cell::new(false),
            refused: RefCell::default(),
        }
    }

    /// What `read` yielded; that there was no room is told before what came of it.
    pub(crate) fn finish<T>(self, read: Result<T>) -> Result<T> {
        match self.refused.into_inner() {
            Some(refused) => Err(refused),
            None => read,
        }
    }
}

impl Meter for AnswerMeter<'_> {
    fn add(&self, bytes: usize) -> bool {
        let all = self.bytes.get().saturating_add(bytes);
        self.bytes.set(all);
        if all > PROMPT && at_once::is_wanted() {
            at_once::miss(Missed::TooMuch);
            return false;
        }
        let in_memory = self.in_memory.get().saturating_add(bytes);
        self.in_memory.set(in_memory);
        if let Err(error) = self.take_share(in_memory) {
            *self.refused.borrow_mut() = Some(error);
            return false;
        }
        all <= MOST && self.refused.borrow().is_none()
    }
}

impl AnswerMeter<'_> {
    /// What was read so far is no more in memory.
    pub(super) fn put_aside(&self) {
        self.in_memory.set(0);
    }

    /// Has the share that it takes to hold so many bytes. A request that has a share for its body waits for no other:
    /// it might wait for itself.
    fn take_share(&self, bytes: usize) -> Result<()> {
        if bytes > MIDDLING && bytes <= MOST && !self.has_large.replace(true) && !self.held.has_large() {
            // Nobody waits while it has a part.
            self.held.release_small();
            self.held.hold(Some(self.memory.share_blocking(WEIGHT)?));
        } else if bytes > FREE && bytes <= MIDDLING && !self.has_small.replace(true) && self.held.is_empty() {
            // Reads at once are short, and there are few of them.
            if !at_once::is_wanted() {
                self.held.hold_small(self.memory.small_share_blocking()?);
            }
        }
        Ok(())
    }
}

/// What share of the memory a request has, or lacks.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Room {
    #[default]
    None,
    Small,
    Large,
}

impl Room {
    /// What `held` has. The share of a body counts as what it is large enough for.
    pub(super) fn of(held: &Held) -> Self {
        match held.bytes() {
            WEIGHT.. => Self::Large,
            SMALL.. => Self::Small,
            _ => Self::None,
        }
    }

    /// Waits for this much, in place of what `held` has; a body keeps its share.
    ///
    /// # Errors
    ///
    /// [`crate::ErrorKind::Unavailable`] where there is none within thirty seconds.
    pub(super) fn take(self, memory: &Memory, held: &Held) -> Result<()> {
        match self {
            Self::None => {}
            Self::Small => held.hold_small(memory.small_share_blocking()?),
            Self::Large => {
                // Nobody waits while it has a part.
                held.release_small();
                let share = match held.has_large() {
                    true => memory.share_beside_a_body_blocking()?,
                    false => memory.share_blocking(WEIGHT)?,
                };
                held.hold(Some(share));
            }
        }
        Ok(())
    }
}

/// Counts what the answers of a batch read and hold, within a write: there it waits for no share, but says which one
/// the batch has to have.
pub(super) struct BatchMeter {
    bytes: Cell<usize>,
    room: Room,
    lacks: Cell<Room>,
}

impl BatchMeter {
    /// For a batch that has this much.
    pub(super) fn new(room: Room) -> Self {
        Self {
            bytes: Cell::new(0),
            room,
            lacks: Cell::default(),
        }
    }

    /// The share that the batch has to have and has not.
    pub(super) fn lacks(&self) -> Room {
        self.lacks.get()
    }
}

impl Meter for BatchMeter {
    fn add(&self, bytes: usize) -> bool {
        let all = self.bytes.get().saturating_add(bytes);
        self.bytes.set(all);
        let wanted = if all > MIDDLING {
            Room::Large
        } else if all > FREE {
            Room::Small
        } else {
            Room::None
        };
        if wanted > self.room {
            self.lacks.set(wanted);
        }
        // One write runs at a time, so that what a small share is for may be read without one, to find out what else is
        // lacking.
        all <= MOST_OF_BATCH && self.lacks.get() < Room::Large
    }
}

/// Counts what one message of an event stream reads after the other.
#[derive(Default)]
pub(crate) struct MessageMeter {
    bytes: Cell<usize>,
}

impl MessageMeter {
    /// The next message begins.
    pub(crate) fn begin(&self) {
        self.bytes.set(0);
    }
}

impl Meter for MessageMeter {
    fn add(&self, bytes: usize) -> bool {
        self.bytes.set(self.bytes.get().saturating_add(bytes));
        self.bytes.get() <= MOST_OF_MESSAGE
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_large_has_a_share_and_what_is_larger_is_refused() {
        let (memory, held) = (Memory::default(), Held::default());
        let meter = AnswerMeter::new(&memory, &held);
        assert!(meter.add(FREE));
        assert!(held.is_empty());
        assert!(meter.add(1));
        assert!(!held.is_empty() && !held.has_large());
        assert!(meter.add(MIDDLING));
        assert!(held.has_large());
        assert!(!meter.add(MOST));
    }

    /// A large body was answered after thirty seconds with 503: its answer waited for the share that the body had.
    #[test]
    fn a_request_that_has_a_share_takes_no_other() {
        let (memory, held) = (Memory::default(), Held::default());
        held.hold(Some(memory.share_blocking(crate::memory::ALL).unwrap()));
        assert!(AnswerMeter::new(&memory, &held).add(MOST));
    }

    /// A long list that goes to a file piece by piece kept all other large answers waiting.
    #[test]
    fn what_is_put_aside_takes_no_large_share() {
        let (memory, held) = (Memory::default(), Held::default());
        let meter = AnswerMeter::new(&memory, &held);
        for _ in 0..MOST / MIDDLING {
            assert!(meter.add(MIDDLING));
            meter.put_aside();
        }
        assert!(!held.is_empty() && !held.has_large());
        assert!(!meter.add(1), "an answer has an end");
    }

    /// It would wait within a write, and every other write for it.
    #[test]
    fn a_batch_says_which_share_it_lacks_and_waits_for_none() {
        let meter = BatchMeter::new(Room::None);
        assert!(meter.add(FREE) && meter.lacks() == Room::None);
        assert!(meter.add(1) && meter.lacks() == Room::Small);
        assert!(!meter.add(MIDDLING) && meter.lacks() == Room::Large);
        let meter = BatchMeter::new(Room::Small);
        assert!(meter.add(MIDDLING) && meter.lacks() == Room::None);
        assert!(!meter.add(1) && meter.lacks() == Room::Large);
        let meter = BatchMeter::new(Room::Large);
        assert!(meter.add(MOST_OF_BATCH));
        assert!(!meter.add(1) && meter.lacks() == Room::None);
    }

    #[test]
    fn a_batch_s_room_is_what_it_holds() {
        let (memory, held) = (Memory::default(), Held::default());
        for room in [Room::None, Room::Small, Room::Large] {
            room.take(&memory, &held).unwrap();
            assert_eq!(Room::of(&held), room);
        }
    }

    /// Padding of 70 KB excused a batch from the share that its answers take.
    #[test]
    fn the_share_of_a_small_body_is_none_for_large_answers() {
        let memory = Memory::default();
        let (one, other) = (Held::default(), Held::default());
        for held in [&one, &other] {
            held.hold(Some(memory.share_blocking(1 << 20).unwrap()));
            assert_eq!(Room::of(held), Room::None);
            Room::Small.take(&memory, held).unwrap();
            assert_eq!(Room::of(held), Room::Small);
        }
        Room::Large.take(&memory, &one).unwrap();
        assert_eq!(Room::of(&one), Room::Large);
        // One at a time, whatever is free for others.
        memory.share_blocking(WEIGHT).unwrap();
        std::thread::scope(|scope| {
            let waiting = scope.spawn(|| Room::Large.take(&memory, &other));
            std::thread::sleep(std::time::Duration::from_millis(20));
            assert!(!waiting.is_finished());
            one.release();
            waiting.join().unwrap().unwrap();
        });
        assert_eq!(Room::of(&other), Room::Large);
    }

    #[test]
    fn messages_are_counted_one_by_one() {
        let meter = MessageMeter::default();
        assert!(meter.add(MOST_OF_MESSAGE));
        assert!(!meter.add(1));
        meter.begin();
        assert!(meter.add(1));
    }
}
