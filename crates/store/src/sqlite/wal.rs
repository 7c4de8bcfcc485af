//! The write-ahead log of a database, and the only place that moves it into the database file (a checkpoint).
//!
//! SQLite's own checkpoints are off on every connection. The writer asks after it answered a group, pins ask when they
//! end, and a close asks last; each is refused while it would take something from a follower. What SQLite still does by
//! itself: closing the last connection of all processes moves everything and removes the log.
//!
//! The log is used again from its beginning once all of it was moved and nobody reads from it. So a [`WalFollower`]
//! holds that up by holding the move up, and is let down only where the log has grown past the limit that it named.

use std::fs::File;
use std::io::{Read as _, Seek as _, SeekFrom};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, Instant};

use parking_lot::{Condvar, Mutex, MutexGuard};

use bosbase_background::Urgent;
use rusqlite::Connection;

use crate::error::{Error, ErrorKind, Result};
use crate::sqlite::sql::Attempting;

/// Frames (pages of the database) in the log from which on it is moved; what SQLite does where nobody says otherwise.
const MOVED_FROM: u32 = 1_000;
/// Frames from which on the writer waits for followers, a little for each group.
const WAITS_FROM: u32 = 4 * MOVED_FROM;
/// How long it waits then, at most.
const FOLLOWER_PATIENCE: Duration = Duration::from_millis(100);
/// How long a close waits for followers.
const CLOSE_PATIENCE: Duration = Duration::from_secs(2);
/// How long the checkpoint of a close waits for those who read from the log, in milliseconds. A backup that still reads
/// would hold it up for longer; then the log stays, and the next to open goes on with it.
const CLOSE_BUSY: u32 = 500;

/// The write-ahead log of one open database.
pub(crate) struct Wal {
    path: PathBuf,
    state: Mutex<State>,
    changed: Condvar,
}

#[derive(Default)]
struct State {
    /// Frames of committed transactions in the log, as the last commit of this process left it.
    frames: u32,
    /// So many of them were moved into the database file, as far as this process knows.
    moved: u32,
    /// The same for followers, who have to tell one use of the log from the next. Nothing before the first commit that
    /// one hears of.
    committed: Option<WalPosition>,
    pins: usize,
    /// Moves under way that are not the writer's: what they take along, nobody who comes meanwhile could hold.
    moves: usize,
    followers: Vec<Following>,
    next_follower: u64,
}

struct Following {
    id: u64,
    copied: Option<WalPosition>,
    /// Frames for which it may hold the log.
    limit: u32,
    is_lost: bool,
}

/// How far the log is committed, or was copied.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub struct WalPosition {
    /// The salts in the header of the log: others each time that it is begun anew
    /// (<https://sqlite.org/fileformat2.html#walformat>).
    pub salts: u64,
    /// Frames from the beginning of the log.
    pub frames: u32,
}

impl Wal {
    /// The log of the database of `connection`, which is the one that writes.
    ///
    /// # Errors
    /// When the connection refuses to tell of its commits.
    pub(super) fn of_writer(connection: &mut Connection) -> Result<Arc<Self>> {
        let mut path = PathBuf::from(connection.path().unwrap_or_default()).into_os_string();
        path.push("-wal");
        let wal = Arc::new(Self {
            path: path.into(),
            state: Mutex::default(),
            changed: Condvar::new(),
        });
        let told = Arc::clone(&wal);
        let hook = move |_: &mut rusqlite::hooks::Wal, frames: std::ffi::c_int| {
            told.commit(frames.unsigned_abs());
            Ok(())
        };
        // A hook takes the place of SQLite's own, which would checkpoint within a commit.
        connection
            .wal_hook(Some(hook))
            .attempting("listening to the write-ahead log")?;
        Ok(wal)
    }

    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock()
    }

    /// A transaction was committed; the log has so many frames now. Runs on the writer's thread, within the commit.
    fn commit(&self, frames: u32) {
        let mut state = self.state();
        if frames <= state.frames {
            // The log was begun anew.
            state.moved = 0;
        }
        state.frames = frames;
        if !state.followers.is_empty() {
            state.committed = salts(&self.path).map(|salts| WalPosition { salts, frames });
            self.changed.notify_all();
        }
    }

    /// Moves the log if it is time. Called by the writer, which has answered everybody and writes nothing meanwhile.
    pub(super) fn after_commit(&self, connection: &Connection) {
        let state = self.state();
        // Of what was written since a pin nothing can be moved; when it ends, it sees to that.
        if state.frames < MOVED_FROM || state.pins > 0 {
            return;
        }
        let patience = match state.frames {
            WAITS_FROM.. => FOLLOWER_PATIENCE,
            _ => Duration::ZERO,
        };
        if self.have_copied(state, patience) {
            // Those who write next wait for it.
            let _urgent = Urgent::begin();
            self.note_moved(move_log(connection));
        }
    }

    /// Whether followers have what is in the log, or come to have it within `patience`. Those for whom it has grown
    /// past their limit are given up.
    fn have_copied(&self, mut state: MutexGuard<'_, State>, patience: Duration) -> bool {
        let began = Instant::now();
        loop {
            let State {
                frames,
                committed,
                followers,
                ..
            } = &mut *state;
            let behind = |following: &Following| !following.is_lost && following.copied != *committed;
            for following in followers.iter_mut().filter(|following| behind(following)) {
                following.is_lost = *frames >= following.limit;
            }
            if !followers.iter().any(behind) {
                return true;
            }
            let left = patience.saturating_sub(began.elapsed());
            if left.is_zero() {
                return false;
            }
            self.changed.wait_for(&mut state, left);
        }
    }

    /// Frames that are still to be moved into the database file. The file of the log may be longer: it is not cut.
    pub(crate) fn unmoved(&self) -> u32 {
        let state = self.state();
        state.frames.saturating_sub(state.moved)
    }

    fn note_moved(&self, moved: Option<u32>) {
        if let Some(moved) = moved {
            let mut state = self.state();
            state.moved = moved.min(state.frames);
        }
    }

    /// Somebody is about to pin the database, and says so with [`Wal::unpin`] when that is over.
    pub(super) fn pin(&self) {
        self.state().pins += 1;
    }

    /// A pin has ended. What was written meanwhile is moved here, on the connection that pinned, so that no writer has
    /// to.
    pub(super) fn unpin(&self, connection: &Connection) {
        let alone = {
            let mut state = self.state();
            state.pins -= 1;
            // Only between two commits is it certain that followers have everything: then the writer does it.
            let alone = state.pins == 0 && state.followers.is_empty();
            state.moves += usize::from(alone);
            alone
        };
        if alone {
            let moved = move_log(connection);
            self.note_moved(moved);
            self.state().moves -= 1;
            self.changed.notify_all();
        }
    }

    /// A follower, who is told of every commit from now on and holds the log up until it has grown to `limit` frames.
    /// What was committed before is in any pin that begins after this. Waits for a move that is under way.
    pub(crate) fn follow(self: &Arc<Self>, limit: u32) -> WalFollower {
        let mut state = self.state();
        while state.moves > 0 {
            self.changed.wait(&mut state);
        }
        state.next_follower += 1;
        let id = state.next_follower;
        let copied = state.committed;
        state.followers.push(Following {
            id,
            copied,
            limit,
            is_lost: false,
        });
        WalFollower {
            wal: Arc::clone(self),
            id,
        }
    }

    /// Moves everything into the database file and closes the connection that wrote, once followers have all of it;
    /// those who don't get there within seconds are given up.
    ///
    /// # Errors
    /// When the checkpoint fails; the connection is closed anyway and nothing committed is lost.
    pub(super) fn close(&self, connection: Connection) -> Result<()> {
        if !self.have_copied(self.state(), CLOSE_PATIENCE) {
            let mut state = self.state();
            let committed = state.committed;
            for following in &mut state.followers {
                following.is_lost |= following.copied != committed;
            }
        }
        connection
            .execute_batch(&format!("PRAGMA busy_timeout={CLOSE_BUSY}"))
            .attempting("checkpointing at close")?;
        close_emptied(connection, "checkpointing at close")
    }
}

/// Moves what can be moved without waiting for anybody, and says how many frames of the log are moved now. One that
/// fails loses nothing: the next does the work.
fn move_log(connection: &Connection) -> Option<u32> {
    // Busy, frames in the log, frames that were moved (https://sqlite.org/pragma.html#pragma_wal_checkpoint).
    let moved = connection.query_row("PRAGMA wal_checkpoint(PASSIVE)", [], |row| row.get::<_, i64>(2));
    match moved {
        Ok(frames) => u32::try_from(frames).ok(),
        Err(error) => {
            tracing::debug!(%error, "the write-ahead log could not be moved");
            None
        }
    }
}

/// Moves the whole log of a database that nobody else uses, and empties it.
///
/// # Errors
/// When it can't be read or written.
pub(super) fn empty(connection: &Connection) -> rusqlite::Result<()> {
    connection.execute_batch("PRAGMA wal_checkpoint(TRUNCATE)")
}

/// As [`empty`], and closes the connection: the log is gone if it was the last one.
///
/// # Errors
/// When it can't be read or written.
pub(super) fn close_emptied(connection: Connection, attempted: &str) -> Result<()> {
    empty(&connection).attempting(attempted)?;
    connection.close().map_err(|(_, error)| error).attempting(attempted)
}

/// The salts in the header of a log; none where there is no log.
#[allow(
    clippy::disallowed_methods,
    reason = "SQLite's own file, read and never written. It has no locks on it that closing it could drop."
)]
fn salts(path: &Path) -> Option<u64> {
    let mut salts = [0; 8];
    let mut file = File::open(path).ok()?;
    file.seek(SeekFrom::Start(16)).ok()?;
    file.read_exact(&mut salts).ok()?;
    Some(u64::from_be_bytes(salts))
}

/// Somebody who copies the log as it grows. Dropped, it holds nothing up any more.
pub struct WalFollower {
    wal: Arc<Wal>,
    id: u64,
}

impl WalFollower {
    /// How far the log is committed, once that is another position than `seen`; blocks for `patience` at most. `None`
    /// where nothing else was committed until then, or nothing at all since it follows.
    #[must_use]
    pub fn wait(&self, seen: Option<WalPosition>, patience: Duration) -> Option<WalPosition> {
        let began = Instant::now();
        let mut state = self.wal.state();
        loop {
            if state.committed.is_some() && state.committed != seen {
                return state.committed;
            }
            let left = patience.saturating_sub(began.elapsed());
            if left.is_zero() {
                return None;
            }
            self.wal.changed.wait_for(&mut state, left);
        }
    }

    /// It has every frame up to `position`.
    ///
    /// # Errors
    /// [`ErrorKind::TimedOut`] when it took so long that the log has grown past its limit: frames may be gone that it
    /// has not seen. What goes on from there is another follower, with a new pin.
    pub fn copied(&self, position: WalPosition) -> Result<()> {
        let mut state = self.wal.state();
        let this = state.followers.iter_mut().find(|following| following.id == self.id);
        if let Some(following) = this {
            if following.is_lost {
                let detail = "the write-ahead log has grown past what a follower may hold up";
                return Err(Error::new(ErrorKind::TimedOut, "following the write-ahead log", detail));
            }
            following.copied = Some(position);
        }
        self.wal.changed.notify_all();
        Ok(())
    }
}

impl Drop for WalFollower {
    fn drop(&mut self) {
        let mut state = self.wal.state();
        state.followers.retain(|following| following.id != self.id);
        if state.followers.is_empty() {
            state.committed = None;
        }
        self.wal.changed.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::sqlite::published::Published;
    use crate::sqlite::snapshot::PinnedDatabase;
    use crate::sqlite::writer::Writer;
    use crate::sqlite::{Access, Role, open};

    const PATIENCE: Duration = Duration::from_secs(20);

    /// A writer of a new database with a table `t`.
    fn writer(dir: &tempfile::TempDir) -> Writer {
        let connection = open(&dir.path().join("t.db"), Role::Writer, Access::Create).unwrap();
        connection.execute_batch("CREATE TABLE t (v)").unwrap();
        Writer::start("test", connection, Published::default()).unwrap()
    }

    /// Writes `frames` pages or some more, and waits until the writer has done what it does after its answer.
    fn write(writer: &Writer, frames: u32) {
        writer
            .run(move |session| {
                session
                    .connection()
                    .execute("INSERT INTO t VALUES (zeroblob(?1))", [frames * 4096])
                    .attempting("inserting")
            })
            .unwrap();
        writer.run(|_| Ok::<_, Error>(())).unwrap();
    }

    /// The frames in the log, and how many of them were moved.
    fn moved(dir: &tempfile::TempDir) -> (u32, u32) {
        let connection = open(&dir.path().join("t.db"), Role::Reader, Access::Existing).unwrap();
        connection
            .query_row("PRAGMA wal_checkpoint(NOOP)", [], |row| Ok((row.get(1)?, row.get(2)?)))
            .unwrap()
    }

    #[test]
    fn no_connection_moves_the_log_by_itself() {
        let dir = tempfile::tempdir().unwrap();
        let path = dir.path().join("t.db");
        let writer = open(&path, Role::Writer, Access::Create).unwrap();
        for role in [Role::Writer, Role::Reader, Role::Pin] {
            let connection = open(&path, role, Access::Existing).unwrap();
            let after: u32 = connection
                .query_row("PRAGMA wal_autocheckpoint", [], |row| row.get(0))
                .unwrap();
            assert_eq!(after, 0, "{role:?}");
        }
        writer
            .execute_batch("CREATE TABLE t (v); INSERT INTO t VALUES (zeroblob(8192000))")
            .unwrap();
        let (frames, moved) = moved(&dir);
        assert!(frames > MOVED_FROM && moved == 0, "{moved} of {frames}");
    }

    #[test]
    fn the_writer_moves_a_long_log_and_leaves_a_short_one() {
        let dir = tempfile::tempdir().unwrap();
        let writer = writer(&dir);
        write(&writer, 10);
        assert_eq!(moved(&dir).1, 0);
        write(&writer, MOVED_FROM);
        let (frames, moved) = moved(&dir);
        assert!(frames > MOVED_FROM && moved == frames, "{moved} of {frames}");
        writer.close().unwrap();
    }

    #[test]
    fn what_was_written_during_a_pin_is_moved_when_it_ends() {
        let dir = tempfile::tempdir().unwrap();
        let writer = writer(&dir);
        let mut pin = PinnedDatabase::open_live(&dir.path().join("t.db"), "t.db", writer.wal()).unwrap();
        pin.pin().unwrap();
        write(&writer, 2 * MOVED_FROM);
        assert_eq!(moved(&dir).1, 0);
        drop(pin);
        let (frames, moved) = moved(&dir);
        assert!(frames > MOVED_FROM && moved == frames, "{moved} of {frames}");
        writer.close().unwrap();
    }

    #[test]
    fn a_follower_is_told_of_every_commit_and_holds_the_log_until_it_has_it() {
        let dir = tempfile::tempdir().unwrap();
        let writer = writer(&dir);
        let follower = writer.wal().follow(u32::MAX);
        assert_eq!(follower.wait(None, Duration::ZERO), None);
        write(&writer, 10);
        let first = follower.wait(None, PATIENCE).unwrap();
        write(&writer, MOVED_FROM);
        let second = follower.wait(Some(first), PATIENCE).unwrap();
        assert!(second.salts == first.salts && second.frames > first.frames + MOVED_FROM);
        assert_eq!(moved(&dir), (second.frames, 0));
        follower.copied(second).unwrap();
        assert_eq!(follower.wait(Some(second), Duration::ZERO), None);
        // The next commit is the one after which it would be moved, if the follower had that as well.
        write(&writer, 1);
        let third = follower.wait(Some(second), PATIENCE).unwrap();
        follower.copied(third).unwrap();
        assert_eq!(moved(&dir), (third.frames, 0));
        // A log that has grown long is worth waiting for.
        std::thread::scope(|scope| {
            scope.spawn(|| {
                let mut seen = third;
                while let Some(position) = follower.wait(Some(seen), Duration::from_secs(1)) {
                    follower.copied(position).unwrap();
                    seen = position;
                }
            });
            write(&writer, WAITS_FROM);
        });
        let (frames, moved) = moved(&dir);
        assert!(frames > WAITS_FROM && moved == frames, "{moved} of {frames}");
        write(&writer, 1);
        let anew = follower.wait(Some(third), PATIENCE).unwrap();
        assert!(anew.salts != third.salts && anew.frames < MOVED_FROM);
        writer.close().unwrap();
    }

    #[test]
    fn a_follower_that_stays_behind_is_given_up_at_its_limit() {
        let dir = tempfile::tempdir().unwrap();
        let writer = writer(&dir);
        let follower = writer.wal().follow(3 * MOVED_FROM);
        write(&writer, 2 * MOVED_FROM);
        let seen = follower.wait(None, PATIENCE).unwrap();
        assert_eq!(moved(&dir).1, 0);
        write(&writer, 2 * MOVED_FROM);
        let (frames, moved) = moved(&dir);
        assert!(frames > 3 * MOVED_FROM && moved == frames, "{moved} of {frames}");
        assert_eq!(follower.copied(seen).unwrap_err().kind(), ErrorKind::TimedOut);
        writer.close().unwrap();
    }

    #[test]
    fn a_close_waits_for_a_follower_for_a_while_and_empties_the_log_then() {
        let dir = tempfile::tempdir().unwrap();
        let writer = writer(&dir);
        let quick = writer.wal().follow(u32::MAX);
        let slow = writer.wal().follow(u32::MAX);
        write(&writer, 10);
        let seen = quick.wait(None, PATIENCE).unwrap();
        quick.copied(seen).unwrap();
        writer.close().unwrap();
        assert!(!dir.path().join("t.db-wal").exists());
        quick.copied(seen).unwrap();
        assert!(slow.copied(seen).is_err());
    }
}
