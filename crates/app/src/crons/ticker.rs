//! The heartbeat of the recurring work.

use std::sync::mpsc::{RecvTimeoutError, Sender, channel};
use std::thread::JoinHandle;
use std::time::Duration;

use jiff::Timestamp;

use super::Crons;
use crate::outlive::outlive;

/// By how many minutes a clock may go back and still be taken to repeat them.
const LARGEST_REPEAT: i64 = 60;

/// Tells the time; tests bring their own.
pub trait Clock: Send {
    /// The time now.
    fn now(&self) -> Timestamp;
}

/// The computer's clock.
#[derive(Debug, Default, Clone, Copy)]
pub struct SystemClock;

impl Clock for SystemClock {
    fn now(&self) -> Timestamp {
        Timestamp::now()
    }
}

/// A running scheduler. Dropped, it starts no more jobs; those that run go on.
#[derive(Debug)]
pub struct Ticker {
    stop: Option<Sender<()>>,
    thread: Option<JoinHandle<()>>,
}

/// What is done each minute: its name, and how.
pub(crate) type EachMinute = (&'static str, Box<dyn Fn(Timestamp) + Send>);

/// Runs the jobs of `crons` when they are due by `clock`, and `each_minute` after them, until the answer is dropped.
///
/// A minute that passes while the machine sleeps is not made up for; one that the clock repeats is not run twice,
/// unless the clock was put back by more than an hour.
///
/// # Errors
///
/// Where the thread can't be started.
pub(crate) fn start(
    crons: Crons,
    each_minute: Vec<EachMinute>,
    clock: impl Clock + 'static,
) -> std::io::Result<Ticker> {
    let (stop, stopped) = channel();
    let thread = std::thread::Builder::new().name("crons".to_owned()).spawn(move || {
        let mut last = minute(clock.now());
        loop {
            match stopped.recv_timeout(until_next_minute(clock.now())) {
                Err(RecvTimeoutError::Timeout) => {}
                Ok(()) | Err(RecvTimeoutError::Disconnected) => return,
            }
            let now = clock.now();
            if is_new(minute(now), last) {
                last = minute(now);
                outlive("starting the jobs that are due", || crons.run_due(now));
            }
            for (what, work) in &each_minute {
                outlive(what, || work(now));
            }
        }
    })?;
    Ok(Ticker {
        stop: Some(stop),
        thread: Some(thread),
    })
}

impl Drop for Ticker {
    fn drop(&mut self) {
        drop(self.stop.take());
        if let Some(thread) = self.thread.take() {
            // It ended by itself or by a panic; both are an end.
            let _ = thread.join();
        }
    }
}

fn minute(moment: Timestamp) -> i64 {
    moment.as_second().div_euclid(60)
}

/// Whether jobs are to be looked for in the minute `now` after those of `last` were.
fn is_new(now: i64, last: i64) -> bool {
    // A clock that was years ahead and then corrected must not end the scheduled backups until it is there again.
    now > last || last - now > LARGEST_REPEAT
}

/// A little past the full minute, so that a clock read just then is not still in the old one.
fn until_next_minute(now: Timestamp) -> Duration {
    let into = now.as_millisecond().rem_euclid(60_000);
    Duration::from_millis(60_005 - into.unsigned_abs())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_corrected_clock_does_not_stop_the_schedule() {
        assert!(is_new(101, 100));
        assert!(!is_new(100, 100) && !is_new(99, 100), "a minute that is repeated");
        assert!(is_new(100, 1_000_000), "a clock that was far ahead");
    }

    #[test]
    fn the_next_tick_is_just_past_the_full_minute() {
        let at = |text: &str| until_next_minute(text.parse().unwrap()).as_millis();
        assert_eq!(at("2026-11-23T06:30:00Z"), 60_005);
        assert_eq!(at("2026-11-23T06:30:59.999Z"), 6);
    }

    /// A clock that was set to `begin` when the test began.
    struct SetClock {
        begin: Timestamp,
        started: std::time::Instant,
    }

    impl Clock for SetClock {
        fn now(&self) -> Timestamp {
            self.begin + self.started.elapsed()
        }
    }

    #[test]
    fn a_job_runs_when_its_minute_comes() {
        let dir = tempfile::tempdir().unwrap();
        let app = crate::App::open(crate::AppOptions::at(dir.path().join("pb_data"))).unwrap();
        let old = bosbase_store::LogEntry {
            id: "old000000000000".to_owned(),
            created: "2020-01-01 00:00:00.000Z".to_owned(),
            level: 0,
            message: String::new(),
            data: serde_json::Map::new(),
        };
        app.store().logs().insert_many(vec![old]).unwrap();
        let clock = SetClock {
            begin: "2026-11-23T05:59:59.900Z".parse().unwrap(),
            started: std::time::Instant::now(),
        };
        let ticker = app.start_crons(clock).unwrap();
        let give_up = std::time::Instant::now() + Duration::from_secs(20);
        // The logs are cleaned at six.
        while app.store().logs().get("old000000000000").unwrap().is_some() {
            assert!(std::time::Instant::now() < give_up, "the job did not run");
            std::thread::sleep(Duration::from_millis(10));
        }
        drop(ticker);
        app.close().unwrap();
    }
}
