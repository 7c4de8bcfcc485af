//! How often a client may ask: the rules of `settings.rateLimits`, and a default for logins where those are off.
//!
//! A client is its address, as `settings.trustedProxy` tells it. All of an IPv6 client's /64 is one address: it is one
//! customer's.

mod budget;
mod logins;
mod rules;
mod windows;

use std::sync::Arc;
use std::time::Duration;

use bosbase_store::Store;

use crate::caller::Caller;
use crate::error::{Error, ErrorKind, Result};
use crate::formats::Subnet;
use crate::settings::SettingsCell;

use logins::{Attempt, LoginGuard};
pub(crate) use rules::is_sound;
use windows::Windows;

/// What of a request the rules look at.
#[derive(Debug, Clone, Copy)]
pub struct Target<'a> {
    /// The request's method.
    pub method: &'a str,
    /// The URL's path, decoded.
    pub path: &'a str,
    /// The route as it is written in the table of routes; empty where there is none.
    pub route: &'a str,
    /// The collection that the path names, for the routes whose rules are told by collection and action.
    pub collection: Option<&'a str>,
    /// What the route does to that collection: `list`, `create`, `auth`, …
    pub actions: &'static [&'static str],
}

/// Holds requests against the rules of the settings. Clones share the counts.
#[derive(Clone)]
pub struct RateLimits {
    store: Store,
    settings: Arc<SettingsCell>,
    windows: Arc<Windows>,
}

impl RateLimits {
    /// The rules of `settings` for the collections of `store`.
    pub(crate) fn new(store: Store, settings: Arc<SettingsCell>) -> Self {
        Self {
            store,
            settings,
            windows: Arc::default(),
        }
    }

    /// Counts a request against the rule of `settings.rateLimits` that it falls under.
    ///
    /// Superusers and excluded addresses are not counted.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::RateLimited`] where the rule's requests are used up.
    pub fn check(&self, target: &Target<'_>, caller: &Caller) -> Result<()> {
        let settings = self.settings.get();
        let limits = &settings.rate_limits;
        if !limits.enabled || caller.is_superuser() {
            return Ok(());
        }
        let address = caller.client();
        let excluded = |text: &String| {
            let subnet = Subnet::parse(text);
            subnet.is_some_and(|subnet| caller.ip.parse().is_ok_and(|ip| subnet.contains(ip)))
        };
        if address.is_empty() || limits.excluded_ips.iter().any(excluded) {
            return Ok(());
        }
        let mut labels = Vec::new();
        let mut counted = None;
        if let Some(name) = target.collection {
            // Without one the answer is a 404, whose cost nobody needs to count.
            let schema = self.store.schema();
            let Some(collection) = schema.find(name) else {
                return Ok(());
            };
            labels.extend(
                target
                    .actions
                    .iter()
                    .map(|action| format!("{}:{action}", collection.name)),
            );
            labels.extend(target.actions.iter().map(|action| format!("*:{action}")));
            counted = Some(format!("{} {} {}", collection.id, target.method, target.route));
        }
        labels.push(format!("{} {}", target.method, target.path));
        labels.push(target.path.to_owned());
        let Some(rule) = rules::find(&limits.rules, &labels, caller.auth.is_some()) else {
            return Ok(());
        };
        // What one collection is asked does not use up the requests of another.
        let counted = counted.unwrap_or_else(|| rule.label.clone());
        let key = (counted, rule.audience.clone());
        let counted = self.windows.consume(&settings, key, address, rule);
        counted.map_err(|seconds| too_many(Duration::from_secs(seconds)))
    }
}

/// Admits tries of passwords. Clones share the counts.
#[derive(Clone)]
pub(crate) struct PasswordTries {
    settings: Arc<SettingsCell>,
    guard: Arc<LoginGuard>,
}

impl PasswordTries {
    pub(crate) fn new(settings: Arc<SettingsCell>) -> Self {
        Self {
            settings,
            guard: Arc::default(),
        }
    }

    /// Admits a try of a password at `account` from the address `ip`. Where the settings limit requests, their rules
    /// alone count.
    ///
    /// # Errors
    ///
    /// [`ErrorKind::RateLimited`] after too many wrong ones.
    pub(crate) fn begin(&self, ip: &str, account: &str) -> Result<Attempt<'_>> {
        if self.settings.get().rate_limits.enabled {
            return Ok(Attempt::uncounted());
        }
        self.guard.attempt(ip, account)
    }
}

/// The answer to one request too many; the next one may come after `wait`.
fn too_many(wait: Duration) -> Error {
    Error::new(ErrorKind::RateLimited, "Too Many Requests.").retry_after(wait)
}
