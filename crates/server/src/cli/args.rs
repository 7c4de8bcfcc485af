//! What may be typed, with the help that explains it.

use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::time::Duration;

use bosbase_app::public::PublicFiles;
use bosbase_app::unsupported::ProgramDirs;
use bosbase_app::{AppOptions, DataDir};
use bosbase_certificates::LETS_ENCRYPT;
use clap::builder::{PathBufValueParser, TypedValueParser as _};
use clap::{ArgAction, Args, CommandFactory as _, Parser, Subcommand};

use super::Failure;
use super::environment::{ENCRYPTION_KEY, Variables};
use super::extract::{Extract, Into};

/// Characters of the key of encrypted settings, as in PocketBase.
const KEY_LENGTH: usize = 32;

/// An application backend on an embedded SQLite database whose backups are proven and whose restores are all or
/// nothing.
#[derive(Debug, Parser)]
#[command(name = "bosbase", version, propagate_version = true, args_override_self = true)]
pub struct Arguments {
    #[command(flatten)]
    pub global: Global,
    #[command(subcommand)]
    pub command: Command,
}

/// Flags of every command, PocketBase's among them.
#[derive(Debug, Args)]
pub struct Global {
    /// The data directory; one made by PocketBase 0.23 or later is opened (and upgraded) as it is
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
fn boolean(text: &str) -> Result<bool, String> {
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

impl Arguments {
    /// What may be typed. The environment is left to [`super::configuration`], which reads the configuration file
    /// beside it; only a password is read by clap, which wants one.
    pub fn grammar() -> clap::Command {
        of_each(Self::command(), &|arg| {
            let is_setting = arg.get_env().is_some_and(|name| name != SuperuserAction::PASSWORD);
            if is_setting { arg.env(None::<&str>) } else { arg }
        })
    }

    /// The same with the variables' names, for those who read about it.
    pub fn explained() -> clap::Command {
        of_each(Self::command(), &|arg| arg.hide_env_values(true))
    }
}

/// `command` with each argument changed, its subcommands' too.
fn of_each(command: clap::Command, change: &dyn Fn(clap::Arg) -> clap::Arg) -> clap::Command {
    command
        .mut_args(change)
        .mut_subcommands(|subcommand| of_each(subcommand, change))
}

impl Command {
    /// Whether it is about a data directory or a server, which are configured.
    pub fn is_configured(&self) -> bool {
        !matches!(self, Self::Completions { .. } | Self::Manual { .. } | Self::Routes)
    }

    /// Whether it needs what may be another user's than the data directory: a port, a file elsewhere.
    pub fn reaches_elsewhere(&self) -> bool {
        match self {
            Self::Serve(_)
            | Self::Config { .. }
            | Self::Completions { .. }
            | Self::Manual { .. }
            | Self::Routes
            | Self::Check(_) => true,
            Self::Backup { action } => match action {
                BackupAction::Import { .. } | BackupAction::Export { .. } | BackupAction::Steps => true,
                BackupAction::Extract(extract) => matches!(extract.into, Into::Directory(_)),
                _ => false,
            },
            Self::Files { .. } | Self::Superuser { .. } => false,
        }
    }
}

#[derive(Debug, Subcommand)]
pub enum Command {
    /// Start the server
    Serve(Serve),
    /// Say what of a data directory works here, before it is switched from PocketBase; nothing in it is changed
    ///
    /// Exits with 0 where nothing differs, 1 where something differs, is not honoured or has to be mended, and 2 where
    /// it can't be served.
    Check(Check),
    /// Say how the server would be configured
    Config {
        #[command(subcommand)]
        action: ConfigAction,
    },
    /// Print what makes a shell complete these commands
    Completions {
        /// The shell
        shell: clap_complete::Shell,
    },
    /// Write the man pages of all commands into a directory
    #[command(hide = true)]
    Manual {
        /// The directory, which must be there
        directory: PathBuf,
    },
    /// Print every route of the API with who may call it
    Routes,
    /// Make, check, restore and move backups, on a stopped data directory or beside a running server
    Backup {
        #[command(subcommand)]
        action: BackupAction,
    },
    /// Say whose the bucket of the uploaded files is
    Files {
        #[command(subcommand)]
        action: FilesAction,
    },
    /// Manage the superusers, who may do everything
    Superuser {
        #[command(subcommand)]
        action: SuperuserAction,
    },
}

/// `bosbase serve`
#[derive(Debug, Args)]
pub struct Serve {
    /// The names of this host: answer by HTTPS, with certificates that are got by themselves (Let's Encrypt)
    #[arg(value_name = "DOMAINS", env = "BOSBASE_DOMAINS")]
    pub domains: Vec<String>,
    /// The address of plain HTTP; without a host on all addresses [default: 127.0.0.1:8090, with domains 0.0.0.0:80]
    #[arg(long, env = "BOSBASE_HTTP", value_name = "HOST:PORT")]
    pub http: Option<String>,
    /// The address of HTTPS, to which plain HTTP leads then [default: none, with domains 0.0.0.0:443]
    #[arg(long, env = "BOSBASE_HTTPS", value_name = "HOST:PORT")]
    pub https: Option<String>,
    /// The origins of web pages that may call the API, separated by commas; * stands for any characters, ? for one
    #[arg(
        long,
        env = "BOSBASE_ORIGINS",
        default_value = "*",
        value_delimiter = ',',
        value_name = "ORIGINS"
    )]
    pub origins: Vec<String>,
    /// Start although JavaScript hooks lie in pb_hooks beside the data directory; none of them is run
    #[arg(long, env = "BOSBASE_IGNORE_HOOKS", value_name = "BOOL", num_args = 0..=1, require_equals = true,
          action = ArgAction::Set, default_value = "false", default_missing_value = "true", hide_default_value = true, value_parser = boolean)]
    pub ignore_hooks: bool,
    /// Start although pb_migrations beside the data directory holds migrations that were not applied; none of them is
    #[arg(long, env = "BOSBASE_IGNORE_MIGRATIONS", value_name = "BOOL", num_args = 0..=1, require_equals = true,
          action = ArgAction::Set, default_value = "false", default_missing_value = "true", hide_default_value = true, value_parser = boolean)]
    pub ignore_migrations: bool,
    /// Look into the data and leave the world alone: no scheduled backups, no alarms, no deletions in buckets
    #[arg(long, env = "BOSBASE_REHEARSAL", value_name = "BOOL", num_args = 0..=1, require_equals = true,
          action = ArgAction::Set, default_value = "false", default_missing_value = "true", hide_default_value = true, value_parser = boolean)]
    pub rehearsal: bool,
}

/// `bosbase config …`
#[derive(Debug, Subcommand)]
pub enum ConfigAction {
    /// Print what is in force with these flags, this environment and the configuration file, and where each value came
    /// from; nothing is started
    ///
    /// Takes the flags of serve. Secrets are not shown. Exits with 1 and a line where something is wrong.
    Check(Serve),
}

/// `bosbase check DIR`
#[derive(Debug, Args)]
pub struct Check {
    /// The data directory, also one that PocketBase is serving; the one of --dir if left out
    #[arg(value_name = "DIRECTORY", value_parser = PathBufValueParser::new().map(DataDir::at))]
    pub directory: Option<DataDir>,
    /// Say it as JSON
    #[arg(long)]
    pub json: bool,
}

/// `bosbase files …`
#[derive(Debug, Subcommand)]
pub enum FilesAction {
    /// Make this data directory the one that deletes files in the bucket of settings.s3; its owner until now no longer
    /// does
    TakeOver,
}

/// `bosbase superuser …`. A password left out is asked for in `BOSBASE_SUPERUSER_PASSWORD`, so that it need not show in
/// a process list.
#[derive(Debug, Subcommand)]
pub enum SuperuserAction {
    /// Create a superuser, or set the password of the one who is there
    Upsert(Credentials),
    /// Create a superuser
    Create(Credentials),
    /// Set a superuser's password; who was logged in with the old one no longer is
    Update(Credentials),
    /// Let superusers log in again, with a password and from any address, where settings or options keep all of them
    /// out
    Unlock,
    /// Make a one-time password of a superuser, with which to log in once where no mail arrives
    Otp {
        /// The superuser's email address
        email: String,
    },
    /// Delete a superuser
    Delete {
        /// The superuser's email address
        email: String,
    },
}

impl SuperuserAction {
    /// The variable that holds the password.
    pub const PASSWORD: &str = "BOSBASE_SUPERUSER_PASSWORD";
}

#[derive(Debug, Args)]
pub struct Credentials {
    /// The superuser's email address
    pub email: String,
    /// The password, at least 8 characters; better given in the environment, where no process list shows it
    #[arg(env = SuperuserAction::PASSWORD, hide_env_values = true)]
    pub password: String,
}

/// `bosbase backup …`
#[derive(Debug, Subcommand)]
pub enum BackupAction {
    /// Make a backup of everything: databases and uploaded files, at one point in time
    Create {
        /// Its name: lower case letters, digits, - and _, ending in .zip; made up from the time if left out
        name: Option<String>,
    },
    /// List the backups, newest first: time (UTC), bytes, name, when it was last proven
    List,
    /// Read a backup from end to end and hold it against its checksums, digests and databases
    Verify {
        /// The backup's name
        key: String,
    },
    /// Replace all data by a backup's; the server must be stopped (a running one restores by POST
    /// /api/backups/KEY/restore)
    Restore {
        /// The backup's name
        key: String,
    },
    /// Look into a backup and take single records out of it, with their files: as JSON, into a folder, or back into the
    /// data, on a stopped data directory or beside a running server
    Extract(Extract),
    /// Bring back the data that the last restore replaced; the server must be stopped (a running one does it by POST
    /// /api/backups/undo-restore)
    Undo {
        /// Also where there was no data before the restore: an empty application is left then
        #[arg(long)]
        yes: bool,
    },
    /// Name the steps of a backup and of a restore, as the crash tables in docs/design.md do
    #[command(hide = true)]
    Steps,
    /// Count the scheduled backups that lie where this data directory keeps its own as its own, also those that
    /// others made: retention then deletes those that have had their day
    TakeOver,
    /// Delete a backup for good
    Delete {
        /// The backup's name
        key: String,
    },
    /// Copy a backup out to a file
    Export {
        /// The backup's name
        key: String,
        /// Where to; must not exist yet
        file: PathBuf,
    },
    /// Take in a backup from a file, made here or by PocketBase
    Import {
        /// The archive
        file: PathBuf,
        /// The name to keep it under; the file's own if left out
        name: Option<String>,
    },
}
