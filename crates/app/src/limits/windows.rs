//! How many requests each client has made under each rule.

use std::collections::HashMap;
use std::sync::Arc;
use std::time::Instant;

use parking_lot::Mutex;

use crate::settings::{RateLimitRule, Settings};

/// So many clients of a rule are remembered before those whose time is over are forgotten.
const MANY: usize = 10_000;

/// What is counted together: a label, or a collection and route, with the audience of the rule.
type Key = (String, String);

/// The requests of all clients. They begin anew when settings are changed.
pub(crate) struct Windows {
    start: Instant,
    counted: Mutex<Counted>,
}

#[derive(Default)]
struct Counted {
    /// What was in force; a change of any setting lets everybody begin anew, as in PocketBase.
    settings: Option<Arc<Settings>>,
    by_key: HashMap<Key, HashMap<String, Window>>,
}

/// One client's requests under one rule. As in PocketBase, it is over when none was admitted for as long as it lasts.
#[derive(Debug, Default, Clone, Copy)]
struct Window {
    left: i64,
    /// The second of the last request that was admitted; `None` before the first.
    last: Option<u64>,
}

impl Default for Windows {
    fn default() -> Self {
        Self {
            start: Instant::now(),
            counted: Mutex::default(),
        }
    }
}

impl Windows {
    /// Counts a request of `client`, or says in how many seconds one would be admitted.
    pub(super) fn consume(
        &self,
        settings: &Arc<Settings>,
        key: Key,
        client: String,
        rule: &RateLimitRule,
    ) -> Result<(), u64> {
        let now = self.start.elapsed().as_secs();
        let mut counted = self.counted.lock();
        if !counted
            .settings
            .as_ref()
            .is_some_and(|known| Arc::ptr_eq(known, settings))
        {
            *counted = Counted {
                settings: Some(Arc::clone(settings)),
                by_key: HashMap::new(),
            };
        }
        let clients = counted.by_key.entry(key).or_default();
        let seconds = rule.duration.unsigned_abs().max(1);
        if clients.len() >= MANY && !clients.contains_key(&client) {
            clients.retain(|_, window| window.wait(now, seconds) > 0);
            if clients.len() >= MANY {
                // More than could be told apart: what they have left is theirs anew.
                clients.clear();
            }
        }
        clients
            .entry(client)
            .or_default()
            .consume(now, seconds, rule.max_requests)
    }
}

impl Window {
    /// Seconds until it is over.
    fn wait(&self, now: u64, seconds: u64) -> u64 {
        self.last.map_or(0, |last| (last + seconds).saturating_sub(now))
    }

    fn consume(&mut self, now: u64, seconds: u64, most: i64) -> Result<(), u64> {
        let wait = self.wait(now, seconds);
        if wait == 0 {
            self.left = most;
        }
        if self.left <= 0 {
            return Err(wait.max(1));
        }
        self.left -= 1;
        self.last = Some(now);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_window_is_over_when_nothing_was_admitted_for_as_long_as_it_lasts() {
        let mut window = Window::default();
        let ask = |window: &mut Window, now| window.consume(now, 3, 2);
        assert_eq!(ask(&mut window, 0), Ok(()));
        assert_eq!(ask(&mut window, 2), Ok(()));
        assert_eq!(
            ask(&mut window, 3),
            Err(2),
            "two seconds after the last one that was admitted"
        );
        assert_eq!(ask(&mut window, 4), Err(1));
        assert_eq!(ask(&mut window, 5), Ok(()), "what was refused prolongs nothing");
        assert_eq!(ask(&mut window, 5), Ok(()));
        assert_eq!(ask(&mut window, 5), Err(3));
    }

    #[test]
    fn clients_and_keys_are_counted_apart_and_a_change_of_settings_forgets_them() {
        let windows = Windows::default();
        let rule = RateLimitRule {
            label: "/api/".to_owned(),
            max_requests: 1,
            duration: 60,
            ..RateLimitRule::default()
        };
        let settings = Arc::new(Settings::default());
        let ask = |settings: &Arc<Settings>, key: &str, client: &str| {
            windows.consume(settings, (key.to_owned(), String::new()), client.to_owned(), &rule)
        };
        assert!(ask(&settings, "a", "1").is_ok());
        assert!(ask(&settings, "a", "1").is_err());
        assert!(ask(&settings, "a", "2").is_ok());
        assert!(ask(&settings, "b", "1").is_ok());
        assert!(ask(&Arc::new(Settings::default()), "a", "1").is_ok());
    }

    #[test]
    fn addresses_without_number_take_bounded_memory() {
        let windows = Windows::default();
        let rule = RateLimitRule {
            max_requests: 1,
            duration: 60,
            ..RateLimitRule::default()
        };
        let settings = Arc::new(Settings::default());
        for client in 0..3 * MANY {
            let key = ("a".to_owned(), String::new());
            windows.consume(&settings, key, client.to_string(), &rule).unwrap();
        }
        assert!(windows.counted.lock().by_key.values().map(HashMap::len).sum::<usize>() <= MANY);
    }
}
