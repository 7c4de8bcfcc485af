//! What is configured and this version does not do: said at start, and refused where going on could do harm.
//!
//! A hook that is not run may be the one that refuses a record, and a migration that is not applied may be the one that
//! a client needs. So these two stop the start unless its caller says to go on.

use std::collections::BTreeSet;
use std::io;
use std::path::{Component, Path, PathBuf};

use bosbase_backup::DataDir;
use bosbase_disk::{Disk as _, RealDisk};
use bosbase_store::{Collection, Store};

use crate::auth::AuthOptions;
use crate::error::{Error, Result};
use crate::jobs::restore_is_pending;
use crate::limits;
use crate::settings::Settings;

/// So many names a line lists; of more it tells the number.
const LISTED: usize = 5;

/// Where PocketBase would look for what it runs; beside the data directory unless a flag says otherwise.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct ProgramDirs {
    /// The folder of the hooks (`--hooksDir`).
    pub hooks: Option<PathBuf>,
    /// The folder of the migrations (`--migrationsDir`).
    pub migrations: Option<PathBuf>,
}

/// What lies beside a data directory for PocketBase to run.
#[derive(Debug, Clone, PartialEq, Eq, Default)]
pub struct Programs {
    /// JavaScript hooks, none of which is run: `pb_hooks/*.pb.js`.
    pub hooks: Vec<String>,
    /// Migrations that `_migrations` does not record as applied: `pb_migrations/*.js` and `*.go`.
    pub migrations: Vec<String>,
    /// Where they were looked for, as people call it.
    pub hooks_in: String,
    /// The same of the migrations.
    pub migrations_in: String,
}

impl Programs {
    /// Looks for them in `dirs` or beside `data_dir`, where PocketBase does. Reads the database, in use or not, and
    /// changes nothing. While a restore waits to be finished, the database is not looked at, and no migration counts as
    /// one that was not applied.
    ///
    /// # Errors
    ///
    /// Where a folder can't be read.
    pub fn beside(data_dir: &DataDir, dirs: &ProgramDirs) -> Result<Self> {
        Self::held_against(data_dir, dirs, data_dir)
    }

    /// The same, where `copy` is a folder with a copy of the database, which is read in place of the original.
    ///
    /// # Errors
    ///
    /// As [`Programs::beside`].
    pub(crate) fn held_against(data_dir: &DataDir, dirs: &ProgramDirs, copy: &Path) -> Result<Self> {
        let parents = parents(data_dir);
        let (hooks_in, mut hooks) = names_in(&parents, dirs.hooks.as_deref(), "pb_hooks")?;
        hooks.retain(|name| name.ends_with(".pb.js") || name.ends_with(".pb.ts"));
        let (migrations_in, mut migrations) = names_in(&parents, dirs.migrations.as_deref(), "pb_migrations")?;
        migrations.retain(|name| is_migration(name));
        if restore_is_pending(data_dir)? {
            migrations.clear();
        } else if !migrations.is_empty() {
            match bosbase_store::applied_migrations(copy) {
                Ok(applied) => migrations.retain(|name| !applied.contains(name)),
                // The process that opens it says what is wrong with it.
                Err(error) => {
                    tracing::debug!(%error, "which migrations were applied can't be told");
                    migrations.clear();
                }
            }
        }
        Ok(Self {
            hooks,
            migrations,
            hooks_in,
            migrations_in,
        })
    }
}

/// Whether PocketBase would apply a file of that name. Of Go's, those that its `migrate create` names; others help
/// them.
fn is_migration(name: &str) -> bool {
    let is_numbered = || {
        name.split_once('_')
            .is_some_and(|(number, _)| number.parse::<u64>().is_ok())
    };
    name.ends_with(".js") || name.ends_with(".ts") || name.ends_with(".go") && is_numbered()
}

/// The folders that a data directory lies in: by its name, as PocketBase goes, and, behind a link, by where it is.
pub(crate) fn parents(data_dir: &Path) -> BTreeSet<PathBuf> {
    let mut named = PathBuf::new();
    let absolute = std::path::absolute(data_dir).unwrap_or_else(|_| data_dir.to_owned());
    for part in absolute.components() {
        if part == Component::ParentDir {
            named.pop();
        } else {
            named.push(part);
        }
    }
    let real = data_dir.canonicalize().ok();
    [Some(named), real]
        .into_iter()
        .flatten()
        .filter_map(|dir| dir.parent().map(Path::to_owned))
        .collect()
}

/// The names in the folder `named`, or in those called `usual` of `parents`, in order, each once; and what to call it.
fn names_in(parents: &BTreeSet<PathBuf>, named: Option<&Path>, usual: &str) -> Result<(String, Vec<String>)> {
    if let Some(named) = named {
        return Ok((named.display().to_string(), names(named)?));
    }
    let mut all = BTreeSet::new();
    for parent in parents {
        all.extend(names(&parent.join(usual))?);
    }
    Ok((usual.to_owned(), all.into_iter().collect()))
}

/// The names in a folder in order; none where there is no folder.
fn names(folder: &Path) -> Result<Vec<String>> {
    let entries = match RealDisk.list(folder) {
        Err(error) if matches!(error.kind(), io::ErrorKind::NotFound | io::ErrorKind::NotADirectory) => {
            return Ok(Vec::new());
        }
        entries => entries,
    };
    let mut names = entries
        .and_then(|entries| {
            entries
                .map(|entry| Ok(entry?.name.to_string_lossy().into_owned()))
                .collect::<io::Result<Vec<_>>>()
        })
        .map_err(|error| Error::internal(error).saying(format!("The folder {} can't be read.", folder.display())))?;
    names.sort_unstable();
    Ok(names)
}

/// `names` in one line, the first few of many.
#[must_use]
pub fn listed(names: &[String]) -> String {
    match names.len() {
        0..=LISTED => names.join(", "),
        many => format!("{} and {} more", names[..LISTED].join(", "), many - LISTED),
    }
}

/// What the settings and the collections ask for and this version does not do, a sentence each.
#[must_use]
pub fn of_application(store: &Store, settings: &Settings) -> Vec<String> {
    let mut said = of_settings(settings);
    let schema = store.schema();
    for collection in schema.all().iter().filter(|collection| collection.is_auth()) {
        said.extend(of_collection(collection, settings).unwrap_or_else(|error| {
            let (name, error) = (&collection.name, error.with_causes());
            vec![format!(
                "The options of collection {name} can't be read, so nobody can log in there: {error}"
            )]
        }));
    }
    said
}

/// What a change of the settings, from `before` to `now`, asks for in vain and was not asked for in vain before it.
pub(crate) fn of_change(store: &Store, before: &Settings, now: &Settings) -> Vec<String> {
    let before = of_application(store, before);
    let mut said = of_application(store, now);
    said.retain(|line| !before.contains(line));
    said
}

/// What the settings say of alarms in vain: addresses that no mail can be sent to.
pub(crate) fn of_alarms(settings: &Settings) -> Option<String> {
    if settings.backups.alarm_emails.is_empty() || settings.smtp.enabled {
        return None;
    }
    let left = match settings.backups.alarm_webhook.url.is_empty() {
        true => "nobody is told when a backup fails",
        false => "alarms go to the webhook alone",
    };
    Some(format!(
        "settings.backups.alarmEmails names addresses, and no mail server is set up (settings.smtp): {left}."
    ))
}

fn of_settings(settings: &Settings) -> Vec<String> {
    let mut said = Vec::from_iter(of_alarms(settings));
    for rule in settings.rate_limits.rules.iter().filter(|rule| !limits::is_sound(rule)) {
        said.push(format!(
            "The rule {:?} of settings.rateLimits names no requests or no seconds: it limits nothing.",
            rule.label
        ));
    }
    said
}

fn of_collection(collection: &Collection, settings: &Settings) -> Result<Vec<String>> {
    let options = AuthOptions::of(collection)?;
    let name = &collection.name;
    let mut said = Vec::new();
    if options.otp.enabled && !settings.smtp.enabled {
        let way = match collection.is_superusers() {
            true => "none arrives; bosbase superuser otp EMAIL makes one",
            false => "nobody gets one",
        };
        said.push(format!(
            "Collection {name} mails one-time passwords (otp), and no mail server is set up (settings.smtp): {way}."
        ));
    }
    Ok(said)
}

#[cfg(test)]
mod tests {
    use super::*;

    /// They were taken without a word, and nobody was mailed.
    #[test]
    fn addresses_for_alarms_without_a_mail_server_are_told() {
        let mut settings = Settings::default();
        assert_eq!(of_alarms(&settings), None);
        settings.backups.alarm_emails.push("ops@example.com".to_owned());
        let said = of_alarms(&settings).unwrap();
        assert!(
            said.ends_with("(settings.smtp): nobody is told when a backup fails."),
            "{said}"
        );
        settings.backups.alarm_webhook.url = "https://example.com".to_owned();
        let said = of_alarms(&settings).unwrap();
        assert!(
            said.ends_with("(settings.smtp): alarms go to the webhook alone."),
            "{said}"
        );
        settings.smtp.enabled = true;
        assert_eq!(of_alarms(&settings), None);
    }
}
