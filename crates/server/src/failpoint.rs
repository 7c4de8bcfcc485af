//! Kills or stops the process at a named step, so that a test can see what comes of it.

use std::path::PathBuf;
use std::time::Duration;

use bosbase_app::jobs::{StepHook, Steps};
use bosbase_disk::{Disk as _, RealDisk};
use rustix::process::{Signal, getpid, kill_process};

/// The variable that names the step at which the process is killed.
const KILL: &str = "BOSBASE_FAILPOINT";
/// The variable that names the step at which the process hangs, and, behind an `@`, a file that is made then: while it
/// is there, no process hangs.
const HANG: &str = "BOSBASE_HANGPOINT";
/// The variable that says how many seconds a start with restored data may take.
const LONGEST_START: &str = "BOSBASE_LONGEST_START_SECONDS";

/// What the environment asks for.
#[derive(Default)]
struct Failpoints {
    kill: Option<String>,
    hang: Option<(String, PathBuf)>,
}

impl Steps for Failpoints {
    fn reached(&self, step: &'static str) {
        if self.kill.as_deref() == Some(step) {
            // The signal can't be refused; should it ever be, the test sees that the process went on.
            let _ = kill_process(getpid(), Signal::KILL);
        }
        if let Some((at, marker)) = &self.hang
            && at == step
            && RealDisk.create_new(marker).is_ok()
        {
            loop {
                std::thread::park();
            }
        }
    }
}

/// The hook that the environment asks for.
pub fn from_environment() -> StepHook {
    let named = |variable: &str| std::env::var(variable).ok().filter(|value| !value.is_empty());
    let hang = named(HANG).and_then(|value| {
        let (step, marker) = value.split_once('@')?;
        Some((step.to_owned(), PathBuf::from(marker)))
    });
    match (named(KILL), hang) {
        (None, None) => StepHook::default(),
        (kill, hang) => StepHook::new(Failpoints { kill, hang }),
    }
}

/// How long a start with restored data may take, where the environment says so.
pub fn longest_start() -> Option<Duration> {
    let seconds = std::env::var(LONGEST_START).ok()?.parse().ok()?;
    Some(Duration::from_secs(seconds))
}
