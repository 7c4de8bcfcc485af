//! The settings that the program finds outside of its command line: in environment variables, and in a configuration
//! file that sets the same names. One of a similar name is a mistake that nobody would notice.

use std::collections::BTreeMap;
use std::fmt;
use std::path::Path;

use super::Failure;
use super::args::{Arguments, SuperuserAction};
use super::configuration_file::{ConfigurationFile, Usual};
use super::global::Global;

/// The key of encrypted settings, where `--encryptionEnv` names no other variable.
pub const ENCRYPTION_KEY: &str = "BOSBASE_ENCRYPTION_KEY";

/// What the names of all of them begin with.
const PREFIX: &str = "BOSBASE_";

/// Those that are no flag's.
const SINGLE: [&str; 7] = [
    "ACME_DIRECTORY",
    "ACME_ROOT",
    "ENCRYPTION_KEY",
    "LOG",
    "METRICS_TOKEN",
    "SUPERUSER_EMAIL",
    "SUPERUSER_PASSWORD",
];

/// Those that processes tell each other, and no file.
const BETWEEN_PROCESSES: [&str; 2] = ["FAILPOINT", "RESTARTED"];

/// Those that name a bucket, behind each of [`BUCKETS`].
pub const OF_BUCKET: [&str; 7] = [
    "ACCESS_KEY",
    "BUCKET",
    "ENABLED",
    "ENDPOINT",
    "FORCE_PATH_STYLE",
    "REGION",
    "SECRET",
];
const BUCKETS: [&str; 2] = ["BACKUPS_S3_", "STORAGE_S3_"];

/// What is set outside of the command line. The environment goes before the file, and an empty variable is none.
#[derive(Clone, Default)]
pub struct Variables {
    environment: BTreeMap<String, String>,
    file: Option<ConfigurationFile>,
    /// Why the usual file does not count, where it is there.
    passed_over: Option<String>,
}

/// Names only: values may be secret.
impl fmt::Debug for Variables {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        let in_file = self.file.iter().flat_map(ConfigurationFile::keys);
        formatter
            .debug_set()
            .entries(self.environment.keys())
            .entries(in_file)
            .finish()
    }
}

/// Where a value was found.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Origin {
    Flag,
    Environment,
    /// The line of the configuration file, counted from 1.
    File(usize),
    Default,
}

impl fmt::Display for Origin {
    fn fmt(&self, formatter: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Flag => write!(formatter, "flag"),
            Self::Environment => write!(formatter, "environment"),
            Self::File(line) => write!(formatter, "file, line {line}"),
            Self::Default => write!(formatter, "default"),
        }
    }
}

impl Variables {
    /// This process's environment.
    ///
    /// # Errors
    ///
    /// Where a variable of the program's own is no text.
    pub fn of_process() -> Result<Self, Failure> {
        let mut environment = BTreeMap::new();
        for (name, value) in std::env::vars_os() {
            let Ok(name) = name.into_string() else { continue };
            match value.into_string() {
                Ok(value) => drop(environment.insert(name, value)),
                Err(_) if name.starts_with(PREFIX) => {
                    return Err(Failure(format!("The environment variable {name} is no text in UTF-8.")));
                }
                Err(_) => {}
            }
        }
        Ok(Self {
            environment,
            ..Self::default()
        })
    }

    /// The same, with a configuration file behind the environment, or with the reason why there is none.
    pub fn with_file(self, found: Usual) -> Self {
        let (file, passed_over) = match found {
            Usual::File(file) => (Some(file), None),
            Usual::None => (None, None),
            Usual::PassedOver(why) => (None, Some(why)),
        };
        Self {
            file,
            passed_over,
            ..self
        }
    }

    /// Why the usual configuration file does not count, in a sentence, where it is there.
    pub fn passed_over(&self) -> Option<&str> {
        self.passed_over.as_deref()
    }

    /// Where the configuration file is, if there is one.
    pub fn file(&self) -> Option<&Path> {
        self.file.as_ref().map(ConfigurationFile::path)
    }

    /// The value of `name`; an empty one is none.
    pub fn get(&self, name: &str) -> Option<String> {
        self.find(name).map(|(value, _)| value.to_owned())
    }

    /// The value of `name`, and where it was found.
    pub fn find(&self, name: &str) -> Option<(&str, Origin)> {
        let of_environment = self.environment.get(name).filter(|value| !value.is_empty());
        if let Some(value) = of_environment {
            return Some((value, Origin::Environment));
        }
        let entry = self.file.as_ref()?.get(name)?;
        Some((&entry.value, Origin::File(entry.line)))
    }

    /// The first superuser of an unattended installation: address and password, where both are set.
    pub fn superuser(&self) -> Option<(String, String)> {
        Some((
            self.get("BOSBASE_SUPERUSER_EMAIL")?,
            self.get(SuperuserAction::PASSWORD)?,
        ))
    }

    /// Refuses a first superuser who could not be made.
    ///
    /// # Errors
    ///
    /// With what is wrong of the address or the password.
    pub fn require_superuser(&self) -> Result<(), Failure> {
        let Some((email, password)) = self.superuser() else {
            return Ok(());
        };
        bosbase_app::accounts::require_credentials(&email, &password).map_err(|error| {
            Failure(format!(
                "BOSBASE_SUPERUSER_EMAIL and BOSBASE_SUPERUSER_PASSWORD make no superuser. {}",
                error.with_causes()
            ))
        })
    }

    /// Environment variables whose names look like the program's and are none of its, in order; `own` is one that the
    /// command line names.
    pub fn unknown(&self, own: &str) -> Vec<String> {
        let set = self.environment.iter().filter(|(_, value)| !value.is_empty());
        unknown(set.map(|(name, _)| name), own)
    }

    /// Refuses a configuration file that sets what the program does not know, save `own`.
    ///
    /// # Errors
    ///
    /// Where there is such a line; its value, which may be a secret, is not shown.
    pub fn require_known(&self, own: &str) -> Result<(), Failure> {
        let Some(file) = &self.file else { return Ok(()) };
        let settings = settings();
        match file.keys().find(|key| *key != own && !settings.contains(key)) {
            None => Ok(()),
            Some(key) => {
                let Failure(told) = file.failure(key, "is none of this program's settings");
                Err(Failure(format!("{told}{}", did_you_mean(key))))
            }
        }
    }
}

/// A question after the setting whose name is most like `name`; empty where none is like it.
pub fn did_you_mean(name: &str) -> String {
    /// Of 1, which is the same name.
    const ALIKE: f64 = 0.75;
    let likeness = |known: &String| strsim::normalized_damerau_levenshtein(known, name);
    let nearest = settings()
        .into_iter()
        .max_by(|one, other| likeness(one).total_cmp(&likeness(other)));
    match nearest.filter(|known| likeness(known) >= ALIKE) {
        Some(known) => format!(" Did you mean {known}?"),
        None => String::new(),
    }
}

/// The names of all settings: first those of the flags, in the order of the help.
pub fn settings() -> Vec<String> {
    let mut names = Vec::new();
    collect(&Arguments::explained(), &mut names);
    for name in SINGLE {
        names.push(format!("{PREFIX}{name}"));
    }
    for bucket in BUCKETS {
        names.extend(OF_BUCKET.map(|name| format!("{PREFIX}{bucket}{name}")));
    }
    names
}

/// The variables of the flags of `command`, and of its subcommands'.
fn collect(command: &clap::Command, names: &mut Vec<String>) {
    for name in command.get_arguments().filter_map(|arg| arg.get_env()?.to_str()) {
        let is_new = !names.iter().any(|known| known == name);
        // A file can't name itself, and the others stand below.
        if is_new && name != Global::CONFIG && !SINGLE.iter().any(|single| name.strip_prefix(PREFIX) == Some(single)) {
            names.push(name.to_owned());
        }
    }
    for subcommand in command.get_subcommands() {
        collect(subcommand, names);
    }
}

/// Whether the value of `name` is not to be shown.
pub fn is_secret(name: &str) -> bool {
    ["_ACCESS_KEY", "_ENCRYPTION_KEY", "_PASSWORD", "_SECRET", "_TOKEN"]
        .iter()
        .any(|ending| name.ends_with(ending))
}

fn unknown<'a>(set: impl Iterator<Item = &'a String>, own: &str) -> Vec<String> {
    let mut known = settings();
    known.push(Global::CONFIG.to_owned());
    known.extend(BETWEEN_PROCESSES.map(|name| format!("{PREFIX}{name}")));
    set.filter(|name| name.starts_with(PREFIX) && *name != own && !known.contains(name))
        .cloned()
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_misspelt_name_is_told_and_a_right_one_is_not() {
        let set = [
            "BOSBASE_BACKUPS_S3_BUCKET",
            "BOSBASE_BACKUPS_S3_SECRETS",
            "BOSBASE_BACKUP_S3_BUCKET",
            "BOSBASE_CONFIG",
            "BOSBASE_DIR",
            "BOSBASE_HTTP",
            "BOSBASE_KEY",
            "BOSBASE_LOG",
            "BOSBASE_RESTARTED",
            "BOSBASE_STORAGE_S3_ENABLED",
            "HOME",
        ]
        .map(str::to_owned);
        assert_eq!(
            unknown(set.iter(), "BOSBASE_KEY"),
            ["BOSBASE_BACKUPS_S3_SECRETS", "BOSBASE_BACKUP_S3_BUCKET"]
        );
    }

    #[test]
    fn a_misspelt_name_is_held_against_those_there_are() {
        for (name, question) in [
            ("BOSBASE_BACKUP_S3_BUCKET", " Did you mean BOSBASE_BACKUPS_S3_BUCKET?"),
            ("BOSBASE_BACKUPS_S3_SECRETS", " Did you mean BOSBASE_BACKUPS_S3_SECRET?"),
            ("BOSBASE_HTPP", " Did you mean BOSBASE_HTTP?"),
            ("PASSWORD", ""),
            ("SOMETHING_ELSE", ""),
        ] {
            assert_eq!(did_you_mean(name), question, "{name}");
        }
    }

    #[test]
    fn a_secret_is_known_by_its_name() {
        let secret: Vec<_> = settings().into_iter().filter(|name| is_secret(name)).collect();
        assert_eq!(
            secret,
            [
                "BOSBASE_ENCRYPTION_KEY",
                "BOSBASE_METRICS_TOKEN",
                "BOSBASE_SUPERUSER_PASSWORD",
                "BOSBASE_BACKUPS_S3_ACCESS_KEY",
                "BOSBASE_BACKUPS_S3_SECRET",
                "BOSBASE_STORAGE_S3_ACCESS_KEY",
                "BOSBASE_STORAGE_S3_SECRET",
            ]
        );
    }
}
