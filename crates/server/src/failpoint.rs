//! Kills the process at a named step, so that a test can see what the next start makes of it.

use bosbase_app::jobs::Steps;
use rustix::process::{Signal, getpid, kill_process};

/// The variable that names the step.
const VARIABLE: &str = "BOSBASE_FAILPOINT";

/// Ends the process by SIGKILL when it reaches `step`.
struct KillAt {
    step: String,
}

impl Steps for KillAt {
    fn reached(&self, step: &'static str) {
        if step == self.step {
            // The signal can't be refused; should it ever be, the test sees that the process went on.
            let _ = kill_process(getpid(), Signal::KILL);
        }
    }
}

/// The hook that the environment asks for.
pub fn from_environment() -> bosbase_app::jobs::StepHook {
    match std::env::var(VARIABLE) {
        Ok(step) if !step.is_empty() => bosbase_app::jobs::StepHook::new(KillAt { step }),
        _ => bosbase_app::jobs::StepHook::default(),
    }
}
