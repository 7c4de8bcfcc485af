//! The flags of every command, and what they come to.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use axum::http::Uri;
use bosbase_app::public::PublicFiles;
use bosbase_app::unsupported::ProgramDirs;
use bosbase_app::{AppOptions, DataDir};
use bosbase_certificates::LETS_ENCRYPT;
use clap::builder::{PathBufValueParser, TypedValueParser as _};
use clap::{ArgAction, Args};

use super::Failure;
use super::environment::{ENCRYPTION_KEY, Variables};

/// Characters of the key of encrypted settings, as in PocketBase.
const KEY_LENGTH: usize = 32;

/// Flags that every command takes, before it and behind it, PocketBase's among them. Its help lists those that
/// [`Global::is_honoured`] names.
#[derive(Debug, Args)]
pub struct Global {
    /// The data directory
    #[arg(long, global = true, env = "BOSBASE_DIR", default_value = usual_dir(), value_name = "DIR", value_parser = PathBufValueParser::new().map(DataDir::at))]
    pub dir: DataDir,
    /// The name of the environment variable that holds the 32 character key of the encrypted settings
    #[arg(
        long = "encryptionEnv",
        global = true,
        env = "BOSBASE_ENCRYPTION_ENV",
        default_value = "",
        hide_default_value = true,
        value_name = "NAME"
    )]
    pub encryption_env: String,
    /// Developer mode: log every request and its causes to the terminal
    #[arg(long, global = true, env = "BOSBASE_DEV", value_name = "BOOL", num_args = 0..=1, require_equals = true,
          action = ArgAction::Set, default_value = "false", default_missing_value = "true", hide_default_value = true, value_parser = boolean)]
    pub dev: bool,
    /// The directory of the static files that are served; the first pb_public in the working directory, beside the data
    /// directory or beside the program if left out
    #[arg(long = "publicDir", global = true, env = "BOSBASE_PUBLIC_DIR", value_name = "DIR", value_parser = named)]
    pub public_dir: Option<Named>,
    /// Serve index.html of the public directory for what is not there
    #[arg(long = "indexFallback", global = true, env = "BOSBASE_INDEX_FALLBACK", value_name = "BOOL", num_args = 0..=1,
          require_equals = true, action = ArgAction::Set, default_value = "true", default_missing_value = "true", value_parser = boolean)]
    pub index_fallback: bool,
    /// How many seconds one read of the database may take
    #[arg(long = "queryTimeout", global = true, env = "BOSBASE_QUERY_TIMEOUT", value_name = "SECONDS", default_value_t = AppOptions::QUERY_TIMEOUT.as_secs().cast_signed(), allow_negative_numbers = true, value_parser = whole)]
    pub query_timeout: i64,
    /// The directory of the JavaScript hooks, which are not run: what lies there stops the start
    #[arg(long = "hooksDir", global = true, env = "BOSBASE_HOOKS_DIR", value_name = "DIR", value_parser = named)]
    pub hooks_dir: Option<Named>,
    /// Without effect: no hooks are run
    #[arg(long = "hooksWatch", global = true, env = "BOSBASE_HOOKS_WATCH", value_name = "BOOL", num_args = 0..=1, require_equals = true,
          default_missing_value = "true", value_parser = boolean)]
    pub hooks_watch: Option<bool>,
    /// Without effect: no hooks are run
    #[arg(
        long = "hooksPool",
        global = true,
        env = "BOSBASE_HOOKS_POOL",
        value_name = "NUMBER",
        allow_negative_numbers = true,
        value_parser = whole
    )]
    pub hooks_pool: Option<i64>,
    /// The directory of the migrations, which are not applied: what was not applied before stops the start
    #[arg(long = "migrationsDir", global = true, env = "BOSBASE_MIGRATIONS_DIR", value_name = "DIR", value_parser = named)]
    pub migrations_dir: Option<Named>,
    /// Without effect: no migrations are written
    #[arg(long, global = true, env = "BOSBASE_AUTOMIGRATE", value_name = "BOOL", num_args = 0..=1, require_equals = true,
          default_missing_value = "true", value_parser = boolean)]
    pub automigrate: Option<bool>,
    /// The configuration file, lines of KEY=value; none where it is empty [default: /etc/bosbase/bosbase.env where that
    /// is there]
    #[arg(long, global = true, env = Self::CONFIG, value_name = "FILE", value_parser = named)]
    pub config: Option<Named>,
    /// What the environment and the configuration file say beside the flags.
    #[arg(skip)]
    pub variables: Variables,
}

/// A path that a flag names; empty where it names the usual one, as PocketBase's defaults do.
#[derive(Debug, Clone)]
pub struct Named(PathBuf);

impl Named {
    /// The path, where it is not the usual one.
    pub fn path(&self) -> Option<PathBuf> {
        Some(&self.0).filter(|path| !path.as_os_str().is_empty()).cloned()
    }
}

#[expect(clippy::unnecessary_wraps, reason = "clap wants a Result")]
fn named(text: &str) -> Result<Named, String> {
    Ok(Named(PathBuf::from(text)))
}

/// A boolean as Go's flags take it.
pub fn boolean(text: &str) -> Result<bool, String> {
    match text {
        "1" | "t" | "T" | "true" | "TRUE" | "True" => Ok(true),
        "0" | "f" | "F" | "false" | "FALSE" | "False" => Ok(false),
        _ => Err("true or false is expected".to_owned()),
    }
}

/// A whole number, negative ones among them.
fn whole(text: &str) -> Result<i64, String> {
    text.parse().map_err(|_| "a whole number is expected".to_owned())
}

/// The data directory if nobody says otherwise: in the working directory, or beside the program, where PocketBase's
/// releases keep it, if it is there and not here.
fn usual_dir() -> OsString {
    let here = Path::new(DataDir::USUAL);
    let beside_program = program().and_then(|program| Some(program.parent()?.join(DataDir::USUAL)));
    match beside_program {
        Some(beside) if !here.is_dir() && beside.is_dir() => beside.into_os_string(),
        _ => here.as_os_str().to_owned(),
    }
}

/// What the program was called as.
fn program() -> Option<PathBuf> {
    std::env::args_os().next().map(PathBuf::from)
}

impl Global {
    /// The variable that names the configuration file, which can't be in it.
    pub const CONFIG: &str = "BOSBASE_CONFIG";
    /// The variable that names the data directory.
    pub const DIR: &str = "BOSBASE_DIR";

    /// Whether a command does anything with the flag `id`; `path` are the command's names behind the program's. One
    /// that holds commands has those that are all of theirs.
    pub fn is_honoured(id: &str, path: &[String]) -> bool {
        let path: Vec<_> = path.iter().map(String::as_str).collect();
        let serves = matches!(path[..], ["serve"] | ["config", "check"]);
        match id {
            "dir" | "encryption_env" | "config" => {
                !matches!(path[..], ["completions" | "manual" | "routes"] | ["backup", "steps"])
            }
            "query_timeout" => serves || matches!(path[..], ["superuser", ..] | ["backup", "create" | "extract"]),
            "public_dir" | "hooks_dir" | "migrations_dir" => serves || path == ["check"],
            _ => serves,
        }
    }

    /// Whether certificates come from another authority than Let's Encrypt.
    pub fn has_own_authority(&self) -> bool {
        let directory = self.variables.get("BOSBASE_ACME_DIRECTORY");
        directory.is_some_and(|directory| directory != LETS_ENCRYPT)
    }

    /// Where hooks and migrations are looked for.
    pub fn program_dirs(&self) -> ProgramDirs {
        ProgramDirs {
            hooks: self.hooks_dir.as_ref().and_then(Named::path),
            migrations: self.migrations_dir.as_ref().and_then(Named::path),
        }
    }

    /// The static files to serve beside the data directory `dir`.
    ///
    /// # Errors
    ///
    /// Where they can't be, since the data is among them.
    pub fn public_files(&self, dir: &DataDir) -> bosbase_app::Result<PublicFiles> {
        let named = self.public_dir.as_ref().and_then(Named::path);
        PublicFiles::new(named.as_deref(), dir, program().as_deref(), self.index_fallback)
    }

    /// The directory of the static files that was named, where there is none of that name.
    pub fn missing_public_dir(&self) -> Option<PathBuf> {
        let named = self.public_dir.as_ref().and_then(Named::path)?;
        (!named.is_dir()).then_some(named)
    }

    /// Refuses a data directory that can't be one.
    ///
    /// # Errors
    ///
    /// Where it is a file.
    pub fn require_directory(&self) -> Result<(), Failure> {
        match self.dir.exists() && !self.dir.is_dir() {
            true => Err(Failure(format!(
                "{} is no directory. Name another with --dir DIR.",
                self.dir.display()
            ))),
            false => Ok(()),
        }
    }

    /// Refuses an ACME server that can't be asked.
    ///
    /// # Errors
    ///
    /// Where its address is none, or its authority's certificate can't be read.
    pub fn require_authority(&self) -> Result<(), Failure> {
        if let Some(directory) = self.variables.get("BOSBASE_ACME_DIRECTORY") {
            let url = directory.parse::<Uri>().ok();
            let is_url = |url: &Uri| {
                matches!(url.scheme_str(), Some("http" | "https")) && url.host().is_some_and(|host| !host.is_empty())
            };
            if !url.as_ref().is_some_and(is_url) {
                return Err(Failure(format!(
                    "BOSBASE_ACME_DIRECTORY can't be {directory:?}: it is a URL, as {LETS_ENCRYPT}."
                )));
            }
        }
        if let Some(root) = self.variables.get("BOSBASE_ACME_ROOT") {
            bosbase_certificates::require_root(Path::new(&root)).map_err(|error| {
                Failure(format!(
                    "BOSBASE_ACME_ROOT can't be {root:?}: the PEM of a certificate is expected there ({error})."
                ))
            })?;
        }
        Ok(())
    }

    /// The flags that were given and have no effect.
    pub fn idle(&self) -> Vec<&'static str> {
        let given = [
            ("--hooksDir", self.hooks_dir.is_some()),
            ("--hooksWatch", self.hooks_watch.is_some()),
            ("--hooksPool", self.hooks_pool.is_some()),
            ("--migrationsDir", self.migrations_dir.is_some()),
            ("--automigrate", self.automigrate.is_some()),
        ];
        given
            .into_iter()
            .filter_map(|(flag, given)| given.then_some(flag))
            .collect()
    }

    /// The key of encrypted settings.
    fn encryption_key(&self) -> Result<Option<String>, Failure> {
        let (named, by) = match self.encryption_env.as_str() {
            "" => (ENCRYPTION_KEY, "The settings are encrypted by "),
            named => (named, "--encryptionEnv names "),
        };
        let key = self.variables.get(named);
        if key.is_none() && self.encryption_env.is_empty() {
            return Ok(None);
        }
        let key = key.unwrap_or_default();
        if key.len() == KEY_LENGTH {
            return Ok(Some(key));
        }
        let is_name = named.chars().all(|c| c.is_ascii_alphanumeric() || c == '_');
        if !is_name || named.len() == KEY_LENGTH {
            // It may be the key itself.
            return Err(Failure(
                "--encryptionEnv wants the name of the environment variable that holds the key, not the key itself."
                    .to_owned(),
            ));
        }
        Err(Failure(format!(
            "{by}{named}, which must be set to a key of exactly {KEY_LENGTH} characters (it has {}).",
            key.len()
        )))
    }

    /// How to open the application.
    ///
    /// # Errors
    ///
    /// Where `--encryptionEnv` names a variable that is not set or not 32 characters long.
    pub fn options(&self) -> Result<AppOptions, Failure> {
        let encryption_key = self.encryption_key()?;
        Ok(AppOptions {
            data_dir: self.dir.clone(),
            encryption_key,
            dev: self.dev,
            // As in PocketBase, none is the usual one.
            query_timeout: u64::try_from(self.query_timeout)
                .ok()
                .filter(|seconds| *seconds > 0)
                .map_or(AppOptions::QUERY_TIMEOUT, Duration::from_secs),
            backups_place: super::bucket::backups_place(&self.variables)?,
            rehearsal: false,
            files_place: super::bucket::files_place(&self.variables)?,
            #[cfg(feature = "failpoints")]
            steps: crate::failpoint::from_environment(),
            #[cfg(not(feature = "failpoints"))]
            steps: bosbase_app::jobs::StepHook::default(),
        })
    }
}
