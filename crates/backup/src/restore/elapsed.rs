//! Time that has passed for certain since something was written down, also across restarts: a clock may be set to any
//! day.

use bosbase_disk::Uptime;
use serde::{Deserialize, Serialize};

use super::Site;
use crate::error::Result;

/// It is written anew when so many seconds have passed; at most so many are lost when the machine goes down.
const WRITTEN_EVERY: u64 = 600;

/// What was counted so far.
#[derive(Debug, Clone, Default, Serialize, Deserialize)]
struct Elapsed {
    /// Seconds.
    seconds: u64,
    /// Which boot of the machine it was when it was written ...
    boot: String,
    /// ... and for how long it had been running, in seconds.
    uptime: u64,
}

/// At least so many seconds have passed since this was first asked of the data directory. The differences alone mean
/// something.
///
/// # Errors
/// [`crate::ErrorKind::Io`], [`crate::ErrorKind::NoSpace`].
pub(super) fn count(site: &Site<'_>) -> Result<u64> {
    // One that can't be read counts from zero again: what waits for it waits longer.
    let before: Option<Elapsed> = site.read_json(&site.state().elapsed()).unwrap_or_default();
    let now = Uptime::now();
    let passed = before.as_ref().map_or(0, |before| {
        now.since(&Uptime {
            boot: before.boot.clone(),
            seconds: before.uptime,
        })
    });
    let seconds = before
        .as_ref()
        .map_or(0, |before| before.seconds)
        .saturating_add(passed);
    let is_current = before.is_some_and(|before| before.boot == now.boot && passed < WRITTEN_EVERY);
    if !is_current {
        let elapsed = Elapsed {
            seconds,
            boot: now.boot,
            uptime: now.seconds,
        };
        site.write_json(&site.state().elapsed(), &elapsed)?;
    }
    Ok(seconds)
}
