//! The hook at every step of a backup and of a restore.

use std::fmt;
use std::ops::Deref;
use std::sync::Arc;

use bosbase_backup::{NoSteps, Steps};

/// Who is told of each step; nobody by default.
#[derive(Clone)]
pub struct StepHook(Arc<dyn Steps>);

impl StepHook {
    /// Tells `steps`.
    #[must_use]
    pub fn new(steps: impl Steps + 'static) -> Self {
        Self(Arc::new(steps))
    }
}

impl Default for StepHook {
    fn default() -> Self {
        Self::new(NoSteps)
    }
}

impl Deref for StepHook {
    type Target = dyn Steps;

    fn deref(&self) -> &Self::Target {
        self.0.as_ref()
    }
}

impl fmt::Debug for StepHook {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("StepHook")
    }
}
